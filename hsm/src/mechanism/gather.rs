//! Operations whose mechanism needs all data at once: they gather what comes, up to a limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use crypto::Secret;
use wire::frame::MAX_DATA;

use super::{Cipher, Signer, Verifier};
use crate::error::Error;

/// The most bytes that are gathered for one operation: what fits in one call.
const LIMIT: usize = MAX_DATA as usize;

/// Whether an operation may come in parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// All data comes in one call.
    One,
    /// Data may come in parts, which are gathered.
    Many,
}

/// Which way a cipher goes: decides how it names data of the wrong length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Encrypt,
    Decrypt,
}

impl Direction {
    /// The error for data that is too long.
    pub(super) const fn too_long(self) -> Error {
        match self {
            Self::Encrypt => Error::DataLenRange("more than the mechanism takes"),
            Self::Decrypt => Error::EncryptedDataLenRange,
        }
    }
}

/// What all operations together may gather, in bytes.
const ALL: usize = 1 << 30;
/// What they have gathered now.
static GATHERED: AtomicUsize = AtomicUsize::new(0);

/// The data so far, which may be a secret: all memory it ever had is wiped.
#[derive(Default)]
struct Gathered(Vec<u8>);

impl Gathered {
    fn add(&mut self, data: &[u8], too_long: Error) -> Result<(), Error> {
        let len = self.0.len().saturating_add(data.len());
        if len > LIMIT {
            return Err(too_long);
        }
        if len > self.0.capacity() {
            let room = len.max(self.0.capacity().saturating_mul(2)).min(LIMIT);
            take(room - self.0.capacity())?;
            let mut larger = Vec::with_capacity(room);
            larger.extend_from_slice(&self.0);
            drop(Secret::new(std::mem::replace(&mut self.0, larger)));
        }
        self.0.extend_from_slice(data);
        Ok(())
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        GATHERED.fetch_sub(self.0.capacity(), Ordering::Relaxed);
        drop(Secret::new(std::mem::take(&mut self.0)));
    }
}

/// Takes so many bytes of what all operations may gather.
fn take(room: usize) -> Result<(), Error> {
    let within = |taken: usize| taken.checked_add(room).filter(|taken| *taken <= ALL);
    let taken = GATHERED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
    taken.map(drop).map_err(|_| Error::NoMemory { limit: ALL as u64 })
}

/// A signature over the whole data.
struct Signing<F> {
    data: Gathered,
    len: u64,
    parts: Parts,
    sign: F,
}

/// Signs all data at once; the signature has `len` bytes.
pub(super) fn signer<F>(len: usize, parts: Parts, sign: F) -> Box<dyn Signer>
where
    F: FnOnce(&[u8]) -> Result<Vec<u8>, Error> + Send + 'static,
{
    Box::new(Signing { data: Gathered::default(), len: len as u64, parts, sign })
}

impl<F: FnOnce(&[u8]) -> Result<Vec<u8>, Error> + Send> Signer for Signing<F> {
    fn len(&self) -> u64 {
        self.len
    }

    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.data.add(data, Direction::Encrypt.too_long())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error> {
        (self.sign)(&self.data.0)
    }

    fn single_part(&self) -> bool {
        self.parts == Parts::One
    }
}

/// The check of a signature over the whole data.
struct Verifying<F> {
    data: Gathered,
    parts: Parts,
    verify: F,
}

/// Verifies all data at once; `verify` is given the data, then the signature.
pub(super) fn verifier<F>(parts: Parts, verify: F) -> Box<dyn Verifier>
where
    F: FnOnce(&[u8], &[u8]) -> Result<(), Error> + Send + 'static,
{
    Box::new(Verifying { data: Gathered::default(), parts, verify })
}

impl<F: FnOnce(&[u8], &[u8]) -> Result<(), Error> + Send> Verifier for Verifying<F> {
    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.data.add(data, Direction::Encrypt.too_long())
    }

    fn finish(self: Box<Self>, signature: &[u8]) -> Result<(), Error> {
        (self.verify)(&self.data.0, signature)
    }

    fn single_part(&self) -> bool {
        self.parts == Parts::One
    }
}

/// A cipher over the whole data.
struct Ciphering<L, F> {
    data: Gathered,
    direction: Direction,
    parts: Parts,
    len: L,
    run: F,
}

/// Encrypts or decrypts all data at once; `len` is the most bytes that so many bytes of input give.
pub(super) fn cipher<L, F>(direction: Direction, parts: Parts, len: L, run: F) -> Box<dyn Cipher>
where
    L: Fn(u64) -> u64 + Send + 'static,
    F: FnOnce(&[u8]) -> Result<Vec<u8>, Error> + Send + 'static,
{
    Box::new(Ciphering { data: Gathered::default(), direction, parts, len, run })
}

impl<L, F> Cipher for Ciphering<L, F>
where
    L: Fn(u64) -> u64 + Send,
    F: FnOnce(&[u8]) -> Result<Vec<u8>, Error> + Send,
{
    fn update_len(&self, _input: u64) -> u64 {
        0
    }

    fn final_len(&self) -> u64 {
        self.whole_len(0)
    }

    fn whole_len(&self, input: u64) -> u64 {
        (self.len)((self.data.0.len() as u64).saturating_add(input))
    }

    fn update(&mut self, input: &[u8], _output: &mut Vec<u8>) -> Result<(), Error> {
        self.data.add(input, self.direction.too_long())
    }

    fn finish(self: Box<Self>, output: &mut Vec<u8>) -> Result<(), Error> {
        append((self.run)(&self.data.0)?, output);
        Ok(())
    }

    fn whole(mut self: Box<Self>, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        if self.data.0.is_empty() {
            append((self.run)(input)?, output);
            return Ok(());
        }
        self.update(input, output)?;
        self.finish(output)
    }

    fn single_part(&self) -> bool {
        self.parts == Parts::One
    }
}

/// Moves `result` to the end of `output`, without a copy where that is empty.
pub(super) fn append(result: Vec<u8>, output: &mut Vec<u8>) {
    if output.is_empty() {
        *output = result;
    } else {
        output.extend_from_slice(Secret::new(result).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operations_gather_together_is_bounded_and_given_back() {
        let refused = take(ALL + 1).unwrap_err();
        assert_eq!(refused.rv(), wire::Rv::DEVICE_MEMORY);
        let before = GATHERED.load(Ordering::Relaxed);
        let mut gathered = Gathered::default();
        for part in [1, 100, 70_000, 3] {
            gathered.add(&vec![7; part], Error::EncryptedDataLenRange).unwrap();
        }
        assert_eq!(gathered.0, vec![7; 70_104]);
        assert!(GATHERED.load(Ordering::Relaxed) >= before + 70_104);
        let too_long = gathered.add(&vec![7; LIMIT], Error::EncryptedDataLenRange).unwrap_err();
        assert_eq!(too_long.rv(), wire::Rv::ENCRYPTED_DATA_LEN_RANGE);
        drop(gathered);
        assert_eq!(GATHERED.load(Ordering::Relaxed), before);
    }
}
