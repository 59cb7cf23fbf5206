//! The algorithms: each one's name, hash and key.

use crypto::{Hash, Secret, kdf};

use super::{Date, Error, hex};

/// The longest region and service of a scope, in bytes.
const LONGEST_WORD: usize = 64;

/// How a request is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scheme {
    /// `SDK-HMAC-SHA256`: what the SDKs do unless told otherwise.
    Sha256,
    /// `SDK-HMAC-SM3`: the same with SM3.
    Sm3,
    /// `V11-HMAC-SHA256`: SHA-256 too, with a key for one day, region and service.
    Derived(Scope),
}

/// What a derived key is good for: one day, region and service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    day: String,
    region: String,
    service: String,
}

impl Scope {
    /// A scope on the day of `date`.
    ///
    /// # Errors
    /// `Authorization` if region or service is empty, long, or has anything but letters, digits, `-`, `_` and `.`.
    pub fn new(date: Date, region: &str, service: &str) -> Result<Self, Error> {
        Self::of(&date.day(), region, service)
    }

    /// A scope, from its parts.
    pub(super) fn of(day: &str, region: &str, service: &str) -> Result<Self, Error> {
        let is_day = day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit());
        if !is_day || !is_word(region, LONGEST_WORD) || !is_word(service, LONGEST_WORD) {
            return Err(Error::Authorization("Credential is not AK/YYYYMMDD/region/service"));
        }
        Ok(Self { day: day.to_owned(), region: region.to_owned(), service: service.to_owned() })
    }

    /// The day in UTC, `YYYYMMDD`.
    pub fn day(&self) -> &str {
        &self.day
    }

    /// The region that the key is for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The service that the key is for.
    pub fn service(&self) -> &str {
        &self.service
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.day, self.region, self.service)
    }
}

/// Whether a text can be an access key, a region or a service: it has a length, and nothing that separates.
pub(super) fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

impl Scheme {
    /// Its name, first in `Authorization` and in the string to sign.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sha256 => "SDK-HMAC-SHA256",
            Self::Sm3 => "SDK-HMAC-SM3",
            Self::Derived(_) => "V11-HMAC-SHA256",
        }
    }

    /// The scope of its key, if it has one.
    pub const fn scope(&self) -> Option<&Scope> {
        match self {
            Self::Sha256 | Self::Sm3 => None,
            Self::Derived(scope) => Some(scope),
        }
    }

    /// The header that takes the place of the body's hash where the body is not signed, in lower case.
    pub const fn content_header(&self) -> &'static str {
        match self {
            Self::Sha256 | Self::Derived(_) => "x-sdk-content-sha256",
            Self::Sm3 => "x-sdk-content-sm3",
        }
    }

    /// The hash of `data`, in hexadecimal.
    ///
    /// # Errors
    /// `Crypto` if the library fails.
    pub fn digest(&self, data: &[u8]) -> Result<String, Error> {
        Ok(hex(&match self {
            Self::Sha256 | Self::Derived(_) => crypto::hash::digest(Hash::Sha256, data)?,
            Self::Sm3 => crypto::sm3::digest(data),
        }))
    }

    /// The signature of a string to sign, in hexadecimal.
    ///
    /// # Errors
    /// `Crypto` if the library fails.
    pub(super) fn signature(&self, access_key: &str, secret: &Secret, text: &[u8]) -> Result<String, Error> {
        let sha256 = |key: &[u8]| crypto::mac::hmac(Hash::Sha256, key, text);
        Ok(hex(&match self {
            Self::Sha256 => sha256(secret.as_bytes())?,
            Self::Sm3 => crypto::sm3::hmac(secret.as_bytes(), text)?,
            Self::Derived(scope) => sha256(derived(access_key, secret, scope)?.as_bytes())?,
        }))
    }
}

/// The key for a scope: the hexadecimal digits of 32 bytes by HKDF, which are the key as they stand.
fn derived(access_key: &str, secret: &Secret, scope: &Scope) -> Result<Secret, Error> {
    let key = kdf::hkdf_extract(Hash::Sha256, access_key.as_bytes(), secret)?;
    let key = kdf::hkdf_expand(Hash::Sha256, &key, scope.to_string().as_bytes(), 32)?;
    // Room for all digits at once: a buffer that grows leaves copies behind.
    let mut digits = Vec::with_capacity(2 * key.len());
    for byte in key.as_bytes() {
        for half in [byte >> 4, byte & 15] {
            digits.push(if half < 10 { b'0' + half } else { b'a' + half - 10 });
        }
    }
    Ok(Secret::new(digits))
}
