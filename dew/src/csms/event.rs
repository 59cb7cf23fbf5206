//! Events: by which changes of secrets somebody is told, and of which kinds.

use std::collections::BTreeSet;
use std::sync::Arc;

use hsm::service::Kind;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::allow::About;
use super::error::{CsmsError, Result};
use super::list::{Page, Paged};
use super::secret::{Secret, VersionId, check_name};
use super::{Csms, Project};
use crate::caller::Caller;
use crate::kms::record::{Kept, creation};
use crate::kms::{Millis, Uuid};
use crate::message::{self, Draft, Filter, Message, To};

/// What is told of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventKind {
    /// It has a new version.
    VersionCreated,
    /// A version of it has expired.
    VersionExpired,
    /// It was rotated.
    Rotated,
    /// It is gone.
    Deleted,
    /// It could not be rotated.
    RotationFailed,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::VersionCreated, Self::VersionExpired, Self::Rotated, Self::Deleted, Self::RotationFailed];

    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VersionCreated => "SECRET_VERSION_CREATED",
            Self::VersionExpired => "SECRET_VERSION_EXPIRED",
            Self::Rotated => "SECRET_ROTATED",
            Self::Deleted => "SECRET_DELETED",
            Self::RotationFailed => "SECRET_ROTATED_FAILED",
        }
    }

    /// How much it matters.
    #[must_use]
    pub const fn level(self) -> &'static str {
        match self {
            Self::VersionCreated | Self::Rotated => "normal",
            Self::VersionExpired | Self::Deleted | Self::RotationFailed => "warning",
        }
    }

    /// The kinds that the interface writes so: one at least, each once.
    ///
    /// # Errors
    /// `Field`
    pub fn named(names: &[String]) -> Result<BTreeSet<Self>> {
        let one = |name: &String| {
            Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                CsmsError::Field(format!("event_types: {name:?} is unknown: expected {names}"))
            })
        };
        let kinds: BTreeSet<_> = names.iter().map(one).collect::<Result<_>>()?;
        if kinds.is_empty() {
            return Err(CsmsError::Field("event_types names at least one type".to_owned()));
        }
        Ok(kinds)
    }
}

/// To where it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The topic's URN.
    pub id: String,
    /// The topic's name.
    pub name: String,
}

/// An event: a record in the partition of its project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its id.
    pub id: Uuid,
    /// Its name, which no other event of the project has.
    pub name: String,
    /// What is told.
    pub kinds: BTreeSet<EventKind>,
    /// Whether anything is.
    pub enabled: bool,
    /// When it was made.
    pub created: Millis,
    /// When it was last changed.
    pub updated: Millis,
    /// To where.
    pub target: Target,
}

/// What is to become of an event; what is not named stays as it is.
#[derive(Clone, Debug, Default)]
pub struct EventChange {
    /// What is told.
    pub kinds: Option<BTreeSet<EventKind>>,
    /// Whether anything is.
    pub enabled: Option<bool>,
    /// To where.
    pub target: Option<Target>,
}

impl Csms {
    /// Makes an event.
    ///
    /// # Errors
    /// `Field`, `EventTaken`, `EventQuota`; `Forbidden`; what the HSM says.
    pub fn create_event(
        &self,
        caller: &Caller,
        name: &str,
        kinds: BTreeSet<EventKind>,
        enabled: bool,
        target: Target,
    ) -> Result<Kept<Event>> {
        let (project, account) = self.permitted_in(caller, "CreateSecretEvent", About::name(name))?;
        check_name("name", name)?;
        check_target(&target)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        let number = {
            let shelf = project.shelf.read();
            if shelf.event(name).is_ok() {
                return Err(CsmsError::EventTaken);
            }
            if shelf.events.len() >= self.quotas.events {
                return Err(CsmsError::EventQuota(self.quotas.events));
            }
            shelf.next_event
        };
        let (id, now) = (Uuid::from_random(self.hsm.random()?), self.now());
        let event = Event { id, name: name.to_owned(), kinds, enabled, created: now, updated: now, target };
        let write = creation(Kind::CsmsEvent, number, &event)?;
        let version = self.commit(caller, &project, "create an event", &about(&event), vec![write])?;
        let event = Kept { number, version, value: Arc::new(event) };
        project.shelf.write().show_event(event.clone());
        Ok(event)
    }

    /// Changes an event.
    ///
    /// # Errors
    /// `Field`; `NoEvent`, `Forbidden`; what the HSM says.
    pub fn update_event(&self, caller: &Caller, name: &str, change: EventChange) -> Result<Kept<Event>> {
        let (project, _) = self.event_of(caller, "UpdateSecretEvent", name)?;
        change.target.as_ref().map_or(Ok(()), check_target)?;
        let _turn = project.turn.lock();
        let there = project.shelf.read().event(name)?.clone();
        let Event { id, name, kinds, enabled, created, target, .. } = (*there).clone();
        let changed = Event {
            kinds: change.kinds.unwrap_or(kinds),
            enabled: change.enabled.unwrap_or(enabled),
            target: change.target.unwrap_or(target),
            updated: self.now(),
            id,
            name,
            created,
        };
        let write = there.update(Kind::CsmsEvent, &changed)?;
        let version = self.commit(caller, &project, "change an event", &about(&changed), vec![write])?;
        let changed = there.updated(version, changed);
        project.shelf.write().show_event(changed.clone());
        Ok(changed)
    }

    /// Takes an event away by which no secret is told of.
    ///
    /// # Errors
    /// `EventInUse`; `NoEvent`, `Forbidden`; what the HSM says.
    pub fn delete_event(&self, caller: &Caller, name: &str) -> Result<()> {
        let (project, _) = self.event_of(caller, "DeleteSecretEvent", name)?;
        let _turn = project.turn.lock();
        let there = project.shelf.read().event(name)?.clone();
        let used = {
            let (shelf, now) = (project.shelf.read(), self.now());
            let tells =
                |secret: &&Kept<Secret>| secret.event.as_deref() == Some(name) && !secret.is_gone(now);
            let users = shelf.secrets.values().filter(tells).map(|secret| secret.name.as_str());
            users.take(5).collect::<Vec<_>>().join(", ")
        };
        if !used.is_empty() {
            return Err(CsmsError::EventInUse(used));
        }
        let write = there.deletion(Kind::CsmsEvent);
        self.commit(caller, &project, "delete an event", &about(&there), vec![write])?;
        project.shelf.write().events.remove(&there.number);
        Ok(())
    }

    /// An event.
    ///
    /// # Errors
    /// `NoEvent`, `Forbidden`
    pub fn show_event(&self, caller: &Caller, name: &str) -> Result<Kept<Event>> {
        Ok(self.event_of(caller, "ShowSecretEvent", name)?.1)
    }

    /// The events of the project, in the order in which they were made.
    ///
    /// # Errors
    /// `Field`; `Forbidden`
    pub fn list_events(&self, caller: &Caller, page: &Page<'_>) -> Result<Paged<Kept<Event>>> {
        let (project, account) = self.permitted_in(caller, "ListSecretEvents", About::default())?;
        let events = match self.project(project, account)? {
            Some(project) => project.shelf.read().events.values().cloned().collect(),
            None => Vec::new(),
        };
        page.of(events, |event| event.number)
    }

    fn event_of(
        &self,
        caller: &Caller,
        operation: &'static str,
        name: &str,
    ) -> Result<(Arc<Project>, Kept<Event>)> {
        let (project, account) = self.permitted_in(caller, operation, About::name(name))?;
        let project = self.project(project, account)?.ok_or(CsmsError::NoEvent)?;
        let event = project.shelf.read().event(name)?.clone();
        Ok((project, event))
    }

    /// The event that a secret is to be told of by: an empty name is for none. Held by the project's turn.
    pub(super) fn event_to_tell_by(&self, project: &Project, name: Option<&str>) -> Result<Option<String>> {
        match name {
            None | Some("") => Ok(None),
            Some(name) => Ok(Some(project.shelf.read().event(name)?.name.clone())),
        }
    }

    /// What tells somebody of a secret.
    pub(super) fn told(
        &self,
        project: &Project,
        secret: &Secret,
        kind: EventKind,
        version: VersionId,
    ) -> Result<Vec<Draft>> {
        let Some(name) = &secret.event else { return Ok(Vec::new()) };
        // It may go once its last secret is past its date, which is before that is taken away.
        let Ok(event) = project.shelf.read().event(name).cloned() else { return Ok(Vec::new()) };
        if !event.enabled || !event.kinds.contains(&kind) {
            return Ok(Vec::new());
        }
        let region = self.iam.project(project.id).map(|project| project.region().to_owned());
        let content = json!({
            "event_name": event.name,
            "event_type": kind.name(),
            "event_level": kind.level(),
            "time": self.now(),
            "region": region.unwrap_or_default(),
            "domain_id": project.account.to_string(),
            "project_id": project.id.to_string(),
            "secret_id": secret.id.to_string(),
            "secret_name": secret.name,
            "secret_type": secret.kind.name(),
            "version_id": version.to_string(),
        });
        let fields = [
            (SECRET_NAME, secret.name.as_str()),
            (SECRET_TYPE, secret.kind.name()),
            (TARGET_NAME, &event.target.name),
            (TARGET_ID, &event.target.id),
        ];
        let message = message::Event {
            project: project.id,
            source: SOURCE,
            name: &event.name,
            kind: kind.name(),
            subject: &secret.id.to_string(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            to: To::Topic(self.messages.urn_in(project.id, &event.target.id)),
            title: &format!("{}: secret {}", kind.name(), secret.name),
            content: content.to_string(),
            secret: false,
            lasts: None,
        };
        Ok(vec![self.messages.draft(message)?])
    }

    /// What was told of secrets of the project and what became of that, the newest first.
    ///
    /// # Errors
    /// `Field`; `Forbidden`; what the HSM says.
    pub fn notifications(&self, caller: &Caller, page: &Page<'_>) -> Result<Paged<Notified>> {
        let (project, _) = self.permitted_in(caller, "ListNotificationRecords", About::default())?;
        let (limit, before) = page.backwards()?;
        let filter = Filter { source: Some(SOURCE), ..Filter::default() };
        let mut found = self.messages.list(project, &filter, before, limit.saturating_add(1))?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(number, _)| number.to_string());
        Ok(Paged {
            items: found.into_iter().map(|(_, message)| Notified(message)).collect(),
            next,
            previous: None,
        })
    }
}

/// Where a message of ours has what a list shows of it.
const SOURCE: &str = "csms";
const SECRET_NAME: &str = "secret_name";
const SECRET_TYPE: &str = "secret_type";
const TARGET_NAME: &str = "target_name";
const TARGET_ID: &str = "target_id";

/// Something that was told.
pub struct Notified(Message);

impl Notified {
    /// The event by which it was.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.0.name
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.0.kind
    }

    /// When.
    #[must_use]
    pub const fn at(&self) -> Millis {
        self.0.created
    }

    /// The secret's name then, and its type.
    #[must_use]
    pub fn secret(&self) -> (&str, &str) {
        (self.field(SECRET_NAME), self.field(SECRET_TYPE))
    }

    /// The topic as the event named it: its URN or whatever it was, and its name.
    #[must_use]
    pub fn target(&self) -> (&str, &str) {
        (self.field(TARGET_ID), self.field(TARGET_NAME))
    }

    /// What was said.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.0.content
    }

    /// What became of it.
    #[must_use]
    pub const fn state(&self) -> &message::State {
        &self.0.state
    }

    fn field(&self, wanted: &str) -> &str {
        let found = self.0.fields.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

fn about(event: &Event) -> [(&'static str, String); 2] {
    [("event", event.id.to_string()), ("name", event.name.clone())]
}

/// Refuses what is no topic.
fn check_target(target: &Target) -> Result<()> {
    const MAX: usize = 1024;
    for (field, text) in [("target_id", &target.id), ("target_name", &target.name)] {
        if text.is_empty() || text.len() > MAX || text.chars().any(char::is_control) {
            return Err(CsmsError::Field(format!("notification: {field} has 1 to {MAX} characters")));
        }
    }
    Ok(())
}
