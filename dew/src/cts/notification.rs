//! Notifications: somebody is told at once of traces that he wants to know of. Each is a record of the HSM; what it takes
//! becomes a message in the commit that also says how far the log was read, so that each trace is told once.

use std::collections::BTreeMap;
use std::sync::Arc;

use hsm::service::{Deed, Kind, Write};
use hsm::vault::Version;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Cts, CtsError, Trace, trace_id};
use crate::caller::Caller;
use crate::iam::{AccountId, ProjectId};
use crate::kms::record::{Kept, creation};
use crate::kms::{Millis, Uuid};
use crate::message::{Event, Messages, To};

/// The most notifications of a project.
const MAX: usize = 100;
/// The most operations, groups of users, users, and rules of one.
const MAX_PARTS: usize = 100;
const MAX_GROUPS: usize = 10;
const MAX_USERS: usize = 50;
const MAX_RULES: usize = 6;
/// The most bytes of a name in one.
const MAX_TEXT: usize = 256;

/// Operations that are told of: those of a type of resource of a service, by the names of their traces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// The service, such as `KMS`.
    pub service: String,
    /// The type of resource, such as `CMK`.
    pub resource: String,
    /// The names of the traces.
    pub names: Vec<String>,
}

/// A rule on a field of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Rule {
    field: Compared,
    is: bool,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Compared {
    ApiVersion,
    Code,
    Rating,
    Kind,
    ResourceId,
    ResourceName,
}

impl Compared {
    const ALL: [(Self, &'static str); 6] = [
        (Self::ApiVersion, "api_version"),
        (Self::Code, "code"),
        (Self::Rating, "trace_rating"),
        (Self::Kind, "trace_type"),
        (Self::ResourceId, "resource_id"),
        (Self::ResourceName, "resource_name"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    fn of(self, trace: &Trace) -> String {
        match self {
            Self::ApiVersion => trace.api_version.clone(),
            Self::Code => trace.code.to_string(),
            Self::Rating => trace.rating.name().to_owned(),
            Self::Kind => trace.kind.name().to_owned(),
            Self::ResourceId => trace.resource_id.clone(),
            Self::ResourceName => trace.resource_name.clone(),
        }
    }
}

/// Rules of which all must hold, or one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Whether they are looked at.
    pub on: bool,
    /// Whether all must hold.
    pub all: bool,
    rules: Vec<Rule>,
}

impl Rules {
    /// Rules as the interface writes them: `code = 200`, `resource_name != one`.
    ///
    /// # Errors
    /// `Field`
    pub fn parse(on: bool, condition: &str, rules: &[String]) -> Result<Self, CtsError> {
        let all = match condition {
            "AND" => true,
            "OR" => false,
            _ => return Err(CtsError::Field("filter: condition is AND or OR".to_owned())),
        };
        if rules.len() > MAX_RULES || (on && rules.is_empty()) {
            return Err(CtsError::Field(format!("filter: expected 1 to {MAX_RULES} rules")));
        }
        let rule = |text: &String| {
            let (field, is, value) = match text.split_once("!=") {
                Some((field, value)) => (field, false, value),
                None => text.split_once('=').map(|(field, value)| (field, true, value))?,
            };
            let (field, value) = (field.trim(), value.trim());
            let (field, _) = Compared::ALL.into_iter().find(|(_, name)| *name == field)?;
            (!value.is_empty() && value.len() <= 256).then(|| Rule { field, is, value: value.to_owned() })
        };
        let rules = rules.iter().map(|text| {
            let fields = Compared::ALL.map(|(_, name)| name).join(", ");
            let wrong =
                || format!("filter: {text:?}: expected a field, = or !=, and a value; fields are {fields}");
            rule(text).ok_or_else(|| CtsError::Field(wrong()))
        });
        Ok(Self { on, all, rules: rules.collect::<Result<_, _>>()? })
    }

    /// The rules, as the interface writes them.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.rules
            .iter()
            .map(|rule| format!("{} {} {}", rule.field.name(), if rule.is { "=" } else { "!=" }, rule.value))
    }

    fn fit(&self, trace: &Trace) -> bool {
        let holds = |rule: &Rule| (rule.field.of(trace) == rule.value) == rule.is;
        match (self.on, self.all) {
            (false, _) => true,
            (true, true) => self.rules.iter().all(holds),
            (true, false) => self.rules.iter().any(holds),
        }
    }
}

/// What a notification is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Its name.
    pub name: String,
    /// Whether all operations are told of.
    pub complete: bool,
    /// Those that are, if not all.
    pub operations: Vec<Operations>,
    /// Whose are: groups, each with names of users; everybody's if there are none.
    pub users: Vec<(String, Vec<String>)>,
    /// The topic that is told; none is.
    pub topic: Option<String>,
    /// The agency by which the cloud would tell; nothing goes by it.
    pub agency: String,
    /// Which of their traces.
    pub rules: Option<Rules>,
    /// Whether anything is told.
    pub enabled: bool,
}

/// A notification: a record of the HSM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project: ProjectId,
    /// The account.
    pub account: AccountId,
    /// When it was made.
    pub created: Millis,
    /// Traces from this time on are told of.
    since: Millis,
    /// What it tells.
    pub terms: Terms,
}

impl Notification {
    /// Whether it tells of a trace.
    fn takes(&self, trace: &Trace) -> bool {
        let Terms { complete, operations, users, rules, enabled, topic, .. } = &self.terms;
        let named = |one: &Operations| {
            one.service == trace.service
                && one.resource == trace.resource_type
                && one.names.contains(&trace.name)
        };
        *enabled
            && topic.is_some()
            && trace.project == self.project
            && trace.time >= self.since
            && (*complete || operations.iter().any(named))
            && (users.is_empty() || users.iter().any(|(_, names)| names.contains(&trace.user.name)))
            && rules.as_ref().is_none_or(|rules| rules.fit(trace))
    }
}

/// How far the log was read for notifications: a record of the HSM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    done: u64,
}

const MARK: u64 = 1;

/// All notifications.
#[derive(Default)]
pub(super) struct Notifications {
    by_id: RwLock<BTreeMap<Uuid, Kept<Notification>>>,
    mark: Mutex<Option<Kept<Mark>>>,
    turn: Mutex<()>,
}

impl Notifications {
    pub(super) fn read(hsm: &hsm::Hsm) -> Result<Self, CtsError> {
        let all = Self::default();
        for read in hsm.service_records(Kind::CtsNotification)? {
            let one: Kept<Notification> = Kept::read(read).map_err(CtsError::Kept)?;
            all.by_id.write().insert(one.id, one);
        }
        if let Some(read) = hsm.service_record(Kind::CtsNotified, MARK)? {
            *all.mark.lock() = Some(Kept::read(read).map_err(CtsError::Kept)?);
        }
        Ok(all)
    }

    pub(super) fn replace(&self, with: Self) {
        *self.by_id.write() = with.by_id.into_inner();
        *self.mark.lock() = with.mark.into_inner();
    }
}

impl Cts {
    /// Makes a notification.
    ///
    /// # Errors
    /// `Field`, `Notifications`, `NotificationTaken`; `Forbidden`; what the HSM says.
    pub fn create_notification(&self, caller: &Caller, terms: Terms) -> Result<Notification, CtsError> {
        let project = self.permitted_project(caller, "CreateNotification")?;
        let _turn = self.notifications.turn.lock();
        check(&terms)?;
        let number = {
            let all = self.notifications.by_id.read();
            let own = || all.values().filter(|one| one.project == project.id);
            if own().count() >= MAX {
                return Err(CtsError::Notifications(MAX));
            }
            if own().any(|one| one.terms.name == terms.name) {
                return Err(CtsError::NotificationTaken);
            }
            all.values().map(|one| one.number).max().unwrap_or(0) + 1
        };
        let (id, now) = (Uuid::from_random(self.hsm.random()?), self.now());
        let (project, account) = (project.id, project.account);
        let made = Notification { id, project, account, created: now, since: now, terms };
        let write = creation(Kind::CtsNotification, number, &made).map_err(CtsError::Kept)?;
        let version = self.keep_notification(caller, "create a notification", &made, write)?;
        let kept = Kept { number, version, value: Arc::new(made.clone()) };
        self.notifications.by_id.write().insert(id, kept);
        Ok(made)
    }

    /// Changes a notification to what it is to be.
    ///
    /// # Errors
    /// `NoNotification`; as [`Self::create_notification`].
    pub fn update_notification(
        &self,
        caller: &Caller,
        id: &str,
        terms: Terms,
    ) -> Result<Notification, CtsError> {
        let project = self.permitted_project(caller, "UpdateNotification")?;
        let _turn = self.notifications.turn.lock();
        let there = self.notification(project.id, id)?;
        check(&terms)?;
        let taken = |one: &Kept<Notification>| {
            one.project == project.id && one.id != there.id && one.terms.name == terms.name
        };
        if self.notifications.by_id.read().values().any(taken) {
            return Err(CtsError::NotificationTaken);
        }
        // What was left while it was disabled is not told later.
        let since = if terms.enabled && !there.terms.enabled { self.now() } else { there.since };
        let changed = Notification { since, terms, ..(*there).clone() };
        let write = there.update(Kind::CtsNotification, &changed).map_err(CtsError::Kept)?;
        let version = self.keep_notification(caller, "change a notification", &changed, write)?;
        let kept = there.updated(version, changed.clone());
        self.notifications.by_id.write().insert(there.id, kept);
        Ok(changed)
    }

    /// Takes a notification away.
    ///
    /// # Errors
    /// `NoNotification`; `Forbidden`; what the HSM says.
    pub fn delete_notification(&self, caller: &Caller, id: &str) -> Result<(), CtsError> {
        let project = self.permitted_project(caller, "DeleteNotification")?;
        let _turn = self.notifications.turn.lock();
        let there = self.notification(project.id, id)?;
        let write = there.deletion(Kind::CtsNotification);
        self.keep_notification(caller, "delete a notification", &there, write)?;
        self.notifications.by_id.write().remove(&there.id);
        Ok(())
    }

    /// The notifications of the project, in the order in which they were made: that of a name, if one is given.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn list_notifications(
        &self,
        caller: &Caller,
        name: Option<&str>,
    ) -> Result<Vec<Notification>, CtsError> {
        let project = self.permitted_project(caller, "ListNotifications")?;
        let all = self.notifications.by_id.read();
        let fits = |one: &&Kept<Notification>| {
            one.project == project.id && name.is_none_or(|name| name == one.terms.name)
        };
        let mut own: Vec<_> = all.values().filter(fits).cloned().collect();
        own.sort_by_key(|one| one.number);
        Ok(own.iter().map(|one| (**one).clone()).collect())
    }

    /// From when on traces are to be told of; none if nobody wants to be told. And how far the log was read for that.
    #[must_use]
    pub fn to_be_told(&self) -> Option<(Millis, Option<u64>)> {
        let all = self.notifications.by_id.read();
        let wanted = all.values().filter(|one| one.terms.enabled && one.terms.topic.is_some());
        let since = wanted.map(|one| one.since).min()?;
        Some((since, self.notifications.mark.lock().as_ref().map(|mark| mark.done)))
    }

    /// Tells of traces, and keeps in the same commit how far the log was read. Without any to tell of, that is kept if it
    /// is `far` from where it was.
    ///
    /// # Errors
    /// What the HSM says: then nothing was told.
    pub fn tell(&self, messages: &Messages, traces: &[Trace], upto: u64, far: u64) -> Result<(), CtsError> {
        // Nobody changes one between the look at it and the commit.
        let _turn = self.notifications.turn.lock();
        let mut drafts = Vec::new();
        for trace in traces {
            let all = self.notifications.by_id.read();
            for one in all.values().filter(|one| one.takes(trace)) {
                let Some(topic) = &one.terms.topic else { continue };
                let event = Event {
                    project: one.project,
                    source: "cts",
                    name: &one.terms.name,
                    kind: &trace.name,
                    subject: &one.id.to_string(),
                    fields: vec![("resource_name".to_owned(), trace.resource_name.clone())],
                    to: To::Topic(messages.urn_in(one.project, topic)),
                    title: &format!("{}: {} {}", one.terms.name, trace.name, trace.resource_name),
                    content: content(one, trace),
                    secret: false,
                    lasts: None,
                };
                drafts.push(messages.draft(event)?);
            }
        }
        let there = self.notifications.mark.lock().clone();
        // A log that began anew counts from the beginning.
        let near = there.as_ref().is_some_and(|mark| upto >= mark.done && upto - mark.done < far);
        if drafts.is_empty() && near {
            return Ok(());
        }
        let mark = Mark { done: upto };
        let mark_write = match &there {
            Some(there) => there.update(Kind::CtsNotified, &mark),
            None => creation(Kind::CtsNotified, MARK, &mark),
        };
        let (mut writes, mut pending) = (vec![mark_write.map_err(CtsError::Kept)?], Vec::new());
        for draft in drafts {
            writes.push(draft.write);
            pending.push(draft.pending);
        }
        let version = self.hsm.service_commit(writes, &[], &[])?;
        *self.notifications.mark.lock() = Some(Kept { number: MARK, version, value: Arc::new(mark) });
        pending.iter().for_each(|one| messages.committed(one, version));
        Ok(())
    }

    /// Has the notifications of an account go with what `then` commits.
    pub(super) fn without_notifications<E>(
        &self,
        account: AccountId,
        then: impl FnOnce(Vec<Write>) -> Result<(), E>,
    ) -> Result<(), E> {
        let _turn = self.notifications.turn.lock();
        let is_its = |one: &Kept<Notification>| one.account == account;
        let writes = {
            let all = self.notifications.by_id.read();
            let its = all.values().filter(|one| is_its(one));
            its.map(|one| one.deletion(Kind::CtsNotification)).collect()
        };
        then(writes)?;
        self.notifications.by_id.write().retain(|_, one| !is_its(one));
        Ok(())
    }

    fn notification(&self, project: ProjectId, id: &str) -> Result<Kept<Notification>, CtsError> {
        let id: Uuid = id.parse().map_err(|_| CtsError::NoNotification)?;
        let found = self.notifications.by_id.read().get(&id).cloned();
        found.filter(|one| one.project == project).ok_or(CtsError::NoNotification)
    }

    fn keep_notification(
        &self,
        caller: &Caller,
        action: &'static str,
        notification: &Notification,
        write: Write,
    ) -> Result<Version, CtsError> {
        let guest = caller.guest();
        let by = guest.actor();
        let details = [
            ("project", notification.project.to_string()),
            ("notification", notification.id.to_string()),
            ("name", notification.terms.name.clone()),
            ("request", caller.request.to_string()),
        ];
        Ok(self.hsm.service_commit(vec![write], &[], &[Deed { by, action, details: &details }])?)
    }
}

/// What is told of a trace.
fn content(notification: &Notification, trace: &Trace) -> String {
    json!({
        "notification_name": notification.terms.name,
        "trace_id": trace_id(&trace.request_id),
        "trace_name": trace.name,
        "trace_rating": trace.rating.name(),
        "trace_type": trace.kind.name(),
        "service_type": trace.service,
        "resource_type": trace.resource_type,
        "resource_id": trace.resource_id,
        "resource_name": trace.resource_name,
        "code": trace.code.to_string(),
        "time": trace.time,
        "source_ip": trace.source_ip,
        "user": { "id": trace.user.id, "name": trace.user.name, "domain": { "id": trace.user.account, "name": trace.user.account_name } },
        "project_id": trace.project.to_string(),
    })
    .to_string()
}

fn check(terms: &Terms) -> Result<(), CtsError> {
    let refuse = |text: String| Err(CtsError::Field(text));
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if !(1..=64).contains(&terms.name.chars().count()) || !terms.name.chars().all(is_name) {
        return refuse("notification_name: expected 1 to 64 letters, digits and _".to_owned());
    }
    if terms.complete != terms.operations.is_empty() {
        return refuse(
            "operations: named if operation_type is customized, and not if it is complete".to_owned(),
        );
    }
    let parts = terms.operations.iter().map(|one| one.names.len().max(1)).sum::<usize>();
    if parts > MAX_PARTS {
        return refuse(format!("operations: at most {MAX_PARTS}"));
    }
    for one in &terms.operations {
        let is_known = |name: &String| {
            super::TRACED.iter().any(|row| {
                row.service == one.service
                    && row.resource == one.resource
                    && row.names().iter().any(|known| known == name)
            })
        };
        if one.names.is_empty() || !one.names.iter().all(is_known) {
            return refuse(format!(
                "operations: {} {} has no such operations: ListOperations has those that there are",
                one.service, one.resource
            ));
        }
    }
    let texts = terms.users.iter().flat_map(|(group, users)| users.iter().chain([group]));
    let texts = texts.chain(&terms.topic).chain([&terms.agency]);
    if texts.into_iter().any(|text| text.len() > MAX_TEXT) {
        return refuse(format!("groups, users, topic_id and agency_name have at most {MAX_TEXT} bytes"));
    }
    let users = terms.users.iter().map(|(_, users)| users.len()).sum::<usize>();
    if terms.users.len() > MAX_GROUPS || users > MAX_USERS {
        return refuse(format!("notify_user_list: at most {MAX_GROUPS} groups and {MAX_USERS} users"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
