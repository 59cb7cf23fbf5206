//! An administrator who has logged in, and what it may run.

use crate::fault::told;
use crate::session::{Output, Session};
use crate::{Account, Fault, Host};

/// What `getent` ends with if it finds nobody.
const NOBODY: u32 = 2;

/// An administrator who has logged in.
pub(crate) struct Admin<'a> {
    pub(crate) session: Session,
    name: &'a str,
    is_root: bool,
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
            let said = told(&output.text());
            Fault::Refused(format!("{:?} has no shell that runs `id -u`: {said}", account.name))
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

    /// The line that runs a command as root.
    pub(crate) fn as_root(&self, command: &str) -> String {
        if self.is_root { command.to_owned() } else { format!("sudo -n {command}") }
    }

    /// The line that runs a command as an account, with no other rights than it has.
    pub(crate) fn as_account(&self, name: &str, command: &str) -> String {
        match (name == self.name, self.is_root) {
            (true, _) => command.to_owned(),
            (false, true) => format!("runuser -u {name} -- {command}"),
            (false, false) => format!("sudo -n -u {name} {command}"),
        }
    }

    /// What the administrator needs to run a program, whose whole path this is, as another account.
    pub(crate) fn may_not(&self, output: &Output, program: &str, who: &str) -> Fault {
        let said = told(&output.text());
        if self.is_root || who == self.name {
            return Fault::Refused(format!("{program} as {who}: {said}"));
        }
        let line = format!("{} ALL=({who}) NOPASSWD: {program}", self.name);
        Fault::Refused(format!("{said}; expected a line such as \"{line}\" in a file of /etc/sudoers.d"))
    }
}
