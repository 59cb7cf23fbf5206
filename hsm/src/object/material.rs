//! A key made ready for use: the attributes of a key object, checked and turned into the library's form.

use std::sync::OnceLock;

use crypto::aead::GcmKey;
use crypto::{Secret, dh, dsa, ec, ed25519, rsa, sm2, x25519};

use super::attributes::key::SECRET_MAX;
use super::{Attr, AttributeMap, Class, KeyType, der};
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
    /// An SM2 private key.
    Sm2(sm2::PrivateKey),
    /// An SM2 public key.
    Sm2Public(sm2::PublicKey),
    /// An Ed25519 private key.
    Ed25519(ed25519::PrivateKey),
    /// An Ed25519 public key.
    Ed25519Public(ed25519::PublicKey),
    /// An X25519 private key.
    X25519(x25519::PrivateKey),
    /// An X25519 public key.
    X25519Public(x25519::PublicKey),
    /// A DSA private key.
    Dsa(dsa::PrivateKey),
    /// A DSA public key.
    DsaPublic(dsa::PublicKey),
    /// A Diffie–Hellman private key.
    Dh(dh::PrivateKey),
    /// A Diffie–Hellman public key.
    DhPublic(dh::PublicKey),
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
            Self::Sm2(_) => "Sm2(..)",
            Self::Sm2Public(_) => "Sm2Public(..)",
            Self::Ed25519(_) => "Ed25519(..)",
            Self::Ed25519Public(_) => "Ed25519Public(..)",
            Self::X25519(_) => "X25519(..)",
            Self::X25519Public(_) => "X25519Public(..)",
            Self::Dsa(_) => "Dsa(..)",
            Self::DsaPublic(_) => "DsaPublic(..)",
            Self::Dh(_) => "Dh(..)",
            Self::DhPublic(_) => "DhPublic(..)",
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
        match (class, key_type) {
            (Some(Class::PUBLIC_KEY), Some(KeyType::RSA)) => rsa_public(attributes).map(Self::RsaPublic),
            (Some(Class::PRIVATE_KEY), Some(KeyType::RSA)) => rsa_private(attributes).map(Self::Rsa),
            (Some(Class::PUBLIC_KEY), Some(KeyType::EC)) => ec_public(attributes).map(Self::EcPublic),
            (Some(Class::PRIVATE_KEY), Some(KeyType::EC)) => ec_private(attributes).map(Self::Ec),
            (Some(Class::PUBLIC_KEY), Some(KeyType::SM2)) => sm2_public(attributes).map(Self::Sm2Public),
            (Some(Class::PRIVATE_KEY), Some(KeyType::SM2)) => sm2_private(attributes).map(Self::Sm2),
            (Some(Class::PUBLIC_KEY), Some(key_type @ (KeyType::EC_EDWARDS | KeyType::EC_MONTGOMERY))) => {
                curve25519_public(attributes, key_type)
            }
            (Some(Class::PRIVATE_KEY), Some(key_type @ (KeyType::EC_EDWARDS | KeyType::EC_MONTGOMERY))) => {
                curve25519_private(attributes, key_type)
            }
            (Some(Class::PUBLIC_KEY), Some(KeyType::DSA)) => dsa_public(attributes).map(Self::DsaPublic),
            (Some(Class::PRIVATE_KEY), Some(KeyType::DSA)) => dsa_private(attributes).map(Self::Dsa),
            (Some(Class::PUBLIC_KEY), Some(KeyType::DH)) => dh_public(attributes).map(Self::DhPublic),
            (Some(Class::PRIVATE_KEY), Some(KeyType::DH)) => dh_private(attributes).map(Self::Dh),
            (Some(Class::SECRET_KEY), Some(key_type)) => secret_key(attributes, key_type).map(Self::Secret),
            _ => Err(Error::KeyTypeInconsistent("a call that needs a key")),
        }
    }
}

fn plain(attributes: &AttributeMap, attribute: Attr) -> Result<&[u8], Error> {
    attributes.plain(attribute).ok_or(Error::TemplateIncomplete(attribute))
}

fn secret(attributes: &AttributeMap, attribute: Attr) -> Result<&[u8], Error> {
    attributes.secret(attribute).map(Secret::as_bytes).ok_or(Error::TemplateIncomplete(attribute))
}

/// What the library says of a key that is not valid, as the fault of an attribute.
fn fault(attribute: Attr) -> impl Fn(crypto::Error) -> Error {
    move |error| match error {
        crypto::Error::Failed(_) => Error::Crypto(error),
        _ => Error::AttributeValueInvalid { attribute, reason: error.to_string() },
    }
}

fn rsa_public(attributes: &AttributeMap) -> Result<rsa::PublicKey, Error> {
    let (n, e) = (plain(attributes, Attr::MODULUS)?, plain(attributes, Attr::PUBLIC_EXPONENT)?);
    rsa::PublicKey::from_parts(n, e).map_err(fault(Attr::MODULUS))
}

fn rsa_private(attributes: &AttributeMap) -> Result<rsa::PrivateKey, Error> {
    let part = |attribute| attributes.secret(attribute).map(Secret::as_bytes).filter(|part| !part.is_empty());
    let import = rsa::Import {
        n: plain(attributes, Attr::MODULUS)?,
        e: plain(attributes, Attr::PUBLIC_EXPONENT)?,
        d: secret(attributes, Attr::PRIVATE_EXPONENT)?,
        p: part(Attr::PRIME_1),
        q: part(Attr::PRIME_2),
        dp: part(Attr::EXPONENT_1),
        dq: part(Attr::EXPONENT_2),
        qinv: part(Attr::COEFFICIENT),
    };
    rsa::PrivateKey::from_parts(&import).map_err(fault(Attr::PRIVATE_EXPONENT))
}

fn ec_public(attributes: &AttributeMap) -> Result<ec::PublicKey, Error> {
    let curve = der::curve(plain(attributes, Attr::EC_PARAMS)?)?;
    let field = curve.field_len();
    let is_raw_len = |len| len == 1 + field || len == 1 + 2 * field;
    let point = der::point(plain(attributes, Attr::EC_POINT)?, is_raw_len);
    ec::PublicKey::from_point(curve, point).map_err(fault(Attr::EC_POINT))
}

fn ec_private(attributes: &AttributeMap) -> Result<ec::PrivateKey, Error> {
    let curve = der::curve(plain(attributes, Attr::EC_PARAMS)?)?;
    ec::PrivateKey::from_scalar(curve, secret(attributes, Attr::VALUE)?).map_err(fault(Attr::VALUE))
}

fn sm2_public(attributes: &AttributeMap) -> Result<sm2::PublicKey, Error> {
    der::check_sm2(attributes.plain(Attr::EC_PARAMS))?;
    let is_raw_len = |len| len == 1 + sm2::FIELD || len == 1 + 2 * sm2::FIELD;
    let point = der::point(plain(attributes, Attr::EC_POINT)?, is_raw_len);
    sm2::PublicKey::from_point(point).map_err(fault(Attr::EC_POINT))
}

fn sm2_private(attributes: &AttributeMap) -> Result<sm2::PrivateKey, Error> {
    der::check_sm2(attributes.plain(Attr::EC_PARAMS))?;
    sm2::PrivateKey::from_scalar(secret(attributes, Attr::VALUE)?).map_err(fault(Attr::VALUE))
}

fn curve25519_public(attributes: &AttributeMap, key_type: KeyType) -> Result<Material, Error> {
    der::check_curve25519(key_type, plain(attributes, Attr::EC_PARAMS)?)?;
    let point = der::point(plain(attributes, Attr::EC_POINT)?, |len| len == x25519::KEY);
    let fault = fault(Attr::EC_POINT);
    if key_type == KeyType::EC_EDWARDS {
        return ed25519::PublicKey::from_bytes(point).map(Material::Ed25519Public).map_err(fault);
    }
    let key = x25519::PublicKey::from_bytes(point).map_err(&fault)?;
    // With a point of small order, an agreement gives the same for every private key.
    x25519::PrivateKey::generate()?.agree(&key).map_err(&fault)?;
    Ok(Material::X25519Public(key))
}

fn curve25519_private(attributes: &AttributeMap, key_type: KeyType) -> Result<Material, Error> {
    der::check_curve25519(key_type, plain(attributes, Attr::EC_PARAMS)?)?;
    let value = secret(attributes, Attr::VALUE)?;
    let fault = fault(Attr::VALUE);
    if key_type == KeyType::EC_EDWARDS {
        ed25519::PrivateKey::from_seed(value).map(Material::Ed25519).map_err(fault)
    } else {
        x25519::PrivateKey::from_bytes(value).map(Material::X25519).map_err(fault)
    }
}

/// DSA's domain parameters, checked.
///
/// # Errors
/// `TemplateIncomplete` if a part is not there; `AttributeValueInvalid` if they make no group.
pub(crate) fn dsa_parameters(attributes: &AttributeMap) -> Result<dsa::Parameters, Error> {
    let [p, q, g] = [Attr::PRIME, Attr::SUBPRIME, Attr::BASE].map(|part| plain(attributes, part));
    dsa::Parameters::new(p?, q?, g?).map_err(fault(Attr::PRIME))
}

fn dsa_public(attributes: &AttributeMap) -> Result<dsa::PublicKey, Error> {
    let parameters = dsa_parameters(attributes)?;
    dsa::PublicKey::from_value(parameters, plain(attributes, Attr::VALUE)?).map_err(fault(Attr::VALUE))
}

fn dsa_private(attributes: &AttributeMap) -> Result<dsa::PrivateKey, Error> {
    let parameters = dsa_parameters(attributes)?;
    dsa::PrivateKey::from_value(parameters, secret(attributes, Attr::VALUE)?).map_err(fault(Attr::VALUE))
}

/// A Diffie–Hellman group, checked.
///
/// # Errors
/// As [`dsa_parameters`].
pub(crate) fn dh_group(attributes: &AttributeMap) -> Result<dh::Group, Error> {
    let (p, g) = (plain(attributes, Attr::PRIME)?, plain(attributes, Attr::BASE)?);
    dh::Group::new(p, g).map_err(fault(Attr::PRIME))
}

fn dh_public(attributes: &AttributeMap) -> Result<dh::PublicKey, Error> {
    let group = dh_group(attributes)?;
    dh::PublicKey::from_value(group, plain(attributes, Attr::VALUE)?).map_err(fault(Attr::VALUE))
}

fn dh_private(attributes: &AttributeMap) -> Result<dh::PrivateKey, Error> {
    let group = dh_group(attributes)?;
    dh::PrivateKey::from_value(group, secret(attributes, Attr::VALUE)?).map_err(fault(Attr::VALUE))
}

fn secret_key(attributes: &AttributeMap, key_type: KeyType) -> Result<SecretKey, Error> {
    let value = attributes.secret(Attr::VALUE).ok_or(Error::TemplateIncomplete(Attr::VALUE))?;
    let (legal, expected) = match key_type {
        KeyType::AES => (matches!(value.len(), 16 | 24 | 32), "an AES key has 16, 24 or 32 bytes"),
        KeyType::SM4 => (value.len() == crypto::sm4::BLOCK, "an SM4 key has 16 bytes"),
        KeyType::AES_XTS => {
            let (first, second) = value.as_bytes().split_at(value.len() / 2);
            let legal = value.len() == crypto::aes::XTS_KEY && !crypto::equal(first, second);
            (legal, "an XTS key has two different halves of 32 bytes")
        }
        _ => ((1..=SECRET_MAX as usize).contains(&value.len()), "a secret key has 1 to 4096 bytes"),
    };
    if !legal {
        return Err(Error::AttributeValueInvalid { attribute: Attr::VALUE, reason: expected.into() });
    }
    Ok(SecretKey::new(value.duplicate()))
}
