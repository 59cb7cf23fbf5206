//! Where a UKey is: a file, or a token behind its own PKCS#11 module.

pub(crate) mod token;
mod uri;

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ukey::file;
use zeroize::Zeroizing;

use crate::error::Error;
pub(crate) use ukey::{Holder, Public};
pub(crate) use uri::Uri;

/// The most that is read of a file: enough to say by how much it is too long to be a UKey.
const LONGEST: u64 = 1 << 16;

/// Where a UKey is: the path of a file, or a PKCS#11 URI (RFC 7512).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spec {
    File(PathBuf),
    Token(String),
}

impl FromStr for Spec {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("pkcs11:") => Self::Token(text.to_owned()),
            _ => Self::File(text.into()),
        })
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Token(uri) => f.write_str(uri),
        }
    }
}

impl Spec {
    /// An error about this UKey.
    pub(crate) fn refuse(&self, why: impl fmt::Display) -> Error {
        Error::UKey { place: self.to_string(), why: why.to_string() }
    }
}

/// Opens a UKey with its PIN.
pub(crate) fn open(spec: &Spec, pin: &[u8]) -> Result<Box<dyn Holder>, Error> {
    match spec {
        Spec::File(path) => {
            let bytes = read(path)?;
            if Public::from_bytes(&bytes).is_ok() {
                let why = "this is the public part of a UKey, which no PIN opens: give the UKey itself";
                return Err(spec.refuse(why));
            }
            let key = file::open(&bytes, pin).map_err(|error| spec.refuse(error))?;
            Ok(Box::new(key))
        }
        Spec::Token(uri) => {
            let key = Uri::parse(uri).and_then(|uri| token::TokenKey::open(&uri, pin));
            Ok(Box::new(key.map_err(|error| spec.refuse(error))?))
        }
    }
}

/// The public half, which needs no PIN: of a UKey, or as `ukey show --public` wrote it.
pub(crate) fn public(spec: &Spec) -> Result<Public, Error> {
    match spec {
        Spec::File(path) => {
            let bytes = read(path)?;
            match Public::from_bytes(&bytes) {
                Err(ukey::Error::Foreign { .. }) => file::read_public(&bytes),
                other => other,
            }
            .map_err(|error| spec.refuse(error))
        }
        Spec::Token(uri) => {
            Uri::parse(uri).and_then(|uri| token::public(&uri)).map_err(|error| spec.refuse(error))
        }
    }
}

/// The bytes of a UKey file.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    let whole = |file: File| file.take(LONGEST).read_to_end(&mut bytes);
    File::open(path).and_then(whole).map_err(|cause: io::Error| Error::UKey {
        place: path.display().to_string(),
        why: format!("cannot read it: {cause}"),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_a_pkcs11_uri_is_a_token_and_all_else_a_file() {
        let spec = |text: &str| text.parse::<Spec>().unwrap();
        assert!(matches!(spec("pkcs11:token=x"), Spec::Token(_)));
        assert!(matches!(spec("PKCS11:token=x"), Spec::Token(_)));
        for file in ["ada.ukey", "/media/pkcs11:x", "pkcs11", "p", "ключи"] {
            assert_eq!(spec(file), Spec::File(file.into()));
        }
    }
}
