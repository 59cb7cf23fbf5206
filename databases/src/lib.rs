//! Accounts of real database servers: whether they log in, their passwords, and clones of them.
//!
//! Every connection is over TLS, and the server's certificate must be from the authority that the caller names, for
//! the name that he names; a server that speaks no TLS is not talked to. Every call blocks until it is done, on a
//! runtime of its own: it must not be called from within an asynchronous one.
//!
//! # Passwords in logs
//!
//! PostgreSQL is sent the SCRAM-SHA-256 verifier of a new password and never the password. MariaDB is sent its hash
//! where the account uses `mysql_native_password` and no plugin checks passwords; otherwise the server must see
//! it, and the statement is kept out of the general log (`sql_log_off`) where the administrator may ask for that.
//! MySQL takes passwords out of its logs by itself. What a server says of a statement that holds a password is
//! passed on only if nothing of the statement is in it. Redis is sent the SHA-256 of a new password, which is what it
//! keeps, and keeps what logs in out of its logs by itself.
//!
//! # Clones
//!
//! In MySQL and MariaDB a clone is made from what the server itself says of the original (`SHOW CREATE USER`, `SHOW
//! GRANTS`), for each host that the original may come from, and compared with it in the end.
//!
//! PostgreSQL has privileges in every database, and what belongs to its owner alone; no list of grants makes a second
//! role equal to an owner. So the clone is a member of the original, and becomes it when it logs in
//! (`ALTER ROLE … SET role`): whatever it does is done as the original, and what it makes belongs to the original. It
//! inherits, so that it keeps the privileges where a client resets the role, and has the original's attributes, limits
//! and settings, which a member does not inherit. What differs is `session_user`, and what `pg_hba.conf` says by name.
//!
//! In Redis a clone has the rules that `ACL LIST` says of the original, selectors too, and is compared with it in the
//! end. The rules that the original gets later the clone gets when it is made again.
//!
//! # Redis
//!
//! It is Redis from 6 on, or Valkey. What is changed is kept in the ACL file, or else in the configuration; where the
//! server has neither, its accounts end with it. What cannot be kept is not changed. Accounts are a server's own:
//! replicas and the other nodes of a cluster have theirs, and are not told. An account with `nopass` takes any
//! password, so a log-in proves nothing: it is refused where the account itself may ask for that (`ACL GETUSER`); where
//! it may not, which is how applications mostly are, the log-in counts, and the server notes the question in its
//! `ACL LOG`. Only an account that is deleted loses its open connections.
#![forbid(unsafe_code)]

mod fault;
mod mysql;
mod postgres;
mod redis;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

pub use fault::Fault;

/// How long it may take until a server has let an account in.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long one statement may take.
pub const STATEMENT_LIMIT: Duration = Duration::from_secs(20);
/// How long a call may take.
pub const CALL_LIMIT: Duration = Duration::from_secs(120);
/// The most bytes of a password.
pub const PASSWORD_LIMIT: usize = 256;
/// The most rows of an answer that count.
const ROWS: usize = 10_000;

/// What kind of server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// MySQL or MariaDB.
    MySql,
    /// PostgreSQL, from 10 on.
    PostgreSql,
    /// Redis from 6 on, or Valkey.
    Redis,
}

impl Engine {
    /// All of them.
    const ALL: [Self; 3] = [Self::MySql, Self::PostgreSql, Self::Redis];

    /// Its name, which [`FromStr`] reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::PostgreSql => "postgresql",
            Self::Redis => "redis",
        }
    }
}

impl FromStr for Engine {
    type Err = Fault;

    fn from_str(name: &str) -> Result<Self, Fault> {
        let known = Self::ALL.into_iter().find(|engine| engine.name() == name);
        let names = "\"mysql\", \"postgresql\" or \"redis\"";
        known.ok_or_else(|| Fault::Refused(format!("expected {names}, not {name:?}")))
    }
}

/// A database server.
#[derive(Clone, Debug)]
pub struct Server {
    /// What it is.
    pub engine: Engine,
    /// Where it listens.
    pub address: SocketAddr,
    /// The name that its certificate must have.
    pub name: String,
    /// PEM of the authority that its certificate must be from.
    pub ca: String,
    /// The database (schema) to log in to, in Redis its number; none for the engine's own.
    pub database: Option<String>,
}

/// A user of a server.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The user's name.
    pub name: &'a str,
    /// The user's password.
    pub password: &'a str,
}

/// Logs in, and has the server answer one question.
///
/// # Errors
/// [`Fault::Login`] if name or password are wrong.
pub fn log_in(server: &Server, account: &Account<'_>) -> Result<(), Fault> {
    check_account(server, account)?;
    run(async {
        match server.engine {
            Engine::MySql => mysql::log_in(server, account).await,
            Engine::PostgreSql => postgres::log_in(server, account).await,
            Engine::Redis => redis::log_in(server, account).await,
        }
    })
}

/// Gives an account another password. Connections that are open stay so. In MySQL, all accounts of that name get
/// it, whatever host they are for.
///
/// # Errors
/// [`Fault::NoAccount`] if there is none, [`Fault::PasswordRule`] if the server does not take the password.
pub fn set_password(server: &Server, admin: &Account<'_>, account: &Account<'_>) -> Result<(), Fault> {
    check_account(server, admin)?;
    check_account(server, account)?;
    run(async {
        match server.engine {
            Engine::MySql => mysql::set_password(server, admin, account).await,
            Engine::PostgreSql => postgres::set_password(server, admin, account).await,
            Engine::Redis => redis::set_password(server, admin, account).await,
        }
    })
}

/// Makes an account that may do what `original` may. One of this name that is there already, from an attempt that was
/// cut off, ends so too.
///
/// # Errors
/// [`Fault::NoAccount`] if the original is not there, [`Fault::PasswordRule`] if the server does not take the password.
pub fn clone_account(
    server: &Server,
    admin: &Account<'_>,
    original: &str,
    clone: &Account<'_>,
) -> Result<(), Fault> {
    check_account(server, admin)?;
    check_name(server, original)?;
    check_account(server, clone)?;
    if [original, admin.name].contains(&clone.name) {
        return Err(Fault::Refused("the clone needs a name of its own".into()));
    }
    run(async {
        match server.engine {
            Engine::MySql => mysql::clone_account(server, admin, original, clone).await,
            Engine::PostgreSql => postgres::clone_account(server, admin, original, clone).await,
            Engine::Redis => redis::clone_account(server, admin, original, clone).await,
        }
    })
}

/// Deletes an account; one that is gone already is no fault.
///
/// # Errors
/// [`Fault::Refused`] if the administrator may not, if it still owns something in PostgreSQL, or if it is `default` in
/// Redis.
pub fn drop_account(server: &Server, admin: &Account<'_>, name: &str) -> Result<(), Fault> {
    check_account(server, admin)?;
    check_name(server, name)?;
    if name == admin.name {
        return Err(Fault::Refused(
            "the administrator does not delete its own account; use another one".into(),
        ));
    }
    run(async {
        match server.engine {
            Engine::MySql => mysql::drop_account(server, admin, name).await,
            Engine::PostgreSql => postgres::drop_account(server, admin, name).await,
            Engine::Redis => redis::drop_account(server, admin, name).await,
        }
    })
}

/// Runs one call to its end, or to the end of its time.
fn run(call: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::Unreachable(format!("no runtime: {error}")))?;
    let done = runtime.block_on(async { within(CALL_LIMIT, call).await });
    // A name that is still being looked up, or a socket that does not close, is not waited for.
    runtime.shutdown_background();
    done
}

/// What comes of it in this time.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = || Fault::Unreachable(format!("no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

fn check_account(server: &Server, account: &Account<'_>) -> Result<(), Fault> {
    check_name(server, account.name)?;
    let length = account.password.len();
    if !(1..=PASSWORD_LIMIT).contains(&length) || account.password.chars().any(char::is_control) {
        let rule = format!("expected 1 to {PASSWORD_LIMIT} bytes without control characters");
        return Err(Fault::PasswordRule(rule));
    }
    Ok(())
}

/// A name that the engine takes as it is: a longer one it would cut, and blanks at the end MySQL does not compare.
fn check_name(server: &Server, name: &str) -> Result<(), Fault> {
    let (length, limit, unit) = match server.engine {
        Engine::MySql => (name.chars().count(), 80, "characters"),
        Engine::PostgreSql => (name.len(), 63, "bytes"),
        Engine::Redis => (name.len(), 128, "bytes"),
    };
    let trimmed = name.trim() == name && !name.chars().any(char::is_control);
    let kept = match server.engine {
        // MySQL's own tables have no characters of four bytes, and it puts question marks in their place.
        Engine::MySql => name.chars().all(|char| char.len_utf8() < 4),
        Engine::PostgreSql => true,
        // Redis writes names as they are into its configuration, and would not start with such a one.
        Engine::Redis => !name.chars().any(|char| char.is_whitespace() || matches!(char, '\'' | '"')),
    };
    if !(1..=limit).contains(&length) || !trimmed || !kept {
        let rule = "without control characters, blanks at either end, in MySQL emoji, and in Redis blanks and quotes";
        return Err(Fault::Refused(format!("expected the name of an account: 1 to {limit} {unit}, {rule}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(engine: Engine) -> Server {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        Server { engine, address, name: "database.example".into(), ca: String::new(), database: None }
    }

    #[test]
    fn an_engine_is_known_by_its_name() {
        for engine in Engine::ALL {
            assert_eq!(engine.name().parse::<Engine>().unwrap(), engine);
        }
        assert!("oracle".parse::<Engine>().unwrap_err().to_string().contains("postgresql"));
    }

    #[test]
    fn a_name_or_password_that_no_server_takes_is_refused_before_it_is_asked() {
        let (mysql, postgres) = (server(Engine::MySql), server(Engine::PostgreSql));
        let redis = server(Engine::Redis);
        assert!(check_name(&mysql, &"ä".repeat(80)).is_ok());
        assert!(check_name(&mysql, &"ä".repeat(81)).is_err());
        assert!(check_name(&postgres, &"ä".repeat(31)).is_ok());
        assert!(check_name(&postgres, &"ä".repeat(32)).is_err());
        assert!(check_name(&mysql, "a💾").is_err() && check_name(&postgres, "a💾").is_ok());
        assert!(check_name(&redis, &"ä".repeat(64)).is_ok() && check_name(&redis, &"ä".repeat(65)).is_err());
        for name in ["a b", "a\u{a0}b", "a\"b", "a'b"] {
            assert!(check_name(&redis, name).is_err() && check_name(&mysql, name).is_ok(), "{name:?}");
        }
        for name in ["", " a", "a ", "a\0", "a\nb"] {
            for server in [&mysql, &postgres, &redis] {
                assert!(check_name(server, name).is_err(), "{name:?}");
            }
        }
        for password in ["", "a\0b", &"x".repeat(PASSWORD_LIMIT + 1)] {
            let found = check_account(&mysql, &Account { name: "a", password });
            assert!(matches!(found, Err(Fault::PasswordRule(_))), "{password:?}");
        }
    }
}
