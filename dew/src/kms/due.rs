//! What happens by itself: rotation, the end of imported material, of what was given out for an import, and of keys.
//!
//! The clock is the HSM's. Whoever calls [`Kms::run_due`] makes happen what is due; what was due while nobody did, happens
//! then. Two callers never do one thing twice, since each looks again when it is its turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use hsm::Work;
use hsm::service::Kind;

use super::error::Result;
use super::id::KeyId;
use super::key::{Key, State};
use super::project::{Project, Shelf};
use super::record::Kept;
use super::{Kms, Millis, life};
use crate::caller::Caller;
use crate::iam::{AccountId, Identity, Principal, ProjectId};

/// How many things of one project happen before others have their turn.
const AT_ONCE: usize = 64;

/// What is due in a project, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// Something about a key.
    Key(KeyId),
    /// Parameters for an import, by the number of their record.
    Ticket(u64),
}

/// What is due, in order.
pub(super) type Agenda = BTreeSet<(Millis, Due)>;

impl Kms {
    /// Makes happen what is due, and tells how much was done and when something is due next.
    ///
    /// # Errors
    /// What the HSM says; what was done until then is done.
    pub fn run_due(&self) -> Result<(usize, Option<Millis>)> {
        let _one_at_a_time = self.running.lock();
        let (mut done, mut next, mut failed) = (0, None, Ok(()));
        for (id, account) in self.known_projects() {
            let Some(due) = self.first_due(id)? else { continue };
            if due > self.now() {
                next = [next, Some(due)].into_iter().flatten().min();
                continue;
            }
            let Some(project) = self.project(id)? else { continue };
            // What fails in one project keeps the others from nothing.
            match self.run_project(&project, account) {
                Ok(more) => done += more,
                Err(error) => failed = Err(error),
            }
            let rest = project.shelf.read().agenda.first().map(|(at, _)| *at);
            next = [next, rest].into_iter().flatten().min();
        }
        failed.map(|()| (done, next))
    }

    fn known_projects(&self) -> Vec<(ProjectId, AccountId)> {
        self.homes.read().by_project.iter().map(|(id, (_, home))| (*id, home.account)).collect()
    }

    /// When the first thing of a project is due. A project that nobody has asked for is looked through once, and not kept
    /// in memory for that.
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
        let shelf = Shelf::read(&self.hsm, &partition)?;
        let due = shelf.agenda.first().map(|(at, _)| *at);
        self.homes.write().looked_at.insert(id, due);
        Ok(due)
    }

    fn run_project(&self, project: &Arc<Project>, account: AccountId) -> Result<usize> {
        let caller = self.itself(project.id, account);
        let mut done = 0;
        while done < AT_ONCE {
            let turn = project.turn.lock();
            let now = self.now();
            let first = project.shelf.read().agenda.first().copied();
            let Some((_, what)) = first.filter(|(at, _)| *at <= now) else { break };
            match what {
                Due::Ticket(number) => {
                    let ticket = project.shelf.read().tickets.get(&number).cloned();
                    if let Some(ticket) = ticket {
                        self.forget_ticket(&caller, project, &ticket)?;
                    }
                }
                Due::Key(id) => {
                    let key = project.shelf.read().key(id)?;
                    self.key_is_due(&caller, project, &key, now)?;
                    drop(turn);
                    if project.shelf.read().key(id).is_err() {
                        self.gone_from(&caller, project, &key)?;
                    }
                }
            }
            done += 1;
        }
        Ok(done)
    }

    fn key_is_due(&self, caller: &Caller, project: &Project, key: &Kept<Key>, now: Millis) -> Result<()> {
        if key.state == State::PendingDeletion && key.goes.is_some_and(|goes| goes <= now) {
            return self.delete_for_good(caller, project, key);
        }
        if key.imported.expires.is_some_and(|expires| expires <= now) && !key.versions.is_empty() {
            return self.forget_material(caller, project, key, "imported material expired").map(drop);
        }
        if key.state == State::Enabled && key.rotation.due().is_some_and(|due| due <= now) {
            return self.rotate(caller, project, key).map(drop);
        }
        Ok(())
    }

    /// A key goes, with all that is kept of it. Held by the project's turn.
    pub(super) fn delete_for_good(&self, caller: &Caller, project: &Project, key: &Kept<Key>) -> Result<()> {
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
        self.desk(key.slot, caller)?.commit(work)?;
        project.counts.lock().forget(key.id);
        let mut shelf = project.shelf.write();
        shelf.hide_belongings(key.id);
        shelf.hide_key(key.id);
        Ok(())
    }

    /// The KMS, acting on its own in an account.
    pub(super) fn itself(&self, project: ProjectId, account: AccountId) -> Caller {
        let account_name = self.iam.account(account).map(|account| account.name.clone()).unwrap_or_default();
        let principal = Principal::Service { name: "kms" };
        let identity =
            Identity { account, account_name: account_name.into(), principal, ..Identity::nobody() };
        Caller {
            identity: Arc::new(identity),
            project: Some(project),
            request: "scheduled".into(),
            source: None,
            agent: None,
            tls: false,
        }
    }
}
