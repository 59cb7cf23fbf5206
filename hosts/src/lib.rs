//! Accounts of Linux hosts over SSH: whether they log in, their passwords, and their keys.
//!
//! A host must show one of the keys that the caller names; its address was resolved and checked by the caller, and no
//! name is looked up here. Every call blocks until it is done, on a runtime of its own: it must not be called from
//! within an asynchronous one.
//!
//! # What runs on a host
//!
//! To see whether an account logs in, nothing: an account may have no shell. To change one, the administrator's account
//! runs a few fixed commands: `chpasswd` as root, and what touches files of the account as the account itself, by
//! `sudo -n` or, where it is root, `runuser`. Of what a caller gives, the name of the account alone stands in them, which
//! is no name unless it is made of letters, digits, `-` and `_`. Passwords and contents of files go over the standard
//! input, so that no list of processes and no log of sudo has them, unless sudo records input (`log_input`).
#![forbid(unsafe_code)]

mod admin;
mod authorized_keys;
mod fault;
mod keys;
mod password;
mod session;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

pub use fault::Fault;
pub use keys::new_key;
use session::Session;

/// How long it may take until a host has let an account in. Hosts take seconds over a wrong password.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// How long one command may take.
pub const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How long a call may take.
pub const CALL_LIMIT: Duration = Duration::from_secs(120);
/// The most bytes of a password.
pub const PASSWORD_LIMIT: usize = 256;

/// A Linux host.
#[derive(Clone, Debug)]
pub struct Host {
    /// Where its SSH server listens.
    pub address: SocketAddr,
    /// What people call it; messages do.
    pub name: String,
    /// Its public keys, of type Ed25519 or ECDSA, as lines of `ssh-keyscan`, of a `known_hosts` or of its
    /// `/etc/ssh/ssh_host_*_key.pub`. It must show one of them.
    pub host_keys: String,
}

/// How an account proves itself.
#[derive(Clone, Copy)]
pub enum Proof<'a> {
    /// With its password.
    Password(&'a str),
    /// With a private key in OpenSSH's format, without passphrase.
    PrivateKey(&'a str),
}

/// An account of a host.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it proves itself.
    pub proof: Proof<'a>,
}

/// Logs in, and has the host open a session in which nothing runs.
///
/// # Errors
/// [`Fault::Login`] if name, password or key are wrong, [`Fault::Certificate`] if the host shows another key.
pub fn log_in(host: &Host, account: &Account<'_>) -> Result<(), Fault> {
    check_account(account)?;
    run(async {
        let session = Session::open(host, account).await?;
        session.check().await?;
        session.close().await;
        Ok(())
    })
}

/// Gives an account another password, with `chpasswd`. Sessions that are open stay so.
///
/// # Errors
/// [`Fault::NoAccount`] if there is none, [`Fault::PasswordRule`] if the host does not take the password,
/// [`Fault::Refused`] if the administrator may not.
pub fn set_password(host: &Host, admin: &Account<'_>, name: &str, password: &str) -> Result<(), Fault> {
    check_account(admin)?;
    check_name(name)?;
    check_password(password)?;
    run(password::set(host, admin, name, password))
}

/// Lets an account in with a key, by the line of its public key in `~/.ssh/authorized_keys`. The key that was set before
/// goes on working until the next one is set, and lines that are not from here stay as they are.
///
/// # Errors
/// [`Fault::NoAccount`] if there is none, [`Fault::Refused`] if the administrator may not act for it, or if its `.ssh`
/// is a link.
pub fn set_key(host: &Host, admin: &Account<'_>, name: &str, private_key: &str) -> Result<(), Fault> {
    check_account(admin)?;
    check_name(name)?;
    run(authorized_keys::set(host, admin, name, private_key))
}

/// Runs one call to its end, or to the end of its time.
fn run(call: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Fault::Unreachable(format!("no runtime: {error}")))?;
    let done = runtime.block_on(async { within(CALL_LIMIT, call).await });
    // A socket that does not close is not waited for.
    runtime.shutdown_background();
    done
}

/// What comes of it in this time.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let late = || Fault::Unreachable(format!("no answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(late()))
}

/// Who logs in: any name that can be one, as it is in no command.
fn check_account(account: &Account<'_>) -> Result<(), Fault> {
    if !(1..=255).contains(&account.name.len()) || account.name.chars().any(char::is_control) {
        let expected = "expected the name of an account: 1 to 255 bytes, without control characters";
        return Err(Fault::Refused(expected.into()));
    }
    match account.proof {
        Proof::Password(password) => check_password(password),
        Proof::PrivateKey(_) => Ok(()),
    }
}

fn check_password(password: &str) -> Result<(), Fault> {
    if !(1..=PASSWORD_LIMIT).contains(&password.len()) || password.chars().any(char::is_control) {
        let rule = format!("expected 1 to {PASSWORD_LIMIT} bytes without control characters");
        return Err(Fault::PasswordRule(rule));
    }
    Ok(())
}

/// Whose password or key is changed: a name as `useradd` takes it, which means nothing else to a shell.
fn check_name(name: &str) -> Result<(), Fault> {
    let starts = name.starts_with(|char: char| char.is_ascii_lowercase() || char == '_');
    let known = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "_-".contains(char);
    if !starts || name.len() > 32 || !name.chars().all(known) {
        let expected = "expected the name of an account: up to 32 of a-z, 0-9, _ and -, a letter or _ first";
        return Err(Fault::Refused(expected.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_more_than_a_name_is_refused() {
        for name in ["app", "_app", "a", "app-1_x", &"a".repeat(32)] {
            assert!(check_name(name).is_ok(), "{name:?}");
        }
        let long = "a".repeat(33);
        let wrong =
            ["", "-app", "1app", "App", "a b", "a;id", "a$(id)", "a`id`", "a'", "a\"", "a\\", "a\n", "a$"];
        for name in
            wrong.into_iter().chain(["a/b", "a:b", "a|b", "a&b", "a*", "~a", "ä", "a.b", long.as_str()])
        {
            assert!(matches!(check_name(name), Err(Fault::Refused(_))), "{name:?}");
        }
    }

    #[test]
    fn a_password_that_no_host_takes_is_refused_before_it_is_asked() {
        for password in ["", "a\nroot:x", "a\0b", &"x".repeat(PASSWORD_LIMIT + 1)] {
            assert!(matches!(check_password(password), Err(Fault::PasswordRule(_))), "{password:?}");
        }
        assert!(check_password("ä b:c'\"\\$(id)").is_ok());
    }
}
