//! UKeys: the keys by which people are known to the HSM.
//!
//! A UKey is a key pair that only its PIN opens; in truth two pairs, one that signs and one that receives secrets.
//! Its public half, [`Public`], is registered with the HSM. Who has the private half is a [`Holder`]: a file that
//! its PIN opened ([`file`]), or a token behind its own PKCS#11 module (in `hsm-admin`, as this crate does no I/O).
//!
//! - **Signatures** name the context they were made in ([`Public::verify`]): what is signed to log in cannot pass for
//!   what is signed to approve.
//! - **Secrets** are sealed to one UKey with HPKE (RFC 9180), by [`Public::seal`], and opened by [`Holder::open`].
//! - **Shares** of a secret ([`shares`]) say of themselves whether they were altered, and of which set they are.
//!
//! Nothing here opens a UKey without its PIN: who loses all UKeys has lost what they guard.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod error;
pub mod file;
mod holder;
mod hpke;
mod id;
mod public;
mod reader;
pub mod shares;

pub use crypto::Secret;
pub use error::Error;
pub use holder::Holder;
pub use hpke::MAX_SECRET;
pub use id::Id;
pub use public::{Algorithm, MAX_CONTEXT, MAX_NAME, Public, check_name};

/// Random bytes, for challenges and secrets, from the generator that makes the keys.
///
/// # Errors
/// `Crypto` if the generator cannot be used.
pub fn random(len: usize) -> Result<Vec<u8>, Error> {
    Ok(crypto::random::bytes(len)?)
}
