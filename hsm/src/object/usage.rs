//! Which usages a new key gets: what its template asks for, and where it says nothing, what its type can do.

use std::collections::BTreeMap;

use super::asked::Asked;
use super::attributes::Way;
use super::{Attr, Class, KeyType, Role};
use crate::error::Error;
use crate::policy::Profile;

/// What decides on the usages of a key.
pub(super) struct Usages {
    class: Class,
    key_type: KeyType,
    way: Way,
    profile: Profile,
    /// What the templates say, of both halves where the key is one of a pair.
    asked: BTreeMap<Attr, bool>,
}

impl Usages {
    /// The usages of a key with this template, and of the other half of its pair with that one.
    ///
    /// # Errors
    /// `TemplateInconsistent` if the profile refuses what the templates ask for.
    pub(super) fn new(
        class: Class,
        key_type: KeyType,
        way: Way,
        profile: Profile,
        template: &Asked<'_>,
        other_half: Option<&Asked<'_>>,
    ) -> Result<Self, Error> {
        let mut asked = BTreeMap::new();
        for role in Role::of_class(class) {
            let flag = |half: &Asked<'_>| half.flag(role.attribute());
            let other = other_half.and_then(flag);
            if let Some(flag) = flag(template).map(|flag| flag || other == Some(true)).or(other) {
                asked.insert(role.attribute(), flag);
            }
        }
        let usages = Self { class, key_type, way, profile, asked };
        usages.check()?;
        Ok(usages)
    }

    fn asks(&self, role: Role) -> bool {
        self.asked.get(&role.attribute()) == Some(&true)
    }

    fn check(&self) -> Result<(), Error> {
        if self.profile == Profile::Strict {
            for role in Role::ALL.into_iter().filter(|role| self.asks(*role)) {
                if let Some(other) = role.conflicts().iter().find(|other| self.asks(**other)) {
                    let (role, other) = (role.attribute(), other.attribute());
                    return Err(inconsistent(format!("one key cannot have both {role} and {other}")));
                }
            }
            // Of what is unwrapped, the template of the key it is unwrapped with may say so.
            if matches!(self.way, Way::Create | Way::Derive) && self.asks(Role::Wrap) {
                return Err(inconsistent("only a key that was made here may wrap".into()));
            }
        }
        Ok(())
    }

    /// The value of a usage that the key's own template does not give.
    pub(super) fn default(&self, usage: Attr) -> bool {
        if !can(self.class, self.key_type, usage) {
            return false;
        }
        let Some(role) = Role::of(usage, self.class) else { return true };
        match self.profile {
            Profile::Legacy => true,
            Profile::Standard => !self.is_withheld(role),
            Profile::Strict => !self.is_withheld(role) && self.strict_default(role),
        }
    }

    /// What is unwrapped never gets to wrap or unwrap by itself.
    fn is_withheld(&self, role: Role) -> bool {
        self.way == Way::Unwrap && matches!(role, Role::Wrap | Role::Unwrap)
    }

    /// Without being asked, to encrypt and decrypt come before to wrap, unwrap and derive.
    fn strict_default(&self, role: Role) -> bool {
        match role {
            Role::Encrypt | Role::Decrypt => !role.conflicts().iter().any(|other| self.asks(*other)),
            Role::Wrap if self.way != Way::Generate => false,
            Role::Wrap | Role::Unwrap | Role::Derive => {
                !role.conflicts().iter().any(|other| self.will_have(*other))
            }
        }
    }

    fn will_have(&self, role: Role) -> bool {
        match self.asked.get(&role.attribute()) {
            Some(flag) => *flag,
            None => {
                let can = Role::of_class(self.class).any(|own| own == role)
                    && pair_can(self.key_type, role.attribute());
                can && self.strict_default(role)
            }
        }
    }
}

fn inconsistent(reason: String) -> Error {
    Error::TemplateInconsistent(reason)
}

/// Whether a key of this type, or either half of the pair, can be used so.
fn pair_can(key_type: KeyType, usage: Attr) -> bool {
    [Class::PUBLIC_KEY, Class::PRIVATE_KEY, Class::SECRET_KEY]
        .into_iter()
        .any(|class| can(class, key_type, usage))
}

/// Whether a key of this class and type can be used so.
pub(crate) fn can(class: Class, key_type: KeyType, usage: Attr) -> bool {
    let usages: &[Attr] = match (class, key_type) {
        (Class::PUBLIC_KEY, KeyType::RSA) => &[Attr::ENCRYPT, Attr::VERIFY, Attr::VERIFY_RECOVER, Attr::WRAP],
        (Class::PRIVATE_KEY, KeyType::RSA) => &[Attr::DECRYPT, Attr::SIGN, Attr::SIGN_RECOVER, Attr::UNWRAP],
        (Class::PUBLIC_KEY, KeyType::EC | KeyType::EC_EDWARDS | KeyType::DSA) => &[Attr::VERIFY],
        (Class::PUBLIC_KEY, KeyType::SM2) => &[Attr::ENCRYPT, Attr::VERIFY],
        (Class::PRIVATE_KEY, KeyType::SM2) => &[Attr::DECRYPT, Attr::SIGN],
        (Class::PRIVATE_KEY, KeyType::EC) => &[Attr::SIGN, Attr::DERIVE],
        (Class::PRIVATE_KEY, KeyType::EC_EDWARDS | KeyType::DSA) => &[Attr::SIGN],
        (Class::PRIVATE_KEY, KeyType::EC_MONTGOMERY | KeyType::DH) | (Class::SECRET_KEY, KeyType::HKDF) => {
            &[Attr::DERIVE]
        }
        (Class::SECRET_KEY, KeyType::AES) => {
            &[Attr::ENCRYPT, Attr::DECRYPT, Attr::SIGN, Attr::VERIFY, Attr::WRAP, Attr::UNWRAP, Attr::DERIVE]
        }
        (Class::SECRET_KEY, KeyType::AES_XTS | KeyType::SM4) => &[Attr::ENCRYPT, Attr::DECRYPT],
        (Class::SECRET_KEY, KeyType::GENERIC_SECRET) => &[Attr::SIGN, Attr::VERIFY, Attr::DERIVE],
        (Class::SECRET_KEY, _) => &[Attr::SIGN, Attr::VERIFY],
        _ => &[],
    };
    usages.contains(&usage)
}
