//! `secret`: secrets of CSMS, as commands over the operations of the REST interface.

// To read a field that an answer does not have gives null, and only objects that are made here are written to.
#![allow(clippy::indexing_slicing)]

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::kms::{Desk, In, Sure};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

mod attached;
mod edit;
mod life;
mod list;
mod rotation;
mod run;
mod value;
mod versions;

pub(crate) use run::Run;

/// Secrets of CSMS: passwords and the like, with versions
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    Put(value::Put),
    Host(rotation::Host),
    Rotate(rotation::Rotate),
    Rotations(rotation::Rotations),
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
            Self::Host(command) => command.run(daemon, screen),
            Self::Rotate(command) => command.run(daemon, screen),
            Self::Rotations(command) => command.run(daemon, screen),
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
        let (desk, operation) = (self.place.desk(daemon)?, of_csms(&self.operation));
        super::kms::call(&desk, screen, &operation, &self.fields, &self.sure)
    }
}

/// The operation, as the console names it.
pub(super) fn of_csms(operation: &str) -> String {
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

/// Versions of secrets with their values, each of a name and a version. All of them are one command, and take one code.
fn versions(desk: &Desk<'_>, wanted: &[(&str, &str)], code: Option<String>) -> Result<Vec<Value>, Error> {
    let fields = |(name, version): &(&str, &str)| json!({ "secret_name": name, "version_id": version });
    let all: Vec<_> = wanted.iter().map(fields).collect();
    let answers = desk.each(&of_csms("ShowSecretVersion"), &all, code)?;
    let shown = |answer: Result<Value, String>| Ok(answer.map_err(Error::Failed)?["version"].take());
    answers.into_iter().map(shown).collect()
}

/// A version of a secret with its value.
fn version(desk: &Desk<'_>, name: &str, version: &str, code: Option<String>) -> Result<Value, Error> {
    versions(desk, &[(name, version)], code)?.pop().ok_or(Error::Unknown)
}

/// Takes apart `NAME` or `NAME:VERSION`, where a version is `v7` or a stage.
fn named(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or((text, CURRENT))
}

/// The stage that programs read.
const CURRENT: &str = "SYSCURRENT";
