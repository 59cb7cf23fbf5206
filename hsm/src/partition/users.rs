//! The named users of a token: each with a role, and a PIN of its own whose tries are counted and lock by
//! themselves. A record for each, sealed with the partition.

use std::collections::BTreeMap;

use crypto::Secret;
use parking_lot::MutexGuard;
use serde::{Deserialize, Serialize};

use super::Partition;
use super::pins::Attempt;
use crate::error::Error;
use crate::event::Act;
use crate::pin::Verifier;
use crate::settings::Settings;
use crate::user::UserRole;
use crate::vault::{Batch, Change, Note, RecordId, Vault, Version, kind};

/// The most named users of a partition.
pub const MAX_USERS: usize = 256;

/// The named users of a token, by their names.
#[derive(Default)]
pub(super) struct Users(BTreeMap<String, Entry>);

struct Entry {
    number: u64,
    version: Version,
    kept: Kept,
}

/// What is kept of one.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    name: String,
    role: u8,
    pin: Verifier,
    /// Wrong tries of the PIN since the last right one.
    tries: u8,
}

/// A named user of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUser {
    /// The name.
    pub name: String,
    /// As what it logs in.
    pub role: UserRole,
    /// Wrong tries of its PIN since the last right one.
    pub tries: u8,
}

impl Kept {
    fn decode(record: &Secret) -> Result<Self, Error> {
        wire::codec::decode(record.as_bytes()).map_err(|_| Error::Internal("a user's record decodes"))
    }

    fn encode(&self) -> Result<Secret, Error> {
        let mut bytes = Vec::new();
        wire::codec::encode(self, &mut bytes).map_err(|_| Error::Internal("a user has an encoding"))?;
        Ok(Secret::new(bytes))
    }

    /// The role; what is not known has the fewest rights.
    const fn role(&self) -> UserRole {
        match self.role {
            1 => UserRole::CryptoOfficer,
            _ => UserRole::CryptoUser,
        }
    }

    fn shown(&self) -> NamedUser {
        NamedUser { name: self.name.clone(), role: self.role(), tries: self.tries }
    }
}

const fn id(domain: u64, number: u64) -> RecordId {
    RecordId { domain, kind: kind::USER, number }
}

impl Users {
    pub(super) fn load(vault: &Vault, domain: u64) -> Result<Self, Error> {
        let mut users = BTreeMap::new();
        for (number, version, bytes) in vault.records(domain, kind::USER)? {
            let kept = Kept::decode(&bytes)?;
            users.insert(kept.name.clone(), Entry { number, version, kept });
        }
        Ok(Self(users))
    }

    /// Whether a record is one that [`Self::load`] reads.
    pub(super) fn reads(record: &Secret) -> bool {
        Kept::decode(record).is_ok()
    }

    /// The changes that delete them all.
    pub(super) fn deletions(&self, domain: u64) -> Vec<Change> {
        self.0.values().map(|entry| Change::delete(id(domain, entry.number), entry.version)).collect()
    }

    fn kept(&self, name: &str) -> Result<Kept, Error> {
        self.0.get(name).map(|entry| entry.kept.clone()).ok_or_else(|| Error::UserUnknown(name.to_owned()))
    }
}

impl Partition {
    /// The named users, in the order of their names.
    #[must_use]
    pub fn users(&self) -> Vec<NamedUser> {
        self.users.read().0.values().map(|entry| entry.kept.shown()).collect()
    }

    /// The role of the user of this name, if there is one.
    #[must_use]
    pub fn user_role(&self, name: &str) -> Option<UserRole> {
        self.users.read().0.get(name).map(|entry| entry.kept.role())
    }

    /// A user's record that is to come from a backup, with no fewer wrong tries than the user of that name has here.
    pub(crate) fn user_with_tries(&self, record: &Secret) -> Result<Secret, Error> {
        let mut kept = Kept::decode(record)?;
        let here = self.users.read().0.get(&kept.name).map_or(0, |entry| entry.kept.tries);
        kept.tries = kept.tries.max(here);
        kept.encode()
    }

    /// Makes a named user, durably and recorded.
    ///
    /// # Errors
    /// `UserExists`; `ArgumentsBad` if there are [`MAX_USERS`]; `PinLenRange`; what the vault says.
    pub(crate) fn add_user(
        &self,
        vault: &Vault,
        settings: &Settings,
        (name, role): (&str, UserRole),
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let pin = Verifier::new(pin, settings)?;
        let turn = self.trying.lock();
        let users = self.users.read();
        if users.0.contains_key(name) {
            return Err(Error::UserExists(name.to_owned()));
        }
        if users.0.len() >= MAX_USERS {
            return Err(Error::ArgumentsBad("a partition has 256 named users at the most"));
        }
        drop(users);
        let role = match role {
            UserRole::CryptoOfficer => 1,
            UserRole::CryptoUser => 2,
        };
        self.keep_user(
            &turn,
            vault,
            Kept { name: name.to_owned(), role, pin, tries: 0 },
            Some(act.note(None)),
        )
    }

    /// Removes a named user, durably and recorded.
    ///
    /// # Errors
    /// `UserUnknown`; what the vault says.
    pub(crate) fn remove_user(&self, vault: &Vault, name: &str, act: &Act<'_>) -> Result<(), Error> {
        let _turn = self.trying.lock();
        let gone = self
            .users
            .read()
            .0
            .get(name)
            .map(|entry| Change::delete(id(self.domain, entry.number), entry.version));
        let gone = gone.ok_or_else(|| Error::UserUnknown(name.to_owned()))?;
        vault.commit(Batch::new(vec![gone], vec![act.note(None).making_room()]))?;
        self.users.write().0.remove(name);
        Ok(())
    }

    /// Gives a named user another PIN, which also unlocks it.
    ///
    /// # Errors
    /// `UserUnknown`; `PinLenRange`; what the vault says.
    pub(crate) fn reset_user_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        name: &str,
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let pin = Verifier::new(pin, settings)?;
        let turn = self.trying.lock();
        let kept = self.users.read().kept(name)?;
        self.keep_user(&turn, vault, Kept { pin, tries: 0, ..kept }, Some(act.note(None)))
    }

    /// Forgets a named user's wrong tries.
    ///
    /// # Errors
    /// `UserUnknown`; what the vault says.
    pub(crate) fn unlock_user(&self, vault: &Vault, name: &str, act: &Act<'_>) -> Result<(), Error> {
        let turn = self.trying.lock();
        let kept = self.users.read().kept(name)?;
        self.keep_user(&turn, vault, Kept { tries: 0, ..kept }, Some(act.note(None)))
    }

    /// Checks a named user's PIN, as [`Partition::check_pin`] checks the token's.
    ///
    /// # Errors
    /// `UserUnknown`; else as [`Partition::check_pin`].
    pub(crate) fn check_user_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        name: &str,
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        self.check_user_pin_in_turn(
            &self.trying.lock(),
            vault,
            settings,
            (name, pin),
            act,
            Some(act.note(None)),
        )
    }

    /// `C_SetPIN` of a named user, as [`Partition::set_pin`].
    ///
    /// # Errors
    /// `UserUnknown`; else as [`Partition::set_pin`].
    pub(crate) fn set_own_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        name: &str,
        old: &[u8],
        new: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let pin = Verifier::new(new, settings)?;
        let turn = self.trying.lock();
        self.check_user_pin_in_turn(&turn, vault, settings, (name, old), act, None)?;
        let kept = self.users.read().kept(name)?;
        self.keep_user(&turn, vault, Kept { pin, ..kept }, Some(act.note(None)))
    }

    fn check_user_pin_in_turn(
        &self,
        turn: &MutexGuard<'_, ()>,
        vault: &Vault,
        settings: &Settings,
        (name, pin): (&str, &[u8]),
        act: &Act<'_>,
        right: Option<Note>,
    ) -> Result<(), Error> {
        let kept = self.users.read().kept(name)?;
        let attempt =
            Attempt { of: name, tries: kept.tries, limit: settings.user_pin_tries, verifier: &kept.pin, pin };
        attempt
            .make(act, right, |tries, note| self.keep_user(turn, vault, Kept { tries, ..kept.clone() }, note))
    }

    /// Makes `kept` what is kept of a user, durably and with what is recorded of it.
    fn keep_user(
        &self,
        _turn: &MutexGuard<'_, ()>,
        vault: &Vault,
        kept: Kept,
        note: Option<Note>,
    ) -> Result<(), Error> {
        let users = self.users.read();
        let bytes = kept.encode()?;
        let (number, change) = match users.0.get(&kept.name) {
            Some(entry) => {
                (entry.number, Change::update(id(self.domain, entry.number), entry.version, bytes))
            }
            None => {
                let number = users.0.values().map(|entry| entry.number + 1).max().unwrap_or(1);
                (number, Change::create(id(self.domain, number), bytes))
            }
        };
        drop(users);
        let version = vault.commit(Batch::new(vec![change], note.into_iter().collect()))?;
        self.users.write().0.insert(kept.name.clone(), Entry { number, version, kept });
        Ok(())
    }
}
