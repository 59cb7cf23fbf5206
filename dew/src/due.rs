//! What services do by themselves when its time has come, each thing in a project of its own: what fails holds up nothing
//! else, and what is due in one project holds up no other.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use crate::caller::Caller;
use crate::iam::{AccountId, Iam, Identity, Principal, ProjectId};

/// Milliseconds since 1970.
pub type Millis = u64;

/// A day in milliseconds.
pub const DAY: Millis = 86_400_000;

/// How many things of one project happen before others have their turn.
const AT_ONCE: usize = 64;

/// What came of looking for what is due.
#[derive(Debug, Default)]
pub struct Run {
    /// How much was done.
    pub done: usize,
    /// When something is due next, apart from what failed.
    pub next: Option<Millis>,
    /// What was due and failed, and why. It stays due.
    pub failed: Vec<String>,
}

impl Run {
    pub(crate) fn is_next(&mut self, at: Option<Millis>) {
        self.next = [self.next, at].into_iter().flatten().min();
    }
}

/// A service in whose projects things fall due.
pub(crate) trait Scheduled {
    /// What it knows of a project.
    type Project;
    /// What can be due.
    type What: Copy + Ord + fmt::Display;
    /// Why something fails.
    type Error: fmt::Display;
    /// What traces and the audit log call it.
    const NAME: &'static str;

    /// The directory of accounts.
    fn iam(&self) -> &Iam;

    /// Now.
    fn now(&self) -> Millis;

    /// The projects in which something can be due, with their accounts.
    fn projects(&self) -> Vec<(ProjectId, AccountId)>;

    /// When the first thing of a project is due. A project that nobody has asked for is looked through once, and not kept
    /// in memory for that.
    fn first_due(&self, project: ProjectId) -> Result<Option<Millis>, Self::Error>;

    /// The project, if it is there.
    fn read(&self, project: ProjectId, account: AccountId)
    -> Result<Option<Arc<Self::Project>>, Self::Error>;

    /// The first of what will be due in a project, of what comes after another.
    fn next(
        &self,
        project: &Self::Project,
        after: Bound<(Millis, Self::What)>,
    ) -> Option<(Millis, Self::What)>;

    /// Makes happen what was due when it was looked for. Somebody else may have been faster.
    fn make_happen(
        &self,
        caller: &Caller,
        project: &Arc<Self::Project>,
        what: Self::What,
    ) -> Result<(), Self::Error>;
}

/// Makes happen what is due in all projects.
pub(crate) fn run<S: Scheduled>(service: &S) -> Run {
    let mut run = Run::default();
    for (id, account) in service.projects() {
        if let Err(error) = run_due_of(service, (id, account), &mut run) {
            run.failed.push(format!("project {id}: {error}"));
        }
    }
    run
}

fn run_due_of<S: Scheduled>(
    service: &S,
    (id, account): (ProjectId, AccountId),
    run: &mut Run,
) -> Result<(), S::Error> {
    match service.first_due(id)? {
        Some(due) if due <= service.now() => {}
        due => {
            run.is_next(due);
            return Ok(());
        }
    }
    let Some(project) = service.read(id, account)? else { return Ok(()) };
    let caller = itself(service, id, account);
    let (mut done, mut last) = (0, Bound::Unbounded);
    while let Some(entry @ (at, what)) = service.next(&project, last) {
        if at > service.now() || done == AT_ONCE {
            run.is_next(Some(at));
            break;
        }
        last = Bound::Excluded(entry);
        match service.make_happen(&caller, &project, what) {
            Ok(()) => done += 1,
            Err(error) => run.failed.push(format!("project {id}, {what}: {error}")),
        }
    }
    run.done += done;
    Ok(())
}

/// A service, acting on its own in a project.
pub(crate) fn itself<S: Scheduled>(service: &S, project: ProjectId, account: AccountId) -> Caller {
    let known = service.iam().account(account);
    let account_name = known.map(|account| account.name.clone()).unwrap_or_default();
    let principal = Principal::Service { name: S::NAME };
    let identity = Identity { account, account_name: account_name.into(), principal, ..Identity::nobody() };
    Caller {
        identity: Arc::new(identity),
        project: Some(project),
        request: "scheduled".into(),
        source: None,
        agent: None,
        tls: false,
    }
}
