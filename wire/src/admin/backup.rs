//! Backup, restore and cloning.
//!
//! A file that the daemon makes comes in chunks, and the answer after them. A file that it is to read is sent in chunks
//! once it has said [`Send`](super::Told::Send). What is in a file, and whether it is whole, the console sees by itself.

use serde::{Deserialize, Serialize};

use super::people::hex;
use super::{Act, Command};
use crate::{Bytes, List};

/// The most UKeys that a backup is made for.
pub const MAX_HOLDERS: usize = 64;
/// The most objects that are named to be cloned.
pub const MAX_NAMED: usize = 256;
/// The most partitions of a backup.
pub const MAX_PARTITIONS: usize = 4096;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// For whom backups are made.
    Holders,
    /// Sets for whom backups are made.
    SetHolders {
        /// How many of them are needed to open one.
        threshold: u8,
        /// The public halves of their UKeys; none leaves it to who makes a backup.
        holders: List<Bytes, MAX_HOLDERS>,
    },
    /// Makes a backup.
    Create {
        /// Label, serial number or slot number; none for the whole HSM.
        partition: Option<String>,
        /// Who is to be able to open it.
        to: To,
    },
    /// Reads a backup that follows, and checks everything in it.
    Verify {
        /// What opens it.
        with: With,
    },
    /// Restores the backup that follows.
    Restore {
        /// The file's content hash, which names it to who approves.
        file: [u8; 32],
        /// What opens it.
        with: With,
        /// What is there already is overwritten.
        replace: bool,
        /// It is taken back to an earlier state.
        older: bool,
    },
    /// The cloning domain.
    Domain,
    /// Makes a cloning domain.
    DomainCreate {
        /// In place of the one that the HSM is in.
        replace: bool,
    },
    /// Asks for the cloning domain's secret, in a file for another HSM.
    DomainExport {
        /// Who is to be able to open it.
        to: To,
    },
    /// Joins the cloning domain whose secret is in the file that follows.
    DomainImport {
        /// The file's content hash.
        file: [u8; 32],
        /// What opens it.
        with: With,
        /// In place of the one that the HSM is in.
        replace: bool,
    },
    /// Asks for single keys, in a file for the HSMs of the cloning domain.
    Export {
        /// Label, serial number or slot number.
        partition: String,
        /// Numbers, unique ids or labels of objects.
        objects: List<String, MAX_NAMED>,
    },
    /// Brings the keys of the file that follows.
    Import {
        /// The file's content hash.
        file: [u8; 32],
        /// Label, serial number or slot number of where they go.
        partition: String,
    },
}

/// Who is to be able to open a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// The holders that were set.
    Holders,
    /// Some of these UKeys together.
    UKeys {
        /// How many.
        threshold: u8,
        /// Their public halves.
        holders: List<Bytes, MAX_HOLDERS>,
    },
    /// Who knows a passphrase.
    Passphrase(Bytes),
    /// The HSMs of the cloning domain.
    Domain,
}

/// What opens a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum With {
    /// A passphrase.
    Passphrase(Bytes),
    /// Shares that UKeys have opened.
    Shares(List<Bytes, MAX_HOLDERS>),
    /// The secret of the cloning domain.
    Domain,
}

impl To {
    const fn name(&self) -> &'static str {
        match self {
            Self::Holders => "holders",
            Self::UKeys { .. } => "ukeys",
            Self::Passphrase(_) => "passphrase",
            Self::Domain => "domain",
        }
    }

    /// Adds to a command who is to open the file: UKeys by their public halves.
    fn told<'a>(&self, mut act: Act<'a>) -> Act<'a> {
        act = act.with("for", self.name());
        if let Self::UKeys { threshold, holders } = self {
            act = act.with("threshold", threshold);
            for holder in holders.iter() {
                act = act.with("ukey", hex(holder));
            }
        }
        act
    }
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Holders => Act::new(Command::BackupHolders),
            Self::SetHolders { threshold, holders } => {
                let to = To::UKeys { threshold: *threshold, holders: holders.clone() };
                to.told(Act::new(Command::SetBackupHolders))
            }
            Self::Create { partition, to } => {
                let command = match to {
                    To::Holders => Command::BackupCreate,
                    To::Domain => Command::CloneExport,
                    To::UKeys { .. } | To::Passphrase(_) => Command::BackupCreateTo,
                };
                let act = match partition {
                    Some(partition) => Act::new(command).on(partition),
                    None => Act::new(command),
                };
                to.told(act)
            }
            Self::Verify { .. } => Act::new(Command::BackupVerify),
            Self::Restore { file, replace, older, .. } => Act::new(Command::BackupRestore)
                .with("file", hex(file))
                .with("replace", replace)
                .with("older", older),
            Self::Domain => Act::new(Command::DomainShow),
            Self::DomainCreate { replace } => Act::new(Command::DomainCreate).with("replace", replace),
            Self::DomainExport { to } => to.told(Act::new(Command::DomainExport)),
            Self::DomainImport { file, replace, .. } => {
                Act::new(Command::DomainImport).with("file", hex(file)).with("replace", replace)
            }
            Self::Export { partition, objects } => {
                let mut act = Act::new(Command::CloneExport).on(partition);
                for object in objects.iter() {
                    act = act.with("object", object);
                }
                act
            }
            Self::Import { file, partition } => {
                Act::new(Command::CloneImport).on(partition).with("file", hex(file))
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Holders`]: nobody if there are none.
    Holders {
        /// How many of them are needed.
        threshold: u8,
        /// Their UKeys' public halves.
        holders: List<Bytes, MAX_HOLDERS>,
    },
    /// The file is whole: after the last chunk of one that was made, or to [`Ask::Verify`].
    File {
        /// Its id.
        id: [u8; 16],
        /// Objects in it.
        objects: u64,
    },
    /// To [`Ask::Restore`].
    Restored {
        /// The partitions that are back.
        partitions: List<Restored, MAX_PARTITIONS>,
        /// What was taken back to an earlier state, and why that was noticed.
        older: List<String, MAX_PARTITIONS>,
    },
    /// The cloning domain that the HSM is in, if it is in one.
    Domain(Option<[u8; 16]>),
    /// To [`Ask::Import`]: so many keys came.
    Imported(u64),
}

/// A partition that is back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Its slot number.
    pub slot: u64,
    /// The one it had.
    pub slot_then: u64,
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Its objects.
    pub objects: u64,
    /// Whether it took the place of one that was there.
    pub replaced: bool,
}
