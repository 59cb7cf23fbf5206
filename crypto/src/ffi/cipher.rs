//! AES: block modes, AEAD and key wrap.

use std::os::raw::{c_int, c_void};
use std::ptr;

use aws_lc_sys as sys;

use super::{append, check, int, owner};
use crate::Error;

const CIPHER: Error = Error::Failed("the cipher");
const REFUSED: Error = Error::InvalidData("the data does not decrypt");
const BLOCK: usize = 16;

/// The modes that AWS-LC has as an `EVP_CIPHER`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ecb,
    Cbc,
    Ctr,
    Gcm,
    Ccm,
    Xts,
}

/// Which way a cipher goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

/// The library's description of a mode with this length of key: a constant that lives as long as the program.
pub(super) fn algorithm(kind: Kind, key_len: usize) -> Result<*const sys::EVP_CIPHER, Error> {
    // SAFETY: these take no arguments and return pointers to constants.
    let found = unsafe {
        match (kind, key_len) {
            (Kind::Ecb, 16) => sys::EVP_aes_128_ecb(),
            (Kind::Ecb, 24) => sys::EVP_aes_192_ecb(),
            (Kind::Ecb, 32) => sys::EVP_aes_256_ecb(),
            (Kind::Cbc, 16) => sys::EVP_aes_128_cbc(),
            (Kind::Cbc, 24) => sys::EVP_aes_192_cbc(),
            (Kind::Cbc, 32) => sys::EVP_aes_256_cbc(),
            (Kind::Ctr, 16) => sys::EVP_aes_128_ctr(),
            (Kind::Ctr, 24) => sys::EVP_aes_192_ctr(),
            (Kind::Ctr, 32) => sys::EVP_aes_256_ctr(),
            (Kind::Gcm, 16) => sys::EVP_aes_128_gcm(),
            (Kind::Gcm, 24) => sys::EVP_aes_192_gcm(),
            (Kind::Gcm, 32) => sys::EVP_aes_256_gcm(),
            (Kind::Ccm, 16) => sys::EVP_aes_128_ccm(),
            (Kind::Ccm, 24) => sys::EVP_aes_192_ccm(),
            (Kind::Ccm, 32) => sys::EVP_aes_256_ccm(),
            (Kind::Xts, 64) => sys::EVP_aes_256_xts(),
            _ => return Err(Error::InvalidKey("no AES key has this length")),
        }
    };
    Ok(found)
}

owner!(
    /// A cipher under way.
    Context, sys::EVP_CIPHER_CTX, sys::EVP_CIPHER_CTX_free
);

impl Context {
    /// A cipher with key and IV, padding off. `iv_len` is set first where the mode lets it vary (GCM, CCM);
    /// `tag` is the length of the tag (CCM), with the tag itself when it decrypts.
    fn prepare(
        kind: Kind,
        direction: Direction,
        key: &[u8],
        iv: &[u8],
        tag: Option<(usize, Option<&[u8]>)>,
    ) -> Result<Self, Error> {
        let algorithm = algorithm(kind, key.len())?;
        let encrypt = c_int::from(direction == Direction::Encrypt);
        // SAFETY: takes no arguments.
        let new = Self::own(unsafe { sys::EVP_CIPHER_CTX_new() }, CIPHER)?;
        // SAFETY: the context is live; no key or IV is read.
        let ok = unsafe {
            sys::EVP_CipherInit_ex(new.ptr(), algorithm, ptr::null_mut(), ptr::null(), ptr::null(), encrypt)
        };
        check(ok == 1, CIPHER)?;
        match kind {
            Kind::Ecb if iv.is_empty() => {}
            Kind::Cbc | Kind::Ctr | Kind::Xts if iv.len() == BLOCK => {}
            // SAFETY: the context is live; this command takes no pointer.
            Kind::Gcm | Kind::Ccm => unsafe {
                new.control(sys::EVP_CTRL_AEAD_SET_IVLEN, iv.len(), ptr::null_mut())?;
            },
            _ => return Err(Error::InvalidParameter("the IV of this AES mode has another length")),
        }
        if let Some((len, tag)) = tag {
            let tag =
                tag.filter(|tag| tag.len() == len).map_or(ptr::null_mut(), |tag| tag.as_ptr().cast_mut());
            // SAFETY: the context is live; the tag is null or readable for `len`, and only read.
            unsafe { new.control(sys::EVP_CTRL_AEAD_SET_TAG, len, tag.cast())? };
        }
        // SAFETY: the context is live; the algorithm was chosen by the length of the key, and the IV has the
        // length that the mode has by nature (checked) or was told just now.
        let ok = unsafe {
            sys::EVP_CipherInit_ex(
                new.ptr(),
                ptr::null(),
                ptr::null_mut(),
                key.as_ptr(),
                iv.as_ptr(),
                encrypt,
            )
        };
        check(ok == 1, Error::InvalidKey("AES refuses the key"))?;
        // SAFETY: the context is live.
        unsafe { sys::EVP_CIPHER_CTX_set_padding(new.ptr(), 0) };
        Ok(new)
    }

    /// A cipher in one of the modes without a tag.
    pub(crate) fn new(kind: Kind, direction: Direction, key: &[u8], iv: &[u8]) -> Result<Self, Error> {
        Self::prepare(kind, direction, key, iv, None)
    }

    /// A GCM encryption, with all of its associated data.
    pub(crate) fn gcm_seal(key: &[u8], iv: &[u8], aad: &[u8]) -> Result<Self, Error> {
        let mut new = Self::prepare(Kind::Gcm, Direction::Encrypt, key, iv, None)?;
        new.associate(aad)?;
        Ok(new)
    }

    /// PKCS#7 padding from now on.
    pub(crate) fn pad(&mut self) {
        // SAFETY: the context is live.
        unsafe { sys::EVP_CIPHER_CTX_set_padding(self.ptr(), 1) };
    }

    /// # Safety
    /// `pointer` is what `command` takes, for `len` bytes.
    unsafe fn control(&self, command: c_int, len: usize, pointer: *mut c_void) -> Result<(), Error> {
        // SAFETY: the context is live; the caller vouches for the pointer.
        let ok = unsafe { sys::EVP_CIPHER_CTX_ctrl(self.ptr(), command, int(len)?, pointer) };
        check(ok == 1, Error::InvalidParameter("AES refuses the length of the IV or the tag"))
    }

    fn associate(&mut self, aad: &[u8]) -> Result<(), Error> {
        for part in aad.chunks(1 << 30) {
            let mut done = 0;
            // SAFETY: the context is live, `part` readable; a null output means associated data.
            let ok = unsafe {
                sys::EVP_CipherUpdate(self.ptr(), ptr::null_mut(), &mut done, part.as_ptr(), int(part.len())?)
            };
            check(ok == 1, CIPHER)?;
        }
        Ok(())
    }

    /// Appends to `out` what comes of `data`.
    pub(crate) fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        for part in data.chunks(1 << 30) {
            // SAFETY: `EVP_CipherUpdate` writes at most a block more than it reads, and says how much in `done`.
            unsafe {
                append(out, part.len() + BLOCK, |room| {
                    let mut done = 0;
                    let len = int(part.len())?;
                    let ok = sys::EVP_CipherUpdate(self.ptr(), room, &mut done, part.as_ptr(), len);
                    check(ok == 1, REFUSED)?;
                    usize::try_from(done).map_err(|_| CIPHER)
                })?;
            }
        }
        Ok(())
    }

    /// Appends what the cipher still held, and checks block length or padding.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        // SAFETY: `EVP_CipherFinal_ex` writes at most a block, and says how much in `done`.
        unsafe {
            append(out, BLOCK, |room| {
                let mut done = 0;
                let ok = sys::EVP_CipherFinal_ex(self.ptr(), room, &mut done);
                check(ok == 1, REFUSED)?;
                usize::try_from(done).map_err(|_| CIPHER)
            })
        }
    }

    /// The first `len` bytes of the tag of a finished encryption.
    pub(crate) fn tag(&self, len: usize) -> Result<Vec<u8>, Error> {
        let mut tag = vec![0; len];
        // SAFETY: `tag` is writable for `len`.
        unsafe { self.control(sys::EVP_CTRL_AEAD_GET_TAG, len, tag.as_mut_ptr().cast())? };
        Ok(tag)
    }
}

/// AES-CCM in one step: appends the ciphertext (or plaintext) of `data`; an encryption also returns its tag.
pub(crate) fn ccm(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    data: &[u8],
    tag_len: usize,
    tag: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let direction = if tag.is_some() { Direction::Decrypt } else { Direction::Encrypt };
    let context = Context::prepare(Kind::Ccm, direction, key, nonce, Some((tag_len, tag)))?;
    let mut done = 0;
    let len = int(data.len())?;
    // SAFETY: the context is live; null output and null input announce the length of the message.
    let ok = unsafe { sys::EVP_CipherUpdate(context.ptr(), ptr::null_mut(), &mut done, ptr::null(), len) };
    check(ok == 1, Error::TooLong)?;
    // SAFETY: the context is live, `aad` readable; a null output means associated data, which CCM takes whole.
    let ok = unsafe {
        sys::EVP_CipherUpdate(context.ptr(), ptr::null_mut(), &mut done, aad.as_ptr(), int(aad.len())?)
    };
    check(ok == 1, Error::TooLong)?;
    // SAFETY: CCM writes as many bytes as it reads. Neither pointer is null, even for no data.
    unsafe {
        append(out, data.len().max(1), |room| {
            let ok = sys::EVP_CipherUpdate(context.ptr(), room, &mut done, data.as_ptr(), len);
            check(ok == 1, REFUSED)?;
            Ok(data.len())
        })?;
    }
    if tag.is_some() { Ok(Vec::new()) } else { context.tag(tag_len) }
}

owner!(
    /// A key prepared for AES-GCM, with the length of its tag.
    Gcm, sys::EVP_AEAD_CTX, sys::EVP_AEAD_CTX_free
);

// SAFETY: for the three AES-GCM algorithms, which are all that this type is made for, sealing and opening "may be
// called concurrently" on one context (aead.h, EVP_AEAD_CTX_seal).
unsafe impl Sync for Gcm {}

impl Gcm {
    pub(crate) fn new(key: &[u8], tag_len: usize) -> Result<Self, Error> {
        // SAFETY: these take no arguments and return pointers to constants.
        let aead = unsafe {
            match key.len() {
                16 => sys::EVP_aead_aes_128_gcm(),
                24 => sys::EVP_aead_aes_192_gcm(),
                32 => sys::EVP_aead_aes_256_gcm(),
                _ => return Err(Error::InvalidKey("no AES key has this length")),
            }
        };
        // SAFETY: `key` is readable for its length.
        let new = unsafe { sys::EVP_AEAD_CTX_new(aead, key.as_ptr(), key.len(), tag_len) };
        Self::own(new, CIPHER)
    }

    /// Ciphertext, then the first `tag_len` bytes of the tag.
    pub(crate) fn seal(&self, iv: &[u8], aad: &[u8], tag_len: usize, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        // SAFETY: GCM writes as many bytes as it reads and a tag of 16 after them, for which there is room;
        // the inputs are readable for their lengths.
        unsafe {
            append(&mut out, data.len() + BLOCK, |room| {
                let mut len = 0;
                let ok = sys::EVP_AEAD_CTX_seal_scatter(
                    self.ptr(),
                    room,
                    room.add(data.len()),
                    &mut len,
                    BLOCK,
                    iv.as_ptr(),
                    iv.len(),
                    data.as_ptr(),
                    data.len(),
                    ptr::null(),
                    0,
                    aad.as_ptr(),
                    aad.len(),
                );
                check(ok == 1, CIPHER)?;
                Ok(data.len() + tag_len.min(len))
            })?;
        }
        Ok(out)
    }

    /// The plaintext, if the tag at the end of `sealed` is right.
    pub(crate) fn open(&self, iv: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        // SAFETY: `EVP_AEAD_CTX_open` writes at most `sealed.len()` bytes and says how many in `len`; the inputs
        // are readable for their lengths.
        unsafe {
            append(&mut out, sealed.len(), |room| {
                let mut len = 0;
                let ok = sys::EVP_AEAD_CTX_open(
                    self.ptr(),
                    room,
                    &mut len,
                    sealed.len(),
                    iv.as_ptr(),
                    iv.len(),
                    sealed.as_ptr(),
                    sealed.len(),
                    aad.as_ptr(),
                    aad.len(),
                );
                check(ok == 1, REFUSED)?;
                Ok(len)
            })?;
        }
        Ok(out)
    }
}

/// An expanded AES key for the block function and RFC 3394. Wiped on drop.
pub(crate) struct Schedule {
    key: sys::AES_KEY,
}

impl Schedule {
    pub(crate) fn new(direction: Direction, key: &[u8]) -> Result<Self, Error> {
        let bits = match key.len() {
            16 => 128,
            24 => 192,
            32 => 256,
            _ => return Err(Error::InvalidKey("no AES key has this length")),
        };
        let mut new = Self { key: sys::AES_KEY { rd_key: [0; 60], rounds: 0 } };
        // SAFETY: `key` is readable for `bits`, the schedule writable.
        let ok = unsafe {
            match direction {
                Direction::Encrypt => sys::AES_set_encrypt_key(key.as_ptr(), bits, &mut new.key),
                Direction::Decrypt => sys::AES_set_decrypt_key(key.as_ptr(), bits, &mut new.key),
            }
        };
        check(ok == 0, CIPHER)?;
        Ok(new)
    }

    /// The block function forwards. For a schedule made to encrypt.
    pub(crate) fn encrypt(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut out = [0; BLOCK];
        // SAFETY: both are blocks; the key has a whole schedule.
        unsafe { sys::AES_encrypt(block.as_ptr(), out.as_mut_ptr(), &self.key) };
        out
    }

    /// The block function backwards. For a schedule made to decrypt.
    pub(crate) fn decrypt(&self, block: [u8; BLOCK]) -> [u8; BLOCK] {
        let mut out = [0; BLOCK];
        // SAFETY: both are blocks; the key has a whole schedule.
        unsafe { sys::AES_decrypt(block.as_ptr(), out.as_mut_ptr(), &self.key) };
        out
    }

    /// RFC 3394 wrapping with this initial value.
    pub(crate) fn wrap(&self, iv: &[u8; 8], data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = vec![0; data.len() + 8];
        // SAFETY: the output has the eight bytes more that wrapping adds.
        let len =
            unsafe { sys::AES_wrap_key(&self.key, iv.as_ptr(), out.as_mut_ptr(), data.as_ptr(), data.len()) };
        check(usize::try_from(len) == Ok(out.len()), Error::InvalidData("key wrap cannot take this length"))?;
        Ok(out)
    }

    /// RFC 3394 unwrapping; the initial value must be this one.
    pub(crate) fn unwrap(&self, iv: &[u8; 8], data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = zeroize::Zeroizing::new(vec![0; data.len()]);
        // SAFETY: the output is longer than what unwrapping leaves.
        let len = unsafe {
            sys::AES_unwrap_key(&self.key, iv.as_ptr(), out.as_mut_ptr(), data.as_ptr(), data.len())
        };
        let len = usize::try_from(len);
        check(len.is_ok(), REFUSED)?;
        out.truncate(len.unwrap_or_default());
        Ok(std::mem::take(&mut *out))
    }

    /// RFC 5649 unwrapping with the standard's initial value.
    pub(crate) fn unwrap_padded(&self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = zeroize::Zeroizing::new(vec![0; data.len()]);
        let mut len = 0;
        // SAFETY: the output is longer than what unwrapping leaves, and its length is told.
        let ok = unsafe {
            sys::AES_unwrap_key_padded(
                &self.key,
                out.as_mut_ptr(),
                &mut len,
                out.len(),
                data.as_ptr(),
                data.len(),
            )
        };
        check(ok == 1, REFUSED)?;
        out.truncate(len);
        Ok(std::mem::take(&mut *out))
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        // SAFETY: the schedule is writable for its size, and plain numbers.
        unsafe { sys::OPENSSL_cleanse(ptr::from_mut(&mut self.key).cast(), size_of::<sys::AES_KEY>()) };
    }
}
