//! Generic secret keys (PKCS#11 3.2, "Generic secret key"), and the secret key that a mechanism is given.

use wire::{MechanismId, Params};

use super::{Generated, Mechanism, Wanted, no_params, wanted};
use crate::error::Error;
use crate::object::{Attr, KeyType, Material, SecretKey};

/// The longest secret key that is made, in bytes.
pub(super) const MAX_LEN: u64 = 4096;

pub(super) static MECHANISMS: &[Mechanism] = &[Mechanism {
    id: MechanismId(0x350),
    name: "CKM_GENERIC_SECRET_KEY_GEN",
    key_types: &[KeyType::GENERIC_SECRET],
    key_sizes: 8..=MAX_LEN * 8, // bits, of all secret keys only here
    generate: Some(generate),
    ..Mechanism::NONE
}];

fn generate(params: &Params, wanted: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    random_key(wanted)
}

/// A key of the length that the template says.
///
/// # Errors
/// `TemplateIncomplete` if it says none; `AttributeValueInvalid` for one that is not made.
pub(super) fn random_key(wanted: &Wanted) -> Result<Generated, Error> {
    let len = wanted::ulong(wanted, Attr::VALUE_LEN)?;
    match usize::try_from(len) {
        Ok(bytes) if (1..=MAX_LEN).contains(&len) => wanted::random_key(bytes),
        _ => {
            let reason = format!("a secret key has 1 to {MAX_LEN} bytes, not {len}");
            Err(wanted::invalid(Attr::VALUE_LEN, reason))
        }
    }
}

/// A key as long as the template says; as a digest of so many bytes, if it says nothing.
///
/// # Errors
/// `MechanismParamInvalid` if there is a parameter; as [`random_key`].
pub(super) fn key_for_hash(params: &Params, wanted: &Wanted, digest: usize) -> Result<Generated, Error> {
    no_params(params)?;
    match wanted.plain(Attr::VALUE_LEN) {
        None => wanted::random_key(digest),
        Some(_) => random_key(wanted),
    }
}

/// The secret key, if that is what the material is.
///
/// # Errors
/// `KeyTypeInconsistent` if it is not; the error names `mechanism`.
pub(super) fn secret<'a>(key: &'a Material, mechanism: &'static str) -> Result<&'a SecretKey, Error> {
    match key {
        Material::Secret(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent(mechanism)),
    }
}
