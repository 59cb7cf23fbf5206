//! Signing a request, as the SDKs do.

use crypto::Secret;

use super::authorization::{Authorization, SignedHeaders};
use super::{Date, Error, Payload, Request, Scheme, canonical_request, header, string_to_sign};

/// Who signs.
#[derive(Debug)]
pub struct Credentials<'a> {
    /// The access key.
    pub access_key: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
}

/// Signs a request that has all its headers, `Host` and `X-Sdk-Date` among them; the answer goes into `Authorization`.
///
/// # Errors
/// `Missing` without those headers, `Date` if the date is none, `ScopeDate` if the scheme's scope is of another day, and
/// those of [`canonical_request`].
pub fn sign(
    request: &Request<'_>,
    scheme: &Scheme,
    credentials: &Credentials<'_>,
) -> Result<Authorization, Error> {
    let Credentials { access_key, secret } = *credentials;
    request.required(header::HOST)?;
    let date = dated(request, scheme)?;
    let signed = SignedHeaders::all(request)?;
    let canonical = canonical_request(request, scheme, &signed, Payload::MayBeUnsigned)?;
    let text = string_to_sign(scheme, date, &canonical)?;
    let signature = scheme.signature(access_key, secret, text.as_bytes())?;
    let made = Authorization { scheme: scheme.clone(), access_key: access_key.to_owned(), signed, signature };
    // What could not be read could not be checked.
    Authorization::parse(made.to_string().as_bytes())
}

/// The request's date, which the scope of a derived key has to agree with.
pub(super) fn dated(request: &Request<'_>, scheme: &Scheme) -> Result<Date, Error> {
    let date = Date::parse(request.required(header::DATE)?)?;
    match scheme.scope() {
        Some(scope) if scope.day() != date.day() => Err(Error::ScopeDate),
        _ => Ok(date),
    }
}
