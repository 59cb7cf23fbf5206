//! What a key has been used for: roles that conflict on one key become exclusive on first use.
//!
//! Who may wrap with a key and decrypt with it reads whatever may be wrapped; who may unwrap and encrypt
//! makes keys of known value; who may derive and encrypt computes what is derived. Templates of stock clients
//! ask for all of them, so they are granted, and the first use decides. The history belongs to the key, not to
//! the object: copies, both halves of a pair, and the same key in another object share it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crypto::{Hash, Secret};

use super::{Attr, AttributeMap, Class};
use crate::error::Error;
use crate::policy::Profile;
use crate::quorum::Usages;

/// A use of a key that conflicts with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `C_WrapKey`
    Wrap,
    /// `C_UnwrapKey`
    Unwrap,
    /// `C_Encrypt`
    Encrypt,
    /// `C_Decrypt`
    Decrypt,
    /// `C_DeriveKey`
    Derive,
}

impl Role {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Wrap, Self::Unwrap, Self::Encrypt, Self::Decrypt, Self::Derive];

    /// The usage attribute that grants it.
    #[must_use]
    pub const fn attribute(self) -> Attr {
        match self {
            Self::Wrap => Attr::WRAP,
            Self::Unwrap => Attr::UNWRAP,
            Self::Encrypt => Attr::ENCRYPT,
            Self::Decrypt => Attr::DECRYPT,
            Self::Derive => Attr::DERIVE,
        }
    }

    /// The role that an attribute grants to a key of this class, if any. Anyone encrypts with a public key, in
    /// the token or not, so that this is no role of a pair.
    #[must_use]
    pub fn of(attribute: Attr, class: Class) -> Option<Self> {
        Self::of_class(class).find(|role| role.attribute() == attribute)
    }

    /// The roles that a key of this class can have.
    pub fn of_class(class: Class) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |role| class == Class::SECRET_KEY || *role != Self::Encrypt)
    }

    /// The roles that the same key may not have.
    #[must_use]
    pub const fn conflicts(self) -> &'static [Self] {
        match self {
            // To encrypt the counters of AES-GCM is to decrypt what it wrapped.
            Self::Wrap => &[Self::Decrypt, Self::Encrypt],
            Self::Unwrap | Self::Derive => &[Self::Encrypt],
            Self::Encrypt => &[Self::Unwrap, Self::Derive, Self::Wrap],
            Self::Decrypt => &[Self::Wrap],
        }
    }

    pub(crate) const fn bit(self) -> u32 {
        // Stored with the object (`Attr::ROLES_USED`): never renumbered.
        match self {
            Self::Wrap => 1,
            Self::Unwrap => 2,
            Self::Encrypt => 4,
            Self::Decrypt => 8,
            Self::Derive => 16,
        }
    }

    fn excluding(self) -> u32 {
        self.conflicts().iter().fold(0, |bits, role| bits | role.bit())
    }
}

/// What one key has been used for, and for what it needs approval, shared by all objects that hold it.
#[derive(Debug, Default)]
pub struct Roles {
    used: AtomicU32,
    /// Whether some of that could not be written with the objects that hold the key, and is still to be.
    unwritten: AtomicBool,
    /// The usages that need approval: bits of [`Usages`].
    guarded: AtomicU32,
    /// Under [`Profile::Legacy`], nothing conflicts.
    lenient: bool,
}

impl Roles {
    /// A key of which `used` is known, as [`Roles::used`] told it.
    #[must_use]
    pub const fn new(used: u32, profile: Profile) -> Self {
        let lenient = matches!(profile, Profile::Legacy);
        let (guarded, unwritten) = (AtomicU32::new(0), AtomicBool::new(false));
        Self { used: AtomicU32::new(used), unwritten, guarded, lenient }
    }

    /// From now on these usages of the key need approval, and no others.
    pub(crate) fn guard(&self, usages: Usages) {
        self.guarded.store(usages.bits(), Ordering::Release);
    }

    /// Whether one of these usages needs approval.
    #[must_use]
    pub fn guards(&self, usages: Usages) -> bool {
        self.guarded.load(Ordering::Acquire) & usages.bits() != 0
    }

    /// Whether any use of the key needs approval.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.guarded.load(Ordering::Acquire) != 0
    }

    /// What stored attributes remember of their key.
    #[must_use]
    pub fn kept(attributes: &AttributeMap, profile: Profile) -> Self {
        let used = attributes.ulong(Attr::ROLES_USED).unwrap_or(0);
        Self::new(u32::try_from(used).unwrap_or(u32::MAX), profile)
    }

    /// What the key has been used for, to be stored with it.
    #[must_use]
    pub fn used(&self) -> u32 {
        self.used.load(Ordering::Acquire)
    }

    /// Notes whether all of that is written with the objects that hold the key, as far as they are kept.
    pub(crate) fn set_written(&self, written: bool) {
        self.unwritten.store(!written, Ordering::Release);
    }

    /// Whether all of that is written where it is to be.
    pub(crate) fn are_written(&self) -> bool {
        !self.unwritten.load(Ordering::Acquire)
    }

    /// Adds what another object that holds the same key knows.
    pub fn merge(&self, used: u32) {
        self.used.fetch_or(used, Ordering::AcqRel);
    }

    /// A role the key has been used for that excludes this one.
    #[must_use]
    pub fn conflict(&self, role: Role) -> Option<Role> {
        if self.lenient {
            return None;
        }
        let used = self.used();
        role.conflicts().iter().copied().find(|other| used & other.bit() != 0)
    }

    /// Whether the key has been used so.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.used() & role.bit() != 0
    }

    /// Takes a role for good. Whether the key did not have it yet, so that it must be stored.
    ///
    /// # Errors
    /// `KeyFunctionNotPermitted` if the key has been used for what excludes it; two threads cannot both win.
    pub fn claim(&self, role: Role) -> Result<bool, Error> {
        let barred = if self.lenient { 0 } else { role.excluding() };
        let claim = |used: u32| (used & barred == 0).then_some(used | role.bit());
        match self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, claim) {
            Ok(before) => Ok(before & role.bit() == 0),
            Err(_) => Err(excluded(role)),
        }
    }

    /// Refuses a role that what the key has been used for excludes; takes nothing.
    ///
    /// # Errors
    /// `KeyFunctionNotPermitted`
    pub fn check(&self, role: Role) -> Result<(), Error> {
        self.conflict(role).map_or(Ok(()), |_| Err(excluded(role)))
    }
}

const fn excluded(role: Role) -> Error {
    Error::KeyFunctionNotPermitted(match role {
        Role::Wrap => "wrap, since it has been used to encrypt or decrypt",
        Role::Unwrap => "unwrap, since it has been used to encrypt",
        Role::Encrypt => "encrypt, since it has been used to wrap, unwrap or derive",
        Role::Decrypt => "decrypt, since it has been used to wrap",
        Role::Derive => "derive, since it has been used to encrypt",
    })
}

/// The bits of the roles whose attribute is true here.
pub(super) fn granted(attributes: &AttributeMap) -> u32 {
    let granted = Role::ALL.into_iter().filter(|role| attributes.flag(role.attribute()));
    granted.fold(0, |bits, role| bits | role.bit())
}

/// The bits of the roles that the attributes of a secret or private key grant, if none of them excludes another.
pub(crate) fn meant(attributes: &AttributeMap) -> u32 {
    let class = attributes.ulong(Attr::CLASS).map(Class);
    let Some(class @ (Class::SECRET_KEY | Class::PRIVATE_KEY)) = class else { return 0 };
    let roles = || Role::of_class(class).filter(|role| attributes.flag(role.attribute()));
    let (bits, excluded) =
        roles().fold((0, 0), |(bits, excluded), role| (bits | role.bit(), excluded | role.excluding()));
    if bits & excluded == 0 { bits } else { 0 }
}

/// What all objects that hold one key have in common: for a pair a digest of the public half, for a secret key
/// a MAC of its value under a secret of the partition, whatever the key's type. None of what holds no key.
///
/// # Errors
/// If the library fails.
pub fn identity(attributes: &AttributeMap, partition_secret: &[u8]) -> Result<Option<[u8; 32]>, Error> {
    let class = attributes.ulong(Attr::CLASS).map(Class);
    if class == Some(Class::SECRET_KEY) {
        return match attributes.secret(Attr::VALUE) {
            Some(value) => fingerprint(value, partition_secret).map(Some),
            None => Ok(None),
        };
    }
    match attributes.plain(Attr::PUBLIC_KEY_INFO) {
        Some(info) if matches!(class, Some(Class::PUBLIC_KEY | Class::PRIVATE_KEY)) => {
            as_array(&crypto::hash::digest(Hash::Sha256, info)?).map(Some)
        }
        _ => Ok(None),
    }
}

/// A MAC of bytes that are wrapped or were unwrapped, by which they are known again: of a secret key it is
/// the key's [`identity`]. Zeros at the end do not count, since some mechanisms pad with them and whoever
/// unwraps says where the key ends.
///
/// # Errors
/// If the library fails.
pub fn fingerprint(bytes: &Secret, partition_secret: &[u8]) -> Result<[u8; 32], Error> {
    let end = bytes.as_bytes().iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let significant = bytes.as_bytes().get(..end).unwrap_or_default();
    as_array(&crypto::mac::hmac(Hash::Sha256, partition_secret, significant)?)
}

fn as_array(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes.try_into().map_err(|_| Error::Internal("SHA-256 gives 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_go_both_ways() {
        for role in Role::ALL {
            for other in role.conflicts() {
                assert!(other.conflicts().contains(&role), "{role:?} {other:?}");
            }
        }
    }

    #[test]
    fn the_first_of_two_conflicting_uses_excludes_the_other_for_good() {
        let roles = Roles::new(0, Profile::Standard);
        assert!(roles.claim(Role::Wrap).unwrap());
        assert!(!roles.claim(Role::Wrap).unwrap());
        assert_eq!(roles.conflict(Role::Decrypt), Some(Role::Wrap));
        assert_eq!(roles.claim(Role::Decrypt).unwrap_err().rv(), wire::Rv::KEY_FUNCTION_NOT_PERMITTED);
        assert!(roles.claim(Role::Unwrap).unwrap());
        let again = Roles::new(roles.used(), Profile::Standard);
        assert!(again.claim(Role::Decrypt).is_err());
        assert!(again.claim(Role::Encrypt).is_err());
    }

    #[test]
    fn legacy_excludes_nothing() {
        let roles = Roles::new(0, Profile::Legacy);
        for role in Role::ALL {
            assert!(roles.claim(role).unwrap());
            assert_eq!(roles.conflict(role), None);
        }
    }

    #[test]
    fn to_check_a_role_takes_nothing() {
        let roles = Roles::new(0, Profile::Standard);
        roles.check(Role::Decrypt).unwrap();
        assert!(roles.claim(Role::Wrap).unwrap());
        assert_eq!(roles.check(Role::Decrypt).unwrap_err().rv(), wire::Rv::KEY_FUNCTION_NOT_PERMITTED);
    }

    #[test]
    fn of_two_threads_that_claim_roles_in_conflict_one_wins() {
        for _ in 0..200 {
            let roles = Roles::new(0, Profile::Standard);
            let won: Vec<bool> = std::thread::scope(|scope| {
                let claims = [Role::Wrap, Role::Decrypt].map(|role| {
                    scope.spawn({
                        let roles = &roles;
                        move || roles.claim(role).is_ok()
                    })
                });
                claims.into_iter().map(|claim| claim.join().unwrap()).collect()
            });
            assert_eq!(won.iter().filter(|won| **won).count(), 1);
        }
    }
}
