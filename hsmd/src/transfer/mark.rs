//! How far each tracker's traces are transferred: a small file for each beside the audit log, to whose numbers it belongs.

use std::fs;
use std::io;
use std::path::PathBuf;

use dew::cts::{Pause, Target, Tracker};
use dew::kms::{Millis, Uuid};
use serde::{Deserialize, Serialize};

use super::buckets::make_within;
use crate::audit::{Audit, replace_durably};

/// What is to be transferred, as it was when it was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The number of the last record that it covers.
    pub(super) upto: u64,
    /// When it was begun.
    pub(super) time: Millis,
    /// Where to.
    pub(super) target: Target,
    /// From when on traces are of it.
    since: Millis,
    /// Whether those of data keys are left out.
    without_data_keys: bool,
    /// When it was disabled.
    #[serde(default)]
    pauses: Vec<Pause>,
    /// From when on those of all accounts are.
    #[serde(default)]
    organization: Option<Millis>,
}

impl Plan {
    /// The plan for a tracker that transfers.
    pub(super) fn of(tracker: &Tracker, upto: u64, time: Millis) -> Option<Self> {
        let target = tracker.target.clone()?;
        let (since, without_data_keys) = (tracker.since, tracker.without_data_keys);
        let (pauses, organization) = (tracker.pauses.clone(), tracker.organization);
        Some(Self { upto, time, target, since, without_data_keys, pauses, organization })
    }

    /// The tracker as it was.
    pub(super) fn tracker(&self, now: &Tracker) -> Tracker {
        let (since, without_data_keys) = (self.since, self.without_data_keys);
        let (target, pauses) = (Some(self.target.clone()), self.pauses.clone());
        Tracker { target, since, without_data_keys, pauses, organization: self.organization, ..now.clone() }
    }
}

/// How far a tracker is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The number of the last record that is done.
    pub(super) done: u64,
    /// What was begun, and may be done in part.
    pub(super) plan: Option<Plan>,
}

/// The marks of all trackers.
pub(super) struct Marks {
    log: PathBuf,
}

impl Marks {
    /// Those that belong to a log.
    pub(super) fn of(audit: &Audit) -> Self {
        Self { log: audit.directory() }
    }

    /// The mark of a tracker; none if it was never begun.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(&self, tracker: Uuid) -> io::Result<Option<Mark>> {
        let path = self.log.join(crate::audit::TRANSFERRED).join(name(tracker));
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                io::Error::other(format!("{} is not as it was written: {error}", path.display()))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the mark of a tracker, durably.
    ///
    /// # Errors
    /// If it is not written.
    pub(super) fn write(&self, tracker: Uuid, mark: &Mark) -> io::Result<()> {
        let folder = make_within(&self.log, crate::audit::TRANSFERRED)?;
        replace_durably(&folder, &name(tracker), &serde_json::to_vec(mark).map_err(io::Error::other)?)
    }
}

fn name(tracker: Uuid) -> String {
    format!("{tracker}.json")
}
