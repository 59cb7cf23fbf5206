//! The modes that take their data block by block, of ciphers with blocks of 16 bytes: how much is out when so much is
//! in, and what is wrong with data of the wrong length (PKCS#11 3.2, "AES", "AES with Counter").

use crypto::aes::{BLOCK, Mode};
use crypto::{aes, sm4};
use wire::{Params, Value};

use super::gather::Direction;
use super::{Cipher, words};
use crate::error::Error;

/// A cipher under way.
pub(super) enum Blocks {
    Aes(aes::Cipher),
    Sm4(sm4::Cipher),
}

impl Blocks {
    fn update(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), crypto::Error> {
        match self {
            Self::Aes(cipher) => cipher.update(input, output),
            Self::Sm4(cipher) => cipher.update(input, output),
        }
    }

    fn finish(self, output: &mut Vec<u8>) -> Result<(), crypto::Error> {
        match self {
            Self::Aes(cipher) => cipher.finish(output),
            Self::Sm4(cipher) => cipher.finish(output),
        }
    }
}

/// An encryption or decryption with blocks made ready for this mode and direction.
pub(super) fn begin(direction: Direction, mode: Mode, blocks: Blocks) -> Box<dyn Cipher> {
    Box::new(Chain { blocks, direction, mode, fed: 0 })
}

/// `CK_AES_CTR_PARAMS`: the mode and the counter block.
///
/// # Errors
/// `MechanismParamInvalid` if it is not that.
pub(super) fn ctr(params: &Params) -> Result<(Mode, &[u8]), Error> {
    const WRONG: Error =
        Error::MechanismParamInvalid("it must be CK_AES_CTR_PARAMS with 1 to 128 counter bits");
    let [Value::Ulong(bits @ 1..=128), Value::Bytes(block)] = words(params)? else { return Err(WRONG) };
    Ok((Mode::Ctr { counter_bits: *bits as u32 }, block))
}

/// An initialisation vector.
///
/// # Errors
/// `MechanismParamInvalid` if it is not one of 16 bytes.
pub(super) fn iv(params: &Params) -> Result<&[u8; BLOCK], Error> {
    const WRONG: Error = Error::MechanismParamInvalid("it must be an initialisation vector of 16 bytes");
    match words(params)? {
        [Value::Bytes(iv)] => (**iv).try_into().map_err(|_| WRONG),
        _ => Err(WRONG),
    }
}

/// The blocks of a cipher in a mode.
struct Chain {
    blocks: Blocks,
    direction: Direction,
    mode: Mode,
    /// Bytes taken.
    fed: u64,
}

impl Chain {
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
