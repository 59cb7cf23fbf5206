//! What happens by itself: rotation, the end of imported material, of what was given out for an import, and of keys.
//!
//! The clock is the HSM's. Whoever calls [`Kms::run_due`] makes happen what is due; what was due while nobody did, happens
//! then. Two callers never do one thing twice, since each looks again when it is its turn.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use hsm::Work;
use hsm::service::Kind;

use super::error::{KmsError, Result};
use super::id::KeyId;
use super::import::EXPIRED;
use super::key::{Key, State};
use super::project::{Project, Shelf};
use super::record::Kept;
use super::region::show_everywhere;
use super::{Kms, Millis, life};
use crate::caller::Caller;
use crate::due::{self, Run, Scheduled, itself};
use crate::iam::{AccountId, Iam, ProjectId};

/// What is due in a project, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// Something about a key.
    Key(KeyId),
    /// Parameters for an import, by the number of their record.
    Ticket(u64),
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key {id}"),
            Self::Ticket(number) => write!(f, "import parameters {number}"),
        }
    }
}

/// What is due, in order.
pub(super) type Agenda = BTreeSet<(Millis, Due)>;

/// What became of a key by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It is gone, at its date.
    Deleted,
    /// Its imported material is gone, at its date.
    Expired,
    /// It was rotated.
    Rotated,
}

/// What the KMS did by itself.
#[derive(Clone, Debug)]
pub struct Did {
    /// Itself.
    pub by: Caller,
    /// The project.
    pub project: ProjectId,
    /// The key, as it was before.
    pub key: Kept<Key>,
    /// What became of it.
    pub what: Happened,
}

/// Who is told what the KMS did by itself, right after it is done and before anything else of the project changes.
pub type Tell = Box<dyn Fn(&Did) + Send + Sync>;

impl Scheduled for Kms {
    type Project = Project;
    type What = Due;
    type Error = KmsError;
    const NAME: &'static str = "kms";

    fn iam(&self) -> &Iam {
        &self.iam
    }

    fn now(&self) -> Millis {
        self.now()
    }

    fn projects(&self) -> Vec<(ProjectId, AccountId)> {
        self.known_projects()
    }

    fn first_due(&self, id: ProjectId) -> Result<Option<Millis>> {
        let home = {
            let homes = self.homes.read();
            if let Some(project) = homes.read.get(&id) {
                return Ok(project.shelf.read().agenda.first().map(|(at, _)| *at));
            }
            if let Some(due) = homes.looked_at.get(&id) {
                return Ok(*due);
            }
            homes.by_project.get(&id).map(|(_, home)| home.clone())
        };
        let Some(partition) = home.and_then(|home| self.partition_of(&home)) else { return Ok(None) };
        let shelf = Shelf::read(&self.hsm, &self.stores, &partition)?;
        let due = shelf.agenda.first().map(|(at, _)| *at);
        self.homes.write().looked_at.insert(id, due);
        Ok(due)
    }

    fn read(&self, project: ProjectId, _: AccountId) -> Result<Option<Arc<Project>>> {
        self.project(project)
    }

    fn next(&self, project: &Project, after: Bound<(Millis, Due)>) -> Option<(Millis, Due)> {
        project.shelf.read().agenda.range((after, Bound::Unbounded)).next().copied()
    }

    fn make_happen(&self, caller: &Caller, project: &Arc<Project>, what: Due) -> Result<()> {
        match what {
            Due::Ticket(number) => {
                let _turn = project.turn.lock();
                let ticket = project.shelf.read().tickets.get(&number).cloned();
                ticket.map_or(Ok(()), |ticket| {
                    self.forget_ticket(caller, project, &ticket, "import parameters expired")
                })
            }
            Due::Key(id) => match self.key_is_due(caller, project, id) {
                // Somebody else was faster.
                Err(KmsError::NoKey) => Ok(()),
                done => done,
            },
        }
    }
}

impl Kms {
    /// Makes happen what is due. What fails keeps nothing else from happening.
    pub fn run_due(&self) -> Run {
        let _one_at_a_time = self.running.lock();
        due::run(self)
    }

    pub(super) fn known_projects(&self) -> Vec<(ProjectId, AccountId)> {
        self.homes.read().by_project.iter().map(|(id, (_, home))| (*id, home.account)).collect()
    }

    /// A key goes for all its regions; what else becomes of it is its own project's business.
    fn key_is_due(&self, caller: &Caller, project: &Arc<Project>, id: KeyId) -> Result<()> {
        if project.shelf.read().key(id)?.is_gone(self.now()) {
            return self.in_turn(project, id, None, |key| match key.is_gone(self.now()) {
                true => self.delete_for_good(caller, project, key),
                false => Ok(()),
            });
        }
        let _turn = project.turn.lock();
        let key = self.standing(project, id)?;
        if key.state == State::Enabled && key.rotation.due().is_some_and(|due| due <= self.now()) {
            self.rotate(caller, project, &key)?;
            self.did(caller, project, &key, Happened::Rotated);
        }
        Ok(())
    }

    /// The key as it stands now, for who has the project's turn: what is gone by its date is not there, and what is
    /// expired goes first.
    pub(super) fn standing(&self, project: &Project, id: KeyId) -> Result<Kept<Key>> {
        let (key, now) = (project.shelf.read().key(id)?, self.now());
        match (key.is_gone(now), key.is_expired(now)) {
            (true, _) => Err(KmsError::NoKey),
            (false, true) => self.expire(project, &key),
            (false, false) => Ok(key),
        }
    }

    /// Imported material goes at its date. Held by the project's turn.
    fn expire(&self, project: &Project, key: &Kept<Key>) -> Result<Kept<Key>> {
        let itself = itself(self, project.id, project.account);
        let emptied = self.forget_material(&itself, project, key, EXPIRED)?;
        self.did(&itself, project, key, Happened::Expired);
        Ok(emptied)
    }

    fn did(&self, by: &Caller, project: &Project, key: &Kept<Key>, what: Happened) {
        (self.tell)(&Did { by: by.clone(), project: project.id, key: key.clone(), what });
    }

    /// A key goes, with all that is kept of it; its other regions know it in the same commit. Held by the turns of all
    /// of them.
    fn delete_for_good(&self, caller: &Caller, project: &Project, key: &Kept<Key>) -> Result<()> {
        let slot = project.partition.slot().0;
        let details = life::about(key.id, key, caller);
        let mut work =
            Work { action: "delete a key", details: &details, remove: key.objects(), ..Work::default() };
        work.writes.push((slot, key.deletion(Kind::KmsKey)));
        {
            let belongings = project.shelf.read().belongings(key.id);
            let counts = project.counts.lock().deletions(key.id);
            work.writes.extend(belongings.into_iter().chain(counts).map(|write| (slot, write)));
        }
        let elsewhere = match &key.multi {
            Some(multi) => self.writes_of(key.id, &multi.without(project.id), &mut work)?,
            None => Vec::new(),
        };
        let version = self.commit_of(project, key, caller, work)?;
        show_everywhere(elsewhere, version);
        project.counts.lock().forget(key.id);
        let mut shelf = project.shelf.write();
        shelf.hide_belongings(key.id);
        shelf.hide_key(key.id);
        drop(shelf);
        self.did(caller, project, key, Happened::Deleted);
        Ok(())
    }
}
