//! Writes a backup file: header, content in sealed chunks, trailer.

use std::io::Write;

use crypto::hash::Digest;
use crypto::{Hash, Secret, random};

use crate::header::{Facts, Header, complete, digest_before_lock};
use crate::keys::{KEY, Keys};
use crate::lock::Recipients;
use crate::{CHUNK, Error, MAX_RECORD, Name, RECORD_HEAD};

/// A file that is being written.
pub struct Writer<W> {
    to: W,
    header: Header,
    keys: Keys,
    hash: Digest,
    /// Content that waits for its chunk to be full. It has room for a whole chunk, so that it never moves.
    waiting: Vec<u8>,
    chunks: u64,
    content: u64,
    last: Option<Name>,
}

impl<W> Drop for Writer<W> {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.waiting);
    }
}

/// How much of the content a record of `len` bytes takes.
#[must_use]
pub const fn record_len(len: usize) -> u64 {
    (RECORD_HEAD + len) as u64
}

impl<W: Write> Writer<W> {
    /// Begins a file of which these things are true, for these recipients: with a new file key.
    ///
    /// # Errors
    /// `Recipients`, `PassphraseLength`; what `to` says; `Defect` for facts that no header has room for.
    pub fn begin(to: W, facts: &Facts, recipients: &Recipients) -> Result<Self, Error> {
        let mut id = [0; 16];
        random::fill(&mut id)?;
        let file_key = Secret::new(random::bytes(KEY)?);
        let mut header = facts.before_lock(&id)?;
        let before_lock = digest_before_lock(&header)?;
        recipients.lock(&file_key, &before_lock, &mut header)?;
        let mut header = complete(header)?;
        let keys = Keys::derive(&file_key, &header)?;
        header.extend(crypto::mac::hmac(Hash::Sha256, keys.header.as_bytes(), &header)?);
        let header = Header::from_bytes(&header)?;
        let mut writer = Self {
            to,
            keys,
            hash: Digest::new(Hash::Sha256)?,
            waiting: Vec::with_capacity(CHUNK),
            chunks: 0,
            content: 0,
            last: None,
            header,
        };
        let bytes = std::mem::take(&mut writer.header.bytes);
        writer.put(&bytes)?;
        writer.header.bytes = bytes;
        Ok(writer)
    }

    /// The file's header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of content so far.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.content
    }

    /// Adds a record. They come in the order of their names.
    ///
    /// # Errors
    /// What the file is written to says; `Defect` for a record that is out of order or too long.
    pub fn record(&mut self, name: Name, bytes: &Secret) -> Result<(), Error> {
        let len = u32::try_from(bytes.len()).ok().filter(|len| *len <= MAX_RECORD);
        let len = len.ok_or(Error::Defect("a record is longer than a backup has room for"))?;
        if self.last.is_some_and(|last| last >= name) {
            return Err(Error::Defect("records are out of order"));
        }
        self.last = Some(name);
        self.add(&name.domain.to_le_bytes())?;
        self.add(&[name.kind])?;
        self.add(&name.number.to_le_bytes())?;
        self.add(&len.to_le_bytes())?;
        self.add(bytes.as_bytes())
    }

    /// Ends the file, and gives back what it was written to.
    ///
    /// # Errors
    /// What that says; `Defect` if the content is not as long as was announced.
    pub fn finish(mut self) -> Result<Header, Error> {
        if self.content != self.header.facts.content_len {
            return Err(Error::Defect("the content is not as long as the header says"));
        }
        self.flush_chunk(true)?;
        let hash = self.hash.try_clone()?.finish()?;
        let mac = crypto::mac::hmac(Hash::Sha256, self.keys.trailer.as_bytes(), &hash)?;
        self.to.write_all(&hash)?;
        self.to.write_all(&mac)?;
        self.to.flush()?;
        Ok(self.header.clone())
    }

    fn add(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.content += bytes.len() as u64;
        while !bytes.is_empty() {
            // A full chunk waits until there is more, since the last one is marked.
            if self.waiting.len() == CHUNK {
                self.flush_chunk(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn flush_chunk(&mut self, last: bool) -> Result<(), Error> {
        let sealed = self.keys.seal(self.chunks, last, &self.waiting)?;
        self.chunks += 1;
        self.waiting.clear();
        self.put(&sealed)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes)?;
        Ok(self.to.write_all(bytes)?)
    }
}
