//! What tells a key from all others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::KmsError;

/// A key's id: a UUID. Where its project's keys are can be told from it and from nothing else, so that a key is
/// found without an index of all keys; to others it is random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KeyId(pub [u8; 16]);

impl KeyId {
    /// An id of a key of the project that is known by this number.
    #[must_use]
    pub fn new(home: u32, random: [u8; 16]) -> Self {
        let mut id = random;
        let mask = mask(&id);
        for ((to, home), mask) in id.iter_mut().zip(home.to_be_bytes()).zip(mask) {
            *to = home ^ mask;
        }
        Self(id)
    }

    /// The number of its project.
    #[must_use]
    pub fn home(self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d]) ^ u32::from_be_bytes(mask(&self.0))
    }
}

/// Four bytes that the last twelve of an id decide: mixed so that ids of one project do not look alike.
fn mask(id: &[u8; 16]) -> [u8; 4] {
    let [_, _, _, _, rest @ ..] = id;
    let mixed =
        rest.iter().fold(0x811c_9dc5_u32, |mixed, byte| (mixed ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d).to_be_bytes()
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = KmsError;
    fn from_str(text: &str) -> Result<Self, KmsError> {
        let mut id = [0; 16];
        let digits = text.bytes().filter(|byte| *byte != b'-');
        let mut digits = digits.map(|digit| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        });
        for byte in &mut id {
            let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
                return Err(KmsError::BadKeyId);
            };
            *byte = high << 4 | low;
        }
        let id = Self(id);
        if id.to_string() == text { Ok(id) } else { Err(KmsError::BadKeyId) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_tells_its_project_and_comes_back_from_its_text(home: u32, random: [u8; 16]) {
            let id = KeyId::new(home, random);
            prop_assert_eq!(id.home(), home);
            prop_assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        }

        #[test]
        fn no_other_text_is_an_id(text in "[0-9a-f-]{0,40}") {
            if let Ok(id) = text.parse::<KeyId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
