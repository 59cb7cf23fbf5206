//! `account`: the accounts of the cloud services.

use std::io::{self, IsTerminal};

use clap::{Subcommand, ValueEnum};
use serde_json::json;
use wire::admin::account::{Account as Row, Ask as Accounts, Reach, Step, Told as Answer};
use wire::admin::{Ask, Told};

use super::iam;
use super::iam::desk::{Desk, Sure};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::secret::{self, Prompt};
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
An account has projects, users and keys of its own. Its first access key is
shown once, when it is made: it may do everything in the account.

Examples:
  hsm-admin account create acme --region local-1
  hsm-admin account create acme --json
  hsm-admin account list
  hsm-admin account show acme
  hsm-admin account mfa create acme
  hsm-admin account mfa bind acme 123456 654321
  hsm-admin account contact acme --email ann@example.org
  hsm-admin account send-code acme --by email
  hsm-admin account protect acme on --code 123456
  hsm-admin account set acme --enterprise-projects off
  hsm-admin account delete acme";

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
    /// Show an account: its projects, and how much it has of what it may have
    Show {
        /// The account's name or id
        account: String,
    },
    /// Delete an account that has no keys
    ///
    /// Users, groups, access keys, policies, agencies, projects, trackers and
    /// settings go with it, all at once. Keys, key stores and secrets go first, and so do
    /// agencies of other accounts and tag policies that name it.
    Delete {
        /// The account's name or id
        account: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Say how an account works
    Set {
        /// The account's name or id
        account: String,
        /// Whether it uses enterprise projects: where it does not, they are
        /// neither shown nor asked for, and naming one is an error
        #[arg(long, value_name = "STATE")]
        enterprise_projects: State,
    },
    /// Operation protection: whether deletions from the console need a code
    ///
    /// With it on, who deletes something of the account's KMS (keys, their
    /// material, aliases, grants, key policies, key stores, access points) or
    /// its IAM (users, groups, access keys, policies) shows a code: of its root
    /// user's virtual MFA device, or one that is sent by mail or SMS. So does who
    /// makes an access key, sets a user's password, says where codes are sent, or
    /// switches it off. Changes that can be taken back need none, such as a key's
    /// tags, and requests of the SDKs are not affected.
    Protect {
        /// The account's name or id
        account: String,
        /// What is to be; without it, shows what is
        state: Option<State>,
        /// To switch it off, or on where codes are sent: a code
        #[arg(long)]
        code: Option<String>,
    },
    /// Say where codes for an account's root user are sent
    Contact {
        /// The account's name or id
        account: String,
        /// An address of mail; empty for none any more
        #[arg(long, value_name = "ADDRESS", required_unless_present = "phone")]
        email: Option<String>,
        /// The number of a telephone, such as +4915100000000; empty for none any more
        #[arg(long, value_name = "NUMBER")]
        phone: Option<String>,
        /// With operation protection on: a code
        #[arg(long)]
        code: Option<String>,
    },
    /// Send a code for an account's root user, good once and for five minutes
    SendCode {
        /// The account's name or id
        account: String,
        /// By which way
        #[arg(long, value_enum)]
        by: By,
    },
    /// The virtual MFA device of an account's root user
    #[command(subcommand)]
    Mfa(Mfa),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    /// It is so.
    On,
    /// It is not.
    Off,
}

/// By which way a code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// By mail.
    Email,
    /// By SMS.
    Sms,
}

/// What is done with a virtual MFA device.
#[derive(Debug, Subcommand)]
pub(crate) enum Mfa {
    /// Make one: its secret is shown once, for an authenticator program
    Create {
        /// The account's name or id
        account: String,
    },
    /// Bind it: two codes in a row show that it is set up
    Bind {
        /// The account's name or id
        account: String,
        /// The code that the program shows
        first: String,
        /// The one that it shows next
        second: String,
    },
    /// Take it away
    Remove {
        /// The account's name or id
        account: String,
        /// A code of it
        code: String,
    },
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
            Self::Show { account } => iam::accounts::show(daemon, screen, account),
            Self::Delete { account, sure } => {
                let account = Desk::of(daemon, account)?;
                let name = account.account.name.clone();
                let consequence = format!(
                    "This deletes the account {name} with its users, access keys, policies and projects."
                );
                let code = sure.ask(&account, &consequence, &name)?;
                let delete = Accounts::Delete { account: account.account.id.clone(), code };
                match daemon.ask(&Ask::Account(delete))? {
                    Told::Account(Answer::Done) => {
                        screen.show(&json!({}), |_| format!("Deleted account {}.", printable(&name)))
                    }
                    _ => Err(Error::Unknown),
                }
            }
            Self::Set { account, enterprise_projects } => {
                let on = *enterprise_projects == State::On;
                let set = Accounts::Set { account: account.clone(), enterprise_projects: on };
                match daemon.ask(&Ask::Account(set))? {
                    Told::Account(Answer::Done) => screen.show(&json!({ "enterprise_projects": on }), |_| {
                        let uses = if on { "uses" } else { "does not use" };
                        format!("{} {uses} enterprise projects.", printable(account))
                    }),
                    _ => Err(Error::Unknown),
                }
            }
            Self::Protect { account, state, code } => {
                let on = state.map(|state| state == State::On);
                let ask = Accounts::Protect { account: account.clone(), on, code: code.clone() };
                let (on, device, reaches) = protection(daemon, ask)?;
                let sent: Vec<_> =
                    reaches.iter().map(|reach| json!({ "by": reach.by, "to": reach.hint })).collect();
                screen.show(&json!({ "on": on, "device": device, "sent": sent }), |_| {
                    let (is, has) = (if on { "on" } else { "off" }, if device { "a" } else { "no" });
                    let to: Vec<_> = reaches.iter().map(|reach| printable(&reach.hint)).collect();
                    let to = if to.is_empty() { "nowhere".to_owned() } else { to.join(" and ") };
                    format!(
                        "Operation protection is {is}; the root user has {has} virtual MFA device. Codes can be sent to \
                         {to}."
                    )
                })
            }
            Self::Contact { account, email, phone, code } => {
                let (on, ..) =
                    protection(daemon, Accounts::Protect { account: account.clone(), on: None, code: None })?;
                let code = if on { Some(self::code(daemon, account, code.as_deref())?) } else { None };
                let (email, phone) = (email.clone(), phone.clone());
                let ask = Accounts::Contact { account: account.clone(), email, phone, code };
                match daemon.ask(&Ask::Account(ask))? {
                    Told::Account(Answer::Done) => screen.show(&json!({}), |_| "Done.".to_owned()),
                    _ => Err(Error::Unknown),
                }
            }
            Self::SendCode { account, by } => {
                let by = if *by == By::Email { "email" } else { "sms" };
                let reach = send(daemon, account, by)?;
                screen.show(&json!({ "by": reach.by, "to": reach.hint }), |_| {
                    format!(
                        "A code is sent to {}: it is good once, for five minutes.",
                        printable(&reach.hint)
                    )
                })
            }
            Self::Mfa(mfa) => mfa.run(daemon, screen),
        }
    }
}

impl Mfa {
    fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let (account, step) = match self {
            Self::Create { account } => (account, Step::Create),
            Self::Bind { account, first, second } => {
                (account, Step::Bind { first: first.clone(), second: second.clone() })
            }
            Self::Remove { account, code } => (account, Step::Remove { code: code.clone() }),
        };
        match daemon.ask(&Ask::Account(Accounts::Device { account: account.clone(), step }))? {
            Told::Account(Answer::Seed(seed)) => {
                let seed = String::from_utf8_lossy(&seed).into_owned();
                let uri = format!("otpauth://totp/Claviger:{account}?secret={seed}&issuer=Claviger");
                screen.show(&json!({ "secret": seed, "uri": uri }), |_| {
                    format!(
                        "Secret  {seed}\nURI     {uri}\nNeither is shown again. `account mfa bind` takes two codes \
                         in a row."
                    )
                })
            }
            Told::Account(Answer::Done) => screen.show(&json!({}), |_| "Done.".to_owned()),
            _ => Err(Error::Unknown),
        }
    }
}

/// Asks what protects an account, or changes it: whether it is on, whether there is a device, and where codes are sent.
fn protection(daemon: &Daemon, ask: Accounts) -> Result<(bool, bool, Vec<Reach>), Error> {
    match daemon.ask(&Ask::Account(ask))? {
        Told::Account(Answer::Protection { on, device, reaches }) => Ok((on, device, reaches.into_vec())),
        _ => Err(Error::Unknown),
    }
}

fn send(daemon: &Daemon, account: &str, by: &str) -> Result<Reach, Error> {
    let ask = Accounts::SendCode { account: account.to_owned(), by: by.to_owned() };
    match daemon.ask(&Ask::Account(ask))? {
        Told::Account(Answer::Sent(reach)) => Ok(reach),
        _ => Err(Error::Unknown),
    }
}

/// A code for an account: the one that is given, or what is asked for, which is sent before if that is wanted.
///
/// # Errors
/// `Usage` if nobody can be asked, `NotConfirmed` if nothing is answered.
pub(super) fn code(daemon: &Daemon, account: &str, given: Option<&str>) -> Result<String, Error> {
    if let Some(code) = given {
        return Ok(code.to_owned());
    }
    let mut what = "the code of the virtual MFA device";
    if io::stdin().is_terminal() {
        let ask = Accounts::Protect { account: account.to_owned(), on: None, code: None };
        let (_, device, reaches) = protection(daemon, ask)?;
        if let Some(reach) = chosen(device, &reaches)? {
            let sent = send(daemon, account, &reach.by)?;
            anstream::eprintln!("A code is sent to {}.", printable(&sent.hint));
            what = "the code that was sent";
        }
    }
    let instead = "operation protection is on: give --code";
    let code = secret::ask(what, Prompt::Once, instead)?;
    let code = code.ok_or_else(|| Error::NotConfirmed("the code is empty".into()))?;
    Ok(String::from_utf8_lossy(&code).into_owned())
}

/// Where a code is to be sent, as somebody says who is asked for each place in turn; nowhere, if there is a device for it.
fn chosen(device: bool, reaches: &[Reach]) -> Result<Option<&Reach>, Error> {
    for reach in reaches {
        anstream::eprint!("Send the code to {}? [y/N] ", printable(&reach.hint));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(Error::Print)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(Some(reach));
        }
    }
    match device || reaches.is_empty() {
        true => Ok(None),
        false => Err(Error::NotConfirmed("no code is sent".into())),
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
