//! The HSM: partitions, objects, sessions, PINs, mechanisms and key policy, without I/O.
//!
//! Store, anchor, clock and event sink are handed in ([`store`], [`vault`], [`ports`]); randomness and
//! ciphers come from the crate `crypto`.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod error;
pub mod mechanism;
pub mod object;
pub mod policy;
pub mod ports;
pub mod store;
pub mod vault;

pub use error::Error;
