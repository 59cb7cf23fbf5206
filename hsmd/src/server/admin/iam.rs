//! Users, groups, access keys and policies from the console: operations of the REST interface, as the root user of the
//! account.

use std::borrow::Cow;
use std::fmt;

use dew::caller::Caller;
use dew::iam::{self, Iam, ProjectId};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use wire::Bytes;
use wire::admin::Told;
use wire::admin::iam::{Account, Ask, Told as Answer, kind};
use zeroize::Zeroize;

use super::account::named;
use super::kms::check_code;
use super::talk::Talk;
use crate::rest;

/// Refuses fields with a password among them, and takes them out: fields are recorded, and shown to who approves them.
pub(super) fn check(ask: &mut super::Ask) -> Result<(), String> {
    let super::Ask::Iam(Ask::Do { fields, .. }) = ask else { return Ok(()) };
    let checked =
        serde_json::from_slice::<NoPassword>(fields).map_err(|error| format!("the fields: {error}"));
    if checked.is_err() {
        *fields = Bytes::default();
    }
    checked.map(drop)
}

/// JSON in which no object has a field `password`, however deep, and be it one of two of that name.
struct NoPassword;

impl<'de> Deserialize<'de> for NoPassword {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for NoPassword {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while let Some(name) = fields.next_key::<Cow<'_, str>>()? {
            if name == "password" {
                return Err(A::Error::custom("a password is among them, and it goes beside them"));
            }
            fields.next_value::<Self>()?;
        }
        Ok(self)
    }
}

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let services = talk.daemon.services()?;
    let answer = match ask {
        Ask::Account { account } => {
            let account = named(&services.iam, account)?;
            Answer::Account(shown(&services.iam, &account))
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
            let is_protected = kind.is_protected() || moves_codes(&account, operation, fields);
            if is_protected && account.protection.on {
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
            Answer::Answer(rest::iam(operation, body, &caller, &services)?.into())
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

/// The body of a request: the fields, with the password where the interface has it. Who takes it wipes it.
fn body(fields: &[u8], password: Option<&Bytes>) -> Result<Vec<u8>, String> {
    let Some(password) = password else { return Ok(fields.to_vec()) };
    let password = std::str::from_utf8(password).map_err(|_| "the password is not UTF-8")?;
    let mut body: Value = serde_json::from_slice(fields).map_err(|_| "the fields are not JSON")?;
    let user = body.get_mut("user").and_then(Value::as_object_mut).ok_or("the fields tell of no user")?;
    user.insert("password".to_owned(), Value::String(password.to_owned()));
    let bytes = serde_json::to_vec(&body).map_err(|error| error.to_string());
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

/// Whether an operation says where codes for the root user are sent: whoever could say so would need none.
fn moves_codes(account: &iam::Account, operation: &str, fields: &[u8]) -> bool {
    let fields: Value = serde_json::from_slice(fields).unwrap_or_default();
    let is_root = fields.get("user_id").and_then(Value::as_str) == Some(&account.root.to_string());
    let is_contact = |name: &&str| fields.pointer(&format!("/user/{name}")).is_some();
    operation == "UpdateUser" && is_root && ["email", "areacode", "phone"].iter().any(is_contact)
}

fn shown(iam: &Iam, account: &iam::Account) -> Account {
    Account {
        id: account.id.to_string(),
        name: account.name.clone(),
        enabled: account.enabled,
        created: account.created,
        root: account.root.to_string(),
        project: account.project.to_string(),
        protected: account.protection.on,
        enterprise_projects: iam.uses_enterprise_projects(account.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(fields: &str) -> (Result<(), String>, Vec<u8>) {
        let mut ask = super::super::Ask::Iam(Ask::Do {
            account: "acme".into(),
            operation: "UpdateUser".into(),
            project: None,
            fields: fields.as_bytes().into(),
            password: None,
            code: None,
        });
        let outcome = check(&mut ask);
        let super::super::Ask::Iam(Ask::Do { fields, .. }) = ask else { unreachable!("it is what it was") };
        (outcome, fields.to_vec())
    }

    #[test]
    fn a_password_among_the_fields_is_found_and_taken_out() {
        for fields in [
            r#"{"user_id":"x","user":{"password":"Correct-1-horse"}}"#,
            r#"{"user":{"\u0070ass\u0077ord" : "Correct-1-horse"}}"#,
            r#"{"user":{"password":"Correct-1-horse","password":null},"user":{}}"#,
            r#"{"list":[1,-1,0.5,null,true,{"password":"Correct-1-horse"}]}"#,
            r#"{"user":{"pass"#,
        ] {
            let (outcome, left) = checked(fields);
            assert!(!outcome.expect_err(fields).contains("horse"), "{fields}");
            assert!(left.is_empty(), "{fields}");
        }
        for fields in [
            "{}",
            r#"{"user":{"name":"password","description":"\"password\": x","pwd_status":true},"page":1}"#,
        ] {
            assert_eq!(checked(fields), (Ok(()), fields.into()));
        }
    }
}
