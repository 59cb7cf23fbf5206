//! What is done to trackers: asked for, checked against what there is outside, and kept in the commit of its record.

use std::sync::Arc;

use hsm::service::{Deed, Kind, Write};

use super::outside::{bucket_fault, is_prefix};
use super::tracker::{MAX_DATA, SYSTEM, Target, TargetChange, Tracker, TrackerChange, TrackerKind, Watched};
use super::{Cts, CtsError};
use crate::caller::Caller;
use crate::iam::{AccountId, Project, ProjectId};
use crate::kms::Uuid;
use crate::kms::record::{Kept, creation};
use crate::tag::{MAX_TAGS, TagError, Tags};

impl Cts {
    /// Makes a tracker.
    ///
    /// # Errors
    /// `Name`, `SystemName`, `DataName`, `SystemThere`, `Taken`, `Quota`; as [`Self::update_tracker`].
    pub fn create_tracker(
        &self,
        caller: &Caller,
        kind: TrackerKind,
        name: &str,
        change: TrackerChange,
    ) -> Result<Tracker, CtsError> {
        let project = self.permitted_project(caller, "CreateTracker")?;
        check_name(kind, name)?;
        let _turn = self.trackers.turn.lock();
        let there = self.trackers.find(project.id, name);
        match kind {
            TrackerKind::System if there.as_ref().is_none_or(|there| !there.gone) => {
                return Err(CtsError::SystemThere);
            }
            TrackerKind::Data if there.is_some() => return Err(CtsError::Taken),
            TrackerKind::Data if self.data_trackers(project.id).len() >= MAX_DATA => {
                return Err(CtsError::Quota(MAX_DATA));
            }
            _ => {}
        }
        let now = self.now();
        let mut tracker = Tracker::system(&project);
        (tracker.created, tracker.since) = (now, now);
        if kind == TrackerKind::Data {
            tracker.id = Uuid::from_random(self.hsm.random()?);
            (tracker.name, tracker.kind) = (name.to_owned(), kind);
        }
        self.change(caller, &mut tracker, change)?;
        self.keep(caller, "create a tracker", there.as_ref(), tracker)
    }

    /// Changes a tracker.
    ///
    /// # Errors
    /// `NoTracker`; what is wrong with what it is to be; `Bucket`, `NoSuchDataBucket` if a bucket is not there;
    /// `Forbidden`; what the HSM says.
    pub fn update_tracker(
        &self,
        caller: &Caller,
        kind: TrackerKind,
        name: &str,
        change: TrackerChange,
    ) -> Result<Tracker, CtsError> {
        let project = self.permitted_project(caller, "UpdateTracker")?;
        check_name(kind, name)?;
        let _turn = self.trackers.turn.lock();
        let (there, mut tracker) = self.tracker_named(&project, name)?;
        self.change(caller, &mut tracker, change)?;
        self.keep(caller, "change a tracker", there.as_ref(), tracker)
    }

    /// Takes a tracker away, or all data trackers if none is named. Traces stay as they are.
    ///
    /// # Errors
    /// `NoTracker`, `SystemName`; `Forbidden`; what the HSM says.
    pub fn delete_tracker(
        &self,
        caller: &Caller,
        kind: TrackerKind,
        name: Option<&str>,
    ) -> Result<(), CtsError> {
        let project = self.permitted_project(caller, "DeleteTracker")?;
        let _turn = self.trackers.turn.lock();
        if kind == TrackerKind::System {
            if name.is_some_and(|name| name != SYSTEM) {
                return Err(CtsError::SystemName);
            }
            let (there, _) = self.tracker_named(&project, SYSTEM)?;
            let gone = Tracker { gone: true, ..Tracker::system(&project) };
            return self.keep(caller, "delete a tracker", there.as_ref(), gone).map(drop);
        }
        let mut doomed = self.data_trackers(project.id);
        if let Some(name) = name {
            doomed.retain(|tracker| tracker.name == name);
            if doomed.is_empty() {
                return Err(CtsError::NoTracker);
            }
        }
        self.drop_trackers(caller, &doomed)
    }

    /// The trackers of the project: those of a kind, and of a name.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn list_trackers(
        &self,
        caller: &Caller,
        kind: Option<TrackerKind>,
        name: Option<&str>,
    ) -> Result<Vec<Tracker>, CtsError> {
        let project = self.permitted_project(caller, "ListTrackers")?;
        let mut all = self.trackers_of(&project);
        all.retain(|tracker| {
            kind.is_none_or(|kind| kind == tracker.kind) && name.is_none_or(|name| name == tracker.name)
        });
        Ok(all)
    }

    /// How many trackers of each kind there are, and at most can be.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn tracker_quotas(&self, caller: &Caller) -> Result<[(TrackerKind, usize, usize); 2], CtsError> {
        let project = self.permitted_project(caller, "ListQuotas")?;
        let all = self.trackers_of(&project);
        Ok([(TrackerKind::Data, MAX_DATA), (TrackerKind::System, 1)].map(|(kind, most)| {
            let used = all.iter().filter(|tracker| tracker.kind == kind).count();
            (kind, used, most)
        }))
    }

    /// Gives a tracker tags: one whose key is there gets another value. All of these or none.
    ///
    /// # Errors
    /// `Tag`, `Field`; `NoTracker`, `Forbidden`; what the HSM says.
    pub fn tag_tracker(&self, caller: &Caller, id: &str, tags: &[(String, String)]) -> Result<(), CtsError> {
        check_amount(tags)?;
        let given = Tags::new(tags)?;
        self.change_tags(caller, "BatchCreateResourceTags", "tag a tracker", (id, Some(&given)), |all| {
            given.iter().try_for_each(|(key, value)| all.put(key, value))
        })
    }

    /// Takes tags from a tracker. Those that are not there are no error.
    ///
    /// # Errors
    /// `Field`; `NoTracker`, `Forbidden`; what the HSM says.
    pub fn untag_tracker(&self, caller: &Caller, id: &str, keys: &[String]) -> Result<(), CtsError> {
        check_amount(keys)?;
        self.change_tags(caller, "BatchDeleteResourceTags", "take tags from a tracker", (id, None), |all| {
            keys.iter().for_each(|key| drop(all.remove(key)));
            Ok(())
        })
    }

    /// Id and name of the tracker of a project that a request is about: by its id, else by its name.
    #[must_use]
    pub fn tracker_about(
        &self,
        project: ProjectId,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Option<(String, String)> {
        let all = self.trackers_of(&*self.iam.project(project)?);
        let is_meant = |tracker: &Tracker| match id {
            Some(id) => tracker.id.to_string() == id,
            None => name == Some(tracker.name.as_str()),
        };
        let found = all.into_iter().find(is_meant)?;
        Some((found.id.to_string(), found.name))
    }

    /// Why nothing can be written to a bucket; none if it can.
    #[must_use]
    pub fn bucket_fault(&self, account: AccountId, bucket: &str) -> Option<String> {
        bucket_fault(bucket).map(str::to_owned).or_else(|| self.outside.fault(account, bucket))
    }

    /// The trackers that transfer, of projects that are there; those that are disabled have what was made before.
    #[must_use]
    pub fn transferring(&self) -> Vec<Tracker> {
        let all = self.trackers.by_name.read();
        let transfers = |tracker: &&Kept<Tracker>| {
            let due = !tracker.gone && tracker.target.is_some();
            due && tracker.kind == TrackerKind::System && self.iam.project(tracker.project).is_some()
        };
        all.values().filter(transfers).map(|tracker| self.as_it_may(tracker)).collect()
    }

    /// A tracker, which gathers no traces of others if its account may not any more.
    fn as_it_may(&self, tracker: &Tracker) -> Tracker {
        let organization = tracker.organization.filter(|_| self.gathers(tracker.account));
        Tracker { organization, ..tracker.clone() }
    }

    /// The region that a project is in.
    #[must_use]
    pub fn region_of(&self, project: ProjectId) -> String {
        self.iam.project(project).map(|project| project.region().to_owned()).unwrap_or_default()
    }

    /// All trackers of a project, the management tracker first.
    fn trackers_of(&self, project: &Project) -> Vec<Tracker> {
        let system = self.tracker_named(project, SYSTEM).ok().map(|(_, tracker)| self.as_it_may(&tracker));
        let data = self.data_trackers(project.id).into_iter().map(|tracker| Tracker::clone(&tracker));
        system.into_iter().chain(data).collect()
    }

    fn data_trackers(&self, project: ProjectId) -> Vec<Kept<Tracker>> {
        let all = self.trackers.by_name.read();
        let of_project = all.values().filter(|tracker| tracker.project == project);
        of_project.filter(|tracker| tracker.kind == TrackerKind::Data).cloned().collect()
    }

    /// A tracker, and what is kept of it.
    fn tracker_named(
        &self,
        project: &Project,
        name: &str,
    ) -> Result<(Option<Kept<Tracker>>, Tracker), CtsError> {
        match self.trackers.find(project.id, name) {
            Some(kept) if kept.gone => Err(CtsError::NoTracker),
            Some(kept) => {
                let tracker = Tracker::clone(&kept);
                Ok((Some(kept), tracker))
            }
            None if name == SYSTEM => Ok((None, Tracker::system(project))),
            None => Err(CtsError::NoTracker),
        }
    }

    /// Makes a tracker what it is to be, as far as that can be.
    fn change(&self, caller: &Caller, tracker: &mut Tracker, change: TrackerChange) -> Result<(), CtsError> {
        tracker.enable(change.enabled.unwrap_or(tracker.enabled), self.now());
        tracker.without_data_keys = change.without_data_keys.unwrap_or(tracker.without_data_keys);
        if let Some(agency) = change.agency {
            if agency.len() > 64 {
                return Err(CtsError::Field("agency_name: expected at most 64 characters".to_owned()));
            }
            tracker.agency = agency;
        }
        tracker.logs = change.logs.unwrap_or(tracker.logs);
        if change.logs == Some(true) && !self.outside.forwards() {
            let why = "is_lts_enabled: records are sent to no receiver of logs: [audit.forward] in hsmd.toml is not set";
            return Err(CtsError::Field(why.to_owned()));
        }
        if let Some(on) = change.organization {
            self.gather(tracker, on)?;
        }
        self.watch(caller, tracker, change.bucket, change.events.as_deref())?;
        if let Some(target) = change.target {
            self.aim(tracker, target)?;
        }
        Ok(())
    }

    /// Has a tracker transfer the traces of all accounts from now on, or no more.
    fn gather(&self, tracker: &mut Tracker, on: bool) -> Result<(), CtsError> {
        if on && (tracker.kind != TrackerKind::System || !self.gathers(tracker.account)) {
            return Err(CtsError::Organization);
        }
        tracker.organization = on.then(|| tracker.organization.unwrap_or(self.now()));
        Ok(())
    }

    /// Whether the organization lets an account gather the traces of all.
    fn gathers(&self, account: AccountId) -> bool {
        self.iam.trace_administrator() == Some(account)
    }

    /// Lets a data tracker watch a bucket, which is to be there.
    fn watch(
        &self,
        caller: &Caller,
        tracker: &mut Tracker,
        bucket: Option<String>,
        events: Option<&[String]>,
    ) -> Result<(), CtsError> {
        if tracker.kind == TrackerKind::System {
            return if bucket.is_some() || events.is_some() { Err(CtsError::SystemBucket) } else { Ok(()) };
        }
        let is_new = tracker.watched.is_none();
        let bucket = match (&tracker.watched, bucket.filter(|bucket| !bucket.is_empty())) {
            (Some(watched), Some(bucket)) if watched.bucket != bucket => {
                return Err(CtsError::OtherDataBucket);
            }
            (Some(watched), _) => watched.bucket.clone(),
            (None, bucket) => bucket.ok_or(CtsError::NoDataBucket)?,
        };
        if is_new && let Some(why) = self.bucket_fault(caller.identity.account, &bucket) {
            return Err(CtsError::NoSuchDataBucket(why));
        }
        if let Some(events) = events {
            let has = |name: &str| events.iter().any(|event| event == name);
            let (reads, writes) = (has("READ"), has("WRITE"));
            if events.iter().any(|event| event != "READ" && event != "WRITE") || !(reads || writes) {
                return Err(CtsError::NoDataBucket);
            }
            tracker.watched = Some(Watched { bucket, reads, writes });
        }
        let watched = tracker.watched.as_ref().ok_or(CtsError::NoDataBucket)?;
        let shares = |other: &Kept<Tracker>| {
            let same = other.watched.as_ref().filter(|other| other.bucket == watched.bucket);
            let both = |other: &Watched| (other.reads && watched.reads) || (other.writes && watched.writes);
            other.id != tracker.id && same.is_some_and(both)
        };
        if self.data_trackers(tracker.project).iter().any(shares) {
            return Err(CtsError::Tracked);
        }
        Ok(())
    }

    /// Says where a tracker transfers to: to a bucket that is there, or is made now.
    fn aim(&self, tracker: &mut Tracker, change: TargetChange) -> Result<(), CtsError> {
        if change.bucket.as_deref() == Some("") {
            tracker.target = None;
            return Ok(());
        }
        let is_new = tracker.target.is_none();
        let mut target = match (tracker.target.take(), change.bucket) {
            (Some(target), None) => target,
            (Some(target), Some(bucket)) => Target { bucket, ..target },
            (None, Some(bucket)) => {
                Target { bucket, prefix: String::new(), gzip: true, by_service: true, made: false }
            }
            (None, None) => return Err(CtsError::Bucket("expected bucket_name".to_owned())),
        };
        target.prefix = change.prefix.unwrap_or(target.prefix);
        if !is_prefix(&target.prefix) {
            return Err(CtsError::Prefix);
        }
        target.gzip = change.gzip.unwrap_or(target.gzip);
        target.by_service = change.by_service.unwrap_or(target.by_service);
        if tracker.watched.as_ref().is_some_and(|watched| watched.bucket == target.bucket) {
            return Err(CtsError::IntoItself);
        }
        if let Some(why) = bucket_fault(&target.bucket) {
            return Err(CtsError::Bucket(why.to_owned()));
        }
        if change.make {
            self.outside.make(tracker.account, &target.bucket).map_err(CtsError::Bucket)?;
            target.made = true;
        }
        if let Some(why) = self.outside.fault(tracker.account, &target.bucket) {
            return Err(CtsError::Bucket(why));
        }
        if is_new {
            tracker.since = self.now();
        }
        tracker.target = Some(target);
        Ok(())
    }

    fn change_tags(
        &self,
        caller: &Caller,
        operation: &str,
        action: &'static str,
        (id, given): (&str, Option<&Tags>),
        change: impl FnOnce(&mut Tags) -> Result<(), TagError>,
    ) -> Result<(), CtsError> {
        let project = self.own(caller)?;
        let _turn = self.trackers.turn.lock();
        let found = self.trackers_of(&project).into_iter().find(|tracker| tracker.id.to_string() == id);
        self.allow_tagging(caller, operation, &project, found.as_ref().map(|tracker| &tracker.tags), given)?;
        let mut tracker = found.ok_or(CtsError::NoTracker)?;
        change(&mut tracker.tags)?;
        let there = self.trackers.find(project.id, &tracker.name);
        self.keep(caller, action, there.as_ref(), tracker).map(drop)
    }

    /// Commits what a tracker is now, and shows it.
    fn keep(
        &self,
        caller: &Caller,
        action: &'static str,
        was: Option<&Kept<Tracker>>,
        tracker: Tracker,
    ) -> Result<Tracker, CtsError> {
        let number = match was {
            Some(was) => was.number,
            None => self.hsm.service_records(Kind::CtsTracker)?.last().map_or(1, |(number, ..)| number + 1),
        };
        let write = match was {
            Some(was) => was.update(Kind::CtsTracker, &tracker),
            None => creation(Kind::CtsTracker, number, &tracker),
        };
        let write = write.map_err(CtsError::Kept)?;
        let version = self.commit(caller, action, &[&tracker], vec![write])?;
        self.trackers.show(Kept { number, version, value: Arc::new(tracker.clone()) });
        Ok(tracker)
    }

    /// Takes trackers away, all of them or none.
    fn drop_trackers(&self, caller: &Caller, doomed: &[Kept<Tracker>]) -> Result<(), CtsError> {
        if doomed.is_empty() {
            return Ok(());
        }
        let writes = doomed.iter().map(|tracker| tracker.deletion(Kind::CtsTracker)).collect();
        let trackers: Vec<&Tracker> = doomed.iter().map(|tracker| &**tracker).collect();
        self.commit(caller, "delete a tracker", &trackers, writes)?;
        let mut all = self.trackers.by_name.write();
        for tracker in trackers {
            all.remove(&(tracker.project, tracker.name.clone()));
        }
        Ok(())
    }

    fn commit(
        &self,
        caller: &Caller,
        action: &'static str,
        trackers: &[&Tracker],
        writes: Vec<Write>,
    ) -> Result<hsm::vault::Version, CtsError> {
        let guest = caller.guest();
        let details = |tracker: &&Tracker| {
            [
                ("project", tracker.project.to_string()),
                ("tracker", tracker.name.clone()),
                ("state", if tracker.enabled { "enabled" } else { "disabled" }.to_owned()),
                ("bucket", tracker.target.as_ref().map(|target| target.bucket.clone()).unwrap_or_default()),
                ("request", caller.request.to_string()),
            ]
        };
        let details: Vec<_> = trackers.iter().map(details).collect();
        let deeds: Vec<_> =
            details.iter().map(|details| Deed { by: guest.actor(), action, details }).collect();
        Ok(self.hsm.service_commit(writes, &[], &deeds)?)
    }
}

fn check_name(kind: TrackerKind, name: &str) -> Result<(), CtsError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    match kind {
        TrackerKind::System if name != SYSTEM => Err(CtsError::SystemName),
        TrackerKind::Data if name == SYSTEM => Err(CtsError::DataName),
        _ if !begins || name.len() > 32 || !name.bytes().all(allowed) => Err(CtsError::Name),
        _ => Ok(()),
    }
}

fn check_amount<T>(tags: &[T]) -> Result<(), CtsError> {
    if (1..=MAX_TAGS).contains(&tags.len()) {
        return Ok(());
    }
    Err(CtsError::Field(format!("tags: expected 1 to {MAX_TAGS} tags, and not {}", tags.len())))
}
