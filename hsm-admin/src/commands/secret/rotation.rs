//! Secrets that are rotated: made of an account of a database, rotated now or by themselves, and what came of that.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::list::when;
use super::{In, call, of_csms};
use crate::commands::kms::{Desk, text};
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::{BAD, GOOD, Screen};
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, Column, Table, printable};

/// Make a secret that is rotated: of an account of a database or a host, or of what a program sets
#[derive(Debug, Args)]
pub(crate) struct Host {
    /// Its name: letters, digits, - and _
    name: String,

    /// The database or host, as `database add` named it
    #[arg(long, value_name = "NAME", required_unless_present = "program")]
    database: Option<String>,

    /// The account, which is there
    #[arg(long, value_name = "NAME", required_unless_present = "program")]
    account: Option<String>,

    /// A file whose first line is the account's password [default: ask for it]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Of a host: the private key that lets in to the account, which is rotated in place of a password: OpenSSH's PEM
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password_file", "dual"])]
    private_key: Option<PathBuf>,

    /// Two accounts that take turns, so that programs can log in at any time: a clone of the account is made
    #[arg(long)]
    dual: bool,

    /// The program that sets values, as [rotation.programs] in hsmd.toml names it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["database", "account", "password_file", "private_key", "dual"])]
    program: Option<String>,

    /// With a program: a file with the value as it is now [default: ask for it]
    #[arg(long, value_name = "FILE", requires = "program")]
    file: Option<PathBuf>,

    /// Have it rotated by itself, after such a time: 6h to 8760h, or 1d to 365d
    #[arg(long, value_name = "TIME")]
    every: Option<String>,

    /// What it is for, in words
    #[arg(long)]
    description: Option<String>,

    /// The key that encrypts it, by id or alias [default: csms/default]
    #[arg(long)]
    key: Option<String>,

    /// The event by which its changes are told
    #[arg(long)]
    event: Option<String>,

    /// Do not ask whether a clone may be made, and whether CSMS may rotate
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: In,
}

/// Rotate a secret now; or say how often it is by itself
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    /// Its name
    name: String,

    /// Not now, but by itself after such a time: 6h to 8760h, or 1d to 365d
    #[arg(long, value_name = "TIME", conflicts_with = "off")]
    every: Option<String>,

    /// Not by itself any more
    #[arg(long)]
    off: bool,

    /// Do not ask for the word ROTATE
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    place: In,
}

/// List what came of rotations in the last month, the newest first
#[derive(Debug, Args)]
pub(crate) struct Rotations {
    /// Those of this secret
    name: Option<String>,

    /// Those that failed
    #[arg(long)]
    failed: bool,

    #[command(flatten)]
    place: In,
}

impl Host {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let (kind, mut fields) = match &self.program {
            Some(program) => self.of_program(program)?,
            None => self.of_account(&desk)?,
        };
        fields["name"] = self.name.clone().into();
        fields["secret_type"] = kind.clone().into();
        fields["auto_rotation"] = self.every.is_some().into();
        let given =
            [("description", &self.description), ("kms_key_id", &self.key), ("rotation_period", &self.every)];
        for (field, given) in given {
            if let Some(given) = given {
                fields[field] = given.clone().into();
            }
        }
        if let Some(event) = &self.event {
            fields["event_subscriptions"] = json!([event]);
        }
        let made = with_agency(&desk, &kind, self.yes, || call(&desk, "CreateSecret", &fields))?;
        screen.show(&made["secret"], |made| {
            let next = match text(made, "rotation_period") {
                "" => "`secret rotate` rotates it.".to_owned(),
                period => format!("It is rotated every {period}."),
            };
            format!("Made secret {:?}: {}. {next}", printable(&self.name), text(made, "id"))
        })
    }

    /// Of what type the secret of a program is, and what is asked for it.
    fn of_program(&self, program: &str) -> Result<(String, Value), Error> {
        let value = match &self.file {
            Some(file) => secret::whole(file, "the value")?,
            None => {
                let what = "the value as it is now";
                secret::text(&secret::obtain(None, what, Prompt::Once, "give --file")?, what)?
            }
        };
        let fields = json!({ "secret_string": value.as_str(), "rotation_func_urn": program });
        Ok(("Program-FG".to_owned(), fields))
    }

    /// The same of an account.
    fn of_account(&self, desk: &Desk<'_>) -> Result<(String, Value), Error> {
        let account = self.account.as_deref().unwrap_or_default();
        let database = self.database(desk)?;
        if self.dual && !self.yes {
            let text = format!(
                "An account {:?} that may do all that {:?} may is made in database {:?}.",
                printable(&format!("{account}_clone")),
                printable(account),
                printable(text(&database, "name"))
            );
            secret::confirm(&text, "the word", "CLONE")?;
        }
        let mut value = json!({
            "engine": database["engine"], "host": database["host"], "port": database["port"], "name": account,
        });
        let kind = if let Some(file) = &self.private_key {
            value["private_key"] = secret::whole(file, "the account's private key")?.as_str().into();
            "SSHKey-FG"
        } else {
            let (from, what) = (Source::of(self.password_file.as_deref(), None), "the account's password");
            let password = secret::obtain(from, what, Prompt::Once, "give --password-file")?;
            value["password"] = secret::text(&password, what)?.as_str().into();
            text(&database, "secret_type")
        };
        let value = Zeroizing::new(value.to_string());
        let config = json!({
            "InstanceId": database["id"],
            "SecretSubType": if self.dual { "MultiUser" } else { "SingleUser" },
        });
        let fields = json!({ "secret_string": value.as_str(), "rotation_config": config.to_string() });
        Ok((kind.to_owned(), fields))
    }

    fn database(&self, desk: &Desk<'_>) -> Result<Value, Error> {
        let name = self.database.as_deref().unwrap_or_default();
        let mut all = call(desk, "ListDatabases", &json!({}))?["databases"].take();
        let all = all.as_array_mut().ok_or(Error::Unknown)?;
        let found = all.iter_mut().find(|database| text(database, "name") == name);
        found.map(Value::take).ok_or_else(|| {
            Error::Failed(format!("there is no database {:?}: `database add` registers one", printable(name)))
        })
    }
}

impl Rotate {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let name = printable(&self.name);
        if self.every.is_none() && !self.off {
            if !self.yes {
                let text = format!(
                    "Secret {name:?} gets a new value: programs that keep the old one are soon refused."
                );
                secret::confirm(&text, "the word", "ROTATE")?;
            }
            let fields = json!({ "secret_name": self.name });
            let done = self.agreed(&desk, || call(&desk, "RotateSecret", &fields))?;
            return screen.show(&done, |done| {
                format!("Rotated secret {name:?}: version {} is current.", text(done, "version_id"))
            });
        }
        let mut fields = json!({ "secret_name": self.name, "auto_rotation": !self.off });
        if let Some(every) = &self.every {
            fields["rotation_period"] = every.clone().into();
        }
        let changed = self.agreed(&desk, || call(&desk, "UpdateSecret", &fields))?;
        screen.show(&changed["secret"], |secret| match self.off {
            true => format!("Secret {name:?} is not rotated by itself any more."),
            false => format!(
                "Secret {name:?} is rotated every {}, next at {}.",
                text(secret, "rotation_period"),
                when(&secret["next_rotation_time"], 19)
            ),
        })
    }

    fn agreed(&self, desk: &Desk<'_>, act: impl Fn() -> Result<Value, Error>) -> Result<Value, Error> {
        let secret = call(desk, "ShowSecret", &json!({ "secret_name": self.name }))?["secret"].take();
        with_agency(desk, text(&secret, "secret_type"), self.yes, act)
    }
}

/// Does what needs CSMS's agency, which is made, once somebody agrees, if it is not there.
fn with_agency(
    desk: &Desk<'_>,
    kind: &str,
    yes: bool,
    act: impl Fn() -> Result<Value, Error>,
) -> Result<Value, Error> {
    match act() {
        Err(Error::Failed(why)) if why.contains("CreateAgency") => {
            if !yes {
                let text = "CSMS may not rotate secrets in this project yet. It gets an agency that lets it read them, give them versions and set passwords.";
                secret::confirm(text, "the word", "AGREE")?;
            }
            let made = desk.call(&of_csms("CreateAgency"), &json!({ "secret_type": kind }))?;
            for agency in made["agencies"].as_array().into_iter().flatten() {
                let why = text(agency, "error_msg");
                if !why.is_empty() {
                    let name = printable(text(agency, "agency_name"));
                    return Err(Error::Failed(format!("agency {name}: {}", printable(why))));
                }
            }
            act()
        }
        done => done,
    }
}

impl Rotations {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        let desk = self.place.desk(daemon)?;
        let mut fields = json!({});
        if let Some(name) = &self.name {
            fields["secret_name"] = name.clone().into();
        }
        if self.failed {
            fields["status"] = "FAILED".into();
        }
        let tasks = desk.pages(&of_csms("ListSecretTask"), fields, &["/tasks"])?;
        screen.table(&tasks, |tasks| table(tasks))
    }
}

fn table(tasks: &[Value]) -> Table {
    let columns = [
        Column::text("TIME", 19),
        Column::text("SECRET", 12),
        Column::text("BY", 9),
        Column::text("RESULT", 7),
        Column::whole("WHY"),
    ];
    let mut table = Table::new(&columns, "Nothing was rotated in the last month.");
    for task in tasks {
        let result = match text(task, "task_status") {
            "SUCCESS" => Cell::from("done").styled(GOOD),
            _ => Cell::from("failed").styled(BAD),
        };
        let by = if text(task, "operate_type") == "MANUAL" { "somebody" } else { "itself" };
        table.row(vec![
            Cell::from(when(&task["task_time"], 19)),
            Cell::from(printable(text(task, "secret_name"))),
            Cell::from(by),
            result,
            Cell::from(printable(text(task, "task_error_msg"))),
        ]);
    }
    table
}
