//! Lists who is given what in the account.

use dew::caller::Caller;
use dew::iam::{IamError, Scope, Subject};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Flag, page};
use super::desk::Desk;
use super::shown;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {
    domain_id: String,
    role_id: Option<String>,
    #[serde(rename = "subject.user_id")]
    user_id: Option<String>,
    #[serde(rename = "subject.group_id")]
    group_id: Option<String>,
    #[serde(rename = "subject.agency_id")]
    agency_id: Option<String>,
    #[serde(rename = "scope.project_id")]
    project_id: Option<String>,
    #[serde(rename = "scope.enterprise_projects_id")]
    enterprise_project_id: Option<String>,
    is_inherited: Option<Flag>,
    page: Option<Number>,
    per_page: Option<Number>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "ShowDomainRoleAssignments";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3.0/OS-PERMISSION/role-assignments";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        desk.in_account(Some(&self.domain_id))?;
        let is = |wanted: &Option<String>, id: Option<String>| wanted.is_none() || *wanted == id;
        let wanted = desk.iam.assignments(desk.account).into_iter().filter(|given| {
            let (mut user, mut group, mut agency) = (None, None, None);
            match given.to {
                Subject::User(id) => user = Some(id.to_string()),
                Subject::Group(id) => group = Some(id.to_string()),
                Subject::Agency(id) => agency = Some(id.to_string()),
            }
            let (mut project, mut enterprise) = (None, None);
            match given.scope {
                Scope::Project(id) => project = Some(id.to_string()),
                Scope::EnterpriseProject(id) => enterprise = Some(id.to_string()),
                Scope::Account | Scope::AllProjects => {}
            }
            is(&self.role_id, Some(given.role.to_string()))
                && is(&self.user_id, user)
                && is(&self.group_id, group)
                && is(&self.agency_id, agency)
                && is(&self.project_id, project)
                && is(&self.enterprise_project_id, enterprise)
                && self.is_inherited.is_none_or(|flag| flag.0 == (given.scope == Scope::AllProjects))
        });
        let wanted: Vec<_> = wanted.collect();
        let total = wanted.len();
        let given: Vec<_> =
            page(wanted, self.page, self.per_page)?.iter().map(|given| shown::assignment(given)).collect();
        Ok(json!({ "role_assignments": given, "total_num": total }))
    }
}
