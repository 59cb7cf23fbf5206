//! Servers whose passwords CSMS rotates, which are databases but for hosts that speak SSH: where each is, how it is known, and
//! the account that may set passwords there.
//!
//! What talks to servers is outside, behind [`Servers`]. The password of the account that sets passwords is kept as values
//! of secrets are.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crypto::Secret as Bytes;
use hsm::service::Kind;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::allow::About;
use super::error::{CsmsError, Result};
use super::fault::Fault;
use super::secret::{SecretKind, VersionId, check_name};
use super::value::{BORROWER, Value, key_error};
use super::{Csms, Project};
use crate::caller::Caller;
use crate::iam::ProjectId;
use crate::kms::record::{Kept, creation};
use crate::kms::{KmsError, Millis, Uuid};

/// The most databases of a project.
const MOST: usize = 200;
/// The most bytes of an authority's certificates.
const MAX_CA: usize = 64 << 10;
/// The most characters of a host's or an account's name.
const MAX_HOST: usize = 253;
const MAX_ACCOUNT: usize = 80;
/// The most bytes of a private key.
const MAX_KEY: usize = 16 << 10;

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// MySQL or MariaDB, as RDS has them.
    MySql,
    /// TaurusDB, which speaks as MySQL does.
    TaurusDb,
    /// PostgreSQL.
    PostgreSql,
    /// Redis, from 6 on, with accounts in its access control list.
    Redis,
    /// A Linux host, over SSH.
    Ssh,
}

impl Engine {
    const ALL: [(Self, &'static str, &'static [SecretKind]); 5] = [
        (Self::MySql, "mysql", &[SecretKind::Rds]),
        (Self::TaurusDb, "taurusdb", &[SecretKind::TaurusDb]),
        (Self::PostgreSql, "postgresql", &[SecretKind::PostgreSql]),
        (Self::Redis, "redis", &[SecretKind::Redis]),
        (Self::Ssh, "ssh", &[SecretKind::SshPassword, SecretKind::SshKey]),
    ];

    fn row(self) -> (Self, &'static str, &'static [SecretKind]) {
        Self::ALL.into_iter().find(|(engine, ..)| *engine == self).unwrap_or(Self::ALL[0])
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The kinds of the secrets that are rotated there.
    #[must_use]
    pub fn kinds(self) -> &'static [SecretKind] {
        self.row().2
    }

    /// Refuses a kind of secret that is rotated elsewhere.
    pub(super) fn check_kind(self, kind: SecretKind) -> Result<()> {
        if self.kinds().contains(&kind) {
            return Ok(());
        }
        let expected: Vec<_> = self.kinds().iter().map(|kind| kind.name()).collect();
        Err(CsmsError::Field(format!(
            "secret_type {} is for no server of engine {}: expected {}",
            kind.name(),
            self.name(),
            expected.join(" or ")
        )))
    }
}

impl FromStr for Engine {
    type Err = CsmsError;
    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|(_, name, _)| *name == text);
        found.map(|(engine, ..)| engine).ok_or_else(|| {
            CsmsError::Field(format!(
                "engine {text:?} is unknown: expected mysql, taurusdb, postgresql, redis or ssh"
            ))
        })
    }
}

/// A database: a record in the partition of its project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its id.
    pub id: Uuid,
    /// Its name, which no other database of the project has.
    pub name: String,
    /// What the server is.
    pub server: Server,
    /// The account that sets passwords.
    pub admin: String,
    /// When it was registered.
    pub created: Millis,
    /// The number of the record with the password of that account.
    pub(super) password: u64,
}

/// Where a server is, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// What it is.
    pub engine: Engine,
    /// Its host, which its certificate names.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The authority of its certificate, in PEM; of a host its keys, as OpenSSH writes them.
    pub ca: String,
    /// The database that is logged in to; none for the one that the engine takes.
    pub database: Option<String>,
}

/// An account of a server and its password.
#[derive(Clone)]
pub struct Login {
    /// Its name.
    pub name: String,
    /// Its password; of a host also a private key, as OpenSSH writes it.
    pub password: Zeroizing<String>,
}

impl Login {
    /// Whether it has a private key in place of a password.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.password.starts_with("-----BEGIN ")
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What rotation reaches outside: servers, and programs of the operator's.
pub trait Servers: Send + Sync {
    /// Logs in.
    ///
    /// # Errors
    /// Why it cannot be.
    fn log_in(&self, server: &Server, login: &Login) -> Result<(), Fault>;

    /// Gives an account the password that stands with it.
    ///
    /// # Errors
    /// Why it cannot be.
    fn set_password(&self, server: &Server, admin: &Login, login: &Login) -> Result<(), Fault>;

    /// Makes an account that may do what another may; if it is there, it may do no more and no less from now on.
    ///
    /// # Errors
    /// Why it cannot be.
    fn clone_account(
        &self,
        server: &Server,
        admin: &Login,
        original: &str,
        clone: &Login,
    ) -> Result<(), Fault>;

    /// Takes an account away; it may be gone.
    ///
    /// # Errors
    /// Why it cannot be.
    fn drop_account(&self, server: &Server, admin: &Login, name: &str) -> Result<(), Fault>;

    /// Makes a key pair from random bytes: the private key and the public one, as OpenSSH writes them.
    ///
    /// # Errors
    /// If there is none.
    fn new_key(&self, seed: &[u8; 32]) -> Result<(Zeroizing<String>, String), Fault>;

    /// Asks a program that the operator lets secrets of a project be rotated by, and gives its answer.
    ///
    /// # Errors
    /// Why it does not do what it is asked; `Unreachable` if it is not known whether it did.
    fn run(&self, project: ProjectId, program: &str, asked: &[u8]) -> Result<Zeroizing<Vec<u8>>, Fault>;
}

/// A database as it is to be registered.
#[derive(Debug)]
pub struct NewDatabase<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where it is.
    pub server: Server,
    /// The account that sets passwords.
    pub admin: Login,
}

/// What is to become of a database; what is not named stays as it is.
#[derive(Debug)]
pub struct DatabaseChange<'a> {
    /// The authority of its certificate, or its keys.
    pub ca: Option<&'a str>,
    /// The account that sets passwords.
    pub admin: Option<&'a str>,
    /// The password of that account, also if it is the same: it is sent to no server by who does not know it.
    pub password: Zeroizing<String>,
}

impl Csms {
    /// Registers a database, once the account that is to set passwords has logged in there.
    ///
    /// # Errors
    /// `Field`; `DatabaseTaken`, `DatabaseQuota`, `Talks`; `Database` if it cannot be logged in; `Forbidden`; what the HSM says.
    pub fn add_database(&self, caller: &Caller, new: NewDatabase<'_>) -> Result<Kept<Database>> {
        let (project, account) = self.permitted_in(caller, "CreateSecret", About::name(new.name))?;
        check_name("name", new.name)?;
        check_server(&new.server, &new.admin)?;
        let project = self.project_or_new(project, account)?;
        room_for(&project, new.name)?;
        {
            let _talk = self.talks.begin(project.id, None)?;
            self.servers.log_in(&new.server, &new.admin)?;
        }
        let key = self.kms.lendable(caller, BORROWER, None).map_err(key_error)?;
        let _turn = project.turn.lock();
        let (number, value) = room_for(&project, new.name)?;
        let id = Uuid::from_random(self.hsm.random()?);
        let password = Value::Text(Bytes::new(new.admin.password.as_bytes().to_vec()));
        let sealed = self.seal(caller, key, (id, PASSWORD), value, &password)?;
        let database = Database {
            id,
            name: new.name.to_owned(),
            server: new.server,
            admin: new.admin.name,
            created: self.now(),
            password: value,
        };
        let write = creation(Kind::CsmsDatabase, number, &database)?;
        let details = about(&database);
        let version = self.commit(caller, &project, "register a database", &details, vec![sealed, write])?;
        let database = Kept { number, version, value: Arc::new(database) };
        project.shelf.write().show_database(database.clone());
        Ok(database)
    }

    /// Changes how a database is known or who sets passwords there, once that account has logged in. What is set there from
    /// now on is sent to whoever is known so: that is for who may read and change all secrets that are rotated there. Where
    /// it is stays, as values say it.
    ///
    /// # Errors
    /// `Field`; `NoDatabase`, `Talks`; `Database` if it cannot be logged in; `Forbidden`; what the HSM says.
    pub fn update_database(
        &self,
        caller: &Caller,
        name: &str,
        change: DatabaseChange<'_>,
    ) -> Result<Kept<Database>> {
        let (project, account) = self.permitted_in(caller, "UpdateSecret", About::name(name))?;
        let project = self.project(project, account)?.ok_or(CsmsError::NoDatabase)?;
        let there = named(&project, name)?;
        for secret in rotated_in(&project, there.id) {
            self.permitted(caller, "UpdateSecret", &secret)?;
            self.permitted(caller, "ShowSecretVersion", &secret)?;
        }
        let ca = change.ca.unwrap_or(&there.server.ca).to_owned();
        let server = Server { ca, ..there.server.clone() };
        let admin = change.admin.unwrap_or(&there.admin).to_owned();
        let admin = Login { name: admin, password: change.password };
        check_server(&server, &admin)?;
        {
            let _talk = self.talks.begin(project.id, None)?;
            self.servers.log_in(&server, &admin)?;
        }
        let key = self.kms.lendable(caller, BORROWER, None).map_err(key_error)?;
        let _turn = project.turn.lock();
        if named(&project, name)?.version != there.version {
            return Err(CsmsError::Kms(KmsError::Busy));
        }
        let password = Value::Text(Bytes::new(admin.password.as_bytes().to_vec()));
        let mut sealed = self.seal(caller, key, (there.id, PASSWORD), there.password, &password)?;
        sealed.was = self.value_goes(&project, there.password)?.was;
        let changed = Database { server, admin: admin.name, ..Database::clone(&there) };
        let writes = vec![sealed, there.update(Kind::CsmsDatabase, &changed)?];
        let version = self.commit(caller, &project, "change a database", &about(&changed), writes)?;
        let changed = there.updated(version, changed);
        project.shelf.write().show_database(changed.clone());
        Ok(changed)
    }

    /// The databases of the project, in the order in which they were registered.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn databases(&self, caller: &Caller) -> Result<Vec<Kept<Database>>> {
        let (project, account) = self.permitted_in(caller, "ListSecrets", About::default())?;
        let Some(project) = self.project(project, account)? else { return Ok(Vec::new()) };
        let shelf = project.shelf.read();
        Ok(shelf.databases.values().cloned().collect())
    }

    /// Forgets a database. Nothing changes in it.
    ///
    /// # Errors
    /// `NoDatabase`; `DatabaseInUse` if secrets are rotated there; `Forbidden`; what the HSM says.
    pub fn remove_database(&self, caller: &Caller, name: &str) -> Result<()> {
        let (project, account) = self.permitted_in(caller, "DeleteSecret", About::name(name))?;
        let project = self.project(project, account)?.ok_or(CsmsError::NoDatabase)?;
        let _turn = project.turn.lock();
        let there = named(&project, name)?;
        let names = rotated_in(&project, there.id);
        if !names.is_empty() {
            return Err(CsmsError::DatabaseInUse(names.join(", ")));
        }
        let writes = vec![self.value_goes(&project, there.password)?, there.deletion(Kind::CsmsDatabase)];
        self.commit(caller, &project, "forget a database", &about(&there), writes)?;
        project.shelf.write().databases.remove(&there.number);
        Ok(())
    }

    /// A database of an id, and the account that sets passwords there.
    pub(super) fn database(
        &self,
        caller: &Caller,
        project: &Project,
        id: Uuid,
    ) -> Result<(Kept<Database>, Login)> {
        let database = project.shelf.read().database(id)?.clone();
        let password = self.open_at(caller, project, (id, PASSWORD), database.password)?;
        let password = std::str::from_utf8(password.as_bytes())
            .map_err(|_| CsmsError::Internal("a password is a text"))?;
        let admin = Login { name: database.admin.clone(), password: Zeroizing::new(password.to_owned()) };
        Ok((database, admin))
    }
}

/// The version that the password of a database has, as it is bound to it: no secret has one.
const PASSWORD: VersionId = VersionId(0);

/// The database of a name.
fn named(project: &Project, name: &str) -> Result<Kept<Database>> {
    let shelf = project.shelf.read();
    let there = shelf.databases.values().find(|there| there.name == name);
    there.cloned().ok_or(CsmsError::NoDatabase)
}

/// The names of the secrets that are rotated in a database.
fn rotated_in(project: &Project, database: Uuid) -> Vec<String> {
    let shelf = project.shelf.read();
    let uses = shelf
        .secrets
        .values()
        .filter(|secret| secret.rotation.target.as_ref().is_some_and(|target| target.database == database));
    uses.map(|secret| secret.name.clone()).collect()
}

/// The numbers of the records of a new database and its password, if there is room for it.
fn room_for(project: &Project, name: &str) -> Result<(u64, u64)> {
    let shelf = project.shelf.read();
    if shelf.databases.values().any(|there| there.name == name) {
        return Err(CsmsError::DatabaseTaken);
    }
    if shelf.databases.len() >= MOST {
        return Err(CsmsError::DatabaseQuota(MOST));
    }
    Ok((shelf.next_database, shelf.next_value))
}

fn check_server(server: &Server, admin: &Login) -> Result<()> {
    check_account(admin)?;
    if admin.is_key() && server.engine != Engine::Ssh {
        return Err(CsmsError::Field("password: a private key is for hosts that speak SSH".to_owned()));
    }
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if !(1..=MAX_HOST).contains(&server.host.len()) || !plain(&server.host) {
        return Err(CsmsError::Field(format!(
            "host: expected a name or an address, of at most {MAX_HOST} characters"
        )));
    }
    if server.port == 0 {
        return Err(CsmsError::Field("port is from 1 to 65535".to_owned()));
    }
    if !(1..=MAX_CA).contains(&server.ca.len()) {
        let what = match server.engine {
            Engine::Ssh => "the host's public keys, a line each as ssh-keyscan prints them",
            _ => "the certificate of the server's authority in PEM",
        };
        return Err(CsmsError::Field(format!("ca: expected {what}, of at most {MAX_CA} bytes")));
    }
    if server.database.as_ref().is_some_and(|name| !(1..=63).contains(&name.len())) {
        return Err(CsmsError::Field("database: expected 1 to 63 bytes".to_owned()));
    }
    Ok(())
}

/// Refuses what cannot be an account of a server.
pub(super) fn check_account(login: &Login) -> Result<()> {
    let good = |text: &str, most: usize| (1..=most).contains(&text.len()) && !text.contains(char::is_control);
    if !good(&login.name, MAX_ACCOUNT) {
        return Err(CsmsError::Field(format!("the name of an account has 1 to {MAX_ACCOUNT} bytes")));
    }
    if login.is_key() {
        return match login.password.len() {
            ..=MAX_KEY => Ok(()),
            _ => Err(CsmsError::Field(format!("the private key of an account has at most {MAX_KEY} bytes"))),
        };
    }
    if !good(&login.password, 1024) {
        return Err(CsmsError::Field("the password of an account has 1 to 1024 bytes".to_owned()));
    }
    Ok(())
}

fn about(database: &Database) -> [(&'static str, String); 3] {
    let Server { host, port, .. } = &database.server;
    [
        ("database", database.id.to_string()),
        ("name", database.name.clone()),
        ("server", format!("{} at {host}:{port}", database.server.engine.name())),
    ]
}
