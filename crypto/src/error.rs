//! What can go wrong. Few kinds, because callers must not learn from an error what is wrong with a ciphertext.

/// Why an operation failed. The text names the thing at fault and never holds data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key is of the wrong length, degenerate, or its parts contradict each other.
    #[error("invalid key: {0}")]
    InvalidKey(&'static str),
    /// A parameter other than the key or the data is out of range.
    #[error("invalid parameter: {0}")]
    InvalidParameter(&'static str),
    /// The data has the wrong length, or its padding, tag or signature is wrong.
    #[error("invalid data: {0}")]
    InvalidData(&'static str),
    /// The data is longer than the algorithm can take with these parameters.
    #[error("too much data for the algorithm")]
    TooLong,
    /// The library failed where it should not have: no memory, or a defect.
    #[error("the cryptographic library failed: {0}")]
    Failed(&'static str),
}
