//! The header `Authorization`: who signed, which headers, and the signature.

use std::fmt;

use super::scheme::is_word;
use super::{Error, Request, Scheme, Scope, header};

/// The longest header that is read, in bytes.
const LONGEST: usize = 8192;
/// The longest access key, in bytes.
const LONGEST_ACCESS_KEY: usize = 128;
/// The longest name of an algorithm that an error repeats, in bytes.
const LONGEST_ALGORITHM: usize = 64;
/// The most headers that are signed.
const MOST_HEADERS: usize = 100;
/// Digits of a signature.
const DIGITS: usize = 64;

/// A header `Authorization`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    pub(super) scheme: Scheme,
    pub(super) access_key: String,
    pub(super) signed: SignedHeaders,
    pub(super) signature: String,
}

impl Authorization {
    /// The one of a request.
    ///
    /// # Errors
    /// `Missing`, `Repeated`, and those of [`Self::parse`].
    pub fn of(request: &Request<'_>) -> Result<Self, Error> {
        Self::parse(request.required(header::AUTHORIZATION)?)
    }

    /// Reads `<algorithm> Access=<AK>, SignedHeaders=<names>, Signature=<digits>`, or with
    /// `Credential=<AK>/<day>/<region>/<service>` in place of `Access`.
    ///
    /// # Errors
    /// `Algorithm` for one that is not known, `Authorization` if anything else is not as it should be.
    pub fn parse(value: &[u8]) -> Result<Self, Error> {
        if value.len() > LONGEST {
            return Err(Error::Authorization("it is longer than 8192 bytes"));
        }
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        let text = text.ok_or(Error::Authorization("it is not ASCII"))?;
        let (algorithm, fields) =
            text.split_once(' ').ok_or(Error::Authorization("there is nothing behind the algorithm"))?;
        let mut fields = fields.split(',').map(|field| field.trim_start_matches(' '));
        let mut field = |prefix: &str, otherwise| {
            fields.next().and_then(|field| field.strip_prefix(prefix)).ok_or(Error::Authorization(otherwise))
        };
        let (scheme, access_key) = match algorithm {
            "SDK-HMAC-SHA256" => (Scheme::Sha256, field("Access=", "Access is not the first field")?),
            "SDK-HMAC-SM3" => (Scheme::Sm3, field("Access=", "Access is not the first field")?),
            "V11-HMAC-SHA256" => {
                let credential = field("Credential=", "Credential is not the first field")?;
                let (access_key, scope) = scoped(credential)?;
                (Scheme::Derived(scope), access_key)
            }
            other => return Err(Error::Algorithm(other.chars().take(LONGEST_ALGORITHM).collect())),
        };
        let signed = SignedHeaders::parse(field("SignedHeaders=", "SignedHeaders is not the second field")?)?;
        let signature = field("Signature=", "Signature is not the third field")?;
        if fields.next().is_some() {
            return Err(Error::Authorization("it has more than three fields"));
        }
        if !is_word(access_key, LONGEST_ACCESS_KEY) {
            return Err(Error::Authorization("the access key is empty, too long, or no word"));
        }
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if signature.len() != DIGITS || !signature.bytes().all(is_digit) {
            return Err(Error::Authorization("the signature is not 64 lower-case hexadecimal digits"));
        }
        Ok(Self { scheme, access_key: access_key.to_owned(), signed, signature: signature.to_owned() })
    }

    /// How it is signed.
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The access key: who says to have signed.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// The headers that are signed.
    pub const fn signed(&self) -> &SignedHeaders {
        &self.signed
    }

    /// The signature, in hexadecimal.
    pub fn signature(&self) -> &str {
        &self.signature
    }
}

/// As it stands in the request.
impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.scheme.name())?;
        match self.scheme.scope() {
            None => write!(f, "Access={}", self.access_key)?,
            Some(scope) => write!(f, "Credential={}/{scope}", self.access_key)?,
        }
        write!(f, ", SignedHeaders={}, Signature={}", self.signed, self.signature)
    }
}

/// Access key and scope of a `Credential`.
fn scoped(credential: &str) -> Result<(&str, Scope), Error> {
    let mut parts = credential.split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(access_key), Some(day), Some(region), Some(service), None) => {
            Ok((access_key, Scope::of(day, region, service)?))
        }
        _ => Err(Error::Authorization("Credential is not AK/YYYYMMDD/region/service")),
    }
}

/// The names of the headers that are signed: in lower case, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeaders(Vec<String>);

impl SignedHeaders {
    /// Reads `name;name;…`.
    ///
    /// # Errors
    /// `Authorization` if a name is none or has upper case, if they are not in order or one is there twice, or if there are
    /// more than 100.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_part = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        };
        let names: Vec<&str> = text.split(';').take(MOST_HEADERS + 1).collect();
        if names.len() > MOST_HEADERS {
            return Err(Error::Authorization("it lists more than 100 headers"));
        }
        if !names.iter().all(|name| !name.is_empty() && name.bytes().all(is_part)) {
            return Err(Error::Authorization("SignedHeaders is not a list of lower-case names"));
        }
        if !names.is_sorted_by(|one, next| one < next) {
            return Err(Error::Authorization("SignedHeaders is not in order, or has a name twice"));
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }

    /// What the SDKs sign: all headers but those with an underscore in their name, and `Authorization` itself.
    ///
    /// # Errors
    /// `Repeated` if one is there twice, and `Authorization` if the names cannot be listed.
    pub(super) fn all(request: &Request<'_>) -> Result<Self, Error> {
        let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let mut names: Vec<_> =
            names.filter(|name| !name.contains('_') && name != header::AUTHORIZATION).collect();
        names.sort();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next);
        if let Some((name, _)) = twice {
            return Err(Error::Repeated(name.clone()));
        }
        Self::parse(&names.join(";"))
    }

    /// Whether a header is signed; its name is in lower case.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|signed| signed == name)
    }

    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for SignedHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(";"))
    }
}
