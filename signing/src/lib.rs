//! Requests signed with an access key, as the clouds' SDKs sign them: checked for the daemon, made for the console.
//!
//! Pure functions: no I/O, no clock, no memory of what was seen. Who has which secret is the caller's to know.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod huawei;
