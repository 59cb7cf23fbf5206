//! Grants: made, changed, shown, revoked by the key's owner, and retired by who has them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hsm::Work;
use hsm::service::Kind;

use super::Kms;
use super::allow::{About, Found};
use super::error::{KmsError, Result};
use super::grant::{Grant, GrantId, Granted, Grantee, Grants};
use super::key::Key;
use super::list::{Page, Paged};
use super::name::check_name;
use super::project::Project;
use super::record::{Kept, creation};
use crate::caller::Caller;
use crate::iam::{Identity, UserId};

/// A grant that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct NewGrant<'a> {
    /// The id of a user or an account.
    pub grantee: &'a str,
    /// Which of the two: `user`, if nothing is said, or `domain`.
    pub kind: Option<&'a str>,
    /// What it is to give.
    pub operations: &'a [String],
    /// Its name.
    pub name: Option<&'a str>,
    /// The id of a user who can retire it beside the grantee.
    pub retiring: Option<&'a str>,
}

impl Kms {
    /// Gives somebody a part in a key. Who was given `create-grant` gives no more than it has.
    ///
    /// # Errors
    /// `Field`, `BadName`, `CreateGrantAlone`, `BadGrantee`, `DoesNotFit`, `GrantQuota`; how the key stands, `DefaultKey`;
    /// `NoKey`, `Forbidden`; what the HSM says.
    pub fn create_grant(&self, caller: &Caller, key: &str, new: NewGrant<'_>) -> Result<Kept<Grant>> {
        let operations = Granted::named(new.operations)?;
        if let Some(name) = new.name {
            check_name("name", name)?;
        }
        let grantee = self.grantee(new.kind, new.grantee)?;
        let retiring = new.retiring.map(|id| self.user_named(id)).transpose()?;
        let (Found { project, key }, owned) = self.grantable(caller, key)?;
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        if !owned {
            check_passes_on(&project, &key, caller, &operations)?;
        }
        check_grantable(&key, &operations)?;
        let number = {
            let shelf = project.shelf.read();
            if shelf.grants.count(key.id) >= self.quotas.grants {
                return Err(KmsError::GrantQuota(self.quotas.grants));
            }
            shelf.grants.next()
        };
        let grant = Grant {
            id: GrantId(self.hsm.random()?),
            key: key.id,
            name: new.name.unwrap_or_default().to_owned(),
            grantee,
            operations,
            issuer: caller.identity.id(),
            retiring,
            created: self.now(),
        };
        let details = about(&grant, caller);
        let mut work = Work { action: "create a grant", details: &details, ..Work::default() };
        work.writes.push((project.partition.slot().0, creation(Kind::KmsGrant, number, &grant)?));
        let version = self.desk(key.slot, caller)?.commit(work)?;
        let grant = Kept { number, version, value: Arc::new(grant) };
        project.shelf.write().grants.show(grant.clone());
        Ok(grant)
    }

    /// Changes what a grant gives; that is for the key's owner alone.
    ///
    /// # Errors
    /// As [`Self::create_grant`]; `NoGrant`, `OtherKeysGrant`.
    pub fn edit_grant(
        &self,
        caller: &Caller,
        key: &str,
        grant: &str,
        operations: &[String],
    ) -> Result<Kept<Grant>> {
        let (id, operations) = (grant.parse()?, Granted::named(operations)?);
        let Found { project, key } = self.owned(caller, "CreateGrant", key)?;
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        check_grantable(&key, &operations)?;
        let grant = project.shelf.read().grants.of(key.id, id)?;
        let changed = Grant { operations, ..(*grant).clone() };
        let details = about(&changed, caller);
        let mut work = Work { action: "edit a grant", details: &details, ..Work::default() };
        work.writes.push((project.partition.slot().0, grant.update(Kind::KmsGrant, &changed)?));
        let version = self.desk(key.slot, caller)?.commit(work)?;
        let grant = grant.updated(version, changed);
        project.shelf.write().grants.show(grant.clone());
        Ok(grant)
    }

    /// The grants on a key, for its owner.
    ///
    /// # Errors
    /// `BadLimit`, `BadMarker`; `NoKey`, `Forbidden`.
    pub fn list_grants(&self, caller: &Caller, key: &str, page: &Page<'_>) -> Result<Paged<Kept<Grant>>> {
        let found = self.owned(caller, "ListGrants", key)?;
        let grants = found.project.shelf.read().grants.on(found.key.id).cloned().collect();
        page.of(grants, |grant: &Kept<Grant>| grant.number)
    }

    /// The grants that the caller can retire, on keys of whatever project.
    ///
    /// # Errors
    /// `BadLimit`, `BadMarker`; `Forbidden`; what the vault says.
    pub fn list_retirable_grants(&self, caller: &Caller, page: &Page<'_>) -> Result<Paged<Kept<Grant>>> {
        self.permitted_in(caller, "ListRetirableGrants", About::NOTHING)?;
        let mut all = self.retirable_by(&caller.identity)?;
        all.sort_unstable_by_key(|(place, _)| *place);
        let Paged { items, next, total } = page.of(all, |(place, _)| *place)?;
        Ok(Paged { items: items.into_iter().map(|(_, grant)| grant).collect(), next, total })
    }

    /// Takes a grant back; that is for the key's owner. What the grantee has given others meanwhile stays.
    ///
    /// # Errors
    /// `NoGrant`, `OtherKeysGrant`, `Field`; `NoKey`, `Forbidden`; what the HSM says.
    pub fn revoke_grant(&self, caller: &Caller, key: &str, grant: &str) -> Result<Kept<Grant>> {
        let id = grant.parse()?;
        let found = self.owned(caller, "CancelGrant", key)?;
        self.end_grant(caller, &found.project, &found.key, id, "revoke a grant")
    }

    /// Gives a grant up: by who is named for that in it, or by the grantee, to whom it must give that too unless the
    /// grantee's own account has the key and its policies allow it.
    ///
    /// # Errors
    /// `NoGrant`, `OtherKeysGrant`, `Field`; `NoKey`, `Forbidden`; what the HSM says.
    pub fn retire_grant(&self, caller: &Caller, key: &str, grant: &str) -> Result<Kept<Grant>> {
        let id = grant.parse()?;
        let found = self.retirable(caller, key, |grants, key| {
            grants.of(key.id, id).is_ok_and(|grant| grant.is_retiring(&caller.identity))
        })?;
        let grant = found.project.shelf.read().grants.of(found.key.id, id)?;
        if !grant.is_retiring(&caller.identity) && !grant.grantee.is(&caller.identity) {
            let text = "a grant is retired by its grantee or by who it names for that; its owner revokes it";
            return Err(KmsError::Forbidden(text.to_owned()));
        }
        self.end_grant(caller, &found.project, &found.key, id, "retire a grant")
    }

    fn end_grant(
        &self,
        caller: &Caller,
        project: &Project,
        key: &Kept<Key>,
        id: GrantId,
        action: &'static str,
    ) -> Result<Kept<Grant>> {
        let _turn = project.turn.lock();
        let grant = project.shelf.read().grants.of(key.id, id)?;
        let details = about(&grant, caller);
        let mut work = Work { action, details: &details, ..Work::default() };
        work.writes.push((project.partition.slot().0, grant.deletion(Kind::KmsGrant)));
        self.desk(key.slot, caller)?.commit(work)?;
        project.shelf.write().grants.hide(id);
        Ok(grant)
    }

    /// The key that somebody wants to grant a part in, and whether as its owner: else by what was granted.
    fn grantable(&self, caller: &Caller, key: &str) -> Result<(Found, bool)> {
        match self.owned(caller, "CreateGrant", key) {
            Err(KmsError::Forbidden(_) | KmsError::NoKey) => {
                Ok((self.permitted(caller, "CreateGrant", key)?, false))
            }
            owned => Ok((owned?, true)),
        }
    }

    fn grantee(&self, kind: Option<&str>, id: &str) -> Result<Grantee> {
        match kind {
            None | Some("user") => Ok(Grantee::User(self.user_named(id)?)),
            Some("domain") => {
                let account = id.parse().ok().and_then(|id| self.iam.account(id));
                account.map(|account| Grantee::Account(account.id)).ok_or(KmsError::BadGrantee("account"))
            }
            Some(other) => Err(KmsError::Field(format!(
                "grantee_principal_type {other:?} is unknown: expected user or domain"
            ))),
        }
    }

    fn user_named(&self, id: &str) -> Result<UserId> {
        let user = id.parse().ok().and_then(|id| self.iam.any_user(id));
        user.map(|user| user.id).ok_or(KmsError::BadGrantee("user"))
    }

    /// The grants that somebody can give up, of all projects, each with its place in the order of all.
    fn retirable_by(&self, who: &Identity) -> Result<Vec<(u64, Kept<Grant>)>> {
        self.look_at_grants()?;
        let (mut all, homes) = (Vec::new(), self.homes.read());
        for (id, (home, _)) in &homes.by_project {
            // Numbers of records are of one project. Together with the project's they are in order for all.
            let mut take = |grant: &Kept<Grant>| {
                if grant.is_retired_by(who) {
                    all.push((u64::from(*home) << 32 | grant.number, grant.clone()));
                }
            };
            match homes.read.get(id) {
                Some(project) => project.shelf.read().grants.all().for_each(&mut take),
                None => homes.granted.get(id).into_iter().flatten().for_each(&mut take),
            }
        }
        Ok(all)
    }

    /// Reads the grants of projects that nobody has asked for, once: they stay as they are until somebody asks for the
    /// project.
    fn look_at_grants(&self) -> Result<()> {
        let unknown: Vec<_> = {
            let homes = self.homes.read();
            let is_known = |id| homes.read.contains_key(id) || homes.granted.contains_key(id);
            let unknown = homes.by_project.iter().filter(|(id, _)| !is_known(*id));
            unknown.map(|(id, (_, home))| (*id, home.clone())).collect()
        };
        for (id, home) in unknown {
            // What is lost with its partition may come back with it.
            let Some(partition) = self.partition_of(&home) else { continue };
            let records = self.hsm.service_records_in(&partition, Kind::KmsGrant)?;
            let grants = records.into_iter().map(Kept::read).collect::<Result<_>>()?;
            self.homes.write().granted.insert(id, grants);
        }
        Ok(())
    }
}

impl Grants {
    pub(super) fn read(hsm: &hsm::Hsm, partition: &hsm::partition::Partition) -> Result<Self> {
        let mut grants = Self::default();
        for read in hsm.service_records_in(partition, Kind::KmsGrant)? {
            grants.show(Kept::read(read)?);
        }
        Ok(grants)
    }
}

/// A grantee gives others what it was given itself, to this moment. The project's turn is held.
fn check_passes_on(
    project: &Project,
    key: &Key,
    caller: &Caller,
    operations: &BTreeSet<Granted>,
) -> Result<()> {
    let given = project.shelf.read().grants.given(key.id, &caller.identity);
    if !given.contains(&Granted::CreateGrant) {
        return Err(KmsError::Forbidden("the grant that gave create-grant is gone".to_owned()));
    }
    match operations.difference(&given).next() {
        None => Ok(()),
        Some(beyond) => Err(KmsError::Forbidden(format!(
            "a grantee gives others what it was given itself, and not {}",
            beyond.name()
        ))),
    }
}

/// Grants are on custom keys that can be used, and give what those can do.
fn check_grantable(key: &Key, operations: &BTreeSet<Granted>) -> Result<()> {
    key.check_custom()?;
    key.check_enabled()?;
    match operations.iter().find(|operation| !operation.fits(key)) {
        None => Ok(()),
        Some(operation) => Err(KmsError::Field(format!(
            "operations: {} does not fit a key of type {} for {}",
            operation.name(),
            key.spec.name(),
            key.usage.name()
        ))),
    }
}

/// What records say of a grant.
fn about(grant: &Grant, caller: &Caller) -> [(&'static str, String); 6] {
    let operations: Vec<_> = grant.operations.iter().map(|operation| operation.name()).collect();
    [
        ("key", grant.key.to_string()),
        ("grant", grant.id.to_string()),
        ("name", grant.name.clone()),
        ("grantee", format!("{} {}", grant.grantee.kind(), grant.grantee.id())),
        ("operations", operations.join(" ")),
        ("request", caller.request.to_string()),
    ]
}
