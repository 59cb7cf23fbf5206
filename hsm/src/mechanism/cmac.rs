//! AES-CMAC (NIST SP 800-38B; PKCS#11 3.2, "AES CMAC").

use std::sync::Arc;

use crypto::mac::Cmac;
use wire::{MechanismId, Params};

use super::aes::{ROW, aes_key};
use super::tag::{Mac, Tag, general_len};
use super::{Field, Mechanism, no_params};
use crate::error::Error;
use crate::object::Material;

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism {
        id: MechanismId(0x108a),
        name: "CKM_AES_CMAC",
        sign: Some(|key, params| Ok(Box::new(whole(key, params)?))),
        verify: Some(|key, params| Ok(Box::new(whole(key, params)?))),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x108b),
        name: "CKM_AES_CMAC_GENERAL",
        params: &[&[Field::Ulong]],
        sign: Some(|key, params| Ok(Box::new(general(key, params)?))),
        verify: Some(|key, params| Ok(Box::new(general(key, params)?))),
        ..ROW
    },
];

fn whole(key: &Arc<Material>, params: &Params) -> Result<Tag, Error> {
    no_params(params)?;
    begin(key, Cmac::LEN)
}

fn general(key: &Arc<Material>, params: &Params) -> Result<Tag, Error> {
    begin(key, general_len(params, Cmac::LEN)?)
}

fn begin(key: &Arc<Material>, len: usize) -> Result<Tag, Error> {
    Ok(Tag { mac: Mac::Cmac(Cmac::new(&aes_key(key)?)?), len })
}
