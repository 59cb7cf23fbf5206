//! Lists the enterprise projects in which a group is given something.

use dew::caller::Caller;
use dew::iam::{IamError, Subject};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::id;
use super::desk::Desk;
use super::shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    group_id: String,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ListEnterpriseProjectsForGroup";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-PERMISSION/groups/{group_id}/enterprise-projects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, Some(&self.group_id))?;
        let to = Subject::Group(id(&self.group_id, "group")?);
        desk.known(to)?;
        Ok(json!({ "enterprise-projects": shown::enterprise_projects_of(desk.iam, to) }))
    }
}
