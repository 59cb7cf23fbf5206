//! What a caller's template asks of a generation, read and refused in one way.

use crypto::{Secret, random};

use super::{Generated, Wanted};
use crate::error::Error;
use crate::object::{Attr, AttributeMap};

/// A `CK_ULONG` without which nothing can be generated.
///
/// # Errors
/// `TemplateIncomplete` if it is not there; `AttributeValueInvalid` if it is no `CK_ULONG`.
pub(super) fn ulong(wanted: &Wanted, attribute: Attr) -> Result<u64, Error> {
    bytes(wanted, attribute)?;
    wanted.ulong(attribute).ok_or_else(|| invalid(attribute, "it is not a CK_ULONG".into()))
}

/// Bytes without which nothing can be generated.
///
/// # Errors
/// `TemplateIncomplete` if they are not there.
pub(super) fn bytes(wanted: &Wanted, attribute: Attr) -> Result<&[u8], Error> {
    wanted.plain(attribute).ok_or(Error::TemplateIncomplete(attribute))
}

/// An attribute whose value cannot be.
pub(super) const fn invalid(attribute: Attr, reason: String) -> Error {
    Error::AttributeValueInvalid { attribute, reason }
}

/// A new secret key of so many random bytes.
///
/// # Errors
/// If the random generator fails.
pub(super) fn random_key(len: usize) -> Result<Generated, Error> {
    let mut private = AttributeMap::new();
    private.set_secret(Attr::VALUE, Secret::new(random::bytes(len)?));
    private.set_ulong(Attr::VALUE_LEN, len as u64);
    Ok(Generated { private, public: AttributeMap::new() })
}
