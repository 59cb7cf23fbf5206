//! RSA signatures with PSS (PKCS#11 3.2, "PKCS #1 RSA PSS").

use std::sync::Arc;

use crypto::Hash;
use crypto::rsa::PublicKey;
use wire::{MechanismId, Params, Value};

use super::gather::{self, Parts};
use super::rsa::{self, check_signature_len, private, public, signature_error};
use super::{Field, Mechanism, Signer, Verifier, hashed, hashes, words};
use crate::error::Error;
use crate::object::Material;

/// `CK_RSA_PKCS_PSS_PARAMS`: hash, mask generation function, length of the salt.
const PARAMS: &[&[Field]] = &[&[Field::Ulong, Field::Ulong, Field::Ulong]];

const ROW: Mechanism = Mechanism { params: PARAMS, ..rsa::ROW };

pub(super) static RAW: &[Mechanism] = &[Mechanism {
    id: MechanismId(0xd),
    name: "CKM_RSA_PKCS_PSS",
    sign: Some(sign),
    verify: Some(verify),
    ..ROW
}];

hashed::rows! {
    0xe "CKM_SHA1_RSA_PKCS_PSS" Sha1;
    0x47 "CKM_SHA224_RSA_PKCS_PSS" Sha224;
    0x43 "CKM_SHA256_RSA_PKCS_PSS" Sha256;
    0x44 "CKM_SHA384_RSA_PKCS_PSS" Sha384;
    0x45 "CKM_SHA512_RSA_PKCS_PSS" Sha512;
    0x67 "CKM_SHA3_224_RSA_PKCS_PSS" Sha3_224;
    0x63 "CKM_SHA3_256_RSA_PKCS_PSS" Sha3_256;
    0x64 "CKM_SHA3_384_RSA_PKCS_PSS" Sha3_384;
    0x65 "CKM_SHA3_512_RSA_PKCS_PSS" Sha3_512;
}

/// `CK_RSA_PKCS_PSS_PARAMS`
#[derive(Clone, Copy)]
struct Pss {
    hash: Hash,
    mgf_hash: Hash,
    salt_len: usize,
}

impl Pss {
    /// The parameter, for a key of this modulus.
    fn read(params: &Params, modulus_len: usize) -> Result<Self, Error> {
        let [Value::Ulong(hash), Value::Ulong(mgf), Value::Ulong(salt_len)] = words(params)? else {
            return Err(Error::MechanismParamInvalid("it must be CK_RSA_PKCS_PSS_PARAMS"));
        };
        let hash = hashes::of_mechanism(*hash);
        let hash = hash.ok_or(Error::MechanismParamInvalid("hashAlg is no hash function"))?;
        let mgf_hash = hashes::of_mgf1(*mgf);
        let mgf_hash = mgf_hash.ok_or(Error::MechanismParamInvalid("mgf is no mask generation function"))?;
        match usize::try_from(*salt_len) {
            Ok(salt_len) if salt_len.saturating_add(hash.len() + 2) <= modulus_len => {
                Ok(Self { hash, mgf_hash, salt_len })
            }
            _ => Err(Error::MechanismParamInvalid("sLen is too long for the modulus")),
        }
    }

    /// The parameter of a mechanism that has its hash in its name.
    fn read_for(hash: Hash, params: &Params, modulus_len: usize) -> Result<Self, Error> {
        let pss = Self::read(params, modulus_len)?;
        if pss.hash == hash {
            Ok(pss)
        } else {
            Err(Error::MechanismParamInvalid("hashAlg contradicts the mechanism"))
        }
    }

    fn verify(self, key: &PublicKey, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        check_signature_len(key, signature)?;
        key.verify_pss(self.hash, self.mgf_hash, self.salt_len, digest, signature).map_err(signature_error)
    }
}

fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    let key = private(key)?.clone();
    let pss = Pss::read(params, key.modulus_len())?;
    Ok(gather::signer(key.modulus_len(), Parts::One, move |digest| {
        check_digest(pss.hash, digest)?;
        Ok(key.sign_pss(pss.hash, pss.mgf_hash, pss.salt_len, digest)?)
    }))
}

fn verify(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    let key = public(key)?.clone();
    let pss = Pss::read(params, key.modulus_len())?;
    Ok(gather::verifier(Parts::One, move |digest, signature| {
        check_digest(pss.hash, digest)?;
        pss.verify(&key, digest, signature)
    }))
}

fn sign_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    let key = private(key)?.clone();
    let pss = Pss::read_for(hash, params, key.modulus_len())?;
    hashed::signer(hash, key.modulus_len(), move |digest| {
        Ok(key.sign_pss(pss.hash, pss.mgf_hash, pss.salt_len, digest)?)
    })
}

fn verify_hashed(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    let key = public(key)?.clone();
    let pss = Pss::read_for(hash, params, key.modulus_len())?;
    hashed::verifier(hash, move |digest, signature| pss.verify(&key, digest, signature))
}

const fn check_digest(hash: Hash, digest: &[u8]) -> Result<(), Error> {
    if digest.len() == hash.len() {
        Ok(())
    } else {
        Err(Error::DataLenRange("it must be a digest of the hash that the parameter names"))
    }
}
