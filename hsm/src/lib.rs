//! The HSM: partitions, objects, sessions, PINs, mechanisms and key policy, without I/O.
//!
//! Store, anchor, clock and event sink are handed in ([`store`], [`vault`], [`ports`]); randomness and
//! ciphers come from the crate `crypto`.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod application;
pub mod backup;
pub mod error;
pub mod event;
mod hsm;
mod import;
mod keeping;
pub mod mechanism;
pub mod object;
mod operation;
pub mod partition;
pub mod people;
pub mod pin;
pub mod policy;
pub mod ports;
pub mod quorum;
pub mod remote;
pub mod service;
mod session;
pub mod settings;
pub mod store;
pub mod user;
mod users;
pub mod vault;

pub use application::{Application, Desk, Fresh, Guest, Work};
pub use error::Error;
pub use hsm::{Connection, Hsm, Ports};
pub use partition::Revision;
pub use ports::Peer;
pub use remote::Remote;
pub use settings::Settings;

/// `CK_TOKEN_INFO.manufacturerID`, of slots as well.
pub const MANUFACTURER: &str = "Claviger";
/// `CK_TOKEN_INFO.model`
pub const MODEL: &str = "Claviger HSM";
/// The release, major and minor.
pub const RELEASE: (u8, u8) = (0, 1);
