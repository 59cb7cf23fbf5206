//! Why something outside, a server or a program, does not do what a rotation asks of it.

use serde::{Deserialize, Serialize};

/// Why not. Each says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum Fault {
    #[error("{0}")]
    Unreachable(String),
    #[error("{0}")]
    Certificate(String),
    #[error("{0}")]
    Login(String),
    #[error("{0}")]
    NoAccount(String),
    #[error("{0}")]
    PasswordRule(String),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Program(String),
}

impl Fault {
    /// As records of failures write it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "SERVER_UNREACHABLE",
            Self::Certificate(_) => "SERVER_CERTIFICATE",
            Self::Login(_) => "SERVER_LOGIN",
            Self::NoAccount(_) => "SERVER_NO_ACCOUNT",
            Self::PasswordRule(_) => "SERVER_PASSWORD_RULE",
            Self::Refused(_) => "SERVER_REFUSED",
            Self::Program(_) => "PROGRAM_FAILED",
        }
    }
}
