//! What IAM has in an account: users, groups, access keys, policies, agencies and projects. The commands are tables over
//! the operations of the REST interface.

// A field that an answer does not have is null: indexing a JSON value panics for none that is read.
#![allow(clippy::indexing_slicing)]

use serde_json::Value;

use crate::screen::{BAD, GOOD};
use crate::table::Cell;

pub(super) mod accounts;
pub(super) mod agencies;
pub(super) mod build;
pub(super) mod desk;
mod document;
mod given;
pub(super) mod groups;
pub(super) mod keys;
pub(super) mod policies;
pub(super) mod projects;
pub(super) mod users;

/// The text of a field; empty if it is not there.
fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether something may be used.
fn state(enabled: bool) -> Cell {
    match enabled {
        true => Cell::from("enabled").styled(GOOD),
        false => Cell::from("disabled").styled(BAD),
    }
}

/// The text of a field, or a dash.
fn or_dash(value: &Value, field: &str) -> Cell {
    let text = text(value, field);
    Cell::from(if text.is_empty() { "-" } else { text })
}
