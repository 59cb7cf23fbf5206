//! What can go wrong with another maker's module.

use wire::Rv;

/// Why a module did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be loaded.
    #[error("the module cannot be loaded: {0}")]
    Load(String),
    /// It lacks a function of the standard.
    #[error("the module has no {0}")]
    Missing(&'static str),
    /// This program has initialised it already.
    #[error("the module is in use in this program already (a UKey behind it?)")]
    InUse,
    /// The string for its initialisation has a zero byte in it.
    #[error("the module's parameters have a zero byte in them")]
    Parameters,
    /// It says so itself.
    #[error("{function} failed: {code}")]
    Failed {
        /// The function.
        function: &'static str,
        /// Its answer.
        code: Rv,
    },
    /// It tells of something that is longer than is read.
    #[error("an attribute of {len} bytes is longer than is read")]
    TooLong {
        /// Its length.
        len: u64,
    },
}
