//! One project of the KMS, and the operations asked for in it.

use clap::Args;
use serde_json::{Value, json};
use wire::admin::kms::{Ask as Kms, Project, Told as Answer};
use wire::admin::{Ask, Told};
use wire::{Bytes, List};

use super::text;
use crate::commands::account;
use crate::daemon::{Conversation, Daemon};
use crate::error::Error;
use crate::secret;

/// Which project.
#[derive(Debug, Args)]
pub(crate) struct In {
    /// The project of the key, by id or as ACCOUNT/NAME [default: the only one]
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
}

/// Whether somebody is sure.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// Do not ask for the word DELETE
    #[arg(long)]
    yes: bool,

    /// With operation protection on: a code of the root user's virtual MFA device, or one that was sent
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

/// A project, at the daemon.
pub(crate) struct Desk<'a> {
    daemon: &'a Daemon,
    project: Project,
}

impl In {
    /// The id of the project that is meant.
    ///
    /// # Errors
    /// As [`Self::desk`].
    pub(crate) fn project(&self, daemon: &Daemon) -> Result<String, Error> {
        self.desk(daemon).map(|desk| desk.project.id)
    }

    /// The project that is meant.
    ///
    /// # Errors
    /// `Usage` if none is named and there are several; `Failed` if there is none of that name.
    pub(crate) fn desk<'a>(&self, daemon: &'a Daemon) -> Result<Desk<'a>, Error> {
        let Told::Kms(Answer::Projects(all)) = daemon.ask(&Ask::Kms(Kms::Projects))? else {
            return Err(Error::Unknown);
        };
        let all = all.into_vec();
        let named = |project: &Project| match &self.project {
            None => true,
            Some(name) => *name == project.id || *name == format!("{}/{}", project.account, project.name),
        };
        let names: Vec<_> =
            all.iter().take(8).map(|project| format!("{}/{}", project.account, project.name)).collect();
        let mut meant = all.into_iter().filter(named);
        match (meant.next(), meant.next(), &self.project) {
            (Some(project), None, _) => Ok(Desk { daemon, project }),
            (Some(_), Some(_), _) => {
                Err(Error::Usage(format!("there are several projects: give --project: {}", names.join(", "))))
            }
            (None, _, Some(name)) => Err(Error::Failed(format!(
                "there is no project {name:?}: expected an id or ACCOUNT/NAME, such as {}",
                names.first().map_or("acme/local-1", String::as_str)
            ))),
            (None, _, None) => {
                Err(Error::Failed("there are no accounts: `account create` makes one, with a project".into()))
            }
        }
    }
}

impl Sure {
    /// Whether somebody reads what is asked.
    pub(super) const fn reads(&self) -> bool {
        !self.yes && self.code.is_none()
    }

    /// Has somebody type DELETE, or show a code where operation protection is on.
    ///
    /// # Errors
    /// `NotConfirmed`; `Usage` if nobody can be asked.
    pub(crate) fn ask(&self, desk: &Desk<'_>, consequence: &str) -> Result<Option<String>, Error> {
        if desk.project.protected {
            if self.code.is_none() {
                anstream::eprintln!("{consequence}");
            }
            return desk.code(self.code.as_deref()).map(Some);
        }
        if !self.yes {
            secret::confirm(consequence, "the word", "DELETE")?;
        }
        Ok(None)
    }
}

impl Desk<'_> {
    /// A code for the project's account: the one that is given, or what is asked for.
    ///
    /// # Errors
    /// As [`account::code`].
    pub(crate) fn code(&self, given: Option<&str>) -> Result<String, Error> {
        account::code(self.daemon, &self.project.account, given)
    }

    /// Whether operation protection is on.
    pub(crate) fn is_protected(&self) -> bool {
        self.project.protected
    }

    /// Whether the account uses enterprise projects.
    pub(super) const fn has_enterprise_projects(&self) -> bool {
        self.project.enterprise_projects
    }

    /// Does an operation; null is the answer that says nothing.
    ///
    /// # Errors
    /// `Failed` with the interface's words.
    pub(crate) fn call(&self, operation: &str, fields: &Value) -> Result<Value, Error> {
        self.guarded(operation, fields, None)
    }

    /// Parameters for an import, with a token that is good as long as the connection lasts, which comes with them.
    pub(super) fn import_parameters(&self, fields: &Value) -> Result<(Value, Conversation<'_>), Error> {
        let body = serde_json::to_vec(fields).map_err(|_| Error::Unknown)?.into();
        let ask = Ask::Kms(Kms::ImportParameters { project: self.project.id.clone(), body });
        let mut talk = self.daemon.open()?;
        let Told::Kms(Answer::Answers(answers)) = talk.ask(&ask)? else { return Err(Error::Unknown) };
        let answer = answers.into_vec().pop().ok_or(Error::Unknown)?.map_err(Error::Failed)?;
        Ok((serde_json::from_slice(&answer).map_err(|_| Error::Unknown)?, talk))
    }

    /// As [`Self::call`], with a code if that is needed.
    pub(crate) fn guarded(
        &self,
        operation: &str,
        fields: &Value,
        code: Option<String>,
    ) -> Result<Value, Error> {
        match self.each(operation, std::slice::from_ref(fields), code)?.pop() {
            Some(answer) => answer.map_err(Error::Failed),
            None => Err(Error::Unknown),
        }
    }

    /// Does an operation several times, as one command.
    ///
    /// # Errors
    /// What keeps all of it from being done.
    pub(crate) fn each(
        &self,
        operation: &str,
        all: &[Value],
        code: Option<String>,
    ) -> Result<Vec<Result<Value, String>>, Error> {
        let body = |fields: &Value| serde_json::to_vec(fields).map(Bytes::from);
        let bodies = all.iter().map(body).collect::<Result<Vec<_>, _>>().map_err(|_| Error::Unknown)?;
        let bodies = List::new(bodies)
            .ok_or_else(|| Error::Usage("at most 100 keys or secrets are named in one command".into()))?;
        let (project, operation) = (self.project.id.clone(), operation.to_owned());
        let ask = Ask::Kms(Kms::Do { project, operation, bodies, code });
        let Told::Kms(Answer::Answers(answers)) = self.daemon.ask(&ask)? else { return Err(Error::Unknown) };
        let read = |answer: Result<Bytes, String>| match answer {
            Err(why) => Ok(Err(why)),
            Ok(body) if body.is_empty() => Ok(Ok(Value::Null)),
            Ok(body) => serde_json::from_slice(&body).map(Ok).map_err(|_| Error::Unknown),
        };
        answers.into_vec().into_iter().map(read).collect()
    }

    /// Every key of the project.
    pub(super) fn keys(&self) -> Result<Vec<Value>, Error> {
        self.pages("ListKeys", json!({ "key_spec": "ALL" }), &["/key_details"])
    }

    /// All that an operation lists, page by page; the list stands in its answer at one of the places.
    pub(crate) fn pages(
        &self,
        operation: &str,
        mut fields: Value,
        places: &[&str],
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        fields["limit"] = "100".into();
        loop {
            let mut page = self.call(operation, &fields)?;
            let next = ["/next_marker", "/page_info/next_marker", "/0/page_info/next_marker"]
                .iter()
                .find_map(|at| page.pointer(at));
            let next = next.and_then(Value::as_str).unwrap_or_default().to_owned();
            let place = places.iter().find(|place| page.pointer(place).is_some());
            let Some(Value::Array(items)) = place.and_then(|place| page.pointer_mut(place)) else {
                return Err(Error::Unknown);
            };
            let last = items.is_empty() || next.is_empty();
            all.append(items);
            if last {
                return Ok(all);
            }
            fields["marker"] = next.into();
        }
    }

    /// The id of the key that is named: by its id, its name, or an alias, which the interface takes for an id. What is one key's
    /// name and another's alias names neither: whoever may make keys could have others take one for the other.
    pub(super) fn key(&self, named: &str) -> Result<String, Error> {
        let is_id = named.len() == 36 && named.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        if is_id {
            return Ok(named.to_owned());
        }
        let found = self.keys()?.into_iter().find(|key| text(key, "key_alias") == named);
        let Some(found) = found.map(|key| text(&key, "key_id").to_owned()) else {
            return Ok(named.to_owned());
        };
        let by_alias = self.call("ListKeyDetail", &fields([("key_id", named.to_owned())])).ok();
        let by_alias = by_alias.as_ref().and_then(|shown| shown.pointer("/key_info/key_id")?.as_str());
        match by_alias.filter(|other| *other != found) {
            None => Ok(found),
            Some(other) => Err(Error::Failed(format!(
                "{named:?} is the name of key {found}, and an alias of key {other}: give the id of the one that is meant"
            ))),
        }
    }

    /// As [`Self::key`], as the field that operations have for it.
    pub(super) fn about(&self, named: &str) -> Result<Value, Error> {
        Ok(fields([("key_id", self.key(named)?)]))
    }
}

/// Fields of text.
pub(super) fn fields<const N: usize>(fields: [(&str, String); N]) -> Value {
    fields.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
}
