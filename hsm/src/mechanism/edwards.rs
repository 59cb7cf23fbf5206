//! Ed25519 and X25519 key pairs, and EdDSA (RFC 8032, RFC 7748; PKCS#11 3.2, "Elliptic Curve").

use std::sync::Arc;

use crypto::ed25519::{self, Variant};
use crypto::x25519;
use wire::{MechanismId, Params, Value};

use super::gather::{self, Parts};
use super::{Field, Generated, Mechanism, Signer, Verifier, Wanted, ec, no_params, wanted, words};
use crate::error::Error;
use crate::object::{Attr, KeyType, Material, der};

const ROW: Mechanism = Mechanism {
    key_sizes: 255..=255, // bits of the field
    curve_flags: ec::FLAGS,
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x1055),
        name: "CKM_EC_EDWARDS_KEY_PAIR_GEN",
        key_types: &[KeyType::EC_EDWARDS],
        generate_pair: Some(generate_ed25519),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1056),
        name: "CKM_EC_MONTGOMERY_KEY_PAIR_GEN",
        key_types: &[KeyType::EC_MONTGOMERY],
        generate_pair: Some(generate_x25519),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1057),
        name: "CKM_EDDSA",
        key_types: &[KeyType::EC_EDWARDS],
        // CK_EDDSA_PARAMS, which may be left out: whether prehashed, context.
        params: &[&[Field::Bool, Field::LenBytes]],
        sign: Some(sign),
        verify: Some(verify),
        ..ROW
    },
];

fn generate_ed25519(params: &Params, public: &Wanted, _private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let domain = wanted::bytes(public, Attr::EC_PARAMS)?;
    der::check_curve25519(KeyType::EC_EDWARDS, domain)?;
    let key = ed25519::PrivateKey::generate()?;
    ec::attributes(domain, key.public().as_bytes(), key.seed())
}

fn generate_x25519(params: &Params, public: &Wanted, _private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let domain = wanted::bytes(public, Attr::EC_PARAMS)?;
    der::check_curve25519(KeyType::EC_MONTGOMERY, domain)?;
    let key = x25519::PrivateKey::generate()?;
    ec::attributes(domain, key.public().as_bytes(), key.to_bytes())
}

/// `CK_EDDSA_PARAMS`
struct Eddsa {
    prehashed: bool,
    context: Vec<u8>,
}

impl Eddsa {
    fn read(params: &Params) -> Result<Self, Error> {
        match words(params)? {
            [] => Ok(Self { prehashed: false, context: Vec::new() }),
            [Value::Bool(prehashed @ 0..=1), Value::Bytes(context)] if context.len() <= 255 => {
                Ok(Self { prehashed: *prehashed == 1, context: context.to_vec() })
            }
            _ => Err(Error::MechanismParamInvalid(
                "it must be CK_EDDSA_PARAMS with at most 255 bytes of context",
            )),
        }
    }

    /// A parameter that asks for nothing is the same as none: RFC 8032 has no Ed25519ctx without a context.
    fn variant(&self) -> Variant<'_> {
        match (self.prehashed, self.context.is_empty()) {
            (true, _) => Variant::Prehashed(&self.context),
            (false, true) => Variant::Pure,
            (false, false) => Variant::Context(&self.context),
        }
    }
}

fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    let Material::Ed25519(key) = &**key else { return Err(Error::KeyTypeInconsistent("EdDSA signing")) };
    let (key, eddsa) = (key.clone(), Eddsa::read(params)?);
    Ok(gather::signer(ed25519::SIGNATURE, Parts::Many, move |data| Ok(key.sign(eddsa.variant(), data)?)))
}

fn verify(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    let Material::Ed25519Public(key) = &**key else {
        return Err(Error::KeyTypeInconsistent("EdDSA verification"));
    };
    let (key, eddsa) = (*key, Eddsa::read(params)?);
    Ok(gather::verifier(Parts::Many, move |data, signature| {
        if signature.len() != ed25519::SIGNATURE {
            return Err(Error::SignatureLenRange);
        }
        key.verify(eddsa.variant(), data, signature).map_err(|error| match error {
            crypto::Error::InvalidData(_) => Error::SignatureInvalid,
            other => other.into(),
        })
    }))
}
