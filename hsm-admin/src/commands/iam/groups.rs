//! `group`: groups of an account's users.

use clap::Subcommand;
use serde_json::json;

use super::desk::{Desk, GROUP, More, Named, Sure, USER};
use super::given::{self, To};
use super::{or_dash, text, users};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table, facts, printable};

const EXAMPLES: &str = "\
A policy that is given to a group reaches all users in it.

Examples:
  hsm-admin group create acme/operators
  hsm-admin group add acme/operators ann
  hsm-admin policy attach 'acme/KMS CMKFullAccess' --group operators --all-projects
  hsm-admin group show acme/operators
  hsm-admin group remove acme/operators ann";

/// IAM: manage the groups of an account's users
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Group {
    /// Make a group, with nobody in it
    Create {
        /// Its account and its name
        #[arg(value_name = "ACCOUNT/NAME")]
        group: Named,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// List the groups of an account
    List {
        /// The account's name or id
        account: String,
    },
    /// Show a group: who is in it, and its policies
    Show {
        /// Its account and its name or id
        #[arg(value_name = "ACCOUNT/NAME")]
        group: Named,
    },
    /// Put a user into a group
    Add {
        /// The group's account and its name or id
        #[arg(value_name = "ACCOUNT/NAME")]
        group: Named,
        /// The user's name or id
        user: String,
    },
    /// Take a user out of a group
    Remove {
        /// The group's account and its name or id
        #[arg(value_name = "ACCOUNT/NAME")]
        group: Named,
        /// The user's name or id
        user: String,
    },
    /// Delete a group, with the policies that it is given; its users stay
    Delete {
        /// Its account and its name or id
        #[arg(value_name = "ACCOUNT/NAME")]
        group: Named,
        #[command(flatten)]
        sure: Sure,
    },
}

impl Group {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { group: Named { account, name }, description } => {
                let desk = Desk::of(daemon, account)?;
                let group = json!({ "name": name, "description": description, "domain_id": desk.account.id });
                let made = desk.call("KeystoneCreateGroup", &json!({ "group": group }))?["group"].take();
                screen.show(&made, |made| format!("Made group {} ({}).", printable(name), text(made, "id")))
            }
            Self::List { account } => {
                let groups = Desk::of(daemon, account)?.all(GROUP)?;
                screen.table(&groups, |groups| {
                    let columns =
                        [Column::text("NAME", 12), Column::text("ID", 32), Column::text("DESCRIPTION", 12)];
                    let mut table = Table::new(&columns, "The account has no groups.");
                    for group in groups {
                        let fields = ["name", "id", "description"];
                        table.row(fields.map(|field| Cell::from(text(group, field))).into());
                    }
                    table
                })
            }
            Self::Show { group } => show(daemon, screen, group),
            Self::Add { group, user } => {
                let (group, user) = change(daemon, group, user, "KeystoneAddUserToGroup")?;
                screen.show(&json!({ "group": group, "user": user }), |_| {
                    format!("{} is in group {} now.", printable(&user), printable(&group))
                })
            }
            Self::Remove { group, user } => {
                let (group, user) = change(daemon, group, user, "KeystoneRemoveUserFromGroup")?;
                screen.show(&json!({ "group": group, "user": user }), |_| {
                    format!("{} is in group {} no more.", printable(&user), printable(&group))
                })
            }
            Self::Delete { group, sure } => {
                let desk = Desk::of(daemon, &group.account)?;
                let found = desk.find(GROUP, &group.name)?;
                let (name, users) = (text(&found, "name"), users::of_group(&desk, &found)?.len());
                let consequence = format!(
                    "This is group {name} of account {}, with {users} users. They stay, and lose its policies.",
                    desk.account.name
                );
                let code = sure.ask(&desk, &consequence, name)?;
                let about = json!({ "group_id": found["id"] });
                desk.with("KeystoneDeleteGroup", &about, More { code, ..More::default() })?;
                screen.show(&json!({ "deleted": name }), |_| format!("Deleted group {}.", printable(name)))
            }
        }
    }
}

/// Puts a user into a group, or takes it out. Gives the names of both.
fn change(daemon: &Daemon, group: &Named, user: &str, operation: &str) -> Result<(String, String), Error> {
    let desk = Desk::of(daemon, &group.account)?;
    let (group, user) = (desk.find(GROUP, &group.name)?, desk.find(USER, user)?);
    desk.call(operation, &json!({ "group_id": group["id"], "user_id": user["id"] }))?;
    Ok((text(&group, "name").to_owned(), text(&user, "name").to_owned()))
}

fn show(daemon: &Daemon, screen: &Screen, group: &Named) -> Result<(), Error> {
    let desk = Desk::of(daemon, &group.account)?;
    let mut group = desk.find(GROUP, &group.name)?;
    let members = users::of_group(&desk, &group)?;
    let given = given::to(&desk, To::Group(text(&group, "id")))?;
    group["users"] = members.clone().into();
    group["policies"] = given::json(&given);
    screen.show(&group, |group| {
        let rows = vec![
            ("Group", Cell::from(text(group, "name"))),
            ("Id", Cell::from(text(group, "id"))),
            ("Account", Cell::from(&desk.account.name)),
            ("Description", or_dash(group, "description")),
        ];
        let width = crate::screen::width();
        let members = users::table(&members, "Nobody is in it.").render(width);
        let policies = given::table(&given, "It is given no policies.").render(width);
        format!("{}\n{members}\n{policies}", facts(rows))
    })
}
