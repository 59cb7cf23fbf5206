//! Objects: their attributes, the rules of those, and the keys they hold.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crypto::Secret;
use smallvec::SmallVec;

use crate::error::Error;
use crate::policy::Profile;

mod asked;
mod attr;
pub mod attributes;
mod change;
pub mod check_value;
mod computed;
pub(crate) mod der;
pub mod encode;
pub mod index;
mod make;
mod material;
mod measure;
pub mod pkcs8;
pub mod read;
mod receive;
pub mod roles;
pub mod spki;
mod usage;

pub use attr::Attr;
pub use attributes::{bounds, flat_arrays};
pub use change::{changed, copied};
pub use index::Index;
pub(crate) use make::unique_id;
pub use make::{Maker, create, generated, generated_pair, wanted, wanted_pair};
pub use material::{Material, SecretKey};
pub use pkcs8::private_key_info;
pub use receive::{Origin, Unwrapping, derived, unwrapped, wanted_derived};
pub use roles::{Role, Roles, identity};
pub(crate) use usage::can;

macro_rules! numbers {
    ($(#[$doc:meta])* $name:ident $prefix:literal { $($value_name:ident = $value:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        #[allow(missing_docs)]
        impl $name {
            $(pub const $value_name: Self = Self($value);)*

            /// The standard's name without its prefix.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($value_name)),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => write!(f, concat!($prefix, "{}"), name),
                    None => write!(f, concat!($prefix, "{:#x}"), self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

numbers! {
    /// `CK_OBJECT_CLASS`
    Class "CKO_" {
        DATA = 0x0;
        CERTIFICATE = 0x1;
        PUBLIC_KEY = 0x2;
        PRIVATE_KEY = 0x3;
        SECRET_KEY = 0x4;
        HW_FEATURE = 0x5;
        DOMAIN_PARAMETERS = 0x6;
        MECHANISM = 0x7;
        OTP_KEY = 0x8;
        PROFILE = 0x9;
    }
}

numbers! {
    /// `CK_KEY_TYPE`
    KeyType "CKK_" {
        RSA = 0x0;
        DSA = 0x1;
        DH = 0x2;
        EC = 0x3;
        GENERIC_SECRET = 0x10;
        DES3 = 0x15;
        AES = 0x1f;
        SHA_1_HMAC = 0x28;
        SHA256_HMAC = 0x2b;
        SHA384_HMAC = 0x2c;
        SHA512_HMAC = 0x2d;
        SHA224_HMAC = 0x2e;
        SHA3_224_HMAC = 0x36;
        SHA3_256_HMAC = 0x37;
        SHA3_384_HMAC = 0x38;
        SHA3_512_HMAC = 0x39;
        EC_EDWARDS = 0x40;
        EC_MONTGOMERY = 0x41;
        HKDF = 0x42;
        SHA512_224_HMAC = 0x43;
        SHA512_256_HMAC = 0x44;
        AES_XTS = 0x35;
        SM2 = 0xc34c5601; // the standard has none: `mechanism/sm2.rs`
        SM4 = 0xc34c5602;
        SM3_HMAC = 0xc34c5603;
    }
}

/// The bytes of an attribute. Most have eight or one: those are held in place.
pub type Bytes = SmallVec<[u8; 16]>;

/// The value of one attribute.
#[derive(Debug, PartialEq)]
pub enum AttributeValue {
    /// Bytes anyone who sees the object may read, in the caller's form (`CK_ULONG` as eight bytes, little-endian).
    Plain(Bytes),
    /// A part of a key that a sensitive key never gives out (`CKA_VALUE`, `CKA_PRIVATE_EXPONENT`, …).
    Secret(Secret),
    /// A template (`CKA_WRAP_TEMPLATE`).
    Template(Vec<(Attr, Vec<u8>)>),
}

impl AttributeValue {
    /// A copy; of a secret as well, which is why this is not `Clone`.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Plain(bytes) => Self::Plain(bytes.clone()),
            Self::Secret(secret) => Self::Secret(secret.duplicate()),
            Self::Template(template) => Self::Template(template.clone()),
        }
    }
}

/// Attributes by type. There are some thirty, of a million keys: they lie in one piece, in ascending order.
#[derive(Debug, Default, PartialEq)]
pub struct AttributeMap(Vec<(Attr, AttributeValue)>);

impl AttributeMap {
    /// No attributes.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Where the attribute is, or else would be.
    fn place(&self, attribute: Attr) -> Result<usize, usize> {
        self.0.binary_search_by_key(&attribute, |(own, _)| *own)
    }

    /// The attribute's value, if it is there.
    #[must_use]
    pub fn get(&self, attribute: Attr) -> Option<&AttributeValue> {
        let place = self.place(attribute).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// Sets an attribute, and gives back what it was.
    pub fn set(&mut self, attribute: Attr, value: AttributeValue) -> Option<AttributeValue> {
        match self.place(attribute) {
            Ok(place) => self.0.get_mut(place).map(|(_, own)| std::mem::replace(own, value)),
            Err(place) => {
                self.0.insert(place, (attribute, value));
                None
            }
        }
    }

    /// Sets bytes that are no secret.
    pub fn set_plain(&mut self, attribute: Attr, bytes: impl AsRef<[u8]>) {
        self.set(attribute, AttributeValue::Plain(bytes.as_ref().into()));
    }

    /// Sets a secret.
    pub fn set_secret(&mut self, attribute: Attr, secret: Secret) {
        self.set(attribute, AttributeValue::Secret(secret));
    }

    /// Sets a `CK_BBOOL`.
    pub fn set_flag(&mut self, attribute: Attr, flag: bool) {
        self.set_plain(attribute, [u8::from(flag)]);
    }

    /// Sets a `CK_ULONG`.
    pub fn set_ulong(&mut self, attribute: Attr, number: u64) {
        self.set_plain(attribute, number.to_le_bytes());
    }

    /// Takes an attribute out.
    pub fn remove(&mut self, attribute: Attr) -> Option<AttributeValue> {
        self.place(attribute).ok().map(|place| self.0.remove(place).1)
    }

    /// The bytes of an attribute that is no secret and no template.
    #[must_use]
    pub fn plain(&self, attribute: Attr) -> Option<&[u8]> {
        match self.get(attribute) {
            Some(AttributeValue::Plain(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// The bytes of an attribute that is a secret. Only [`Material`] and the two ways a value may leave
    /// (`C_GetAttributeValue` of what is not sensitive, and the policy's `wrap`) have cause to ask.
    pub(crate) fn secret(&self, attribute: Attr) -> Option<&Secret> {
        match self.get(attribute) {
            Some(AttributeValue::Secret(secret)) => Some(secret),
            _ => None,
        }
    }

    /// A `CK_BBOOL`; one that is not there is false.
    #[must_use]
    pub fn flag(&self, attribute: Attr) -> bool {
        self.plain(attribute).is_some_and(|bytes| bytes.first().is_some_and(|byte| *byte != 0))
    }

    /// A `CK_ULONG`, if it is there and has eight bytes.
    #[must_use]
    pub fn ulong(&self, attribute: Attr) -> Option<u64> {
        self.plain(attribute)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// All, in the order of their types.
    pub fn iter(&self) -> impl Iterator<Item = (Attr, &AttributeValue)> {
        self.0.iter().map(|(attribute, value)| (*attribute, value))
    }

    /// A copy, secrets as well.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.iter().map(|(attribute, value)| (*attribute, value.duplicate())).collect())
    }
}

impl FromIterator<(Attr, AttributeValue)> for AttributeMap {
    /// Of several values of one attribute, the last holds.
    fn from_iter<T: IntoIterator<Item = (Attr, AttributeValue)>>(items: T) -> Self {
        let items = items.into_iter();
        let mut attributes = Self(Vec::with_capacity(items.size_hint().0));
        for (attribute, value) in items {
            attributes.set(attribute, value);
        }
        attributes
    }
}

impl IntoIterator for AttributeMap {
    type Item = (Attr, AttributeValue);
    type IntoIter = std::vec::IntoIter<(Attr, AttributeValue)>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// An object as it stands: a change makes a new one in its place.
#[derive(Debug)]
pub struct Object {
    /// Its number in the partition: never used again, of session objects neither.
    pub number: u64,
    attributes: AttributeMap,
    roles: Arc<Roles>,
    material: OnceLock<Arc<Material>>,
}

impl Object {
    /// An object of these attributes, which the rules have made complete. It shares what its key has been used
    /// for with nothing else; see [`Object::with_roles`].
    #[must_use]
    pub fn new(number: u64, attributes: AttributeMap, profile: Profile) -> Self {
        let roles = Arc::new(Roles::new(0, profile));
        Self::with_roles(number, attributes, roles)
    }

    /// An object whose key has been used as `roles` say, and as its own attributes remember.
    #[must_use]
    pub fn with_roles(number: u64, mut attributes: AttributeMap, roles: Arc<Roles>) -> Self {
        attributes.0.shrink_to_fit(); // it stays
        if let Some(used) = attributes.ulong(Attr::ROLES_USED) {
            roles.merge(u32::try_from(used).unwrap_or(u32::MAX));
        }
        Self { number, attributes, roles, material: OnceLock::new() }
    }

    /// The object that takes the place of this one, with attributes that [`changed`] made: the same key.
    #[must_use]
    pub fn successor(&self, attributes: AttributeMap) -> Self {
        let object = Self::with_roles(self.number, attributes, Arc::clone(&self.roles));
        match self.material.get() {
            Some(material) => Self { material: OnceLock::from(Arc::clone(material)), ..object },
            None => object,
        }
    }

    /// Its attributes, as they are stored.
    #[must_use]
    pub const fn attributes(&self) -> &AttributeMap {
        &self.attributes
    }

    /// The attributes with what the key has been used for by now, to be stored.
    #[must_use]
    pub fn attributes_to_store(&self) -> AttributeMap {
        let mut attributes = self.attributes.duplicate();
        if self.roles.used() != 0 {
            attributes.set_ulong(Attr::ROLES_USED, self.roles.used().into());
        }
        attributes
    }

    /// What the key has been used for.
    #[must_use]
    pub const fn roles(&self) -> &Arc<Roles> {
        &self.roles
    }

    /// `CKA_CLASS`
    #[must_use]
    pub fn class(&self) -> Class {
        Class(self.attributes.ulong(Attr::CLASS).unwrap_or(u64::MAX))
    }

    /// `CKA_KEY_TYPE`, of a key.
    #[must_use]
    pub fn key_type(&self) -> Option<KeyType> {
        self.attributes.ulong(Attr::KEY_TYPE).map(KeyType)
    }

    /// The key type or certificate type.
    fn kind(&self) -> Option<u64> {
        let attribute = match self.class() {
            Class::CERTIFICATE => Attr::CERTIFICATE_TYPE,
            _ => Attr::KEY_TYPE,
        };
        self.attributes.ulong(attribute)
    }

    /// A `CK_BBOOL` attribute; one that is not there is false, and so is a usage that what the key has been used
    /// for excludes.
    #[must_use]
    pub fn flag(&self, attribute: Attr) -> bool {
        let excluded = |role| self.roles.conflict(role).is_some();
        self.attributes.flag(attribute) && !Role::of(attribute, self.class()).is_some_and(excluded)
    }

    /// `CKA_UNIQUE_ID`
    #[must_use]
    pub fn unique_id(&self) -> &str {
        self.attributes.plain(Attr::UNIQUE_ID).and_then(|id| std::str::from_utf8(id).ok()).unwrap_or("")
    }

    /// The key the object holds, made ready for use once. Only the policy point calls this.
    ///
    /// # Errors
    /// `KeyTypeInconsistent` if the object holds no key that can be used.
    pub(crate) fn material(&self) -> Result<&Arc<Material>, Error> {
        if let Some(material) = self.material.get() {
            return Ok(material);
        }
        let material = Arc::new(Material::of(&self.attributes)?);
        Ok(self.material.get_or_init(|| material))
    }
}

#[cfg(test)]
mod tests;
