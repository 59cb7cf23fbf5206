//! What can go wrong, and what to do about it. Nothing here ever holds a password or a private key.

use russh::AlgorithmKind;

/// The most characters of what a host says that are passed on.
const LIMIT: usize = 300;

/// Why a host did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not answer, or not in time.
    #[error(
        "the host does not answer ({0}): check its address, that sshd runs, and that a firewall lets this machine through"
    )]
    Unreachable(String),
    /// It is not who it should be.
    #[error(
        "the host does not prove who it is ({0}): expected one of the host keys that are given; compare them with /etc/ssh/ssh_host_*_key.pub on the host"
    )]
    Certificate(String),
    /// The name, the password or the key is wrong.
    #[error(
        "the host does not let the account in ({0}): expected its name and its present password or key; check them, and what sshd_config allows"
    )]
    Login(String),
    /// There is no such account.
    #[error("the host has no account {0:?}: create it there, or correct the name")]
    NoAccount(String),
    /// The host has rules for passwords.
    #[error(
        "the host does not take the password ({0}): expected one that follows its rules; make a longer one with letters, digits and signs, or change the rule"
    )]
    PasswordRule(String),
    /// The administrator may not, or anything else that the host said.
    #[error("the host refuses ({0}): check what the administrator's account may do there")]
    Refused(String),
}

/// What a host says, safe to print: one line, and not long.
pub(crate) fn told(text: &str) -> String {
    let words = text.split(|char: char| char.is_control() || char.is_whitespace());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(LIMIT).collect()
}

/// What a host says of what it was sent, which holds a secret: nothing, if that is there.
pub(crate) fn told_without(text: &str, secret: &str) -> String {
    if text.contains(secret) { "it quotes what it was sent, which is kept back".into() } else { told(text) }
}

/// What went wrong before the host has shown who it is, or after.
impl From<russh::Error> for Fault {
    fn from(error: russh::Error) -> Self {
        let text = told(&error.to_string());
        match error {
            russh::Error::UnknownKey => Self::Certificate("it shows another key".into()),
            russh::Error::WrongServerSig => Self::Certificate(text),
            russh::Error::NoCommonAlgo { kind: AlgorithmKind::Key, theirs, .. } => {
                Self::Certificate(told(&format!("it has keys of other types alone: {}", theirs.join(", "))))
            }
            russh::Error::NoCommonAlgo { .. } => Self::Refused(text),
            _ => Self::Unreachable(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_quotes_a_secret_is_kept_back() {
        assert_eq!(told_without("bad: 'x'", "secret"), "bad: 'x'");
        assert!(!told_without("bad: 'secret'", "secret").contains("secret"));
        assert_eq!(told("a\r\n\x1b b\n"), "a b");
        assert_eq!(told(&"x".repeat(1000)).len(), LIMIT);
    }
}
