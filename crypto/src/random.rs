//! Random bytes from AWS-LC's generator, which seeds itself from the system and notices a fork.

use crate::{Error, ffi};

/// Fills `out` with random bytes.
///
/// # Errors
/// `Failed` if the generator cannot be used.
pub fn fill(out: &mut [u8]) -> Result<(), Error> {
    ffi::random(out)
}

/// `len` random bytes.
///
/// # Errors
/// `Failed` if the generator cannot be used.
pub fn bytes(len: usize) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; len];
    fill(&mut out)?;
    Ok(out)
}

/// Mixes `seed` into the generator. It can only add to what the generator knows, never replace it.
pub fn add_seed(seed: &[u8]) {
    ffi::seed(seed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_even_after_the_same_seed() {
        add_seed(b"same");
        let first = bytes(32).unwrap();
        add_seed(b"same");
        let second = bytes(32).unwrap();
        assert_ne!(first, second);
        assert_eq!(first.len(), 32);
    }

    #[test]
    fn no_bytes_are_no_error() {
        assert!(bytes(0).unwrap().is_empty());
        add_seed(&[]);
    }
}
