//! What can be wrong with a backup file, exactly; nothing here is a secret.

use std::io;

/// Why a file was not made, or is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It begins with something else.
    #[error("this is not a backup file of Claviger")]
    Foreign,
    /// A later release wrote it.
    #[error(
        "the backup has format version {version}, and this release knows versions up to {known}: restore it with a newer release"
    )]
    Newer {
        /// What the file says.
        version: u8,
        /// What is known here.
        known: u8,
    },
    /// It ends too early.
    #[error("the backup is truncated: it ends at byte {at}, and {missing} more bytes should follow")]
    Truncated {
        /// Its length in bytes.
        at: u64,
        /// How many are missing; of one cut within its first 13 bytes, how many of those.
        missing: u64,
    },
    /// It goes on after its end.
    #[error("the backup should end at byte {at}, and goes on")]
    Trailing {
        /// Where it should end.
        at: u64,
    },
    /// The header is not what its checksum says.
    #[error("the backup's header is damaged: its checksum is wrong")]
    HeaderDamaged,
    /// The header's checksum was mended, and it is altered all the same.
    #[error("the backup's header was altered: it does not authenticate")]
    HeaderForged,
    /// A field of the header cannot be so.
    #[error("the backup's header is malformed: {0}")]
    HeaderMalformed(&'static str),
    /// The passphrase is another one.
    #[error("wrong passphrase for this backup")]
    WrongPassphrase,
    /// A passphrase is too short to guard a file.
    #[error("a backup's passphrase has at least {min} bytes, not {len}")]
    PassphraseLength {
        /// Its length in bytes.
        len: usize,
        /// The least.
        min: usize,
    },
    /// It is opened in another way.
    #[error("the backup opens with {with}, not with {given}")]
    Lock {
        /// What opens it.
        with: String,
        /// What was given.
        given: &'static str,
    },
    /// It is of another cloning domain.
    #[error("the file is sealed for cloning domain {domain}, and this HSM is not in it")]
    Domain {
        /// The domain's id, in hexadecimal.
        domain: String,
    },
    /// A chunk is not the one that was written.
    #[error("chunk {number} of {of} (bytes {from} to {to}) was altered")]
    Chunk {
        /// From 1.
        number: u64,
        /// How many there are.
        of: u64,
        /// Where it begins in the file.
        from: u64,
        /// Where it ends.
        to: u64,
    },
    /// The end of the file is not what was written.
    #[error("the backup's end was altered: its {0} is wrong")]
    Trailer(&'static str),
    /// The content authenticates, and is not what a release writes.
    #[error("the backup's content is malformed: {0}")]
    Content(&'static str),
    /// The UKeys that a file is made for.
    #[error("{0}")]
    Recipients(String),
    /// A UKey or a share.
    #[error(transparent)]
    UKey(#[from] ukey::Error),
    /// The file that brings a share from another machine.
    #[error("the share is not of this backup: it is of the file {0}")]
    OtherBackup(String),
    /// Input or output failed.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The cryptographic library failed.
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
    /// The one who writes does not keep to what they announced: a defect.
    #[error("defect: {0}")]
    Defect(&'static str),
}

/// Bytes as people read them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
