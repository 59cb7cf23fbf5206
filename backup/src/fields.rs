//! Fields of a header that is whole, read one after the other.

use crate::Error;

/// What is left to read.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) =
            self.0.split_at_checked(len).ok_or(Error::HeaderMalformed("a field goes beyond its end"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| Error::HeaderMalformed("a field of another length"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
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

    /// A text that is as long as the byte before it says, without control characters.
    pub(crate) fn text(&mut self, max: usize) -> Result<String, Error> {
        let len = self.byte()?.into();
        let text =
            str::from_utf8(self.take(len)?).map_err(|_| Error::HeaderMalformed("a name is not UTF-8"))?;
        if len > max || text.chars().any(char::is_control) {
            return Err(Error::HeaderMalformed("a name is too long or has control characters"));
        }
        Ok(text.to_owned())
    }

    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::HeaderMalformed("it goes on after its end")) }
    }
}

/// A text after its length.
pub(crate) fn put_text(text: &str, max: usize, to: &mut Vec<u8>) -> Result<(), Error> {
    let len = u8::try_from(text.len()).ok().filter(|len| usize::from(*len) <= max);
    to.push(len.ok_or(Error::Defect("a name is longer than its field"))?);
    to.extend_from_slice(text.as_bytes());
    Ok(())
}
