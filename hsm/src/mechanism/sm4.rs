//! SM4 (GB/T 32907): key generation, and the modes that AES has. PKCS#11 has no number for any of it; the numbers are ours,
//! the parameters those of AES ("AES", "AES with Counter", "Additional AES Mechanisms").
//!
//! No key is wrapped under SM4: what is imported comes wrapped under RSA or AES.

use std::sync::Arc;

use crypto::aes::Mode;
use crypto::sm4::{self, BLOCK, GcmKey, GcmSeal, Key};
use wire::{MechanismId, Params};

use super::aes_aead::{GCM_PARAMS, Gcm};
use super::gather::{self, Direction, Parts};
use super::{Cipher, Field, Generated, Mechanism, Wanted, chain, generic, no_params, wanted};
use crate::error::Error;
use crate::object::{Attr, KeyType, Material};

const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::SM4],
    key_sizes: BLOCK as u64..=BLOCK as u64, // bytes
    ..Mechanism::NONE
};

const IV: &[&[Field]] = &[&[Field::Inline(BLOCK as u16)]];

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism { id: MechanismId(0xc34c_5621), name: "CKM_SM4_KEY_GEN", generate: Some(generate), ..ROW },
    Mechanism {
        id: MechanismId(0xc34c_5622),
        name: "CKM_SM4_ECB",
        encrypt: Some(|key, params| ecb(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| ecb(Direction::Decrypt, key, params)),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5623),
        name: "CKM_SM4_CBC",
        params: IV,
        any_bytes: true,
        encrypt: Some(|key, params| begin(Direction::Encrypt, Mode::Cbc, key, chain::iv(params)?)),
        decrypt: Some(|key, params| begin(Direction::Decrypt, Mode::Cbc, key, chain::iv(params)?)),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5624),
        name: "CKM_SM4_CBC_PAD",
        params: IV,
        any_bytes: true,
        encrypt: Some(|key, params| begin(Direction::Encrypt, Mode::CbcPad, key, chain::iv(params)?)),
        decrypt: Some(|key, params| begin(Direction::Decrypt, Mode::CbcPad, key, chain::iv(params)?)),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5625),
        name: "CKM_SM4_CTR",
        // CK_AES_CTR_PARAMS: bits of the counter, counter block.
        params: &[&[Field::Ulong, Field::Inline(BLOCK as u16)]],
        any_bytes: true,
        encrypt: Some(|key, params| ctr(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| ctr(Direction::Decrypt, key, params)),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0xc34c_5626),
        name: "CKM_SM4_GCM",
        params: GCM_PARAMS,
        any_bytes: true,
        encrypt: Some(gcm_encrypt),
        decrypt: Some(gcm_decrypt),
        ..ROW
    },
];

fn sm4_key(key: &Material) -> Result<Key, Error> {
    Ok(Key::new(generic::secret(key, "SM4")?.bytes().as_bytes())?)
}

fn generate(params: &Params, wanted: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    match wanted::ulong(wanted, Attr::VALUE_LEN)? {
        len if len == BLOCK as u64 => wanted::random_key(BLOCK),
        len => Err(wanted::invalid(Attr::VALUE_LEN, format!("an SM4 key has {BLOCK} bytes, not {len}"))),
    }
}

fn ecb(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    no_params(params)?;
    begin(direction, Mode::Ecb, key, &[])
}

fn ctr(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (mode, block) = chain::ctr(params)?;
    begin(direction, mode, key, block)
}

fn begin(direction: Direction, mode: Mode, key: &Material, iv: &[u8]) -> Result<Box<dyn Cipher>, Error> {
    let key = sm4_key(key)?;
    let blocks = match direction {
        Direction::Encrypt => sm4::Cipher::encrypt(mode, &key, iv),
        Direction::Decrypt => sm4::Cipher::decrypt(mode, &key, iv),
    }?;
    Ok(chain::begin(direction, mode, chain::Blocks::Sm4(blocks)))
}

/// Encryption, which gives out what it can at once.
struct Sealing {
    seal: GcmSeal,
    tag_len: usize,
}

fn gcm_encrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, gcm) = (GcmKey::new(&sm4_key(key)?)?, Gcm::read(params)?);
    let seal = key.seal_parts(&gcm.iv, &gcm.aad, gcm.tag_len)?;
    Ok(Box::new(Sealing { seal, tag_len: gcm.tag_len }))
}

impl Cipher for Sealing {
    fn update_len(&self, input: u64) -> u64 {
        input
    }

    fn final_len(&self) -> u64 {
        self.tag_len as u64
    }

    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        self.seal.update(input, output).map_err(|error| match error {
            crypto::Error::TooLong => Direction::Encrypt.too_long(),
            other => other.into(),
        })
    }

    fn finish(self: Box<Self>, output: &mut Vec<u8>) -> Result<(), Error> {
        Ok(self.seal.finish(output)?)
    }
}

/// Decryption, which holds everything back until the tag is checked.
fn gcm_decrypt(key: &Arc<Material>, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (key, gcm) = (GcmKey::new(&sm4_key(key)?)?, Gcm::read(params)?);
    let tag_len = gcm.tag_len as u64;
    Ok(gather::cipher(
        Direction::Decrypt,
        Parts::Many,
        move |len| len.saturating_sub(tag_len),
        move |sealed| {
            if sealed.len() < gcm.tag_len {
                return Err(Error::EncryptedDataLenRange);
            }
            key.open(&gcm.iv, &gcm.aad, gcm.tag_len, sealed).map_err(|error| match error {
                crypto::Error::InvalidData(_) => Error::EncryptedDataInvalid,
                other => other.into(),
            })
        },
    ))
}
