//! Bytes as Base64, as fields of requests and answers have them.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

/// Bytes that are Base64 (RFC 4648, with padding) on the wire, and wiped when they are not needed any more.
pub(crate) struct Base64(pub(crate) Zeroizing<Vec<u8>>);

impl Base64 {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(from)?);
        let bytes =
            BASE64.decode(text.as_bytes()).map_err(|_| de::Error::custom("expected Base64 with padding"))?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&Zeroizing::new(BASE64.encode(&self.0)))
    }
}
