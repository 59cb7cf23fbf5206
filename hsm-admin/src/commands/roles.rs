//! `roles`: the table of commands, who may give each, and which may need the approval of several.

use clap::Args;
use serde_json::json;
use wire::admin::command::{Quorum, Who};
use wire::admin::{Command, Role};

use crate::error::Error;
use crate::screen::Screen;
use crate::table::{Cell, Column, Table};

/// Show which role may give which command
#[derive(Debug, Args)]
#[command(after_help = "\
SO   security officer of the HSM         (hsm-so)
PSO  security officer of a partition     (partition-so)
CO   crypto officer of a partition       (crypto-officer)
CU   crypto user of a partition          (crypto-user)
AUD  auditor                             (auditor)
BO   backup operator                     (backup-operator)

A role of a partition counts for that partition. QUORUM says whether several
people can be made to approve the command: `init` where the initialisation of
the HSM sets that, `can` where `quorum set` may, `key` where the approvers of
the key must.")]
pub(crate) struct Roles {
    /// Print it as a table of Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

impl Roles {
    pub(super) fn run(&self, screen: &Screen) -> Result<(), Error> {
        let commands = || Command::ALL.iter().filter(|command| **command != Command::Chunk);
        if self.markdown {
            return screen.show(&(), |()| markdown(commands()));
        }
        let row = |command: &Command| {
            let roles: Vec<_> =
                Role::ALL.into_iter().filter(|role| may(*role, *command)).map(Role::name).collect();
            let anyone = command.who() == Who::Anyone;
            json!({ "command": command.name(), "roles": roles, "anyone": anyone, "quorum": quorum(*command) })
        };
        screen.table(&commands().map(row).collect::<Vec<_>>(), |_| table(commands()))
    }
}

fn may(role: Role, command: Command) -> bool {
    match command.who() {
        Who::Anyone => true,
        Who::Roles(roles) => roles.contains(&role),
    }
}

const fn quorum(command: Command) -> &'static str {
    match command.quorum() {
        Quorum::Never => "",
        Quorum::Settable => "can",
        Quorum::FromInit => "init",
        Quorum::OfKey => "key",
    }
}

/// The column of a role.
const fn short(role: Role) -> &'static str {
    match role {
        Role::HsmSo => "SO",
        Role::PartitionSo => "PSO",
        Role::CryptoOfficer => "CO",
        Role::CryptoUser => "CU",
        Role::Auditor => "AUD",
        Role::BackupOperator => "BO",
    }
}

fn table<'a>(commands: impl Iterator<Item = &'a Command>) -> Table {
    let mut columns = vec![Column::text("COMMAND", 20)];
    columns.extend(Role::ALL.map(|role| Column::text(short(role), 3)));
    columns.push(Column::text("QUORUM", 4));
    let mut table = Table::new(&columns, "There are no commands.");
    for command in commands {
        let mut row = vec![Cell::from(command.name())];
        row.extend(Role::ALL.map(|role| Cell::from(if may(role, *command) { "yes" } else { "" })));
        row.push(Cell::from(quorum(*command)));
        table.row(row);
    }
    table
}

fn markdown<'a>(commands: impl Iterator<Item = &'a Command>) -> String {
    let names = Role::ALL.map(|role| format!(" {} |", role.name())).concat();
    let mut text = format!("| command |{names} quorum |\n|---|{}---|\n", ":---:|".repeat(Role::ALL.len()));
    for command in commands {
        let cells = Role::ALL.map(|role| if may(role, *command) { " yes |" } else { " |" }).concat();
        let quorum = match quorum(*command) {
            "" => String::new(),
            quorum => format!(" {quorum}"),
        };
        text.push_str(&format!("| `{}` |{cells}{quorum} |\n", command.name()));
    }
    text
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn the_table_of_roles_fits_80_columns_and_cuts_nothing() {
        let text = strip_str(&table(Command::ALL.iter()).render(80)).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(!text.contains('…'), "{text}");
    }
}
