//! Random numbers (PKCS#11 3.2, "Random number generation functions").

use cryptoki_sys::{CK_BYTE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::random::{GenerateRandom, SeedRandom};
use wire::codec::decode;
use wire::{Rv, SessionHandle, Slice};

use crate::memory::{self, MAX_RANDOM, Run};
use crate::process::enter;

/// How much one trip brings, in bytes.
const PIECE: usize = 1 << 20;

/// # Safety
/// `seed` is null or readable for `seed_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SeedRandom(session: CK_SESSION_HANDLE, seed: *mut CK_BYTE, seed_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_SeedRandom`.
        let seed = unsafe { memory::input(seed, seed_len, Rv::ARGUMENTS_BAD) }?;
        client.look(&SeedRandom { session: SessionHandle(session), seed })
    })
}

/// # Safety
/// `random` is null or writable for `random_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateRandom(session: CK_SESSION_HANDLE, random: *mut CK_BYTE, random_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        if random_len > MAX_RANDOM as CK_ULONG {
            return Err(Rv::ARGUMENTS_BAD);
        }
        // SAFETY: the caller keeps the contract of `C_GenerateRandom`.
        let mut to = unsafe { Run::new(random, random_len) }?;
        loop {
            let len = to.left().min(PIECE);
            client.read(&GenerateRandom { session: SessionHandle(session), len: len as u64 }, |reply| {
                match decode::<Slice>(reply) {
                    Ok(Slice(bytes)) if bytes.len() == len => to.push(bytes),
                    _ => Err(Rv::DEVICE_ERROR),
                }
            })?;
            if to.left() == 0 {
                return Ok(());
            }
        }
    })
}
