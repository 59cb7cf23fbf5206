//! Key policy: the profiles, what each use of a key asks of it, and the one decision on every use.
//!
//! [`decide`] is the one point that a use of a key passes, from whatever door; the application's `permit`
//! brings it the key and hands out the key's bytes only on its word.

use std::sync::Arc;

use wire::info::MechanismInfo;
use wire::{MechanismId, ObjectHandle};

use crate::error::Error;
use crate::mechanism::Mechanism;
use crate::object::{Attr, Class, Object, Role};
use crate::operation::Authentication;

/// How strict a partition is with its keys. All that depends on it:
///
/// | rule | strict | standard | legacy |
/// |---|---|---|---|
/// | usages in conflict on one key ([`Role::conflicts`]) | refused in the template | exclusive on first use | allowed |
/// | a usage given up | stays used | – | – |
/// | to wrap, for a key not made here | only if `CKA_TRUSTED` | allowed | allowed |
/// | to wrap or unwrap, for an unwrapped key | from `CKA_UNWRAP_TEMPLATE` | if asked | by default |
/// | to wrap a sensitive key ([`decide_wrap`]) | under closed or trusted keys as strong as it | closed or trusted keys, RSA from 112 bits | allowed |
/// | wrapping without a tag | not offered | only what left here comes back readable | allowed |
/// | what comes back keeps its restrictions | yes | yes | no |
/// | what an agreement makes, unasked | sensitive | readable | readable |
/// | `CKA_SENSITIVE` of a secret key, unasked | true | true unless extractable | true unless extractable |
/// | `CKA_ALWAYS_AUTHENTICATE` to wrap, unwrap, derive | refused | refused | allowed |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Conflicting roles are refused when a key is made.
    Strict,
    /// Conflicting roles are granted, and become exclusive when the first of them is used.
    #[default]
    Standard,
    /// As other tokens have it: nothing is refused that the standard lets pass.
    Legacy,
}

impl Profile {
    /// The profile of a name in configuration.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Strict, Self::Standard, Self::Legacy].into_iter().find(|profile| profile.name() == name)
    }

    /// Its name in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Standard => "standard",
            Self::Legacy => "legacy",
        }
    }

    /// Whether a token of this profile offers the mechanism for this use: `strict` has no wrapping whose
    /// result can be cut and pasted.
    #[must_use]
    pub fn offers(self, usage: Usage, row: &Mechanism) -> bool {
        let wraps = matches!(usage, Usage::Wrap | Usage::Unwrap);
        usage.is_offered(row) && !(self == Self::Strict && wraps && row.malleable)
    }

    /// `CK_MECHANISM_INFO` on a token of this profile.
    #[must_use]
    pub fn info(self, row: &Mechanism) -> MechanismInfo {
        let mut row = row.clone();
        row.wrap = row.wrap.filter(|_| self.offers(Usage::Wrap, &row));
        row.unwrap = row.unwrap.filter(|_| self.offers(Usage::Unwrap, &row));
        row.info()
    }

    /// Whether conflicting roles exclude each other.
    #[must_use]
    pub const fn separates_roles(self) -> bool {
        matches!(self, Self::Strict | Self::Standard)
    }
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of its name
pub enum Usage {
    Encrypt,
    Decrypt,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
    Wrap,
    Unwrap,
    Derive,
}

/// What a usage asks of a key, as one row.
struct Needs {
    word: &'static str,
    attribute: Attr,
    /// The class of the key, where it is no secret key.
    class: Class,
}

impl Usage {
    const fn needs(self) -> Needs {
        let (word, attribute, class) = match self {
            Self::Encrypt => ("encrypt", Attr::ENCRYPT, Class::PUBLIC_KEY),
            Self::Decrypt => ("decrypt", Attr::DECRYPT, Class::PRIVATE_KEY),
            Self::Sign => ("sign", Attr::SIGN, Class::PRIVATE_KEY),
            Self::SignRecover => ("sign with recovery", Attr::SIGN_RECOVER, Class::PRIVATE_KEY),
            Self::Verify => ("verify", Attr::VERIFY, Class::PUBLIC_KEY),
            Self::VerifyRecover => ("verify with recovery", Attr::VERIFY_RECOVER, Class::PUBLIC_KEY),
            Self::Wrap => ("wrap", Attr::WRAP, Class::PUBLIC_KEY),
            Self::Unwrap => ("unwrap", Attr::UNWRAP, Class::PRIVATE_KEY),
            Self::Derive => ("derive", Attr::DERIVE, Class::PRIVATE_KEY),
        };
        Needs { word, attribute, class }
    }

    /// The word for it in events and errors.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.needs().word
    }

    /// The role that a key of this class takes on by it, if roles of that kind can conflict.
    #[must_use]
    pub fn role(self, class: Class) -> Option<Role> {
        Role::of(self.needs().attribute, class)
    }

    /// The error of a handle that names no key.
    #[must_use]
    pub const fn no_key(self, handle: ObjectHandle) -> Error {
        match self {
            Self::Wrap => Error::WrappingKeyHandleInvalid(handle.0),
            Self::Unwrap => Error::UnwrappingKeyHandleInvalid(handle.0),
            _ => Error::KeyHandleInvalid(handle.0),
        }
    }

    const fn wrong_type(self, mechanism: &'static str) -> Error {
        match self {
            Self::Wrap => Error::WrappingKeyTypeInconsistent(mechanism),
            Self::Unwrap => Error::UnwrappingKeyTypeInconsistent(mechanism),
            _ => Error::KeyTypeInconsistent(mechanism),
        }
    }

    /// The mechanism's row, if it has a function for this use.
    #[must_use]
    pub const fn is_offered(self, row: &Mechanism) -> bool {
        match self {
            Self::Encrypt => row.encrypt.is_some(),
            Self::Decrypt => row.decrypt.is_some(),
            Self::Sign => row.sign.is_some(),
            Self::SignRecover => row.sign_recover.is_some(),
            Self::Verify => row.verify.is_some(),
            Self::VerifyRecover => row.verify_recover.is_some(),
            Self::Wrap => row.wrap.is_some(),
            Self::Unwrap => row.unwrap.is_some(),
            Self::Derive => row.derive.is_some(),
        }
    }
}

/// Whether a key may be used so with a mechanism. This is the one decision; nothing else lets a key be used.
///
/// # Errors
/// Why not, as the standard names it.
pub fn decide(usage: Usage, row: &Mechanism, key: &Object) -> Result<(), Error> {
    let needs = usage.needs();
    let class = key.class();
    let is_key = [Class::SECRET_KEY, Class::PUBLIC_KEY, Class::PRIVATE_KEY].contains(&class);
    let (true, Some(key_type)) = (is_key, key.key_type()) else {
        return Err(usage.no_key(ObjectHandle(key.number)));
    };
    if !row.key_types.contains(&key_type) || (class != Class::SECRET_KEY && class != needs.class) {
        return Err(usage.wrong_type(row.name));
    }
    if key.attributes().flag(Attr::SUSPENDED) {
        return Err(Error::KeySuspended);
    }
    if !key.flag(needs.attribute) {
        return Err(Error::KeyFunctionNotPermitted(needs.word));
    }
    check_allowed(key, row.id)?;
    check_size(row, key)
}

/// `CKA_ALLOWED_MECHANISMS`: a list that is there and not empty names all mechanisms of the key.
fn check_allowed(key: &Object, mechanism: MechanismId) -> Result<(), Error> {
    let allowed = key.attributes().plain(Attr::ALLOWED_MECHANISMS).unwrap_or(&[]);
    let (numbers, _) = allowed.as_chunks::<8>();
    if numbers.is_empty() || numbers.iter().any(|number| u64::from_le_bytes(*number) == mechanism.0) {
        return Ok(());
    }
    Err(Error::MechanismInvalid(mechanism))
}

fn check_size(row: &Mechanism, key: &Object) -> Result<(), Error> {
    match key.size() {
        Some(size) if !row.key_sizes.contains(&size) => {
            Err(Error::KeySizeRange { mechanism: row.name, bits: size })
        }
        _ => Ok(()),
    }
}

/// Whether a use of a key needs the PIN once more. To wrap, unwrap and derive is one call, which leaves no moment
/// for a context-specific log-in (PKCS#11 3.2, "C_Login"): a key that asks for one each time is not used so.
///
/// # Errors
/// `UserNotLoggedIn` for such a use.
pub(crate) fn authentication(profile: Profile, usage: Usage, key: &Object) -> Result<Authentication, Error> {
    if !key.flag(Attr::ALWAYS_AUTHENTICATE) {
        return Ok(Authentication::NotNeeded);
    }
    match usage {
        Usage::Wrap | Usage::Unwrap | Usage::Derive if profile == Profile::Legacy => {
            Ok(Authentication::NotNeeded)
        }
        Usage::Wrap | Usage::Unwrap | Usage::Derive => {
            Err(Error::UserNotLoggedIn("the PIN for this one use, and the call has no moment for it"))
        }
        _ => Ok(Authentication::Missing),
    }
}

/// Whether a key may be digested (`C_DigestKey`). A digest says something of the key, so that one that must not
/// be read is digested no more than shown.
///
/// # Errors
/// `KeyIndigestible`
pub fn decide_digest(mechanism: MechanismId, key: &Object) -> Result<(), Error> {
    if key.class() != Class::SECRET_KEY {
        return Err(Error::KeyIndigestible("it is no secret key"));
    }
    if key.flag(Attr::SENSITIVE) || !key.flag(Attr::EXTRACTABLE) {
        return Err(Error::KeyIndigestible("it is sensitive or not extractable"));
    }
    if key.attributes().flag(Attr::SUSPENDED) {
        return Err(Error::KeyIndigestible("its service has suspended it"));
    }
    if key.roles().is_guarded() {
        return Err(Error::KeyIndigestible("uses of it need the approval of its quorum"));
    }
    check_allowed(key, mechanism)
        .map_err(|_| Error::KeyIndigestible("its CKA_ALLOWED_MECHANISMS lacks the digest"))
}

/// Whether `key` may leave the token wrapped by `wrapping`; `made` is the object that holds the secret of the
/// wrapping key: itself, or the private half of a public key, if that is here.
///
/// # Errors
/// Why not, as the standard names it.
pub fn decide_wrap(
    profile: Profile,
    wrapping: &Object,
    made: Option<&Arc<Object>>,
    key: &Object,
) -> Result<(), Error> {
    if !key.flag(Attr::EXTRACTABLE) {
        return Err(Error::KeyUnextractable("CKA_EXTRACTABLE is false"));
    }
    if key.attributes().flag(Attr::SUSPENDED) {
        return Err(Error::KeySuspended);
    }
    // Elsewhere nobody would ask for approval. An object of the key that may leave can have come back since.
    if key.roles().is_guarded() {
        return Err(Error::KeyUnextractable("uses of it need the approval of its quorum"));
    }
    if key.flag(Attr::WRAP_WITH_TRUSTED) && !wrapping.flag(Attr::TRUSTED) {
        return Err(Error::KeyNotWrappable("CKA_WRAP_WITH_TRUSTED asks for a wrapping key with CKA_TRUSTED"));
    }
    if !wrapping.wrap_template_fits(key) {
        return Err(Error::KeyNotWrappable("it does not fit the wrapping key's CKA_WRAP_TEMPLATE"));
    }
    if profile == Profile::Legacy || !key.flag(Attr::SENSITIVE) || wrapping.flag(Attr::TRUSTED) {
        return Ok(());
    }
    if !made.is_some_and(|made| made.is_closed()) {
        return Err(Error::KeyNotWrappable(
            "a sensitive key leaves only under a key that was made here, always sensitive and never extractable, \
             or that the security officer has marked CKA_TRUSTED",
        ));
    }
    let least = match profile {
        Profile::Strict => key.strength(),
        _ => key.strength().min(if wrapping.class() == Class::PUBLIC_KEY { 112 } else { u64::MAX }),
    };
    if wrapping.strength() < least {
        return Err(Error::KeyNotWrappable("the wrapping key is weaker than the key"));
    }
    Ok(())
}
