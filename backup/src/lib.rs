//! Backup files: who can open one, what it says of itself in the clear, and its sealed content.
//!
//! A file is written by a daemon ([`Writer`]) and read by another ([`Reader`]), whatever moves it in between. It does
//! no I/O but through the `Write` and `Read` that it is handed. Numbers are in little-endian order.
//!
//! | offset | length | is |
//! |---:|---:|---|
//! | 0 | 8 | `CLAVBKUP` |
//! | 8 | 1 | format version, 1 |
//! | 9 | 4 | h, the length of the header: all before the first chunk |
//! | 13 | 1 | what it holds: 1 a partition, 2 the HSM, 3 single keys, 4 the secret of a cloning domain |
//! | 14 | 16 | the file's id, random |
//! | 30 | 16 | the id of the HSM that made it |
//! | 46 | 8 | when, in seconds since 1970 |
//! | 54 | 8 | the HSM's last commit then |
//! | 62 | 8 | c, the length of the content |
//! | 70 | 8 | how many records of the HSM itself it holds |
//! | 78 | 2 | how many partitions follow |
//! | 80 | … | each partition, below |
//! | … | … | the lock, below |
//! | h − 64 | 32 | SHA-256 of all before it: tells accidents |
//! | h − 32 | 32 | HMAC-SHA-256 of all before it under the header key: tells forgeries |
//! | h | c + 16 n | the content in n = ⌈c / 65,536⌉ chunks, at least one, each with its tag |
//! | h + c + 16 n | 32 | SHA-256 of all before it |
//! | h + c + 16 n + 32 | 32 | HMAC-SHA-256 of that under the trailer key |
//!
//! **A partition**: slot number (8 bytes), token objects (8), records (8), serial number (16 characters), key policy
//! (1: 0 strict, 1 standard, 2 legacy), length of the label (1), label (UTF-8).
//!
//! **The lock** says what the file key, 32 random bytes, is got with:
//!
//! - by a passphrase: 1, memory in KiB (4), passes (4), lanes (1), salt (16), the file key under AES-256-GCM with
//!   the 32 bytes that Argon2id makes, a nonce of zeros, and SHA-256 of the header up to the lock as additional data (48);
//! - by UKeys: 2, threshold M (1), count N (1), and for each UKey its id (32), length of its name (1), name, length
//!   of its share (2), and its share of the file key ([`ukey::shares`]) sealed to it ([`ukey::Public::seal`]), for
//!   the context `claviger backup share 1`, a zero byte, and SHA-256 of the header up to the lock;
//! - by a cloning domain: 3, the domain's id (16), the file key under AES-256-GCM with the key of the domain for
//!   this file, a nonce of zeros, and SHA-256 of the header up to the lock as additional data (48).
//!
//! **Keys** come from the file key by HKDF-SHA256, with SHA-256 of the header up to the MAC as salt: one for the
//! header's MAC, one for the chunks, one for the trailer.
//!
//! **Chunks** are 65,536 bytes of content, the last one less, each sealed with AES-256-GCM as in STREAM (Hoang,
//! Reyhanitabar, Rogaway, Vizár: “Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance”): the nonce is 7
//! bytes that come with the key, the chunk's number from 0 (4 bytes, big-endian), and 1 for the last chunk, else 0.
//! So none can be cut off, left out, put elsewhere or be there twice.
//!
//! **The content** is one record after the other, in ascending order: domain (8: 0 is the HSM, else the slot number
//! of a partition of the header), kind (1), number (8), length (4), bytes.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod carried;
mod error;
mod fields;
mod header;
mod keys;
mod lock;
mod reader;
mod writer;

pub use carried::CarriedShare;
pub use error::Error;
pub use header::{Facts, Header, MAX_HEADER, MAX_PARTITIONS, Partition, What};
pub use lock::{DomainSecret, Lock, MAX_HOLDERS, MIN_PASSPHRASE, Opener, Recipients, SealedShare};
pub use reader::{Reader, Sealed};
pub use writer::{Writer, record_len};

/// The name of a record within a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The slot number of its partition; 0 is the HSM itself.
    pub domain: u64,
    /// Of what kind it is, which the HSM knows.
    pub kind: u8,
    /// Its number among its kind.
    pub number: u64,
}

/// The longest record, in bytes.
pub const MAX_RECORD: u32 = 64 << 20;

/// The length of a file's content in one chunk, in bytes.
const CHUNK: usize = 64 << 10;
/// The length of a tag in bytes.
const TAG: usize = 16;
/// The length of a digest and of a MAC in bytes.
const DIGEST: usize = 32;
/// The length of a record's name and length, in bytes.
const RECORD_HEAD: usize = 21;
/// The content hash and its MAC.
const TRAILER: usize = 2 * DIGEST;
