//! AES key wrap (RFC 3394) and key wrap with padding (RFC 5649), as in NIST SP 800-38F.

use crate::aes::Key;
use crate::ffi::cipher::{Direction, Schedule};
use crate::{Error, Secret};

/// The initial value of RFC 3394, "Default Initial Value".
pub const KW_IV: [u8; 8] = [0xa6; 8];
/// The first half of the initial value of RFC 5649, "Alternative Initial Value".
pub const KWP_IV: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];

const REFUSED: Error = Error::InvalidData("the data does not unwrap");

/// Wraps `data`, whole groups of eight bytes and at least two.
///
/// # Errors
/// `InvalidData` for another length.
pub fn kw_wrap(key: &Key, iv: &[u8; 8], data: &Secret) -> Result<Vec<u8>, Error> {
    if data.len() < 16 || !data.len().is_multiple_of(8) {
        return Err(Error::InvalidData("key wrap takes whole groups of 8 bytes, at least 2"));
    }
    Schedule::new(Direction::Encrypt, key.as_bytes())?.wrap(iv, data.as_bytes())
}

/// Unwraps what [`kw_wrap`] made.
///
/// # Errors
/// `InvalidData` if it was made with another key or initial value, or was changed.
pub fn kw_unwrap(key: &Key, iv: &[u8; 8], wrapped: &[u8]) -> Result<Secret, Error> {
    if wrapped.len() < 24 || !wrapped.len().is_multiple_of(8) {
        return Err(REFUSED);
    }
    Schedule::new(Direction::Decrypt, key.as_bytes())?.unwrap(iv, wrapped).map(Secret::new)
}

/// Wraps `data` of any length but none, padded. `iv` is the first half of the initial value; the length of the
/// data is the other.
///
/// # Errors
/// `InvalidData` for no data; `TooLong` for 2³² bytes or more.
pub fn kwp_wrap(key: &Key, iv: &[u8; 4], data: &Secret) -> Result<Vec<u8>, Error> {
    if data.is_empty() {
        return Err(Error::InvalidData("key wrap takes at least a byte"));
    }
    let mut padded = Vec::with_capacity(data.len().saturating_add(16));
    padded.extend_from_slice(data.as_bytes());
    padded.resize(data.len().next_multiple_of(8), 0);
    let padded = Secret::new(padded);
    let initial = initial_value(iv, u32::try_from(data.len()).map_err(|_| Error::TooLong)?);
    let schedule = Schedule::new(Direction::Encrypt, key.as_bytes())?;
    match <[u8; 8]>::try_from(padded.as_bytes()) {
        Ok(single) => Ok(schedule.encrypt(join(initial, single)).to_vec()),
        Err(_) => schedule.wrap(&initial, padded.as_bytes()),
    }
}

/// Unwraps what [`kwp_wrap`] made.
///
/// # Errors
/// `InvalidData` if it was made with another key or initial value, or was changed.
pub fn kwp_unwrap(key: &Key, iv: &[u8; 4], wrapped: &[u8]) -> Result<Secret, Error> {
    if wrapped.len() < 16 || !wrapped.len().is_multiple_of(8) {
        return Err(REFUSED);
    }
    let schedule = Schedule::new(Direction::Decrypt, key.as_bytes())?;
    if *iv == KWP_IV {
        return schedule.unwrap_padded(wrapped).map(Secret::new);
    }
    if let Ok(block) = <[u8; 16]>::try_from(wrapped) {
        let (initial, single) = split(schedule.decrypt(block));
        return unpad(iv, &initial, &Secret::new(single.to_vec()));
    }
    // The library checks an initial value that it is told, and ours holds the length of the data: one of the
    // eight that pad to this many bytes.
    let padded = u32::try_from(wrapped.len() - 8).map_err(|_| Error::TooLong)?;
    let mut found = Err(REFUSED);
    for len in padded - 7..=padded {
        let initial = initial_value(iv, len);
        if let Ok(data) = schedule.unwrap(&initial, wrapped) {
            found = unpad(iv, &initial, &Secret::new(data));
        }
    }
    found
}

fn initial_value(iv: &[u8; 4], len: u32) -> [u8; 8] {
    let [a, b, c, d] = *iv;
    let [e, f, g, h] = len.to_be_bytes();
    [a, b, c, d, e, f, g, h]
}

/// The data without its padding, if initial value, length and padding are right.
fn unpad(iv: &[u8; 4], initial: &[u8; 8], padded: &Secret) -> Result<Secret, Error> {
    let [_, _, _, _, e, f, g, h] = *initial;
    let claimed = u32::from_be_bytes([e, f, g, h]);
    let len = usize::try_from(claimed).map_err(|_| REFUSED)?;
    let right = *initial == initial_value(iv, claimed)
        && len != 0
        && len <= padded.len()
        && padded.len() - len < 8
        && padded.as_bytes().iter().skip(len).fold(0, |all, byte| all | byte) == 0;
    if right { Ok(Secret::new(padded.as_bytes().iter().copied().take(len).collect())) } else { Err(REFUSED) }
}

fn join(left: [u8; 8], right: [u8; 8]) -> [u8; 16] {
    let both = (u128::from(u64::from_be_bytes(left)) << 64) | u128::from(u64::from_be_bytes(right));
    both.to_be_bytes()
}

fn split(block: [u8; 16]) -> ([u8; 8], [u8; 8]) {
    let both = u128::from_be_bytes(block);
    (((both >> 64) as u64).to_be_bytes(), (both as u64).to_be_bytes())
}
