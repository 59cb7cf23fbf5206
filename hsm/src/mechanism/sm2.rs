//! SM2 (GB/T 32918): key pairs, signatures and encryption. PKCS#11 has no number for any of it, and no two vendors have the
//! same; these are ours: `CKM_VENDOR_DEFINED`, then "CLV" in ASCII, then two digits.

use std::sync::Arc;

use crypto::sm2::{self, DEFAULT_ID, FIELD, Form, MAX_ID, PrivateKey, PublicKey, SIGNATURE};
use crypto::sm3;
use wire::{MechanismId, Params, Value};

use super::gather::{self, Direction, Parts};
use super::{Cipher, Field, Generated, Mechanism, Signer, Verifier, Wanted, ec, no_params, words};
use crate::error::Error;
use crate::object::{Attr, KeyType, Material, der};

const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::SM2],
    key_sizes: 256..=256, // bits of the field
    curve_flags: ec::FLAGS,
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0xc34c_5601),
        name: "CKM_SM2_KEY_PAIR_GEN",
        generate_pair: Some(generate),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5602),
        name: "CKM_SM2",
        sign: Some(sign),
        verify: Some(verify),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5603),
        name: "CKM_SM2_SM3",
        // A pointer and a length: the signer's identifier. It may be left out.
        params: &[&[Field::Bytes]],
        sign: Some(sign_message),
        verify: Some(verify_message),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5604),
        name: "CKM_SM2_ENCRYPT",
        // A number: how the ciphertext is written. It may be left out.
        params: &[&[Field::Ulong]],
        encrypt: Some(encrypt),
        decrypt: Some(decrypt),
        ..ROW
    },
];

fn generate(params: &Params, public: &Wanted, _private: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    der::check_sm2(public.plain(Attr::EC_PARAMS))?;
    let key = PrivateKey::generate()?;
    ec::attributes(sm2::OID, &key.public().point(), key.scalar())
}

fn private(key: &Material) -> Result<&PrivateKey, Error> {
    match key {
        Material::Sm2(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("SM2 with a private key")),
    }
}

fn public(key: &Material) -> Result<&PublicKey, Error> {
    match key {
        Material::Sm2Public(key) => Ok(key),
        _ => Err(Error::KeyTypeInconsistent("SM2 with a public key")),
    }
}

/// The signature of e, the digest over the signer's identifier, key and message, which the caller made.
fn sign(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    no_params(params)?;
    let key = private(key)?.clone();
    Ok(gather::signer(SIGNATURE, Parts::One, move |digest| {
        check_digest(digest)?;
        Ok(key.sign_digest(digest)?)
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

fn check_digest(digest: &[u8]) -> Result<(), Error> {
    if digest.len() == FIELD { Ok(()) } else { Err(Error::DataLenRange("SM2 signs a digest of 32 bytes")) }
}

fn verify_digest(key: &PublicKey, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
    if signature.len() != SIGNATURE {
        return Err(Error::SignatureLenRange);
    }
    key.verify_digest(digest, signature).map_err(|error| match error {
        crypto::Error::InvalidData(_) => Error::SignatureInvalid,
        other => other.into(),
    })
}

/// The signer's identifier: the default one where the parameter is left out.
fn identifier(params: &Params) -> Result<&[u8], Error> {
    match words(params)? {
        [] => Ok(DEFAULT_ID),
        [Value::Bytes(id)] if id.len() <= MAX_ID => Ok(id),
        _ => Err(Error::MechanismParamInvalid("it must be an identifier of at most 8191 bytes")),
    }
}

/// A signature over a message, which is hashed as it comes.
struct Signing {
    digest: sm3::Digest,
    key: PrivateKey,
}

fn sign_message(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Signer>, Error> {
    let key = private(key)?.clone();
    Ok(Box::new(Signing { digest: key.public().message_digest(identifier(params)?)?, key }))
}

impl Signer for Signing {
    fn len(&self) -> u64 {
        SIGNATURE as u64
    }

    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.digest.update(data);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error> {
        let Self { digest, key } = *self;
        Ok(key.sign_digest(&digest.finish())?)
    }
}

/// The check of a signature over a message.
struct Verifying {
    digest: sm3::Digest,
    key: PublicKey,
}

fn verify_message(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Verifier>, Error> {
    let key = public(key)?.clone();
    Ok(Box::new(Verifying { digest: key.message_digest(identifier(params)?)?, key }))
}

impl Verifier for Verifying {
    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.digest.update(data);
        Ok(())
    }

    fn finish(self: Box<Self>, signature: &[u8]) -> Result<(), Error> {
        let Self { digest, key } = *self;
        verify_digest(&key, &digest.finish(), signature)
    }
}

/// How the ciphertext is written: in DER where the parameter is left out.
fn form(params: &Params) -> Result<Form, Error> {
    match words(params)? {
        [] | [Value::Ulong(0)] => Ok(Form::Asn1),
        [Value::Ulong(1)] => Ok(Form::Raw),
        _ => Err(Error::MechanismParamInvalid("it must be 0, for ASN.1, or 1, for C1 C3 C2")),
    }
}

/// The most bytes that a ciphertext has more than its message: a point, a digest, and at most 8 tags and lengths of DER.
const MORE: u64 = 65 + 32 + 32;

fn encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, form) = (public(key)?.clone(), form(params)?);
    Ok(gather::cipher(
        Direction::Encrypt,
        Parts::One,
        |len| len.saturating_add(MORE),
        move |message| {
            if message.is_empty() {
                return Err(Error::DataLenRange("SM2 does not encrypt an empty message"));
            }
            Ok(key.encrypt(form, message)?)
        },
    ))
}

fn decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, form) = (private(key)?.clone(), form(params)?);
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::One,
        |len| len,
        move |sealed| match key.decrypt(form, sealed) {
            Ok(message) => Ok(message.as_bytes().to_vec()),
            Err(crypto::Error::InvalidData(_)) => Err(Error::EncryptedDataInvalid),
            Err(other) => Err(other.into()),
        },
    ))
}
