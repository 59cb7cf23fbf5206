//! A person: a name, a UKey, roles, and what is kept of them.

use std::fmt;

use crypto::Secret;
use serde::{Deserialize, Serialize};
use ukey::{Id, Public};
use wire::admin::Role;
use wire::admin::command::Effect;

use super::{MAX_TRIES, PeopleError};

/// The most bytes of a name.
const MAX_NAME: usize = 64;

/// A role, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The role.
    pub role: Role,
    /// In this partition; none in the whole HSM.
    pub partition: Option<u64>,
}

/// What a command is about, as far as roles are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing is named.
    Open,
    /// A partition.
    Partition(u64),
    /// Something that is no partition.
    Other,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name, of which there is one.
    pub name: String,
    /// The UKey, which nobody else has.
    pub ukey: Public,
    /// What the person is; never nothing.
    pub roles: Vec<Held>,
    /// Log-ins that failed since the last that succeeded.
    pub failed: u8,
}

impl Person {
    /// Whether so many log-ins failed that no more are looked at.
    #[must_use]
    pub const fn is_locked(&self) -> bool {
        self.failed >= MAX_TRIES
    }

    /// Whether the person has the role, there or in the whole HSM.
    #[must_use]
    pub fn has(&self, role: Role, partition: Option<u64>) -> bool {
        self.roles
            .iter()
            .any(|held| held.role == role && (held.partition.is_none() || held.partition == partition))
    }

    /// Whether the role lets the person give a command about this. A role of one partition counts in that, and where
    /// the command only looks at whatever there is.
    #[must_use]
    pub(super) fn may_as(&self, role: Role, effect: Effect, scope: Scope) -> bool {
        self.roles.iter().filter(|held| held.role == role).any(|held| match (held.partition, scope) {
            (None, _) => true,
            (Some(of), Scope::Partition(slot)) => of == slot,
            (Some(_), Scope::Open) => effect == Effect::Look,
            (Some(_), Scope::Other) => false,
        })
    }

    /// The person's roles, for people.
    pub(super) fn titles(&self) -> String {
        let titles: Vec<_> = self.roles.iter().map(Held::to_string).collect();
        titles.join(", ")
    }

    pub(super) fn id(&self) -> Id {
        self.ukey.id()
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.role.name())?;
        self.partition.map_or(Ok(()), |slot| write!(f, " of slot {slot}"))
    }
}

/// Refuses a name that would look like another, or not be seen.
pub(super) fn check_name(name: &str) -> Result<(), PeopleError> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if name.is_empty() || name.len() > MAX_NAME || name.trim() != name || name.chars().any(hidden) {
        return Err(PeopleError::Name);
    }
    Ok(())
}

/// What is kept of a person, after a byte that says in which form.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    ukey: Vec<u8>,
    /// By name, so that the order of roles in the program means nothing.
    roles: Vec<(String, Option<u64>)>,
    failed: u8,
}

/// Writes a record: the byte 1, then the value.
pub(super) fn to_record(value: &impl Serialize) -> Result<Secret, PeopleError> {
    let mut bytes = vec![FORM];
    wire::codec::encode(value, &mut bytes).map_err(|_| PeopleError::Internal("a record has an encoding"))?;
    Ok(Secret::new(bytes))
}

/// Reads what [`to_record`] wrote.
pub(super) fn from_record<T: for<'a> Deserialize<'a>>(record: &Secret) -> Result<T, PeopleError> {
    match record.as_bytes().split_first() {
        Some((&FORM, bytes)) => {
            wire::codec::decode(bytes).map_err(|_| PeopleError::Internal("a record of people decodes"))
        }
        _ => Err(PeopleError::Internal("a record of people is of a form that this release knows")),
    }
}

/// The form of the records.
const FORM: u8 = 1;

impl Person {
    pub(super) fn to_record(&self) -> Result<Secret, PeopleError> {
        let role = |held: &Held| (held.role.name().to_owned(), held.partition);
        to_record(&Kept {
            name: self.name.clone(),
            ukey: self.ukey.to_bytes(),
            roles: self.roles.iter().map(role).collect(),
            failed: self.failed,
        })
    }

    /// A role that this release does not know gives no right.
    pub(super) fn from_record(record: &Secret) -> Result<Self, PeopleError> {
        let kept: Kept = from_record(record)?;
        let held = |(name, partition): &(String, Option<u64>)| {
            Role::named(name).map(|role| Held { role, partition: *partition })
        };
        Ok(Self {
            ukey: Public::from_bytes(&kept.ukey)
                .map_err(|why| PeopleError::UKey { person: kept.name.clone(), why })?,
            name: kept.name,
            roles: kept.roles.iter().filter_map(held).collect(),
            failed: kept.failed,
        })
    }
}
