//! Versions of secrets and their stages.

use hsm::service::Kind;

use super::allow::Found;
use super::error::{CsmsError, Result};
use super::event::EventKind;
use super::list::{Page, Paged};
use super::secret::{CURRENT, PENDING, PREVIOUS, Secret, SecretKind, Stage, Version, VersionId, check_stage};
use super::value::Value;
use super::{Changes, Csms, Project, about};
use crate::caller::Caller;
use crate::kms::Millis;
use crate::kms::record::Kept;

/// A version as it is to be.
#[derive(Debug)]
pub struct NewVersion<'a> {
    /// Its value.
    pub value: &'a Value,
    /// The stages that it gets; `SYSCURRENT` if nothing is said.
    pub stages: Option<&'a [String]>,
    /// When it expires.
    pub expires: Option<Millis>,
}

impl Csms {
    /// Gives a secret another version.
    ///
    /// # Errors
    /// `Field`; `Rotated`; `VersionQuota`, `StageQuota`; `PendingDeletion`; `Key` if the value cannot be encrypted;
    /// `NoSecret`, `Forbidden`; what the HSM says.
    pub fn create_version(
        &self,
        caller: &Caller,
        name: &str,
        new: &NewVersion<'_>,
    ) -> Result<(Kept<Secret>, Version)> {
        let Found { project, secret } = self.permitted(caller, "CreateSecretVersion", name)?;
        new.value.check()?;
        let current = [CURRENT.to_owned()];
        let stages = new.stages.unwrap_or(&current);
        if !(1..=self.quotas.stages).contains(&stages.len()) {
            let most = self.quotas.stages;
            return Err(CsmsError::Field(format!("version_stages names 1 to {most} stages")));
        }
        stages.iter().try_for_each(|stage| check_stage(stage))?;
        check_expiry(new.expires, self.now())?;
        self.check_strength(&project, new.value)?;
        let _turn = project.turn.lock();
        let there = self.standing(&project, secret.number)?;
        there.check_enabled()?;
        if there.kind != SecretKind::Common {
            return Err(CsmsError::Rotated);
        }
        self.add_version(caller, &project, &there, (*there).clone(), new, stages)
    }

    /// Writes one version more of a secret that is to be changed. Held by the project's turn.
    pub(super) fn add_version(
        &self,
        caller: &Caller,
        project: &Project,
        there: &Kept<Secret>,
        mut changed: Secret,
        new: &NewVersion<'_>,
        stages: &[String],
    ) -> Result<(Kept<Secret>, Version)> {
        let now = self.now();
        let id = VersionId(changed.last.0.checked_add(1).ok_or(CsmsError::VersionQuota(u32::MAX as usize))?);
        for stage in stages {
            changed.put_stage(stage, id, self.quotas.stages, now)?;
        }
        let gone = changed.make_room(self.quotas.versions)?;
        let mut writes: Vec<_> =
            gone.iter().map(|version| self.value_goes(project, version.value)).collect::<Result<_>>()?;
        let value = project.shelf.read().next_value;
        writes.push(self.seal(caller, changed.key, (changed.id, id), value, new.value)?);
        let version =
            Version { id, created: now, expires: new.expires, told: false, key: changed.key, value };
        changed.versions.push(version.clone());
        (changed.last, changed.updated) = (id, now);
        let told = self.told(project, &changed, EventKind::VersionCreated, id)?;
        writes.push(there.update(Kind::CsmsSecret, &changed)?);
        let [secret, name] = about(&changed);
        let details = [secret, name, ("version", id.to_string())];
        let changes = Changes { writes, told };
        let committed = self.commit(caller, project, "create a version of a secret", &details, changes)?;
        let changed = there.updated(committed, changed);
        project.shelf.write().show_secret(changed.clone());
        Ok((changed, version))
    }

    /// A version, by its number or by a stage, with its value.
    ///
    /// # Errors
    /// `NoVersion`, `PendingDeletion`; `Key` if the value cannot be decrypted; `NoSecret`, `Forbidden`.
    pub fn show_version(
        &self,
        caller: &Caller,
        name: &str,
        version: &str,
    ) -> Result<(Kept<Secret>, Version, Value)> {
        let found = self.permitted(caller, "ShowSecretVersion", name)?;
        let (project, mut secret) = (&found.project, found.secret);
        secret.check_enabled()?;
        loop {
            let version = secret.version(version)?.clone();
            match self.open(caller, project, &secret, &version) {
                Ok(value) => return Ok((secret, version, value)),
                // It was pushed out meanwhile; what the name stands for now may be another.
                Err(CsmsError::NoVersion) => {
                    let now = self.standing(project, secret.number)?;
                    if now.version == secret.version {
                        return Err(CsmsError::Internal("a version has its value"));
                    }
                    secret = now;
                    secret.check_enabled()?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The versions of a secret, without their values.
    ///
    /// # Errors
    /// `Field`; `NoSecret`, `Forbidden`
    pub fn list_versions(
        &self,
        caller: &Caller,
        name: &str,
        page: &Page<'_>,
    ) -> Result<(Kept<Secret>, Paged<Version>)> {
        let secret = self.permitted(caller, "ListSecretVersions", name)?.secret;
        let versions = page.of(secret.versions.clone(), |version| version.id.0.into())?;
        Ok((secret, versions))
    }

    /// Has a version expire at a time.
    ///
    /// # Errors
    /// `Field`, `NoVersion`, `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn expire_version(
        &self,
        caller: &Caller,
        name: &str,
        version: &str,
        expires: Millis,
    ) -> Result<(Kept<Secret>, Version)> {
        let found = self.permitted(caller, "UpdateVersion", name)?;
        check_expiry(Some(expires), self.now())?;
        let id = found.secret.version(version)?.id;
        let secret = self.revise(caller, &found, "set when a version of a secret expires", |_, secret| {
            secret.check_enabled()?;
            let version = secret.versions.iter_mut().find(|version| version.id == id);
            let version = version.ok_or(CsmsError::NoVersion)?;
            (version.expires, version.told) = (Some(expires), false);
            Ok(())
        })?;
        let version = secret.version(&id.to_string())?.clone();
        Ok((secret, version))
    }

    /// A stage of a secret.
    ///
    /// # Errors
    /// `NoStage`; `NoSecret`, `Forbidden`
    pub fn show_stage(&self, caller: &Caller, name: &str, stage: &str) -> Result<(Kept<Secret>, Stage)> {
        let secret = self.permitted(caller, "ShowSecretStage", name)?.secret;
        let stage = secret.stage(stage)?.clone();
        Ok((secret, stage))
    }

    /// Puts a stage that is not there yet on a version.
    ///
    /// # Errors
    /// `StageTaken`; as [`Self::put_stage`].
    pub fn new_stage(
        &self,
        caller: &Caller,
        name: &str,
        stage: &str,
        version: &str,
    ) -> Result<(Kept<Secret>, Stage)> {
        self.stage_on(caller, "CreateSecretStage", (name, stage, version), |secret| {
            match secret.stage(stage) {
                Ok(_) => Err(CsmsError::StageTaken),
                Err(_) => Ok(()),
            }
        })
    }

    /// Puts a stage on a version, and so takes it from any other.
    ///
    /// # Errors
    /// `Field`, `NoVersion`, `StageQuota`, `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn put_stage(
        &self,
        caller: &Caller,
        name: &str,
        stage: &str,
        version: &str,
    ) -> Result<(Kept<Secret>, Stage)> {
        self.stage_on(caller, "UpdateSecretStage", (name, stage, version), |_| Ok(()))
    }

    fn stage_on(
        &self,
        caller: &Caller,
        operation: &'static str,
        (name, stage, version): (&str, &str, &str),
        check: impl FnOnce(&Secret) -> Result<()>,
    ) -> Result<(Kept<Secret>, Stage)> {
        let found = self.permitted(caller, operation, name)?;
        check_stage(stage)?;
        let version: VersionId = version.parse()?;
        let now = self.now();
        let secret = self.revise(caller, &found, "put a stage on a version of a secret", |_, secret| {
            secret.check_enabled()?;
            check_ours(secret, stage)?;
            check(secret)?;
            secret.version(&version.to_string())?;
            secret.put_stage(stage, version, self.quotas.stages, now)
        })?;
        let stage = secret.stage(stage)?.clone();
        Ok((secret, stage))
    }

    /// Takes a stage from its version.
    ///
    /// # Errors
    /// `NoStage`, `BuiltInStage`, `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn delete_stage(&self, caller: &Caller, name: &str, stage: &str) -> Result<()> {
        let found = self.permitted(caller, "DeleteSecretStage", name)?;
        self.revise(caller, &found, "take a stage from a version of a secret", |_, secret| {
            secret.check_enabled()?;
            check_ours(secret, stage)?;
            secret.drop_stage(stage)
        })?;
        Ok(())
    }
}

/// Refuses to move by hand the stages that rotation moves.
fn check_ours(secret: &Secret, stage: &str) -> Result<()> {
    let is_ours = [CURRENT, PREVIOUS, PENDING].contains(&stage) && secret.kind != SecretKind::Common;
    if is_ours { Err(CsmsError::Rotated) } else { Ok(()) }
}

/// Refuses a time that is past.
fn check_expiry(expires: Option<Millis>, now: Millis) -> Result<()> {
    match expires {
        Some(expires) if expires <= now => {
            Err(CsmsError::Field("expire_time is in the past: it is in milliseconds since 1970".to_owned()))
        }
        _ => Ok(()),
    }
}
