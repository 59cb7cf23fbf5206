//! Numbers and byte strings of a file, bounded by what is left of it.

use crate::Error;

/// A place in the bytes of a file.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    left: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes, at: 0 }
    }

    /// Bytes from the beginning of the file.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.left.is_empty()
    }

    /// The next so many bytes.
    pub(crate) fn take(&mut self, len: u64) -> Result<&'a [u8], Error> {
        let short = Error::Truncated { at: self.at, wanted: len, left: self.left.len() };
        let len = usize::try_from(len).map_err(|_| short.clone())?;
        let (taken, left) = self.left.split_at_checked(len).ok_or(short)?;
        self.left = left;
        self.at += len;
        Ok(taken)
    }

    /// The next so many bytes, as a place of their own: what is read there does not reach beyond them.
    pub(crate) fn part(&mut self, len: u64) -> Result<Self, Error> {
        let at = self.at;
        Ok(Self { left: self.take(len)?, at })
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.take(1).map(|bytes| bytes.first().copied().unwrap_or(0))
    }

    /// A number: eight bytes, the highest first.
    pub(crate) fn number(&mut self) -> Result<u64, Error> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length before what it is of, at most `limit`.
    pub(crate) fn length(&mut self, limit: u64, what: &'static str) -> Result<u64, Error> {
        let at = self.at;
        match self.number()? {
            len if len > limit => Err(Error::Damaged { at, what }),
            len => Ok(len),
        }
    }
}
