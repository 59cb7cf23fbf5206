//! Grants: who may read a secret beside those whose policies allow it, and until when.

use std::fmt;
use std::sync::Arc;

use hsm::service::Kind;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::allow::{Found, Named};
use super::error::{CsmsError, Result};
use super::{Csms, about};
use crate::caller::Caller;
use crate::iam::{AccountId, GroupId, Principal, UserId};
use crate::kms::record::{Kept, creation};
use crate::kms::{Millis, Uuid};

/// Who is given it: a user or the users of a group, of the secret's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// A user.
    User(UserId),
    /// Those of a group.
    Group(GroupId),
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}

/// A grant: a record in the partition of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: Uuid,
    /// The secret.
    pub secret: Uuid,
    /// Who is given it.
    pub to: Grantee,
    /// When it was given.
    pub created: Millis,
    /// When it was last changed.
    pub updated: Millis,
    /// Until when it holds.
    pub until: Option<Millis>,
}

/// The moment that a text names, in milliseconds since 1970: the end of a day such as `2027-01-31`, or a moment as of
/// RFC 3339.
///
/// # Errors
/// `Field`
pub fn until(text: &str) -> Result<Millis> {
    let of = || {
        let at = match text.parse::<Date>() {
            Ok(date) => date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
            Err(_) => text.parse::<jiff::Timestamp>().ok()?,
        };
        Millis::try_from(at.as_millisecond()).ok()
    };
    of().ok_or_else(|| CsmsError::Field(format!("{text:?}: expected a date such as 2027-01-31")))
}

impl Csms {
    /// Lets somebody read a secret. Who may already, may until the new date.
    ///
    /// # Errors
    /// `Field`, `GrantQuota`, `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn grant_secret(
        &self,
        caller: &Caller,
        id: &str,
        to: Grantee,
        until: Option<Millis>,
    ) -> Result<Kept<Grant>> {
        let found = self.permitted_with(caller, "CreateGrants", Named::Id(id), None)?;
        self.put_grant(caller, &found, to, until, false)
    }

    /// Changes until when somebody may read a secret.
    ///
    /// # Errors
    /// `NoGrant`; as [`Self::grant_secret`].
    pub fn update_secret_grant(
        &self,
        caller: &Caller,
        id: &str,
        to: Grantee,
        until: Option<Millis>,
    ) -> Result<Kept<Grant>> {
        let found = self.permitted_with(caller, "UpdateGrant", Named::Id(id), None)?;
        self.put_grant(caller, &found, to, until, true)
    }

    /// Takes what somebody was given on a secret; what everybody was, if nobody is named.
    ///
    /// # Errors
    /// `NoGrant`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn revoke_secret(&self, caller: &Caller, id: &str, from: Option<&str>) -> Result<()> {
        let Found { project, secret } = self.permitted_with(caller, "DeleteGrant", Named::Id(id), None)?;
        let _turn = project.turn.lock();
        let going: Vec<_> = {
            let shelf = project.shelf.read();
            let grants = shelf.grants_on(secret.id);
            grants.filter(|grant| from.is_none_or(|from| from == grant.to.to_string())).cloned().collect()
        };
        if going.is_empty() {
            return Err(CsmsError::NoGrant);
        }
        let writes: Vec<_> = going.iter().map(|grant| grant.deletion(Kind::CsmsGrant)).collect();
        let [id, name] = about(&secret);
        let whom = going.iter().map(|grant| grant.to.to_string()).collect::<Vec<_>>().join(" ");
        self.commit(caller, &project, "revoke grants on a secret", &[id, name, ("from", whom)], writes)?;
        let mut shelf = project.shelf.write();
        going.iter().for_each(|grant| drop(shelf.grants.remove(&grant.number)));
        Ok(())
    }

    /// The grants on a secret, and its name.
    ///
    /// # Errors
    /// `NoSecret`, `Forbidden`
    pub fn secret_grants(&self, caller: &Caller, id: &str) -> Result<(String, Vec<Kept<Grant>>)> {
        let Found { project, secret } = self.permitted_with(caller, "ListGrants", Named::Id(id), None)?;
        let grants = project.shelf.read().grants_on(secret.id).cloned().collect();
        Ok((secret.name.clone(), grants))
    }

    fn put_grant(
        &self,
        caller: &Caller,
        Found { project, secret }: &Found,
        to: Grantee,
        until: Option<Millis>,
        must_be_there: bool,
    ) -> Result<Kept<Grant>> {
        self.check_grantee(to, project.account)?;
        let now = self.now();
        if until.is_some_and(|until| until <= now) {
            return Err(CsmsError::Field("validity_time is in the past".to_owned()));
        }
        let _turn = project.turn.lock();
        let secret = self.standing(project, secret.number)?;
        secret.check_enabled()?;
        let (there, count, number) = {
            let shelf = project.shelf.read();
            let there = shelf.grants_on(secret.id).find(|grant| grant.to == to).cloned();
            (there, shelf.grants_on(secret.id).count(), shelf.next_grant)
        };
        if there.is_none() && must_be_there {
            return Err(CsmsError::NoGrant);
        }
        if there.is_none() && count >= self.quotas.grants {
            return Err(CsmsError::GrantQuota(self.quotas.grants));
        }
        let (number, id, created) = match &there {
            Some(there) => (there.number, there.id, there.created),
            None => (number, Uuid::from_random(self.hsm.random()?), now),
        };
        let grant = Grant { id, secret: secret.id, to, created, updated: now, until };
        let write = match &there {
            Some(there) => there.update(Kind::CsmsGrant, &grant)?,
            None => creation(Kind::CsmsGrant, number, &grant)?,
        };
        let [secret, name] = about(&secret);
        let details = [secret, name, ("grant", id.to_string()), ("to", to.to_string())];
        let version = self.commit(caller, project, "grant a secret", &details, vec![write])?;
        let grant = Kept { number, version, value: Arc::new(grant) };
        project.shelf.write().show_grant(grant.clone());
        Ok(grant)
    }

    fn check_grantee(&self, to: Grantee, account: AccountId) -> Result<()> {
        let is_there = match to {
            Grantee::User(id) => self.iam.user(account, id).is_some(),
            Grantee::Group(id) => self.iam.group(account, id).is_some(),
        };
        if is_there {
            return Ok(());
        }
        Err(CsmsError::Field("grantee_target_id is no user or group of the account".to_owned()))
    }

    /// Whether a grant is for a caller.
    pub(super) fn is_for(&self, to: &Grantee, caller: &Caller) -> bool {
        let identity = &caller.identity;
        match to {
            Grantee::User(user) => matches!(identity.principal, Principal::User { id, .. } if id == *user),
            Grantee::Group(group) => identity.groups.contains(group),
        }
    }
}
