//! One account, the operations of IAM asked for in it, and how what is in it is named.

use std::str::FromStr;

use clap::Args;
use serde_json::{Map, Value, json};
use wire::Bytes;
use wire::admin::iam::{Account, Ask as Iam, Told as Answer};
use wire::admin::{Ask, Told};

use super::text;
use crate::commands::account;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::secret;

/// How many things of a long list come at once.
const PAGE: usize = 100;

/// A thing of an account, written `ACCOUNT/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The account's name or id.
    pub(super) account: String,
    /// The thing's name or id.
    pub(super) name: String,
}

impl FromStr for Named {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        // No account has a slash in its name; policies may.
        match text.split_once('/') {
            Some((account, name)) if !account.is_empty() && !name.is_empty() => {
                Ok(Self { account: account.to_owned(), name: name.to_owned() })
            }
            _ => Err("expected ACCOUNT/NAME, such as acme/ann".to_owned()),
        }
    }
}

/// A kind of things that are found by their names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// What one is.
    what: &'static str,
    /// The operation that lists them.
    list: &'static str,
    /// The field of its answer that has them.
    place: &'static str,
    /// The field of each that has its name.
    name: &'static str,
    /// Whether they are the account's own.
    own: bool,
    /// Whether the list comes in pages.
    paged: bool,
}

const KIND: Kind = Kind { what: "", list: "", place: "", name: "name", own: true, paged: false };
pub(super) const USER: Kind = Kind { what: "user", list: "KeystoneListUsers", place: "users", ..KIND };
pub(super) const GROUP: Kind = Kind { what: "group", list: "KeystoneListGroups", place: "groups", ..KIND };
pub(super) const PROJECT: Kind =
    Kind { what: "project", list: "KeystoneListProjects", place: "projects", paged: true, ..KIND };
pub(super) const AGENCY: Kind =
    Kind { what: "agency", list: "ListAgencies", place: "agencies", paged: true, ..KIND };
pub(super) const POLICY: Kind = Kind {
    what: "policy",
    list: "KeystoneListPermissions",
    place: "roles",
    name: "display_name",
    own: true,
    paged: true,
};
pub(super) const SYSTEM_POLICY: Kind = Kind { own: false, ..POLICY };

/// A code, where operation protection asks for it.
#[derive(Debug, Args)]
pub(crate) struct Code {
    /// With operation protection on: a code of the root user's virtual MFA device, or one that was sent
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

/// Whether somebody is sure.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// Do not ask for the name
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    code: Code,
}

impl Code {
    /// The code, if one is needed.
    ///
    /// # Errors
    /// `Usage` if nobody can be asked for it.
    pub(super) fn obtain(&self, desk: &Desk<'_>) -> Result<Option<String>, Error> {
        let code = || account::code(desk.daemon, &desk.account.id, self.code.as_deref());
        desk.account.protected.then(code).transpose()
    }
}

impl Sure {
    /// Has somebody type a name, or show a code where operation protection is on.
    ///
    /// # Errors
    /// `NotConfirmed`; `Usage` if nobody can be asked.
    pub(crate) fn ask(
        &self,
        desk: &Desk<'_>,
        consequence: &str,
        name: &str,
    ) -> Result<Option<String>, Error> {
        if desk.account.protected {
            if self.code.code.is_none() {
                anstream::eprintln!("{}", crate::table::printable(consequence));
            }
            return self.code.obtain(desk);
        }
        if !self.yes {
            secret::confirm(&crate::table::printable(consequence), "its name", name)?;
        }
        Ok(None)
    }
}

/// An account, at the daemon.
pub(crate) struct Desk<'a> {
    daemon: &'a Daemon,
    /// The account.
    pub(crate) account: Account,
}

/// What an operation is asked for with, beside its fields.
#[derive(Default)]
pub(super) struct More {
    /// The project that it is about.
    pub(super) project: Option<String>,
    /// A user's password.
    pub(super) password: Option<Bytes>,
    /// A code of the root user's device.
    pub(super) code: Option<String>,
}

impl<'a> Desk<'a> {
    /// The account of this name or id.
    ///
    /// # Errors
    /// `Failed` if there is none.
    pub(crate) fn of(daemon: &'a Daemon, account: &str) -> Result<Self, Error> {
        let ask = Ask::Iam(Iam::Account { account: account.to_owned() });
        let Told::Iam(Answer::Account(account)) = daemon.ask(&ask)? else { return Err(Error::Unknown) };
        Ok(Self { daemon, account })
    }

    /// Does an operation; null is the answer that says nothing.
    ///
    /// # Errors
    /// `Failed` with the interface's words.
    pub(super) fn call(&self, operation: &str, fields: &Value) -> Result<Value, Error> {
        self.with(operation, fields, More::default())
    }

    /// As [`Self::call`], with more.
    pub(super) fn with(&self, operation: &str, fields: &Value, more: More) -> Result<Value, Error> {
        let fields = serde_json::to_vec(fields).map_err(|_| Error::Unknown)?;
        let More { project, password, code } = more;
        let (account, operation, fields) = (self.account.id.clone(), operation.to_owned(), fields.into());
        let ask = Ask::Iam(Iam::Do { account, operation, project, fields, password, code });
        let Told::Iam(Answer::Answer(answer)) = self.daemon.ask(&ask)? else { return Err(Error::Unknown) };
        match answer.is_empty() {
            true => Ok(Value::Null),
            false => serde_json::from_slice(&answer).map_err(|_| Error::Unknown),
        }
    }

    /// All things of a kind.
    pub(super) fn all(&self, kind: Kind) -> Result<Vec<Value>, Error> {
        self.list(kind, &[])
    }

    /// Those that have these fields.
    fn list(&self, kind: Kind, wanted: &[(&str, &str)]) -> Result<Vec<Value>, Error> {
        let own = kind.own.then_some(("domain_id", self.account.id.as_str()));
        let fields = wanted.iter().copied().chain(own);
        let fields: Map<_, _> = fields.map(|(name, value)| (name.to_owned(), value.into())).collect();
        match kind.paged {
            true => self.pages(kind.list, fields, kind.place),
            false => taken(self.call(kind.list, &Value::Object(fields))?, kind.place),
        }
    }

    /// All that an operation lists, page by page.
    pub(super) fn pages(
        &self,
        operation: &str,
        mut fields: Map<String, Value>,
        place: &str,
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        fields.insert("per_page".into(), PAGE.into());
        for number in 1.. {
            fields.insert("page".into(), number.into());
            let mut page = taken(self.call(operation, &Value::Object(fields.clone()))?, place)?;
            let last = page.len() < PAGE;
            all.append(&mut page);
            if last {
                break;
            }
        }
        Ok(all)
    }

    /// The thing of this name or id.
    ///
    /// # Errors
    /// `Failed` if there is none.
    pub(super) fn find(&self, kind: Kind, name: &str) -> Result<Value, Error> {
        self.look_for(kind, name)?.ok_or_else(|| self.missing(kind, name))
    }

    /// The thing of this name or id, if there is one.
    pub(super) fn look_for(&self, kind: Kind, name: &str) -> Result<Option<Value>, Error> {
        if let Some(found) = self.list(kind, &[(kind.name, name)])?.into_iter().next() {
            return Ok(Some(found));
        }
        let is_id = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_id {
            true => Ok(self.all(kind)?.into_iter().find(|one| text(one, "id") == name)),
            false => Ok(None),
        }
    }

    /// Why there is nothing to show.
    pub(super) fn missing(&self, kind: Kind, name: &str) -> Error {
        Error::Failed(format!("there is no {} {name:?} in account {}", kind.what, self.account.name))
    }

    /// The user of this name or id, with all that is kept of it.
    pub(super) fn user(&self, name: &str) -> Result<Value, Error> {
        let found = self.find(USER, name)?;
        Ok(self.call("ShowUser", &json!({ "user_id": found["id"] }))?["user"].take())
    }
}

/// The list at a place of an answer.
pub(super) fn taken(mut answer: Value, place: &str) -> Result<Vec<Value>, Error> {
    match answer.get_mut(place).map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(Error::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_named_with_its_account() {
        let named = |text: &str| text.parse::<Named>().map(|Named { account, name }| (account, name));
        assert_eq!(named("acme/ann"), Ok(("acme".into(), "ann".into())));
        assert_eq!(named("acme/Keys (read/list)"), Ok(("acme".into(), "Keys (read/list)".into())));
        for wrong in ["ann", "/ann", "acme/", "/", ""] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }
}
