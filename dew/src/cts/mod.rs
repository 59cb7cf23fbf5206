//! Cloud Trace Service: who did what to which resource, as its owner sees it in the last seven days. A trace is a record
//! of the audit log; this is what a trace says, what it must not say, and how traces are found again.

mod error;
mod file;
mod index;
mod mask;
mod notification;
mod outside;
mod permit;
mod table;
mod trace;
mod tracker;
mod tracking;

use std::sync::Arc;

use hsm::Hsm;
use hsm::service::Write;

pub use error::CtsError;
pub use file::TraceFile;
pub use index::{DAYS, Field, Filter, Found, Index};
pub use mask::Masked;
pub use notification::{Notification, Operations, Rules, Terms};
pub use outside::{Outside, bucket_fault};
pub use table::{Act, TRACED, Traced, by_itself, traced};
pub use trace::{Kind, Rating, Trace, User, trace_id};
pub use tracker::{
    MAX_DATA, Pause, SYSTEM, Target, TargetChange, Tracker, TrackerChange, TrackerKind, Watched,
};

use crate::iam::{AccountId, Iam};
use crate::kms::Kept;
use crate::leaving::Staying;
use notification::Notifications;
use tracker::Trackers;

/// The CTS, but for the traces themselves: these are in the audit log.
pub struct Cts {
    hsm: Arc<Hsm>,
    iam: Arc<Iam>,
    outside: Box<dyn Outside>,
    trackers: Trackers,
    notifications: Notifications,
}

impl Cts {
    /// The CTS of an HSM.
    ///
    /// # Errors
    /// What the vault says.
    pub fn open(hsm: Arc<Hsm>, iam: Arc<Iam>, outside: Box<dyn Outside>) -> Result<Self, CtsError> {
        let (trackers, notifications) = (Trackers::read(&hsm)?, Notifications::read(&hsm)?);
        Ok(Self { hsm, iam, outside, trackers, notifications })
    }

    /// Reads what is kept anew, after it was restored from a backup.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reload(&self) -> Result<(), CtsError> {
        self.trackers.replace(Trackers::read(&self.hsm)?);
        self.notifications.replace(Notifications::read(&self.hsm)?);
        Ok(())
    }

    /// Has the trackers and notifications of an account go with what `then` commits.
    pub(crate) fn without(
        &self,
        account: AccountId,
        then: impl FnOnce(Vec<Write>) -> Result<(), Staying>,
    ) -> Result<(), Staying> {
        let _turn = self.trackers.turn.lock();
        let is_its = |tracker: &Kept<Tracker>| tracker.account == account;
        let deletion = |tracker: &Kept<Tracker>| tracker.deletion(hsm::service::Kind::CtsTracker);
        let mut writes: Vec<_> =
            self.trackers.by_name.read().values().filter(|one| is_its(one)).map(deletion).collect();
        self.without_notifications(account, |more| {
            writes.extend(more);
            then(writes)
        })?;
        self.trackers.by_name.write().retain(|_, tracker| !is_its(tracker));
        Ok(())
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.hsm.time_ms()
    }
}
