//! ECDH on curves in Weierstrass form and on Curve25519 (PKCS#11 3.2, "Elliptic Curve Diffie-Hellman key
//! derivation").

use std::sync::Arc;

use crypto::{Secret, ec, kdf, x25519};
use wire::{MechanismId, Params, Value};

use super::{DerivedKey, Field, Mechanism, ec as curves, generic, hashes, words};
use crate::error::Error;
use crate::object::{Attr, KeyType, Material, der};

const ROW: Mechanism = Mechanism {
    key_sizes: 224..=521, // bits of the field
    curve_flags: curves::FLAGS,
    // CK_ECDH1_DERIVE_PARAMS: KDF, shared data, public data.
    params: &[&[Field::Ulong, Field::LenBytes, Field::LenBytes]],
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x1050),
        name: "CKM_ECDH1_DERIVE",
        key_types: &[KeyType::EC, KeyType::EC_MONTGOMERY],
        derive: Some(derive),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1051),
        name: "CKM_ECDH1_COFACTOR_DERIVE",
        key_types: &[KeyType::EC],
        derive: Some(derive_with_cofactor),
        ..ROW
    },
];

/// The cofactor of every curve here is 1, so that this derives the same. X25519 has its own in its definition.
fn derive_with_cofactor(key: &Arc<Material>, params: &Params, wanted: DerivedKey) -> Result<Secret, Error> {
    match **key {
        Material::Ec(_) => derive(key, params, wanted),
        _ => Err(Error::KeyTypeInconsistent("ECDH with cofactor")),
    }
}

/// `CKD_NULL`: the shared secret is the key.
const NO_KDF: u64 = 1;

fn derive(key: &Arc<Material>, params: &Params, wanted: DerivedKey) -> Result<Secret, Error> {
    let [Value::Ulong(kdf), Value::Bytes(shared_data), Value::Bytes(public_data)] = words(params)? else {
        return Err(Error::MechanismParamInvalid("it must be CK_ECDH1_DERIVE_PARAMS"));
    };
    if *kdf == NO_KDF {
        if !shared_data.is_empty() {
            return Err(Error::MechanismParamInvalid("CKD_NULL takes no shared data"));
        }
        return truncated(agree(key, public_data)?, wanted.len);
    }
    let hash = hashes::of_x963(*kdf).ok_or(Error::MechanismParamInvalid("kdf is no function supported"))?;
    let len = wanted.len.ok_or(Error::TemplateIncomplete(Attr::VALUE_LEN))?;
    check_len(len, generic::MAX_LEN)?;
    Ok(kdf::x963(hash, &agree(key, public_data)?, shared_data, len)?)
}

/// The shared secret. Clients give the peer's point raw, as the standard has it, or as the other's `CKA_EC_POINT`.
fn agree(key: &Material, public_data: &[u8]) -> Result<Secret, Error> {
    const NOT_A_POINT: Error = Error::MechanismParamInvalid("the public data is no point of the key's curve");
    const WEAK: Error = Error::MechanismParamInvalid("the public data leads to a shared secret of zeros");
    match key {
        Material::Ec(key) => {
            let curve = key.curve();
            let raw = [1 + curve.field_len(), 1 + 2 * curve.field_len()];
            let point = der::point(public_data, |len| raw.contains(&len));
            let peer = ec::PublicKey::from_point(curve, point).map_err(|_| NOT_A_POINT)?;
            Ok(key.agree(&peer)?)
        }
        Material::X25519(key) => {
            let value = der::point(public_data, |len| len == x25519::KEY);
            let peer = x25519::PublicKey::from_bytes(value).map_err(|_| NOT_A_POINT)?;
            key.agree(&peer).map_err(|_| WEAK)
        }
        _ => Err(Error::KeyTypeInconsistent("ECDH")),
    }
}

/// The last `len` bytes of the shared secret: "the truncation removes bytes from the leading end".
pub(super) fn truncated(shared: Secret, len: Option<usize>) -> Result<Secret, Error> {
    let Some(len) = len else { return Ok(shared) };
    check_len(len, shared.len() as u64)?;
    Ok(Secret::new(shared.as_bytes().iter().copied().skip(shared.len() - len).collect()))
}

fn check_len(len: usize, most: u64) -> Result<(), Error> {
    if (1..=most).contains(&(len as u64)) {
        return Ok(());
    }
    Err(super::wanted::invalid(Attr::VALUE_LEN, format!("the derived key has 1 to {most} bytes, not {len}")))
}
