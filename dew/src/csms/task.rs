//! What came of rotations: kept for a month, then forgotten.

use std::sync::Arc;

use hsm::service::{Kind, Write};
use serde::{Deserialize, Serialize};

use super::allow::About;
use super::error::{CsmsError, Result};
use super::list::{Page, Paged};
use super::secret::Secret;
use super::{Csms, Project};
use crate::caller::Caller;
use crate::kms::record::{Kept, creation};
use crate::kms::{DAY, Millis, Uuid};

/// For how long it is kept.
const KEPT: Millis = 30 * DAY;
/// The most that is kept of a project: beyond that the oldest goes.
const MOST: usize = 10_000;
/// How many are forgotten at once.
const AT_ONCE: usize = 64;

/// What came of one rotation: a record in the partition of its project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: Uuid,
    /// The secret's id and name.
    pub secret: Uuid,
    /// As above.
    pub name: String,
    /// Who rotated it: a function of somebody's own; none for ours.
    pub function: Option<String>,
    /// Whether somebody asked for it, or it was due.
    pub asked: bool,
    /// When it ended.
    pub at: Millis,
    /// The how manieth try in a row it was.
    pub attempts: u32,
    /// Why it failed, as a code and in words; none if it did not.
    pub failure: Option<(String, String)>,
}

impl Task {
    /// When it is forgotten.
    pub(super) const fn goes(&self) -> Millis {
        self.at.saturating_add(KEPT)
    }

    /// Whether the secret was rotated.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        self.failure.is_none()
    }
}

/// Which of them are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskFilter<'a> {
    /// Those of a secret.
    pub secret: Option<&'a str>,
    /// Those that succeeded, or that failed.
    pub succeeded: Option<bool>,
    /// The one of an id.
    pub id: Option<&'a str>,
}

impl Csms {
    /// What came of rotations, the newest first, and how many there are.
    ///
    /// # Errors
    /// `Field`; `Forbidden`
    pub fn tasks(
        &self,
        caller: &Caller,
        filter: TaskFilter<'_>,
        page: &Page<'_>,
    ) -> Result<(usize, Paged<Kept<Task>>)> {
        let (project, account) = self.permitted_in(caller, "ListSecretTask", About::default())?;
        let (limit, before) = page.backwards()?;
        let now = self.now();
        let fits = |task: &&Kept<Task>| {
            now < task.goes()
                && filter.secret.is_none_or(|name| task.name == name)
                && filter.succeeded.is_none_or(|succeeded| task.succeeded() == succeeded)
                && filter.id.is_none_or(|id| task.id.to_string() == id)
        };
        let found: Vec<_> = match self.project(project, account)? {
            Some(project) => project.shelf.read().tasks.values().rev().filter(fits).cloned().collect(),
            None => Vec::new(),
        };
        let total = found.len();
        let mut rest = found.into_iter().filter(|task| before.is_none_or(|before| task.number < before));
        let items: Vec<_> = rest.by_ref().take(limit).collect();
        let next = rest.next().and_then(|_| items.last()).map(|task| task.number.to_string());
        Ok((total, Paged { items, next, previous: None }))
    }

    /// What writes what came of a rotation, and itself.
    pub(super) fn draft_task(
        &self,
        project: &Project,
        secret: &Secret,
        asked: bool,
        attempts: u32,
        failure: Option<&CsmsError>,
    ) -> Result<(Write, u64, Task)> {
        let failure = failure.map(|why| (why.task_code().to_owned(), cut(why.to_string())));
        let task = Task {
            id: Uuid::from_random(self.hsm.random()?),
            secret: secret.id,
            name: secret.name.clone(),
            function: secret.rotation.function.clone(),
            asked,
            at: self.now(),
            attempts,
            failure,
        };
        let number = project.shelf.read().next_task;
        Ok((creation(Kind::CsmsTask, number, &task)?, number, task))
    }

    /// Shows what came of a rotation, once it is written.
    pub(super) fn show_task(project: &Project, (number, task): (u64, Task), version: hsm::vault::Version) {
        project.shelf.write().show_task(Kept { number, version, value: Arc::new(task) });
    }

    /// Forgets what is older than a month, or more than can be kept.
    pub(super) fn forget_tasks(&self, caller: &Caller, project: &Project) -> Result<usize> {
        let _turn = project.turn.lock();
        let now = self.now();
        let old: Vec<_> = {
            let shelf = project.shelf.read();
            let beyond = shelf.tasks.len().saturating_sub(MOST);
            let all = shelf.tasks.values().enumerate();
            let old = all.filter(|(at, task)| *at < beyond || task.goes() <= now).map(|(_, task)| task);
            old.take(AT_ONCE).cloned().collect()
        };
        if old.is_empty() {
            return Ok(0);
        }
        let writes: Vec<_> = old.iter().map(|task| task.deletion(Kind::CsmsTask)).collect();
        self.commit(caller, project, "forget what came of rotations", &[], writes)?;
        let mut shelf = project.shelf.write();
        for task in &old {
            shelf.tasks.remove(&task.number);
        }
        Ok(old.len())
    }
}

/// The most characters of why one failed.
const MAX_WHY: usize = 1000;

fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_WHY) {
        Some((at, _)) => text.get(..at).unwrap_or_default().to_owned(),
        None => text,
    }
}
