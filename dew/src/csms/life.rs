//! The life of a secret: made, shown, changed, and deleted, at once or at a date.

use std::sync::Arc;

use hsm::service::{Kind, Write};

use super::allow::{About, Found};
use super::error::{CsmsError, Result};
use super::event::EventKind;
use super::rotation::{Period, Rotation, Rotator};
use super::secret::{
    CURRENT, PREVIOUS, Secret, SecretKind, Version, VersionId, check_description, check_name,
};
use super::value::{BORROWER, Value, key_error};
use super::{Changes, Csms, Project, about};
use crate::caller::Caller;
use crate::iam::EnterpriseProjectId;
use crate::kms::record::{Kept, creation};
use crate::kms::{DAY, KeyId, Millis, Uuid};
use crate::tag::Tags;

/// In how many days from now a secret can be deleted.
const DELETION_DAYS: std::ops::RangeInclusive<u64> = 7..=30;

/// A secret as it is to be.
#[derive(Debug)]
pub struct NewSecret<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is said of it.
    pub description: &'a str,
    /// What it is for.
    pub kind: SecretKind,
    /// The key that its values are encrypted with, by id or alias; CSMS's default key if none is named.
    pub key: Option<&'a str>,
    /// Its first value.
    pub value: &'a Value,
    /// The event by which its changes are told.
    pub event: Option<&'a str>,
    /// The enterprise project that it is in.
    pub enterprise_project: EnterpriseProjectId,
    /// Its tags.
    pub tags: Tags,
    /// How it is rotated, if it is.
    pub rotation: Option<NewRotation>,
}

/// How a secret is to be rotated.
#[derive(Clone, Debug)]
pub struct NewRotation {
    /// What rotates it.
    pub by: Rotator,
    /// After which time it is by itself, if at all.
    pub period: Option<Period>,
    /// Whether it is.
    pub automatic: bool,
}

impl NewRotation {
    fn begun(self, now: Millis) -> Rotation {
        let Self { by, period, automatic } = self;
        let next = period.filter(|_| automatic).map(|period| now.saturating_add(period.millis()));
        let (target, function) = match by {
            Rotator::Accounts(target) => (Some(target), None),
            Rotator::Program(name) => (None, Some(name)),
        };
        Rotation { automatic, period, target, function, next, ..Rotation::default() }
    }
}

/// What is to become of a secret; what is not named stays as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecretChange<'a> {
    /// The key that new values are encrypted with.
    pub key: Option<&'a str>,
    /// What is said of it.
    pub description: Option<&'a str>,
    /// The event by which its changes are told; an empty name for none.
    pub event: Option<&'a str>,
    /// Whether it is rotated by itself.
    pub automatic: Option<bool>,
    /// After which time.
    pub period: Option<Period>,
    /// The program that rotates it, which stays the same.
    pub function: Option<&'a str>,
}

impl Csms {
    /// Makes a secret with its first version, `v1`.
    ///
    /// # Errors
    /// `Field`, `Tag`, `TagPolicy`, `NoEvent`; `Taken`, `Quota`; `Key` if the value cannot be encrypted; `Forbidden`;
    /// what the HSM says.
    pub fn create_secret(&self, caller: &Caller, new: NewSecret<'_>) -> Result<Kept<Secret>> {
        let about = About {
            name: Some(new.name),
            enterprise_project: Some(new.enterprise_project.0),
            tags: (new.tags != Tags::default()).then_some(&new.tags),
            ..About::default()
        };
        let (project, account) = self.permitted_in(caller, "CreateSecret", about)?;
        check_name("name", new.name)?;
        check_description(new.description)?;
        new.value.check()?;
        if new.rotation.is_none() != (new.kind == SecretKind::Common) {
            let text = "rotation_config is for secrets that are rotated, and for each of them";
            return Err(CsmsError::Field(text.to_owned()));
        }
        if !self.iam.has_enterprise_project(account, new.enterprise_project) {
            return Err(CsmsError::Field("enterprise_project_id names no enterprise project".to_owned()));
        }
        self.check_tag_policy(account, &new.tags)?;
        let project = self.project_or_new(project, account)?;
        self.check_strength(&project, new.value)?;
        let key = self.kms.lendable(caller, BORROWER, new.key).map_err(key_error)?;
        let clone = match &new.rotation {
            None => None,
            Some(rotation) => {
                if matches!(rotation.by, Rotator::Program(_)) != (new.kind == SecretKind::Program) {
                    let text =
                        "rotation_func_urn names what rotates secrets of type Program-FG, and no others";
                    return Err(CsmsError::Field(text.to_owned()));
                }
                self.room_for(&project, new.name)?;
                self.prepare_rotated(caller, &project, (new.name, new.kind), &rotation.by, new.value)?
            }
        };
        let kind = new.kind;
        let target = new.rotation.as_ref().and_then(|rotation| match rotation.by {
            Rotator::Accounts(target) => Some(target),
            Rotator::Program(_) => None,
        });
        let made = self.write_secret(caller, &project, key, new, clone.as_ref());
        if let (Err(_), Some(clone), Some(target)) = (&made, &clone, target) {
            self.drop_clone(caller, &project, kind, target, clone);
        }
        made
    }

    /// Writes a new secret with its first version, and with that of the clone of its account.
    fn write_secret(
        &self,
        caller: &Caller,
        project: &Project,
        key: KeyId,
        new: NewSecret<'_>,
        clone: Option<&Value>,
    ) -> Result<Kept<Secret>> {
        let _turn = project.turn.lock();
        let event = self.event_to_tell_by(project, new.event)?;
        let (number, value) = self.room_for(project, new.name)?;
        let (id, now) = (Uuid::from_random(self.hsm.random()?), self.now());
        let (mut versions, mut writes) = (Vec::new(), Vec::new());
        for (at, value, content) in (1..)
            .zip(value..)
            .zip([Some(new.value), clone].into_iter().flatten())
            .map(|((at, value), content)| (at, value, content))
        {
            let version = VersionId(at);
            writes.push(self.seal(caller, key, (id, version), value, content)?);
            versions.push(Version { id: version, created: now, expires: None, told: false, key, value });
        }
        let mut secret = Secret {
            id,
            name: new.name.to_owned(),
            description: new.description.to_owned(),
            kind: new.kind,
            key,
            created: now,
            updated: now,
            goes: None,
            enterprise_project: new.enterprise_project.0,
            event,
            tags: new.tags,
            rotation: new.rotation.map(|rotation| rotation.begun(now)).unwrap_or_default(),
            last: versions.last().map_or(VersionId(0), |version| version.id),
            versions,
            stages: Vec::new(),
        };
        secret.put_stage(CURRENT, VersionId(1), self.quotas.stages, now)?;
        if clone.is_some() {
            // The one that is rotated first.
            secret.put_stage(PREVIOUS, VersionId(2), self.quotas.stages, now)?;
        }
        self.add_secret(caller, project, "create a secret", number, secret, writes)
    }

    /// Lets through who may make many secrets at once.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn check_import(&self, caller: &Caller) -> Result<()> {
        self.permitted_in(caller, "BatchImportSecrets", About::default()).map(drop)
    }

    /// The numbers of the records of a new secret and of its first value, if there is room for it.
    pub(super) fn room_for(&self, project: &Project, name: &str) -> Result<(u64, u64)> {
        let shelf = project.shelf.read();
        if let Ok(there) = shelf.named(name)
            && !there.is_gone(self.now())
        {
            return Err(CsmsError::Taken);
        }
        if shelf.secrets.len() >= self.quotas.secrets {
            return Err(CsmsError::Quota(self.quotas.secrets));
        }
        Ok((shelf.next_secret, shelf.next_value))
    }

    /// Writes a new secret with its values, and shows it. Held by the project's turn.
    pub(super) fn add_secret(
        &self,
        caller: &Caller,
        project: &Project,
        action: &'static str,
        number: u64,
        secret: Secret,
        mut writes: Vec<Write>,
    ) -> Result<Kept<Secret>> {
        // One whose date is past may not have been taken away yet.
        let gone = project.shelf.read().named(&secret.name).ok().cloned();
        let mut told = Vec::new();
        if let Some(gone) = &gone {
            writes.extend(self.all_of(project, gone)?);
            told = self.told(project, gone, EventKind::Deleted, gone.last)?;
        }
        writes.push(creation(Kind::CsmsSecret, number, &secret)?);
        told.extend(self.told(project, &secret, EventKind::VersionCreated, secret.last)?);
        let version = self.commit(caller, project, action, &about(&secret), Changes { writes, told })?;
        let secret = Kept { number, version, value: Arc::new(secret) };
        let mut shelf = project.shelf.write();
        if let Some(gone) = gone {
            shelf.forget_secret(&gone);
        }
        shelf.show_secret(secret.clone());
        Ok(secret)
    }

    /// A secret as it stands.
    ///
    /// # Errors
    /// `NoSecret`, `Forbidden`
    pub fn show_secret(&self, caller: &Caller, name: &str) -> Result<Kept<Secret>> {
        Ok(self.permitted(caller, "ShowSecret", name)?.secret)
    }

    /// Changes what is said of a secret, the key of its new values, and the event by which it is told of.
    ///
    /// # Errors
    /// `Field`, `NoEvent`, `Key`; `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn update_secret(
        &self,
        caller: &Caller,
        name: &str,
        change: SecretChange<'_>,
    ) -> Result<Kept<Secret>> {
        let found = self.permitted(caller, "UpdateSecret", name)?;
        change.description.map_or(Ok(()), check_description)?;
        let key = match change.key {
            Some(key) => Some(self.kms.lendable(caller, BORROWER, Some(key)).map_err(key_error)?),
            None => None,
        };
        if change.automatic == Some(true) {
            self.check_may_rotate(caller, &found)?;
        }
        self.revise(caller, &found, "change a secret", |project, secret| {
            secret.check_enabled()?;
            if let Some(function) = change.function.filter(|name| secret.rotation.function.as_deref() != Some(name)) {
                let is = secret.rotation.function.as_deref().unwrap_or("none");
                return Err(CsmsError::Field(format!(
                    "rotation_func_urn {function:?}: what rotates a secret does not change, and of this one it is {is}"
                )));
            }
            if change.automatic.is_some() || change.period.is_some() {
                secret.rotation.plan(change.automatic, change.period, self.now())?;
            }
            if let Some(description) = change.description {
                description.clone_into(&mut secret.description);
            }
            if let Some(event) = change.event {
                secret.event = self.event_to_tell_by(project, Some(event))?;
            }
            secret.key = key.unwrap_or(secret.key);
            Ok(())
        })
    }

    /// Has a secret deleted for good in some days, until when it cannot be used.
    ///
    /// # Errors
    /// `Field`, `AlreadyPending`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn schedule_secret_deletion(&self, caller: &Caller, name: &str, days: u64) -> Result<Kept<Secret>> {
        let found = self.permitted(caller, "DeleteSecretForSchedule", name)?;
        if !DELETION_DAYS.contains(&days) {
            return Err(CsmsError::Field("recovery_window_in_days is from 7 to 30".to_owned()));
        }
        let goes = self.now().saturating_add(days * DAY);
        self.revise(caller, &found, "schedule the deletion of a secret", |_, secret| {
            if secret.goes.is_some() {
                return Err(CsmsError::AlreadyPending);
            }
            secret.goes = Some(goes);
            Ok(())
        })
    }

    /// Keeps a secret that was to be deleted.
    ///
    /// # Errors
    /// `NotPending`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn cancel_secret_deletion(&self, caller: &Caller, name: &str) -> Result<Kept<Secret>> {
        let found = self.permitted(caller, "RestoreSecret", name)?;
        self.revise(caller, &found, "cancel the deletion of a secret", |_, secret| {
            secret.goes.take().map(drop).ok_or(CsmsError::NotPending)
        })
    }

    /// Deletes a secret for good, at once.
    ///
    /// # Errors
    /// `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn delete_secret(&self, caller: &Caller, name: &str) -> Result<()> {
        let Found { project, secret } = self.permitted(caller, "DeleteSecret", name)?;
        let _turn = project.turn.lock();
        let secret = self.standing(&project, secret.number)?;
        secret.check_enabled()?;
        self.delete_for_good(caller, &project, &secret)
    }

    /// Takes a secret away with all that is of it. Held by the project's turn.
    pub(super) fn delete_for_good(
        &self,
        caller: &Caller,
        project: &Project,
        secret: &Kept<Secret>,
    ) -> Result<()> {
        let writes = self.all_of(project, secret)?;
        let told = self.told(project, secret, EventKind::Deleted, secret.last)?;
        self.commit(caller, project, "delete a secret", &about(secret), Changes { writes, told })?;
        project.shelf.write().forget_secret(secret);
        Ok(())
    }

    /// What takes away a secret, its values, and the grants on it.
    fn all_of(&self, project: &Project, secret: &Kept<Secret>) -> Result<Vec<Write>> {
        let mut writes: Vec<_> = secret
            .versions
            .iter()
            .map(|version| self.value_goes(project, version.value))
            .collect::<Result<_>>()?;
        let shelf = project.shelf.read();
        writes.extend(shelf.grants_on(secret.id).map(|grant| grant.deletion(Kind::CsmsGrant)));
        writes.push(secret.deletion(Kind::CsmsSecret));
        Ok(writes)
    }

    /// The secret as it stands now, for who has the project's turn.
    pub(super) fn standing(&self, project: &Project, number: u64) -> Result<Kept<Secret>> {
        let there = project.shelf.read().secrets.get(&number).cloned();
        there.filter(|secret| !secret.is_gone(self.now())).ok_or(CsmsError::NoSecret)
    }

    /// Changes a secret of which nothing else is written.
    pub(super) fn revise(
        &self,
        caller: &Caller,
        found: &Found,
        action: &'static str,
        change: impl FnOnce(&Project, &mut Secret) -> Result<()>,
    ) -> Result<Kept<Secret>> {
        let project = &found.project;
        let _turn = project.turn.lock();
        let there = self.standing(project, found.secret.number)?;
        let mut changed = (*there).clone();
        change(project, &mut changed)?;
        if changed == *there {
            return Ok(there);
        }
        changed.updated = self.now();
        self.change_secret(caller, project, action, (&there, changed), Vec::new())
    }
}
