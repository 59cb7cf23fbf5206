//! The services over the HSM, without I/O: what they keep, they keep in its vault; what they do, it records; the time
//! and randomness come from it.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod caller;
pub mod csms;
pub mod cts;
pub mod due;
pub mod iam;
pub mod instance;
pub mod kms;
pub mod leaving;
mod list;
pub mod message;
pub mod tag;

use hsm::service::{Described, Kind};

/// What a restore must know of a record of these services.
#[must_use]
pub fn described(kind: Kind, record: &[u8]) -> Option<Described> {
    match kind {
        Kind::Instance => instance::described(record),
        Kind::Kms => kms::described_home(record),
        Kind::KmsStore => kms::described_store(record),
        _ => None,
    }
}
