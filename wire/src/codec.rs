//! Values to bytes and back: `postcard`, and nothing may be left over.

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};

use crate::Rv;

/// A value could not be encoded, or bytes are not a value of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message")]
pub struct Malformed;

/// Appends the encoding of `value` to `to`.
///
/// # Errors
/// [`Malformed`] if the value has no encoding.
pub fn encode<T: Serialize + ?Sized>(value: &T, to: &mut Vec<u8>) -> Result<(), Malformed> {
    *to = postcard::to_extend(value, std::mem::take(to)).map_err(|_| Malformed)?;
    Ok(())
}

/// Appends the encoding of `value` to `to`, leaving out the bytes of `value` that are `long`, so that they need not be
/// copied. Answers where in `to` they belong, if they are a part of it.
///
/// # Errors
/// As [`encode`].
pub fn encode_around<T: Serialize + ?Sized>(
    value: &T,
    long: &[u8],
    to: &mut Vec<u8>,
) -> Result<Option<usize>, Malformed> {
    let around = Around { to: std::mem::take(to), long, at: None };
    let at;
    (*to, at) = postcard::serialize_with_flavor(value, around).map_err(|_| Malformed)?;
    Ok(at)
}

struct Around<'a> {
    to: Vec<u8>,
    long: &'a [u8],
    at: Option<usize>,
}

impl Flavor for Around<'_> {
    type Output = (Vec<u8>, Option<usize>);

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.to.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        // The same bytes in the same place, not merely equal ones.
        if self.at.is_none() && std::ptr::eq(bytes, self.long) {
            self.at = Some(self.to.len());
        } else {
            self.to.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Self::Output> {
        Ok((self.to, self.at))
    }
}

/// Decodes the whole of `bytes`.
///
/// # Errors
/// [`Malformed`] if the bytes are not exactly one value.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(Malformed),
    }
}

/// Decodes the value of a reply.
///
/// # Errors
/// `DEVICE_ERROR` if the bytes are not exactly one value.
pub fn reply<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Rv> {
    decode(bytes).map_err(|_| Rv::DEVICE_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::Call;
    use crate::calls::encrypt::Encrypt;
    use crate::{Room, SessionHandle, Slice};

    #[test]
    fn what_is_left_out_fits_where_it_belongs() {
        let data = vec![7; 1000];
        let call = Encrypt { session: SessionHandle(300), data: Slice(&data), room: Room::Bytes(5000) };
        let (mut whole, mut around) = (b"before".to_vec(), b"before".to_vec());
        encode(&call, &mut whole).unwrap();
        let at = encode_around(&call, call.data(), &mut around).unwrap().unwrap();
        assert_eq!(around.len() + data.len(), whole.len());
        around.splice(at..at, data.iter().copied());
        assert_eq!(around, whole);
    }

    #[test]
    fn equal_bytes_that_are_elsewhere_are_not_left_out() {
        let (data, other) = (vec![7; 1000], vec![7; 1000]);
        let mut around = Vec::new();
        assert_eq!(encode_around(&Slice(&data), &other, &mut around), Ok(None));
        assert!(around.len() > data.len());
    }
}
