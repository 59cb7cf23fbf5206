//! HMAC (FIPS 198-1; PKCS#11 3.2, "HMAC mechanisms").
//!
//! A key of any length will do: a short one is padded, a long one hashed, as HMAC has it. The standard leaves the
//! least length to the token.

use std::sync::Arc;

use crypto::Hash;
use crypto::mac::Hmac;
use wire::{MechanismId, Params};

use super::generic::{MAX_LEN, key_for_hash, secret};
use super::tag::{Mac, Tag, general_len};
use super::{Mechanism, no_params};
use crate::error::Error;
use crate::object::{KeyType, Material};

/// Any key that an object can hold.
const ROW: Mechanism = Mechanism { key_sizes: 1..=wire::template::MAX_VALUE, ..Mechanism::NONE }; // bytes

macro_rules! hmacs {
    ($($hash:ident $key_type:ident
        $id:literal $name:literal $general:literal $general_name:literal $generate:literal $generate_name:literal;)*) => {
        pub(super) static MECHANISMS: &[Mechanism] = &[$(
            Mechanism {
                id: MechanismId($id),
                name: $name,
                key_types: &[KeyType::$key_type, KeyType::GENERIC_SECRET],
                sign: Some(|key, params| Ok(Box::new(whole(Hash::$hash, key, params)?))),
                verify: Some(|key, params| Ok(Box::new(whole(Hash::$hash, key, params)?))),
                ..ROW
            },
            Mechanism {
                id: MechanismId($general),
                name: $general_name,
                key_types: &[KeyType::$key_type, KeyType::GENERIC_SECRET],
                params: &[&[super::Field::Ulong]],
                sign: Some(|key, params| Ok(Box::new(general(Hash::$hash, key, params)?))),
                verify: Some(|key, params| Ok(Box::new(general(Hash::$hash, key, params)?))),
                ..ROW
            },
            Mechanism {
                id: MechanismId($generate),
                name: $generate_name,
                key_types: &[KeyType::$key_type],
                key_sizes: 1..=MAX_LEN, // bytes
                generate: Some(|params, wanted| key_for_hash(params, wanted, Hash::$hash.len())),
                ..ROW
            },
        )*];
    };
}

hmacs! {
    Sha1 SHA_1_HMAC
        0x221 "CKM_SHA_1_HMAC" 0x222 "CKM_SHA_1_HMAC_GENERAL" 0x4003 "CKM_SHA_1_KEY_GEN";
    Sha224 SHA224_HMAC
        0x256 "CKM_SHA224_HMAC" 0x257 "CKM_SHA224_HMAC_GENERAL" 0x4004 "CKM_SHA224_KEY_GEN";
    Sha256 SHA256_HMAC
        0x251 "CKM_SHA256_HMAC" 0x252 "CKM_SHA256_HMAC_GENERAL" 0x4005 "CKM_SHA256_KEY_GEN";
    Sha384 SHA384_HMAC
        0x261 "CKM_SHA384_HMAC" 0x262 "CKM_SHA384_HMAC_GENERAL" 0x4006 "CKM_SHA384_KEY_GEN";
    Sha512 SHA512_HMAC
        0x271 "CKM_SHA512_HMAC" 0x272 "CKM_SHA512_HMAC_GENERAL" 0x4007 "CKM_SHA512_KEY_GEN";
    Sha512_224 SHA512_224_HMAC
        0x49 "CKM_SHA512_224_HMAC" 0x4a "CKM_SHA512_224_HMAC_GENERAL" 0x4008 "CKM_SHA512_224_KEY_GEN";
    Sha512_256 SHA512_256_HMAC
        0x4d "CKM_SHA512_256_HMAC" 0x4e "CKM_SHA512_256_HMAC_GENERAL" 0x4009 "CKM_SHA512_256_KEY_GEN";
    Sha3_224 SHA3_224_HMAC
        0x2b6 "CKM_SHA3_224_HMAC" 0x2b7 "CKM_SHA3_224_HMAC_GENERAL" 0x2b8 "CKM_SHA3_224_KEY_GEN";
    Sha3_256 SHA3_256_HMAC
        0x2b1 "CKM_SHA3_256_HMAC" 0x2b2 "CKM_SHA3_256_HMAC_GENERAL" 0x2b3 "CKM_SHA3_256_KEY_GEN";
    Sha3_384 SHA3_384_HMAC
        0x2c1 "CKM_SHA3_384_HMAC" 0x2c2 "CKM_SHA3_384_HMAC_GENERAL" 0x2c3 "CKM_SHA3_384_KEY_GEN";
    Sha3_512 SHA3_512_HMAC
        0x2d1 "CKM_SHA3_512_HMAC" 0x2d2 "CKM_SHA3_512_HMAC_GENERAL" 0x2d3 "CKM_SHA3_512_KEY_GEN";
}

fn whole(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Tag, Error> {
    no_params(params)?;
    begin(hash, key, hash.len())
}

fn general(hash: Hash, key: &Arc<Material>, params: &Params) -> Result<Tag, Error> {
    begin(hash, key, general_len(params, hash.len())?)
}

fn begin(hash: Hash, key: &Arc<Material>, len: usize) -> Result<Tag, Error> {
    let key = secret(key, "HMAC")?.bytes();
    Ok(Tag { mac: Mac::Hmac(Hmac::new(hash, key.as_bytes())?), len })
}
