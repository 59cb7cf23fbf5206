//! How large and how strong a key is.

use super::{Attr, Class, KeyType, Object, der};

impl Object {
    /// `CKA_TOKEN`
    #[must_use]
    pub fn is_token(&self) -> bool {
        self.attributes.flag(Attr::TOKEN)
    }

    /// `CKA_PRIVATE`
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.attributes.flag(Attr::PRIVATE)
    }

    /// Whether the key was made here and its value never was anywhere else.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_made_here() && self.flag(Attr::ALWAYS_SENSITIVE) && self.flag(Attr::NEVER_EXTRACTABLE)
    }

    /// Whether the key was made here. `CKA_LOCAL` alone does not say so: of a key that came from elsewhere it
    /// says that it was made there.
    #[must_use]
    pub fn is_made_here(&self) -> bool {
        self.flag(Attr::LOCAL) && !self.flag(Attr::IMPORTED)
    }

    /// A key's size in the unit of its mechanisms: bits of an RSA key, a prime or a curve, bytes of a secret key.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        match (self.class(), self.key_type()?) {
            (Class::SECRET_KEY, _) => Some(self.attributes.secret(Attr::VALUE)?.len() as u64),
            (_, KeyType::RSA) => Some(bits(self.attributes.plain(Attr::MODULUS)?)),
            (_, KeyType::EC) => {
                der::curve(self.attributes.plain(Attr::EC_PARAMS)?).ok().map(|curve| curve.bits() as u64)
            }
            (_, KeyType::SM2) => Some(256),
            (_, KeyType::DSA | KeyType::DH) => Some(bits(self.attributes.plain(Attr::PRIME)?)),
            (_, KeyType::EC_EDWARDS | KeyType::EC_MONTGOMERY) => Some(255),
            _ => None,
        }
    }

    /// A key's strength in bits (NIST SP 800-57 part 1, "Comparable algorithm strengths").
    #[must_use]
    pub fn strength(&self) -> u64 {
        let size = self.size().unwrap_or(0);
        match self.key_type() {
            Some(KeyType::RSA | KeyType::DH) => modular(size),
            Some(KeyType::DSA) => {
                modular(size).min(bits(self.attributes.plain(Attr::SUBPRIME).unwrap_or(&[])) / 2)
            }
            Some(KeyType::EC | KeyType::EC_EDWARDS | KeyType::EC_MONTGOMERY | KeyType::SM2) => match size {
                512.. => 256,
                384.. => 192,
                255.. => 128,
                224.. => 112,
                _ => 0,
            },
            // An XTS key is two keys.
            Some(KeyType::AES_XTS) => size * 4,
            // No more is asked of a secret than the strongest wrapping key has.
            Some(_) => (size * 8).min(256),
            None => 0,
        }
    }

    /// Whether a key fits this wrapping key's `CKA_WRAP_TEMPLATE`: has every attribute of it, with its value.
    #[must_use]
    pub fn wrap_template_fits(&self, key: &Self) -> bool {
        let Some(super::AttributeValue::Template(template)) = self.attributes.get(Attr::WRAP_TEMPLATE) else {
            return true;
        };
        template.iter().all(|(attribute, value)| super::index::has_bytes(key, *attribute, value))
    }
}

/// The strength of numbers modulo one of so many bits.
const fn modular(bits: u64) -> u64 {
    match bits {
        15360.. => 256,
        7680.. => 192,
        3072.. => 128,
        2048.. => 112,
        1024.. => 80,
        _ => 0,
    }
}

fn bits(number: &[u8]) -> u64 {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros());
    (number.len() - zeros) as u64 * 8 - u64::from(first)
}
