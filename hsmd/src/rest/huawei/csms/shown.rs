//! Secrets, versions, stages and events as answers show them.

use dew::csms::{Event, Paged, Rotation, Secret, Stage, Target, Version};
use dew::iam::EnterpriseProjectId;
use serde::{Deserialize, Serialize};

/// `Secret`
#[derive(Serialize)]
pub(super) struct SecretInfo {
    id: String,
    name: String,
    state: &'static str,
    kms_key_id: String,
    description: String,
    create_time: u64,
    update_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_delete_time: Option<u64>,
    secret_type: &'static str,
    auto_rotation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_period: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_config: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_time: Option<u64>,
    event_subscriptions: Vec<String>,
    enterprise_project_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_func_urn: Option<String>,
}

impl From<&Secret> for SecretInfo {
    fn from(secret: &Secret) -> Self {
        let Rotation { automatic, period, target, function, last, next, .. } = &secret.rotation;
        Self {
            id: secret.id.to_string(),
            name: secret.name.clone(),
            state: secret.state().name(),
            kms_key_id: secret.key.to_string(),
            description: secret.description.clone(),
            create_time: secret.created,
            update_time: secret.updated,
            scheduled_delete_time: secret.goes,
            secret_type: secret.kind.name(),
            auto_rotation: *automatic,
            rotation_period: period.map(|period| period.to_string()),
            rotation_config: target.map(|target| target.to_string()),
            rotation_time: *last,
            next_rotation_time: *next,
            event_subscriptions: secret.event.iter().cloned().collect(),
            enterprise_project_id: EnterpriseProjectId(secret.enterprise_project).to_string(),
            rotation_func_urn: function.clone(),
        }
    }
}

/// The answer of most operations about a secret.
#[derive(Serialize)]
pub(super) struct SecretReply {
    secret: SecretInfo,
}

impl From<&Secret> for SecretReply {
    fn from(secret: &Secret) -> Self {
        Self { secret: secret.into() }
    }
}

/// `VersionMetadata`
#[derive(Serialize)]
pub(super) struct VersionMetadata {
    id: String,
    create_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_time: Option<u64>,
    kms_key_id: String,
    secret_name: String,
    version_stages: Vec<String>,
}

impl VersionMetadata {
    pub(super) fn of(secret: &Secret, version: &Version) -> Self {
        Self {
            id: version.id.to_string(),
            create_time: version.created,
            expire_time: version.expires,
            kms_key_id: version.key.to_string(),
            secret_name: secret.name.clone(),
            version_stages: secret.stages_of(version.id).map(str::to_owned).collect(),
        }
    }
}

/// The answer of operations about a version.
#[derive(Serialize)]
pub(super) struct VersionReply {
    pub(super) version_metadata: VersionMetadata,
}

/// `Stage`
#[derive(Serialize)]
struct StageInfo {
    name: String,
    update_time: u64,
    secret_name: String,
    version_id: String,
}

/// The answer of operations about a stage.
#[derive(Serialize)]
pub(super) struct StageReply {
    stage: StageInfo,
}

impl StageReply {
    pub(super) fn of(secret: &Secret, stage: Stage) -> Self {
        let Stage { name, version, updated } = stage;
        let (secret_name, version_id) = (secret.name.clone(), version.to_string());
        Self { stage: StageInfo { name, update_time: updated, secret_name, version_id } }
    }
}

/// `Notification`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notification {
    target_type: String,
    target_id: String,
    target_name: String,
}

impl TryFrom<Notification> for Target {
    type Error = dew::csms::CsmsError;
    fn try_from(from: Notification) -> Result<Self, Self::Error> {
        match from.target_type.as_str() {
            "SMN" => Ok(Self { id: from.target_id, name: from.target_name }),
            other => Err(Self::Error::Field(format!("target_type {other:?} is unknown: expected SMN"))),
        }
    }
}

/// `Event`
#[derive(Serialize)]
pub(super) struct EventInfo {
    name: String,
    event_id: String,
    event_types: Vec<&'static str>,
    state: &'static str,
    create_time: u64,
    update_time: u64,
    notification: Notification,
}

impl From<&Event> for EventInfo {
    fn from(event: &Event) -> Self {
        let Target { id, name } = event.target.clone();
        Self {
            name: event.name.clone(),
            event_id: event.id.to_string(),
            event_types: event.kinds.iter().map(|kind| kind.name()).collect(),
            state: if event.enabled { "ENABLED" } else { "DISABLED" },
            create_time: event.created,
            update_time: event.updated,
            notification: Notification { target_type: "SMN".to_owned(), target_id: id, target_name: name },
        }
    }
}

/// The answer of operations about an event.
#[derive(Serialize)]
pub(super) struct EventReply {
    event: EventInfo,
}

impl From<&Event> for EventReply {
    fn from(event: &Event) -> Self {
        Self { event: event.into() }
    }
}

/// Whether an event is enabled, as the interface writes it.
pub(super) fn enabled(state: &str) -> Result<bool, dew::csms::CsmsError> {
    match state {
        "ENABLED" => Ok(true),
        "DISABLED" => Ok(false),
        other => {
            let text = format!("state {other:?} is unknown: expected ENABLED or DISABLED");
            Err(dew::csms::CsmsError::Field(text))
        }
    }
}

/// `PageInfo`
#[derive(Serialize)]
pub(super) struct PageInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_marker: Option<String>,
    current_count: usize,
}

impl<T> From<&Paged<T>> for PageInfo {
    fn from(page: &Paged<T>) -> Self {
        Self {
            next_marker: page.next.clone(),
            previous_marker: page.previous.clone(),
            current_count: page.items.len(),
        }
    }
}
