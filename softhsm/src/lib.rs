//! The files of a SoftHSM2 token directory, read without I/O: what is in them, and what its PIN opens.
//!
//! Written from SoftHSM2's own sources (2.6.1: `object_store/File.cpp`, `object_store/ObjectFile.cpp`,
//! `data_mgr/SecureDataManager.cpp`, `data_mgr/RFC4880.cpp`). It only reads, and it is stricter than
//! SoftHSM2 is: what SoftHSM2 never writes is an error, and so is a file that was cut off where SoftHSM2
//! would take the rest for absent.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod attribute;
mod error;
mod reader;
mod stored;
mod token;

pub use attribute::{Attribute, Class};
pub use error::Error;
pub use stored::{LIMIT, MAX_ATTRIBUTES, MAX_MECHANISMS, MAX_VALUE, Stored, Value};
pub use token::{Opened, Token, Who};
