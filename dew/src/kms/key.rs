//! A key as the KMS keeps it: what it is, where its material is in the HSM, and how it stands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{KmsError, Result};
use super::id::KeyId;
use super::record::Kept;
use super::spec::{Family, Spec, Usage};
use crate::due::{DAY, Millis};
use crate::tag::Tags;

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// It can be used.
    Enabled,
    /// It was disabled.
    Disabled,
    /// It goes at a date.
    PendingDeletion,
    /// It has no material.
    PendingImport,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Enabled, Self::Disabled, Self::PendingDeletion, Self::PendingImport];

    /// As the interface writes it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Enabled => "2",
            Self::Disabled => "3",
            Self::PendingDeletion => "4",
            Self::PendingImport => "5",
        }
    }

    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "Pending deletion",
            Self::PendingImport => "Pending import",
        }
    }
}

/// Where a key's material came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// The HSM made it.
    Kms,
    /// It is imported.
    External,
}

impl Origin {
    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::External => "external",
        }
    }

    /// The origin that the interface writes so.
    ///
    /// # Errors
    /// `Field`
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "kms" => Ok(Self::Kms),
            "external" => Ok(Self::External),
            _ => Err(KmsError::Field(format!("origin {name:?} is unknown: expected kms or external"))),
        }
    }
}

/// One version of a key's material. Versions are counted from 1; the last is that which encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number.
    pub number: u32,
    /// The object of the secret or private key.
    pub closed: u64,
    /// The object of the public key, of a pair.
    pub open: Option<u64>,
    /// When it was made.
    pub created: Millis,
}

impl Version {
    /// Its objects in the HSM.
    pub fn objects(&self) -> impl Iterator<Item = u64> {
        [Some(self.closed), self.open].into_iter().flatten()
    }
}

/// How a key is rotated by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Whether it is.
    pub enabled: bool,
    /// After how many days.
    pub days: u16,
    /// When the last version was made that a rotation made; none if no rotation did.
    pub last: Option<Millis>,
    /// How many versions rotations made.
    pub count: u32,
    /// From when the period counts.
    pub since: Millis,
}

impl Rotation {
    /// Days between rotations, if nothing else is asked for.
    pub const DAYS: u16 = 365;

    /// When the key is to be rotated next, if it is.
    #[must_use]
    pub fn due(&self) -> Option<Millis> {
        self.enabled.then(|| self.since.saturating_add(u64::from(self.days) * DAY))
    }
}

/// What is known of imported material.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// When it goes; none if it stays.
    pub expires: Option<Millis>,
    /// What tells it from other material: a key is bound to the first that was imported.
    pub fingerprint: Option<[u8; 32]>,
}

/// A key that exists in several regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multi {
    /// The region whose key is the primary one.
    pub primary: String,
    /// The regions that have it, with the project of each.
    pub regions: Vec<(String, [u8; 16])>,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Its name, which the interface calls `key_alias`.
    pub name: String,
    /// What it is for, in words.
    pub description: String,
    /// Its type.
    pub spec: Spec,
    /// What it does.
    pub usage: Usage,
    /// Where its material came from.
    pub origin: Origin,
    /// How it stands.
    pub state: State,
    /// Whether a service made it for itself.
    pub default: bool,
    /// When it was made.
    pub created: Millis,
    /// Who made it: the id of a user or agency.
    pub creator: String,
    /// When it goes, of one that is pending deletion.
    pub goes: Option<Millis>,
    /// The slot of the partition that holds its objects.
    pub slot: u64,
    /// The key store, if it is in one.
    pub store: Option<[u8; 16]>,
    /// Its material.
    pub versions: Vec<Version>,
    /// How it is rotated.
    pub rotation: Rotation,
    /// What was imported into it.
    pub imported: Imported,
    /// The enterprise project: 16 bytes, all zero for the default one.
    pub enterprise_project: [u8; 16],
    /// Its tags.
    pub tags: Tags,
    /// In which regions it is, if in more than one.
    pub multi: Option<Multi>,
}

impl Kept<Key> {
    /// The key as it stands at a time: without material that has expired, whether that is gone already or not.
    #[must_use]
    pub(super) fn standing_at(self, now: Millis) -> Self {
        match self.is_expired(now) {
            true => Self { value: Arc::new(self.emptied()), ..self },
            false => self,
        }
    }
}

impl Key {
    /// The version that encrypts and signs.
    ///
    /// # Errors
    /// `PendingImport` if there is no material.
    pub fn current(&self) -> Result<&Version> {
        self.versions.last().ok_or(KmsError::PendingImport)
    }

    /// A version by its number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// All its objects in the HSM.
    #[must_use]
    pub fn objects(&self) -> Vec<u64> {
        self.versions.iter().flat_map(Version::objects).collect()
    }

    /// Whether its imported material has expired. It is as good as gone, and will be soon.
    #[must_use]
    pub fn is_expired(&self, now: Millis) -> bool {
        self.imported.expires.is_some_and(|expires| expires <= now) && !self.versions.is_empty()
    }

    /// The key without its material, as before that was imported.
    #[must_use]
    pub(super) fn emptied(&self) -> Self {
        let state = match self.state {
            State::PendingDeletion => State::PendingDeletion,
            _ => State::PendingImport,
        };
        let imported = Imported { expires: None, ..self.imported };
        Self { versions: Vec::new(), state, imported, ..self.clone() }
    }

    /// Refuses to use a key that is not enabled.
    ///
    /// # Errors
    /// `Disabled`, `PendingDeletion`, `PendingImport`
    pub const fn check_enabled(&self) -> Result<()> {
        match self.state {
            State::Enabled => Ok(()),
            State::Disabled => Err(KmsError::Disabled),
            State::PendingDeletion => Err(KmsError::PendingDeletion),
            State::PendingImport => Err(KmsError::PendingImport),
        }
    }

    /// Refuses what is for custom keys.
    ///
    /// # Errors
    /// `DefaultKey`
    pub const fn check_custom(&self) -> Result<()> {
        if self.default { Err(KmsError::DefaultKey) } else { Ok(()) }
    }

    /// Refuses a key that is not for this.
    ///
    /// # Errors
    /// What the interface says for each case.
    pub const fn check_usage(&self, wanted: Usage) -> Result<()> {
        Err(match (wanted, self.usage, self.spec.family()) {
            (Usage::EncryptDecrypt, Usage::EncryptDecrypt, _)
            | (Usage::SignVerify, Usage::SignVerify, _)
            | (Usage::Mac, Usage::Mac, _) => return Ok(()),
            (Usage::EncryptDecrypt, _, Family::Curve | Family::Edwards) => KmsError::CurveEncrypts,
            (Usage::SignVerify, _, Family::Cipher) => KmsError::SymmetricSigns,
            (_, Usage::Mac, _) => KmsError::ForMacs,
            (_, Usage::SignVerify, _) => KmsError::ForSignatures,
            (_, Usage::EncryptDecrypt, _) => KmsError::ForEncryption,
        })
    }
}
