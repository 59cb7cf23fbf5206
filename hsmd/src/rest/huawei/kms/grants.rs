//! Grants as answers show them.

use dew::kms::{Grant, Kept, Paged};
use serde::Serialize;

/// `ListGrantsResponse`
#[derive(Serialize)]
pub(super) struct GrantList {
    grants: Vec<Shown>,
    next_marker: String,
    truncated: &'static str,
    total: usize,
}

/// `Grants`
#[derive(Serialize)]
struct Shown {
    key_id: String,
    grant_id: String,
    grantee_principal: String,
    grantee_principal_type: &'static str,
    operations: Vec<&'static str>,
    issuing_principal: String,
    creation_date: String,
    name: String,
    retiring_principal: String,
}

impl From<Paged<Kept<Grant>>> for GrantList {
    fn from(page: Paged<Kept<Grant>>) -> Self {
        let one = |grant: &Kept<Grant>| Shown {
            key_id: grant.key.to_string(),
            grant_id: grant.id.to_string(),
            grantee_principal: grant.grantee.id(),
            grantee_principal_type: grant.grantee.kind(),
            operations: grant.operations.iter().map(|operation| operation.name()).collect(),
            issuing_principal: grant.issuer.clone(),
            creation_date: grant.created.to_string(),
            name: grant.name.clone(),
            retiring_principal: grant.retiring.map(|id| id.to_string()).unwrap_or_default(),
        };
        Self {
            grants: page.items.iter().map(one).collect(),
            truncated: if page.next.is_some() { "true" } else { "false" },
            next_marker: page.next.unwrap_or_default(),
            total: page.total,
        }
    }
}
