//! What can go wrong in writing, resuming and proving. What a verifier finds is not an error but a finding.

use std::io;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are none of ours, or damaged.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The file is of another version of the format.
    #[error("the format is of version {0}; this program knows version 1")]
    Version(u16),
    /// A segment that stops within its header: a crash while it was begun. It holds no record; remove it, and
    /// go on from the segment before it.
    #[error("the segment stops within its header")]
    TornHeader,
    /// The segment was changed after it was written.
    #[error("the log was changed: {what}, at byte {offset} of segment {segment}")]
    Tampered {
        /// The segment's number, as its header has it.
        segment: u64,
        /// Where the frame at fault begins.
        offset: u64,
        /// What is wrong with it, in words.
        what: String,
    },
    /// The key is none, or of an algorithm that is not supported.
    #[error("not a public key: {0}")]
    Key(&'static str),
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The key that signs is not the one that the header of the segment names.
    #[error("this segment is signed by another key")]
    OtherKey,
    /// The signer failed.
    #[error("the audit key did not sign: {0}")]
    Signer(String),
    /// A record with another number than the next one.
    #[error("record {got} was given where {expected} is next")]
    Sequence {
        /// The next number.
        expected: u64,
        /// The number given.
        got: u64,
    },
    /// The segment has its end; the next one must be begun.
    #[error("the segment has ended")]
    Ended,
    /// The segment has no end yet, so that it has no signed root.
    #[error("segment {0} is not sealed yet, so nothing in it can be proven")]
    NotSealed(u64),
    /// No such record in the segment.
    #[error("record {0} is not in this segment")]
    NoSuchRecord(u64),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
}
