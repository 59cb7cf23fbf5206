//! The header: what a file says of itself in the clear, authenticated under the file key.

use crypto::{Hash, equal, hash};

use crate::error::hex;
use crate::fields::{Fields, put_text};
use crate::lock::Lock;
use crate::{CHUNK, DIGEST, Error, TAG, TRAILER};

/// The most partitions in a file.
pub const MAX_PARTITIONS: usize = 4096;
/// The longest header, in bytes.
pub const MAX_HEADER: u32 = 1 << 20;

const MAGIC: &[u8; 8] = b"CLAVBKUP";
const VERSION: u8 = 1;
/// Magic, version and length of the header.
const BEGIN: usize = 13;
const SERIAL: usize = 16;
const MAX_LABEL: usize = 32;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// One partition.
    Partition,
    /// All partitions, and what the HSM itself has that makes sense on another machine.
    Hsm,
    /// Single keys of one partition.
    Keys,
    /// The secret of a cloning domain.
    Domain,
}

impl What {
    const ALL: [Self; 4] = [Self::Partition, Self::Hsm, Self::Keys, Self::Domain];

    const fn code(self) -> u8 {
        match self {
            Self::Partition => 1,
            Self::Hsm => 2,
            Self::Keys => 3,
            Self::Domain => 4,
        }
    }

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partition => "a partition",
            Self::Hsm => "the whole HSM",
            Self::Keys => "single keys",
            Self::Domain => "the secret of a cloning domain",
        }
    }
}

/// A partition, as a header tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its slot number, which is also its number within the file.
    pub slot: u64,
    /// Token objects.
    pub objects: u64,
    /// Records of any kind.
    pub records: u64,
    /// The token's serial number: 16 characters.
    pub serial: String,
    /// The key policy: 0 strict, 1 standard, 2 legacy.
    pub policy: u8,
    /// The token's label.
    pub label: String,
}

/// What a file says of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// What it holds.
    pub what: What,
    /// The HSM that made it.
    pub hsm: [u8; 16],
    /// When, in seconds since 1970.
    pub made_at: u64,
    /// The HSM's last commit then.
    pub commit: u64,
    /// Length of the content in bytes.
    pub content_len: u64,
    /// Records of the HSM itself.
    pub own_records: u64,
    /// The partitions, in the order of their slots.
    pub partitions: Vec<Partition>,
}

/// A whole header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file's id.
    pub id: [u8; 16],
    /// What it says of its content.
    pub facts: Facts,
    /// Who can open it.
    pub lock: Lock,
    /// SHA-256 of all up to the lock: what a lock binds the file key to.
    pub(crate) before_lock: [u8; DIGEST],
    /// All of it, with checksum and MAC.
    pub(crate) bytes: Vec<u8>,
}

impl Facts {
    /// All of the header up to the lock; its length is put in when that is known.
    pub(crate) fn before_lock(&self, id: &[u8; 16]) -> Result<Vec<u8>, Error> {
        let mut to = [&MAGIC[..], &[VERSION], &[0; 4], &[self.what.code()], id, &self.hsm].concat();
        for number in [self.made_at, self.commit, self.content_len, self.own_records] {
            to.extend_from_slice(&number.to_le_bytes());
        }
        if self.partitions.len() > MAX_PARTITIONS {
            return Err(Error::Defect("more partitions than a backup has room for"));
        }
        to.extend_from_slice(&u16::try_from(self.partitions.len()).unwrap_or(u16::MAX).to_le_bytes());
        for partition in &self.partitions {
            for number in [partition.slot, partition.objects, partition.records] {
                to.extend_from_slice(&number.to_le_bytes());
            }
            if partition.serial.len() != SERIAL {
                return Err(Error::Defect("a serial number has 16 characters"));
            }
            to.extend_from_slice(partition.serial.as_bytes());
            to.push(partition.policy);
            put_text(&partition.label, MAX_LABEL, &mut to)?;
        }
        Ok(to)
    }

    fn read(fields: &mut Fields<'_>) -> Result<([u8; 16], Self), Error> {
        let code = fields.byte()?;
        let what = What::ALL.into_iter().find(|what| what.code() == code);
        let what = what.ok_or(Error::HeaderMalformed("it holds nothing that is known"))?;
        let (id, hsm) = (fields.array()?, fields.array()?);
        let (made_at, commit, content_len, own_records) =
            (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
        let count: usize = fields.u16()?.into();
        if count > MAX_PARTITIONS {
            return Err(Error::HeaderMalformed("it has too many partitions"));
        }
        let mut partitions: Vec<Partition> = Vec::new();
        for _ in 0..count {
            let (slot, objects, records) = (fields.u64()?, fields.u64()?, fields.u64()?);
            let serial = str::from_utf8(fields.take(SERIAL)?).unwrap_or_default().to_owned();
            let (policy, label) = (fields.byte()?, fields.text(MAX_LABEL)?);
            if serial.len() != SERIAL || !serial.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(Error::HeaderMalformed("a serial number is not 16 letters and digits"));
            }
            if slot == 0 || policy > 2 || partitions.last().is_some_and(|last| last.slot >= slot) {
                return Err(Error::HeaderMalformed("a partition has a slot or a policy that cannot be"));
            }
            partitions.push(Partition { slot, objects, records, serial, policy, label });
        }
        let fits = match what {
            What::Partition | What::Keys => count == 1 && own_records == 0,
            What::Hsm => true,
            What::Domain => count == 0 && own_records == 1,
        };
        if !fits {
            return Err(Error::HeaderMalformed("it does not hold what it says"));
        }
        Ok((id, Self { what, hsm, made_at, commit, content_len, own_records, partitions }))
    }
}

impl Header {
    /// Whether `begin` can be the beginning of a file; if it can, the header's length once that is there.
    ///
    /// # Errors
    /// `Foreign`, `Newer`, `HeaderMalformed`; `Truncated` if it ends before the length.
    pub(crate) fn length(begin: &[u8]) -> Result<u32, Error> {
        let (magic, rest) = begin.split_at(begin.len().min(MAGIC.len()));
        if magic.is_empty() || !MAGIC.starts_with(magic) {
            return Err(Error::Foreign);
        }
        if let Some(version) = rest.first().filter(|version| **version != VERSION) {
            return Err(Error::Newer { version: *version, known: VERSION });
        }
        let missing = BEGIN.saturating_sub(begin.len()) as u64;
        let len = rest.get(1..5).and_then(|len| len.try_into().ok());
        match len.map(u32::from_le_bytes).ok_or(Error::Truncated { at: begin.len() as u64, missing })? {
            len if len > MAX_HEADER || (len as usize) < BEGIN + TRAILER => {
                Err(Error::HeaderMalformed("it cannot be that long"))
            }
            len => Ok(len),
        }
    }

    /// Reads a header that is whole, and checks its checksum.
    ///
    /// # Errors
    /// `HeaderDamaged`, `HeaderMalformed`, and as [`Self::length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let len = Self::length(bytes)? as usize;
        if bytes.len() != len {
            let missing = len.saturating_sub(bytes.len()) as u64;
            return Err(Error::Truncated { at: bytes.len() as u64, missing });
        }
        let (body, sums) = bytes.split_at(len - TRAILER);
        let checksum = hash::digest(Hash::Sha256, body)?;
        if !sums.starts_with(&checksum) {
            return Err(Error::HeaderDamaged);
        }
        let mut fields = Fields(body.get(BEGIN..).unwrap_or_default());
        let (id, facts) = Facts::read(&mut fields)?;
        let before = body.get(..body.len() - fields.0.len()).unwrap_or_default();
        let lock = Lock::read(&mut fields)?;
        fields.end()?;
        let before_lock = digest_before_lock(before)?;
        let header = Self { id, facts, lock, before_lock, bytes: bytes.to_vec() };
        if header.file_len().is_none() {
            return Err(Error::HeaderMalformed("its content cannot be that long"));
        }
        Ok(header)
    }

    /// Whether the MAC is the one of this key.
    pub(crate) fn is_genuine(&self, key: &crypto::Secret) -> Result<bool, Error> {
        let (content, mac) = self.bytes.split_at(self.bytes.len().saturating_sub(DIGEST));
        Ok(equal(mac, &crypto::mac::hmac(Hash::Sha256, key.as_bytes(), content)?))
    }

    /// All of the header but its MAC: what keys are derived from.
    pub(crate) fn authenticated(&self) -> &[u8] {
        self.bytes.get(..self.bytes.len().saturating_sub(DIGEST)).unwrap_or_default()
    }

    /// How many chunks there are.
    pub(crate) fn chunks(&self) -> u64 {
        self.facts.content_len.div_ceil(CHUNK as u64).max(1)
    }

    /// The length of the whole file in bytes; none if it is beyond all measure.
    #[must_use]
    pub fn file_len(&self) -> Option<u64> {
        u32::try_from(self.chunks()).ok()?;
        let sealed = self.facts.content_len.checked_add(self.chunks() * TAG as u64)?;
        sealed.checked_add(self.bytes.len() as u64 + TRAILER as u64)
    }

    /// The file's id, for people.
    #[must_use]
    pub fn id_text(&self) -> String {
        hex(&self.id)
    }
}

/// Puts the header's length where it belongs, and adds the checksum: what the MAC is to be made of.
pub(crate) fn complete(mut header: Vec<u8>) -> Result<Vec<u8>, Error> {
    let len = u32::try_from(header.len() + TRAILER).ok().filter(|len| *len <= MAX_HEADER);
    let len = len.ok_or(Error::Defect("a header is longer than one may be"))?;
    if let Some(field) = header.get_mut(BEGIN - 4..BEGIN) {
        field.copy_from_slice(&len.to_le_bytes());
    }
    let checksum = hash::digest(Hash::Sha256, &header)?;
    header.extend(checksum);
    Ok(header)
}

/// The digest of all up to the lock. The length, which is not known before the lock is made, counts as zeros.
pub(crate) fn digest_before_lock(bytes: &[u8]) -> Result<[u8; DIGEST], Error> {
    let mut bytes = bytes.to_vec();
    if let Some(field) = bytes.get_mut(BEGIN - 4..BEGIN) {
        field.fill(0);
    }
    let digest = hash::digest(Hash::Sha256, &bytes)?;
    digest.try_into().map_err(|_| Error::Defect("SHA-256 gives 32 bytes"))
}
