//! DSA: domain parameters, key pairs and signatures (FIPS 186-4; PKCS#11 3.2, "DSA").

use std::sync::Arc;

use crypto::Hash;
use crypto::dsa::{Parameters, PrivateKey, PublicKey, SIZES};
use wire::{MechanismId, Params};

use super::gather::{self, Parts};
use super::{Generated, Mechanism, Signer, Verifier, Wanted, hashed, no_params, wanted};
use crate::error::Error;
use crate::object::{Attr, AttributeMap, Class, KeyType, Material};

const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::DSA],
    key_sizes: 1024..=3072, // bits of the prime
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x2000),
        name: "CKM_DSA_PARAMETER_GEN",
        makes: Class::DOMAIN_PARAMETERS,
        generate: Some(generate_parameters),
        ..ROW
    },
    Mechanism { id: MechanismId(0x10), name: "CKM_DSA_KEY_PAIR_GEN", generate_pair: Some(generate), ..ROW },
    Mechanism { id: MechanismId(0x11), name: "CKM_DSA", sign: Some(sign), verify: Some(verify), ..ROW },
];

hashed::rows! {
    0x12 "CKM_DSA_SHA1" Sha1;
    0x13 "CKM_DSA_SHA224" Sha224;
    0x14 "CKM_DSA_SHA256" Sha256;
    0x15 "CKM_DSA_SHA384" Sha384;
    0x16 "CKM_DSA_SHA512" Sha512;
    0x18 "CKM_DSA_SHA3_224" Sha3_224;
    0x19 "CKM_DSA_SHA3_256" Sha3_256;
    0x1a "CKM_DSA_SHA3_384" Sha3_384;
    0x1b "CKM_DSA_SHA3_512" Sha3_512;
}

fn generate_parameters(params: &Params, wanted: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let bits = wanted::ulong(wanted, Attr::PRIME_BITS)?;
    let asked = wanted.ulong(Attr::SUBPRIME_BITS);
    // Of two lengths of the subprime for one of the prime, the greater.
    let size = SIZES.into_iter().rev().find(|(prime, subprime)| {
        *prime as u64 == bits && asked.is_none_or(|asked| *subprime as u64 == asked)
    });
    let Some((bits, subprime_bits)) = size else {
        let reason = "primes have 1024, 2048 or 3072 bits, with subprimes of 160, of 224 or 256, and of 256";
        return Err(wanted::invalid(Attr::PRIME_BITS, reason.into()));
    };
    let parameters = Parameters::generate(bits, subprime_bits)?;
    Ok(Generated { private: attributes(&parameters), public: AttributeMap::new() })
}

fn attributes(parameters: &Parameters) -> AttributeMap {
    let mut attributes = AttributeMap::new();
    attributes.set_plain(Attr::PRIME, parameters.prime());
    attributes.set_plain(Attr::SUBPRIME, parameters.subprime());
    attributes.set_plain(Attr::BASE, parameters.base());
    attributes
}

fn generate(params: &Params, public: &Wanted, _private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    let [p, q, g] = [Attr::PRIME, Attr::SUBPRIME, Attr::BASE].map(|part| wanted::bytes(public, part));
    let parameters = Parameters::new(p?, q?, g?).map_err(domain_error)?;
    let (mut public, mut private) = (attributes(&parameters), attributes(&parameters));
    let key = PrivateKey::generate(parameters)?;
    public.set_plain(Attr::VALUE, key.public().value());
    private.set_secret(Attr::VALUE, key.value());
    Ok(Generated { private, public })
}

/// What is wrong with domain parameters that a caller gave.
pub(super) fn domain_error(error: crypto::Error) -> Error {
    match error {
        crypto::Error::InvalidKey(reason) => Error::DomainParamsInvalid(reason),
        other => other.into(),
    }
}

fn private(key: &Material) -> Result<&PrivateKey, Error> {
    match key {
        Material::Dsa(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("DSA signing")),
    }
}

fn public(key: &Material) -> Result<&PublicKey, Error> {
    match key {
        Material::DsaPublic(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("DSA verification")),
    }
}

/// Refuses what is no digest by its length: a signature of something that was never hashed can be forged from others
/// (PKCS#11 3.2, "DSA without hashing": 20, 28, 32, 48 or 64 bytes).
fn check_digest(digest: &[u8]) -> Result<(), Error> {
    match digest.len() {
        20 | 28 | 32 | 48 | 64 => Ok(()),
        _ => Err(Error::DataLenRange("a digest has 20, 28, 32, 48 or 64 bytes")),
    }
}

fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    Ok(gather::signer(2 * key.public().half(), Parts::One, move |digest| {
        check_digest(digest)?;
        Ok(key.sign(digest)?)
    }))
}

fn verify(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    Ok(gather::verifier(Parts::One, move |digest, signature| {
        check_digest(digest)?;
        verify_digest(&key, digest, signature)
    }))
}

fn sign_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    hashed::signer(hash, 2 * key.public().half(), move |digest| Ok(key.sign(digest)?))
}

fn verify_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    no_params(params)?;
    let key = public(key)?.clone();
    hashed::verifier(hash, move |digest, signature| verify_digest(&key, digest, signature))
}

fn verify_digest(key: &PublicKey, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
    if signature.len() != 2 * key.half() {
        return Err(Error::SignatureLenRange);
    }
    key.verify(digest, signature).map_err(|error| match error {
        crypto::Error::InvalidData(_) => Error::SignatureInvalid,
        other => other.into(),
    })
}
