//! Notifications as requests and answers have them.

use dew::cts::{CtsError, Notification, Operations, Rules, Terms};
use serde::{Deserialize, Serialize};

/// The fields of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    notification_name: String,
    operation_type: String,
    agency_name: Option<String>,
    #[serde(default)]
    operations: Vec<Named>,
    #[serde(default)]
    notify_user_list: Vec<Users>,
    topic_id: Option<String>,
    filter: Option<Filter>,
    status: Option<String>,
    pub(super) notification_id: Option<String>,
}

/// `Operations`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Named {
    service_type: String,
    resource_type: String,
    trace_names: Vec<String>,
}

/// `NotificationUsers`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Users {
    user_group: String,
    user_list: Vec<String>,
}

/// `Filter`
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    condition: String,
    is_support_filter: bool,
    rule: Vec<String>,
}

impl Fields {
    /// What the notification is to be.
    pub(super) fn terms(self, status: Option<&str>) -> Result<Terms, CtsError> {
        let complete = match self.operation_type.as_str() {
            "complete" => true,
            "customized" => false,
            other => {
                let text = format!("operation_type {other:?} is unknown: expected complete or customized");
                return Err(CtsError::Field(text));
            }
        };
        let enabled = match status {
            None | Some("enabled") => true,
            Some("disabled") => false,
            Some(_) => return Err(CtsError::Status),
        };
        let named = |one: Named| Operations {
            service: one.service_type,
            resource: one.resource_type,
            names: one.trace_names,
        };
        let rules = |filter: Filter| Rules::parse(filter.is_support_filter, &filter.condition, &filter.rule);
        Ok(Terms {
            name: self.notification_name,
            complete,
            operations: self.operations.into_iter().map(named).collect(),
            users: self.notify_user_list.into_iter().map(|one| (one.user_group, one.user_list)).collect(),
            topic: self.topic_id.filter(|topic| !topic.is_empty()),
            agency: self.agency_name.unwrap_or_default(),
            rules: self.filter.map(rules).transpose()?,
            enabled,
        })
    }

    /// The status, which a change must have.
    pub(super) fn take_status(&mut self) -> Option<String> {
        self.status.take()
    }
}

/// A notification as answers show it.
#[derive(Serialize)]
pub(super) struct Shown {
    notification_name: String,
    operation_type: &'static str,
    agency_name: String,
    operations: Vec<Named>,
    notify_user_list: Vec<Users>,
    status: &'static str,
    topic_id: String,
    notification_id: String,
    notification_type: &'static str,
    project_id: String,
    create_time: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Filter>,
}

impl From<Notification> for Shown {
    fn from(of: Notification) -> Self {
        let terms = of.terms;
        let named = |one: Operations| Named {
            service_type: one.service,
            resource_type: one.resource,
            trace_names: one.names,
        };
        let filter = |rules: Rules| Filter {
            condition: if rules.all { "AND" } else { "OR" }.to_owned(),
            is_support_filter: rules.on,
            rule: rules.texts().collect(),
        };
        Self {
            notification_name: terms.name,
            operation_type: if terms.complete { "complete" } else { "customized" },
            agency_name: terms.agency,
            operations: terms.operations.into_iter().map(named).collect(),
            notify_user_list: terms
                .users
                .into_iter()
                .map(|(user_group, user_list)| Users { user_group, user_list })
                .collect(),
            status: if terms.enabled { "enabled" } else { "disabled" },
            topic_id: terms.topic.unwrap_or_default(),
            notification_id: of.id.to_string(),
            notification_type: "smn",
            project_id: of.project.to_string(),
            create_time: of.created,
            filter: terms.rules.map(filter),
        }
    }
}
