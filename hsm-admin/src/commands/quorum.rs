//! `quorum`: which commands need the approval of several people.

use clap::Subcommand;
use serde_json::json;
use wire::admin::approval::{Ask as Approval, Rule, Told as Answer};
use wire::admin::{Ask, Command, Role, Told};

use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table};

/// Set which commands need the approval of several people
#[derive(Debug, Subcommand)]
pub(crate) enum Quorum {
    /// List the commands that need approvals
    List,
    /// Set how many must approve a command; `quorum set` can be one of them
    Set {
        /// The command, in quotation marks, as `hsm-admin roles` has it
        #[arg(value_parser = command)]
        command: Command,

        /// How many; 0 takes the need away
        needed: u8,

        /// As what they are registered
        #[arg(long, value_parser = super::people::role, default_value = "hsm-so")]
        role: Role,
    },
}

fn command(name: &str) -> Result<Command, String> {
    Command::named(name).ok_or_else(|| format!("there is no command {name:?}: see `hsm-admin roles`"))
}

impl Quorum {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::List => screen.table(&rules(daemon)?, |rules| table(rules)),
            Self::Set { command, needed, role } => {
                let set = Approval::SetQuorum { command: *command, needed: *needed, role: *role };
                let Told::Done = daemon.ask(&Ask::Approval(set))? else { return Err(Error::Unknown) };
                let (name, role) = (command.name(), role.name());
                let done = json!({ "command": name, "needed": needed, "role": role });
                screen.show(&done, |_| match needed {
                    0 => format!("`{name}` needs no approval any more."),
                    _ => format!("`{name}` needs the approval of {needed} {role}."),
                })
            }
        }
    }
}

fn rules(daemon: &Daemon) -> Result<Vec<Rule>, Error> {
    match daemon.ask(&Ask::Approval(Approval::Quorum))? {
        Told::Approval(Answer::Quorum(rules)) => Ok(rules.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn table(rules: &[Rule]) -> Table {
    let columns = [
        Column::text("COMMAND", 20),
        Column::number("NEEDS"),
        Column::number("OF"),
        Column::text("WHO ARE", 12),
    ];
    let mut table = Table::new(&columns, "No command needs approvals.");
    for Rule { command, needed, role, of } in rules {
        let of = of.map_or_else(|| "-".to_owned(), |of| of.to_string());
        table.row(vec![Cell::from(command), Cell::from(needed), Cell::from(of), Cell::from(role)]);
    }
    table
}
