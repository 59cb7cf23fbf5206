//! The keys that come from a file key.

use crypto::aead::GcmKey;
use crypto::kdf::{hkdf_expand, hkdf_extract};
use crypto::{Hash, Secret, aes, hash};

use crate::{CHUNK, Error, TAG};

/// The length of a key in bytes.
pub(crate) const KEY: usize = 32;
const NONCE_PREFIX: usize = 7;

/// The keys of one file.
pub(crate) struct Keys {
    pub(crate) header: Secret,
    pub(crate) trailer: Secret,
    chunks: GcmKey,
    nonce: [u8; NONCE_PREFIX],
}

impl Keys {
    /// Of the file key, and of the header without its MAC.
    pub(crate) fn derive(file_key: &Secret, header: &[u8]) -> Result<Self, Error> {
        let salt = hash::digest(Hash::Sha256, header)?;
        let prk = hkdf_extract(Hash::Sha256, &salt, file_key)?;
        let derive = |label: &[u8], len| hkdf_expand(Hash::Sha256, &prk, label, len);
        let chunks = GcmKey::new(&aes::Key::new(derive(b"claviger backup chunks", KEY)?.as_bytes())?)?;
        let nonce = derive(b"claviger backup nonce", NONCE_PREFIX)?;
        Ok(Self {
            header: derive(b"claviger backup header", KEY)?,
            trailer: derive(b"claviger backup trailer", KEY)?,
            chunks,
            nonce: nonce.as_bytes().try_into().map_err(|_| Error::Defect("a nonce has 7 bytes"))?,
        })
    }

    pub(crate) fn seal(&self, number: u64, last: bool, content: &[u8]) -> Result<Vec<u8>, Error> {
        if content.len() > CHUNK {
            return Err(Error::Defect("a chunk is too long"));
        }
        Ok(self.chunks.seal(&self.nonce(number, last)?, &[], TAG, content)?)
    }

    /// None if it is not the chunk of this number.
    pub(crate) fn open(&self, number: u64, last: bool, sealed: &[u8]) -> Option<Secret> {
        self.chunks.open(&self.nonce(number, last).ok()?, &[], TAG, sealed).ok().map(Secret::new)
    }

    fn nonce(&self, number: u64, last: bool) -> Result<[u8; 12], Error> {
        let number = u32::try_from(number).map_err(|_| Error::Defect("a backup has too many chunks"))?;
        let parts = self.nonce.into_iter().chain(number.to_be_bytes()).chain([u8::from(last)]);
        let mut nonce = [0; 12];
        nonce.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        Ok(nonce)
    }
}
