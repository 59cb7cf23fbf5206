//! Rotations that are due: a few at once, so that a server which keeps silent holds up no more than what it has.

use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

use super::error::{CsmsError, Result};
use super::rotate::Round;
use super::{Csms, Project};
use crate::due::Run;

/// How many of one project are begun before others have their turn: fewer than talk to servers at once, so that who asks
/// for something has a turn, too.
const OF_A_PROJECT: usize = 4;
/// How many happen at once.
const AT_ONCE: usize = 8;

impl Csms {
    /// Rotates what is due, takes up what was cut off, and forgets what is older than a month. What fails keeps nothing
    /// else from happening.
    pub fn run_rotations(&self) -> Run {
        let mut run = Run::default();
        let mut due = Vec::new();
        for (id, account) in self.kms.projects_with_partitions() {
            let found = self.first_rotation(id).and_then(|first| match first {
                Some(first) if first <= self.now() => match self.project(id, account)? {
                    Some(project) => self.due_rotations(&project, &mut run),
                    None => Ok(Vec::new()),
                },
                first => {
                    run.is_next(first);
                    Ok(Vec::new())
                }
            });
            match found {
                Ok(found) => due.extend(found),
                Err(error) => run.failed.push(format!("project {id}: {error}")),
            }
        }
        self.rotate_all(&due, &mut run);
        for (project, _) in &due {
            run.is_next(project.shelf.read().next_rotation());
        }
        run
    }

    /// What is due in a project: the numbers of secrets.
    fn due_rotations(&self, project: &Arc<Project>, run: &mut Run) -> Result<Vec<(Arc<Project>, u64)>> {
        run.done += self.forget_tasks(&self.itself(project), project)?;
        let now = self.now();
        let shelf = project.shelf.read();
        run.is_next(shelf.next_rotation().filter(|next| *next > now));
        let due = shelf.rotations.iter().take_while(|(at, _)| *at <= now).take(OF_A_PROJECT);
        Ok(due.map(|(_, number)| (Arc::clone(project), *number)).collect())
    }

    fn rotate_all(&self, due: &[(Arc<Project>, u64)], run: &mut Run) {
        let (left, ran) = (Mutex::new(due.iter()), Mutex::new(run));
        let work = || {
            loop {
                let Some((project, number)) = left.lock().next() else { return };
                let done =
                    self.rotate(&Round { project, number: *number, request: "scheduled", asked: false });
                let mut run = ran.lock();
                match done {
                    Ok(_) => run.done += 1,
                    // Somebody else is at it, or its turn comes.
                    Err(CsmsError::RotationUnderWay | CsmsError::Talks(_)) => {}
                    Err(error) => {
                        run.failed.push(format!("project {}, secret {number}: {error}", project.id));
                    }
                }
            }
        };
        thread::scope(|scope| {
            // What there is no thread for happens here.
            for _ in 1..due.len().min(AT_ONCE) {
                drop(thread::Builder::new().name("rotation".into()).spawn_scoped(scope, work));
            }
            work();
        });
    }
}
