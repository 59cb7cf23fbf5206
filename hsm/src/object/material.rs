//! A key made ready for use: the attributes of a key object, checked and turned into the library's form.

use std::sync::OnceLock;

use crypto::aead::GcmKey;
use crypto::{Secret, ec, ed25519, rsa, x25519};

use super::{Attr, AttributeMap, Class, KeyType};
use crate::error::Error;

/// A key ready for use. It is shared by the operations that use it and never copied.
pub enum Material {
    /// An RSA private key.
    Rsa(rsa::PrivateKey),
    /// An RSA public key.
    RsaPublic(rsa::PublicKey),
    /// A private key on a curve in Weierstrass form.
    Ec(ec::PrivateKey),
    /// A public key on such a curve.
    EcPublic(ec::PublicKey),
    /// An Ed25519 private key.
    Ed25519(ed25519::PrivateKey),
    /// An Ed25519 public key.
    Ed25519Public(ed25519::PublicKey),
    /// An X25519 private key.
    X25519(x25519::PrivateKey),
    /// An X25519 public key.
    X25519Public(x25519::PublicKey),
    /// A secret key of any type.
    Secret(SecretKey),
}

/// The bytes of a secret key, and what has been prepared from them.
pub struct SecretKey {
    bytes: Secret,
    gcm: OnceLock<GcmKey>,
}

impl SecretKey {
    /// A secret key of these bytes.
    #[must_use]
    pub const fn new(bytes: Secret) -> Self {
        Self { bytes, gcm: OnceLock::new() }
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Secret {
        &self.bytes
    }

    /// The key prepared for AES-GCM, once for all operations.
    ///
    /// # Errors
    /// `InvalidKey` if it has no length of AES.
    pub fn gcm(&self) -> Result<&GcmKey, Error> {
        if let Some(key) = self.gcm.get() {
            return Ok(key);
        }
        let key = GcmKey::new(&crypto::aes::Key::new(self.bytes.as_bytes())?)?;
        Ok(self.gcm.get_or_init(|| key))
    }
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rsa(_) => "Rsa(..)",
            Self::RsaPublic(_) => "RsaPublic(..)",
            Self::Ec(_) => "Ec(..)",
            Self::EcPublic(_) => "EcPublic(..)",
            Self::Ed25519(_) => "Ed25519(..)",
            Self::Ed25519Public(_) => "Ed25519Public(..)",
            Self::X25519(_) => "X25519(..)",
            Self::X25519Public(_) => "X25519Public(..)",
            Self::Secret(_) => "Secret(..)",
        })
    }
}

impl Material {
    /// The key that these attributes hold, checked.
    ///
    /// # Errors
    /// `KeyTypeInconsistent` if they hold none; `AttributeValueInvalid`, `DomainParamsInvalid` and their like
    /// if it is not a valid key.
    pub fn of(attributes: &AttributeMap) -> Result<Self, Error> {
        let class = attributes.ulong(Attr::CLASS).map(Class);
        let key_type = attributes.ulong(Attr::KEY_TYPE).map(KeyType);
        let _ = (class, key_type);
        Err(Error::KeyTypeInconsistent("a call that needs a key"))
    }
}
