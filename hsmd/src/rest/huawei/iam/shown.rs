//! Things of the directory as the interface shows them.

use dew::iam::policy::SystemPolicy;
use dew::iam::{
    AccessKey, Account, Agency, Assignment, Group, Iam, Project, Role, RoleId, Scope, Subject, Trust, User,
    when,
};
use serde_json::{Map, Value, json};

/// Where a thing is to be found. No address stands before the path: there may be several.
pub(super) fn links(path: &str) -> Value {
    json!({ "self": path })
}

/// Where a list is to be found: all of it is on one page.
pub(super) fn list_links(path: &str) -> Value {
    json!({ "self": path, "previous": null, "next": null })
}

pub(super) fn account(account: &Account) -> Value {
    json!({
        "id": account.id.to_string(),
        "name": account.name,
        "enabled": account.enabled,
        "description": "",
        "links": links(&format!("/v3/domains/{}", account.id)),
    })
}

pub(super) fn project(project: &Project) -> Value {
    let parent = project.parent.map_or_else(|| project.account.to_string(), |parent| parent.to_string());
    json!({
        "id": project.id.to_string(),
        "name": project.name,
        "description": project.description,
        "domain_id": project.account.to_string(),
        "parent_id": parent,
        "enabled": !project.suspended,
        "is_domain": false,
        "links": links(&format!("/v3/projects/{}", project.id)),
    })
}

pub(super) fn project_with_status(one: &Project) -> Value {
    let status = if one.suspended { "suspended" } else { "normal" };
    with(project(one), json!({ "status": status }))
}

/// A user, as the operations of Keystone show it.
pub(super) fn user(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "name": user.name,
        "domain_id": user.account.to_string(),
        "description": user.description,
        "enabled": user.enabled,
        "access_mode": user.mode.name(),
        "pwd_status": user.password.as_ref().is_none_or(|password| !password.temporary),
        "password_expires_at": null,
        "links": links(&format!("/v3/users/{}", user.id)),
    })
}

/// A user with all that is kept of it.
pub(super) fn whole_user(one: &User, is_root: bool) -> Value {
    let external = one.external.as_ref();
    let more = json!({
        "email": one.email,
        "areacode": one.areacode,
        "phone": one.phone,
        "xuser_type": external.map(|(kind, _)| kind),
        "xuser_id": external.map(|(_, id)| id),
        "is_domain_owner": is_root,
        "create_time": when(one.created),
        "update_time": when(one.updated),
        "pwd_create_time": one.password.as_ref().map(|password| when(password.set)),
        "modify_pwd_time": one.password.as_ref().map(|password| when(password.set)),
    });
    with(user(one), more)
}

pub(super) fn group(group: &Group) -> Value {
    json!({
        "id": group.id.to_string(),
        "name": group.name,
        "description": group.description,
        "domain_id": group.account.to_string(),
        "create_time": group.created.saturating_mul(1000),
        "links": links(&format!("/v3/groups/{}", group.id)),
    })
}

pub(super) fn access_key(key: &AccessKey) -> Value {
    json!({
        "access": key.id.as_str(),
        "user_id": key.user.to_string(),
        "status": key.status(),
        "description": key.description,
        "create_time": when(key.created),
    })
}

pub(super) fn agency(agency: &Agency, iam: &Iam) -> Value {
    let trusted = match &agency.trust {
        Trust::Account(id) => iam.account(*id).map_or_else(String::new, |account| account.name.clone()),
        Trust::Service(service) => service.clone(),
    };
    let id = match &agency.trust {
        Trust::Account(id) => Some(id.to_string()),
        Trust::Service(_) => None,
    };
    json!({
        "id": agency.id.to_string(),
        "name": agency.name,
        "description": agency.description,
        "domain_id": agency.account.to_string(),
        "trust_domain_id": id,
        "trust_domain_name": trusted,
        "duration": agency.days.map_or_else(|| "FOREVER".to_owned(), |days| days.to_string()),
        "create_time": when(agency.created),
        "expire_time": agency.expires().map(when),
        "agency_urn": format!("iam::{}:agency:{}", agency.account, agency.name),
    })
}

/// A policy of an account.
pub(super) fn role(role: &Role) -> Value {
    json!({
        "id": role.id.to_string(),
        "name": format!("custom_{}_{}", role.account, role.id),
        "display_name": role.name,
        "description": role.description,
        "description_cn": role.description_cn,
        "domain_id": role.account.to_string(),
        "catalog": "CUSTOMED",
        "type": role.level.name(),
        "policy": document(&role.document),
        "created_time": role.created.saturating_mul(1000).to_string(),
        "updated_time": role.updated.saturating_mul(1000).to_string(),
        "links": links(&format!("/v3/roles/{}", role.id)),
    })
}

/// A policy of the system.
pub(super) fn system_role(role: &SystemPolicy) -> Value {
    json!({
        "id": role.id,
        "name": role.name,
        "display_name": role.display_name,
        "description": role.description,
        "catalog": role.catalog,
        "domain_id": null,
        "flag": "fine_grained",
        "type": role.layer,
        "policy": document(role.document),
        "links": links(&format!("/v3/roles/{}", role.id)),
    })
}

/// A policy of the system, or of the account of who is shown it.
pub(super) fn any_role(id: RoleId, account: dew::iam::AccountId, iam: &Iam) -> Option<Value> {
    match SystemPolicy::find(&id.to_string()) {
        Some(system) => Some(system_role(system)),
        None => iam.role(account, id).map(|own| role(&own)),
    }
}

/// The policies that somebody has been given in one place.
pub(super) fn roles_given(iam: &Iam, account: dew::iam::AccountId, to: Subject, scope: Scope) -> Vec<Value> {
    let given = iam.assignments_to(to).into_iter().filter(|given| given.scope == scope);
    given.filter_map(|given| any_role(given.role, account, iam)).collect()
}

/// Who is given what, and where.
pub(super) fn assignment(given: &Assignment) -> Value {
    let of = |name: &str, id: String| json!({ name: { "id": id } });
    let to = match given.to {
        Subject::User(id) => of("user", id.to_string()),
        Subject::Group(id) => of("group", id.to_string()),
        Subject::Agency(id) => of("agency", id.to_string()),
    };
    let scope = match given.scope {
        Scope::Account | Scope::AllProjects => of("domain", given.account.to_string()),
        Scope::Project(id) => of("project", id.to_string()),
        Scope::EnterpriseProject(id) => of("enterprise_project", id.to_string()),
    };
    let more = json!({
        "role": { "id": given.role.to_string() },
        "scope": scope,
        "is_inherited": given.scope == Scope::AllProjects,
    });
    with(to, more)
}

/// The enterprise projects in which somebody is given something.
pub(super) fn enterprise_projects_of(iam: &Iam, to: Subject) -> Vec<Value> {
    let mut ids: Vec<_> = iam
        .assignments_to(to)
        .iter()
        .filter_map(|given| match given.scope {
            Scope::EnterpriseProject(id) => Some(id),
            _ => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.iter().map(|id| json!({ "projectId": id.to_string() })).collect()
}

/// A region.
pub(super) fn region(name: &str) -> Value {
    json!({
        "id": name,
        "type": "public",
        "description": "",
        "parent_region_id": null,
        "locales": { "zh-cn": name, "en-us": name },
        "links": links(&format!("/v3/regions/{name}")),
    })
}

/// The JSON of a policy: what was read once is read again.
fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// An object with more fields.
pub(super) fn with(one: Value, more: Value) -> Value {
    let (Value::Object(one), Value::Object(more)) = (one, more) else { return Value::Null };
    let all: Map<String, Value> = one.into_iter().chain(more).collect();
    Value::Object(all)
}
