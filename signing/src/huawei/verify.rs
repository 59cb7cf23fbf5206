//! Checking a signed request.

use std::time::{Duration, SystemTime};

use crypto::Secret;

use super::sign::dated;
use super::{Authorization, Error, Payload, Request, canonical_request, header, string_to_sign};

/// How far a request's date may be from the clock, before and after.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);

/// The length of a secret key as the cloud makes them: the work for an unknown access key is that for a known one.
const USUAL_SECRET: usize = 40;

/// Checks that a request carries what its `authorization` says, signed with `secret` at about `now`.
///
/// `secret` is none if the access key is not known: the same is computed then, and the answer is that of a wrong signature.
/// A [`super::Scope`] is checked against the request's date; whether its region and service are those of the request, the caller looks.
///
/// # Errors
/// `Missing`, `NotSigned`, `Absent`, `Repeated`, `Date`, `ScopeDate`, `Body` and `UnsignedPayload` for a request that cannot be right
/// whoever signed it; `Clock` if it is older or newer than [`WINDOW`]; `Signature` if the key is unknown or the signature
/// wrong; `Crypto` if the library fails.
pub fn verify(
    request: &Request<'_>,
    authorization: &Authorization,
    payload: Payload,
    secret: Option<&Secret>,
    now: SystemTime,
) -> Result<(), Error> {
    let Authorization { scheme, access_key, signed, signature } = authorization;
    for name in [header::HOST, header::DATE] {
        request.required(name)?;
        if !signed.contains(name) {
            return Err(Error::NotSigned(name));
        }
    }
    if request.header(header::SECURITY_TOKEN)?.is_some() && !signed.contains(header::SECURITY_TOKEN) {
        return Err(Error::NotSigned(header::SECURITY_TOKEN));
    }
    let date = dated(request, scheme)?;
    let distance = date.distance(now)?;
    if distance > WINDOW {
        return Err(Error::Clock { seconds: distance.as_secs() });
    }
    let canonical = canonical_request(request, scheme, signed, payload)?;
    let text = string_to_sign(scheme, date, &canonical)?;
    let nobodys = Secret::new(vec![0; USUAL_SECRET]);
    let expected = scheme.signature(access_key, secret.unwrap_or(&nobodys), text.as_bytes())?;
    let same = crypto::equal(expected.as_bytes(), signature.as_bytes());
    // Both are looked at: who signs with nobody's secret is unknown all the same.
    if same & secret.is_some() { Ok(()) } else { Err(Error::Signature) }
}
