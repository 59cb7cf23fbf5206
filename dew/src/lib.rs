//! The services over the HSM, without I/O: what they keep, they keep in its vault; what they do, it records; the time
//! and randomness come from it.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod caller;
pub mod cts;
pub mod iam;
pub mod instance;
pub mod kms;
pub mod tag;
