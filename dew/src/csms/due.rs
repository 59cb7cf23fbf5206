//! What happens by itself: secrets go at their date, and versions expire, which is told once.

use std::ops::Bound;
use std::sync::Arc;

use super::error::Result;
use super::event::EventKind;
use super::shelf::Shelf;
use super::{Csms, Project};
use crate::caller::Caller;
use crate::iam::{AccountId, Identity, Principal, ProjectId};
use crate::kms::{Millis, Run};

/// How many things of one project happen before others have their turn.
const AT_ONCE: usize = 64;

impl Csms {
    /// Makes happen what is due. What fails keeps nothing else from happening.
    pub fn run_due(&self) -> Run {
        let _one_at_a_time = self.running.lock();
        let mut run = Run::default();
        for (id, account) in self.kms.projects_with_partitions() {
            if let Err(error) = self.run_due_of(id, account, &mut run) {
                run.failed.push(format!("project {id}: {error}"));
            }
        }
        run
    }

    fn run_due_of(&self, id: ProjectId, account: AccountId, run: &mut Run) -> Result<()> {
        match self.first_due(id)? {
            Some(due) if due <= self.now() => {}
            due => {
                run.is_next(due);
                return Ok(());
            }
        }
        if let Some(project) = self.project(id, account)? {
            self.run_project(&project, run);
        }
        Ok(())
    }

    /// When the first thing of a project is due. A project that nobody has asked for is looked through once, and not kept
    /// in memory for that.
    fn first_due(&self, id: ProjectId) -> Result<Option<Millis>> {
        self.first(id).map(|[due, _]| due)
    }

    /// As [`Self::first_due`], of rotations.
    pub(super) fn first_rotation(&self, id: ProjectId) -> Result<Option<Millis>> {
        self.first(id).map(|[_, due]| due)
    }

    fn first(&self, id: ProjectId) -> Result<[Option<Millis>; 2]> {
        let first = |shelf: &Shelf| [shelf.agenda.first().map(|(at, _)| *at), shelf.next_rotation()];
        if let Some(project) = self.projects.read().get(&id) {
            return Ok(first(&project.shelf.read()));
        }
        if let Some(due) = self.looked_at.lock().get(&id) {
            return Ok(*due);
        }
        let Some(partition) = self.kms.partition_of_project(id) else { return Ok([None, None]) };
        let due = first(&Shelf::read(&self.hsm, &partition)?);
        self.looked_at.lock().insert(id, due);
        Ok(due)
    }

    fn run_project(&self, project: &Arc<Project>, run: &mut Run) {
        let caller = self.itself(project);
        let (mut done, mut last) = (0, Bound::Unbounded);
        loop {
            let first = project.shelf.read().agenda.range((last, Bound::Unbounded)).next().copied();
            let Some(entry @ (at, number)) = first else { break };
            if at > self.now() || done == AT_ONCE {
                run.is_next(Some(at));
                break;
            }
            last = Bound::Excluded(entry);
            match self.make_happen(&caller, project, number) {
                Ok(()) => done += 1,
                Err(error) => run.failed.push(format!("project {}, secret {number}: {error}", project.id)),
            }
        }
        run.done += done;
    }

    fn make_happen(&self, caller: &Caller, project: &Project, number: u64) -> Result<()> {
        let _turn = project.turn.lock();
        let now = self.now();
        // Somebody else may have been faster.
        let Some(there) = project.shelf.read().secrets.get(&number).cloned() else { return Ok(()) };
        if there.is_gone(now) {
            return self.delete_for_good(caller, project, &there);
        }
        let (mut changed, mut told) = ((*there).clone(), Vec::new());
        for version in &mut changed.versions {
            if !version.told && version.expires.is_some_and(|expires| expires <= now) {
                version.told = true;
                told.extend(self.told(project, &there, EventKind::VersionExpired, version.id)?);
            }
        }
        if changed == *there {
            return Ok(());
        }
        self.change_secret(caller, project, "versions of a secret expire", (&there, changed), told)?;
        Ok(())
    }

    /// CSMS, acting on its own in a project.
    pub(super) fn itself(&self, project: &Project) -> Caller {
        let account = self.iam.account(project.account);
        let account_name = account.map(|account| account.name.clone()).unwrap_or_default();
        let principal = Principal::Service { name: "csms" };
        let identity = Identity {
            account: project.account,
            account_name: account_name.into(),
            principal,
            ..Identity::nobody()
        };
        Caller {
            identity: Arc::new(identity),
            project: Some(project.id),
            request: "scheduled".into(),
            source: None,
            agent: None,
            tls: false,
        }
    }
}
