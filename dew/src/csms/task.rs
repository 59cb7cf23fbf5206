//! What came of rotations: kept for a month, then forgotten.

use std::sync::Arc;

use hsm::service::{Kind, Write};
use serde::{Deserialize, Serialize};

use super::allow::About;
use super::error::{CsmsError, Result};
use super::list::{Page, Paged};
use super::secret::Secret;
use super::shelf::Shelf;
use super::{Csms, Project};
use crate::caller::Caller;
use crate::kms::record::{Kept, creation};
use crate::kms::{DAY, Millis, Uuid};

/// For how long it is kept.
const KEPT: Millis = 30 * DAY;
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

/// One that is to be written.
pub(super) struct Draft {
    number: u64,
    task: Task,
    /// What goes for it.
    gone: Option<Kept<Task>>,
}

impl Draft {
    pub(super) const fn id(&self) -> Uuid {
        self.task.id
    }

    /// The code of why it failed, if it did.
    pub(super) fn failure(&self) -> Option<&str> {
        self.task.failure.as_ref().map(|(code, _)| code.as_str())
    }

    /// What writes it.
    pub(super) fn writes(&self) -> Result<Vec<Write>> {
        let mut writes = vec![creation(Kind::CsmsTask, self.number, &self.task)?];
        writes.extend(self.gone.as_ref().map(|gone| gone.deletion(Kind::CsmsTask)));
        Ok(writes)
    }

    /// Shows it, once it is written.
    pub(super) fn show(self, shelf: &mut Shelf, version: hsm::vault::Version) {
        if let Some(gone) = self.gone {
            shelf.tasks.remove(&gone.number);
        }
        shelf.show_task(Kept { number: self.number, version, value: Arc::new(self.task) });
    }
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

    /// What came of a rotation, to be written. Where as much is kept as may be, something older goes for it: what
    /// succeeded before what failed.
    pub(super) fn draft_task(
        &self,
        project: &Project,
        secret: &Secret,
        asked: bool,
        attempts: u32,
        failure: Option<&CsmsError>,
    ) -> Result<Draft> {
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
        let shelf = project.shelf.read();
        let is_full = shelf.tasks.len() >= self.quotas.tasks;
        let oldest = || shelf.tasks.values().find(|task| task.succeeded()).or(shelf.tasks.values().next());
        Ok(Draft { number: shelf.next_task, task, gone: is_full.then(oldest).flatten().cloned() })
    }

    /// Forgets what is older than a month.
    pub(super) fn forget_tasks(&self, caller: &Caller, project: &Project) -> Result<usize> {
        let _turn = project.turn.lock();
        let now = self.now();
        let old: Vec<_> = {
            let shelf = project.shelf.read();
            let old = shelf.tasks.values().take_while(|task| task.goes() <= now);
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
