//! Users of an account.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use wire::Bytes;

use super::desk::{Code, Desk, More, Named, Sure, USER, taken};
use super::given::{self, To};
use super::{or_dash, state, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, Column, Table, facts, printable};

/// How a user may come in.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Access {
    /// By password and by access key.
    #[default]
    Default,
    /// By both, too: for programs alone.
    Programmatic,
    /// By password, not by access key.
    Console,
}

impl Access {
    const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Programmatic => "programmatic",
            Self::Console => "console",
        }
    }
}

/// IAM: make a user of an account, who may do nothing yet
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its account and its name
    #[arg(value_name = "ACCOUNT/NAME")]
    user: Named,

    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Where mail reaches it
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,

    /// How it may come in
    #[arg(long, value_enum, default_value_t)]
    access: Access,

    /// It may do nothing until it is enabled
    #[arg(long)]
    disabled: bool,

    #[command(flatten)]
    password: PasswordArgs,

    /// The password must be changed at the first log-in
    #[arg(long)]
    must_change: bool,

    #[command(flatten)]
    code: Code,
}

/// IAM: show a user of an account: its groups, access keys and policies
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its account and its name or id
    #[arg(value_name = "ACCOUNT/NAME")]
    user: Named,
}

/// IAM: let a user of an account do again what its policies say
#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// Its account and its name or id
    #[arg(value_name = "ACCOUNT/NAME")]
    user: Named,
}

/// IAM: let a user of an account do nothing, and end its tokens
#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// Its account and its name or id
    #[arg(value_name = "ACCOUNT/NAME")]
    user: Named,
}

/// IAM: give a user of an account another password, which ends its tokens
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// Its account and its name or id
    #[arg(value_name = "ACCOUNT/NAME")]
    user: Named,

    #[command(flatten)]
    password: PasswordArgs,

    /// The user must change it at the next log-in
    #[arg(long)]
    must_change: bool,

    #[command(flatten)]
    code: Code,
}

/// IAM: delete a user of an account, with its access keys and policies
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Its account and its name or id
    #[arg(value_name = "ACCOUNT/NAME")]
    user: Named,

    #[command(flatten)]
    sure: Sure,
}

/// Where the password is.
#[derive(Debug, Args)]
struct PasswordArgs {
    /// Read the user's password from this file (its first line)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Read the user's password from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "password_file")]
    password_fd: Option<u32>,
}

impl PasswordArgs {
    fn source(&self) -> Option<Source> {
        Source::of(self.password_file.as_deref(), self.password_fd)
    }

    fn obtain(&self) -> Result<Bytes, Error> {
        let instead = "give --password-file or --password-fd";
        secret::obtain(self.source(), "the user's password", Prompt::Twice, instead)
    }
}

impl Create {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let password = self.password.source().map(|from| from.read("the user's password")).transpose()?;
        if self.must_change && password.is_none() {
            return Err(Error::Usage("--must-change is for a password that is given".into()));
        }
        let desk = Desk::of(daemon, &self.user.account)?;
        let code = password.as_ref().map(|_| self.code.obtain(&desk)).transpose()?.flatten();
        // What is null counts as left out.
        let user = json!({
            "name": self.user.name,
            "domain_id": desk.account.id,
            "description": self.description,
            "email": self.email,
            "access_mode": self.access.name(),
            "enabled": !self.disabled,
            "pwd_status": password.as_ref().map(|_| !self.must_change),
        });
        let more = More { password, code, ..More::default() };
        let made = desk.with("CreateUser", &json!({ "user": user }), more)?["user"].take();
        screen.show(&made, |made| {
            format!(
                "Made user {} ({}).\nIt may do nothing yet: `group add` and `policy attach` change that.",
                printable(&self.user.name),
                text(made, "id")
            )
        })
    }
}

impl Show {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = Desk::of(daemon, &self.user.account)?;
        let mut user = desk.user(&self.user.name)?;
        let about = json!({ "user_id": user["id"] });
        let groups = taken(desk.call("KeystoneListGroupsForUser", &about)?, "groups")?;
        let keys = taken(desk.call("ListPermanentAccessKeys", &about)?, "credentials")?;
        let given = given::to(&desk, To::User(text(&user, "id")))?;
        user["groups"] = groups.into();
        user["access_keys"] = keys.into();
        user["policies"] = given::json(&given);
        screen.show(&user, |user| {
            let words = |list: &str, field: &str| {
                let all = user[list].as_array().into_iter().flatten();
                let words: Vec<_> = all.map(|one| text(one, field)).collect();
                if words.is_empty() { "-".to_owned() } else { words.join(", ") }
            };
            let rows = vec![
                ("User", Cell::from(text(user, "name"))),
                ("Id", Cell::from(text(user, "id"))),
                ("Account", Cell::from(&desk.account.name)),
                ("Root user", Cell::from(if user["is_domain_owner"] == true { "yes" } else { "no" })),
                ("State", state(user["enabled"] == true)),
                ("Comes in by", Cell::from(text(user, "access_mode"))),
                ("Password", Cell::from(password_of(user))),
                ("Email", or_dash(user, "email")),
                ("Description", or_dash(user, "description")),
                ("Made", Cell::from(text(user, "create_time"))),
                ("Groups", Cell::from(words("groups", "name"))),
                ("Access keys", Cell::from(words("access_keys", "access"))),
            ];
            let policies = given::table(&given, "It is given no policies.").render(crate::screen::width());
            format!("{}\n{policies}", facts(rows))
        })
    }
}

fn password_of(user: &Value) -> &'static str {
    match (user["pwd_create_time"].is_string(), user["pwd_status"] == true) {
        (false, _) => "none",
        (true, true) => "set",
        (true, false) => "to be changed at the next log-in",
    }
}

impl Enable {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        enable(daemon, screen, &self.user, true)
    }
}

impl Disable {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        enable(daemon, screen, &self.user, false)
    }
}

fn enable(daemon: &Daemon, screen: &Screen, user: &Named, enabled: bool) -> Result<(), Error> {
    let desk = Desk::of(daemon, &user.account)?;
    let found = desk.find(USER, &user.name)?;
    let fields = json!({ "user_id": found["id"], "user": { "enabled": enabled } });
    let changed = desk.call("UpdateUser", &fields)?["user"].take();
    screen.show(&changed, |_| {
        format!(
            "{} is {} now.",
            printable(text(&found, "name")),
            if enabled { "enabled" } else { "disabled" }
        )
    })
}

impl Password {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = Desk::of(daemon, &self.user.account)?;
        let found = desk.find(USER, &self.user.name)?;
        let (password, code) = (Some(self.password.obtain()?), self.code.obtain(&desk)?);
        let fields = json!({ "user_id": found["id"], "user": { "pwd_status": !self.must_change } });
        let more = More { password, code, ..More::default() };
        let changed = desk.with("UpdateUser", &fields, more)?["user"].take();
        screen.show(&changed, |_| format!("{} has another password.", printable(text(&found, "name"))))
    }
}

impl Delete {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = Desk::of(daemon, &self.user.account)?;
        let found = desk.find(USER, &self.user.name)?;
        let (about, name) = (json!({ "user_id": found["id"] }), text(&found, "name"));
        let keys = taken(desk.call("ListPermanentAccessKeys", &about)?, "credentials")?.len();
        let consequence = format!(
            "This is user {name} of account {}, who has {keys} access keys. It and they are deleted for good.",
            desk.account.name
        );
        let code = self.sure.ask(&desk, &consequence, name)?;
        desk.with("KeystoneDeleteUser", &about, More { code, ..More::default() })?;
        screen.show(&json!({ "deleted": name }), |_| format!("Deleted user {}.", printable(name)))
    }
}

/// Lists the users of an account.
pub(in super::super) fn list(daemon: &Daemon, screen: &Screen, account: &str) -> Result<(), Error> {
    let desk = Desk::of(daemon, account)?;
    screen.table(&desk.all(USER)?, |users| table(users, "The account has no users."))
}

/// The users in a group.
pub(super) fn of_group(desk: &Desk<'_>, group: &Value) -> Result<Vec<Value>, Error> {
    let about = json!({ "group_id": group["id"] });
    taken(desk.call("KeystoneListUsersForGroupByAdmin", &about)?, "users")
}

pub(super) fn table(users: &[Value], empty: &'static str) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ID", 32),
        Column::text("STATE", 8),
        Column::text("COMES IN BY", 12),
    ];
    let mut table = Table::new(&columns, empty);
    for user in users {
        table.row(vec![
            Cell::from(text(user, "name")),
            Cell::from(text(user, "id")),
            state(user["enabled"] == true),
            Cell::from(text(user, "access_mode")),
        ]);
    }
    table
}
