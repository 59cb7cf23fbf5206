//! What came of rotations in the last month.

use dew::caller::Caller;
use dew::csms::{CsmsError, Page, Task, TaskFilter};
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: Option<String>,
    status: Option<String>,
    task_id: Option<String>,
    limit: Option<String>,
    marker: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    total: usize,
    tasks: Vec<SecretTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
}

/// `SecretTask`
#[derive(Serialize)]
struct SecretTask {
    task_id: String,
    secret_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_func_urn: Option<String>,
    task_status: &'static str,
    operate_type: &'static str,
    task_time: u64,
    attempt_nums: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_error_msg: Option<String>,
}

impl From<&Task> for SecretTask {
    fn from(task: &Task) -> Self {
        let (task_error_code, task_error_msg) = task.failure.clone().unzip();
        Self {
            task_id: task.id.to_string(),
            secret_name: task.name.clone(),
            rotation_func_urn: task.function.clone(),
            task_status: if task.succeeded() { "SUCCESS" } else { "FAILED" },
            operate_type: if task.asked { "MANUAL" } else { "AUTOMATIC" },
            task_time: task.at,
            attempt_nums: task.attempts,
            task_error_code,
            task_error_msg,
        }
    }
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListSecretTask";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/tasks";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let succeeded = match self.status.as_deref() {
            None => None,
            Some("SUCCESS") => Some(true),
            Some("FAILED") => Some(false),
            Some(other) => {
                let text = format!("status {other:?} is unknown: expected SUCCESS or FAILED");
                return Err(CsmsError::Field(text));
            }
        };
        let filter =
            TaskFilter { secret: self.secret_name.as_deref(), succeeded, id: self.task_id.as_deref() };
        let page = Page { limit: self.limit.as_deref(), marker: self.marker.as_deref() };
        let (total, page) = services.csms.tasks(caller, filter, &page)?;
        let tasks = page.items.iter().map(|task| (&**task).into()).collect();
        Ok(Reply { total, tasks, next_marker: page.next })
    }
}
