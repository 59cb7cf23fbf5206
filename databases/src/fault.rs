//! What can go wrong, and what to do about it. Nothing here ever holds a password.

use std::error::Error;
use std::io;
use std::sync::Arc;

/// The most characters of what a server says that are passed on.
const LIMIT: usize = 300;

/// Why a server did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It does not answer, or not in time.
    #[error(
        "the database server does not answer ({0}): check its address, that it runs, and that a firewall lets this machine through"
    )]
    Unreachable(String),
    /// It is not who it should be, or speaks no TLS.
    #[error(
        "the database server does not prove who it is ({0}): expected TLS with a certificate of the given authority for the given name; check both, and the server's certificate"
    )]
    Certificate(String),
    /// The name or the password is wrong.
    #[error(
        "the database server does not let the account in ({0}): expected its name and present password; check both, and the hosts it may come from"
    )]
    Login(String),
    /// There is no such account.
    #[error("the database server has no account {0:?}: create it there, or correct the name")]
    NoAccount(String),
    /// The server has rules for passwords.
    #[error(
        "the database server does not take the password ({0}): expected one that follows its rules; make a longer one with letters, digits and signs, or change the rule"
    )]
    PasswordRule(String),
    /// The administrator may not, or anything else that the server said.
    #[error("the database server refuses ({0}): check what the administrator's account may do there")]
    Refused(String),
}

/// What a server says, safe to print: one line, and not long.
pub(crate) fn told(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(LIMIT).collect()
}

/// What a server says of a statement that holds secrets: nothing, if any of it is there.
pub(crate) fn told_without(text: &str, secrets: &[&str]) -> String {
    let leaks = secrets.iter().any(|secret| text.contains(secret));
    if leaks { "it quotes what it was sent, which is kept back".into() } else { told(text) }
}

/// An error that several owners hold, which passes for its own source.
type Shared = Arc<dyn Error + Send + Sync>;

/// What TLS has against the server, if it is that.
pub(crate) fn certificate(error: &(dyn Error + 'static)) -> Option<Fault> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(Fault::Certificate(told(&tls.to_string())));
        }
        let within = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match (within, error.downcast_ref::<Shared>()) {
            (Some(within), _) => Some(within),
            (None, Some(shared)) => Some(&**shared),
            (None, None) => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_quotes_a_secret_is_kept_back() {
        assert_eq!(told_without("near 'x'", &["secret"]), "near 'x'");
        assert!(!told_without("near 'secret' at line 1", &["secret"]).contains("secret"));
        assert_eq!(told("a\nb"), "a b");
        assert_eq!(told(&"x".repeat(1000)).len(), LIMIT);
    }

    #[test]
    fn a_certificate_is_found_within_other_errors() {
        let tls = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = io::Error::other(io::Error::other(tls));
        assert!(matches!(certificate(&error), Some(Fault::Certificate(_))));
        let shared: Shared = Arc::new(error);
        assert!(matches!(certificate(&shared), Some(Fault::Certificate(_))));
        assert_eq!(certificate(&io::Error::other("broken")), None);
    }
}
