//! `key`, as far as it is about keys of the KMS: tables over the operations of the REST interface.

// To read a field that an answer does not have gives null, and only objects that are made here are written to.
#![allow(clippy::indexing_slicing)]

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

mod attached;
mod counts;
mod data;
mod desk;
mod import;
mod keys;
mod search;
mod stores;

pub(super) use desk::{Desk, In, Sure};

/// Commands about keys of the KMS.
#[derive(Debug, Subcommand)]
pub(crate) enum Kms {
    Create(keys::Create),
    List(search::List),
    Show(keys::Show),
    Set(keys::Set),
    Enable(keys::Enable),
    Disable(keys::Disable),
    Rotate(keys::Rotate),
    Delete(keys::Delete),
    CancelDeletion(keys::CancelDeletion),
    DeleteMaterial(keys::DeleteMaterial),
    #[command(subcommand)]
    Alias(attached::Alias),
    #[command(subcommand)]
    Tag(attached::Tag),
    #[command(subcommand)]
    Grant(attached::Grant),
    #[command(subcommand)]
    Store(stores::Store),
    Import(import::Import),
    Encrypt(data::Encrypt),
    Decrypt(data::Decrypt),
    Sign(data::Sign),
    Verify(data::Verify),
    Public(data::Public),
    Counts(counts::Counts),
    Call(Call),
}

/// KMS: do any operation of the interface, by its name in the SDKs
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The operation, such as ListKeyDetail
    operation: String,

    /// Its fields as JSON, those of its path among them
    #[arg(default_value = "{}")]
    fields: String,

    #[command(flatten)]
    place: In,

    #[command(flatten)]
    sure: Sure,
}

impl Kms {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create(command) => command.run(daemon, screen),
            Self::List(command) => command.run(daemon, screen),
            Self::Show(command) => command.run(daemon, screen),
            Self::Set(command) => command.run(daemon, screen),
            Self::Enable(command) => command.run(daemon, screen),
            Self::Disable(command) => command.run(daemon, screen),
            Self::Rotate(command) => command.run(daemon, screen),
            Self::Delete(command) => command.run(daemon, screen),
            Self::CancelDeletion(command) => command.run(daemon, screen),
            Self::DeleteMaterial(command) => command.run(daemon, screen),
            Self::Alias(command) => command.run(daemon, screen),
            Self::Tag(command) => command.run(daemon, screen),
            Self::Grant(command) => command.run(daemon, screen),
            Self::Store(command) => command.run(daemon, screen),
            Self::Import(command) => command.run(daemon, screen),
            Self::Encrypt(command) => command.run(daemon, screen),
            Self::Decrypt(command) => command.run(daemon, screen),
            Self::Sign(command) => command.run(daemon, screen),
            Self::Verify(command) => command.run(daemon, screen),
            Self::Public(command) => command.run(daemon, screen),
            Self::Counts(command) => command.run(daemon, screen),
            Self::Call(command) => command.run(daemon, screen),
        }
    }
}

impl Call {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        call(&self.place.desk(daemon)?, screen, &self.operation, &self.fields, &self.sure)
    }
}

/// Does an operation that somebody names, with its fields as JSON, and shows the answer as it came.
pub(super) fn call(
    desk: &Desk<'_>,
    screen: &Screen,
    operation: &str,
    fields: &str,
    sure: &Sure,
) -> Result<(), Error> {
    let fields: Value = serde_json::from_str(fields)
        .map_err(|error| Error::Usage(format!("the fields are not JSON: {error}")))?;
    let answer = if wire::admin::kms::kind(operation).is_protected() {
        let code = sure.ask(desk, &format!("{operation} takes something away, or shows what is secret."))?;
        desk.guarded(operation, &fields, code)?
    } else {
        desk.call(operation, &fields)?
    };
    screen.show(&answer, |answer| match answer {
        Value::Null => "Done.".to_owned(),
        answer => serde_json::to_string_pretty(answer).unwrap_or_default(),
    })
}

/// The text of a field; empty if it is not there.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
