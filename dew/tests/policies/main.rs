//! The permission engine against the user guide: its tables cell by cell, its examples as they are written, and what must
//! hold of all policies. The REST tests ask for much of the same over the wire.

mod conditions;
mod documents;
mod guide;
mod properties;
mod sources;
mod speed;
mod tables;

use dew::iam::policy::{
    Action, Asked, Attached, Context, Holder, Identity, Policy, Request, Resource, Scope, SystemPolicy,
    decide,
};

const ACCOUNT: &str = "a1";
const REGION: &str = "region-1";
const PROJECT: &str = "p1";

/// A request for an operation on something of the own account.
pub(crate) fn about<'a>(action: Action, path: Option<&'a str>, context: &'a Context<'a>) -> Request<'a> {
    Request { action: Asked::Known(action), resource: Resource::of(action, REGION, ACCOUNT, path), context }
}

pub(crate) fn context() -> Context<'static> {
    Context {
        account_id: ACCOUNT,
        user_id: Some("u1"),
        user_name: Some("alice"),
        project_id: Some(PROJECT),
        ..Context::default()
    }
}

pub(crate) fn system(name: &str) -> &'static Policy {
    SystemPolicy::find(name).and_then(SystemPolicy::policy).unwrap_or_else(|| panic!("no policy {name}"))
}

pub(crate) fn policy(text: &str) -> Policy {
    Policy::parse("custom", text).unwrap()
}

/// A policy with one statement: its effect and actions.
pub(crate) fn one(effect: &str, actions: &[&str]) -> Policy {
    policy(&format!(r#"{{"Version":"1.1","Statement":[{{"Effect":"{effect}","Action":{actions:?}}}]}}"#))
}

/// Whether policies, attached everywhere to a group, let an action be done to something.
pub(crate) fn may_do(policies: &[&Policy], action: Action, path: Option<&str>) -> bool {
    let attached: Vec<_> = policies.iter().map(|policy| everywhere(policy)).collect();
    let (identity, context) = (Identity(&attached), context());
    decide(&about(action, path, &context), &[&identity]).is_allowed()
}

pub(crate) fn everywhere(policy: &Policy) -> Attached<'_> {
    Attached { policy, scope: Scope::Everywhere, to: Holder::Group("g") }
}

/// The actions of an operation; there are some.
pub(crate) fn actions(service: &str, operation: &str) -> Vec<Action> {
    let actions: Vec<_> = Action::of_operation(service, operation).collect();
    assert!(!actions.is_empty(), "no operation {operation} of {service}");
    actions
}

/// Whether policies let an operation of a service be done, by each action it may need.
pub(crate) fn may(policies: &[&Policy], service: &str, operation: &str) -> bool {
    let each: Vec<_> =
        actions(service, operation).into_iter().map(|action| may_do(policies, action, Some("x"))).collect();
    assert!(each.iter().all(|one| *one == each[0]), "{operation} is allowed by half");
    each[0]
}
