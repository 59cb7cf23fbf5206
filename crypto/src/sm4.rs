//! SM4 (GB/T 32907, GM/T 0002): keys, and the modes ECB, CBC and CTR (GB/T 17964). RustCrypto's: AWS-LC has none.
//!
//! The block cipher looks its S-box up in a table, as the other libraries' without special instructions do, so that
//! who shares a processor's cache with it may learn of the key.

mod gcm;

use cbc::{Decryptor, Encryptor};
use ctr::Ctr128BE;
use sm4::Sm4;
use sm4::cipher::{
    Array, Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit,
    KeyIvInit, StreamCipher,
};
use zeroize::Zeroizing;

pub use self::gcm::{GcmKey, GcmSeal};
use crate::aes::{Mode, bytes_before_wrap};
use crate::{Error, Secret, ffi};

/// Length of a block and of a key in bytes.
pub const BLOCK: usize = 16;

const FAILED: Error = Error::Failed("SM4");

/// An SM4 key: 16 bytes.
#[derive(Debug)]
pub struct Key(Secret);

impl Key {
    /// A key of these bytes.
    ///
    /// # Errors
    /// `InvalidKey` unless there are 16.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.len() {
            BLOCK => Ok(Self(Secret::new(bytes.to_vec()))),
            _ => Err(Error::InvalidKey("an SM4 key has 16 bytes")),
        }
    }

    /// The bytes of the key.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn schedule(&self) -> Result<Sm4, Error> {
        Sm4::new_from_slice(self.as_bytes()).map_err(|_| FAILED)
    }
}

/// The cipher with its key and its way of chaining; each wipes itself when dropped.
enum Engine {
    EcbEncrypt(Box<Sm4>),
    EcbDecrypt(Box<Sm4>),
    CbcEncrypt(Box<Encryptor<Sm4>>),
    CbcDecrypt(Box<Decryptor<Sm4>>),
    Ctr(Box<Ctr128BE<Sm4>>),
}

/// What happens to the last block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    /// There is none: whole blocks only.
    None,
    /// It is added, as in PKCS#7.
    Add,
    /// It is taken off.
    Remove,
}

/// An encryption or decryption of data that comes in parts, with the modes of AES.
pub struct Cipher {
    engine: Engine,
    padding: Padding,
    /// What is no whole block yet, or what may be the padding: at most a block.
    held: Zeroizing<Vec<u8>>,
    /// Bytes that the counter still allows; `None` where there is no counter, or it is too wide to run out.
    left: Option<u128>,
}

impl Cipher {
    /// Begins to encrypt.
    ///
    /// # Errors
    /// `InvalidParameter` if the IV or the counter's width does not fit the mode.
    pub fn encrypt(mode: Mode, key: &Key, iv: &[u8]) -> Result<Self, Error> {
        let cipher = key.schedule()?;
        let (engine, padding) = match mode {
            Mode::Ecb => (Engine::EcbEncrypt(Box::new(cipher)), Padding::None),
            Mode::Cbc => (Engine::CbcEncrypt(Box::new(encryptor(key, iv)?)), Padding::None),
            Mode::CbcPad => (Engine::CbcEncrypt(Box::new(encryptor(key, iv)?)), Padding::Add),
            Mode::Ctr { .. } => (counter(key, iv)?, Padding::None),
        };
        Self::new(mode, engine, padding, iv)
    }

    /// Begins to decrypt.
    ///
    /// # Errors
    /// `InvalidParameter` if the IV or the counter's width does not fit the mode.
    pub fn decrypt(mode: Mode, key: &Key, iv: &[u8]) -> Result<Self, Error> {
        let cipher = key.schedule()?;
        let (engine, padding) = match mode {
            Mode::Ecb => (Engine::EcbDecrypt(Box::new(cipher)), Padding::None),
            Mode::Cbc => (Engine::CbcDecrypt(Box::new(decryptor(key, iv)?)), Padding::None),
            Mode::CbcPad => (Engine::CbcDecrypt(Box::new(decryptor(key, iv)?)), Padding::Remove),
            Mode::Ctr { .. } => (counter(key, iv)?, Padding::None),
        };
        Self::new(mode, engine, padding, iv)
    }

    fn new(mode: Mode, engine: Engine, padding: Padding, iv: &[u8]) -> Result<Self, Error> {
        let left = match mode {
            Mode::Ctr { counter_bits } => bytes_before_wrap(iv, counter_bits)?,
            Mode::Ecb if !iv.is_empty() => return Err(Error::InvalidParameter("ECB has no IV")),
            _ => None,
        };
        Ok(Self { engine, padding, held: Zeroizing::new(Vec::with_capacity(BLOCK)), left })
    }

    /// Takes the next part, and appends to `out` what can be told so far.
    ///
    /// # Errors
    /// `TooLong` if the counter would wrap round; nothing is appended then.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(data.len() as u128).ok_or(Error::TooLong)?;
        }
        let total = self.held.len().checked_add(data.len()).ok_or(Error::TooLong)?;
        let keep = match (&self.engine, self.padding) {
            (Engine::Ctr(_), _) => 0,
            // The last whole block may be the padding.
            (_, Padding::Remove) if total > 0 && total.is_multiple_of(BLOCK) => BLOCK,
            _ => total % BLOCK,
        };
        let told = total.saturating_sub(keep);
        if told == 0 {
            self.held.extend_from_slice(data);
            return Ok(());
        }
        // At least a block is told, and no more than a block was held.
        let (now, later) = data.split_at_checked(told.saturating_sub(self.held.len())).ok_or(FAILED)?;
        ffi::make_room(out, told)?;
        let start = out.len();
        out.extend_from_slice(&self.held);
        out.extend_from_slice(now);
        self.held.clear();
        self.held.extend_from_slice(later);
        self.engine.run(out.get_mut(start..).ok_or(FAILED)?)
    }

    /// Appends what is left.
    ///
    /// # Errors
    /// `InvalidData` if the data was not whole blocks where it must be, or its padding is wrong.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        match self.padding {
            Padding::None if self.held.is_empty() => return Ok(()),
            Padding::None => return Err(Error::InvalidData("not whole blocks")),
            Padding::Add => {
                let missing = BLOCK.saturating_sub(self.held.len());
                self.held.resize(BLOCK, u8::try_from(missing).map_err(|_| FAILED)?);
            }
            Padding::Remove => {}
        }
        let mut last = self.held;
        self.engine.run(&mut last)?;
        let told = match self.padding {
            Padding::Remove => unpadded(&last)?,
            _ => &last,
        };
        ffi::make_room(out, told.len())?;
        out.extend_from_slice(told);
        Ok(())
    }
}

fn encryptor(key: &Key, iv: &[u8]) -> Result<Encryptor<Sm4>, Error> {
    Encryptor::new_from_slices(key.as_bytes(), iv).map_err(|_| IV)
}

fn decryptor(key: &Key, iv: &[u8]) -> Result<Decryptor<Sm4>, Error> {
    Decryptor::new_from_slices(key.as_bytes(), iv).map_err(|_| IV)
}

fn counter(key: &Key, iv: &[u8]) -> Result<Engine, Error> {
    let stream = Ctr128BE::new_from_slices(key.as_bytes(), iv).map_err(|_| IV)?;
    Ok(Engine::Ctr(Box::new(stream)))
}

const IV: Error = Error::InvalidParameter("an SM4 IV has 16 bytes");

impl Engine {
    /// Runs over data in its place: whole blocks, or anything for a counter.
    fn run(&mut self, data: &mut [u8]) -> Result<(), Error> {
        if let Self::Ctr(stream) = self {
            return stream.try_apply_keystream(data).map_err(|_| Error::TooLong);
        }
        let (blocks, []) = Array::slice_as_chunks_mut(data) else {
            return Err(Error::InvalidData("not whole blocks"));
        };
        let blocks: &mut [Block<Sm4>] = blocks;
        match self {
            Self::EcbEncrypt(cipher) => cipher.encrypt_blocks(blocks),
            Self::EcbDecrypt(cipher) => cipher.decrypt_blocks(blocks),
            Self::CbcEncrypt(cipher) => cipher.encrypt_blocks(blocks),
            Self::CbcDecrypt(cipher) => cipher.decrypt_blocks(blocks),
            Self::Ctr(_) => {}
        }
        Ok(())
    }
}

/// What stands before the padding of PKCS#7 in the last block.
fn unpadded(last: &[u8]) -> Result<&[u8], Error> {
    const WRONG: Error = Error::InvalidData("the data does not decrypt");
    let byte = *last.last().ok_or(WRONG)?;
    let len = last.len().checked_sub(byte.into()).filter(|_| byte != 0).ok_or(WRONG)?;
    let (data, padding) = last.split_at_checked(len).ok_or(WRONG)?;
    if padding.iter().all(|other| *other == byte) { Ok(data) } else { Err(WRONG) }
}
