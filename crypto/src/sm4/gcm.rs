//! SM4-GCM (NIST SP 800-38D; RFC 8998, "AEAD_SM4_GCM"): GHASH and a counter, put together for an IV and a tag of any
//! length, and for messages that come in parts, which no crate does.

use ctr::{Ctr32BE, CtrCore};
use ghash::universal_hash::UniversalHash;
use ghash::{Block, GHash};
use sm4::Sm4;
use sm4::cipher::{BlockCipherEncrypt, InnerIvInit, StreamCipher};

use super::{BLOCK, FAILED, Key};
use crate::aead::{FULL_TAG, GCM_MAX, SHORT, check_gcm};
use crate::{Error, equal, ffi};

/// A key prepared for SM4-GCM once and used for many messages, by many threads.
pub struct GcmKey {
    cipher: Box<Sm4>,
    hash: Box<GHash>,
}

impl GcmKey {
    /// Prepares the key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn new(key: &Key) -> Result<Self, Error> {
        let cipher = Box::new(key.schedule()?);
        let mut zero = Block::default();
        cipher.encrypt_block(&mut zero);
        let hash = Box::new(GHash::new(&zero));
        zeroize::Zeroize::zeroize(zero.as_mut_slice());
        Ok(Self { cipher, hash })
    }

    /// Ciphertext, then a tag of `tag_len` bytes.
    ///
    /// # Errors
    /// `InvalidParameter` for an empty IV or a tag that is not 4, 8 or 12 to 16 bytes; `TooLong` for more than
    /// 2³⁶ − 32 bytes.
    pub fn seal(&self, iv: &[u8], aad: &[u8], tag_len: usize, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(plaintext.len().saturating_add(FULL_TAG));
        let mut seal = self.seal_parts(iv, aad, tag_len)?;
        seal.update(plaintext, &mut out)?;
        seal.finish(&mut out)?;
        Ok(out)
    }

    /// The plaintext of ciphertext and tag.
    ///
    /// # Errors
    /// `InvalidData` if the tag is wrong; else as [`Self::seal`].
    pub fn open(&self, iv: &[u8], aad: &[u8], tag_len: usize, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let len = sealed.len().checked_sub(tag_len).ok_or(SHORT)?;
        check_gcm(iv, tag_len, len as u64)?;
        let (ciphertext, tag) = sealed.split_at_checked(len).ok_or(SHORT)?;
        let (mut stream, mut tagger) = self.begin(iv, aad);
        tagger.update(ciphertext);
        if !equal(tagger.finish().get(..tag_len).ok_or(FAILED)?, tag) {
            return Err(Error::InvalidData("the data does not decrypt"));
        }
        let mut out = ciphertext.to_vec();
        stream.try_apply_keystream(&mut out).map_err(|_| Error::TooLong)?;
        Ok(out)
    }

    /// Begins to seal a message that comes in parts.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_parts(&self, iv: &[u8], aad: &[u8], tag_len: usize) -> Result<GcmSeal, Error> {
        check_gcm(iv, tag_len, 0)?;
        let (stream, tagger) = self.begin(iv, aad);
        Ok(GcmSeal { stream: Box::new(stream), tagger, tag_len, done: 0 })
    }

    /// The key stream and the tag at the start of a message.
    fn begin(&self, iv: &[u8], aad: &[u8]) -> (Ctr32BE<Sm4>, Tagger) {
        let mut first = Block::default();
        match first.first_chunk_mut::<12>() {
            Some(start) if iv.len() == start.len() => {
                start.copy_from_slice(iv);
                first.last_mut().into_iter().for_each(|last| *last = 1);
            }
            _ => {
                let mut hash = (*self.hash).clone();
                hash.update_padded(iv);
                hash.update(&[lengths(0, iv.len() as u64)]);
                first = hash.finalize();
            }
        }
        let mut stream = Ctr32BE::from_core(CtrCore::inner_iv_init((*self.cipher).clone(), &first));
        let mut mask = Block::default();
        stream.apply_keystream(&mut mask);
        let mut hash = (*self.hash).clone();
        hash.update_padded(aad);
        let tagger =
            Tagger { hash: Box::new(hash), mask, aad_len: aad.len() as u64, len: 0, rest: Vec::new() };
        (stream, tagger)
    }
}

/// The last block that GHASH takes: two lengths, given in bytes, in bits.
fn lengths(first: u64, second: u64) -> Block {
    let bits = (u128::from(first) << 67) | (u128::from(second) << 3);
    Block::from(bits.to_be_bytes())
}

/// A tag over ciphertext that comes in parts.
struct Tagger {
    hash: Box<GHash>,
    mask: Block,
    aad_len: u64,
    len: u64,
    /// Ciphertext that is no whole block yet.
    rest: Vec<u8>,
}

impl Tagger {
    fn update(&mut self, ciphertext: &[u8]) {
        self.len = self.len.saturating_add(ciphertext.len() as u64);
        let missing = BLOCK.saturating_sub(self.rest.len()) % BLOCK;
        let (head, tail) = ciphertext.split_at_checked(missing).unwrap_or((ciphertext, &[]));
        self.rest.extend_from_slice(head);
        if self.rest.len() == BLOCK {
            self.hash.update_padded(&self.rest);
            self.rest.clear();
        }
        let (blocks, rest) = Block::slice_as_chunks(tail);
        self.hash.update(blocks);
        self.rest.extend_from_slice(rest);
    }

    fn finish(mut self) -> Vec<u8> {
        self.hash.update_padded(&self.rest);
        self.hash.update(&[lengths(self.aad_len, self.len)]);
        self.hash.finalize().iter().zip(&self.mask).map(|(hash, mask)| hash ^ mask).collect()
    }
}

/// An SM4-GCM encryption of a message that comes in parts. A decryption in parts would give out plaintext before its
/// tag is checked, so there is none.
pub struct GcmSeal {
    stream: Box<Ctr32BE<Sm4>>,
    tagger: Tagger,
    tag_len: usize,
    done: u64,
}

impl GcmSeal {
    /// Takes the next part, and appends its ciphertext to `out`.
    ///
    /// # Errors
    /// `TooLong` if the message grows beyond 2³⁶ − 32 bytes.
    pub fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.done = self.done.saturating_add(data.len() as u64);
        if self.done > GCM_MAX {
            return Err(Error::TooLong);
        }
        ffi::make_room(out, data.len())?;
        let start = out.len();
        out.extend_from_slice(data);
        let part = out.get_mut(start..).ok_or(FAILED)?;
        self.stream.try_apply_keystream(part).map_err(|_| Error::TooLong)?;
        self.tagger.update(part);
        Ok(())
    }

    /// Appends what is left, which is nothing but the tag.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(self.tagger.finish().get(..self.tag_len).ok_or(FAILED)?);
        Ok(())
    }
}
