//! Bytes as hexadecimal digits, as fields of requests and answers have them.

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

/// Bytes that are hexadecimal digits on the wire, and wiped when they are not needed any more.
pub(crate) struct Hex(pub(crate) Zeroizing<Vec<u8>>);

impl Hex {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
        Ok(Self(Zeroizing::new(bytes.map_err(|_| de::Error::custom("expected hexadecimal digits"))?)))
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Zeroizing::new(HEXLOWER.encode(&self.0)))
    }
}
