//! `unit`: the units in which accounts are.

use clap::Subcommand;
use serde_json::json;
use wire::admin::organization::{Ask as Organization, Told as Answer, Unit as Row};
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret;
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
All accounts of the HSM are one organization. What is attached to a unit, such
as a tag policy, binds the accounts in it and in the units below. An account
that is in no unit is in the root.

Examples:
  hsm-admin unit create finance
  hsm-admin unit create payments --in finance
  hsm-admin unit move acme --to payments
  hsm-admin unit delegate security   # its tracker may gather all accounts' traces
  hsm-admin unit list";

/// Manage the units in which accounts are
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Unit {
    /// Make a unit
    Create {
        /// Its name
        name: String,
        /// The unit that it is to be in [default: the root]
        #[arg(long = "in", value_name = "UNIT")]
        parent: Option<String>,
    },
    /// List the units, and the accounts in them
    List,
    /// Delete a unit that nothing is in
    Delete {
        /// Its name
        name: String,
        /// Do not ask before it is deleted
        #[arg(long)]
        yes: bool,
    },
    /// Move an account into a unit
    Move {
        /// The account's name or id
        account: String,
        /// The unit
        #[arg(long, value_name = "UNIT", required_unless_present = "root", conflicts_with = "root")]
        to: Option<String>,
        /// Back into the root
        #[arg(long)]
        root: bool,
    },
    /// Let one account gather the traces of all accounts, for whom it sees what they do; or show which
    Delegate {
        /// The account's name or id
        #[arg(conflicts_with = "nobody")]
        account: Option<String>,
        /// No account any more: what was gathered stays where it is
        #[arg(long)]
        nobody: bool,
        /// Do not ask before an account may see what all do
        #[arg(long)]
        yes: bool,
    },
}

impl Unit {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (ask, said) = match self {
            Self::List => return list(daemon, screen),
            Self::Delegate { account: None, nobody: false, .. } => return delegated(daemon, screen),
            Self::Delegate { account: None, .. } => (
                Organization::Delegate { account: None },
                "Traces of the organization are gathered for nobody any more.".to_owned(),
            ),
            Self::Delegate { account: Some(account), yes, .. } => {
                if !yes {
                    let text =
                        "The account sees what all accounts of the HSM do, once its tracker asks for that.";
                    secret::confirm(text, "its name", account)?;
                }
                (
                    Organization::Delegate { account: Some(account.clone()) },
                    format!(
                        "The management trackers of {} may gather the traces of all accounts.",
                        printable(account)
                    ),
                )
            }
            Self::Create { name, parent } => (
                Organization::CreateUnit { name: name.clone(), parent: parent.clone() },
                format!("Made unit {}.", printable(name)),
            ),
            Self::Delete { name, yes } => {
                if !yes {
                    secret::confirm("The unit is deleted for good.", "its name", name)?;
                }
                (
                    Organization::DeleteUnit { name: name.clone() },
                    format!("Deleted unit {}.", printable(name)),
                )
            }
            Self::Move { account, to, .. } => {
                let place =
                    to.as_ref().map_or_else(|| "the root".into(), |unit| format!("unit {}", printable(unit)));
                (
                    Organization::Move { account: account.clone(), unit: to.clone() },
                    format!("{} is in {place} now.", printable(account)),
                )
            }
        };
        done(daemon, screen, ask, &said)
    }
}

/// Asks for something that has no answer but that it is done.
pub(super) fn done(daemon: &Daemon, screen: &Screen, ask: Organization, said: &str) -> Result<(), Error> {
    match daemon.ask(&Ask::Organization(ask))? {
        Told::Organization(Answer::Done) => screen.show(&json!({}), |_| said.to_owned()),
        _ => Err(Error::Unknown),
    }
}

fn delegated(daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
    let Told::Organization(Answer::Delegated(account)) =
        daemon.ask(&Ask::Organization(Organization::Delegated))?
    else {
        return Err(Error::Unknown);
    };
    screen.show(&json!({ "account": account }), |_| match &account {
        Some(account) => format!("Traces of all accounts may be gathered for {}.", printable(account)),
        None => {
            "Traces of all accounts are gathered for nobody: `unit delegate ACCOUNT` lets one.".to_owned()
        }
    })
}

fn list(daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
    let Told::Organization(Answer::Units(units)) = daemon.ask(&Ask::Organization(Organization::Units))?
    else {
        return Err(Error::Unknown);
    };
    let row =
        |unit: &Row| json!({ "name": unit.name, "in": unit.parent, "accounts": unit.accounts.to_vec() });
    let shown: Vec<_> = units.iter().map(row).collect();
    screen.table(&shown, |_| {
        let columns = [Column::text("NAME", 12), Column::text("IN", 8), Column::text("ACCOUNTS", 12)];
        let mut table = Table::new(&columns, "There are no units: `unit create` makes one.");
        for unit in units.iter() {
            let parent = unit.parent.as_deref().unwrap_or("root");
            table.row(vec![Cell::from(&unit.name), Cell::from(parent), Cell::from(unit.accounts.join(", "))]);
        }
        table
    })
}
