//! `user`: the users of a partition's token, by whose PINs applications log in, and the users of an account.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use wire::Bytes;
use wire::admin::user::{Ask as Users, Told as Answer, User as Row};
use wire::admin::{Ask, Role, Told};

use super::iam::users;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen, WARN};
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
There are two kinds of users. What takes a partition (add, list, remove, pin,
unlock) is about users of its token. What takes ACCOUNT/NAME (create, show,
enable, disable, password, delete), and list --account, is about users of an
account of the cloud services.

Examples:
  hsm-admin user add payments web-1 --role crypto-user --pin-file web-1.pin
  hsm-admin user list payments
  hsm-admin user unlock payments web-1
  hsm-admin user create acme/ann --email ann@example.com
  hsm-admin user list --account acme
  hsm-admin user password acme/ann --must-change";

const ADD_EXAMPLES: &str = "\
Applications log in as one of these users with C_LoginUser and the name. `user`
is the one that every token has: a crypto officer, as whom C_Login(CKU_USER)
logs in. C_Login(CKU_CRYPTO_USER), 0x80000001, logs in as the crypto user of the
name `crypto-user`, for applications that know of no names.

Examples:
  hsm-admin user add payments web-1 --role crypto-user --pin-file web-1.pin
  hsm-admin user list payments
  hsm-admin user unlock payments web-1
  hsm-admin user pin payments web-1
  hsm-admin user remove payments web-1";

/// Manage users: those of a partition, who have PINs, and those of an account (IAM)
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum User {
    Add(Add),
    /// List the users of a partition, or those of an account
    List {
        /// The partition: its label, serial number or slot number
        #[arg(required_unless_present = "account", conflicts_with = "account")]
        partition: Option<String>,
        /// IAM: the account, by its name or id
        #[arg(long)]
        account: Option<String>,
    },
    /// Remove a user, and end its log-ins
    Remove(Which),
    Pin(Pin),
    /// Forget a user's wrong tries, which unlocks its PIN
    Unlock(Which),
    Create(users::Create),
    Show(users::Show),
    Enable(users::Enable),
    Disable(users::Disable),
    Password(users::Password),
    Delete(users::Delete),
}

/// Make a user, with a PIN of its own
#[derive(Debug, Args)]
#[command(after_help = ADD_EXAMPLES)]
pub(crate) struct Add {
    #[command(flatten)]
    which: Which,

    /// crypto-officer makes, uses and destroys keys; crypto-user only uses them
    #[arg(long, value_parser = role)]
    role: Role,

    #[command(flatten)]
    pin: PinArgs,
}

/// Give a user another PIN, which also unlocks it
#[derive(Debug, Args)]
#[command(after_help = ADD_EXAMPLES)]
pub(crate) struct Pin {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    pin: PinArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The partition: its label, serial number or slot number
    partition: String,

    /// The user's name
    name: String,
}

/// Where the PIN is; it is asked for if it is not given.
#[derive(Debug, Args)]
struct PinArgs {
    /// Read the user's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,

    /// Read the user's PIN from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "pin_file")]
    pin_fd: Option<u32>,
}

impl PinArgs {
    fn obtain(&self) -> Result<Bytes, Error> {
        let source = Source::of(self.pin_file.as_deref(), self.pin_fd);
        secret::obtain(source, "the user's PIN", Prompt::Twice, "give --pin-file or --pin-fd")
    }
}

fn role(name: &str) -> Result<Role, String> {
    let role = Role::named(name).filter(|role| matches!(role, Role::CryptoOfficer | Role::CryptoUser));
    role.ok_or_else(|| format!("a user cannot be {name:?}: it is crypto-officer or crypto-user"))
}

impl User {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Add(Add { which: Which { partition, name }, role, pin }) => {
                let done = add(daemon, partition, name, *role, pin.obtain()?)?;
                screen.show(&done, |user| format!("{} is a {} now.", printable(&user.name), user.role))
            }
            Self::List { account: Some(account), .. } => users::list(daemon, screen, account),
            Self::List { partition, .. } => {
                let partition = partition.as_deref().unwrap_or_default();
                screen.table(&all(daemon, partition)?, |users| table(users))
            }
            Self::Remove(Which { partition, name }) => {
                let remove = Users::Remove { partition: partition.clone(), name: name.clone() };
                let Told::Done = daemon.ask(&Ask::User(remove))? else { return Err(Error::Unknown) };
                screen.show(&json!({ "removed": name }), |_| format!("Removed {}.", printable(name)))
            }
            Self::Pin(Pin { which: Which { partition, name }, pin }) => {
                let (partition, name, pin) = (partition.clone(), name.clone(), pin.obtain()?);
                let done = told(daemon, Users::Pin { partition, name, pin })?;
                screen.show(&done, |user| format!("{} has another PIN.", printable(&user.name)))
            }
            Self::Unlock(Which { partition, name }) => {
                let unlock = Users::Unlock { partition: partition.clone(), name: name.clone() };
                screen.show(&told(daemon, unlock)?, |user| {
                    format!("{} can log in again.", printable(&user.name))
                })
            }
            Self::Create(command) => command.run(daemon, screen),
            Self::Show(command) => command.run(daemon, screen),
            Self::Enable(command) => command.run(daemon, screen),
            Self::Disable(command) => command.run(daemon, screen),
            Self::Password(command) => command.run(daemon, screen),
            Self::Delete(command) => command.run(daemon, screen),
        }
    }
}

/// Makes a user.
pub(super) fn add(
    daemon: &Daemon,
    partition: &str,
    name: &str,
    role: Role,
    pin: Bytes,
) -> Result<Row, Error> {
    let (partition, name) = (partition.to_owned(), name.to_owned());
    told(daemon, Users::Add { partition, name, role, pin })
}

/// The users of a partition.
pub(super) fn all(daemon: &Daemon, partition: &str) -> Result<Vec<Row>, Error> {
    match daemon.ask(&Ask::User(Users::List { partition: partition.to_owned() }))? {
        Told::User(Answer::Users(users)) => Ok(users.into_vec()),
        _ => Err(Error::Unknown),
    }
}

fn told(daemon: &Daemon, ask: Users) -> Result<Row, Error> {
    match daemon.ask(&Ask::User(ask))? {
        Told::User(Answer::User(user)) => Ok(user),
        _ => Err(Error::Unknown),
    }
}

fn table(users: &[Row]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ROLE", 14),
        Column::text("PIN", 10),
        Column::number("WRONG TRIES"),
    ];
    let mut table = Table::new(&columns, "There are no users.");
    for user in users {
        let pin = match user {
            Row { pin: false, .. } => Cell::from("not set").styled(WARN),
            Row { pin_locked: true, .. } => Cell::from("locked").styled(BAD),
            _ => Cell::from("set").styled(GOOD),
        };
        table.row(vec![Cell::from(&user.name), Cell::from(&user.role), pin, Cell::from(user.pin_failures)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    #[test]
    fn a_list_of_users_fits_80_columns_and_says_whose_pin_is_locked() {
        let user = |name: &str, role: &str, pin_failures| Row {
            name: name.into(),
            role: role.into(),
            pin: true,
            pin_failures,
            pin_locked: pin_failures == 10,
        };
        let long = "0123456789".repeat(6);
        let users = [
            Row { pin: false, ..user("user", "crypto-officer", 0) },
            user(&long, "crypto-user", 3),
            user("eve\u{1b}", "crypto-user", 10),
        ];
        let text = strip_str(&table(&users).render(80)).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let words: Vec<Vec<_>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["user", "crypto-officer", "not", "set", "0"]);
        assert_eq!(words[2][1..], ["crypto-user", "set", "3"]);
        assert_eq!(words[3][1..], ["crypto-user", "locked", "10"]);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_user_has_one_of_two_roles() {
        assert_eq!(role("crypto-user"), Ok(Role::CryptoUser));
        assert!(role("partition-so").unwrap_err().contains("crypto-officer or crypto-user"));
        assert!(role("root").is_err());
    }
}
