//! `tag`: the tags that are offered where some are given.

use clap::Subcommand;
use serde_json::json;
use wire::admin::organization::{Ask as Organization, Told as Answer};
use wire::admin::{Ask, Told};

use super::instance::parse_tag;
use super::unit::done;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
Predefined tags are offered where somebody gives a key a tag: Tab completes
them in `key tag set`. They bind nobody; tag policies do.

Examples:
  hsm-admin tag predefined add environment=production
  hsm-admin tag predefined list
  hsm-admin tag predefined delete environment=production";

/// Manage the tags that are offered where some are given
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Tag {
    /// The predefined tags
    #[command(subcommand)]
    Predefined(Predefined),
}

/// What is done with predefined tags.
#[derive(Debug, Subcommand)]
pub(crate) enum Predefined {
    /// Predefine a tag
    Add {
        /// Its key and value
        #[arg(value_name = "KEY=VALUE", value_parser = parse_tag)]
        tag: (String, String),
    },
    /// List them
    List,
    /// Predefine a tag no more: what has it keeps it
    Delete {
        /// Its key and value
        #[arg(value_name = "KEY=VALUE", value_parser = parse_tag)]
        tag: (String, String),
    },
}

impl Tag {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let Self::Predefined(what) = self;
        let ((key, value), on) = match what {
            Predefined::List => return list(daemon, screen),
            Predefined::Add { tag } => (tag.clone(), true),
            Predefined::Delete { tag } => (tag.clone(), false),
        };
        let is = if on { "is predefined now" } else { "is predefined no more" };
        let said = format!("The tag {}={} {is}.", printable(&key), printable(&value));
        done(daemon, screen, Organization::Predefine { key, value, on }, &said)
    }
}

/// The predefined tags: keys and values, in order.
pub(super) fn predefined(daemon: &Daemon) -> Result<Vec<(String, String)>, Error> {
    match daemon.ask(&Ask::Organization(Organization::Predefined))? {
        Told::Organization(Answer::Predefined(tags)) => Ok(tags.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn list(daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
    let all = predefined(daemon)?;
    let shown: Vec<_> = all.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    screen.table(&shown, |_| {
        let columns = [Column::text("KEY", 12), Column::text("VALUE", 12)];
        let mut table = Table::new(&columns, "No tags are predefined: `tag predefined add` makes one.");
        for (key, value) in &all {
            table.row(vec![Cell::from(key), Cell::from(value)]);
        }
        table
    })
}
