//! Who is registered, and as what: the initialisation of the HSM, and what comes after.

use ukey::{Id, Public};
use wire::admin::Role;
use wire::admin::people::{Founder, MAX_FOUNDERS, REGISTER, Registered, founding, hex};

use super::person::check_name;
use super::{
    Challenge, Held, MAX_PEOPLE, People, PeopleError, Person, Record, State, Stored, person_id, quorum, write,
};
use crate::vault::{Change, Version};

/// Somebody who is to have a role.
#[derive(Debug)]
pub struct Addition<'a> {
    /// The name.
    pub person: &'a str,
    /// The UKey, of somebody new.
    pub newcomer: Option<Newcomer<'a>>,
    /// The role, and where.
    pub held: Held,
}

/// Somebody who is not registered yet.
#[derive(Debug)]
pub struct Newcomer<'a> {
    /// The UKey.
    pub ukey: &'a Registered,
    /// The challenge that its signature answers, if it has one.
    pub challenge: Option<Challenge>,
}

impl People<'_> {
    /// Initialises the HSM: it belongs to these security officers from now on, each of whom shows to have the UKey.
    /// With a quorum, so many of them must approve the commands that need approvals from the beginning.
    ///
    /// # Errors
    /// `Owned` if that has been done; `Founders`, `TooHigh`, `Name`, `NameTaken`, `UKeyTaken`, `UKey`, `NoProof`; what
    /// the vault says.
    pub fn init(self, founders: &[Founder], needed: u8, challenge: &Challenge) -> Result<(), PeopleError> {
        if founders.is_empty() || founders.len() > MAX_FOUNDERS {
            return Err(PeopleError::Founders(MAX_FOUNDERS));
        }
        let (have, role) = (founders.len(), Role::HsmSo);
        if usize::from(needed) > have {
            return Err(PeopleError::TooHigh { needed, role: role.name(), have });
        }
        let stated = founding(founders, needed);
        let record = Record::new("initialise the HSM").with("quorum", needed.to_string());
        let record = founders.iter().fold(record, |record, founder| {
            record.with("officer", format!("{} {}", founder.person, hex(&founder.ukey.id)))
        });
        self.change(&record, |state| {
            if state.is_owned() {
                return Err(PeopleError::Owned(state.officers()));
            }
            let mut changes = Vec::new();
            for Founder { person, ukey } in founders {
                let public = verified(person, ukey, Some((challenge, &[b"init", &stated])))?;
                let held = Held { role, partition: None };
                changes.push(state.register(person, public, held)?);
            }
            state.rules = quorum::first_rules(needed);
            changes.push(state.rules_change()?);
            Ok((changes, ()))
        })
    }

    /// Gives somebody a role. The first auditor is registered by the UKey's own signature, as nobody has the right to
    /// vouch for an auditor; of others a signature is checked if there is one.
    ///
    /// # Errors
    /// `NotOwned` for a role other than auditor, before the HSM is initialised; `NeedsPartition`, `NoPartition`,
    /// `HasRole`, `AuditorAlone`, `NoUKey`, `NoProof`, `UKey`, `Name`, `NameTaken`, `UKeyTaken`, `Full`; what the
    /// vault says.
    pub fn appoint(self, new: &Addition<'_>) -> Result<Person, PeopleError> {
        let Addition { person, newcomer, held } = new;
        check_place(*held)?;
        let ukey = newcomer.as_ref().map(|newcomer| hex(&newcomer.ukey.id));
        let mut record = held.record("give a role", person);
        record.details.extend(ukey.map(|ukey| ("ukey", ukey)));
        self.change(&record, |state| {
            if held.role != Role::Auditor && !state.is_owned() {
                return Err(PeopleError::NotOwned);
            }
            let first_auditor = held.role == Role::Auditor && state.count(Role::Auditor, None) == 0;
            let known = state.named(person).map(|(number, stored)| (number, stored.value.id()));
            match (known, newcomer) {
                (None, None) => return Err(PeopleError::NoUKey((*person).to_owned())),
                (Some((_, id)), Some(newcomer)) if *id.as_bytes() != newcomer.ukey.id => {
                    return Err(PeopleError::NameTaken((*person).to_owned()));
                }
                _ => {}
            }
            let signed = newcomer.as_ref().is_some_and(|newcomer| newcomer.ukey.signature.is_some());
            if first_auditor && !signed {
                return Err(PeopleError::NoProof((*person).to_owned()));
            }
            let public = newcomer.as_ref().map(|newcomer| newcomer.public(person, held.role)).transpose()?;
            let change = match (known, public) {
                (Some((number, _)), _) => state.grant(number, *held)?,
                (None, Some(public)) => state.register(person, public, *held)?,
                (None, None) => return Err(PeopleError::NoUKey((*person).to_owned())),
            };
            let (_, stored) = state.named(person).ok_or(PeopleError::Internal("a new person is there"))?;
            Ok((vec![change], stored.value.clone()))
        })
    }

    /// Takes a role from somebody, and gives what is left of them; none if that was the last.
    ///
    /// # Errors
    /// `NoPerson`, `LacksRole`, `LastOfficer`, `BelowQuorum`; what the vault says.
    pub fn remove(self, name: &str, held: Held) -> Result<Option<Person>, PeopleError> {
        check_place(held)?;
        self.change(&held.record("take a role", name), |state| {
            let (number, stored) = state.named(name).ok_or_else(|| PeopleError::NoPerson(name.to_owned()))?;
            let (mut person, version) = (stored.value.clone(), stored.version);
            if !person.roles.contains(&held) {
                return Err(PeopleError::LacksRole { person: person.name, role: held.role.name() });
            }
            person.roles.retain(|one| *one != held);
            let change = state.put(number, version, &person)?;
            state.check_enough_are_left(name, held)?;
            Ok((vec![change], Some(person).filter(|person| !person.roles.is_empty())))
        })
    }

    /// Takes all roles of a partition that is gone.
    ///
    /// # Errors
    /// What the vault says.
    pub fn forget_partition(self, slot: u64) -> Result<(), PeopleError> {
        self.change_silently(|state| {
            let there = |person: &Person| person.roles.iter().any(|held| held.partition == Some(slot));
            let concerned: Vec<_> = state
                .people
                .iter()
                .filter(|(_, stored)| there(&stored.value))
                .map(|(number, stored)| (*number, stored.clone()))
                .collect();
            let mut changes = Vec::new();
            for (number, Stored { value: mut person, version }) in concerned {
                person.roles.retain(|held| held.partition != Some(slot));
                changes.push(state.put(number, version, &person)?);
            }
            Ok((changes, ()))
        })
    }
}

impl Held {
    fn record(self, action: &'static str, person: &str) -> Record {
        let record = Record::new(action).with("person", person).with("role", self.role.name());
        match self.partition {
            Some(slot) => record.with("slot", slot.to_string()),
            None => record,
        }
    }
}

impl Newcomer<'_> {
    fn public(&self, person: &str, role: Role) -> Result<Public, PeopleError> {
        let stated: [&[u8]; 2] = [role.name().as_bytes(), person.as_bytes()];
        let answered = match (&self.ukey.signature, &self.challenge) {
            (None, _) => None,
            (Some(_), None) => return Err(PeopleError::NoChallenge),
            (Some(_), Some(challenge)) => Some((challenge, &stated)),
        };
        verified(person, self.ukey, answered)
    }
}

/// The public half of a UKey to be registered, whose signature states this, if it has to.
fn verified(
    person: &str,
    ukey: &Registered,
    stated: Option<(&Challenge, &[&[u8]; 2])>,
) -> Result<Public, PeopleError> {
    let wrong = |why| PeopleError::UKey { person: person.to_owned(), why };
    let public = Public::from_bytes(&ukey.public).map_err(wrong)?;
    if *public.id().as_bytes() != ukey.id {
        let other = ukey::Error::Malformed { what: "its public part", why: "it has another id" };
        return Err(wrong(other));
    }
    if let Some((challenge, parts)) = stated {
        let no_proof = || PeopleError::NoProof(person.to_owned());
        let signature = ukey.signature.as_ref().ok_or_else(no_proof)?;
        public.verify(REGISTER, &challenge.message(parts), signature).map_err(wrong)?;
    }
    Ok(public)
}

/// Refuses a role where it cannot be held.
fn check_place(held: Held) -> Result<(), PeopleError> {
    let name = held.role.name();
    match (held.role, held.partition) {
        (role, None) if role.is_of_partitions() => Err(PeopleError::NeedsPartition(name)),
        (Role::HsmSo | Role::Auditor, Some(_)) => Err(PeopleError::NoPartition(name)),
        _ => Ok(()),
    }
}

impl State {
    /// The names of the security officers.
    fn officers(&self) -> String {
        let officers = self.all().filter(|person| person.has(Role::HsmSo, None));
        officers.map(|person| person.name.clone()).collect::<Vec<_>>().join(", ")
    }

    fn register(&mut self, name: &str, ukey: Public, held: Held) -> Result<Change, PeopleError> {
        check_name(name)?;
        if self.people.len() >= MAX_PEOPLE {
            return Err(PeopleError::Full(MAX_PEOPLE));
        }
        if self.named(name).is_some() {
            return Err(PeopleError::NameTaken(name.to_owned()));
        }
        self.check_ukey_is_free(ukey.id())?;
        let number = self.people.keys().next_back().map_or(1, |last| last.saturating_add(1));
        let person = Person { name: name.to_owned(), ukey, roles: vec![held], failed: 0 };
        let change = write(person_id(number), None, person.to_record()?);
        self.people.insert(number, Stored { value: person, version: Version(0) });
        Ok(change)
    }

    fn check_ukey_is_free(&self, ukey: Id) -> Result<(), PeopleError> {
        self.of_ukey(ukey).map_or(Ok(()), |(_, stored)| {
            Err(PeopleError::UKeyTaken { ukey, person: stored.value.name.clone() })
        })
    }

    fn grant(&mut self, number: u64, held: Held) -> Result<Change, PeopleError> {
        let stored = self.people.get_mut(&number).ok_or(PeopleError::Internal("a known person is there"))?;
        let person = &mut stored.value;
        if person.has(held.role, held.partition) {
            return Err(PeopleError::HasRole { person: person.name.clone(), role: held.role.name() });
        }
        if person.has(Role::Auditor, None) || held.role == Role::Auditor {
            return Err(PeopleError::AuditorAlone(person.name.clone()));
        }
        person.roles.push(held);
        person.roles.sort();
        Ok(write(person_id(number), Some(stored.version), person.to_record()?))
    }

    /// Keeps what a person has become, or nothing of somebody without a role.
    fn put(&mut self, number: u64, version: Version, person: &Person) -> Result<Change, PeopleError> {
        if person.roles.is_empty() {
            self.people.remove(&number);
            return Ok(Change::delete(person_id(number), version));
        }
        self.people.insert(number, Stored { value: person.clone(), version });
        Ok(write(person_id(number), Some(version), person.to_record()?))
    }

    /// Refuses to go below what administration needs. Called when the role is gone.
    fn check_enough_are_left(&self, name: &str, gone: Held) -> Result<(), PeopleError> {
        let left = self.count(gone.role, gone.partition);
        if gone.role == Role::HsmSo && left == 0 {
            return Err(PeopleError::LastOfficer(name.to_owned()));
        }
        let short = |rule: &quorum::Rule| rule.role == gone.role && left < usize::from(rule.needed);
        match self.rules.iter().find(|(_, rule)| short(rule)) {
            None => Ok(()),
            Some((command, rule)) => Err(PeopleError::BelowQuorum {
                command: command.clone(),
                needed: rule.needed,
                role: rule.role.name(),
                person: name.to_owned(),
                left,
            }),
        }
    }
}
