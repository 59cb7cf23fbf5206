//! The quorum of a key: for which usages each use of it needs approval, and by how many of whom. And what they
//! approve: so many uses, within a time.
//!
//! It belongs to the key and not to an object: all objects that hold the key are under it, whatever their attributes
//! say or come to say.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use ukey::Id;

pub use wire::admin::key::{MAX_APPROVERS, Only};

use crate::object::{Attr, Class, Object};
use crate::policy::Usage;

/// A set of usages that can need approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usages(u32);

/// Each with its name, and the attribute that grants it.
const ALL: [(Usages, &str, Attr); 6] = [
    // Stored with keys: never renumbered.
    (Usages(1), "sign", Attr::SIGN),
    (Usages(2), "decrypt", Attr::DECRYPT),
    (Usages(4), "unwrap", Attr::UNWRAP),
    (Usages::WRAP, "wrap", Attr::WRAP),
    (Usages(16), "derive", Attr::DERIVE),
    (Usages(32), "encrypt", Attr::ENCRYPT),
];

impl Usages {
    const WRAP: Self = Self(8);

    /// The usages of these names; none if one of them is no name.
    #[must_use]
    pub fn named<S: AsRef<str>>(names: &[S]) -> Option<Self> {
        names.iter().try_fold(Self::default(), |usages, name| {
            let (usage, ..) = ALL.iter().find(|(_, known, _)| *known == name.as_ref())?;
            Some(usages.with(*usage))
        })
    }

    /// A usage as one of these; nothing where it only looks at what others made.
    #[must_use]
    pub const fn of(usage: Usage) -> Self {
        match usage {
            Usage::Sign | Usage::SignRecover => Self(1),
            Usage::Decrypt => Self(2),
            Usage::Unwrap => Self(4),
            Usage::Wrap => Self::WRAP,
            Usage::Derive => Self(16),
            Usage::Encrypt => Self(32),
            Usage::Verify | Usage::VerifyRecover => Self(0),
        }
    }

    /// Their names, in one order.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        ALL.iter().filter(|(usage, ..)| self.meets(*usage)).map(|(_, name, _)| *name).collect()
    }

    /// As they are kept.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether both have one.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it has all of the other.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All that a key of this kind can be used for, now or with other attributes.
    #[must_use]
    pub fn possible(key: &Object) -> Self {
        let Some(key_type) = key.key_type() else { return Self::default() };
        let class = key.class();
        let can = |attribute| {
            // The public half wraps, and that is the same key.
            let wraps = class == Class::PRIVATE_KEY && attribute == Attr::WRAP;
            crate::object::can(if wraps { Class::PUBLIC_KEY } else { class }, key_type, attribute)
        };
        let possible = ALL.iter().filter(|(.., attribute)| can(*attribute));
        possible.fold(Self::default(), |usages, (usage, ..)| usages.with(*usage))
    }

    /// These, and each other that does the same work with a key of this kind, so that none is a way around: the one
    /// private operation of RSA signs, decrypts and unwraps, and a cipher that encrypts what one likes makes MACs,
    /// opens what was encrypted in counter modes, and so on. To wrap is a thing of its own, unless by wrapping known
    /// keys one encrypts.
    #[must_use]
    pub fn closed(self, key: &Object) -> Self {
        let possible = Self::possible(key);
        let same = match (key.class(), key.key_type()) {
            (Class::SECRET_KEY, _) => possible,
            (_, Some(crate::object::KeyType::RSA)) => Self(possible.0 & !Self::WRAP.0),
            _ => Self::default(),
        };
        let others = Self(self.0 & !Self::WRAP.0);
        if others.meets(same) { self.with(same) } else { self }
    }
}

/// The quorum of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyQuorum {
    /// How often it has been set: of two for one key, the greater counts.
    pub(crate) generation: u64,
    /// The usages that need approval.
    pub(crate) usages: Usages,
    /// How many must approve; 0 of a key that is under none any more.
    pub(crate) needed: u8,
    /// The UKeys of those who may.
    pub(crate) approvers: Vec<[u8; 32]>,
}

impl KeyQuorum {
    /// The usages that need approval.
    #[must_use]
    pub const fn usages(&self) -> Usages {
        self.usages
    }

    /// How many must approve.
    #[must_use]
    pub const fn needed(&self) -> u8 {
        self.needed
    }

    /// How often it has been set.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The UKeys of those who may approve.
    pub fn approvers(&self) -> impl Iterator<Item = Id> {
        self.approvers.iter().map(|ukey| Id::from_bytes(*ukey))
    }

    /// Whether both need the same approvals for the same, however often each has been set.
    pub(crate) fn asks_the_same_as(&self, other: &Self) -> bool {
        let Self { generation: _, usages, needed, approvers } = self;
        let of = |approvers: &[[u8; 32]]| approvers.iter().copied().collect::<BTreeSet<_>>();
        (*usages, *needed) == (other.usages, other.needed) && of(approvers) == of(&other.approvers)
    }

    /// Whether anything needs approval.
    pub(crate) const fn is_in_force(&self) -> bool {
        self.needed > 0
    }

    /// The usages that need approval, by bits; none where it is not in force.
    pub(crate) const fn guarded(&self) -> Usages {
        if self.is_in_force() { self.usages } else { Usages(0) }
    }
}

/// What an authorisation allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// For what.
    pub usages: Usages,
    /// How often, all of these together.
    pub uses: u32,
    /// For how many seconds.
    pub seconds: u64,
    /// By whom.
    pub only: Only,
}

/// The most uses that one authorisation allows.
pub const MAX_USES: u32 = 1_000_000;
/// For how many seconds one can last.
pub const LASTS: std::ops::RangeInclusive<u64> = 1..=30 * 24 * 3600;

/// An authorisation that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For what.
    pub usages: Usages,
    /// How often still.
    pub left: u32,
    /// Until when, in seconds since 1970.
    pub expires: u64,
    /// By whom.
    pub only: Only,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{AttributeMap, KeyType};
    use crate::policy::Profile;

    fn key(class: Class, key_type: KeyType) -> Object {
        let mut attributes = AttributeMap::new();
        attributes.set_ulong(Attr::CLASS, class.0);
        attributes.set_ulong(Attr::KEY_TYPE, key_type.0);
        Object::new(1, attributes, Profile::Standard)
    }

    fn closed(asked: &[&str], class: Class, key_type: KeyType) -> Vec<&'static str> {
        Usages::named(asked).unwrap().closed(&key(class, key_type)).names()
    }

    #[test]
    fn what_does_the_same_work_is_under_the_quorum_too() {
        let all = ["sign", "decrypt", "unwrap", "wrap", "derive", "encrypt"];
        let rsa = ["sign", "decrypt", "unwrap"];
        for usage in all.into_iter().filter(|usage| *usage != "wrap") {
            assert_eq!(closed(&[usage], Class::SECRET_KEY, KeyType::AES), all, "{usage}");
        }
        assert_eq!(closed(&["wrap"], Class::SECRET_KEY, KeyType::AES), ["wrap"]);
        for usage in rsa {
            assert_eq!(closed(&[usage], Class::PRIVATE_KEY, KeyType::RSA), rsa, "{usage}");
        }
        assert_eq!(closed(&["wrap"], Class::PRIVATE_KEY, KeyType::RSA), ["wrap"]);
        assert_eq!(closed(&["sign"], Class::PRIVATE_KEY, KeyType::EC), ["sign"]);
        assert_eq!(closed(&["sign"], Class::SECRET_KEY, KeyType::GENERIC_SECRET), ["sign", "derive"]);
    }

    #[test]
    fn names_come_back_and_others_are_none() {
        let all: Vec<_> = ALL.iter().map(|(_, name, _)| *name).collect();
        assert_eq!(Usages::named(&all).unwrap().names(), all);
        assert_eq!(Usages::named(&["verify"]), None);
        assert!(Usages::named::<&str>(&[]).unwrap().is_empty());
        assert!(Usages::of(Usage::Verify).is_empty());
    }
}
