//! Shows how many projects the account may have, and has.

use dew::caller::Caller;
use dew::iam::{IamError, Quota};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::desk::Desk;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowProjectQuota";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-QUOTA/projects/{project_id}";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let (desk, _) = Desk::about_project::<Self>(caller, services)?;
        let used = desk.iam.projects(desk.account).len();
        let most = Quota::Project.most();
        let row = json!({ "type": "project", "quota": most, "used": used, "min": 0, "max": most });
        Ok(json!({ "quotas": { "resources": [row] } }))
    }
}
