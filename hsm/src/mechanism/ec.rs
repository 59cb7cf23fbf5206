//! Curves in Weierstrass form: key pair generation and ECDSA (PKCS#11 3.2, "Elliptic Curve").

use std::sync::Arc;

use crypto::Hash;
use crypto::ec::{PrivateKey, PublicKey};
use wire::{MechanismId, Params};

use super::gather::{self, Parts};
use super::{Generated, Mechanism, Signer, Verifier, Wanted, hashed, no_params, wanted};
use crate::error::Error;
use crate::object::{Attr, AttributeMap, KeyType, Material, der};

const CKF_EC_F_P: u64 = 0x10_0000;
/// Called `CKF_EC_NAMEDCURVE` before PKCS#11 3.0.
const CKF_EC_OID: u64 = 0x80_0000;
const CKF_EC_UNCOMPRESS: u64 = 0x100_0000;
const CKF_EC_COMPRESS: u64 = 0x200_0000;
const CKF_EC_CURVENAME: u64 = 0x400_0000;

/// What every mechanism on these curves can be used with.
pub(super) const FLAGS: u64 =
    CKF_EC_F_P | CKF_EC_OID | CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS | CKF_EC_CURVENAME;

const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::EC],
    key_sizes: 224..=521, // bits of the field
    curve_flags: FLAGS,
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism { id: MechanismId(0x1040), name: "CKM_EC_KEY_PAIR_GEN", generate_pair: Some(generate), ..ROW },
    Mechanism { id: MechanismId(0x1041), name: "CKM_ECDSA", sign: Some(sign), verify: Some(verify), ..ROW },
];

hashed::rows! {
    0x1042 "CKM_ECDSA_SHA1" Sha1;
    0x1043 "CKM_ECDSA_SHA224" Sha224;
    0x1044 "CKM_ECDSA_SHA256" Sha256;
    0x1045 "CKM_ECDSA_SHA384" Sha384;
    0x1046 "CKM_ECDSA_SHA512" Sha512;
    0x1047 "CKM_ECDSA_SHA3_224" Sha3_224;
    0x1048 "CKM_ECDSA_SHA3_256" Sha3_256;
    0x1049 "CKM_ECDSA_SHA3_384" Sha3_384;
    0x104a "CKM_ECDSA_SHA3_512" Sha3_512;
}

fn generate(params: &Params, public: &Wanted, _private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let domain = wanted::bytes(public, Attr::EC_PARAMS)?;
    let key = PrivateKey::generate(der::curve(domain)?)?;
    attributes(domain, &key.public().point()?, key.scalar()?)
}

/// The attributes of both halves of a key pair on a curve of any kind. `CKA_EC_POINT` is a DER OCTET STRING on all:
/// what GnuTLS, OpenSSL's engine and other clients of 2.40 read, of Ed25519 and X25519 keys too.
///
/// # Errors
/// `Internal` if the point cannot be encoded.
pub(super) fn attributes(domain: &[u8], point: &[u8], value: crypto::Secret) -> Result<Generated, Error> {
    let mut public = AttributeMap::new();
    public.set_plain(Attr::EC_PARAMS, domain);
    public.set_plain(Attr::EC_POINT, der::octet_string(point)?);
    let mut private = AttributeMap::new();
    private.set_plain(Attr::EC_PARAMS, domain);
    private.set_secret(Attr::VALUE, value);
    Ok(Generated { private, public })
}

fn private(key: &Material) -> Result<&PrivateKey, Error> {
    match key {
        Material::Ec(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("ECDSA signing")),
    }
}

fn public(key: &Material) -> Result<&PublicKey, Error> {
    match key {
        Material::EcPublic(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("ECDSA verification")),
    }
}

const NO_DIGEST: Error = Error::DataLenRange("a digest has at least a byte");

fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    Ok(gather::signer(2 * key.curve().field_len(), Parts::One, move |digest| match digest {
        [] => Err(NO_DIGEST),
        _ => Ok(key.sign(digest)?),
    }))
}

fn verify(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    Ok(gather::verifier(Parts::One, move |digest, signature| match digest {
        [] => Err(NO_DIGEST),
        _ => verify_digest(&key, digest, signature),
    }))
}

fn sign_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    hashed::signer(hash, 2 * key.curve().field_len(), move |digest| Ok(key.sign(digest)?))
}

fn verify_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    hashed::verifier(hash, move |digest, signature| verify_digest(&key, digest, signature))
}

/// Verifies a signature of two equal halves, each at most as long as the field: a shorter one lacks leading zeros
/// (PKCS#11 3.2, "EC Signatures").
fn verify_digest(key: &PublicKey, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
    let half = signature.len() / 2;
    let zeros = key.curve().field_len().checked_sub(half).ok_or(Error::SignatureLenRange)?;
    if half == 0 || !signature.len().is_multiple_of(2) {
        return Err(Error::SignatureLenRange);
    }
    let pad = vec![0; zeros];
    let whole: Vec<u8> =
        signature.chunks(half).flat_map(|number| [&pad, number]).flatten().copied().collect();
    key.verify(digest, &whole).map_err(|error| match error {
        crypto::Error::InvalidData(_) => Error::SignatureInvalid,
        other => other.into(),
    })
}
