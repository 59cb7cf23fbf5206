//! What things of the directory are called: ids that are random and given once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is no id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no id")]
pub struct NoId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        /// 32 hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl FromStr for $name {
            type Err = NoId;
            fn from_str(text: &str) -> Result<Self, NoId> {
                hex(text).map(Self).ok_or(NoId)
            }
        }

        impl From<[u8; 16]> for $name {
            fn from(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }
    )*};
}

ids! {
    /// An account, which the interface calls a domain.
    AccountId
    /// A project.
    ProjectId
    /// A user.
    UserId
    /// A group.
    GroupId
    /// A policy that can be given, which the interface calls a role.
    RoleId
    /// An agency.
    AgencyId
    /// A unit of the organization.
    UnitId
    /// A tag policy.
    TagPolicyId
}

/// 16 bytes from 32 hexadecimal digits, small ones, as they are given out.
fn hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let decoder = &data_encoding::HEXLOWER;
    (decoder.decode_len(text.len()).ok()? == bytes.len()).then_some(())?;
    decoder.decode_mut(text.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

/// An enterprise project: a UUID (RFC 9562), or the default one, which each account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EnterpriseProjectId(pub [u8; 16]);

impl EnterpriseProjectId {
    /// The one that everything is in which is in no other.
    pub const DEFAULT: Self = Self([0; 16]);

    /// A random one, of version 4.
    #[must_use]
    pub const fn from_random(mut bytes: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, seven, ..] = &mut bytes;
        *seven = 0x40 | (*seven & 0x0f);
        let [_, _, _, _, _, _, _, _, nine, ..] = &mut bytes;
        *nine = 0x80 | (*nine & 0x3f);
        Self(bytes)
    }
}

/// `0`, or 32 hexadecimal digits in five groups.
impl fmt::Display for EnterpriseProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::DEFAULT {
            return f.write_str("0");
        }
        for (place, byte) in self.0.iter().enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl FromStr for EnterpriseProjectId {
    type Err = NoId;
    fn from_str(text: &str) -> Result<Self, NoId> {
        if text == "0" {
            return Ok(Self::DEFAULT);
        }
        let digits: String = text.split('-').collect();
        let id = hex(&digits).map(Self).ok_or(NoId)?;
        if id != Self::DEFAULT && id.to_string() == text { Ok(id) } else { Err(NoId) }
    }
}

/// The characters of access keys.
const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The public half of an access key: 20 capital letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccessKeyId([u8; 20]);

impl AccessKeyId {
    /// How those begin that stay.
    const PERMANENT: &[u8; 4] = b"HPUA";
    /// How those begin that come with a security token.
    const TEMPORARY: &[u8; 4] = b"HSTA";

    /// A random one that stays.
    #[must_use]
    pub fn permanent(random: [u8; 16]) -> Self {
        Self::with(Self::PERMANENT, random)
    }

    /// A random one for a security token.
    #[must_use]
    pub fn temporary(random: [u8; 16]) -> Self {
        Self::with(Self::TEMPORARY, random)
    }

    /// Sixteen letters from as many bytes: 82 bits of them.
    fn with(beginning: &[u8; 4], random: [u8; 16]) -> Self {
        let mut number = u128::from_le_bytes(random);
        let mut text = [0; 20];
        let (head, tail) = text.split_at_mut(4);
        head.copy_from_slice(beginning);
        for place in tail {
            let letter = usize::try_from(number % 36).unwrap_or_default();
            *place = LETTERS.get(letter).copied().unwrap_or(b'A');
            number /= 36;
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AccessKeyId {
    type Err = NoId;
    fn from_str(text: &str) -> Result<Self, NoId> {
        let bytes: [u8; 20] = text.as_bytes().try_into().map_err(|_| NoId)?;
        if bytes.iter().all(|byte| LETTERS.contains(byte)) { Ok(Self(bytes)) } else { Err(NoId) }
    }
}

/// The secret half of an access key: 40 letters and digits.
///
/// The bytes are random, two for each letter, so that no letter is likelier than another by more than a thousandth.
pub(super) fn secret_key(random: &[u8]) -> crypto::Secret {
    const ALL: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |bytes: &[u8]| {
        let number = bytes.iter().fold(0_usize, |number, byte| (number << 8) | usize::from(*byte));
        ALL.get(number % ALL.len()).copied().unwrap_or(b'A')
    };
    crypto::Secret::new(random.chunks_exact(2).take(SECRET_KEY).map(letter).collect())
}

/// The length of a secret key.
pub(super) const SECRET_KEY: usize = 40;
/// How many random bytes one takes.
pub(super) const SECRET_KEY_RANDOM: usize = 2 * SECRET_KEY;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_is_written_and_in_no_other_way(bytes: [u8; 16]) {
            let text = UserId(bytes).to_string();
            prop_assert_eq!(text.parse(), Ok(UserId(bytes)));
            prop_assert!(text.len() == 32);
            let capital = text.to_uppercase();
            prop_assert_eq!(capital.parse::<UserId>().is_ok(), capital == text);
            let uuid = EnterpriseProjectId::from_random(bytes);
            prop_assert_eq!(uuid.to_string().parse(), Ok(uuid));
            prop_assert_eq!(uuid.to_string().as_bytes()[14], b'4');
        }

        #[test]
        fn an_access_key_has_twenty_capital_letters_and_digits_and_a_secret_one_forty(bytes: [u8; 16], more in any::<[u8; 32]>()) {
            let key = AccessKeyId::permanent(bytes);
            prop_assert_eq!(key.as_str().parse(), Ok(key));
            prop_assert_ne!(key, AccessKeyId::temporary(bytes));
            let random: Vec<u8> = more.iter().copied().cycle().take(SECRET_KEY_RANDOM).collect();
            let secret = secret_key(&random);
            prop_assert_eq!(secret.len(), 40);
            prop_assert!(secret.as_bytes().iter().all(u8::is_ascii_alphanumeric));
        }
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", "users", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &"é".repeat(16)] {
            assert_eq!(text.parse::<ProjectId>(), Err(NoId), "{text}");
        }
        for text in ["", "00", "00000000-0000-0000-0000-000000000000", &"a".repeat(32)] {
            assert_eq!(text.parse::<EnterpriseProjectId>(), Err(NoId), "{text}");
        }
        assert_eq!("0".parse(), Ok(EnterpriseProjectId::DEFAULT));
        for text in [
            "",
            "HPUA0000000000000000 ",
            "hpua0000000000000000",
            "HPUA000000000000000",
            "HPUA000000000000é00",
        ] {
            assert_eq!(text.parse::<AccessKeyId>(), Err(NoId), "{text}");
        }
    }
}
