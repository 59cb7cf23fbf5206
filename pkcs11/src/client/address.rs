//! Where the daemon's socket is.

use std::path::PathBuf;

use crate::memory::system::{is_privileged, user, variable};

/// The system's socket.
const SYSTEM: &str = "/run/claviger/hsmd.sock";
/// The user's socket, in the user's runtime folder.
const USER: &str = "claviger/hsmd.sock";

/// The places where the socket may be.
pub(super) enum Address {
    /// It was named: by `CLAVIGER_SOCKET`, else by the string at `pReserved` of `C_Initialize`.
    Given(PathBuf),
    /// It was not: the user's socket if there is one, else the system's.
    Usual {
        /// None in a program with rights that its caller has not: the caller could listen there.
        user: Option<PathBuf>,
    },
}

impl Address {
    /// Looks at the environment, once.
    pub(super) fn find(reserved: Option<PathBuf>) -> Self {
        if let Some(given) = variable(c"CLAVIGER_SOCKET").or(reserved) {
            return Self::Given(given);
        }
        let folder =
            || variable(c"XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/user/{}", user()).into());
        Self::Usual { user: (!is_privileged()).then(|| folder().join(USER)) }
    }

    /// The path to connect to now.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Usual { user: Some(user) } if user.exists() => user.clone(),
            Self::Usual { .. } => SYSTEM.into(),
        }
    }
}
