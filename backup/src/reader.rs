//! Reads a backup file: nothing of its content is given out before the chunk that it stands in is authenticated,
//! and the file is good only once [`Reader::next`] has given `None`.

use std::io::Read;

use crypto::hash::Digest;
use crypto::{Hash, Secret, equal};

use crate::header::Header;
use crate::keys::Keys;
use crate::lock::Opener;
use crate::{CHUNK, DIGEST, Error, MAX_RECORD, Name, RECORD_HEAD, TAG, TRAILER};

/// The header's magic, version and length.
const BEGIN: usize = 13;

/// A file of which the header has been read.
pub struct Sealed<R> {
    header: Header,
    from: Source<R>,
}

/// A file that its key has opened.
pub struct Reader<R> {
    header: Header,
    keys: Keys,
    from: Source<R>,
    /// The chunk that is being read, and how much of it was.
    chunk: Secret,
    at: usize,
    chunks: u64,
    /// Bytes of content that were read.
    content: u64,
    last: Option<Name>,
    /// Records read of the HSM, and of each partition.
    seen: Vec<u64>,
    /// The content hash, once the end was reached.
    hash: Option<[u8; DIGEST]>,
}

/// Where the file comes from: counted and hashed.
struct Source<R> {
    from: R,
    at: u64,
    hash: Digest,
    /// The whole length, once it is known.
    len: Option<u64>,
}

impl<R: Read> Source<R> {
    fn read(&mut self, len: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(len);
        self.from.by_ref().take(len as u64).read_to_end(&mut bytes)?;
        self.at += bytes.len() as u64;
        self.hash.update(&bytes)?;
        Ok(bytes)
    }

    fn exactly(&mut self, len: usize) -> Result<Vec<u8>, Error> {
        let bytes = self.read(len)?;
        let short = (len - bytes.len()) as u64;
        if short > 0 {
            let missing = self.len.map_or(short, |len| len.saturating_sub(self.at));
            return Err(Error::Truncated { at: self.at, missing });
        }
        Ok(bytes)
    }
}

impl<R: Read> Sealed<R> {
    /// Reads a file's header, and checks its checksum. Whether it is genuine, [`Self::open`] finds out.
    ///
    /// # Errors
    /// `Foreign`, `Newer`, `Truncated`, `HeaderDamaged`, `HeaderMalformed`; what `from` says.
    pub fn read(from: R) -> Result<Self, Error> {
        let mut from = Source { from, at: 0, hash: Digest::new(Hash::Sha256)?, len: None };
        let mut bytes = from.read(BEGIN)?;
        let len = Header::length(&bytes)? as usize;
        from.len = Some(len as u64);
        bytes.extend(from.exactly(len - BEGIN)?);
        let header = Header::from_bytes(&bytes)?;
        from.len = header.file_len();
        Ok(Self { header, from })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Opens the file.
    ///
    /// # Errors
    /// `WrongPassphrase`, `Lock`, `Domain`, `UKey` if it does not open so; `HeaderForged`.
    pub fn open(self, opener: &Opener) -> Result<Reader<R>, Error> {
        let Self { header, from } = self;
        let file_key = header.lock.open(opener, &header.before_lock)?;
        let keys = Keys::derive(&file_key, header.authenticated())?;
        if !header.is_genuine(&keys.header)? {
            return Err(Error::HeaderForged);
        }
        let seen = vec![0; header.facts.partitions.len() + 1];
        let chunk = Secret::new(Vec::new());
        Ok(Reader { header, keys, from, chunk, at: 0, chunks: 0, content: 0, last: None, seen, hash: None })
    }

    /// Reads the rest of the file without opening it: whether it is whole, and as its hash says. Gives the hash too,
    /// by which the file can be named.
    ///
    /// # Errors
    /// `Truncated`, `Trailing`, `Trailer`; what the file comes from says.
    pub fn check_hash(mut self) -> Result<(Header, [u8; DIGEST]), Error> {
        let mut left = self.header.file_len().unwrap_or(0).saturating_sub(self.from.at + TRAILER as u64);
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            self.from.exactly(piece)?;
            left -= piece as u64;
        }
        let (hash, _) = self.from.trailer()?;
        Ok((self.header, hash))
    }
}

impl<R: Read> Source<R> {
    /// The trailer's hash, which is right, and its MAC.
    fn trailer(&mut self) -> Result<([u8; DIGEST], Vec<u8>), Error> {
        let hash = self.hash.try_clone()?.finish()?;
        let hash: [u8; DIGEST] = hash.try_into().map_err(|_| Error::Defect("SHA-256 gives 32 bytes"))?;
        let mut trailer = self.exactly(TRAILER)?;
        let mac = trailer.split_off(DIGEST);
        if trailer != hash {
            return Err(Error::Trailer("hash"));
        }
        let end = self.at;
        if !self.read(1)?.is_empty() {
            return Err(Error::Trailing { at: end });
        }
        Ok((hash, mac))
    }
}

impl<R: Read> Reader<R> {
    /// The header, which is genuine.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The content hash of a file that was read to its end, and is good.
    pub const fn hash(&self) -> Option<[u8; DIGEST]> {
        self.hash
    }

    /// Bytes of content that were read.
    pub const fn content_read(&self) -> u64 {
        self.content
    }

    /// The next record; none at the end of a file that is good to its last byte.
    ///
    /// # Errors
    /// `Chunk`, `Truncated`, `Trailer`, `Trailing`, `Content`; what the file comes from says.
    #[allow(clippy::should_implement_trait)] // it can fail
    pub fn next(&mut self) -> Result<Option<(Name, Secret)>, Error> {
        if self.hash.is_some() {
            return Ok(None);
        }
        if self.content == self.header.facts.content_len {
            self.finish()?;
            return Ok(None);
        }
        let head = self.take(RECORD_HEAD)?;
        let mut fields = crate::fields::Fields(head.as_bytes());
        let name = Name { domain: fields.u64()?, kind: fields.byte()?, number: fields.u64()? };
        let len = fields.u32()?;
        if self.last.is_some_and(|last| last >= name) {
            return Err(Error::Content("records are out of order"));
        }
        if len > MAX_RECORD {
            return Err(Error::Content("a record is too long"));
        }
        self.count(name.domain)?;
        self.last = Some(name);
        let bytes = self.take(len as usize)?;
        Ok(Some((name, bytes)))
    }

    fn count(&mut self, domain: u64) -> Result<(), Error> {
        let partitions = &self.header.facts.partitions;
        let at = match domain {
            0 => Some(0),
            slot => partitions.iter().position(|partition| partition.slot == slot).map(|at| at + 1),
        };
        let seen = at.and_then(|at| self.seen.get_mut(at));
        *seen.ok_or(Error::Content("a record is of a partition that the header does not name"))? += 1;
        Ok(())
    }

    /// So many bytes of content.
    fn take(&mut self, len: usize) -> Result<Secret, Error> {
        if self.header.facts.content_len - self.content < len as u64 {
            return Err(Error::Content("a record goes beyond its end"));
        }
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            if self.at == self.chunk.len() {
                self.next_chunk()?;
            }
            let left = self.chunk.as_bytes().get(self.at..).unwrap_or_default();
            let now = left.get(..left.len().min(len - bytes.len())).unwrap_or_default();
            bytes.extend_from_slice(now);
            self.at += now.len();
        }
        self.content += len as u64;
        Ok(Secret::new(bytes))
    }

    fn next_chunk(&mut self) -> Result<(), Error> {
        let (number, of) = (self.chunks, self.header.chunks());
        let last = number + 1 == of;
        let len = match self.header.facts.content_len % CHUNK as u64 {
            rest if last && (rest > 0 || self.header.facts.content_len == 0) => {
                usize::try_from(rest).unwrap_or(CHUNK)
            }
            _ => CHUNK,
        };
        let from = self.from.at;
        let sealed = self.from.exactly(len + TAG)?;
        let opened = self.keys.open(number, last, &sealed);
        self.chunk = opened.ok_or(Error::Chunk { number: number + 1, of, from, to: self.from.at })?;
        self.at = 0;
        self.chunks += 1;
        Ok(())
    }

    /// The end: all chunks were there, the trailer is right, and all that the header names was in it.
    fn finish(&mut self) -> Result<(), Error> {
        if self.chunks < self.header.chunks() {
            self.next_chunk()?; // of a file without content
        }
        let (hash, mac) = self.from.trailer()?;
        if !equal(&mac, &crypto::mac::hmac(Hash::Sha256, self.keys.trailer.as_bytes(), &hash)?) {
            return Err(Error::Trailer("MAC"));
        }
        let facts = &self.header.facts;
        let named = [facts.own_records].into_iter().chain(facts.partitions.iter().map(|one| one.records));
        if !named.eq(self.seen.iter().copied()) {
            return Err(Error::Content("records are missing that the header counts"));
        }
        self.hash = Some(hash);
        Ok(())
    }
}
