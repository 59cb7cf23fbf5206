//! MySQL and MariaDB.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, OptsBuilder, ServerError, SslOpts};
use sha1_11::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::fault::{certificate, told, told_without};
use crate::{Account, CONNECT_LIMIT, Fault, ROWS, STATEMENT_LIMIT, Server, tls, within};

mod grants;
mod tokens;

/// The most bytes of an answer's row.
const PACKET: usize = 4 << 20;

/// The ways of logging in by password that a clone can have.
const PLUGINS: &[&str] = &[NATIVE, "caching_sha2_password", "ed25519", "parsec"];
const NATIVE: &str = "mysql_native_password";

pub(crate) async fn log_in(server: &Server, account: &Account<'_>) -> Result<(), Fault> {
    let mut session = Session::open(server, account).await?;
    session.run("SELECT 1").await?;
    session.close().await;
    Ok(())
}

pub(crate) async fn set_password(
    server: &Server,
    admin: &Account<'_>,
    account: &Account<'_>,
) -> Result<(), Fault> {
    let mut session = Session::open_as_admin(server, admin).await?;
    for entry in session.entries_of(account.name).await? {
        let who = user(account.name, &entry.host);
        let secret = session.secret(account.password, &entry.plugin);
        let value = match secret {
            Secret::Hash(hash) => Zeroizing::new(format!("'{}'", *hash)),
            Secret::Clear if session.is_maria => {
                Zeroizing::new(format!("PASSWORD({})", *literal(account.password)))
            }
            Secret::Clear => literal(account.password),
        };
        let statement = Zeroizing::new(format!("SET PASSWORD FOR {who} = {}", *value));
        session.run_secretly(&statement, account.password, &value).await?;
    }
    session.close().await;
    Ok(())
}

pub(crate) async fn drop_account(server: &Server, admin: &Account<'_>, name: &str) -> Result<(), Fault> {
    let mut session = Session::open_as_admin(server, admin).await?;
    for entry in session.entries(name).await? {
        session.run(&format!("DROP USER IF EXISTS {}", user(name, &entry.host))).await?;
    }
    session.close().await;
    Ok(())
}

/// Makes the clone anew, for each host of the original.
pub(crate) async fn clone_account(
    server: &Server,
    admin: &Account<'_>,
    original: &str,
    clone: &Account<'_>,
) -> Result<(), Fault> {
    let mut session = Session::open_as_admin(server, admin).await?;
    let originals = session.entries_of(original).await?;
    if let Some(entry) = originals.iter().find(|entry| !PLUGINS.contains(&&*entry.plugin)) {
        let how = told(&entry.plugin);
        let text = format!("{original:?} logs in by {how}, which is no password that a clone could have");
        return Err(Fault::Refused(text));
    }
    for entry in session.entries(clone.name).await? {
        session.run(&format!("DROP USER IF EXISTS {}", user(clone.name, &entry.host))).await?;
    }
    for entry in originals {
        session.clone_entry(original, clone, &entry).await?;
    }
    session.close().await;
    Ok(())
}

/// An account of the server's: one host that a user may come from.
struct Entry {
    host: String,
    plugin: String,
}

/// How a password goes to the server.
enum Secret {
    Hash(Zeroizing<String>),
    Clear,
}

/// A connection that has logged in.
struct Session {
    connection: Conn,
    is_maria: bool,
    checks_passwords: bool,
}

impl Session {
    async fn open(server: &Server, account: &Account<'_>) -> Result<Self, Fault> {
        tls::authority(&server.ca)?;
        let tls = SslOpts::default()
            .with_root_certs(vec![server.ca.clone().into_bytes().into()])
            .with_disable_built_in_roots(true)
            .with_danger_tls_hostname_override(Some(server.name.clone()));
        let options = OptsBuilder::default()
            .ip_or_hostname(server.address.ip().to_string())
            .resolved_ips(Some(vec![server.address.ip()]))
            .tcp_port(server.address.port())
            .prefer_socket(false)
            .ssl_opts(tls)
            .user(Some(account.name))
            .pass(Some(account.password))
            .db_name(server.database.clone())
            .max_allowed_packet(Some(PACKET))
            .stmt_cache_size(0);
        let connection =
            within(CONNECT_LIMIT, async { Conn::new(options).await.map_err(|error| at_login(&error)) })
                .await?;
        Ok(Self { connection, is_maria: false, checks_passwords: false })
    }

    /// Logs in, and has the server quote and understand quotes as this module does.
    async fn open_as_admin(server: &Server, admin: &Account<'_>) -> Result<Self, Fault> {
        let mut session = Self::open(server, admin).await?;
        session.run("SET NAMES utf8mb4").await?;
        session.run("SET SESSION sql_mode = '', SESSION sql_quote_show_create = 1").await?;
        let version = session.column("SELECT VERSION()", &[]).await?;
        session.is_maria = version.iter().any(|version| version.contains("MariaDB"));
        let query = "SELECT PLUGIN_NAME FROM information_schema.PLUGINS \
                     WHERE PLUGIN_TYPE = 'PASSWORD VALIDATION' AND PLUGIN_STATUS = 'ACTIVE'";
        session.checks_passwords = !session.column(query, &[]).await?.is_empty();
        Ok(session)
    }

    async fn close(self) {
        // All is done; a server that does not take the farewell is not waited for.
        let _ = within(STATEMENT_LIMIT, async {
            self.connection.disconnect().await.map_err(|e| refused(&e, &[]))
        })
        .await;
    }

    /// Runs a statement without secrets.
    async fn run(&mut self, statement: &str) -> Result<(), Fault> {
        self.run_with(statement, &[]).await
    }

    async fn run_with(&mut self, statement: &str, secrets: &[&str]) -> Result<(), Fault> {
        within(STATEMENT_LIMIT, async {
            self.connection.query_drop(statement).await.map_err(|error| refused(&error, secrets))
        })
        .await
    }

    /// Runs a statement that holds a password, outside of MariaDB's general log if that can be.
    async fn run_secretly(&mut self, statement: &str, password: &str, value: &str) -> Result<(), Fault> {
        let clear = self.is_maria && statement.contains("PASSWORD(");
        let hidden = clear && self.run("SET SESSION sql_log_off = 1").await.is_ok();
        let done = self.run_with(statement, &[password, value.trim_matches('\'')]).await;
        if hidden {
            self.run("SET SESSION sql_log_off = 0").await?;
        }
        done
    }

    /// The first column of what a query finds.
    async fn column(&mut self, query: &str, parameters: &[&str]) -> Result<Vec<String>, Fault> {
        let rows = self.rows(query, parameters).await?;
        Ok(rows.into_iter().map(|(first, _)| first).collect())
    }

    /// The first two columns of what a query finds; the second is empty where there is none.
    async fn rows(&mut self, query: &str, parameters: &[&str]) -> Result<Vec<(String, String)>, Fault> {
        let told = |error: Error| refused(&error, &[]);
        let limit = STATEMENT_LIMIT;
        within(limit, async {
            let mut found = Vec::new();
            // What `SHOW` answers comes the same way from both protocols; parameters have the binary one alone.
            let rows: Vec<mysql_async::Row> = match parameters {
                [] => self.connection.query(query).await.map_err(told)?,
                some => self.connection.exec(query, some.to_vec()).await.map_err(told)?,
            };
            for row in rows.into_iter().take(ROWS) {
                let text = |index| row.get_opt::<String, _>(index).and_then(Result::ok).unwrap_or_default();
                found.push((text(0), text(1)));
            }
            Ok(found)
        })
        .await
    }

    /// What there is under a user's name.
    async fn entries(&mut self, name: &str) -> Result<Vec<Entry>, Fault> {
        // MariaDB has roles in the same table.
        let query = match self.is_maria {
            true => "SELECT Host, plugin FROM mysql.user WHERE User = ? AND is_role = 'N'",
            false => "SELECT Host, plugin FROM mysql.user WHERE User = ?",
        };
        let rows = self.rows(query, &[name]).await?;
        let plugin = |plugin: String| if plugin.is_empty() { NATIVE.to_owned() } else { plugin };
        Ok(rows.into_iter().map(|(host, named)| Entry { host, plugin: plugin(named) }).collect())
    }

    /// What there is under a user's name, which must be something.
    async fn entries_of(&mut self, name: &str) -> Result<Vec<Entry>, Fault> {
        let entries = self.entries(name).await?;
        if entries.is_empty() { Err(Fault::NoAccount(name.to_owned())) } else { Ok(entries) }
    }

    /// A plugin that checks passwords must see them; MySQL keeps them out of its logs anyway.
    fn secret(&self, password: &str, plugin: &str) -> Secret {
        if self.is_maria && plugin == NATIVE && !self.checks_passwords {
            Secret::Hash(native(password))
        } else {
            Secret::Clear
        }
    }
}

/// What `mysql_native_password` keeps: the SHA-1 of the SHA-1, in hexadecimal digits.
fn native(password: &str) -> Zeroizing<String> {
    let hash = Sha1::digest(Sha1::digest(password.as_bytes()));
    Zeroizing::new(format!("*{}", data_encoding::HEXUPPER.encode(&hash)))
}

fn at_login(error: &Error) -> Fault {
    match error {
        Error::Server(said) => match said.code {
            // ER_ACCESS_DENIED_ERROR, ER_HOST_NOT_PRIVILEGED, ER_ACCESS_DENIED_NO_PASSWORD_ERROR
            1045 | 1130 | 1698 => Fault::Login(text(said, &[])),
            // ER_CON_COUNT_ERROR, ER_SERVER_SHUTDOWN, ER_HOST_IS_BLOCKED, ER_TOO_MANY_USER_CONNECTIONS
            1040 | 1053 | 1129 | 1203 => Fault::Unreachable(text(said, &[])),
            _ => Fault::Refused(text(said, &[])),
        },
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            Fault::Certificate("it speaks no TLS".into())
        }
        other => refused(other, &[]),
    }
}

fn refused(error: &Error, secrets: &[&str]) -> Fault {
    match error {
        Error::Server(said) => match said.code {
            // ER_NOT_VALID_PASSWORD, ER_CREDENTIALS_CONTRADICT_TO_HISTORY
            1819 | 3638 => Fault::PasswordRule(text(said, secrets)),
            // ER_NONEXISTING_GRANT, ER_PASSWORD_NO_MATCH
            1141 | 1133 => Fault::NoAccount(text(said, secrets)),
            _ => Fault::Refused(text(said, secrets)),
        },
        other => certificate(other)
            .unwrap_or_else(|| Fault::Unreachable(told_without(&other.to_string(), secrets))),
    }
}

fn text(said: &ServerError, secrets: &[&str]) -> String {
    // ER_PARSE_ERROR quotes a part of the statement.
    if said.code == 1064 && !secrets.is_empty() {
        return "error 1064".into();
    }
    format!("error {}: {}", said.code, told_without(&said.message, secrets))
}

/// An account in a statement. Backticks, unlike quotes, mean one thing in every mode of the server.
fn user(name: &str, host: &str) -> String {
    format!("`{}`@`{}`", name.replace('`', "``"), host.replace('`', "``"))
}

/// A text in a statement, for a server whose mode [`Session::open_as_admin`] has set.
fn literal(value: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * value.len() + 2));
    text.push('\'');
    for char in value.chars() {
        if matches!(char, '\'' | '\\') {
            text.push(char);
        }
        text.push(char);
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_hash_is_the_servers() {
        // SELECT PASSWORD('mypass'), from MySQL's manual.
        assert_eq!(*native("mypass"), "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4");
    }

    #[test]
    fn names_and_texts_end_where_they_should() {
        assert_eq!(user("a`@`b", "%"), "`a``@``b`@`%`");
        assert_eq!(*literal(r"a'b\"), r"'a''b\\'");
    }
}
