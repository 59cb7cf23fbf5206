//! The cryptography that the HSM uses, as safe functions: AWS-LC's, and RustCrypto's for SM2, SM3 and SM4, which AWS-LC
//! has not.
//!
//! This crate knows nothing of PKCS#11: it has algorithms, keys and bytes. What may be done with a key, and by
//! whom, is decided above it.
//!
//! - **Unsafe code** stands in `ffi/` alone, which owns every pointer that AWS-LC hands out and frees it on drop.
//!   Everything else denies it. This is the one named exception to `forbid(unsafe_code)` for cryptography.
//! - **Secrets** are [`Secret`]: wiped on drop, printed as dots, compared in constant time.
//! - **Errors** are [`Error`]. AWS-LC also leaves a record of a failure in a queue of the thread; each failure
//!   here empties it (`ERR_clear_error`), so that nothing of one caller's failure is left for the next.
//! - **Threads**: every type is `Send`; keys are `Sync` too, and many threads may use one key at once.
//!
//! Not here because AWS-LC has none: Ed448 and X448, and XTS with two AES-128 keys.
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod aead;
pub mod aes;
pub mod dh;
pub mod dsa;
pub mod ec;
pub mod ed25519;
mod error;
#[allow(unsafe_code)]
mod ffi;
mod group;
pub mod hash;
pub mod kdf;
pub mod keywrap;
pub mod mac;
pub mod mldsa;
pub mod random;
pub mod rsa;
mod secret;
pub mod self_test;
pub mod sm2;
pub mod sm3;
pub mod sm4;
pub mod x25519;

pub use error::Error;
pub use ffi::Wiping;
pub use hash::Hash;
pub use secret::{Secret, equal};

/// Keys may be used by many threads at once, and everything may move to another.
const _: () = {
    const fn key<T: Send + Sync>() {}
    const fn movable<T: Send>() {}
    key::<Secret>();
    key::<aes::Key>();
    key::<aead::GcmKey>();
    key::<rsa::PrivateKey>();
    key::<rsa::PublicKey>();
    key::<dsa::PrivateKey>();
    key::<dsa::PublicKey>();
    key::<dh::PrivateKey>();
    key::<dh::PublicKey>();
    key::<ec::PrivateKey>();
    key::<ec::PublicKey>();
    key::<ed25519::PrivateKey>();
    key::<x25519::PrivateKey>();
    key::<sm2::PrivateKey>();
    key::<mldsa::PrivateKey>();
    key::<mldsa::PublicKey>();
    key::<sm2::PublicKey>();
    key::<sm4::GcmKey>();
    movable::<hash::Digest>();
    movable::<mac::Hmac>();
    movable::<mac::Cmac>();
    movable::<aes::Cipher>();
    movable::<aead::GcmSeal>();
    movable::<sm3::Digest>();
    movable::<sm3::Hmac>();
    movable::<sm4::Cipher>();
    movable::<sm4::GcmSeal>();
};
