//! Trackers: what becomes of traces beside the list of seven days. The management tracker, `system`, is of all traces of a
//! project, and there from the beginning. A data tracker is of what is done to a bucket of an object store; as none is
//! attached here, it finds nothing to record.
//!
//! That operations leave traces is not a tracker's to decide: what it says is where they go to.

use std::collections::BTreeMap;

use hsm::Hsm;
use hsm::service::Kind;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::{CtsError, Trace};
use crate::iam::{AccountId, Project, ProjectId};
use crate::kms::record::Kept;
use crate::kms::{Millis, Uuid};
use crate::tag::Tags;

/// The name of the management tracker.
pub const SYSTEM: &str = "system";
/// The most data trackers of a project.
pub const MAX_DATA: usize = 100;
/// How nothing is written.
const NONE: u8 = 0;
/// The most pauses that are kept of a tracker.
const MAX_PAUSES: usize = 100;

/// Which kind of tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrackerKind {
    /// Of all traces of the project.
    System,
    /// Of accesses to a bucket.
    Data,
}

impl TrackerKind {
    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => SYSTEM,
            Self::Data => "data",
        }
    }

    /// Of its word.
    ///
    /// # Errors
    /// `Type`
    pub fn named(name: &str) -> Result<Self, CtsError> {
        [Self::System, Self::Data].into_iter().find(|kind| kind.name() == name).ok_or(CtsError::Type)
    }
}

/// Where traces are transferred to, and in which form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The bucket.
    pub bucket: String,
    /// What the names of files begin with.
    pub prefix: String,
    /// Whether files are compressed.
    pub gzip: bool,
    /// Whether each service has a folder of its own.
    pub by_service: bool,
    /// Whether the bucket was made for it.
    pub made: bool,
}

/// The bucket that a data tracker watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// Its name.
    pub bucket: String,
    /// Whether what is read of it.
    pub reads: bool,
    /// Whether what is written to it.
    pub writes: bool,
}

/// A time in which a tracker was disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    from: Millis,
    /// None if it lasts.
    until: Option<Millis>,
}

impl Pause {
    /// Whether a trace of this time is of it. In the millisecond in which it begins a trace may be older.
    fn has(&self, time: Millis) -> bool {
        self.from < time && self.until.is_none_or(|until| time < until)
    }
}

/// A tracker: a record of the HSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracker {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project: ProjectId,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Of what it is.
    pub kind: TrackerKind,
    /// When it was made.
    pub created: Millis,
    /// Whether traces go where it says.
    pub enabled: bool,
    /// Whether it was taken away: of a management tracker that stays known.
    pub gone: bool,
    /// The agency by which the cloud would write to a bucket; nothing goes by it.
    pub agency: String,
    /// Where traces are transferred to.
    pub target: Option<Target>,
    /// Whether traces of data keys that are made are left out of the transfer.
    pub without_data_keys: bool,
    /// Whether traces are to be in the receiver of logs.
    pub logs: bool,
    /// What a data tracker watches.
    pub watched: Option<Watched>,
    /// Its tags.
    pub tags: Tags,
    /// Traces from this time on are transferred.
    pub since: Millis,
    /// When it was disabled: what was made then is not transferred, what waited is.
    pub pauses: Vec<Pause>,
    /// From when on it transfers the traces of all accounts, if it does. An earlier release wrote nothing here.
    pub organization: Option<Millis>,
}

impl Tracker {
    /// The management tracker of a project of which nothing else was said yet.
    pub(super) fn system(project: &Project) -> Self {
        let created = project.created.saturating_mul(1000);
        Self {
            id: Uuid(project.id.0),
            project: project.id,
            account: project.account,
            name: SYSTEM.to_owned(),
            kind: TrackerKind::System,
            created,
            enabled: true,
            gone: false,
            agency: String::new(),
            target: None,
            without_data_keys: false,
            logs: false,
            watched: None,
            tags: Tags::default(),
            since: created,
            pauses: Vec::new(),
            organization: None,
        }
    }

    /// Enables or disables it from now on.
    pub(super) fn enable(&mut self, on: bool, now: Millis) {
        match (self.enabled, on) {
            (true, false) => self.pauses.push(Pause { from: now, until: None }),
            (false, true) => self.pauses.iter_mut().for_each(|pause| pause.until = pause.until.or(Some(now))),
            _ => {}
        }
        self.enabled = on;
        while self.pauses.len() > MAX_PAUSES {
            let oldest = self.pauses.remove(0);
            self.since = self.since.max(oldest.until.unwrap_or(now));
        }
    }

    /// Whether it transfers a trace.
    #[must_use]
    pub fn takes(&self, trace: &Trace) -> bool {
        let left_out = self.without_data_keys && trace.operation.starts_with("CreateDatakey");
        let paused = self.pauses.iter().any(|pause| pause.has(trace.time));
        let is_of_it =
            trace.project == self.project || self.organization.is_some_and(|from| trace.time >= from);
        is_of_it && trace.time >= self.since && !left_out && !paused
    }
}

/// What a tracker is to be; what is not said stays as it is.
#[derive(Clone, Debug, Default)]
pub struct TrackerChange {
    /// Whether it is to be used.
    pub enabled: Option<bool>,
    /// The agency.
    pub agency: Option<String>,
    /// Whether traces of data keys are left out.
    pub without_data_keys: Option<bool>,
    /// Whether traces are to be in the receiver of logs.
    pub logs: Option<bool>,
    /// Where to.
    pub target: Option<TargetChange>,
    /// The bucket that it watches.
    pub bucket: Option<String>,
    /// The events of it, `READ` and `WRITE`.
    pub events: Option<Vec<String>>,
    /// Whether it transfers the traces of all accounts.
    pub organization: Option<bool>,
}

/// Where traces are to be transferred to; what is not said stays as it is.
#[derive(Clone, Debug, Default)]
pub struct TargetChange {
    /// The bucket; without a name there is no transfer.
    pub bucket: Option<String>,
    /// What the names of files begin with.
    pub prefix: Option<String>,
    /// Whether files are compressed.
    pub gzip: Option<bool>,
    /// Whether each service has a folder of its own.
    pub by_service: Option<bool>,
    /// Whether the bucket is to be made.
    pub make: bool,
}

/// All trackers that something was said of.
#[derive(Default)]
pub(super) struct Trackers {
    pub(super) by_name: RwLock<BTreeMap<(ProjectId, String), Kept<Tracker>>>,
    /// Held while one is changed.
    pub(super) turn: Mutex<()>,
}

impl Trackers {
    pub(super) fn read(hsm: &Hsm) -> Result<Self, CtsError> {
        let trackers = Self::default();
        for read in hsm.service_records(Kind::CtsTracker)? {
            trackers.show(Kept::read_longer(read, &[NONE]).map_err(CtsError::Kept)?);
        }
        Ok(trackers)
    }

    /// Shows those that were read anew.
    pub(super) fn replace(&self, with: Self) {
        *self.by_name.write() = with.by_name.into_inner();
    }

    pub(super) fn show(&self, tracker: Kept<Tracker>) {
        self.by_name.write().insert((tracker.project, tracker.name.clone()), tracker);
    }

    pub(super) fn find(&self, project: ProjectId, name: &str) -> Option<Kept<Tracker>> {
        self.by_name.read().get(&(project, name.to_owned())).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cts::{Kind, Rating, User};
    use crate::iam::EnterpriseProjectId;
    use crate::kms::record::creation;

    fn tracker() -> Tracker {
        let (id, account) = (ProjectId([7; 16]), AccountId([8; 16]));
        Tracker {
            id: Uuid([7; 16]),
            project: id,
            account,
            name: SYSTEM.to_owned(),
            kind: TrackerKind::System,
            created: 0,
            enabled: true,
            gone: false,
            agency: String::new(),
            target: None,
            without_data_keys: false,
            logs: false,
            watched: None,
            tags: Tags::default(),
            since: 0,
            pauses: Vec::new(),
            organization: None,
        }
    }

    fn takes(tracker: &Tracker, time: Millis) -> bool {
        tracker.takes(&Trace {
            request_id: String::new(),
            name: String::new(),
            operation: String::new(),
            rating: Rating::Normal,
            kind: Kind::ApiCall,
            time,
            request: String::new(),
            response: String::new(),
            code: 200,
            api_version: String::new(),
            message: String::new(),
            user: User::default(),
            service: String::new(),
            resource_type: String::new(),
            resource_id: String::new(),
            resource_name: String::new(),
            source_ip: String::new(),
            project: tracker.project,
            enterprise_project: EnterpriseProjectId::DEFAULT,
            count: 1,
        })
    }

    #[test]
    fn a_tracker_that_an_earlier_release_wrote_gathers_nothing_of_others() {
        for (organization, less) in [(None, 1), (Some(5), 0)] {
            let tracker = Tracker { organization, ..tracker() };
            let record = creation(hsm::service::Kind::CtsTracker, 1, &tracker).unwrap().value.unwrap();
            let record = record[..record.len() - less].to_vec();
            let read =
                Kept::<Tracker>::read_longer((1, hsm::vault::Version(1), record.into()), &[NONE]).unwrap();
            assert_eq!(*read.value, tracker);
        }
    }

    #[test]
    fn what_was_made_while_it_was_disabled_is_not_taken_and_all_else_is() {
        let mut tracker = tracker();
        for (on, now) in [(false, 10), (false, 15), (true, 20), (true, 25), (false, 30)] {
            tracker.enable(on, now);
        }
        let taken: Vec<_> = (5..=40).step_by(5).filter(|time| takes(&tracker, *time)).collect();
        assert_eq!(taken, [5, 10, 20, 25, 30]);
    }

    #[test]
    fn the_oldest_pauses_are_forgotten_and_nothing_of_them_is_taken() {
        let mut tracker = tracker();
        for turn in 0..1000 {
            tracker.enable(turn % 2 == 1, turn * 10);
        }
        assert_eq!(tracker.pauses.len(), MAX_PAUSES);
        assert!((0..1000_u64).filter(|turn| turn % 2 == 0).all(|turn| !takes(&tracker, turn * 10 + 5)));
        assert!(takes(&tracker, 9_815) && takes(&tracker, 10_000));
    }
}
