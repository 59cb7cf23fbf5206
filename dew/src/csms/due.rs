//! What happens by itself: secrets go at their date, and versions expire, which is told once.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use super::error::{CsmsError, Result};
use super::event::EventKind;
use super::shelf::Shelf;
use super::{Csms, Project};
use crate::caller::Caller;
use crate::due::{self, Run, Scheduled, itself};
use crate::iam::{AccountId, Iam, ProjectId};
use crate::kms::Millis;

/// A secret of which something is due, by the number of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due(u64);

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret {}", self.0)
    }
}

impl Scheduled for Csms {
    type Project = Project;
    type What = Due;
    type Error = CsmsError;
    const NAME: &'static str = "csms";

    fn iam(&self) -> &Iam {
        &self.iam
    }

    fn now(&self) -> Millis {
        self.now()
    }

    fn projects(&self) -> Vec<(ProjectId, AccountId)> {
        self.kms.projects_with_partitions()
    }

    fn first_due(&self, id: ProjectId) -> Result<Option<Millis>> {
        self.first(id).map(|[due, _]| due)
    }

    fn read(&self, project: ProjectId, account: AccountId) -> Result<Option<Arc<Project>>> {
        self.project(project, account)
    }

    fn next(&self, project: &Project, after: Bound<(Millis, Due)>) -> Option<(Millis, Due)> {
        let after = after.map(|(at, Due(number))| (at, number));
        let next = project.shelf.read().agenda.range((after, Bound::Unbounded)).next().copied();
        next.map(|(at, number)| (at, Due(number)))
    }

    fn make_happen(&self, caller: &Caller, project: &Arc<Project>, Due(number): Due) -> Result<()> {
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
}

impl Csms {
    /// Makes happen what is due. What fails keeps nothing else from happening.
    pub fn run_due(&self) -> Run {
        let _one_at_a_time = self.running.lock();
        due::run(self)
    }

    /// As [`Scheduled::first_due`], of rotations.
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

    /// CSMS, acting on its own in a project.
    pub(super) fn itself(&self, project: &Project) -> Caller {
        itself(self, project.id, project.account)
    }
}
