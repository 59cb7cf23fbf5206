//! Values to bytes and back: `postcard`, and nothing may be left over.

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
