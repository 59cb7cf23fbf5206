//! Rotation: an account of a database gets a new password, and the secret a version with it.
//!
//! 1. The version is written, on stage `SYSPENDING`: from here on a rotation is under way.
//! 2. The server gives the account the password of that version.
//! 3. The account logs in with it.
//! 4. The version becomes `SYSCURRENT`, and what was current `SYSPREVIOUS`.
//!
//! With one account it is the current one's that changes; with two, that of `SYSPREVIOUS`, which nobody uses. A rotation
//! that is cut off, at whatever step, is taken up again at step 2: each step can be done twice. One that fails is undone: the
//! account has its old password again, and the version goes. Where neither can be done, for the server is not there, it stays
//! under way and is tried again.
//!
//! It acts under the service's agency in the account of the secret: what that may not do is not done.

use std::sync::Arc;

use crypto::Secret as Bytes;
use hsm::service::{Kind, Write};
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

use super::allow::Found;
use super::database::{Database, Fault, Login, check_account};
use super::error::{CsmsError, Result};
use super::event::EventKind;
use super::password::PasswordRules;
use super::rotation::{Accounts, Target, UnderWay};
use super::secret::{CURRENT, PENDING, Secret, SecretKind, Version, VersionId};
use super::task::Draft;
use super::value::Value;
use super::version::NewVersion;
use super::{Changes, Csms, Project, about};
use crate::caller::Caller;
use crate::kms::record::Kept;
use crate::kms::{KmsError, Millis, Run, Uuid};
use crate::message;

/// After how many failures in a row a secret is not rotated by itself any more.
const FAILURES: u32 = 3;
/// After which time what is due and failed is tried again: after the first failure, and after the second.
const AGAIN: [Millis; 2] = [3_600_000, 6 * 3_600_000];
/// After which time what could neither be completed nor undone is taken up again: doubled each time, up to the last.
const RETRY: std::ops::RangeInclusive<Millis> = 60_000..=3_600_000;
/// How many rotations of one project happen before others have their turn.
const AT_ONCE: usize = 16;
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
struct Round<'a> {
    project: &'a Arc<Project>,
    number: u64,
    request: &'a str,
    /// Whether somebody asked for it.
    asked: bool,
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

    /// Rotates what is due, takes up what was cut off, and forgets what is older than a month. What fails keeps nothing
    /// else from happening.
    pub fn run_rotations(&self) -> Run {
        let mut run = Run::default();
        for (id, account) in self.kms.projects_with_partitions() {
            let ran = self.first_rotation(id).and_then(|due| match due {
                Some(due) if due <= self.now() => match self.project(id, account)? {
                    Some(project) => self.run_rotations_of(&project, &mut run),
                    None => Ok(()),
                },
                due => {
                    run.is_next(due);
                    Ok(())
                }
            });
            if let Err(error) = ran {
                run.failed.push(format!("project {id}: {error}"));
            }
        }
        run
    }

    fn run_rotations_of(&self, project: &Arc<Project>, run: &mut Run) -> Result<()> {
        run.done += self.forget_tasks(&self.itself(project), project)?;
        let now = self.now();
        let due: Vec<_> = {
            let shelf = project.shelf.read();
            shelf
                .rotations
                .iter()
                .take_while(|(at, _)| *at <= now)
                .take(AT_ONCE)
                .map(|(_, number)| *number)
                .collect()
        };
        for number in due {
            let round = Round { project, number, request: "scheduled", asked: false };
            match self.rotate(&round) {
                Ok(_) => run.done += 1,
                // Somebody else is at it, or its turn comes.
                Err(CsmsError::RotationUnderWay | CsmsError::Talks(_)) => {}
                Err(error) => run.failed.push(format!("project {}, secret {number}: {error}", project.id)),
            }
        }
        run.is_next(project.shelf.read().next_rotation());
        Ok(())
    }

    /// Makes the versions of a new secret that is rotated: tries the account, and where there are to be two makes the other.
    /// Gives the value of that.
    ///
    /// # Errors
    /// `Field`, `NoAgency`, `Talks`; `Database` if the server does not do it.
    pub(super) fn prepare_rotated(
        &self,
        caller: &Caller,
        project: &Arc<Project>,
        kind: SecretKind,
        target: Target,
        value: &Value,
    ) -> Result<Option<Value>> {
        let _talk = self.talks.begin(project.id, None)?;
        let worker = self.worker(project.id, project.account, kind, &caller.request)?;
        let (database, admin) = match self.database(&worker, project, target.database) {
            Err(CsmsError::NoDatabase) => {
                let text = "rotation_config: InstanceId names no database that is registered";
                return Err(CsmsError::Field(text.to_owned()));
            }
            found => found?,
        };
        if database.server.engine.kind() != kind {
            return Err(CsmsError::Field(format!(
                "secret_type {} is for no database of engine {}: expected {}",
                kind.name(),
                database.server.engine.name(),
                database.server.engine.kind().name()
            )));
        }
        let fields = Fields::of(value)?;
        let login = fields.login()?;
        self.servers.log_in(&database.server, &login)?;
        if target.accounts == Accounts::Single {
            return Ok(None);
        }
        if login.name.len() > MAX_CLONED {
            let text =
                format!("the name of an account that is to have a clone has at most {MAX_CLONED} bytes");
            return Err(CsmsError::Field(text));
        }
        self.may_change_password(&worker, kind)?;
        let clone = Login { name: format!("{}{CLONE}", login.name), password: self.new_password()? };
        self.servers.clone_account(&database.server, &admin, &login.name, &clone)?;
        self.servers.log_in(&database.server, &clone)?;
        fields.with(&clone).map(Some)
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
            let login = Fields::of(clone)?.login()?;
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
    fn rotate(&self, round: &Round<'_>) -> Result<Rotated> {
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
        let (secret, version) = self.begin(&worker, round, &there)?;
        let (database, admin) = self.database_of(&worker, round, &secret)?;
        let new = self.login_of(&worker, round, &secret, &version)?;
        self.may_change_password(&worker, secret.kind)?;
        self.servers.set_password(&database.server, &admin, &new)?;
        self.servers.log_in(&database.server, &new)?;
        self.finish(&worker, round, version.id)
    }

    /// Writes the version that is to become current; or finds the one that is under way.
    fn begin(
        &self,
        worker: &Caller,
        round: &Round<'_>,
        there: &Kept<Secret>,
    ) -> Result<(Kept<Secret>, Version)> {
        if let Some(under_way) = &there.rotation.under_way {
            let version = there.version(&under_way.version.to_string())?.clone();
            return Ok((there.clone(), version));
        }
        there.check_enabled()?;
        self.permitted(worker, "CreateSecretVersion", &there.name)?;
        let from = there.rotates_from()?;
        let fields = Fields::of(&self.open(worker, round.project, there, from)?)?;
        let login = Login { password: self.new_password()?, ..fields.login()? };
        let value = fields.with(&login)?;
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
        if there.rotation.under_way.is_none() {
            return Ok(());
        }
        let worker = self.worker_for(round, &there)?;
        self.may_change_password(&worker, there.kind)?;
        let (database, admin) = self.database_of(&worker, round, &there)?;
        let old = self.login_of(&worker, round, &there, there.rotates_from()?)?;
        // If the answer was lost, the server may still be about to set the new one: it is told the old one behind that.
        if !matches!(why, CsmsError::Database(Fault::Unreachable(_))) {
            match self.servers.log_in(&database.server, &old) {
                Err(Fault::Login(_)) => {}
                tried => return Ok(tried?),
            }
        }
        match self.servers.set_password(&database.server, &admin, &old) {
            // There is no account that could have another password.
            Err(Fault::NoAccount(_)) => Ok(()),
            set => {
                set?;
                Ok(self.servers.log_in(&database.server, &old)?)
            }
        }
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

    fn database_of(
        &self,
        worker: &Caller,
        round: &Round<'_>,
        secret: &Secret,
    ) -> Result<(Kept<Database>, Login)> {
        self.permitted(worker, "ShowSecret", &secret.name)?;
        let target = secret.rotation.target.as_ref().ok_or(CsmsError::NotRotated)?;
        self.database(worker, round.project, target.database)
    }

    fn login_of(
        &self,
        worker: &Caller,
        round: &Round<'_>,
        secret: &Secret,
        version: &Version,
    ) -> Result<Login> {
        self.permitted(worker, "ShowSecretVersion", &secret.name)?;
        Fields::of(&self.open(worker, round.project, secret, version)?)?.login()
    }

    fn new_password(&self) -> Result<Zeroizing<String>> {
        let made = self.password(&rules())?;
        let text = String::from_utf8(made.as_bytes().to_vec());
        Ok(Zeroizing::new(text.map_err(|_| CsmsError::Internal("a password is of ASCII"))?))
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

/// Of what a new password is: what no server and no address of one has a meaning for.
fn rules() -> PasswordRules {
    PasswordRules {
        length: 32,
        exclude: "\"#$%&'()*,./:;<>?@[\\]^`{|}".to_owned(),
        each: true,
        ..PasswordRules::default()
    }
}

/// The value of a secret that is rotated: a JSON object with `name` and `password`, and whatever else somebody keeps there.
struct Fields(Map<String, Json>);

impl Fields {
    fn of(value: &Value) -> Result<Self> {
        match (value, serde_json::from_slice(value.as_bytes())) {
            (Value::Text(_), Ok(Json::Object(fields))) => Ok(Self(fields)),
            _ => Err(wrong_value()),
        }
    }

    fn login(&self) -> Result<Login> {
        let get = |name| self.0.get(name).and_then(Json::as_str).ok_or_else(wrong_value);
        let login =
            Login { name: get("name")?.to_owned(), password: Zeroizing::new(get("password")?.to_owned()) };
        check_account(&login)?;
        Ok(login)
    }

    /// The same with another account.
    fn with(mut self, login: &Login) -> Result<Value> {
        self.0.insert("name".to_owned(), login.name.clone().into());
        self.0.insert("password".to_owned(), login.password.as_str().into());
        let text = serde_json::to_vec(&self.0).map_err(|_| CsmsError::Internal("a value has an encoding"))?;
        let value = Value::Text(Bytes::new(text));
        value.check()?;
        Ok(value)
    }
}

fn wrong_value() -> CsmsError {
    CsmsError::Field(
        "secret_string of a secret that is rotated: expected a JSON object with the texts name and password of an account"
            .to_owned(),
    )
}
