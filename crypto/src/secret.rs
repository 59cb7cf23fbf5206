//! Bytes that nobody may see.

use std::fmt;

use crate::ffi;

/// Bytes nobody may see: wiped on drop, printed as dots, compared in constant time, cloned only by name.
pub struct Secret(Vec<u8>);

impl Drop for Secret {
    /// Wipes all the memory that the bytes had, at the speed of `memset`: a plaintext can be long.
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Wipes a buffer with the room beyond its length, and leaves it empty.
pub(crate) fn wipe(bytes: &mut Vec<u8>) {
    let room = bytes.capacity();
    bytes.clear();
    bytes.resize(room, 0);
    zeroize::optimization_barrier(bytes);
    bytes.clear();
}

impl Secret {
    /// Takes the bytes over. They are wiped when the secret is dropped.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A second copy, for the rare place that needs one; hence not `Clone`.
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl PartialEq for Secret {
    /// In time that depends on the lengths alone.
    fn eq(&self, other: &Self) -> bool {
        ffi::equal(self.as_bytes(), other.as_bytes())
    }
}

impl Eq for Secret {}

/// Whether two strings of bytes are equal, in time that depends on their lengths alone: for tags and MACs.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    ffi::equal(left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_its_bytes() {
        assert_eq!(format!("{:?}", Secret::new(vec![0x41; 3])), "Secret(..)");
    }

    #[test]
    fn secrets_are_equal_when_all_their_bytes_are() {
        let secret = Secret::new(vec![1, 2, 3]);
        assert_eq!(secret, secret.duplicate());
        assert_ne!(secret, Secret::new(vec![1, 2, 4]));
        assert_ne!(secret, Secret::new(vec![1, 2]));
        assert_eq!(Secret::new(vec![]), Secret::new(vec![]));
    }
}
