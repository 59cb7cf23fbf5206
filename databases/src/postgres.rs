//! PostgreSQL.

use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use zeroize::Zeroizing;

use crate::fault::{certificate, told, told_without};
use crate::{Account, CONNECT_LIMIT, Fault, STATEMENT_LIMIT, Server, tls, within};

mod settings;

pub(crate) async fn log_in(server: &Server, account: &Account<'_>) -> Result<(), Fault> {
    let session = Session::open(server, account).await?;
    session.run("SELECT 1").await
}

pub(crate) async fn set_password(
    server: &Server,
    admin: &Account<'_>,
    account: &Account<'_>,
) -> Result<(), Fault> {
    let session = Session::open(server, admin).await?;
    session.role(account.name).await?;
    session.set_password(account).await
}

pub(crate) async fn drop_account(server: &Server, admin: &Account<'_>, name: &str) -> Result<(), Fault> {
    let session = Session::open(server, admin).await?;
    session.run(&format!("DROP ROLE IF EXISTS {}", identifier(name))).await
}

/// Makes the clone, all of it or nothing.
pub(crate) async fn clone_account(
    server: &Server,
    admin: &Account<'_>,
    original: &str,
    clone: &Account<'_>,
) -> Result<(), Fault> {
    let session = Session::open(server, admin).await?;
    session.run("BEGIN").await?;
    let like = session.role(original).await?;
    let name = identifier(clone.name);
    match session.role(clone.name).await {
        Err(Fault::NoAccount(_)) => session.run(&format!("CREATE ROLE {name} LOGIN INHERIT")).await?,
        found => drop(found?),
    }
    session.set_password(clone).await?;
    let now = session.role(clone.name).await?;
    if let Some(changes) = now.changes_to(&like) {
        session.run(&format!("ALTER ROLE {name} {changes}")).await?;
    }
    session.join(original, clone.name).await?;
    session.copy_settings(original, clone.name).await?;
    session.run("COMMIT").await
}

/// What a role is, apart from what it may do with objects.
struct Role {
    attributes: [(&'static str, bool); 7],
    connections: i32,
    until: String,
}

impl Role {
    /// What must be said to make this role as another one, if anything: who may not change an attribute may not
    /// mention it.
    fn changes_to(&self, like: &Self) -> Option<String> {
        let mut changes = Vec::new();
        for ((word, now), (_, wanted)) in self.attributes.iter().zip(&like.attributes) {
            // A clone always inherits: it is by that that it may connect.
            let wanted = *wanted || *word == "INHERIT";
            if *now != wanted {
                changes.push(if wanted { (*word).to_owned() } else { format!("NO{word}") });
            }
        }
        if self.connections != like.connections {
            changes.push(format!("CONNECTION LIMIT {}", like.connections));
        }
        if self.until != like.until {
            changes.push(format!("VALID UNTIL {}", literal(&like.until)));
        }
        (!changes.is_empty()).then(|| changes.join(" "))
    }
}

/// A connection that has logged in.
struct Session {
    client: Client,
    version: i32,
}

impl Session {
    async fn open(server: &Server, account: &Account<'_>) -> Result<Self, Fault> {
        let mut config = Config::new();
        config.user(account.name).password(account.password).application_name("claviger");
        config.dbname(server.database.as_deref().unwrap_or("postgres")).ssl_mode(SslMode::Require);
        let mut tls = MakeRustlsConnect::new(tls::client(&server.ca)?);
        let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls, &server.name);
        let tls = tls.map_err(|_| Fault::Certificate(format!("{:?} is no name", told(&server.name))))?;
        let opened = within(CONNECT_LIMIT, async {
            let socket = TcpStream::connect(server.address).await;
            let socket = socket.map_err(|error| Fault::Unreachable(error.to_string()))?;
            config.connect_raw(socket, tls).await.map_err(|error| at_login(&error))
        });
        let (client, connection) = opened.await?;
        tokio::spawn(async move { drop(connection.await) });
        let mut session = Self { client, version: 0 };
        let limit = STATEMENT_LIMIT.as_millis();
        session.run(&format!("SET statement_timeout = {limit}; SET lock_timeout = {limit}")).await?;
        session.run("SET search_path = pg_catalog").await?;
        let version = session.rows("SELECT current_setting('server_version_num')::int4", &[]).await?;
        session.version = version.first().map_or(0, |row| row.get(0));
        Ok(session)
    }

    /// Runs a statement without secrets.
    async fn run(&self, statement: &str) -> Result<(), Fault> {
        self.run_with(statement, &[]).await
    }

    async fn run_with(&self, statement: &str, secrets: &[&str]) -> Result<(), Fault> {
        within(STATEMENT_LIMIT, async {
            self.client.batch_execute(statement).await.map_err(|error| refused(&error, secrets))
        })
        .await
    }

    async fn rows(&self, query: &str, parameters: &[&str]) -> Result<Vec<Row>, Fault> {
        let parameters: Vec<_> =
            parameters.iter().map(|value| (value as &(dyn ToSql + Sync), Type::TEXT)).collect();
        let query = format!("{query} LIMIT {}", crate::ROWS);
        within(STATEMENT_LIMIT, async {
            self.client.query_typed(&query, &parameters).await.map_err(|error| refused(&error, &[]))
        })
        .await
    }

    async fn role(&self, name: &str) -> Result<Role, Fault> {
        let query = "SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, \
                     rolbypassrls, rolconnlimit, coalesce(rolvaliduntil::text, 'infinity') \
                     FROM pg_catalog.pg_roles WHERE rolname = $1";
        let rows = self.rows(query, &[name]).await?;
        let row = rows.first().ok_or_else(|| Fault::NoAccount(name.to_owned()))?;
        let words = ["SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS"];
        let mut attributes = words.map(|word| (word, false));
        for (index, (_, value)) in attributes.iter_mut().enumerate() {
            *value = row.get(index);
        }
        Ok(Role { attributes, connections: row.get(7), until: row.get(8) })
    }

    /// Sends the verifier of a password, so that the server never sees or logs it.
    async fn set_password(&self, account: &Account<'_>) -> Result<(), Fault> {
        if self.version < 100_000 {
            return Err(Fault::Refused("expected PostgreSQL 10 or later, which knows SCRAM-SHA-256".into()));
        }
        let verifier = postgres_protocol::password::scram_sha_256(account.password.as_bytes());
        let verifier = Zeroizing::new(verifier);
        let text = format!("ALTER ROLE {} PASSWORD {}", identifier(account.name), literal(&verifier));
        self.run_with(&Zeroizing::new(text), &[verifier.as_str(), account.password]).await
    }

    /// Makes the clone a member of the original, and of nothing else.
    async fn join(&self, original: &str, clone: &str) -> Result<(), Fault> {
        let query = "SELECT DISTINCT g.rolname::text FROM pg_catalog.pg_auth_members m \
                     JOIN pg_catalog.pg_roles g ON g.oid = m.roleid \
                     JOIN pg_catalog.pg_roles c ON c.oid = m.member WHERE c.rolname = $1";
        let name = identifier(clone);
        for row in self.rows(query, &[clone]).await? {
            let group: &str = row.get(0);
            if group != original {
                self.run(&format!("REVOKE {} FROM {name}", identifier(group))).await?;
            }
        }
        let how = if self.version >= 160_000 { " WITH INHERIT TRUE, SET TRUE" } else { "" };
        self.run(&format!("GRANT {} TO {name}{how}", identifier(original))).await
    }
}

fn at_login(error: &tokio_postgres::Error) -> Fault {
    if let Some(said) = error.as_db_error() {
        let text = told(said.message());
        return match *said.code() {
            SqlState::INVALID_PASSWORD => Fault::Login(text),
            SqlState::TOO_MANY_CONNECTIONS | SqlState::CANNOT_CONNECT_NOW => Fault::Unreachable(text),
            _ => Fault::Refused(text),
        };
    }
    if let Some(fault) = certificate(error) {
        return fault;
    }
    let text = told(&chain(error));
    // The client tells this by its text alone.
    if text.contains("does not support TLS") { Fault::Certificate(text) } else { Fault::Unreachable(text) }
}

fn refused(error: &tokio_postgres::Error, secrets: &[&str]) -> Fault {
    match error.as_db_error() {
        Some(said) => by_state(said, secrets),
        None => {
            certificate(error).unwrap_or_else(|| Fault::Unreachable(told_without(&chain(error), secrets)))
        }
    }
}

fn by_state(said: &DbError, secrets: &[&str]) -> Fault {
    let text = told_without(said.message(), secrets);
    match *said.code() {
        SqlState::UNDEFINED_OBJECT if !secrets.is_empty() => Fault::NoAccount(text),
        SqlState::INVALID_PARAMETER_VALUE if !secrets.is_empty() => Fault::PasswordRule(text),
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST => {
            let what = "in each database, REASSIGN OWNED BY it and DROP OWNED BY it first";
            Fault::Refused(format!("{text}; {what}"))
        }
        _ => Fault::Refused(text),
    }
}

/// An error with what it came from.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn identifier(name: &str) -> String {
    postgres_protocol::escape::escape_identifier(name)
}

fn literal(value: &str) -> String {
    postgres_protocol::escape::escape_literal(value)
}
