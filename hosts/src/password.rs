//! Passwords, by `chpasswd`.

use zeroize::Zeroizing;

use crate::admin::Admin;
use crate::fault::told_without;
use crate::session::Output;
use crate::{Account, Fault, Host};

/// Where it is on most hosts, as sudoers must have it in full; it is run by its name, which sudo finds.
const CHPASSWD: &str = "/usr/sbin/chpasswd";

/// What the system says when it is its files that are at fault, and not the password.
const NOT_THE_PASSWORD: [&str; 4] = ["lock busy", "cannot lock", "cannot open", "Read-only file system"];

pub(crate) async fn set(host: &Host, admin: &Account<'_>, name: &str, password: &str) -> Result<(), Fault> {
    let admin = Admin::open(host, admin).await?;
    admin.find(name).await?;
    let chpasswd = admin.as_root("chpasswd");
    // Without input it has nothing to do: a password is sent only to what reads it.
    let probe = admin.session.run(&chpasswd, b"").await?;
    if probe.status != Some(0) {
        return Err(admin.may_not(&probe, CHPASSWD, "root"));
    }
    let line = Zeroizing::new(format!("{name}:{password}\n"));
    let output = admin.session.run(&chpasswd, line.as_bytes()).await?;
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
        let rule = said(&format!("{failed}Authentication token manipulation error"));
        assert!(matches!(rule, Fault::PasswordRule(_)));
        assert!(matches!(said(&format!("{failed}Authentication token lock busy")), Fault::Refused(_)));
        assert!(matches!(said("chpasswd: cannot lock /etc/passwd; try again later."), Fault::Refused(_)));
        assert!(!said("BAD PASSWORD: secret is too short").to_string().contains("secret is"));
    }
}
