//! The audit log: what a record holds, how records are chained and signed, and how an outsider checks them.
//!
//! A log is a row of *segments* (`audit-00000001.log` and so on) and a `head`. A segment is a signed header, then
//! records, each chained to what stands before it by SHA-256, signed checkpoints among them, and at its end a
//! signed Merkle root over its records. `FORMAT.md` beside this crate describes every byte, so that a verifier
//! can be written without reading this code.
//!
//! - [`record`]: one event, with every length bounded by its type.
//! - [`segment`]: the frames of a segment, and the head.
//! - [`chain`]: the writer. It does no I/O: it appends bytes to what it is given.
//! - [`verify`]: reads segments with nothing but the public key, and names what is wrong by record and byte.
//! - [`prove`]: a proof that one record is in a sealed segment, for somebody who has not the log.
//! - [`export`]: records as lines of JSON, CEF and syslog.
//!
//! What is signed is this: whoever has the disk but not the key can neither change, add, remove nor move a record
//! that a checkpoint covers. Records after the newest checkpoint are chained but not signed yet. Whoever puts
//! back an older log *and* its older head is noticed only by comparing with a head kept elsewhere.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod bytes;
pub mod chain;
mod error;
pub mod export;
pub mod key;
pub mod merkle;
pub mod prove;
pub mod record;
pub mod segment;
pub mod text;
pub mod verify;

pub use chain::Writer;
pub use error::Error;
pub use key::{Algorithm, PublicKey, Signer};
pub use record::{Class, Door, Object, Outcome, Partition, Peer, Person, Record};
pub use text::Text;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// What tells one log from another: 16 random bytes, made with the log.
pub type LogId = [u8; 16];

/// The name of a segment's file.
pub fn file_name(segment: u64) -> String {
    format!("audit-{segment:08}.log")
}

/// The name of the file that holds the newest signed checkpoint.
pub const HEAD: &str = "head";

/// The SHA-256 of `data`.
pub(crate) fn sha256(data: &[u8]) -> Result<Digest, Error> {
    let digest = crypto::hash::digest(crypto::Hash::Sha256, data)?;
    digest.try_into().map_err(|_| Error::Malformed("a digest of another length"))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What [`hex`] wrote; nothing if it is anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect()
}
