//! `agency`: by which others act in an account.

use clap::Subcommand;
use serde_json::{Value, json};

use super::desk::{AGENCY, Desk, Named};
use super::given::{self, To};
use super::{or_dash, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, facts};

const EXAMPLES: &str = "\
By an agency another account's users, or a service, act in an account.

Examples:
  hsm-admin agency list acme
  hsm-admin agency show acme/auditors --json";

/// IAM: look at the agencies of an account
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Agency {
    /// List the agencies of an account
    List {
        /// The account's name or id
        account: String,
    },
    /// Show an agency: whom it trusts, for how long, and its policies
    Show {
        /// Its account and its name or id
        #[arg(value_name = "ACCOUNT/NAME")]
        agency: Named,
    },
}

impl Agency {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::List { account } => {
                let agencies = Desk::of(daemon, account)?.all(AGENCY)?;
                screen.table(&agencies, |agencies| table(agencies))
            }
            Self::Show { agency } => {
                let desk = Desk::of(daemon, &agency.account)?;
                let found = desk.find(AGENCY, &agency.name)?;
                let mut agency =
                    desk.call("ShowAgency", &json!({ "agency_id": found["id"] }))?["agency"].take();
                let given = given::to(&desk, To::Agency(text(&agency, "id")))?;
                agency["policies"] = given::json(&given);
                screen.show(&agency, |agency| {
                    let rows = vec![
                        ("Agency", Cell::from(text(agency, "name"))),
                        ("Id", Cell::from(text(agency, "id"))),
                        ("Account", Cell::from(&desk.account.name)),
                        ("Trusts", Cell::from(text(agency, "trust_domain_name"))),
                        ("Made", Cell::from(text(agency, "create_time"))),
                        ("Ends", Cell::from(ends(agency))),
                        ("Description", or_dash(agency, "description")),
                    ];
                    let policies = given::table(&given, "It is given no policies.");
                    format!("{}\n{}", facts(rows), policies.render(crate::screen::width()))
                })
            }
        }
    }
}

fn ends(agency: &Value) -> &str {
    agency["expire_time"].as_str().unwrap_or("never")
}

fn table(agencies: &[Value]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ID", 32),
        Column::text("TRUSTS", 10),
        Column::text("ENDS", 10),
    ];
    let mut table = Table::new(&columns, "The account has no agencies.");
    for agency in agencies {
        table.row(vec![
            Cell::from(text(agency, "name")),
            Cell::from(text(agency, "id")),
            Cell::from(text(agency, "trust_domain_name")),
            Cell::from(ends(agency)),
        ]);
    }
    table
}
