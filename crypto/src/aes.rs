//! AES keys and the modes without a tag: ECB, CBC, CTR (NIST SP 800-38A) and XTS (NIST SP 800-38E).

use crate::ffi::cipher::{Context, Direction, Kind};
use crate::{Error, Secret};

/// Length of a block in bytes.
pub const BLOCK: usize = 16;

/// An AES key: 16, 24 or 32 bytes.
#[derive(Debug)]
pub struct Key(Secret);

impl Key {
    /// A key of these bytes.
    ///
    /// # Errors
    /// `InvalidKey` unless there are 16, 24 or 32.
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.len() {
            16 | 24 | 32 => Ok(Self(Secret::new(bytes.to_vec()))),
            _ => Err(Error::InvalidKey("an AES key has 16, 24 or 32 bytes")),
        }
    }

    /// The bytes of the key.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// How blocks are chained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each block by itself; no IV; whole blocks only.
    Ecb,
    /// Chained, IV of 16 bytes; whole blocks only.
    Cbc,
    /// Chained, IV of 16 bytes, padded as in PKCS#7.
    CbcPad,
    /// A key stream from a counter: the low `counter_bits` bits (1 to 128) of a block of 16 bytes, the IV. The
    /// counter may not wrap round, since the key stream would repeat.
    Ctr {
        /// Width of the counter.
        counter_bits: u32,
    },
}

/// An encryption or decryption of data that comes in parts.
pub struct Cipher {
    context: Context,
    /// Bytes that the counter still allows; `None` where there is no counter, or it is too wide to run out.
    left: Option<u128>,
}

impl Cipher {
    /// Begins to encrypt.
    ///
    /// # Errors
    /// `InvalidParameter` if the IV or the counter's width does not fit the mode.
    pub fn encrypt(mode: Mode, key: &Key, iv: &[u8]) -> Result<Self, Error> {
        Self::new(Direction::Encrypt, mode, key, iv)
    }

    /// Begins to decrypt.
    ///
    /// # Errors
    /// `InvalidParameter` if the IV or the counter's width does not fit the mode.
    pub fn decrypt(mode: Mode, key: &Key, iv: &[u8]) -> Result<Self, Error> {
        Self::new(Direction::Decrypt, mode, key, iv)
    }

    fn new(direction: Direction, mode: Mode, key: &Key, iv: &[u8]) -> Result<Self, Error> {
        let kind = match mode {
            Mode::Ecb => Kind::Ecb,
            Mode::Cbc | Mode::CbcPad => Kind::Cbc,
            Mode::Ctr { .. } => Kind::Ctr,
        };
        let mut context = Context::new(kind, direction, key.as_bytes(), iv)?;
        let left = match mode {
            Mode::Ctr { counter_bits } => bytes_before_wrap(iv, counter_bits)?,
            _ => None,
        };
        if mode == Mode::CbcPad {
            context.pad();
        }
        Ok(Self { context, left })
    }

    /// Takes the next part, and appends to `out` what can be told so far.
    ///
    /// # Errors
    /// `TooLong` if the counter would wrap round; nothing is appended then.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(data.len() as u128).ok_or(Error::TooLong)?;
        }
        self.context.update(data, out)
    }

    /// Appends what is left.
    ///
    /// # Errors
    /// `InvalidData` if the data was not whole blocks where it must be, or its padding is wrong.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.context.finish(out)
    }
}

/// How many bytes the counter in the low bits of `iv` allows before it is zero again.
pub(crate) fn bytes_before_wrap(iv: &[u8], counter_bits: u32) -> Result<Option<u128>, Error> {
    let iv: [u8; BLOCK] =
        iv.try_into().map_err(|_| Error::InvalidParameter("a counter block has 16 bytes"))?;
    let space = match counter_bits {
        1..128 => 1_u128 << counter_bits,
        128 => 0, // 2¹²⁸ in arithmetic that wraps
        _ => return Err(Error::InvalidParameter("a counter has 1 to 128 bits")),
    };
    let counter = u128::from_be_bytes(iv) & space.wrapping_sub(1);
    // A zero here is 2¹²⁸ blocks, which nobody can encrypt; so is what overflows as a number of bytes.
    let blocks = space.wrapping_sub(counter);
    Ok(if blocks == 0 { None } else { blocks.checked_mul(BLOCK as u128) })
}

/// Encrypts one data unit with XTS-AES-256, at least a block long; the ciphertext is as long.
///
/// # Errors
/// `InvalidKey` unless the key is two different keys of 32 bytes; `InvalidData` if the unit is shorter than a
/// block; `TooLong` if it is longer than 2²⁰ blocks.
pub fn xts_encrypt(key: &Secret, tweak: &[u8; BLOCK], data: &[u8]) -> Result<Vec<u8>, Error> {
    xts(Direction::Encrypt, key, tweak, data)
}

/// Decrypts one data unit with XTS-AES-256.
///
/// # Errors
/// As [`xts_encrypt`].
pub fn xts_decrypt(key: &Secret, tweak: &[u8; BLOCK], data: &[u8]) -> Result<Vec<u8>, Error> {
    xts(Direction::Decrypt, key, tweak, data)
}

/// Length in bytes of the one key that XTS takes here: two AES-256 keys.
pub const XTS_KEY: usize = 64;

fn xts(direction: Direction, key: &Secret, tweak: &[u8; BLOCK], data: &[u8]) -> Result<Vec<u8>, Error> {
    if key.len() != XTS_KEY {
        return Err(Error::InvalidKey("an XTS key has 64 bytes"));
    }
    if data.len() < BLOCK {
        return Err(Error::InvalidData("an XTS data unit has at least 16 bytes"));
    }
    if data.len() > BLOCK << 20 {
        return Err(Error::TooLong);
    }
    let mut context = Context::new(Kind::Xts, direction, key.as_bytes(), tweak)?;
    let mut out = Vec::with_capacity(data.len() + BLOCK);
    context.update(data, &mut out)?;
    context.finish(&mut out)?;
    Ok(out)
}
