//! Passwords, by `chpasswd`.

use zeroize::Zeroizing;

use crate::fault::{told, told_without};
use crate::session::{Output, Session};
use crate::{Account, Fault, Host};

/// Where it is on most hosts, as sudoers must have it in full; it is run by its name, which sudo finds.
const CHPASSWD: &str = "/usr/sbin/chpasswd";

/// What `getent` ends with if it finds nobody.
const NOBODY: u32 = 2;

/// What the system says when it is its files that are at fault, and not the password.
const NOT_THE_PASSWORD: [&str; 4] = ["lock busy", "cannot lock", "cannot open", "Read-only file system"];

pub(crate) async fn set(host: &Host, admin: &Account<'_>, name: &str, password: &str) -> Result<(), Fault> {
    let admin = Admin::open(host, admin).await?;
    admin.find(name).await?;
    admin.may_change_passwords().await?;
    let line = Zeroizing::new(format!("{name}:{password}\n"));
    let output = admin.session.run(&admin.as_root("chpasswd"), line.as_bytes()).await?;
    if output.status != Some(0) {
        return Err(not_taken(&output, password));
    }
    admin.session.close().await;
    Ok(())
}

/// Why a password was not set.
fn not_taken(output: &Output, password: &str) -> Fault {
    let text = output.text();
    let said = told_without(&text, password);
    if NOT_THE_PASSWORD.iter().any(|words| text.contains(words)) {
        Fault::Refused(said)
    } else {
        Fault::PasswordRule(said)
    }
}

/// An administrator who has logged in.
pub(crate) struct Admin<'a> {
    pub(crate) session: Session,
    pub(crate) name: &'a str,
    pub(crate) is_root: bool,
}

impl<'a> Admin<'a> {
    pub(crate) async fn open(host: &Host, account: &Account<'a>) -> Result<Self, Fault> {
        let session = Session::open(host, account).await?;
        let output = session.run("id -u", b"").await?;
        // The last word: a shell may greet before.
        let text = String::from_utf8_lossy(&output.out);
        let uid = text.split_whitespace().last().and_then(|word| word.parse::<u32>().ok());
        let uid = uid.filter(|_| output.status == Some(0));
        let no_shell = || {
            Fault::Refused(format!(
                "{:?} has no shell that runs `id -u`: {}",
                account.name,
                told(&output.text())
            ))
        };
        let is_root = uid.ok_or_else(no_shell)? == 0;
        Ok(Self { session, name: account.name, is_root })
    }

    /// Whether there is an account of this name, which has been checked.
    pub(crate) async fn find(&self, name: &str) -> Result<(), Fault> {
        let output = self.session.run(&format!("getent passwd {name}"), b"").await?;
        match output.status {
            Some(0) => Ok(()),
            Some(NOBODY) => Err(Fault::NoAccount(name.to_owned())),
            _ => Err(Fault::Refused(told(&format!("getent passwd {name}: {}", output.text())))),
        }
    }

    pub(crate) fn as_root(&self, command: &str) -> String {
        if self.is_root { command.to_owned() } else { format!("sudo -n {command}") }
    }

    /// Whether `chpasswd` runs, which has nothing to do without input: a password is sent only to what reads it.
    async fn may_change_passwords(&self) -> Result<(), Fault> {
        let output = self.session.run(&self.as_root("chpasswd"), b"").await?;
        if output.status == Some(0) { Ok(()) } else { Err(self.may_not(&output, CHPASSWD, "root")) }
    }

    /// What the administrator needs to run a command as another account.
    pub(crate) fn may_not(&self, output: &Output, command: &str, who: &str) -> Fault {
        let said = told(&output.text());
        if self.is_root {
            return Fault::Refused(format!("{command}: {said}"));
        }
        let line = format!("{} ALL=({who}) NOPASSWD: {command}", self.name);
        Fault::Refused(format!("{said}; expected a line such as \"{line}\" in a file of /etc/sudoers.d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Fault {
        let output = Output { status: Some(1), out: Vec::new(), err: text.into() };
        not_taken(&output, "secret")
    }

    #[test]
    fn what_is_not_the_passwords_fault_is_told_apart() {
        let failed = "chpasswd: (user app) pam_chauthtok() failed, error:\n";
        assert!(matches!(
            said(&format!("{failed}Authentication token manipulation error")),
            Fault::PasswordRule(_)
        ));
        assert!(matches!(said(&format!("{failed}Authentication token lock busy")), Fault::Refused(_)));
        assert!(matches!(said("chpasswd: cannot lock /etc/passwd; try again later."), Fault::Refused(_)));
        assert!(!said("BAD PASSWORD: secret is too short").to_string().contains("secret is"));
    }
}
