//! Users, groups, access keys and policies from the console: operations of the REST interface, as the root user of the
//! account.

use dew::caller::Caller;
use dew::iam::{self, Iam, ProjectId};
use serde_json::Value;
use wire::Bytes;
use wire::admin::Told;
use wire::admin::iam::{Account, Ask, Told as Answer, kind};
use zeroize::{Zeroize, Zeroizing};

use super::account::named;
use super::kms::check_code;
use super::talk::Talk;
use crate::rest;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    let answer = match ask {
        Ask::Account { account } => {
            let account = named(&services.iam, account)?;
            Answer::Account(shown(&account))
        }
        Ask::Do { account, operation, project, fields, password, code } => {
            let kind = kind(operation, password.is_some());
            let kind = kind.ok_or_else(|| format!("the console has no operation {operation:?} of IAM"))?;
            let account = named(&services.iam, account)?;
            let project = project.as_deref().map(|id| project_of(&services.iam, &account, id)).transpose()?;
            let body = body(fields, password.as_ref())?;
            keep_a_key_of_the_root(&services.iam, &account, operation, fields)?;
            let identity =
                services.iam.root_of(&account).ok_or("the account or its root user is disabled")?;
            if kind.is_protected() && account.protection.on {
                check_code(talk, &services, &account, code.as_deref())?;
            }
            let caller = Caller {
                identity,
                project,
                request: rest::request_id().into(),
                source: None,
                agent: Some("hsm-admin".into()),
                tls: false,
            };
            Answer::Answer(rest::iam(operation, &body, &caller, &services)?.into())
        }
    };
    Ok(Told::Iam(answer))
}

/// A project of an account.
fn project_of(iam: &Iam, account: &iam::Account, id: &str) -> Result<ProjectId, String> {
    let project = id.parse().ok().and_then(|id| iam.project(id));
    let project = project.filter(|project| project.account == account.id);
    project.map(|project| project.id).ok_or_else(|| format!("the account has no project {id:?}"))
}

/// The body of a request: the fields, with the password where the interface has it.
fn body(fields: &[u8], password: Option<&Bytes>) -> Result<Zeroizing<Vec<u8>>, String> {
    let Some(password) = password else { return Ok(Zeroizing::new(fields.to_vec())) };
    let password = std::str::from_utf8(password).map_err(|_| "the password is not UTF-8")?;
    let mut body: Value = serde_json::from_slice(fields).map_err(|_| "the fields are not JSON")?;
    let user = body.get_mut("user").and_then(Value::as_object_mut).ok_or("the fields tell of no user")?;
    user.insert("password".to_owned(), Value::String(password.to_owned()));
    let bytes = serde_json::to_vec(&body).map(Zeroizing::new).map_err(|error| error.to_string());
    if let Some(Value::String(text)) = body.pointer_mut("/user/password") {
        text.zeroize();
    }
    bytes
}

/// Refuses to take the last access key from the root user: the programs that manage the account use it, and a slip would stop
/// them all. Who wants it gone makes another first.
fn keep_a_key_of_the_root(
    iam: &Iam,
    account: &iam::Account,
    operation: &str,
    fields: &[u8],
) -> Result<(), String> {
    let fields: Value = serde_json::from_slice(fields).unwrap_or_default();
    let text = |at: &str| fields.pointer(at).and_then(Value::as_str);
    let takes = operation == "DeletePermanentAccessKey"
        || (operation == "UpdatePermanentAccessKey" && text("/credential/status") == Some("inactive"));
    let Some(taken) = text("/access_key").filter(|_| takes) else { return Ok(()) };
    let keys = iam.access_keys(account.id, account.root);
    let is_of_root = keys.iter().any(|key| key.id.as_str() == taken && key.active);
    match is_of_root && !keys.iter().any(|key| key.id.as_str() != taken && key.active) {
        true => Err(format!(
            "{taken} is the last access key of the account's root user that is enabled: make another one first"
        )),
        false => Ok(()),
    }
}

fn shown(account: &iam::Account) -> Account {
    Account {
        id: account.id.to_string(),
        name: account.name.clone(),
        enabled: account.enabled,
        created: account.created,
        root: account.root.to_string(),
        project: account.project.to_string(),
        protected: account.protection.on,
    }
}
