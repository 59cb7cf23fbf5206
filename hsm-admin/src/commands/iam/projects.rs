//! `project`: projects of an account.

use clap::Subcommand;
use serde_json::{Value, json};

use super::desk::{Desk, Named, PROJECT};
use super::{or_dash, state, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, facts, printable};

const EXAMPLES: &str = "\
An account has a project for each region, and others within these, whose names
begin with the region's and an underscore. Keys of the KMS are in projects.

Examples:
  hsm-admin project list acme
  hsm-admin project show acme/local-1
  hsm-admin project create acme/local-1_billing";

/// IAM: manage the projects of an account
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Project {
    /// Make a project within that of a region
    Create {
        /// Its account and its name: the region's, _ and more
        #[arg(value_name = "ACCOUNT/NAME")]
        project: Named,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// List the projects of an account
    List {
        /// The account's name or id
        account: String,
    },
    /// Show a project
    Show {
        /// Its account and its name or id
        #[arg(value_name = "ACCOUNT/NAME")]
        project: Named,
    },
}

impl Project {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { project: Named { account, name }, description } => {
                let desk = Desk::of(daemon, account)?;
                let region = name.split('_').next().unwrap_or(name);
                let parent = desk.find(PROJECT, region)?;
                let project = json!({ "name": name, "parent_id": parent["id"], "description": description });
                let made =
                    desk.call("KeystoneCreateProject", &json!({ "project": project }))?["project"].take();
                screen.show(&made, |made| format!("Made project {} ({}).", printable(name), text(made, "id")))
            }
            Self::List { account } => {
                let projects = Desk::of(daemon, account)?.all(PROJECT)?;
                screen.table(&projects, |projects| table(projects))
            }
            Self::Show { project } => {
                let desk = Desk::of(daemon, &project.account)?;
                let project = desk.find(PROJECT, &project.name)?;
                screen.show(&project, |project| {
                    facts(vec![
                        ("Project", Cell::from(text(project, "name"))),
                        ("Id", Cell::from(text(project, "id"))),
                        ("Account", Cell::from(&desk.account.name)),
                        ("State", state(project["enabled"] == true)),
                        ("Description", or_dash(project, "description")),
                    ])
                })
            }
        }
    }
}

pub(super) fn table(projects: &[Value]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ID", 32),
        Column::text("STATE", 8),
        Column::text("DESCRIPTION", 12),
    ];
    let mut table = Table::new(&columns, "The account has no projects.");
    for project in projects {
        table.row(vec![
            Cell::from(text(project, "name")),
            Cell::from(text(project, "id")),
            state(project["enabled"] == true),
            Cell::from(text(project, "description")),
        ]);
    }
    table
}
