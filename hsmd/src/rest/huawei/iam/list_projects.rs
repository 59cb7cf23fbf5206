//! Lists the projects of the account.

use dew::caller::Caller;
use dew::iam::IamError;
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
    domain_id: Option<String>,
    name: Option<String>,
    parent_id: Option<String>,
    enabled: Option<Flag>,
    is_domain: Option<Flag>,
    page: Option<Number>,
    per_page: Option<Number>,
}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneListProjects";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/projects";

    fn run(self, caller: &Caller, services: &Services) -> Result<Value, IamError> {
        let desk = Desk::permitted::<Self>(caller, services, None)?;
        let own = desk.account.to_string();
        let others = self.domain_id.is_some_and(|id| id != own) || self.is_domain == Some(Flag(true));
        // One that is named is found by its name, however many there are.
        let all = match self.name {
            _ if others => Vec::new(),
            Some(name) => desk.iam.project_named(desk.account, &name).into_iter().collect(),
            None => desk.iam.projects(desk.account),
        };
        let parent =
            |project: &dew::iam::Project| project.parent.map_or_else(|| own.clone(), |id| id.to_string());
        let wanted = all.into_iter().filter(|project| {
            self.enabled.is_none_or(|enabled| enabled.0 != project.suspended)
                && self.parent_id.as_ref().is_none_or(|id| *id == parent(project))
        });
        let projects = page(wanted.collect(), self.page, self.per_page)?;
        let projects: Vec<_> = projects.iter().map(|project| shown::project(project)).collect();
        Ok(json!({ "projects": projects, "links": shown::list_links("/v3/projects") }))
    }
}
