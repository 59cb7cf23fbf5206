//! Numbers and bounded texts to bytes and back: little-endian numbers, lengths before what they measure.

use crate::{Error, Text};

/// What is left to read.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

const SHORT: Error = Error::Malformed("it stops too early");

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text with its length before it: one byte of length if it has at most 255 bytes, two otherwise.
    pub(crate) fn text<const N: usize>(&mut self) -> Result<Text<N>, Error> {
        let len = if N < 256 { usize::from(self.u8()?) } else { usize::from(self.u16()?) };
        if len > N {
            return Err(Error::Malformed("a text is too long"));
        }
        let text =
            std::str::from_utf8(self.take(len)?).map_err(|_| Error::Malformed("a text is not UTF-8"))?;
        Ok(Text::from(text))
    }

    /// That nothing is left.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Malformed("bytes are left over")) }
    }
}

/// Appends a text as [`Bytes::text`] reads it.
pub(crate) fn put_text<const N: usize>(text: &Text<N>, out: &mut Vec<u8>) {
    // A `Text<N>` has at most N bytes, and no N is above 65,535.
    let len = u16::try_from(text.as_str().len()).unwrap_or(u16::MAX).to_le_bytes();
    out.extend(len.iter().take(if N < 256 { 1 } else { 2 }));
    out.extend(text.as_str().as_bytes());
}
