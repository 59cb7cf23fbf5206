//! Lists the notifications of the project.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::notification_fields::Shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    notification_type: String,
    notification_name: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    notifications: Vec<Shown>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListNotifications";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{project_id}/notifications/{notification_type}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        let all = services.cts.list_notifications(caller, self.notification_name.as_deref())?;
        let notifications = match self.notification_type.as_str() {
            "smn" => all.into_iter().map(Shown::from).collect(),
            // There are no functions to be called.
            "fun" => Vec::new(),
            other => {
                let text = format!("notification_type {other:?} is unknown: expected smn or fun");
                return Err(CtsError::Field(text));
            }
        };
        Ok(Reply { notifications })
    }
}
