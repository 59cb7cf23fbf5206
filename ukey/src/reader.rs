//! Reads fields off bytes from outside, and says where they end too early.

use crate::Error;

/// What is left to read of a thing, and where.
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Begins with the magic and the format's version, which must be 1 to `known`.
    pub(crate) fn begin(what: &'static str, bytes: &'a [u8], magic: &[u8], known: u8) -> Result<Self, Error> {
        let mut reader = Self { what, bytes, at: 0 };
        // A beginning of the magic is a thing cut short; anything else never was one.
        if bytes.is_empty() || bytes.iter().zip(magic).any(|(one, other)| one != other) {
            return Err(Error::Foreign { what });
        }
        reader.take(magic.len())?;
        match reader.byte()? {
            0 => Err(Error::Malformed { what, why: "there is no format version 0" }),
            version if version > known => Err(Error::Newer { what, version, known }),
            _ => Ok(reader),
        }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let left = self.bytes.len().saturating_sub(self.at);
        let end = self.at.saturating_add(len);
        let taken = self.bytes.get(self.at..end).ok_or(Error::Truncated {
            what: self.what,
            at: self.bytes.len(),
            wanted: len.saturating_sub(left),
        })?;
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| self.malformed("a field of another length"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// All that was read so far.
    pub(crate) fn so_far(&self) -> &'a [u8] {
        self.bytes.get(..self.at).unwrap_or_default()
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Error> {
        match self.bytes.len().saturating_sub(self.at) {
            0 => Ok(()),
            extra => Err(Error::Trailing { what: self.what, at: self.at, extra }),
        }
    }

    pub(crate) const fn malformed(&self, why: &'static str) -> Error {
        Error::Malformed { what: self.what, why }
    }
}
