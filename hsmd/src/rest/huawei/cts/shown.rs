//! Traces as the interface shows them.

use dew::cts::{Act, Trace, traced};
use serde::Serialize;

/// `Traces`, with what the user guide's example has besides.
#[derive(Serialize)]
pub(crate) struct Shown {
    trace_id: String,
    trace_name: String,
    trace_rating: &'static str,
    trace_type: &'static str,
    event_type: &'static str,
    tracker_name: &'static str,
    time: u64,
    record_time: u64,
    request: String,
    response: String,
    code: String,
    api_version: String,
    message: String,
    source_ip: String,
    service_type: String,
    resource_type: String,
    resource_id: String,
    resource_name: String,
    resource_account_id: String,
    request_id: String,
    operation_id: String,
    read_only: bool,
    project_id: String,
    domain_id: String,
    enterprise_project_id: String,
    user: User,
}

/// `UserInfo`
#[derive(Serialize)]
struct User {
    id: String,
    name: String,
    user_name: String,
    domain: Domain,
    account_id: String,
    access_key_id: String,
    principal_urn: String,
    principal_id: String,
    principal_is_root_user: String,
    #[serde(rename = "type")]
    kind: String,
    session_context: Context,
}

/// `BaseUser`
#[derive(Serialize)]
struct Domain {
    id: String,
    name: String,
}

/// `SessionContext`
#[derive(Serialize)]
struct Context {
    attributes: Attributes,
}

/// `Attributes`
#[derive(Serialize)]
struct Attributes {
    mfa_authenticated: String,
}

impl From<Trace> for Shown {
    fn from(trace: Trace) -> Self {
        let user = trace.user.clone();
        let changes = traced(&trace.service, &trace.operation).is_some_and(|row| row.act == Act::Change);
        let principal = match user.kind.as_str() {
            "User" => "user",
            _ => "agency",
        };
        Self {
            trace_id: trace.id(),
            trace_name: trace.name,
            trace_rating: trace.rating.name(),
            trace_type: trace.kind.name(),
            event_type: "system",
            tracker_name: "system",
            time: trace.time,
            record_time: trace.time,
            request: trace.request,
            response: trace.response,
            code: trace.code.to_string(),
            api_version: trace.api_version,
            message: trace.message,
            source_ip: trace.source_ip,
            service_type: trace.service,
            resource_type: trace.resource_type,
            resource_id: trace.resource_id,
            resource_name: trace.resource_name,
            resource_account_id: user.account.clone(),
            request_id: trace.request_id,
            operation_id: trace.operation,
            read_only: !changes,
            project_id: trace.project.to_string(),
            domain_id: user.account.clone(),
            enterprise_project_id: trace.enterprise_project.to_string(),
            user: User {
                principal_urn: format!("iam::{}:{principal}:{}", user.account, user.name),
                principal_id: user.id.clone(),
                principal_is_root_user: user.is_root.to_string(),
                id: user.id,
                user_name: user.name.clone(),
                name: user.name,
                domain: Domain { id: user.account.clone(), name: user.account_name },
                account_id: user.account,
                access_key_id: user.access_key,
                kind: user.kind,
                session_context: Context {
                    attributes: Attributes { mfa_authenticated: user.mfa.to_string() },
                },
            },
        }
    }
}
