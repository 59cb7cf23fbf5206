//! Whether somebody may give a command: the table of commands, and the roles that people have.

use ukey::Id;
use wire::admin::command::Who;
use wire::admin::{Command, Role};

use super::{People, PeopleError, Person, Scope, State};

impl People<'_> {
    /// Lets a command through, by the roles of who gives it.
    ///
    /// # Errors
    /// `NobodyLoggedIn`, `UnknownUKey` for somebody who was removed meanwhile, `Locked`, `NotAllowed`.
    pub fn may(self, command: Command, scope: Scope, by: Option<Id>) -> Result<(), PeopleError> {
        let state = self.roster().state.read();
        let Who::Roles(roles) = command.who() else { return Ok(()) };
        if state.is_open_to_all(command, roles) {
            return Ok(());
        }
        let nobody = || PeopleError::NobodyLoggedIn { command: command.name(), who: names(roles) };
        let ukey = by.ok_or_else(nobody)?;
        let (_, person) = state.of_ukey(ukey).ok_or(PeopleError::UnknownUKey(ukey))?;
        let person = &person.value;
        if person.is_locked() {
            return Err(PeopleError::Locked { person: person.name.clone() });
        }
        if roles.iter().any(|role| person.may_as(*role, command.effect(), scope)) {
            return Ok(());
        }
        Err(PeopleError::NotAllowed {
            person: person.name.clone(),
            has: person.titles(),
            command: command.name(),
            who: names(roles),
        })
    }

    /// The partitions that somebody may look at; none if that is all.
    #[must_use]
    pub fn sees(self, by: Option<Id>) -> Option<Vec<u64>> {
        let state = self.roster().state.read();
        if !state.is_owned() {
            return None;
        }
        let roles = by.and_then(|ukey| state.of_ukey(ukey)).map(|(_, person)| &person.value.roles);
        let roles = roles.map(Vec::as_slice).unwrap_or_default();
        roles.iter().map(|held| held.partition).collect()
    }
}

impl State {
    /// Whether whoever reaches the console may give the command: on an HSM that nobody owns, and for the first
    /// auditor. Auditors are nobody else's, even before the HSM has an owner.
    fn is_open_to_all(&self, command: Command, roles: &[Role]) -> bool {
        let auditors = self.count(Role::Auditor, None) > 0;
        match roles {
            [Role::Auditor] if auditors => false,
            [Role::Auditor] if command == Command::AddAuditor => true,
            _ => !self.is_owned(),
        }
    }
}

/// `hsm-so or partition-so`
pub(super) fn names(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

impl Person {
    /// Whether the person approves commands in this role, there.
    pub(super) fn approves_as(&self, role: Role, scope: Scope) -> bool {
        match scope {
            Scope::Partition(slot) => self.has(role, Some(slot)),
            Scope::Open | Scope::Other => self.has(role, None),
        }
    }
}
