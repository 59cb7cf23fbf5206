//! SM3 (GB/T 32905): the digest, and HMAC over it. PKCS#11 has no number for it; the numbers are ours, the rest as for the
//! other hashes (PKCS#11 3.2, "HMAC mechanisms").

use std::sync::Arc;

use crypto::sm3;
use wire::{MechanismId, Params};

use super::generic::{MAX_LEN, key_for_hash, secret};
use super::tag::{Mac, Tag, general_len};
use super::{Digester, Field, Mechanism, no_params};
use crate::error::Error;
use crate::object::{KeyType, Material};

/// HMAC with any key that an object can hold.
const HMAC: Mechanism = Mechanism {
    key_types: &[KeyType::SM3_HMAC, KeyType::GENERIC_SECRET],
    key_sizes: 1..=wire::template::MAX_VALUE, // bytes
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism { id: MechanismId(0xc34c_5611), name: "CKM_SM3", digest: Some(digest), ..Mechanism::NONE },
    Mechanism {
        id: MechanismId(0xc34c_5612),
        name: "CKM_SM3_HMAC",
        sign: Some(|key, params| Ok(Box::new(whole(key, params)?))),
        verify: Some(|key, params| Ok(Box::new(whole(key, params)?))),
        ..HMAC
    },
    Mechanism {
        id: MechanismId(0xc34c_5613),
        name: "CKM_SM3_HMAC_GENERAL",
        params: &[&[Field::Ulong]],
        sign: Some(|key, params| Ok(Box::new(general(key, params)?))),
        verify: Some(|key, params| Ok(Box::new(general(key, params)?))),
        ..HMAC
    },
    Mechanism {
        id: MechanismId(0xc34c_5614),
        name: "CKM_SM3_KEY_GEN",
        key_types: &[KeyType::SM3_HMAC],
        key_sizes: 1..=MAX_LEN, // bytes
        generate: Some(|params, wanted| key_for_hash(params, wanted, sm3::LEN)),
        ..Mechanism::NONE
    },
];

#[derive(Clone)]
struct Hashing(sm3::Digest);

fn digest(params: &Params) -> Result<Box<dyn Digester>, Error> {
    no_params(params)?;
    Ok(Box::new(Hashing(sm3::Digest::new())))
}

impl Digester for Hashing {
    fn len(&self) -> u64 {
        sm3::LEN as u64
    }

    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.0.update(data);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<u8>, Error> {
        Ok(self.0.finish())
    }

    fn duplicate(&self) -> Result<Box<dyn Digester>, Error> {
        Ok(Box::new(self.clone()))
    }
}

fn whole(key: &Arc<Material>, params: &Params) -> Result<Tag, Error> {
    no_params(params)?;
    begin(key, sm3::LEN)
}

fn general(key: &Arc<Material>, params: &Params) -> Result<Tag, Error> {
    begin(key, general_len(params, sm3::LEN)?)
}

fn begin(key: &Arc<Material>, len: usize) -> Result<Tag, Error> {
    let key = secret(key, "HMAC")?.bytes();
    Ok(Tag { mac: Mac::HmacSm3(sm3::Hmac::new(key.as_bytes())?), len })
}
