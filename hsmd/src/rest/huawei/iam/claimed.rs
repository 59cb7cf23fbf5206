//! Who an unsigned request says that it comes from: for its trace alone, since nothing is proven by saying so.

use std::sync::Arc;

use dew::iam::{Iam, Identity};
use serde::Deserialize;
use serde_json::Value;

use super::token_fields::Login;

/// The user whose password or token a body has, or whose id the path has.
pub(crate) fn claimed(iam: &Iam, path: &[(&'static str, String)], body: &[u8]) -> Option<Arc<Identity>> {
    if let Some((_, id)) = path.iter().find(|(name, _)| *name == "user_id") {
        return iam.identity_of(id.parse().ok()?);
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let shown = body.pointer("/auth/identity")?;
    if let Some(token) = shown.pointer("/token/id").and_then(Value::as_str) {
        return Some(iam.token(token).ok()?.identity);
    }
    let login = Login::deserialize(shown.pointer("/password/user")?).ok()?;
    iam.identity_of(login.find(iam)?.id)
}
