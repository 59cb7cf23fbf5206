//! `account`: the accounts of the cloud services.

use clap::Subcommand;
use serde_json::json;
use wire::admin::account::{Account as Row, Ask as Accounts, Told as Answer};
use wire::admin::{Ask, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
An account has projects, users and keys of its own. Its first access key is
shown once, when it is made: it may do everything in the account.

Examples:
  hsm-admin account create acme --region local-1
  hsm-admin account create acme --json
  hsm-admin account list";

/// Manage the accounts of the cloud services
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Account {
    /// Make an account, with a project and an access key
    Create {
        /// The account's name
        name: String,

        /// The region of its first project
        #[arg(long, default_value = "local-1")]
        region: String,
    },
    /// List the accounts
    List,
}

impl Account {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { name, region } => {
                let create = Accounts::Create { name: name.clone(), region: region.clone() };
                let Told::Account(Answer::Created(made)) = daemon.ask(&Ask::Account(create))? else {
                    return Err(Error::Unknown);
                };
                let secret = String::from_utf8_lossy(&made.secret_key).into_owned();
                let shown = json!({
                    "domain_id": made.account.id,
                    "name": made.account.name,
                    "project_id": made.account.project,
                    "user_id": made.user,
                    "access_key": made.access_key,
                    "secret_key": secret,
                });
                screen.show(&shown, |_| {
                    format!(
                        "Made account {}.\n  Domain      {}\n  Project     {}\n  Access key  {}\n  Secret key  \
                         {secret}\nThe secret key is not shown again.",
                        printable(name),
                        made.account.id,
                        made.account.project,
                        made.access_key,
                    )
                })
            }
            Self::List => {
                let Told::Account(Answer::Accounts(all)) = daemon.ask(&Ask::Account(Accounts::List))? else {
                    return Err(Error::Unknown);
                };
                screen.table(&all.into_vec(), |accounts| table(accounts))
            }
        }
    }
}

fn table(accounts: &[Row]) -> Table {
    let columns = [Column::text("NAME", 12), Column::text("DOMAIN", 32), Column::text("STATE", 8)];
    let mut table = Table::new(&columns, "There are no accounts: `account create` makes one.");
    for account in accounts {
        let state = match account.enabled {
            true => Cell::from("enabled").styled(GOOD),
            false => Cell::from("disabled").styled(BAD),
        };
        table.row(vec![Cell::from(&account.name), Cell::from(&account.id), state]);
    }
    table
}
