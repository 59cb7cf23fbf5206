//! A grant: what somebody may do with one key, beside what policies allow.
//!
//! A grant is to a user or to an account, which is each of its users, of the key's account or of another. What it gives
//! is from the table here, which also says to which keys each operation fits (the guide's Table 1-18, and the figures
//! before it for data key pairs). Whoever is given `create-grant` can give others what it was given itself, and no more.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::Key;
use super::record::Kept;
use super::spec::{Family, Usage};
use crate::due::Millis;
use crate::iam::policy::{Action, ActionSet};
use crate::iam::{AccountId, Identity, UserId};

/// To which keys an operation fits.
#[derive(Clone, Copy)]
enum Keys {
    /// All.
    All,
    /// Those that encrypt and are not pairs.
    Ciphers,
    /// Those that encrypt.
    Encrypting,
    /// Pairs.
    Pairs,
    /// Those that sign.
    Signing,
    /// Those for MACs.
    Macs,
}

impl Keys {
    fn include(self, key: &Key) -> bool {
        match self {
            Self::All => true,
            Self::Ciphers => key.spec.family() == Family::Cipher,
            Self::Encrypting => key.usage == Usage::EncryptDecrypt,
            Self::Pairs => key.spec.family().is_pair(),
            Self::Signing => key.usage == Usage::SignVerify,
            Self::Macs => key.usage == Usage::Mac,
        }
    }
}

macro_rules! granted {
    ($($name:ident $text:literal $keys:ident $($operation:literal)+;)*) => {
        /// What can be granted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)] // each is what the table says
        pub enum Granted { $($name,)* }

        impl Granted {
            /// All of it.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As the interface writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            const fn keys(self) -> Keys {
                match self { $(Self::$name => Keys::$keys,)* }
            }

            /// The operations of the interface that it lets somebody do.
            const fn operations(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($operation,)+],)* }
            }
        }
    };
}

granted! {
    DescribeKey "describe-key" All "ListKeyDetail";
    CreateGrant "create-grant" All "CreateGrant";
    RetireGrant "retire-grant" All "CancelSelfGrant";
    CreateDataKey "create-datakey" Ciphers "CreateDatakey";
    CreateDataKeyWithoutPlaintext "create-datakey-without-plaintext" Ciphers "CreateDatakeyWithoutPlaintext";
    CreateDataKeyPair "create-datakey-pair" Ciphers "CreateEcDatakeyPair" "CreateRsaDatakeyPair";
    EncryptDataKey "encrypt-datakey" Ciphers "EncryptDatakey";
    DecryptDataKey "decrypt-datakey" Ciphers "DecryptDatakey";
    EncryptData "encrypt-data" Encrypting "EncryptData";
    DecryptData "decrypt-data" Encrypting "DecryptData";
    GetPublicKey "get-publickey" Pairs "ShowPublicKey";
    Sign "sign" Signing "Sign";
    Verify "verify" Signing "ValidateSignature";
    GenerateMac "generate-mac" Macs "GenerateMac";
    VerifyMac "verify-mac" Macs "VerifyMac";
}

/// The actions that each lets somebody do.
static ACTIONS: LazyLock<HashMap<Granted, Vec<Action>>> = LazyLock::new(|| {
    let of = |granted: Granted| {
        let operations = granted.operations().iter();
        operations.flat_map(|operation| Action::of_operation("kms", operation)).collect()
    };
    Granted::ALL.iter().map(|granted| (*granted, of(*granted))).collect()
});

impl Granted {
    /// Whether it can be granted on a key.
    #[must_use]
    pub fn fits(self, key: &Key) -> bool {
        self.keys().include(key)
    }

    /// What a request names: something, each once, and not `create-grant` alone.
    ///
    /// # Errors
    /// `Field`, `CreateGrantAlone`
    pub(super) fn named(names: &[String]) -> Result<BTreeSet<Self>> {
        let one = |name: &String| {
            Self::ALL.iter().copied().find(|granted| granted.name() == name).ok_or_else(|| {
                let names: Vec<_> = Self::ALL.iter().map(|granted| granted.name()).collect();
                KmsError::Field(format!("operations: {name:?} is unknown: expected {}", names.join(", ")))
            })
        };
        let granted = names.iter().map(one).collect::<Result<BTreeSet<_>>>()?;
        if granted.is_empty() {
            return Err(KmsError::Field("operations names at least one operation".to_owned()));
        }
        if granted.iter().eq([&Self::CreateGrant]) {
            return Err(KmsError::CreateGrantAlone);
        }
        Ok(granted)
    }
}

/// The actions that all of this lets somebody do.
pub(super) fn actions(granted: &BTreeSet<Granted>) -> ActionSet {
    granted.iter().filter_map(|granted| ACTIONS.get(granted)).flatten().copied().collect()
}

/// A grant's id: 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GrantId(pub [u8; 32]);

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for GrantId {
    type Err = KmsError;
    fn from_str(text: &str) -> Result<Self, KmsError> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        let id = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        id.map(Self).ok_or_else(|| KmsError::Field("grant_id has 64 hexadecimal digits".to_owned()))
    }
}

/// To whom a grant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// One user.
    User(UserId),
    /// Every user of an account.
    Account(AccountId),
}

impl Grantee {
    /// As the interface writes what it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Account(_) => "domain",
        }
    }

    /// The id of the user or account.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::User(id) => id.to_string(),
            Self::Account(id) => id.to_string(),
        }
    }

    /// Whether somebody is it, or one of it.
    pub(super) fn is(&self, who: &Identity) -> bool {
        match self {
            Self::User(id) => who.user() == Some(*id),
            Self::Account(id) => who.account == *id && who.user().is_some(),
        }
    }
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The key.
    pub key: KeyId,
    /// Its name; may be empty.
    pub name: String,
    /// To whom it is.
    pub grantee: Grantee,
    /// What it gives.
    pub operations: BTreeSet<Granted>,
    /// The id of who made it.
    pub issuer: String,
    /// A user who can retire it beside the grantee.
    pub retiring: Option<UserId>,
    /// When it was made.
    pub created: Millis,
}

impl Grant {
    /// Whether somebody can give it up.
    pub(super) fn is_retired_by(&self, who: &Identity) -> bool {
        self.is_retiring(who) || self.grantee.is(who) && self.operations.contains(&Granted::RetireGrant)
    }

    /// Whether somebody is named as who can retire it.
    pub(super) fn is_retiring(&self, who: &Identity) -> bool {
        self.retiring.is_some() && self.retiring == who.user()
    }
}

/// The grants of one project's keys.
#[derive(Default)]
pub(super) struct Grants {
    by_id: HashMap<GrantId, Kept<Grant>>,
    /// By the numbers of their records, which is the order in which they were made.
    of_key: HashMap<KeyId, BTreeMap<u64, GrantId>>,
    last: u64,
}

impl Grants {
    /// The number of the next record.
    pub(super) const fn next(&self) -> u64 {
        self.last + 1
    }

    /// Shows a grant as it was committed, in place of what was there.
    pub(super) fn show(&mut self, grant: Kept<Grant>) {
        self.last = self.last.max(grant.number);
        self.of_key.entry(grant.key).or_default().insert(grant.number, grant.id);
        self.by_id.insert(grant.id, grant);
    }

    /// Takes one away.
    pub(super) fn hide(&mut self, id: GrantId) {
        if let Some(grant) = self.by_id.remove(&id)
            && let Some(of_key) = self.of_key.get_mut(&grant.key)
        {
            of_key.remove(&grant.number);
        }
    }

    /// Takes all of a key away.
    pub(super) fn hide_of(&mut self, key: KeyId) {
        for id in self.of_key.remove(&key).unwrap_or_default().values() {
            self.by_id.remove(id);
        }
    }

    /// The one of this id, if it is on this key.
    pub(super) fn of(&self, key: KeyId, id: GrantId) -> Result<Kept<Grant>> {
        let grant = self.by_id.get(&id).ok_or(KmsError::NoGrant)?;
        if grant.key == key { Ok(grant.clone()) } else { Err(KmsError::OtherKeysGrant) }
    }

    /// Those on a key, in the order in which they were made.
    pub(super) fn on(&self, key: KeyId) -> impl Iterator<Item = &Kept<Grant>> {
        let ids = self.of_key.get(&key).into_iter().flat_map(BTreeMap::values);
        ids.filter_map(|id| self.by_id.get(id))
    }

    /// How many there are on a key.
    pub(super) fn count(&self, key: KeyId) -> usize {
        self.of_key.get(&key).map_or(0, BTreeMap::len)
    }

    /// How many there are on the key that has most.
    pub(super) fn most(&self) -> usize {
        self.of_key.values().map(BTreeMap::len).max().unwrap_or(0)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Kept<Grant>> {
        self.by_id.values()
    }

    /// What each grant on a key lets somebody do; who it names for that may also retire it.
    pub(super) fn each_given(&self, key: KeyId, who: &Identity) -> Vec<(GrantId, ActionSet)> {
        let none = BTreeSet::new();
        let each = self.on(key).map(|grant| {
            let mut given = if grant.grantee.is(who) { &grant.operations } else { &none }.clone();
            given.extend(grant.is_retiring(who).then_some(Granted::RetireGrant));
            (grant.id, actions(&given))
        });
        each.filter(|(_, actions)| *actions != ActionSet::default()).collect()
    }

    /// What somebody has been given on a key.
    pub(super) fn given(&self, key: KeyId, who: &Identity) -> BTreeSet<Granted> {
        let to = self.on(key).filter(|grant| grant.grantee.is(who));
        to.flat_map(|grant| grant.operations.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_lets_somebody_do_what_the_table_of_actions_knows() {
        for granted in Granted::ALL {
            for operation in granted.operations() {
                assert!(Action::of_operation("kms", operation).next().is_some(), "{operation}");
            }
        }
    }
}
