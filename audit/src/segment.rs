//! Segments as bytes: frames, what is signed in them, and the head (`FORMAT.md`).

mod reader;

pub use reader::{Broken, Frame, Reader, record_at};

use crate::bytes::{Bytes, put_text};
use crate::key::HsmId;
use crate::{Digest, Error, LogId, PublicKey, Signer, sha256};

/// What a segment opens with.
pub const MAGIC: [u8; 8] = *b"CLVAUDIT";
/// What a head opens with.
pub const HEAD_MAGIC: [u8; 8] = *b"CLVAHEAD";
/// The version of the format, which follows the magic.
pub const VERSION: u16 = 1;
/// The longest frame in bytes, without its length. A record with everything at its longest has 14.5 KB.
pub const LIMIT: u32 = 16 * 1024;

/// What a frame is: its first byte.
pub(crate) mod kind {
    pub(crate) const HEADER: u8 = 1;
    pub(crate) const RECORD: u8 = 2;
    pub(crate) const CHECKPOINT: u8 = 3;
    pub(crate) const END: u8 = 4;
}

/// The first byte of whatever is hashed into the chain. 0 and 1 are the Merkle tree's.
mod mark {
    pub(super) const HEADER: u8 = 0x10;
    pub(super) const RECORD: u8 = 0x11;
    pub(super) const CHECKPOINT: u8 = 0x12;
    pub(super) const END: u8 = 0x13;
}

/// What is signed: its kind of frame, the words before it in the signed message, and its bytes.
pub trait Body: Sized {
    /// The kind of its frame.
    const KIND: u8;
    /// What stands before it in the message that is signed.
    const CONTEXT: &'static [u8];
    /// Appends its bytes.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads its bytes.
    ///
    /// # Errors
    /// `Malformed`, or `Key` for one that is not supported.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
}

/// The first frame of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The log.
    pub log: LogId,
    /// The segment's number, from 1.
    pub segment: u64,
    /// The number of the first record that it will hold.
    pub first: u64,
    /// The chain's hash at the end of the segment before; zeros for the first.
    pub previous: Digest,
    /// When it was begun, in nanoseconds since 1970.
    pub time: u64,
    /// The HSM whose log this is.
    pub hsm: HsmId,
    /// The key that signs this segment.
    pub key: PublicKey,
}

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// The daemon goes on.
    Open,
    /// The daemon stopped, in order.
    Closed,
}

/// A signed statement of how far the log has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub log: LogId,
    /// The segment it stands in.
    pub segment: u64,
    /// The number of the newest record; 0 if there is none.
    pub sequence: u64,
    /// The chain's hash there.
    pub chain: Digest,
    /// When it was signed, in nanoseconds since 1970.
    pub time: u64,
    /// Whether the daemon stopped here.
    pub state: State,
}

/// The last frame of a segment that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The log.
    pub log: LogId,
    /// The segment.
    pub segment: u64,
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record; one less than `first` if it has none.
    pub last: u64,
    /// The chain's hash there.
    pub chain: Digest,
    /// The root of the Merkle tree over the hashes of its records.
    pub root: Digest,
    /// When it was signed, in nanoseconds since 1970.
    pub time: u64,
    /// The key that signs the next segment.
    pub next: PublicKey,
}

/// Something with the signature that it was read or made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    /// What is signed.
    pub body: T,
    /// Its bytes, which are what the signature is of.
    pub bytes: Vec<u8>,
    /// The signature, not checked by reading it.
    pub signature: Vec<u8>,
}

impl<T: Body> Signed<T> {
    /// Signs.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn new(body: T, signer: &dyn Signer) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        body.encode(&mut bytes);
        let signature = signer.sign(&[T::CONTEXT, &bytes].concat())?;
        Ok(Self { body, bytes, signature })
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// `Signature` if it is wrong.
    pub fn verify(&self, key: &PublicKey) -> Result<(), Error> {
        key.verify(&[T::CONTEXT, &self.bytes].concat(), &self.signature)
    }

    /// Appends its frame.
    pub fn frame(&self, out: &mut Vec<u8>) {
        let len = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX).to_le_bytes();
        put_frame(T::KIND, &[&len, &self.bytes, &self.signature], out);
    }

    /// Reads the inside of a frame.
    ///
    /// # Errors
    /// Those of the body.
    pub fn decode(payload: &[u8]) -> Result<Self, Error> {
        let mut from = Bytes(payload);
        let len = from.u16()?;
        let bytes = from.take(len.into())?;
        Self::decode_parts(bytes, from.0.to_vec())
    }

    /// The body of these bytes, with its signature.
    ///
    /// # Errors
    /// Those of the body.
    pub fn decode_parts(bytes: &[u8], signature: Vec<u8>) -> Result<Self, Error> {
        Ok(Self { body: T::decode(bytes)?, bytes: bytes.to_vec(), signature })
    }
}

impl Signed<Checkpoint> {
    /// The whole of a head: the file that holds the newest checkpoint.
    pub fn to_head(&self) -> Vec<u8> {
        let mut out = opening(HEAD_MAGIC);
        self.frame(&mut out);
        out
    }

    /// Reads a head. The signature is not checked yet: whose it must be, the segment says that it names.
    ///
    /// # Errors
    /// `Malformed` or `Version`.
    pub fn from_head(bytes: &[u8]) -> Result<Self, Error> {
        const NO_HEAD: Error = Error::Malformed("not the head of an audit log");
        let mut from = Bytes(bytes);
        check_opening(&mut from, HEAD_MAGIC, NO_HEAD)?;
        let len = from.u32()?;
        if from.0.len() != len as usize || from.u8()? != kind::CHECKPOINT {
            return Err(NO_HEAD);
        }
        Self::decode(from.0)
    }
}

/// Magic and version.
pub(crate) fn opening(magic: [u8; 8]) -> Vec<u8> {
    [magic.as_slice(), &VERSION.to_le_bytes()].concat()
}

fn check_opening(from: &mut Bytes<'_>, magic: [u8; 8], otherwise: Error) -> Result<(), Error> {
    if from.array()? != magic {
        return Err(otherwise);
    }
    match from.u16()? {
        VERSION => Ok(()),
        other => Err(Error::Version(other)),
    }
}

pub(crate) fn put_frame(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let len = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    // The types bound what a frame can hold to less than LIMIT.
    out.extend(u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
    out.push(kind);
    parts.iter().for_each(|part| out.extend(*part));
}

/// The chain after a header.
pub(crate) fn chain_header(body: &[u8]) -> Result<Digest, Error> {
    sha256(&[&[mark::HEADER], body].concat())
}

/// The chain after a record: its hash. `scratch` is only there to be used again.
pub(crate) fn chain_record(
    chain: &Digest,
    log: &LogId,
    record: &[u8],
    scratch: &mut Vec<u8>,
) -> Result<Digest, Error> {
    scratch.clear();
    scratch.push(mark::RECORD);
    scratch.extend(chain);
    scratch.extend(log);
    scratch.extend(record);
    sha256(scratch)
}

/// The chain after a checkpoint.
pub(crate) fn chain_checkpoint(chain: &Digest, body: &[u8]) -> Result<Digest, Error> {
    sha256(&[&[mark::CHECKPOINT], chain.as_slice(), body].concat())
}

/// The chain after the end of a segment.
pub(crate) fn chain_end(chain: &Digest, body: &[u8]) -> Result<Digest, Error> {
    sha256(&[&[mark::END], chain.as_slice(), body].concat())
}

impl Body for Header {
    const KIND: u8 = kind::HEADER;
    const CONTEXT: &'static [u8] = b"Claviger audit v1: header\0";

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.log);
        out.extend(self.segment.to_le_bytes());
        out.extend(self.first.to_le_bytes());
        out.extend(self.previous);
        out.extend(self.time.to_le_bytes());
        put_text(&self.hsm, out);
        self.key.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut from = Bytes(bytes);
        let header = Self {
            log: from.array()?,
            segment: from.u64()?,
            first: from.u64()?,
            previous: from.array()?,
            time: from.u64()?,
            hsm: from.text()?,
            key: PublicKey::decode(&mut from)?,
        };
        from.end()?;
        Ok(header)
    }
}

impl Body for Checkpoint {
    const KIND: u8 = kind::CHECKPOINT;
    const CONTEXT: &'static [u8] = b"Claviger audit v1: checkpoint\0";

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.log);
        out.extend(self.segment.to_le_bytes());
        out.extend(self.sequence.to_le_bytes());
        out.extend(self.chain);
        out.extend(self.time.to_le_bytes());
        out.push(u8::from(self.state == State::Closed));
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut from = Bytes(bytes);
        let checkpoint = Self {
            log: from.array()?,
            segment: from.u64()?,
            sequence: from.u64()?,
            chain: from.array()?,
            time: from.u64()?,
            state: match from.u8()? {
                0 => State::Open,
                1 => State::Closed,
                _ => return Err(Error::Malformed("a checkpoint is neither open nor closed")),
            },
        };
        from.end()?;
        Ok(checkpoint)
    }
}

impl Body for End {
    const KIND: u8 = kind::END;
    const CONTEXT: &'static [u8] = b"Claviger audit v1: end\0";

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.log);
        out.extend(self.segment.to_le_bytes());
        out.extend(self.first.to_le_bytes());
        out.extend(self.last.to_le_bytes());
        out.extend(self.chain);
        out.extend(self.root);
        out.extend(self.time.to_le_bytes());
        self.next.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut from = Bytes(bytes);
        let end = Self {
            log: from.array()?,
            segment: from.u64()?,
            first: from.u64()?,
            last: from.u64()?,
            chain: from.array()?,
            root: from.array()?,
            time: from.u64()?,
            next: PublicKey::decode(&mut from)?,
        };
        from.end()?;
        Ok(end)
    }
}
