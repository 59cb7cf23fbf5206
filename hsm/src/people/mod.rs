//! People: who is registered with which UKey, as what, and what several of them must approve.
//!
//! While nobody is registered as security officer of the HSM, whoever reaches the console is that. From the
//! initialisation on ([`People::init`]) the HSM is owned: each command needs somebody who is logged in with a UKey and
//! has a role for it. There is no way around: if all UKeys of the security officers are lost, nobody administers the
//! HSM any more.
//!
//! People are records of the HSM's own domain, read when it opens.

use std::collections::BTreeMap;

use crypto::Secret;
use parking_lot::{Mutex, RwLock};
use ukey::Id;
use wire::admin::Role;
use wire::admin::people::hex;

use crate::Hsm;
use crate::event::Actor;
use crate::vault::{Batch, Change, Note, RecordId, Vault, Version, kind};

mod approval;
mod error;
mod key;
mod login;
mod permission;
mod person;
mod quorum;
mod register;
#[cfg(test)]
mod tests;

pub use approval::Given;
pub use error::{PeopleError, Unfit};
pub use key::Key;
pub(crate) use key::SET_KEY_QUORUM;
pub use login::Challenge;
pub use person::{Held, Person, Scope};
pub use quorum::Rule;
pub use register::{Addition, Newcomer};
pub use ukey::Id as UKeyId;

/// Failed log-ins in a row that lock a person's.
pub const MAX_TRIES: u8 = 10;
/// The most people of an HSM.
pub const MAX_PEOPLE: usize = wire::admin::people::MAX_PEOPLE;

/// What is known of people.
pub(crate) struct Roster {
    /// Held while something is changed.
    turn: Mutex<()>,
    state: RwLock<State>,
}

/// A record's content, and which version of it.
#[derive(Clone)]
struct Stored<T> {
    value: T,
    version: Version,
}

#[derive(Clone, Default)]
struct State {
    /// By the number of their record.
    people: BTreeMap<u64, Stored<Person>>,
    /// By the command's name.
    rules: BTreeMap<String, Rule>,
    /// Of the rules' record; none if there is none yet.
    rules_version: Option<Version>,
    /// By the number of their record.
    requests: BTreeMap<u64, Stored<approval::Pending>>,
}

impl Roster {
    /// Reads it from the vault.
    pub(crate) fn load(vault: &Vault) -> Result<Self, PeopleError> {
        Ok(Self { turn: Mutex::new(()), state: RwLock::new(State::load(vault)?) })
    }
}

impl State {
    fn load(vault: &Vault) -> Result<Self, PeopleError> {
        let mut state = Self::default();
        for (number, version, record) in vault.records(0, kind::PERSON)? {
            state.people.insert(number, Stored { value: Person::from_record(&record)?, version });
        }
        if let Some((version, record)) = vault.get(RULES)? {
            state.rules = quorum::rules_of(&record)?;
            state.rules_version = Some(version);
        }
        for (number, version, record) in vault.records(0, kind::REQUEST)? {
            state.requests.insert(number, Stored { value: person::from_record(&record)?, version });
        }
        Ok(state)
    }

    fn all(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(|stored| &stored.value)
    }

    fn named(&self, name: &str) -> Option<(u64, &Stored<Person>)> {
        self.people.iter().find(|(_, stored)| stored.value.name == name).map(|(number, one)| (*number, one))
    }

    fn of_ukey(&self, ukey: Id) -> Option<(u64, &Stored<Person>)> {
        self.people.iter().find(|(_, stored)| stored.value.id() == ukey).map(|(number, one)| (*number, one))
    }

    /// How many have a role there.
    fn count(&self, role: Role, partition: Option<u64>) -> usize {
        self.all().filter(|person| person.has(role, partition)).count()
    }

    /// Whether the HSM has security officers.
    fn is_owned(&self) -> bool {
        self.count(Role::HsmSo, None) > 0
    }
}

const RULES: RecordId = RecordId { domain: 0, kind: kind::QUORUM, number: 0 };

const fn person_id(number: u64) -> RecordId {
    RecordId { domain: 0, kind: kind::PERSON, number }
}

const fn request_id(number: u64) -> RecordId {
    RecordId { domain: 0, kind: kind::REQUEST, number }
}

/// Whether a record of people or quorum is one that this release reads.
pub(crate) fn reads(kind: u8, record: &Secret) -> bool {
    match kind {
        kind::PERSON => Person::from_record(record).is_ok(),
        kind::QUORUM => quorum::rules_of(record).is_ok(),
        _ => false,
    }
}

/// The change that writes a record for the first time, or once more.
fn write(id: RecordId, version: Option<Version>, value: Secret) -> Change {
    match version {
        None => Change::create(id, value),
        Some(version) => Change::update(id, version, value),
    }
}

/// The people of an HSM, as somebody sees and changes them.
#[derive(Clone, Copy)]
pub struct People<'a> {
    hsm: &'a Hsm,
    by: Actor<'a>,
}

/// What is recorded of a change: what it is, and its details.
struct Record {
    action: &'static str,
    details: Vec<(&'static str, String)>,
}

impl Record {
    const fn new(action: &'static str) -> Self {
        Self { action, details: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

impl Hsm {
    /// Its people, for the daemon itself.
    #[must_use]
    pub const fn people(&self) -> People<'_> {
        self.people_by(Actor::DAEMON)
    }

    /// Its people. What changes is recorded as done by this actor.
    #[must_use]
    pub const fn people_by<'a>(&'a self, by: Actor<'a>) -> People<'a> {
        People { hsm: self, by }
    }
}

impl<'a> People<'a> {
    fn roster(self) -> &'a Roster {
        &self.hsm.roster
    }

    /// Makes changes, durably, and has them recorded in the same commit; none else is made meanwhile. `change` makes
    /// the state what it is to be, and gives the changes to records and what the caller gets.
    fn change<T>(
        self,
        record: &Record,
        change: impl FnOnce(&mut State) -> Result<(Vec<Change>, T), PeopleError>,
    ) -> Result<T, PeopleError> {
        let act = self.hsm.act(&self.by, None, record.action, &record.details);
        let result = self.change_with(change, || vec![act.note(None)]);
        if let Err(error) = &result {
            act.refused(error.rv());
        }
        result
    }

    /// The same, of which nothing is recorded.
    fn change_silently<T>(
        self,
        change: impl FnOnce(&mut State) -> Result<(Vec<Change>, T), PeopleError>,
    ) -> Result<T, PeopleError> {
        self.change_with(change, Vec::new)
    }

    fn change_with<T>(
        self,
        change: impl FnOnce(&mut State) -> Result<(Vec<Change>, T), PeopleError>,
        notes: impl FnOnce() -> Vec<Note>,
    ) -> Result<T, PeopleError> {
        let _turn = self.roster().turn.lock();
        let mut state = self.roster().state.read().clone();
        let (changes, result) = change(&mut state)?;
        if changes.is_empty() {
            return Ok(result);
        }
        let ids: Vec<_> = changes.iter().map(|change| change.id).collect();
        let version = self.hsm.vault.commit(Batch::new(changes, notes()))?;
        for id in ids {
            state.is_now(id, version);
        }
        *self.roster().state.write() = state;
        Ok(result)
    }

    fn refused(self, record: &Record, error: &PeopleError) {
        self.hsm.act(&self.by, None, record.action, &record.details).refused(error.rv());
    }

    /// Records that a command was refused.
    pub fn record_refusal(self, given: &Given, error: &PeopleError) {
        let record = Record::new("refuse a command")
            .with("command", given.command.name())
            .with("target", &given.target);
        self.refused(&record, error);
    }

    /// Puts the transcript of a ceremony on record.
    ///
    /// # Errors
    /// `NotRecorded` if that cannot be done.
    pub fn record_ceremony(self, digest: &[u8; 32]) -> Result<(), PeopleError> {
        let record = Record::new("hold a ceremony").with("transcript-sha256", hex(digest));
        let act = self.hsm.act(&self.by, None, record.action, &record.details);
        act.done(None).map_err(|error| match error {
            crate::Error::NotRecorded(error) => error.into(),
            _ => PeopleError::Internal("recording fails for one reason only"),
        })
    }

    /// Everybody, in the order in which they were registered.
    #[must_use]
    pub fn all(self) -> Vec<Person> {
        self.roster().state.read().all().cloned().collect()
    }

    /// The person of this name.
    ///
    /// # Errors
    /// `NoPerson`.
    pub fn named(self, name: &str) -> Result<Person, PeopleError> {
        let state = self.roster().state.read();
        let (_, person) = state.named(name).ok_or_else(|| PeopleError::NoPerson(name.to_owned()))?;
        Ok(person.value.clone())
    }

    /// The person who has this UKey, if that is registered.
    #[must_use]
    pub fn of_ukey(self, ukey: Id) -> Option<Person> {
        self.roster().state.read().of_ukey(ukey).map(|(_, person)| person.value.clone())
    }

    /// Whether the HSM has security officers. While it has none, whoever reaches the console is one.
    #[must_use]
    pub fn is_owned(self) -> bool {
        self.roster().state.read().is_owned()
    }

    /// What tells this HSM from all others: of its store, and so the same for as long as that lasts.
    ///
    /// # Errors
    /// `Crypto` if the library fails.
    pub fn identity(self) -> Result<[u8; 32], PeopleError> {
        let named = [&b"Claviger HSM identity\0"[..], &self.hsm.vault.store_id()].concat();
        digest(&named)
    }

    /// Reads everything again, after records were put back.
    ///
    /// # Errors
    /// What the vault says.
    pub fn reload(self) -> Result<(), PeopleError> {
        let _turn = self.roster().turn.lock();
        *self.roster().state.write() = State::load(&self.hsm.vault)?;
        Ok(())
    }
}

impl State {
    /// Notes that a record is of this version now.
    fn is_now(&mut self, id: RecordId, version: Version) {
        match id.kind {
            kind::PERSON => {
                if let Some(person) = self.people.get_mut(&id.number) {
                    person.version = version;
                }
            }
            kind::QUORUM => self.rules_version = Some(version),
            _ => {
                if let Some(request) = self.requests.get_mut(&id.number) {
                    request.version = version;
                }
            }
        }
    }
}

/// SHA-256.
fn digest(bytes: &[u8]) -> Result<[u8; 32], PeopleError> {
    let digest = crypto::hash::digest(crypto::Hash::Sha256, bytes)?;
    digest.try_into().map_err(|_| PeopleError::Internal("SHA-256 has 32 bytes"))
}
