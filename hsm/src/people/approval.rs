//! Approvals: a request, made here, signed by several people, used once.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use ukey::Id;
use wire::admin::Command;
use wire::admin::approval::{APPROVE, Approval, Request};
use wire::admin::people::hex;

use super::person::to_record;
use super::quorum::Needs;
use super::{People, PeopleError, Record, Scope, State, Stored, Unfit, digest, request_id, write};
use crate::quorum::KeyQuorum;
use crate::vault::{Change, Version};

/// The most requests that wait.
const MAX_REQUESTS: usize = 1000;
/// For how many seconds an approval can be asked.
const VALIDITY: std::ops::RangeInclusive<u64> = 1..=30 * 24 * 3600;

/// A command as it is approved: what it does, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The command.
    pub command: Command,
    /// What it is about, for roles.
    pub scope: Scope,
    /// What it is about, in words that say exactly that.
    pub target: String,
    /// What else decides what it does.
    pub details: Vec<(String, String)>,
    /// The quorum of the key that it is about, if it is about one that has a quorum.
    pub of_key: Option<KeyQuorum>,
}

/// What is kept of a request: that it was made, and whether it has been used.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    nonce: [u8; 32],
    /// Seconds since 1970.
    expires: u64,
    used: bool,
}

impl People<'_> {
    /// Makes a request for a command, which can be used for so many seconds.
    ///
    /// # Errors
    /// `NotNeeded`, `Validity`, `TooManyRequests`; what the vault says.
    pub fn request(self, given: Given, valid: u64) -> Result<Request, PeopleError> {
        if !VALIDITY.contains(&valid) {
            return Err(PeopleError::Validity(valid));
        }
        let command = given.command.name();
        let needs = self.needs(&given).ok_or(PeopleError::NotNeeded { command })?;
        let mut nonce = [0; 32];
        crypto::random::fill(&mut nonce)?;
        let now = self.now();
        let pending = Pending { nonce, expires: now.saturating_add(valid), used: false };
        let request = Request {
            hsm: self.identity()?,
            command: command.to_owned(),
            target: given.target,
            details: given.details,
            nonce,
            expires: pending.expires,
            needed: needs.needed,
            role: self.approvers(&needs),
        };
        let record = Record::new("ask for approval")
            .with("command", command)
            .with("target", &request.target)
            .with("request", hex(&nonce));
        self.change(&record, |state| {
            let mut changes = state.forget_expired(now);
            if let Some(first) = state.requests.values().map(|one| one.value.expires).min()
                && state.requests.len() >= MAX_REQUESTS
            {
                return Err(PeopleError::TooManyRequests(MAX_REQUESTS, first.saturating_sub(now)));
            }
            let number = number(&nonce);
            changes.push(write(request_id(number), None, to_record(&pending)?));
            state.requests.insert(number, Stored { value: pending, version: Version(0) });
            Ok((changes, request.clone()))
        })
    }

    /// Lets a command through, if enough people approved it, and uses the approvals up.
    ///
    /// # Errors
    /// `NeedsApproval` if there is none, `BadApproval` if one is no good, `TooFewApprovals`; what the vault says.
    pub fn approved(self, given: &Given, approvals: &[Approval]) -> Result<(), PeopleError> {
        let Some(needs) = self.needs(given) else { return Ok(()) };
        let (command, needed, role) = (given.command.name(), needs.needed, self.approvers(&needs));
        let Some(first) = approvals.first() else {
            return Err(PeopleError::NeedsApproval { command, needed, role });
        };
        let (now, hsm) = (self.now(), self.identity()?);
        let record = Record::new("use approvals")
            .with("command", command)
            .with("target", &given.target)
            .with("request", hex(&first.request.nonce));
        let record = approvals.iter().fold(record, |record, approval| {
            let person = self.of_ukey(Id::from_bytes(approval.ukey)).map(|person| person.name);
            record.with("by", format!("{} {}", person.unwrap_or_default(), hex(&approval.ukey)))
        });
        self.change(&record, |state| {
            let mut people = BTreeSet::new();
            for approval in approvals {
                let by = Id::from_bytes(approval.ukey);
                let unfit = |why| PeopleError::BadApproval { by, why };
                fits(&hsm, now, given, &approval.request).map_err(unfit)?;
                if approval.request.nonce != first.request.nonce {
                    return Err(unfit(Unfit::TwoRequests));
                }
                state.check_is_open(&approval.request).map_err(unfit)?;
                let details = digest(&approval.request.details())?;
                state.check_approver(&needs, given.scope, approval, &details).map_err(unfit)?;
                if !people.insert(by) {
                    let person = state.of_ukey(by).map(|(_, one)| one.value.name.clone());
                    return Err(unfit(Unfit::Twice(person.unwrap_or_default())));
                }
            }
            if people.len() < usize::from(needed) {
                return Err(PeopleError::TooFewApprovals { command, needed, role, have: people.len() });
            }
            Ok((vec![state.use_up(number(&first.request.nonce))?], ()))
        })
    }

    /// Seconds since 1970.
    fn now(self) -> u64 {
        self.hsm.ports.clock.now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// The number of a request's record.
fn number(nonce: &[u8; 32]) -> u64 {
    nonce.first_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// Whether a request is one for this command.
fn fits(hsm: &[u8; 32], now: u64, given: &Given, request: &Request) -> Result<(), Unfit> {
    if request.hsm != *hsm {
        return Err(Unfit::OtherHsm);
    }
    if request.command != given.command.name() {
        return Err(Unfit::OtherCommand { approved: request.command.clone(), given: given.command.name() });
    }
    if request.target != given.target {
        return Err(Unfit::OtherObject { approved: request.target.clone(), given: given.target.clone() });
    }
    if request.details != given.details {
        let (approved, given) = (shown(&request.details), shown(&given.details));
        return Err(Unfit::OtherParameters { approved, given });
    }
    match now.checked_sub(request.expires) {
        Some(ago) => Err(Unfit::Expired(ago)),
        None => Ok(()),
    }
}

/// Details, for people.
fn shown(details: &[(String, String)]) -> String {
    match details {
        [] => "none".into(),
        details => {
            details.iter().map(|(name, value)| format!("{name} {value:?}")).collect::<Vec<_>>().join(", ")
        }
    }
}

impl State {
    fn check_is_open(&self, request: &Request) -> Result<(), Unfit> {
        match self.requests.get(&number(&request.nonce)).map(|stored| &stored.value) {
            Some(pending) if pending.nonce != request.nonce => Err(Unfit::UnknownRequest),
            Some(pending) if pending.used => Err(Unfit::Used),
            Some(_) => Ok(()),
            None => Err(Unfit::UnknownRequest),
        }
    }

    fn check_approver(
        &self,
        needs: &Needs,
        scope: Scope,
        approval: &Approval,
        details: &[u8; 32],
    ) -> Result<(), Unfit> {
        let (_, stored) = self.of_ukey(Id::from_bytes(approval.ukey)).ok_or(Unfit::Unregistered)?;
        let person = &stored.value;
        if person.is_locked() {
            return Err(Unfit::Locked(person.name.clone()));
        }
        needs.check(person, scope)?;
        let message = approval.request.message(details);
        person.ukey.verify(APPROVE, &message, &approval.signature).map_err(Unfit::Signature)
    }

    /// Marks a request as used. It is kept until it expires, so that it is known for what it is.
    fn use_up(&mut self, number: u64) -> Result<Change, PeopleError> {
        let stored =
            self.requests.get_mut(&number).ok_or(PeopleError::Internal("a request that is used is known"))?;
        stored.value.used = true;
        Ok(write(request_id(number), Some(stored.version), to_record(&stored.value)?))
    }

    /// Forgets the requests that nobody can use any more: they say themselves that they have expired.
    fn forget_expired(&mut self, now: u64) -> Vec<Change> {
        let expired = |stored: &Stored<Pending>| stored.value.expires <= now;
        let gone = self.requests.iter().filter(|(_, stored)| expired(stored));
        let changes =
            gone.map(|(number, stored)| Change::delete(request_id(*number), stored.version)).collect();
        self.requests.retain(|_, stored| !expired(stored));
        changes
    }
}
