//! AES: key generation and the modes without a tag (PKCS#11 3.2, "AES", "AES with Counter", "AES XTS").

use crypto::Secret;
use crypto::aes::{BLOCK, Cipher as Blocks, Key, Mode, XTS_KEY, xts_decrypt, xts_encrypt};
use wire::{MechanismId, Params, Value};

use super::gather::{self, Direction, Parts};
use super::{Cipher, Field, Generated, Mechanism, Wanted, generic, no_params, wanted, words};
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
    Chain::begin(direction, Mode::Ecb, key, &[])
}

fn cbc(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    Chain::begin(direction, Mode::Cbc, key, iv(params)?)
}

fn cbc_pad(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    Chain::begin(direction, Mode::CbcPad, key, iv(params)?)
}

fn ctr(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    const WRONG: Error =
        Error::MechanismParamInvalid("it must be CK_AES_CTR_PARAMS with 1 to 128 counter bits");
    let [Value::Ulong(bits @ 1..=128), Value::Bytes(block)] = words(params)? else { return Err(WRONG) };
    Chain::begin(direction, Mode::Ctr { counter_bits: *bits as u32 }, key, block)
}

fn iv(params: &Params) -> Result<&[u8; BLOCK], Error> {
    const WRONG: Error = Error::MechanismParamInvalid("it must be an initialisation vector of 16 bytes");
    match words(params)? {
        [Value::Bytes(iv)] => (**iv).try_into().map_err(|_| WRONG),
        _ => Err(WRONG),
    }
}

/// A mode that takes its data block by block.
struct Chain {
    blocks: Blocks,
    direction: Direction,
    mode: Mode,
    /// Bytes taken.
    fed: u64,
}

impl Chain {
    fn begin(direction: Direction, mode: Mode, key: &Material, iv: &[u8]) -> Result<Box<dyn Cipher>, Error> {
        let key = aes_key(key)?;
        let blocks = match direction {
            Direction::Encrypt => Blocks::encrypt(mode, &key, iv),
            Direction::Decrypt => Blocks::decrypt(mode, &key, iv),
        }?;
        Ok(Box::new(Self { blocks, direction, mode, fed: 0 }))
    }

    /// How many bytes are out once `fed` bytes are in. Decryption with padding holds the last block back, since it
    /// may be padding.
    const fn out(&self, fed: u64) -> u64 {
        const SIZE: u64 = BLOCK as u64;
        match (self.mode, self.direction) {
            (Mode::Ctr { .. }, _) => fed,
            (Mode::CbcPad, Direction::Decrypt) => fed.saturating_sub(1) / SIZE * SIZE,
            _ => fed / SIZE * SIZE,
        }
    }

    /// What is wrong with data that ends in the middle of a block, or grew too long for the counter.
    const fn wrong_len(&self) -> Error {
        match self.direction {
            Direction::Encrypt => {
                Error::DataLenRange("not what the mode takes: whole blocks, or less than the counter has")
            }
            Direction::Decrypt => Error::EncryptedDataLenRange,
        }
    }
}

impl Cipher for Chain {
    fn update_len(&self, input: u64) -> u64 {
        self.out(self.fed.saturating_add(input)).saturating_sub(self.out(self.fed))
    }

    fn final_len(&self) -> u64 {
        match (self.mode, self.direction) {
            (Mode::CbcPad, Direction::Encrypt) => BLOCK as u64,
            (Mode::CbcPad, Direction::Decrypt) => BLOCK as u64 - 1,
            _ => 0,
        }
    }

    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Error> {
        self.fed = self.fed.saturating_add(input.len() as u64);
        self.blocks.update(input, output).map_err(|error| match error {
            crypto::Error::TooLong => self.wrong_len(),
            other => other.into(),
        })
    }

    fn finish(self: Box<Self>, output: &mut Vec<u8>) -> Result<(), Error> {
        let whole_blocks = self.fed.is_multiple_of(BLOCK as u64);
        let any_len = match (self.mode, self.direction) {
            (Mode::Ctr { .. }, _) | (Mode::CbcPad, Direction::Encrypt) => true,
            (Mode::CbcPad, Direction::Decrypt) => whole_blocks && self.fed > 0,
            _ => whole_blocks,
        };
        if !any_len {
            return Err(self.wrong_len());
        }
        self.blocks.finish(output).map_err(|error| match error {
            crypto::Error::InvalidData(_) => Error::EncryptedDataInvalid,
            other => other.into(),
        })
    }
}

fn xts(direction: Direction, key: &Material, params: &Params) -> Result<Box<dyn Cipher>, Error> {
    let key = generic::secret(key, "AES-XTS")?.bytes();
    if key.len() != XTS_KEY {
        return Err(Error::KeySizeRange { mechanism: "CKM_AES_XTS", bits: key.len() as u64 * 8 });
    }
    let (key, tweak) = (key.duplicate(), *iv(params)?);
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
