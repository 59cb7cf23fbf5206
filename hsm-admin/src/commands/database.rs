//! `database`: databases, and hosts, whose passwords CSMS rotates.

// To read a field that an answer does not have gives null.
#![allow(clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::kms::{In, Sure, text};
use super::secret::of_csms;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, Column, Table, printable};

const EXAMPLES: &str = "\
Passwords of accounts there are rotated: the HSM sets them as an administrator
of the server, over TLS or SSH, and tries them before programs get them. It
reaches servers in the networks that [rotation] networks in hsmd.toml lists.
On a Linux host (engine ssh) the administrator is root, or may sudo without a
password; keys in place of passwords are rotated there, too.

Examples:
  hsm-admin database add orders --engine mysql --host db.example.org \\
      --ca ca.pem --admin hsm
  hsm-admin secret host orders-app --database orders --account app --dual \\
      --every 30d
  ssh-keyscan web.example.org > web.keys   # compare them with the host's own
  hsm-admin database add web --engine ssh --host web.example.org \\
      --ca web.keys --admin root --private-key root.key
  hsm-admin secret host deploy --database web --account deploy \\
      --private-key deploy.key --every 30d
  hsm-admin secret rotate orders-app
  hsm-admin secret rotations --failed
  hsm-admin database set orders --ca new-ca.pem   # asks for the password";

/// The most bytes of a file with certificates.
const MOST: u64 = 64 << 10;

/// Databases and hosts whose passwords are rotated
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Database {
    /// Register a database or a host, once its administrator has logged in there
    Add {
        /// Its name: letters, digits, - and _
        name: String,
        /// mysql (MySQL and MariaDB), taurusdb, postgresql, redis, or ssh for a Linux host
        #[arg(long)]
        engine: String,
        /// Its host, which its certificate names
        #[arg(long)]
        host: String,
        /// Its port [default: the engine's own]
        #[arg(long)]
        port: Option<u16>,
        /// The certificate of the authority that its certificate is from: PEM; of a host its public keys, as ssh-keyscan prints them
        #[arg(long, value_name = "FILE")]
        ca: PathBuf,
        /// The database within the server that is logged in to [default: the engine's own]
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
        /// The account that may set passwords there, and make accounts for secrets with two
        #[arg(long, value_name = "NAME")]
        admin: String,
        /// A file whose first line is the password of that account [default: ask for it]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Of a host: the private key of that account in place of a password: OpenSSH's PEM, without a passphrase
        #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
        private_key: Option<PathBuf>,
        #[command(flatten)]
        place: In,
    },
    /// Change how a database or a host is known, or who sets passwords there: what is not given stays
    ///
    /// The administrator's password is needed in any case, and logs in once.
    Set {
        /// Its name
        name: String,
        /// Another certificate of the authority; of a host its public keys
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// Another account that sets passwords
        #[arg(long, value_name = "NAME")]
        admin: Option<String>,
        /// A file whose first line is the password of that account [default: ask for it]
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Of a host: the private key of that account in place of a password
        #[arg(long, value_name = "FILE", conflicts_with = "password_file")]
        private_key: Option<PathBuf>,
        #[command(flatten)]
        place: In,
    },
    /// List the databases and hosts
    List {
        #[command(flatten)]
        place: In,
    },
    /// Forget a database that no secret is rotated in: nothing changes in it
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        sure: Sure,
        #[command(flatten)]
        place: In,
    },
}

impl Database {
    pub(super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        match self {
            Self::Add {
                name,
                engine,
                host,
                port,
                ca,
                database,
                admin,
                password_file,
                private_key,
                place,
            } => {
                let desk = place.desk(daemon)?;
                let password = proof(password_file.as_deref(), private_key.as_deref())?;
                let mut fields = json!({
                    "name": name, "engine": engine, "host": host, "port": port.unwrap_or(usual_port(engine)),
                    "ca": read(ca)?, "admin": admin, "password": password.as_str(),
                });
                if let Some(database) = database {
                    fields["database"] = database.clone().into();
                }
                let made = desk.call(&of_csms("AddDatabase"), &fields)?;
                screen.show(&made["database"], |made| {
                    format!("Registered database {:?}: {}", printable(name), text(made, "id"))
                })
            }
            Self::Set { name, ca, admin, password_file, private_key, place } => {
                let desk = place.desk(daemon)?;
                let password = proof(password_file.as_deref(), private_key.as_deref())?;
                let mut fields = json!({ "database_name": name, "password": password.as_str() });
                if let Some(admin) = admin {
                    fields["admin"] = admin.clone().into();
                }
                if let Some(ca) = ca {
                    fields["ca"] = read(ca)?.into();
                }
                let set = desk.call(&of_csms("UpdateDatabase"), &fields)?;
                screen.show(&set["database"], |set| {
                    let admin = printable(text(set, "admin"));
                    format!("Account {admin:?} sets passwords in database {:?}.", printable(name))
                })
            }
            Self::List { place } => {
                let desk = place.desk(daemon)?;
                let listed = desk.call(&of_csms("ListDatabases"), &json!({}))?["databases"].take();
                let all = listed.as_array().ok_or(Error::Unknown)?;
                screen.table(all, |all| table(all))
            }
            Self::Remove { name, sure, place } => {
                let desk = place.desk(daemon)?;
                let text = format!("The HSM forgets database {:?} and its administrator.", printable(name));
                let code = sure.ask(&desk, &text)?;
                let done =
                    desk.guarded(&of_csms("RemoveDatabase"), &json!({ "database_name": name }), code)?;
                screen.show(&done, |_| format!("Forgot database {:?}.", printable(name)))
            }
        }
    }
}

/// What the administrator proves itself with.
fn proof(file: Option<&Path>, private_key: Option<&Path>) -> Result<Zeroizing<String>, Error> {
    if let Some(file) = private_key {
        return secret::whole(file, "the administrator's private key");
    }
    let what = "the administrator's password";
    let password = secret::obtain(Source::of(file, None), what, Prompt::Once, "give --password-file")?;
    secret::text(&password, what)
}

/// The port of an engine, where none is given.
fn usual_port(engine: &str) -> u16 {
    match engine {
        "postgresql" => 5432,
        "redis" => 6379,
        "ssh" => 22,
        _ => 3306,
    }
}

fn read(path: &PathBuf) -> Result<String, Error> {
    use std::io::Read as _;
    let mut read = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST + 1).read_to_string(&mut read))
        .map_err(|cause| Error::File { path: path.clone(), why: cause.to_string() })?;
    Ok(read)
}

fn table(all: &[Value]) -> Table {
    let columns = [
        Column::text("NAME", 12),
        Column::text("ENGINE", 10),
        Column::text("SERVER", 24),
        Column::text("ADMINISTRATOR", 13),
        Column::text("ID", 36),
    ];
    let mut table = Table::new(&columns, "There are no databases: `database add` registers one.");
    for one in all {
        let server = format!("{}:{}", printable(text(one, "host")), one["port"]);
        table.row(vec![
            Cell::from(printable(text(one, "name"))),
            Cell::from(printable(text(one, "engine"))),
            Cell::from(server),
            Cell::from(printable(text(one, "admin"))),
            Cell::from(text(one, "id")),
        ]);
    }
    table
}
