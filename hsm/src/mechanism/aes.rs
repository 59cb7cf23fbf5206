//! AES: key generation and the modes without a tag (PKCS#11 3.2, "AES", "AES with Counter", "AES XTS").

use crypto::Secret;
use crypto::aes::{BLOCK, Cipher as Blocks, Key, Mode, XTS_KEY, xts_decrypt, xts_encrypt};
use wire::{MechanismId, Params};

use super::gather::{self, Direction, Parts};
use super::{Cipher, Field, Generated, Mechanism, Wanted, chain, generic, no_params, wanted};
use crate::error::Error;
use crate::object::{Attr, KeyType, Material};

/// What all mechanisms that use an AES key have in common.
pub(super) const ROW: Mechanism = Mechanism {
    key_types: &[KeyType::AES],
    key_sizes: 16..=32, // bytes
    ..Mechanism::NONE
};

const IV: &[&[Field]] = &[&[Field::Inline(BLOCK as u16)]];

/// AWS-LC has XTS with two AES-256 keys only.
const XTS: Mechanism = Mechanism {
    key_types: &[KeyType::AES_XTS],
    key_sizes: XTS_KEY as u64..=XTS_KEY as u64, // bytes
    ..Mechanism::NONE
};

pub(super) static MECHANISMS: &[Mechanism] = &[
    Mechanism { id: MechanismId(0x1080), name: "CKM_AES_KEY_GEN", generate: Some(generate), ..ROW },
    Mechanism {
        id: MechanismId(0x1081),
        name: "CKM_AES_ECB",
        malleable: true,
        encrypt: Some(|key, params| ecb(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| ecb(Direction::Decrypt, key, params)),
        wrap: Some(|key, params, target| wrap(ecb(Direction::Encrypt, key, params)?, &zero_padded(target))),
        unwrap: Some(|key, params, wrapped| unwrap(ecb(Direction::Decrypt, key, params)?, wrapped)),
        zero_padding: BLOCK - 1,
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1082),
        name: "CKM_AES_CBC",
        malleable: true,
        params: IV,
        any_bytes: true,
        encrypt: Some(|key, params| cbc(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| cbc(Direction::Decrypt, key, params)),
        wrap: Some(|key, params, target| wrap(cbc(Direction::Encrypt, key, params)?, &zero_padded(target))),
        unwrap: Some(|key, params, wrapped| unwrap(cbc(Direction::Decrypt, key, params)?, wrapped)),
        zero_padding: BLOCK - 1,
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1085),
        name: "CKM_AES_CBC_PAD",
        malleable: true,
        params: IV,
        any_bytes: true,
        encrypt: Some(|key, params| cbc_pad(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| cbc_pad(Direction::Decrypt, key, params)),
        wrap: Some(|key, params, target| wrap(cbc_pad(Direction::Encrypt, key, params)?, target)),
        unwrap: Some(|key, params, wrapped| unwrap(cbc_pad(Direction::Decrypt, key, params)?, wrapped)),
        ..ROW
    },
    Mechanism {
        id: MechanismId(0x1086),
        name: "CKM_AES_CTR",
        // CK_AES_CTR_PARAMS: bits of the counter, counter block.
        params: &[&[Field::Ulong, Field::Inline(BLOCK as u16)]],
        any_bytes: true,
        encrypt: Some(|key, params| ctr(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| ctr(Direction::Decrypt, key, params)),
        ..ROW
    },
    Mechanism { id: MechanismId(0x1072), name: "CKM_AES_XTS_KEY_GEN", generate: Some(generate_xts), ..XTS },
    Mechanism {
        id: MechanismId(0x1071),
        name: "CKM_AES_XTS",
        params: IV,
        any_bytes: true,
        encrypt: Some(|key, params| xts(Direction::Encrypt, key, params)),
        decrypt: Some(|key, params| xts(Direction::Decrypt, key, params)),
        ..XTS
    },
];

/// The AES key, if that is what the material is.
///
/// # Errors
/// `KeyTypeInconsistent` if it is not.
pub(super) fn aes_key(key: &Material) -> Result<Key, Error> {
    Ok(Key::new(generic::secret(key, "AES")?.bytes().as_bytes())?)
}

fn generate(params: &Params, wanted: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    match wanted::ulong(wanted, Attr::VALUE_LEN)? {
        len @ (16 | 24 | 32) => wanted::random_key(len as usize),
        len => Err(wanted::invalid(Attr::VALUE_LEN, format!("an AES key has 16, 24 or 32 bytes, not {len}"))),
    }
}

fn generate_xts(params: &Params, wanted: &Wanted) -> Result<Generated, Error> {
    no_params(params)?;
    match wanted::ulong(wanted, Attr::VALUE_LEN)? {
        len if len == XTS_KEY as u64 => wanted::random_key(XTS_KEY),
        len => Err(wanted::invalid(
            Attr::VALUE_LEN,
            format!("an AES-XTS key has {XTS_KEY} bytes here, not {len}"),
        )),
    }
}

fn ecb(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    no_params(params)?;
    begin(direction, Mode::Ecb, key, &[])
}

fn cbc(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    begin(direction, Mode::Cbc, key, chain::iv(params)?)
}

fn cbc_pad(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    begin(direction, Mode::CbcPad, key, chain::iv(params)?)
}

fn ctr(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let (mode, block) = chain::ctr(params)?;
    begin(direction, mode, key, block)
}

/// A mode that takes its data block by block.
fn begin(direction: Direction, mode: Mode, key: &Material, iv: &[u8]) -> Result<Box<dyn Cipher>, Error> {
    let key = aes_key(key)?;
    let blocks = match direction {
        Direction::Encrypt => Blocks::encrypt(mode, &key, iv),
        Direction::Decrypt => Blocks::decrypt(mode, &key, iv),
    }?;
    Ok(chain::begin(direction, mode, chain::Blocks::Aes(blocks)))
}

fn xts(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let key = generic::secret(key, "AES-XTS")?.bytes();
    if key.len() != XTS_KEY {
        return Err(Error::KeySizeRange { mechanism: "CKM_AES_XTS", bits: key.len() as u64 * 8 });
    }
    let (key, tweak) = (key.duplicate(), *chain::iv(params)?);
    Ok(gather::cipher(
        direction,
        Parts::Many,
        |len| len,
        move |data| {
            let run = match direction {
                Direction::Encrypt => xts_encrypt,
                Direction::Decrypt => xts_decrypt,
            };
            run(&key, &tweak, data).map_err(|error| match (error, direction) {
                (crypto::Error::InvalidData(reason), Direction::Encrypt) => Error::DataLenRange(reason),
                (crypto::Error::InvalidData(_) | crypto::Error::TooLong, _) => direction.too_long(),
                (other, _) => other.into(),
            })
        },
    ))
}

/// The key to be wrapped, with zeros up to a whole block.
fn zero_padded(target: &Secret) -> Secret {
    let len = target.len().next_multiple_of(BLOCK);
    let mut padded = Vec::with_capacity(len);
    padded.extend_from_slice(target.as_bytes());
    padded.resize(len, 0);
    Secret::new(padded)
}

fn wrap(cipher: Box<dyn Cipher>, target: &Secret) -> Result<Vec<u8>, Error> {
    let mut wrapped = Vec::new();
    cipher.whole(target.as_bytes(), &mut wrapped)?;
    Ok(wrapped)
}

fn unwrap(cipher: Box<dyn Cipher>, wrapped: &[u8]) -> Result<Secret, Error> {
    if wrapped.is_empty() || !wrapped.len().is_multiple_of(BLOCK) {
        return Err(Error::WrappedKeyLenRange);
    }
    let mut target = Vec::with_capacity(wrapped.len() + BLOCK);
    match cipher.whole(wrapped, &mut target) {
        Ok(()) => Ok(Secret::new(target)),
        Err(Error::EncryptedDataInvalid) => {
            drop(Secret::new(target));
            Err(Error::WrappedKeyInvalid)
        }
        Err(other) => Err(other),
    }
}
