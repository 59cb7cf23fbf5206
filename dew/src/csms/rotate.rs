//! Rotation: an account of a server gets a new password, or whatever a program looks after a new value, and the secret a
//! version with it.
//!
//! 1. The version is written, on stage `SYSPENDING`: from here on a rotation is under way.
//! 2. The server gives the account the password of that version (the program sets the value).
//! 3. The account logs in with it (the program tries it).
//! 4. The version becomes `SYSCURRENT`, and what was current `SYSPREVIOUS`.
//!
//! With one account it is the current one's that changes; with two, that of `SYSPREVIOUS`, which nobody uses. A rotation
//! that is cut off, at whatever step, is taken up again at step 2: each step can be done twice. One that fails is undone: the
//! account has its old password again, and the version goes. Where neither can be done, for the server is not there, it stays
//! under way and is tried again.
//!
//! It acts under the service's agency in the account of the secret: what that may not do is not done.

use std::sync::Arc;

use hsm::service::{Kind, Write};

use super::allow::Found;
use super::database::{Engine, Login, Server};
use super::error::{CsmsError, Result};
use super::event::EventKind;
use super::fault::Fault;
use super::holder::{Fields, Holder, check_other};
use super::rotation::{Accounts, Rotator, Target, UnderWay};
use super::secret::{CURRENT, PENDING, Secret, SecretKind, Version, VersionId};
use super::task::Draft;
use super::value::Value;
use super::version::NewVersion;
use super::{Changes, Csms, Project, about};
use crate::caller::Caller;
use crate::kms::record::Kept;
use crate::kms::{KmsError, Millis, Uuid};
use crate::message;

/// After how many failures in a row a secret is not rotated by itself any more.
const FAILURES: u32 = 3;
/// After which time what is due and failed is tried again: after the first failure, and after the second.
const AGAIN: [Millis; 2] = [3_600_000, 6 * 3_600_000];
/// After which time what could neither be completed nor undone is taken up again: doubled each time, up to the last.
const RETRY: std::ops::RangeInclusive<Millis> = 60_000..=3_600_000;
/// What is added to the name of an account for its clone.
const CLONE: &str = "_clone";
/// The most bytes of the name of an account that gets a clone: MySQL has names of 32 characters at most.
const MAX_CLONED: usize = 32 - CLONE.len();

/// A secret that was rotated.
#[derive(Debug)]
pub struct Rotated {
    /// It, as it stands now.
    pub secret: Kept<Secret>,
    /// The version that is current now.
    pub version: VersionId,
    /// The record of it.
    pub task: Uuid,
}

/// How a rotation ended.
struct End {
    changed: Secret,
    /// What is written beside the secret and the task.
    writes: Vec<Write>,
    task: Draft,
    told: Vec<message::Draft>,
}

/// Who rotates what.
pub(super) struct Round<'a> {
    /// The project, and the number of the secret's record.
    pub(super) project: &'a Arc<Project>,
    /// As above.
    pub(super) number: u64,
    /// The id of the request.
    pub(super) request: &'a str,
    /// Whether somebody asked for it.
    pub(super) asked: bool,
}

impl Csms {
    /// Rotates a secret now.
    ///
    /// # Errors
    /// `NotRotated`, `PendingDeletion`, `RotationUnderWay`, `Talks`; `Database` if the server does not do it, `NoAgency` if CSMS was
    /// not let; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn rotate_secret(&self, caller: &Caller, name: &str) -> Result<Rotated> {
        let Found { project, secret } = self.permitted(caller, "RotateSecret", name)?;
        secret.check_enabled()?;
        self.rotate(&Round {
            project: &project,
            number: secret.number,
            request: &caller.request,
            asked: true,
        })
    }

    /// Makes the versions of a new secret that is rotated: tries its value, and where there are to be two accounts makes the
    /// other. Gives the value of that.
    ///
    /// # Errors
    /// `Field`, `NoAgency`, `Talks`; `Database` if the server does not do it.
    pub(super) fn prepare_rotated(
        &self,
        caller: &Caller,
        project: &Arc<Project>,
        (name, kind): (&str, SecretKind),
        rotator: &Rotator,
        value: &Value,
    ) -> Result<Option<Value>> {
        let _talk = self.talks.begin(project.id, None)?;
        let worker = self.worker(project.id, project.account, kind, &caller.request)?;
        let target = match rotator {
            Rotator::Accounts(target) => *target,
            Rotator::Program(program) => {
                let secret = [name.to_owned(), String::new()];
                let holder = Holder::Program { project: project.id, program: program.clone(), secret };
                return self.try_out(&holder, value, value).map(|()| None);
            }
        };
        let (database, admin) = match self.database(&worker, project, target.database) {
            Err(CsmsError::NoDatabase) => {
                let text = "rotation_config: InstanceId names no database that is registered";
                return Err(CsmsError::Field(text.to_owned()));
            }
            found => found?,
        };
        database.server.engine.check_kind(kind)?;
        let fields = Fields::of(kind, value)?;
        let login = fields.login()?;
        check_other(&admin, &login)?;
        if target.accounts == Accounts::Dual {
            check_cloned(&database.server, &login)?;
        }
        self.servers.log_in(&database.server, &login)?;
        if target.accounts == Accounts::Single {
            return Ok(None);
        }
        self.may_change_password(&worker, kind)?;
        let clone = self.clone_of(kind, format!("{}{CLONE}", login.name))?;
        self.servers.clone_account(&database.server, &admin, &login.name, &clone)?;
        self.servers.log_in(&database.server, &clone)?;
        fields.with(&clone, None).map(Some)
    }

    /// Takes away the clone of an account that a secret was not made for after all.
    pub(super) fn drop_clone(
        &self,
        caller: &Caller,
        project: &Project,
        kind: SecretKind,
        target: Target,
        clone: &Value,
    ) {
        let dropped = || {
            let worker = self.worker(project.id, project.account, kind, &caller.request)?;
            let (database, admin) = self.database(&worker, project, target.database)?;
            let login = Fields::of(kind, clone)?.login()?;
            self.servers.drop_account(&database.server, &admin, &login.name)?;
            Ok::<_, CsmsError>(())
        };
        // Else somebody finds it in the server, where it can do what the account can that it is a clone of.
        drop(dropped());
    }

    /// Refuses who wants a secret rotated by itself that CSMS could not rotate.
    pub(super) fn check_may_rotate(&self, caller: &Caller, found: &Found) -> Result<()> {
        let (project, kind) = (&found.project, found.secret.kind);
        if kind == SecretKind::Common {
            return Err(CsmsError::NotRotated);
        }
        self.worker(project.id, project.account, kind, &caller.request).map(drop)
    }

    /// Rotates a secret, or takes up its rotation; what fails is undone and recorded.
    pub(super) fn rotate(&self, round: &Round<'_>) -> Result<Rotated> {
        let _talk = self.talks.begin(round.project.id, Some(round.number))?;
        self.steps(round).or_else(|why| {
            if !matches!(why, CsmsError::NoSecret | CsmsError::NotRotated | CsmsError::PendingDeletion) {
                self.give_up(round, &why)?;
            }
            Err(why)
        })
    }

    fn steps(&self, round: &Round<'_>) -> Result<Rotated> {
        let there = self.standing_now(round)?;
        let worker = self.worker_for(round, &there)?;
        self.may_change_password(&worker, there.kind)?;
        let holder = self.holder_of(&worker, round, &there)?;
        let (secret, version) = self.begin(&worker, round, &there, &holder)?;
        let old = self.value_of(&worker, round, &secret, secret.rotates_from()?)?;
        let new = self.value_of(&worker, round, &secret, &version)?;
        self.set(&holder, &old, &new)?;
        self.try_out(&holder, &old, &new)?;
        self.finish(&worker, round, version.id)
    }

    /// Writes the version that is to become current; or finds the one that is under way.
    fn begin(
        &self,
        worker: &Caller,
        round: &Round<'_>,
        there: &Kept<Secret>,
        holder: &Holder,
    ) -> Result<(Kept<Secret>, Version)> {
        if let Some(under_way) = &there.rotation.under_way {
            let version = there.version(&under_way.version.to_string())?.clone();
            return Ok((there.clone(), version));
        }
        there.check_enabled()?;
        self.permitted(worker, "CreateSecretVersion", &there.name)?;
        let from = there.rotates_from()?;
        let value = self.value_after(holder, &self.open(worker, round.project, there, from)?)?;
        let _turn = round.project.turn.lock();
        let there = self.standing(round.project, round.number)?;
        there.check_enabled()?;
        if there.rotates_from()?.value != from.value {
            return Err(CsmsError::Kms(KmsError::Busy));
        }
        let mut changed = (*there).clone();
        let next = changed.last.0.checked_add(1).ok_or(CsmsError::VersionQuota(u32::MAX as usize))?;
        changed.rotation.under_way =
            Some(UnderWay { version: VersionId(next), retry: self.now(), attempts: 0 });
        let new = NewVersion { value: &value, stages: None, expires: None };
        self.add_version(worker, round.project, &there, changed, &new, &[PENDING.to_owned()])
    }

    /// Makes the version that is under way the current one.
    fn finish(&self, worker: &Caller, round: &Round<'_>, version: VersionId) -> Result<Rotated> {
        let name = self.standing_now(round)?.name.clone();
        self.permitted(worker, "UpdateSecretStage", &name)?;
        let project = round.project;
        let _turn = project.turn.lock();
        let there = self.standing(project, round.number)?;
        let (now, mut changed) = (self.now(), (*there).clone());
        // PREVIOUS has room: stages that came meanwhile must not keep a password that is set from being current.
        changed.stages.retain(|stage| stage.name != PENDING);
        changed.put_stage(CURRENT, version, self.quotas.stages.max(changed.stages.len() + 2), now)?;
        let attempts = changed.rotation.failures.saturating_add(1);
        let rotation = &mut changed.rotation;
        (rotation.under_way, rotation.failures, rotation.last) = (None, 0, Some(now));
        rotation.next =
            rotation.automatic.then(|| rotation.period.map(|period| now + period.millis())).flatten();
        changed.updated = now;
        let task = self.draft_task(project, &there, round.asked, attempts, None)?;
        let id = task.id();
        let told = self.told(project, &changed, EventKind::Rotated, version)?;
        let end = End { changed, writes: Vec::new(), task, told };
        let secret = self.conclude(worker, project, "rotate a secret", &there, end)?;
        Ok(Rotated { secret, version, task: id })
    }

    /// Undoes a rotation that failed, and records that.
    fn give_up(&self, round: &Round<'_>, why: &CsmsError) -> Result<()> {
        let undone = self.undo(round, why);
        let project = round.project;
        let _turn = project.turn.lock();
        let there = self.standing(project, round.number)?;
        let (now, mut changed) = (self.now(), (*there).clone());
        let mut writes = Vec::new();
        if let Some(under_way) = &mut changed.rotation.under_way {
            if undone.is_ok() {
                let id = under_way.version;
                if let Some(at) = changed.versions.iter().position(|version| version.id == id) {
                    writes.push(self.value_goes(project, changed.versions.remove(at).value)?);
                }
                changed.stages.retain(|stage| stage.version != id);
                changed.rotation.under_way = None;
            } else {
                let wait = RETRY.start().saturating_mul(1 << under_way.attempts.min(10)).min(*RETRY.end());
                (under_way.retry, under_way.attempts) = (now + wait, under_way.attempts.saturating_add(1));
            }
        }
        let rotation = &mut changed.rotation;
        rotation.failures = rotation.failures.saturating_add(1);
        if rotation.failures >= FAILURES {
            (rotation.automatic, rotation.next) = (false, None);
        } else if rotation.automatic {
            let wait = usize::try_from(rotation.failures - 1).ok().and_then(|at| AGAIN.get(at));
            rotation.next = Some(now + wait.unwrap_or(&AGAIN[1]));
        }
        let failures = rotation.failures;
        let told = self.told(project, &changed, EventKind::RotationFailed, changed.last)?;
        let task = self.draft_task(project, &there, round.asked, failures, Some(why))?;
        let action = "record that a secret could not be rotated";
        let end = End { changed, writes, task, told };
        self.conclude(&self.itself(project), project, action, &there, end)?;
        Ok(())
    }

    /// Has the account log in with the password that it had; nothing to do if none is under way.
    fn undo(&self, round: &Round<'_>, why: &CsmsError) -> Result<()> {
        let there = self.standing_now(round)?;
        let Some(under_way) = &there.rotation.under_way else { return Ok(()) };
        let worker = self.worker_for(round, &there)?;
        self.may_change_password(&worker, there.kind)?;
        let holder = self.holder_of(&worker, round, &there)?;
        let version = there.version(&under_way.version.to_string())?;
        let new = self.value_of(&worker, round, &there, version)?;
        let old = self.value_of(&worker, round, &there, there.rotates_from()?)?;
        let lost = matches!(why, CsmsError::Database(Fault::Unreachable(_)));
        self.set_back(&holder, &old, &new, lost)
    }

    fn standing_now(&self, round: &Round<'_>) -> Result<Kept<Secret>> {
        let _turn = round.project.turn.lock();
        self.standing(round.project, round.number)
    }

    fn worker_for(&self, round: &Round<'_>, secret: &Secret) -> Result<Caller> {
        if secret.kind == SecretKind::Common {
            return Err(CsmsError::NotRotated);
        }
        self.worker(round.project.id, round.project.account, secret.kind, round.request)
    }

    fn holder_of(&self, worker: &Caller, round: &Round<'_>, secret: &Secret) -> Result<Holder> {
        self.permitted(worker, "ShowSecret", &secret.name)?;
        match (&secret.rotation.target, &secret.rotation.function) {
            (Some(target), _) => self.account_holder(worker, round.project, secret.kind, *target),
            (None, Some(program)) => Ok(Holder::program(round.project.id, program, secret)),
            (None, None) => Err(CsmsError::NotRotated),
        }
    }

    fn account_holder(
        &self,
        worker: &Caller,
        project: &Project,
        kind: SecretKind,
        target: Target,
    ) -> Result<Holder> {
        let (database, admin) = self.database(worker, project, target.database)?;
        Ok(Holder::Account { kind, server: database.server.clone(), admin })
    }

    fn value_of(
        &self,
        worker: &Caller,
        round: &Round<'_>,
        secret: &Secret,
        version: &Version,
    ) -> Result<Value> {
        self.permitted(worker, "ShowSecretVersion", &secret.name)?;
        self.open(worker, round.project, secret, version)
    }

    /// Writes how a rotation ended, in one commit. Held by the project's turn.
    fn conclude(
        &self,
        caller: &Caller,
        project: &Project,
        action: &'static str,
        there: &Kept<Secret>,
        end: End,
    ) -> Result<Kept<Secret>> {
        let End { changed, mut writes, task, told } = end;
        writes.push(there.update(Kind::CsmsSecret, &changed)?);
        writes.extend(task.writes()?);
        let [id, name] = about(&changed);
        let mut details = vec![id, name, ("task", task.id().to_string())];
        details.extend(task.failure().map(|code| ("failure", code.to_owned())));
        let version = self.commit(caller, project, action, &details, Changes { writes, told })?;
        let changed = there.updated(version, changed);
        let mut shelf = project.shelf.write();
        shelf.show_secret(changed.clone());
        task.show(&mut shelf, version);
        Ok(changed)
    }
}

/// Refuses what cannot have a clone.
fn check_cloned(server: &Server, login: &Login) -> Result<()> {
    if server.engine == Engine::Ssh {
        let text = "rotation_config: an account of a host has no clone: expected SecretSubType SingleUser";
        return Err(CsmsError::Field(text.to_owned()));
    }
    if login.name.len() > MAX_CLONED {
        let text = format!("the name of an account that is to have a clone has at most {MAX_CLONED} bytes");
        return Err(CsmsError::Field(text));
    }
    Ok(())
}
