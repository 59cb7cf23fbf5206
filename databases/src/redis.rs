//! Redis and Valkey.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, ProtocolVersion, RedisConnectionInfo, RedisError, Value, cmd,
};
use rustls::pki_types::ServerName;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::fault::{certificate, told, told_without};
use crate::{Account, CONNECT_LIMIT, Fault, STATEMENT_LIMIT, Server, tls, within};

mod rules;

use rules::Rules;

/// How long a server may say nothing to the start of TLS until it is asked whether it speaks any.
const SILENCE: Duration = Duration::from_secs(2);

/// The most bytes of all answers of a connection.
const ANSWERS: u64 = 4 << 20;

/// What a server has from the start, and what a connection is that has not logged in.
const DEFAULT: &str = "default";

/// What the administrator's account needs.
const NEEDED: &str =
    "the administrator needs +acl|getuser +acl|setuser +acl|list +acl|deluser +acl|save +config|rewrite";

pub(crate) async fn log_in(server: &Server, account: &Account<'_>) -> Result<(), Fault> {
    let mut session = Session::open(server, account).await?;
    // Most accounts may not ask, and have logged in all the same.
    match session.has_no_password(account.name).await {
        Ok(true) => Err(no_password(account.name)),
        Ok(false) | Err(Fault::Refused(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

pub(crate) async fn set_password(
    server: &Server,
    admin: &Account<'_>,
    account: &Account<'_>,
) -> Result<(), Fault> {
    let mut session = Session::open(server, admin).await?;
    // An account that is not there would be made.
    session.has_no_password(account.name).await?;
    let mut command = cmd("ACL");
    command.arg("SETUSER").arg(account.name).arg("resetpass");
    session.change(command, Some(account.password)).await
}

pub(crate) async fn drop_account(server: &Server, admin: &Account<'_>, name: &str) -> Result<(), Fault> {
    if name == DEFAULT {
        return Err(Fault::Refused(
            "a server is never without the account \"default\"; turn it off instead".into(),
        ));
    }
    let mut session = Session::open(server, admin).await?;
    let mut command = cmd("ACL");
    command.arg("DELUSER").arg(name);
    session.change(command, None).await
}

/// Makes the clone anew, in one command.
pub(crate) async fn clone_account(
    server: &Server,
    admin: &Account<'_>,
    original: &str,
    clone: &Account<'_>,
) -> Result<(), Fault> {
    if clone.name == DEFAULT {
        return Err(Fault::Refused("the account \"default\" becomes no clone; choose another name".into()));
    }
    let mut session = Session::open(server, admin).await?;
    let (rules, _) = session.rules(original, clone.name).await?;
    if rules.no_password {
        return Err(no_password(original));
    }
    let mut command = cmd("ACL");
    command.arg("SETUSER").arg(clone.name).arg("reset").arg(&rules.words);
    session.change(command, Some(clone.password)).await?;
    let (wanted, found) = session.rules(original, clone.name).await?;
    match found.is_some_and(|found| found == wanted) {
        true => Ok(()),
        false => Err(Fault::Refused("the clone did not become equal: compare the two in ACL LIST".into())),
    }
}

/// A connection that has logged in.
struct Session(MultiplexedConnection);

impl Session {
    async fn open(server: &Server, account: &Account<'_>) -> Result<Self, Fault> {
        let database = server.database.as_deref().map(number).transpose()?;
        let opened = within(CONNECT_LIMIT, async {
            let mut session = Self::connect(server).await?;
            let mut command = cmd("AUTH");
            command.arg(account.name).arg(account.password);
            let answer: Result<(), _> = command.query_async(&mut session.0).await;
            answer.map_err(|error| at_login(&error, account.password))?;
            Ok(session)
        });
        let mut session = opened.await?;
        if let Some(database) = database {
            session.ask::<()>(cmd("SELECT").arg(database), &[]).await?;
        }
        Ok(session)
    }

    async fn connect(server: &Server) -> Result<Self, Fault> {
        let stream = stream(server).await?;
        let options = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2);
        // It is to send what it is told and nothing else: anything else may be forbidden.
        let options = options.set_skip_set_lib_name();
        let limits = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&options, stream, limits).await;
        let (connection, driver) = made.map_err(|error| refused(&error, &[]))?;
        tokio::spawn(driver);
        Ok(Self(connection))
    }

    async fn ask<T: FromRedisValue>(&mut self, command: &Cmd, secrets: &[&str]) -> Result<T, Fault> {
        within(STATEMENT_LIMIT, async {
            command.query_async(&mut self.0).await.map_err(|error| refused(&error, secrets))
        })
        .await
    }

    /// Changes an account, to have this password if any, so that it lasts.
    async fn change(&mut self, mut command: Cmd, password: Option<&str>) -> Result<(), Fault> {
        // What the server cannot keep is not begun.
        self.keep().await?;
        let hash = password.map(hash);
        command.arg(hash.as_deref());
        let secrets: Vec<_> =
            password.into_iter().chain(hash.as_deref().map(|hash| hash.trim_start_matches('#'))).collect();
        self.ask::<()>(&command, &secrets).await?;
        self.keep().await
    }

    /// Has the server keep its accounts, where it keeps them.
    async fn keep(&mut self) -> Result<(), Fault> {
        let without =
            |kept: &Result<(), Fault>, what| matches!(kept, Err(Fault::Refused(why)) if why.contains(what));
        let kept = self.ask(cmd("ACL").arg("SAVE"), &[]).await;
        if !without(&kept, "not configured to use an ACL file") {
            return kept;
        }
        let kept = self.ask(cmd("CONFIG").arg("REWRITE"), &[]).await;
        if without(&kept, "running without a config file") { Ok(()) } else { kept }
    }

    /// Whether an account, which must be there, takes any password.
    async fn has_no_password(&mut self, name: &str) -> Result<bool, Fault> {
        let found: Option<HashMap<String, Value>> =
            self.ask(cmd("ACL").arg("GETUSER").arg(name), &[]).await?;
        let mut found = found.ok_or_else(|| Fault::NoAccount(name.to_owned()))?;
        let flags = found.remove("flags").map(redis::from_redis_value::<Vec<String>>);
        let flags = flags
            .and_then(Result::ok)
            .ok_or_else(|| Fault::Refused("it lists no flags of an account".into()))?;
        Ok(flags.iter().any(|flag| flag == rules::NO_PASSWORD))
    }

    /// What an account, which must be there, may do, and what its clone may, if there is one.
    async fn rules(&mut self, original: &str, clone: &str) -> Result<(Rules, Option<Rules>), Fault> {
        let lines: Vec<Vec<u8>> = self.ask(cmd("ACL").arg("LIST"), &[]).await?;
        let of = |name| lines.iter().find_map(|line| Rules::of(name, line));
        Ok((of(original).ok_or_else(|| Fault::NoAccount(original.to_owned()))?, of(clone)))
    }
}

/// A connection over TLS, on which no more comes than that.
async fn stream(server: &Server) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Fault> {
    let name = ServerName::try_from(server.name.clone());
    let name = name.map_err(|_| Fault::Certificate(format!("{:?} is no name", told(&server.name))))?;
    let tls = TlsConnector::from(Arc::new(tls::client(&server.ca)?));
    let unreachable = |error: std::io::Error| Fault::Unreachable(told(&error.to_string()));
    let socket = TcpStream::connect(server.address).await.map_err(unreachable)?;
    let mut handshake = pin!(tls.connect(name, socket));
    let secured = match timeout(SILENCE, &mut handshake).await {
        Ok(done) => done,
        Err(_) if speaks_in_clear(server.address).await => {
            return Err(Fault::Certificate("it speaks no TLS".into()));
        }
        Err(_) => handshake.await,
    };
    let secured = secured.map_err(|error| certificate(&error).unwrap_or_else(|| unreachable(error)))?;
    let (input, output) = tokio::io::split(secured);
    Ok(tokio::io::join(input.take(ANSWERS), output))
}

/// Whether a server answers without TLS. Such a one says nothing to the start of TLS, for it waits for a line's end.
async fn speaks_in_clear(address: SocketAddr) -> bool {
    let asked = async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(b"PING\r\n").await?;
        socket.read_u8().await
    };
    // An answer, or a fault: it wants a log-in first.
    matches!(timeout(SILENCE, asked).await, Ok(Ok(b'+' | b'-')))
}

/// A database of a server's.
fn number(database: &str) -> Result<u32, Fault> {
    let wrong =
        |_| Fault::Refused(format!("expected the number of a database, 0 or more, not {:?}", told(database)));
    database.parse().map_err(wrong)
}

/// What Redis keeps of a password, in the words of a rule.
fn hash(password: &str) -> Zeroizing<String> {
    let hash = Sha256::digest(password.as_bytes());
    Zeroizing::new(format!("#{}", data_encoding::HEXLOWER.encode(&hash)))
}

fn no_password(name: &str) -> Fault {
    Fault::Refused(format!(
        "the account {name:?} takes any password (nopass); give it one first: ACL SETUSER {name} resetpass >PASSWORD"
    ))
}

fn at_login(error: &RedisError, password: &str) -> Fault {
    match error.code() {
        Some("WRONGPASS") => Fault::Login(text(error, &[password])),
        Some("ERR") if text(error, &[]).contains("wrong number of arguments") => {
            Fault::Refused("expected Redis 6 or later, which has accounts".into())
        }
        _ => refused(error, &[password]),
    }
}

fn refused(error: &RedisError, secrets: &[&str]) -> Fault {
    let said = text(error, secrets);
    match error.code() {
        Some("NOPERM") if !said.contains("'select'") => Fault::Refused(format!("{said}; {NEEDED}")),
        Some("LOADING" | "BUSY") => Fault::Unreachable(said),
        Some(_) if said.contains("max number of clients") => Fault::Unreachable(said),
        Some(_) => Fault::Refused(said),
        // Of TLS 1.3; before, the handshake fails.
        None if said.contains("CertificateRequired") => Fault::Refused(
            "it wants a certificate of its clients, who have a password here: set tls-auth-clients to optional or no".into(),
        ),
        None => certificate(error).unwrap_or(Fault::Unreachable(said)),
    }
}

/// What the server said, or why it said nothing.
fn text(error: &RedisError, secrets: &[&str]) -> String {
    match (error.code(), error.detail()) {
        (Some(code), detail) => told_without(&format!("{code} {}", detail.unwrap_or_default()), secrets),
        (None, _) if error.is_io_error() => told_without(&error.to_string(), secrets),
        // What the client says of that quotes the answer, which may have other accounts' hashes in it.
        (None, _) => "it answers as no Redis does".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_servers() {
        // Of ACL LIST, after ACL SETUSER … >p1pp0 in the manual of Redis.
        let known = "#2d9c75273d72b32df726fb545c8a4edc719f0a95a6fd993950b10c474ad9c927";
        assert_eq!(*hash("p1pp0"), known);
    }

    #[test]
    fn an_answer_that_is_none_is_not_quoted() {
        let answer = Value::SimpleString("user app on #2d9c".into());
        let error = redis::from_redis_value::<Vec<Vec<u8>>>(answer).map_err(RedisError::from).unwrap_err();
        assert!(error.to_string().contains("#2d9c"));
        assert!(matches!(refused(&error, &[]), Fault::Unreachable(why) if !why.contains("2d9c")));
    }

    #[test]
    fn a_database_is_a_number() {
        assert_eq!((number("0").unwrap(), number("15").unwrap()), (0, 15));
        for wrong in ["", "-1", "one", "1 2"] {
            assert!(matches!(number(wrong), Err(Fault::Refused(_))), "{wrong:?}");
        }
    }
}
