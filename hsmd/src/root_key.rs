//! Who keeps the root key: a file or service credential, a passphrase, several people's UKeys, or another token.
//!
//! Which of them it is, with all that is needed beside their secrets, stands in the store's header, so that it
//! changes in the same commit as the root key. Of a store that is not made yet, the configuration says it.

use std::io;
use std::path::{Path, PathBuf};

use hsm::vault::RootKey;
use serde::{Deserialize, Serialize};
use wire::codec::{decode, encode};

use crate::config;

mod file;
mod passphrase;
pub(crate) mod shares;
mod token;

pub(crate) use file::make_file;
pub(crate) use passphrase::Derivation;
pub(crate) use token::Token;

use passphrase::MIN_PASSPHRASE;
use shares::Shares;

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub(crate) enum RootKeyError {
    #[error("the configuration names no root key: expected file, credential or passphrase under [root_key]")]
    None,
    #[error("the root key waits for its passphrase: hsm-admin unseal")]
    Passphrase,
    #[error("the root key waits for {have} of {need} UKeys: hsm-admin unseal --ukey")]
    Shares { have: usize, need: u8 },
    #[error("the root key waits for the PIN of token {0:?}: hsm-admin unseal")]
    Pin(String),
    #[error("root key file {path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("root key file {path} does not exist: hsmd --make-root-key makes one")]
    Missing { path: PathBuf },
    #[error(
        "root key file {path}: its mode is {mode:04o}, expected 0600 or less, since others could read it"
    )]
    Mode { path: PathBuf, mode: u32 },
    #[error("root key file {path} belongs to user {owner}, expected {expected}")]
    Owner { path: PathBuf, owner: u32, expected: u32 },
    #[error("root key file {path}: expected 64 hexadecimal digits or 32 bytes")]
    Form { path: PathBuf },
    #[error(
        "root key credential {0}: $CREDENTIALS_DIRECTORY is not set, expected LoadCredential= in the unit"
    )]
    NoCredentials(String),
    #[error(
        "the root key is kept in a file, but the configuration names none: expected file under [root_key]"
    )]
    NoFile,
    #[error("a passphrase has at least {MIN_PASSPHRASE} bytes")]
    Short,
    #[error("how the passphrase becomes the root key is not as it was written: {0}")]
    Parameters(String),
    #[error("the key cannot be derived: {0}")]
    Derive(String),
    #[error("who keeps the root key is not as it was written")]
    Custody,
    #[error("the holders of the root key: {0}")]
    Holders(String),
    #[error("the share is of another root key")]
    ForeignShare,
    #[error("the share of {0} has been given already")]
    GivenAlready(String),
    #[error("no UKey of the {0} that hold the root key has this id")]
    NoHolder(usize),
    #[error("the root key is not held by UKeys")]
    NotShared,
    #[error("PIN file {path}: {1}", path = .0.display())]
    PinFile(PathBuf, String),
    #[error("token {token:?}: {why}")]
    Token { token: String, why: String },
    #[error(transparent)]
    Share(#[from] ukey::Error),
    #[error(transparent)]
    Crypto(#[from] crypto::Error),
}

/// Who keeps the root key, and what is needed beside their secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Custody {
    /// The file or credential that the configuration names.
    File,
    Passphrase(Derivation),
    UKeys(Shares),
    Token(Token),
}

impl Custody {
    /// As the store's header has it.
    ///
    /// # Errors
    /// `Custody`.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, RootKeyError> {
        let mut bytes = Vec::new();
        encode(self, &mut bytes).map_err(|_| RootKeyError::Custody)?;
        Ok(bytes)
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// `Custody`.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, RootKeyError> {
        decode(bytes).map_err(|_| RootKeyError::Custody)
    }

    /// The name that the console has for it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Passphrase(_) => "passphrase",
            Self::UKeys(_) => "ukeys",
            Self::Token(_) => "token",
        }
    }

    /// The root key, if it is to be had without anyone's help.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn obtain(&self, config: &config::RootKey) -> Result<RootKey, RootKeyError> {
        match self {
            Self::File if config.file.is_none() && config.credential.is_none() => Err(RootKeyError::NoFile),
            Self::File => from_config(config),
            Self::Passphrase(_) => Err(RootKeyError::Passphrase),
            Self::UKeys(shares) => Err(RootKeyError::Shares { have: 0, need: shares.need }),
            Self::Token(token) => match &config.token_pin_file {
                Some(path) => token.root_key(&pin(path)?),
                None => Err(RootKeyError::Pin(token.token.clone())),
            },
        }
    }

    /// The root key, with the passphrase or PIN that somebody gave.
    ///
    /// # Errors
    /// Why it is not to be had.
    pub(crate) fn unlock(&self, secret: &[u8], config: &config::RootKey) -> Result<RootKey, RootKeyError> {
        match self {
            Self::Passphrase(how) => how.root_key(secret),
            Self::Token(token) if config.token_pin_file.is_none() => token.root_key(secret),
            _ => self.obtain(config),
        }
    }
}

/// Of a new store: who will keep its root key, and the key, if it is to be had without anyone's help.
///
/// # Errors
/// Why it is not.
pub(crate) fn first(config: &config::RootKey) -> Result<(Custody, RootKey), RootKeyError> {
    Ok((Custody::File, from_config(config)?))
}

/// As [`first`], with the passphrase that somebody chose.
///
/// # Errors
/// `Short`; else as [`first`].
pub(crate) fn first_with(
    config: &config::RootKey,
    passphrase: &[u8],
) -> Result<(Custody, RootKey), RootKeyError> {
    if !config.passphrase {
        return first(config);
    }
    let how = Derivation::new(passphrase)?;
    let root = how.root_key(passphrase)?;
    Ok((Custody::Passphrase(how), root))
}

fn from_config(config: &config::RootKey) -> Result<RootKey, RootKeyError> {
    match config {
        config::RootKey { file: Some(path), .. } => {
            file::finish_taking(path)?;
            file::read(path, true)
        }
        config::RootKey { credential: Some(name), .. } => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            // The service manager sees to who may read it.
            Some(directory) => file::read(&Path::new(&directory).join(name), false),
            None => Err(RootKeyError::NoCredentials(name.clone())),
        },
        config::RootKey { passphrase: true, .. } => Err(RootKeyError::Passphrase),
        _ => Err(RootKeyError::None),
    }
}

/// Makes the next root key in the configured file's place: beside it, until [`settle_next`].
///
/// # Errors
/// `NoFile`; those of input and output.
pub(crate) fn make_next(config: &config::RootKey) -> Result<RootKey, RootKeyError> {
    let path = config.file.as_ref().ok_or(RootKeyError::NoFile)?;
    let next = file::next(path);
    // What a change that failed has left.
    file::destroy(&next).map_err(|error| RootKeyError::File { path: next.clone(), error })?;
    make_file(&next)?;
    file::read(&next, true)
}

/// The root key that a change left beside the configured file, if a crash kept it from taking its place.
pub(crate) fn left_next(config: &config::RootKey) -> Option<RootKey> {
    file::read(&file::next(config.file.as_ref()?), true).ok()
}

/// Puts the next root key, by which the store was opened, in its place.
///
/// # Errors
/// Those of input and output.
pub(crate) fn settle_next(config: &config::RootKey) -> Result<(), RootKeyError> {
    config.file.as_ref().map_or(Ok(()), |path| file::take_next(path))
}

/// Destroys the root key file, if the configuration names one.
///
/// # Errors
/// Those of input and output.
pub(crate) fn destroy(config: &config::RootKey) -> Result<(), RootKeyError> {
    let Some(path) = &config.file else { return Ok(()) };
    for path in [path.clone(), file::next(path)] {
        file::destroy(&path).map_err(|error| RootKeyError::File { path, error })?;
    }
    Ok(())
}

/// A token's PIN from its file, which is the daemon's alone: the first line.
///
/// # Errors
/// Whose the file is, its mode, or why it cannot be read.
pub(crate) fn pin(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, RootKeyError> {
    file::read_line(path).map_err(|error| match error {
        RootKeyError::Missing { path } => {
            RootKeyError::PinFile(path, "it does not exist, expected a file with the PIN".into())
        }
        RootKeyError::Mode { path, mode } => {
            RootKeyError::PinFile(path, format!("its mode is {mode:04o}, expected 0600 or less"))
        }
        RootKeyError::Owner { path, owner, expected } => {
            RootKeyError::PinFile(path, format!("it belongs to user {owner}, expected {expected}"))
        }
        RootKeyError::File { path, error } => RootKeyError::PinFile(path, error.to_string()),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_it_is_said_what_is_expected() {
        let none = first(&config::RootKey::default()).unwrap_err().to_string();
        assert!(none.contains("[root_key]"), "{none}");
        let passphrase = config::RootKey { passphrase: true, ..Default::default() };
        assert!(matches!(first(&passphrase), Err(RootKeyError::Passphrase)));
        assert!(matches!(first_with(&passphrase, b"short"), Err(RootKeyError::Short)));
        let moved = Custody::File.obtain(&passphrase).unwrap_err();
        assert!(matches!(moved, RootKeyError::NoFile));
    }

    #[test]
    fn custody_comes_back_as_it_was_written() {
        let custody = Custody::Passphrase(Derivation::new(b"correct horse").unwrap());
        assert_eq!(Custody::from_bytes(&custody.to_bytes().unwrap()).unwrap(), custody);
        assert!(matches!(Custody::from_bytes(b""), Err(RootKeyError::Custody)));
    }
}
