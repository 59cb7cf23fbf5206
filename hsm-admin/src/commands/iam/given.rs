//! What policies somebody is given, and where.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::desk::{Desk, GROUP, POLICY, PROJECT, SYSTEM_POLICY};
use super::text;
use crate::error::Error;
use crate::table::{Cell, Column, Table};

/// Somebody, by its id.
#[derive(Clone, Copy)]
pub(super) enum To<'a> {
    User(&'a str),
    Group(&'a str),
    Agency(&'a str),
}

/// A policy that is given.
pub(super) struct Given {
    policy: String,
    id: String,
    /// Of what a user is given by a group, that group.
    group: Option<String>,
    place: String,
}

/// What somebody is given, a user also by its groups.
pub(super) fn to(desk: &Desk<'_>, to: To<'_>) -> Result<Vec<Given>, Error> {
    let (field, id) = match to {
        To::User(id) => ("subject.user_id", id),
        To::Group(id) => ("subject.group_id", id),
        To::Agency(id) => ("subject.agency_id", id),
    };
    let mut fields = Map::new();
    fields.insert("domain_id".into(), desk.account.id.as_str().into());
    fields.insert(field.into(), id.into());
    let all = desk.pages("ShowDomainRoleAssignments", fields, "role_assignments")?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let (system, own) = (desk.all(SYSTEM_POLICY)?, desk.all(POLICY)?);
    let policies = names(system.iter().chain(&own), "display_name");
    let groups = desk.all(GROUP)?;
    let groups = names(groups.iter(), "name");
    let in_projects = all.iter().any(|one| one.pointer("/scope/project").is_some());
    let projects = if in_projects { desk.all(PROJECT)? } else { Vec::new() };
    let projects = names(projects.iter(), "name");
    let named = |names: &HashMap<&str, &str>, id: &str| names.get(id).map_or(id, |name| *name).to_owned();
    let given = |one: &Value| {
        let id = |at: &str| one.pointer(at).and_then(Value::as_str);
        let policy = id("/role/id").unwrap_or_default();
        let group = id("/group/id").filter(|_| matches!(to, To::User(_)));
        let place = match (id("/scope/project/id"), id("/scope/enterprise_project/id")) {
            (Some(project), _) => format!("project {}", named(&projects, project)),
            (_, Some(project)) => format!("enterprise project {project}"),
            _ if one["is_inherited"] == true => "all projects".to_owned(),
            _ => "global services".to_owned(),
        };
        let group = group.map(|group| named(&groups, group));
        Given { policy: named(&policies, policy), id: policy.to_owned(), group, place }
    };
    Ok(all.iter().map(given).collect())
}

/// The name of each thing, by its id.
fn names<'a>(all: impl Iterator<Item = &'a Value>, field: &str) -> HashMap<&'a str, &'a str> {
    all.map(|one| (text(one, "id"), text(one, field))).collect()
}

/// For programs.
pub(super) fn json(given: &[Given]) -> Value {
    let one =
        |one: &Given| json!({ "id": one.id, "name": one.policy, "group": one.group, "where": one.place });
    given.iter().map(one).collect()
}

/// For people.
pub(super) fn table(given: &[Given], empty: &'static str) -> Table {
    let by_group = given.iter().any(|one| one.group.is_some());
    let mut columns = vec![Column::text("POLICY", 16), Column::text("WHERE", 16)];
    columns.extend(by_group.then(|| Column::text("BY GROUP", 8)));
    let mut table = Table::new(&columns, empty);
    for one in given {
        let mut row = vec![Cell::from(&one.policy), Cell::from(&one.place)];
        row.extend(by_group.then(|| Cell::from(one.group.as_deref().unwrap_or("-"))));
        table.row(row);
    }
    table
}
