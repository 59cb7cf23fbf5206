//! The table of quorums: how many must approve a command, and as what.

use std::collections::BTreeMap;

use crypto::Secret;
use ukey::Id;
use wire::admin::command::{Quorum, Who};
use wire::admin::{Command, Role};

use super::permission::names;
use super::person::{from_record, to_record};
use super::{Given, People, PeopleError, Person, RULES, Record, Scope, State, Unfit, write};
use crate::quorum::KeyQuorum;
use crate::vault::Change;

/// How many must approve a command, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How many; at least one.
    pub needed: u8,
    /// As what they are registered.
    pub role: Role,
}

/// What a command needs before it is carried out.
pub(super) struct Needs {
    /// How many must approve.
    pub(super) needed: u8,
    of: Approvers,
}

/// Who may approve.
enum Approvers {
    /// Whoever has the role.
    Role(Role),
    /// Those who have these UKeys.
    Named(Vec<Id>),
}

impl Needs {
    /// Refuses somebody whose approval does not count.
    pub(super) fn check(&self, person: &Person, scope: Scope) -> Result<(), Unfit> {
        let name = || person.name.clone();
        match &self.of {
            Approvers::Role(role) if person.approves_as(*role, scope) => Ok(()),
            Approvers::Role(role) => Err(Unfit::LacksRole { person: name(), role: role.name().to_owned() }),
            Approvers::Named(ukeys) if ukeys.contains(&person.id()) => Ok(()),
            Approvers::Named(_) => Err(Unfit::NoApprover(name())),
        }
    }
}

pub(super) fn record(rules: &BTreeMap<String, Rule>) -> Result<Secret, PeopleError> {
    let rows: Vec<_> = rules.iter().map(|(command, rule)| (command, rule.needed, rule.role.name())).collect();
    to_record(&rows)
}

/// A rule whose role this release does not know asks for the HSM's security officers.
pub(super) fn rules_of(record: &Secret) -> Result<BTreeMap<String, Rule>, PeopleError> {
    let rows: Vec<(String, u8, String)> = from_record(record)?;
    let rule = |(command, needed, role): (String, u8, String)| {
        (command, Rule { needed, role: Role::named(&role).unwrap_or(Role::HsmSo) })
    };
    Ok(rows.into_iter().map(rule).collect())
}

/// The commands that need approvals as soon as the HSM is initialised with a quorum.
pub(super) fn first_rules(needed: u8) -> BTreeMap<String, Rule> {
    let from_init = |command: &&Command| needed > 0 && command.quorum() == Quorum::FromInit;
    let rule = |command: &Command| (command.name().to_owned(), Rule { needed, role: Role::HsmSo });
    Command::ALL.iter().filter(from_init).map(rule).collect()
}

impl State {
    /// The change that writes the rules as they are now.
    pub(super) fn rules_change(&self) -> Result<Change, PeopleError> {
        Ok(write(RULES, self.rules_version, record(&self.rules)?))
    }

    pub(super) fn rule(&self, command: Command) -> Option<Rule> {
        self.rules.get(command.name()).copied()
    }
}

impl People<'_> {
    /// Every command that needs approvals, by name, with how many could give one; none for a role of partitions, of
    /// which each has its own.
    #[must_use]
    pub fn rules(self) -> Vec<(String, Rule, Option<usize>)> {
        let state = self.roster().state.read();
        let of = |role: Role| (!role.is_of_partitions()).then(|| state.count(role, None));
        state.rules.iter().map(|(command, rule)| (command.clone(), *rule, of(rule.role))).collect()
    }

    /// How many must approve a command, if any.
    #[must_use]
    pub fn rule(self, command: Command) -> Option<Rule> {
        self.roster().state.read().rule(command)
    }

    /// Whether several must approve it.
    #[must_use]
    pub fn needs_approval(self, given: &Given) -> bool {
        self.needs(given).is_some()
    }

    /// What a command needs. The quorum of a key goes before one of the command.
    pub(super) fn needs(self, given: &Given) -> Option<Needs> {
        if let Some(quorum) = given.of_key.as_ref().filter(|_| given.command.is_of_keys()) {
            return Some(Needs {
                needed: quorum.needed(),
                of: Approvers::Named(quorum.approvers().collect()),
            });
        }
        let Rule { needed, role } = self.rule(given.command)?;
        Some(Needs { needed, of: Approvers::Role(role) })
    }

    /// Who may approve, for people.
    pub(super) fn approvers(self, needs: &Needs) -> String {
        match &needs.of {
            Approvers::Role(role) => role.name().to_owned(),
            Approvers::Named(ukeys) => {
                format!("approvers of the key ({})", self.names(ukeys.iter().copied()))
            }
        }
    }

    /// Who may approve uses of a key.
    #[must_use]
    pub fn names_of(self, quorum: &KeyQuorum) -> String {
        self.names(quorum.approvers())
    }

    fn names(self, ukeys: impl Iterator<Item = Id>) -> String {
        let name = |ukey| match self.of_ukey(ukey) {
            Some(person) => person.name,
            None => format!("nobody any more (UKey {ukey})"),
        };
        ukeys.map(name).collect::<Vec<_>>().join(", ")
    }

    /// Sets how many must approve a command; 0 takes the need away.
    ///
    /// # Errors
    /// `NoQuorum` for a command that cannot need it, `WrongApprovers` for a role that has nothing to do with it,
    /// `TooHigh` if there are not that many, `NotOwned`; what the vault says.
    pub fn set_quorum(self, command: Command, rule: Rule) -> Result<(), PeopleError> {
        if matches!(command.quorum(), Quorum::Never | Quorum::OfKey) {
            return Err(PeopleError::NoQuorum(command.name()));
        }
        let Rule { needed, role } = rule;
        if needed > 0 {
            check_approvers(command, role)?;
        }
        let record = Record::new("set a quorum")
            .with("command", command.name())
            .with("needed", needed.to_string())
            .with("role", role.name());
        self.change(&record, |state| {
            if !state.is_owned() {
                return Err(PeopleError::NotOwned);
            }
            let have = state.count(role, None);
            if usize::from(needed) > have && !role.is_of_partitions() {
                return Err(PeopleError::TooHigh { needed, role: role.name(), have });
            }
            match needed {
                0 => state.rules.remove(command.name()),
                _ => state.rules.insert(command.name().to_owned(), rule),
            };
            Ok((vec![state.rules_change()?], ()))
        })
    }
}

/// Those who may give a command may approve it, and the HSM's security officers may; but what is for auditors alone
/// is approved by them alone.
fn check_approvers(command: Command, role: Role) -> Result<(), PeopleError> {
    let mut may: Vec<_> = match command.who() {
        Who::Roles(roles) => roles.to_vec(),
        Who::Anyone => Vec::new(),
    };
    if may != [Role::Auditor] && !may.contains(&Role::HsmSo) {
        may.push(Role::HsmSo);
    }
    if may.contains(&role) {
        return Ok(());
    }
    Err(PeopleError::WrongApprovers { command: command.name(), who: names(&may), role: role.name() })
}
