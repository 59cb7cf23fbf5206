//! `secret`: secrets of CSMS, as commands over the operations of the REST interface.

// To read a field that an answer does not have gives null, and only objects that are made here are written to.
#![allow(clippy::indexing_slicing)]

use clap::{Args, Subcommand};
use serde_json::Value;

use super::kms::{Desk, In, Sure};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

mod attached;
mod edit;
mod life;
mod list;
mod run;
mod value;
mod versions;

pub(crate) use run::Run;

/// Secrets of CSMS: passwords and the like, with versions
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    Put(value::Put),
    Get(value::Get),
    List(list::List),
    Show(list::Show),
    Set(life::Set),
    Edit(edit::Edit),
    History(versions::History),
    Diff(versions::Diff),
    Stage(versions::Stage),
    Expire(versions::Expire),
    Delete(life::Delete),
    CancelDeletion(life::CancelDeletion),
    Backup(life::Backup),
    Restore(life::Restore),
    #[command(subcommand)]
    Tag(attached::Tag),
    #[command(subcommand)]
    Event(attached::Event),
    #[command(subcommand)]
    Grant(attached::Grant),
    Password(value::Password),
    Call(Call),
}

/// Do any operation of CSMS, by its name in the SDKs
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The operation, such as ListSecrets
    operation: String,

    /// Its fields as JSON, those of its path among them: no secret, for others can see it (`secret put`)
    #[arg(default_value = "{}")]
    fields: String,

    #[command(flatten)]
    place: In,

    #[command(flatten)]
    sure: Sure,
}

impl Secret {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Put(command) => command.run(daemon, screen),
            Self::Get(command) => command.run(daemon, screen),
            Self::List(command) => command.run(daemon, screen),
            Self::Show(command) => command.run(daemon, screen),
            Self::Set(command) => command.run(daemon, screen),
            Self::Edit(command) => command.run(daemon, screen),
            Self::History(command) => command.run(daemon, screen),
            Self::Diff(command) => command.run(daemon, screen),
            Self::Stage(command) => command.run(daemon, screen),
            Self::Expire(command) => command.run(daemon, screen),
            Self::Delete(command) => command.run(daemon, screen),
            Self::CancelDeletion(command) => command.run(daemon, screen),
            Self::Backup(command) => command.run(daemon, screen),
            Self::Restore(command) => command.run(daemon, screen),
            Self::Tag(command) => command.run(daemon, screen),
            Self::Event(command) => command.run(daemon, screen),
            Self::Grant(command) => command.run(daemon, screen),
            Self::Password(command) => command.run(daemon, screen),
            Self::Call(command) => command.run(daemon, screen),
        }
    }
}

impl Call {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        use wire::admin::kms::{Kind, kind};
        let fields: Value = serde_json::from_str(&self.fields)
            .map_err(|error| Error::Usage(format!("the fields are not JSON: {error}")))?;
        let desk = self.place.desk(daemon)?;
        let operation = of_csms(&self.operation);
        let answer = match kind(&operation) {
            Kind::Delete | Kind::Reveal => {
                let what = format!("{} takes something away, or shows what is in a secret.", self.operation);
                let code = self.sure.ask(&desk, &what)?;
                desk.guarded(&operation, &fields, code)?
            }
            _ => desk.call(&operation, &fields)?,
        };
        screen.show(&answer, |answer| match answer {
            Value::Null => "Done.".to_owned(),
            answer => serde_json::to_string_pretty(answer).unwrap_or_default(),
        })
    }
}

/// The operation, as the console names it.
fn of_csms(operation: &str) -> String {
    format!("{}{operation}", wire::admin::kms::CSMS)
}

/// Does an operation of CSMS.
fn call(desk: &Desk<'_>, operation: &str, fields: &Value) -> Result<Value, Error> {
    desk.call(&of_csms(operation), fields)
}

/// Whether somebody may see what is in a secret.
#[derive(Debug, Args)]
pub(crate) struct Look {
    /// Do not ask before it is shown on a terminal
    #[arg(long)]
    yes: bool,

    /// With operation protection on: a code of the root user's virtual MFA device, or one that was sent
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
}

impl Look {
    /// Asks who would see it on the terminal, or for a code where operation protection is on.
    ///
    /// # Errors
    /// `NotConfirmed`; `Usage` if nobody can be asked.
    fn ask(&self, desk: &Desk<'_>, is_shown: bool) -> Result<Option<String>, Error> {
        use std::io::IsTerminal as _;
        if desk.is_protected() {
            return desk.code(self.code.as_deref()).map(Some);
        }
        if is_shown && !self.yes && std::io::stdout().is_terminal() {
            crate::secret::confirm("The value is shown on this terminal.", "the word", "SHOW")?;
        }
        Ok(None)
    }
}

/// A version of a secret with its value.
fn version(desk: &Desk<'_>, name: &str, version: &str, code: Option<String>) -> Result<Value, Error> {
    let fields = serde_json::json!({ "secret_name": name, "version_id": version });
    Ok(desk.guarded(&of_csms("ShowSecretVersion"), &fields, code)?["version"].take())
}

/// Takes apart `NAME` or `NAME:VERSION`, where a version is `v7` or a stage.
fn named(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or((text, CURRENT))
}

/// The stage that programs read.
const CURRENT: &str = "SYSCURRENT";
