//! Logging in at the console: a challenge, answered by a UKey.
//!
//! A try is counted, durably, before the answer is looked at, so that neither a crash nor a second connection gives a
//! try for nothing.

use ukey::Id;
use wire::admin::people::{LOGIN, Statement, hex};

use super::{MAX_TRIES, People, PeopleError, Person, Record, State, person_id, write};
use crate::vault::Change;

/// A challenge that was given to one connection, for one answer.
#[derive(Debug)]
pub struct Challenge {
    /// The HSM's identity.
    pub hsm: [u8; 32],
    /// Random.
    pub challenge: [u8; 32],
    /// The process at the other end of the connection.
    pub pid: u32,
}

impl Challenge {
    /// What a UKey signs that states this in answer to the challenge.
    #[must_use]
    pub fn message(&self, parts: &[&[u8]]) -> Vec<u8> {
        Statement { hsm: &self.hsm, challenge: &self.challenge, pid: self.pid, parts }.message()
    }
}

impl People<'_> {
    /// A new challenge, for the connection of this process.
    ///
    /// # Errors
    /// `Crypto` if none can be drawn.
    pub fn challenge(self, pid: u32) -> Result<Challenge, PeopleError> {
        let mut challenge = [0; 32];
        crypto::random::fill(&mut challenge)?;
        Ok(Challenge { hsm: self.identity()?, challenge, pid })
    }

    /// Who it is that answered a challenge, which is used up by this.
    ///
    /// # Errors
    /// `UnknownUKey`; `Locked` without a look at the signature; `LoginRefused` for a wrong one; what the vault says.
    #[expect(clippy::needless_pass_by_value, reason = "it is used up")]
    pub fn log_in(self, challenge: Challenge, ukey: Id, signature: &[u8]) -> Result<Person, PeopleError> {
        let record = Record::new("log in").with("ukey", hex(ukey.as_bytes()));
        let person = self.count_try(ukey).inspect_err(|error| self.refused(&record, error))?;
        let record = record.with("person", &person.name);
        self.change(&record, |state| {
            person.ukey.verify(LOGIN, &challenge.message(&[]), signature).map_err(|why| {
                match MAX_TRIES.saturating_sub(person.failed) {
                    0 => PeopleError::Locked { person: person.name.clone() },
                    left => PeopleError::LoginRefused { why, left },
                }
            })?;
            set_tries(state, ukey, 0)
        })
    }

    fn count_try(self, ukey: Id) -> Result<Person, PeopleError> {
        self.change_silently(|state| {
            let (_, person) = state.of_ukey(ukey).ok_or(PeopleError::UnknownUKey(ukey))?;
            if person.value.is_locked() {
                return Err(PeopleError::Locked { person: person.value.name.clone() });
            }
            let tries = person.value.failed + 1;
            set_tries(state, ukey, tries)
        })
    }

    /// Forgets a person's wrong tries.
    ///
    /// # Errors
    /// `NoPerson`; what the vault says.
    pub fn unlock(self, name: &str) -> Result<Person, PeopleError> {
        self.change(&Record::new("unlock a person").with("person", name), |state| {
            let (_, person) = state.named(name).ok_or_else(|| PeopleError::NoPerson(name.to_owned()))?;
            let ukey = person.value.id();
            set_tries(state, ukey, 0)
        })
    }
}

fn set_tries(state: &mut State, ukey: Id, tries: u8) -> Result<(Vec<Change>, Person), PeopleError> {
    let (number, _) = state.of_ukey(ukey).ok_or(PeopleError::UnknownUKey(ukey))?;
    let stored = state.people.get_mut(&number).ok_or(PeopleError::UnknownUKey(ukey))?;
    stored.value.failed = tries;
    let change = write(person_id(number), Some(stored.version), stored.value.to_record()?);
    Ok((vec![change], stored.value.clone()))
}
