//! A ceremony as far as it has come, kept in a file, so that an interruption costs nothing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::whole::{self, Readers};

/// The steps, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Step {
    #[default]
    Officers,
    Quorum,
    Initialise,
    Partition,
    PartitionSo,
    CryptoOfficers,
    Sign,
    Over,
}

impl Step {
    /// How many there are.
    pub(super) const COUNT: usize = 7;

    /// From 1 on.
    pub(super) const fn number(self) -> usize {
        self as usize + 1
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Officers => "the security officers and their UKeys",
            Self::Quorum => "the quorum",
            Self::Initialise => "the initialisation of the HSM",
            Self::Partition => "the first partition",
            Self::PartitionSo => "the partition's security officer",
            Self::CryptoOfficers => "the crypto officers",
            Self::Sign => "the signatures under the transcript",
            Self::Over => "nothing, it is over",
        }
    }

    pub(super) const fn after(self) -> Self {
        match self {
            Self::Officers => Self::Quorum,
            Self::Quorum => Self::Initialise,
            Self::Initialise => Self::Partition,
            Self::Partition => Self::PartitionSo,
            Self::PartitionSo => Self::CryptoOfficers,
            Self::CryptoOfficers => Self::Sign,
            Self::Sign | Self::Over => Self::Over,
        }
    }
}

/// Somebody who takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Participant {
    pub(super) name: String,
    /// The role's name.
    pub(super) role: String,
    /// Where the UKey is.
    pub(super) ukey: String,
    /// Its id, in hexadecimal.
    pub(super) id: String,
}

/// A ceremony as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// What is to be done next.
    pub(super) next: Step,
    /// How many security officers there are to be.
    pub(super) officers: Option<usize>,
    /// How many of them make a quorum.
    pub(super) quorum: Option<u8>,
    /// The first partition's label.
    pub(super) partition: Option<String>,
    pub(super) participants: Vec<Participant>,
    /// The transcript so far.
    pub(super) lines: Vec<String>,
}

impl Plan {
    /// The plan in a folder, if a ceremony was begun there.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, Error> {
        let path = file(folder);
        let wrong = |why: String| Error::File { path: path.clone(), why };
        match std::fs::read(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(wrong(format!("cannot read it: {cause}"))),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| wrong(format!("this is no plan of a ceremony, in line {}", error.line()))),
        }
    }

    /// Writes it, in place of what was there.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Error> {
        let path = file(folder);
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| Error::Print(error.into()))?;
        let saved = if path.exists() {
            whole::replace(&path, &bytes)
        } else {
            whole::create(&path, &bytes, Readers::Owner)
        };
        saved.map_err(|cause| Error::File { path, why: format!("cannot write it: {cause}") })
    }

    /// Those who have this role.
    pub(super) fn with_role<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Participant> {
        self.participants.iter().filter(move |one| one.role == role)
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("plan.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_comes_back_as_it_was_kept() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Plan::load(folder.path()).unwrap(), None);
        let mut plan = Plan { officers: Some(5), ..Plan::default() };
        plan.save(folder.path()).unwrap();
        plan.next = plan.next.after();
        plan.save(folder.path()).unwrap();
        assert_eq!(Plan::load(folder.path()).unwrap(), Some(plan));
        std::fs::write(folder.path().join("plan.json"), "{").unwrap();
        assert!(Plan::load(folder.path()).is_err());
    }

    #[test]
    fn the_steps_come_one_after_the_other() {
        let mut step = Step::default();
        for number in 1..=Step::COUNT {
            assert_eq!(step.number(), number);
            step = step.after();
        }
        assert_eq!((step, step.after()), (Step::Over, Step::Over));
    }
}
