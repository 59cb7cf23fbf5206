//! `ak`: access keys of an account's users.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use zeroize::{Zeroize, Zeroizing};

use super::desk::{Code, Desk, More, Named, Sure, USER, taken};
use super::text;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
A user has at most two access keys, so that one can be replaced while the other
is in use. The secret half is shown when a key is made, and never again.

Examples:
  hsm-admin ak create acme/ann --out ann.json
  hsm-admin ak list acme/ann
  hsm-admin ak disable acme/ann HSTQ4ZK7W3XMBD2LYV5C
  hsm-admin ak delete acme/ann HSTQ4ZK7W3XMBD2LYV5C";

/// IAM: manage the access keys by which users' programs come in
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Ak {
    /// Make an access key for a user, and show its secret this once
    Create {
        /// The user: its account and its name or id
        #[arg(value_name = "ACCOUNT/USER")]
        user: Named,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Write it to this new file, which its owner alone can read, and show no secret
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        code: Code,
    },
    /// List the access keys of a user
    List {
        /// The user: its account and its name or id
        #[arg(value_name = "ACCOUNT/USER")]
        user: Named,
    },
    /// Take requests that are signed with a key again
    Enable(Which),
    /// Take no requests that are signed with a key
    Disable(Which),
    /// Delete an access key
    Delete {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The user: its account and its name or id
    #[arg(value_name = "ACCOUNT/USER")]
    user: Named,

    /// The access key
    key: String,
}

impl Ak {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Create { user, description, out, code } => {
                let desk = Desk::of(daemon, &user.account)?;
                let found = desk.find(USER, &user.name)?;
                let code = code.obtain(&desk)?;
                let credential = json!({ "user_id": found["id"], "description": description });
                let make = || {
                    let more = More { code, ..More::default() };
                    let fields = json!({ "credential": credential });
                    Ok(desk.with("CreatePermanentAccessKey", &fields, more)?["credential"].take())
                };
                create(&desk, screen, &found, out.as_deref(), make)
            }
            Self::List { user } => {
                let desk = Desk::of(daemon, &user.account)?;
                let mut keys = all(&desk, &desk.find(USER, &user.name)?)?;
                for key in &mut keys {
                    let about = json!({ "access_key": key["access"] });
                    *key = desk.call("ShowPermanentAccessKey", &about)?["credential"].take();
                }
                screen.table(&keys, |keys| table(keys))
            }
            Self::Enable(which) => which.set(daemon, screen, true),
            Self::Disable(which) => which.set(daemon, screen, false),
            Self::Delete { which, sure } => {
                let desk = which.desk(daemon)?;
                let consequence = format!(
                    "Programs that sign with access key {} of user {} are refused for good.",
                    which.key, which.user.name
                );
                let code = sure.ask(&desk, &consequence, &which.key)?;
                let about = json!({ "access_key": which.key });
                desk.with("DeletePermanentAccessKey", &about, More { code, ..More::default() })?;
                screen
                    .show(&json!({ "deleted": which.key }), |_| format!("Deleted access key {}.", which.key))
            }
        }
    }
}

impl Which {
    /// The user's account, if the key is that user's.
    fn desk<'a>(&self, daemon: &'a Daemon) -> Result<Desk<'a>, Error> {
        let desk = Desk::of(daemon, &self.user.account)?;
        let keys = all(&desk, &desk.find(USER, &self.user.name)?)?;
        match keys.iter().any(|key| text(key, "access") == self.key) {
            true => Ok(desk),
            false => Err(Error::Failed(format!("{} has no access key {:?}", self.user.name, self.key))),
        }
    }

    fn set(&self, daemon: &Daemon, screen: &Screen, active: bool) -> Result<(), Error> {
        let desk = self.desk(daemon)?;
        let status = if active { "active" } else { "inactive" };
        let fields = json!({ "access_key": self.key, "credential": { "status": status } });
        let changed = desk.call("UpdatePermanentAccessKey", &fields)?["credential"].take();
        screen.show(&changed, |_| {
            format!("Access key {} is {} now.", self.key, if active { "enabled" } else { "disabled" })
        })
    }
}

/// Makes a key, and shows it: in a file that is there before the key is, so that no secret is lost for want of a place.
fn create(
    desk: &Desk<'_>,
    screen: &Screen,
    user: &Value,
    out: Option<&Path>,
    make: impl FnOnce() -> Result<Value, Error>,
) -> Result<(), Error> {
    let failed =
        |path: &Path, why: &dyn ToString| Error::File { path: path.to_owned(), why: why.to_string() };
    let open = |path: &Path| {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        file.map_err(|error| failed(path, &error))
    };
    let file = out.map(open).transpose()?;
    let mut made = make().inspect_err(|_| {
        // It is empty still.
        let _ = out.map(fs::remove_file);
    })?;
    let Value::String(secret) = made["secret"].take() else { return Err(Error::Unknown) };
    let secret = Zeroizing::new(secret);
    let mut shown = json!({
        "access_key": made["access"],
        "user": user["name"],
        "user_id": user["id"],
        "domain_id": desk.account.id,
        "project_id": desk.account.project,
    });
    let key = text(&made, "access").to_owned();
    match (out, file) {
        (Some(path), Some(file)) => {
            write(file, &shown, &secret).map_err(|error| {
                failed(
                    path,
                    &format!("{error}; access key {key} was made, and its secret is lost: delete it"),
                )
            })?;
            screen.show(&shown, |_| {
                format!("Made access key {key}; it and its secret are in {}.", path.display())
            })
        }
        _ => {
            shown["secret_key"] = Value::String(secret.to_string());
            let done = screen.show(&shown, |_| {
                format!(
                    "Made an access key for {}.\n  Access key  {key}\n  Secret key  {}\n  Project     {}\nThe secret \
                     key is not shown again.",
                    printable(text(user, "name")),
                    *secret,
                    desk.account.project
                )
            });
            wipe(&mut shown);
            done
        }
    }
}

fn write(mut file: File, shown: &Value, secret: &str) -> std::io::Result<()> {
    let mut whole = shown.clone();
    whole["secret_key"] = secret.into();
    let text = serde_json::to_string_pretty(&whole).map(Zeroizing::new);
    wipe(&mut whole);
    writeln!(file, "{}", *text?)?;
    file.sync_all()
}

fn wipe(shown: &mut Value) {
    if let Some(Value::String(secret)) = shown.get_mut("secret_key") {
        secret.zeroize();
    }
}

/// The keys of a user.
fn all(desk: &Desk<'_>, user: &Value) -> Result<Vec<Value>, Error> {
    taken(desk.call("ListPermanentAccessKeys", &json!({ "user_id": user["id"] }))?, "credentials")
}

fn table(keys: &[Value]) -> Table {
    let columns = [
        Column::text("ACCESS KEY", 20),
        Column::text("STATE", 8),
        Column::text("MADE", 10),
        Column::text("LAST USED", 10),
        Column::text("DESCRIPTION", 11),
    ];
    let mut table = Table::new(&columns, "The user has no access keys.");
    for key in keys {
        let state = match text(key, "status") {
            "active" => Cell::from("enabled").styled(GOOD),
            _ => Cell::from("disabled").styled(BAD),
        };
        let used = text(key, "last_use_time");
        table.row(vec![
            Cell::from(text(key, "access")),
            state,
            Cell::from(minute(text(key, "create_time"))),
            Cell::from(if used.is_empty() { "never" } else { minute(used) }),
            Cell::from(text(key, "description")),
        ]);
    }
    table
}

/// A time to its minute, which leaves room for what a key is for.
fn minute(time: &str) -> &str {
    time.get(..16).unwrap_or(time)
}
