//! A secret as CSMS keeps it: what it is, its versions, and the stages that say which version is which. The values are
//! elsewhere, each in a record of its own, encrypted.
//!
//! A stage is on one version only. `SYSCURRENT` is on the version that applications read; when it moves on, the version
//! that it leaves gets `SYSPREVIOUS`. A version without any stage is deprecated: it goes when there is no more room.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::{CsmsError, Result};
use super::rotation::{Accounts, Rotation};
use crate::kms::{KeyId, Millis, Uuid};
use crate::tag::Tags;

/// The stage of the version that applications read.
pub const CURRENT: &str = "SYSCURRENT";
/// The stage of the version that was current before.
pub const PREVIOUS: &str = "SYSPREVIOUS";
/// The stage of a version that is about to become current.
pub const PENDING: &str = "SYSPENDING";

/// The most characters of a name.
const MAX_NAME: usize = 64;
/// The most characters of a description.
const MAX_DESCRIPTION: usize = 2048;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SecretKind {
    /// Whatever somebody keeps in it.
    Common,
    /// A password of an RDS database, which is rotated.
    Rds,
    /// A password of a TaurusDB database, which is rotated.
    TaurusDb,
    /// A password of a PostgreSQL database, which is rotated: beyond what the cloud has, as what follows.
    PostgreSql,
    /// A password of a Redis account.
    Redis,
    /// A password of an account of a Linux host.
    SshPassword,
    /// A private key that lets in to an account of a Linux host.
    SshKey,
    /// Whatever a program of the operator's sets.
    Program,
}

impl SecretKind {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Common, "COMMON"),
        (Self::Rds, "RDS-FG"),
        (Self::TaurusDb, "GaussDB-FG"),
        (Self::PostgreSql, "PostgreSQL-FG"),
        (Self::Redis, "Redis-FG"),
        (Self::SshPassword, "SSH-FG"),
        (Self::SshKey, "SSHKey-FG"),
        (Self::Program, "Program-FG"),
    ];

    /// As the interface writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(kind, _)| *kind == self).unwrap_or(Self::ALL[0]).1
    }

    /// The kind that the interface writes so.
    ///
    /// # Errors
    /// `Field`
    pub fn named(name: &str) -> Result<Self> {
        // What RDS-FG was called once.
        let name = if name == "RDS" { "RDS-FG" } else { name };
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            CsmsError::Field(format!("secret_type {name:?} is unknown: expected one of {}", known.join(", ")))
        })
    }
}

/// How a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be used.
    Enabled,
    /// It goes at a date.
    PendingDeletion,
}

impl State {
    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::PendingDeletion => "PENDING_DELETE",
        }
    }
}

/// The number of a version, which the interface writes `v1`, `v2` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionId(pub u32);

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl FromStr for VersionId {
    type Err = CsmsError;
    fn from_str(text: &str) -> Result<Self> {
        let number = text.strip_prefix('v').and_then(|digits| digits.parse().ok()).map(Self);
        number.filter(|id| id.to_string() == text).ok_or(CsmsError::NoVersion)
    }
}

/// A version of a secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number.
    pub id: VersionId,
    /// When it was made.
    pub created: Millis,
    /// When it expires.
    pub expires: Option<Millis>,
    /// Whether it was told that it has.
    pub told: bool,
    /// The key that its value is encrypted with.
    pub key: KeyId,
    /// The number of the record with its value.
    pub value: u64,
}

/// A stage, which is on one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// The version.
    pub version: VersionId,
    /// When it was put there.
    pub updated: Millis,
}

/// A secret: a record in the partition of its project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// Its id.
    pub id: Uuid,
    /// Its name, which no other secret of the project has.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// What it is for.
    pub kind: SecretKind,
    /// The key that new values are encrypted with.
    pub key: KeyId,
    /// When it was made.
    pub created: Millis,
    /// When it was last changed.
    pub updated: Millis,
    /// When it goes.
    pub goes: Option<Millis>,
    /// The enterprise project that it is in.
    pub enterprise_project: [u8; 16],
    /// The event by which its changes are told.
    pub event: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// How it is rotated.
    pub rotation: Rotation,
    /// Its versions, in the order in which they were made.
    pub versions: Vec<Version>,
    /// The number of the last version that it ever had.
    pub last: VersionId,
    /// Its stages, in the order in which they came.
    pub stages: Vec<Stage>,
}

impl Secret {
    /// How it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        if self.goes.is_some() { State::PendingDeletion } else { State::Enabled }
    }

    /// Whether its date is past.
    pub(super) fn is_gone(&self, now: Millis) -> bool {
        self.goes.is_some_and(|goes| goes <= now)
    }

    /// Refuses what is done only to secrets that can be used.
    pub(super) fn check_enabled(&self) -> Result<()> {
        if self.goes.is_some() { Err(CsmsError::PendingDeletion) } else { Ok(()) }
    }

    /// The version of a number, or that a stage is on.
    ///
    /// # Errors
    /// `NoVersion`
    pub fn version(&self, named: &str) -> Result<&Version> {
        let id = match named.parse() {
            Ok(id) => id,
            Err(_) => self.stage(named).map_err(|_| CsmsError::NoVersion)?.version,
        };
        self.versions.iter().find(|version| version.id == id).ok_or(CsmsError::NoVersion)
    }

    /// A stage.
    ///
    /// # Errors
    /// `NoStage`
    pub fn stage(&self, name: &str) -> Result<&Stage> {
        self.stages.iter().find(|stage| stage.name == name).ok_or(CsmsError::NoStage)
    }

    /// The stages of a version.
    pub fn stages_of(&self, version: VersionId) -> impl Iterator<Item = &str> {
        self.stages.iter().filter(move |stage| stage.version == version).map(|stage| stage.name.as_str())
    }

    /// Makes room for one version more, if there are as many as there may be: deprecated ones go, the oldest first.
    /// Gives those that went.
    ///
    /// # Errors
    /// `VersionQuota` if all have a stage.
    pub(super) fn make_room(&mut self, most: usize) -> Result<Vec<Version>> {
        let mut gone = Vec::new();
        while self.versions.len() >= most {
            let is_deprecated = |version: &Version| self.stages_of(version.id).next().is_none();
            let oldest = self.versions.iter().position(is_deprecated);
            gone.push(self.versions.remove(oldest.ok_or(CsmsError::VersionQuota(most))?));
        }
        Ok(gone)
    }

    /// Puts a stage on a version, whichever it was on before. `SYSCURRENT` leaves `SYSPREVIOUS` where it was.
    ///
    /// # Errors
    /// `StageQuota`
    pub(super) fn put_stage(
        &mut self,
        name: &str,
        version: VersionId,
        most: usize,
        now: Millis,
    ) -> Result<()> {
        let left = (name == CURRENT)
            .then(|| self.stage(CURRENT).ok().map(|stage| stage.version))
            .flatten()
            .filter(|left| *left != version);
        for (name, version) in left.map(|left| (PREVIOUS, left)).into_iter().chain([(name, version)]) {
            let count = self.stages.len();
            match self.stages.iter_mut().find(|stage| stage.name == name) {
                Some(stage) if stage.version == version => {}
                Some(stage) => (stage.version, stage.updated) = (version, now),
                None if count >= most => return Err(CsmsError::StageQuota(most)),
                None => self.stages.push(Stage { name: name.to_owned(), version, updated: now }),
            }
        }
        Ok(())
    }

    /// Takes a stage away.
    ///
    /// # Errors
    /// `NoStage`; `BuiltInStage`
    pub(super) fn drop_stage(&mut self, name: &str) -> Result<()> {
        self.stage(name)?;
        if matches!(name, CURRENT | PREVIOUS) {
            return Err(CsmsError::BuiltInStage);
        }
        self.stages.retain(|stage| stage.name != name);
        Ok(())
    }

    /// When something is due: that it goes, or that a version expires.
    pub(super) fn due(&self) -> Option<Millis> {
        if self.goes.is_some() {
            return self.goes;
        }
        let expiries =
            self.versions.iter().filter(|version| !version.told).filter_map(|version| version.expires);
        expiries.min()
    }

    /// When it is rotated next, or what a rotation left half done is taken up again.
    pub(super) fn rotates(&self) -> Option<Millis> {
        match &self.rotation.under_way {
            Some(under_way) => Some(under_way.retry),
            None => self.rotation.next.filter(|_| self.goes.is_none()),
        }
    }

    /// The version whose account gets a new password when it is rotated: with two accounts that of the one that nobody
    /// uses.
    pub(super) fn rotates_from(&self) -> Result<&Version> {
        match self.rotation.target.as_ref().map(|target| target.accounts) {
            Some(Accounts::Dual) => self.version(PREVIOUS),
            Some(Accounts::Single) => self.version(CURRENT),
            None if self.rotation.function.is_some() => self.version(CURRENT),
            None => Err(CsmsError::NotRotated),
        }
    }
}

/// Refuses what cannot be a secret's or an event's name.
pub(super) fn check_name(field: &str, name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    Err(CsmsError::Field(format!("{field} {name:?}: expected 1 to {MAX_NAME} letters, digits, - and _")))
}

/// Refuses what cannot be a stage's name.
pub(super) fn check_stage(name: &str) -> Result<()> {
    check_name("stage", name)?;
    // Versions are named so.
    if name.parse::<VersionId>().is_ok() {
        return Err(CsmsError::Field(format!("stage {name:?}: that is the id of a version")));
    }
    let is_ours = [CURRENT, PREVIOUS, PENDING].contains(&name);
    if !is_ours && name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("sys")) {
        return Err(CsmsError::Field(format!(
            "stage {name:?}: SYS begins the system's: {CURRENT}, {PREVIOUS} and {PENDING}"
        )));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Refuses what cannot be a description.
pub(super) fn check_description(description: &str) -> Result<()> {
    if description.chars().count() <= MAX_DESCRIPTION {
        return Ok(());
    }
    Err(CsmsError::Field(format!("description has at most {MAX_DESCRIPTION} characters")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secret() -> Secret {
        Secret {
            id: Uuid([1; 16]),
            name: "one".into(),
            description: String::new(),
            kind: SecretKind::Common,
            key: KeyId([2; 16]),
            created: 0,
            updated: 0,
            goes: None,
            enterprise_project: [0; 16],
            event: None,
            tags: Tags::default(),
            rotation: Rotation::default(),
            versions: Vec::new(),
            last: VersionId(0),
            stages: Vec::new(),
        }
    }

    fn add(secret: &mut Secret, stages: &[&str]) -> Result<Vec<Version>> {
        let id = VersionId(secret.last.0 + 1);
        let mut with = secret.clone();
        stages.iter().try_for_each(|stage| with.put_stage(stage, id, 12, 0))?;
        let gone = with.make_room(20)?;
        with.versions.push(Version { id, created: 0, expires: None, told: false, key: with.key, value: 0 });
        with.last = id;
        *secret = with;
        Ok(gone)
    }

    fn on<'a>(secret: &'a Secret, stage: &str) -> Option<&'a Version> {
        secret.stage(stage).ok().map(|stage| secret.version(&stage.name).unwrap())
    }

    /// Requirement: CSMS-074, CSMS-083
    #[test]
    fn what_was_current_is_previous() {
        let mut secret = secret();
        for number in 1..4 {
            add(&mut secret, &[CURRENT]).unwrap();
            assert_eq!(on(&secret, CURRENT).unwrap().id, VersionId(number));
            assert_eq!(on(&secret, PREVIOUS).map(|version| version.id.0), (number > 1).then(|| number - 1));
        }
        // Where it is already, nothing moves.
        secret.put_stage(CURRENT, VersionId(3), 12, 1).unwrap();
        assert_eq!(on(&secret, PREVIOUS).unwrap().id, VersionId(2));
        secret.put_stage(CURRENT, VersionId(1), 12, 1).unwrap();
        assert_eq!(on(&secret, PREVIOUS).unwrap().id, VersionId(3));
    }

    proptest! {
        /// Requirement: CSMS-075, CSMS-082, CSMS-085
        #[test]
        fn a_stage_is_on_one_version_that_is_there_and_room_is_made_by_deprecated_ones_alone(
            acts in proptest::collection::vec((0..14_usize, 0..3_u8, any::<prop::sample::Index>()), 1..120),
        ) {
            let names: Vec<String> = [CURRENT, PREVIOUS, PENDING].map(String::from).into_iter()
                .chain((0..11).map(|n| format!("stage-{n}"))).collect();
            let mut secret = secret();
            add(&mut secret, &[CURRENT]).unwrap();
            for (name, what, at) in acts {
                let name = names[name].as_str();
                let before = secret.clone();
                let gone = match what {
                    0 => add(&mut secret, &[name]).unwrap_or_default(),
                    1 => {
                        let to = at.get(&before.versions).id;
                        drop(secret.put_stage(name, to, 12, 1));
                        Vec::new()
                    }
                    _ => { drop(secret.drop_stage(name)); Vec::new() }
                };
                let moves = |stage: &&str| *stage == name || name == CURRENT && *stage == PREVIOUS;
                for version in &gone {
                    prop_assert!(before.stages_of(version.id).all(|stage| moves(&stage)));
                }
                prop_assert!(secret.versions.len() <= 20 && secret.stages.len() <= 12);
                for stage in &secret.stages {
                    prop_assert_eq!(secret.stages.iter().filter(|other| other.name == stage.name).count(), 1);
                    prop_assert!(secret.version(&stage.version.to_string()).is_ok(), "{:?}", stage);
                }
                prop_assert!(on(&secret, CURRENT).is_some());
                prop_assert!(secret.versions.is_sorted_by_key(|version| version.id));
            }
        }
    }

    /// Requirement: CSMS-024, CSMS-076
    #[test]
    fn names_are_of_letters_digits_and_two_signs() {
        for good in ["a", "A-b_9", &"x".repeat(64)] {
            assert!(check_name("name", good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a.b", "ä", "a/b", &"x".repeat(65), "a\n"] {
            assert!(check_name("name", bad).is_err(), "{bad}");
        }
        for good in [CURRENT, PREVIOUS, PENDING, "v0x", "blue", "v01"] {
            assert!(check_stage(good).is_ok(), "{good}");
        }
        for bad in ["v1", "SYSOTHER", "syscurrent", "Sys", ""] {
            assert!(check_stage(bad).is_err(), "{bad}");
        }
        assert!(["v", "v+1", "v01", "1", "v4294967296"].iter().all(|bad| bad.parse::<VersionId>().is_err()));
    }
}
