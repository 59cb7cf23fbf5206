//! CSMS: secrets of projects, with versions, of which stages say which is which.
//!
//! What is known of a secret is a record in the partition of its project, and each value a record beside it, encrypted
//! with a key of the KMS and bound to the secret and the version. A value is decrypted when it is asked for, and kept
//! nowhere. A change of a secret, its values and what is told of it is one commit.

use std::collections::HashMap;
use std::sync::Arc;

use hsm::event::{Actor, Door, Person};
use hsm::partition::Partition;
use hsm::service::{Kind, Write};
use hsm::{Guest, Hsm, Work};
use parking_lot::{Mutex, RwLock};

use crate::caller::Caller;
use crate::iam::{AccountId, Iam, ProjectId};
use crate::kms::record::Kept;
use crate::kms::{Kms, Millis};
use crate::message::{Draft, Messages};

mod agency;
mod allow;
mod blob;
mod database;
mod due;
mod error;
mod event;
mod fault;
mod grant;
mod holder;
mod life;
mod list;
mod password;
mod rotate;
mod rotation;
mod rotations;
mod secret;
mod settings;
mod shelf;
mod tags;
mod talks;
mod task;
mod template;
mod user;
mod value;
mod version;

pub use agency::MadeAgency;
pub use database::{Database, DatabaseChange, Engine, Login, NewDatabase, Server, Servers};
pub use error::{CsmsError, Result};
pub use event::{Event, EventChange, EventKind, Notified, Target};
pub use fault::Fault;
pub use grant::{Grant, Grantee, until};
pub use life::{NewRotation, NewSecret, SecretChange};
pub use list::{Page, Paged};
pub use password::{PasswordRules, Strength};
pub use rotate::Rotated;
pub use rotation::{Accounts, Period, Rotation, Rotator, Target as RotationTarget, UnderWay};
pub use secret::{CURRENT, PENDING, PREVIOUS, Secret, SecretKind, Stage, State, Version, VersionId};
pub use task::{Task, TaskFilter};
pub use value::Value;
pub use version::NewVersion;

use shelf::Shelf;
use talks::Talks;

/// How much of everything there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Secrets of a project.
    pub secrets: usize,
    /// Versions of a secret.
    pub versions: usize,
    /// Stages of a secret.
    pub stages: usize,
    /// Events of a project.
    pub events: usize,
    /// Grants on a secret.
    pub grants: usize,
    /// Rotations of a project of which is kept what came of them.
    pub tasks: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { secrets: 200, versions: 20, stages: 12, events: 30, grants: 100, tasks: 10_000 }
    }
}

/// CSMS.
pub struct Csms {
    hsm: Arc<Hsm>,
    iam: Arc<Iam>,
    kms: Arc<Kms>,
    messages: Arc<Messages>,
    servers: Arc<dyn Servers>,
    quotas: Quotas,
    projects: RwLock<HashMap<ProjectId, Arc<Project>>>,
    /// When the first thing is due in projects that have only been looked at, and the first rotation.
    looked_at: Mutex<HashMap<ProjectId, [Option<Millis>; 2]>>,
    talks: Talks,
    /// Held by whoever makes happen what is due.
    running: Mutex<()>,
}

/// A project, once it was asked for.
pub(crate) struct Project {
    id: ProjectId,
    account: AccountId,
    /// The partition with its records.
    partition: Arc<Partition>,
    /// Held by whoever changes something, from the first look to when it is shown.
    turn: Mutex<()>,
    shelf: RwLock<Shelf>,
}

impl Csms {
    /// CSMS over a KMS, which tells what happens by messages, and rotates what servers of databases have.
    #[must_use]
    pub fn new(
        hsm: Arc<Hsm>,
        kms: Arc<Kms>,
        messages: Arc<Messages>,
        servers: Arc<dyn Servers>,
        quotas: Quotas,
    ) -> Self {
        Self {
            hsm,
            iam: Arc::clone(kms.iam()),
            kms,
            messages,
            servers,
            quotas,
            projects: RwLock::default(),
            looked_at: Mutex::default(),
            talks: Talks::default(),
            running: Mutex::default(),
        }
    }

    /// Forgets what was read, after it was restored from a backup: it is read anew when it is asked for.
    pub fn reload(&self) {
        self.projects.write().clear();
        self.looked_at.lock().clear();
    }

    /// How much of everything there may be.
    #[must_use]
    pub const fn quotas(&self) -> Quotas {
        self.quotas
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.hsm.time_ms()
    }

    /// What is kept of a project; none if it has no partition.
    fn project(&self, id: ProjectId, account: AccountId) -> Result<Option<Arc<Project>>> {
        if let Some(project) = self.projects.read().get(&id) {
            return Ok(Some(Arc::clone(project)));
        }
        match self.kms.partition_of_project(id) {
            Some(partition) => self.read(id, account, partition).map(Some),
            None => Ok(None),
        }
    }

    /// What is kept of a project, which gets a partition now if it has none.
    fn project_or_new(&self, id: ProjectId, account: AccountId) -> Result<Arc<Project>> {
        if let Some(project) = self.project(id, account)? {
            return Ok(project);
        }
        let partition = self.kms.partition_or_new(id, account)?;
        self.read(id, account, partition)
    }

    fn read(&self, id: ProjectId, account: AccountId, partition: Arc<Partition>) -> Result<Arc<Project>> {
        let shelf = RwLock::new(Shelf::read(&self.hsm, &partition)?);
        let project = Project { id, account, partition, turn: Mutex::default(), shelf };
        // Somebody else may have read it meanwhile, and changed something since.
        let mut projects = self.projects.write();
        Ok(Arc::clone(projects.entry(id).or_insert_with(|| Arc::new(project))))
    }

    /// Writes records of a project in one commit, with what is told of it, and gives the version that they have then.
    fn commit(
        &self,
        caller: &Caller,
        project: &Project,
        action: &'static str,
        details: &[(&str, String)],
        changes: impl Into<Changes>,
    ) -> Result<hsm::vault::Version> {
        let Changes { writes, told } = changes.into();
        let slot = project.partition.slot().0;
        let mut writes: Vec<_> = writes.into_iter().map(|write| (slot, write)).collect();
        let mut pending = Vec::new();
        for Draft { write, pending: one } in told {
            writes.push((0, write));
            pending.push(one);
        }
        let request = [("request", caller.request.to_string())];
        let details = [details, &request].concat();
        let work = Work { action, details: &details, writes, ..Work::default() };
        let version = self.hsm.desk(slot, caller.guest())?.commit(work)?;
        pending.iter().for_each(|one| self.messages.committed(one, version));
        Ok(version)
    }

    /// Changes a secret, in one commit with what is told of it, and shows it.
    fn change_secret(
        &self,
        caller: &Caller,
        project: &Project,
        action: &'static str,
        (there, changed): (&Kept<Secret>, Secret),
        told: Vec<Draft>,
    ) -> Result<Kept<Secret>> {
        let writes = vec![there.update(Kind::CsmsSecret, &changed)?];
        let version = self.commit(caller, project, action, &about(&changed), Changes { writes, told })?;
        let changed = there.updated(version, changed);
        project.shelf.write().show_secret(changed.clone());
        Ok(changed)
    }
}

/// A caller, as the directory records what it does there.
fn actor(guest: &Guest) -> Actor<'_> {
    let person = Person { name: &guest.name, id: &guest.id };
    Actor { door: Door::Rest, peer: None, user: "account user", person: Some(person) }
}

/// What a commit changes, and what is told of it.
struct Changes {
    writes: Vec<Write>,
    told: Vec<Draft>,
}

impl From<Vec<Write>> for Changes {
    fn from(writes: Vec<Write>) -> Self {
        Self { writes, told: Vec::new() }
    }
}

/// What records say of a secret.
fn about(secret: &Secret) -> [(&'static str, String); 2] {
    [("secret", secret.id.to_string()), ("name", secret.name.clone())]
}
