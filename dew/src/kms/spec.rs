//! The types of keys: one row each, with what the HSM makes of it and what it may be used for.

use serde::{Deserialize, Serialize};
use wire::{Attribute, List, Mechanism, MechanismId, Params, Template, template};

use super::error::{KmsError, Result};
use hsm::object::{Attr, Class, KeyType};

/// What a key is for. It never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Usage {
    /// To encrypt and decrypt data and data keys.
    EncryptDecrypt,
    /// To sign and verify.
    SignVerify,
    /// To make and verify MACs.
    Mac,
}

impl Usage {
    /// Every usage.
    pub const ALL: [Self; 3] = [Self::EncryptDecrypt, Self::SignVerify, Self::Mac];

    /// As the interface writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EncryptDecrypt => "ENCRYPT_DECRYPT",
            Self::SignVerify => "SIGN_VERIFY",
            Self::Mac => "GENERATE_VERIFY_MAC",
        }
    }

    /// The usage that the interface writes so.
    ///
    /// # Errors
    /// `Field`
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|usage| usage.name() == name).ok_or_else(|| {
            KmsError::Field(format!(
                "key_usage {name:?} is unknown: expected ENCRYPT_DECRYPT, SIGN_VERIFY or GENERATE_VERIFY_MAC"
            ))
        })
    }
}

/// What kind of key a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A symmetric key that encrypts.
    Cipher,
    /// A key for MACs.
    Mac,
    /// RSA.
    Rsa,
    /// An elliptic curve of NIST or SECG.
    Curve,
    /// An Edwards curve.
    Edwards,
    /// SM2.
    Sm2,
}

impl Family {
    /// Whether its keys come as pairs.
    #[must_use]
    pub const fn is_pair(self) -> bool {
        !matches!(self, Self::Cipher | Self::Mac)
    }
}

macro_rules! specs {
    ($($name:ident $text:literal $family:ident $size:literal $($usage:ident)+;)*) => {
        /// The type of a key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)] // each is the type of its name
        pub enum Spec { $($name,)* }

        impl Spec {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As the interface writes it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What kind of key it is.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$name => Family::$family,)* }
            }

            /// Of a secret key its bytes, of RSA the bits of the modulus, of a curve those of its field.
            #[must_use]
            pub const fn size(self) -> u64 {
                match self { $(Self::$name => $size,)* }
            }

            /// What it may be for; the first if nothing is said.
            #[must_use]
            pub const fn usages(self) -> &'static [Usage] {
                match self { $(Self::$name => &[$(Usage::$usage,)+],)* }
            }
        }
    };
}

specs! {
    Aes256    "AES_256"   Cipher  32   EncryptDecrypt;
    Sm4       "SM4"       Cipher  16   EncryptDecrypt;
    Rsa2048   "RSA_2048"  Rsa     2048 SignVerify EncryptDecrypt;
    Rsa3072   "RSA_3072"  Rsa     3072 SignVerify EncryptDecrypt;
    Rsa4096   "RSA_4096"  Rsa     4096 SignVerify EncryptDecrypt;
    EcP256    "EC_P256"   Curve   256  SignVerify;
    EcP384    "EC_P384"   Curve   384  SignVerify;
    Secp256k1 "SECP256K1" Curve   257  SignVerify;
    Ed25519   "ED25519"   Edwards 255  SignVerify;
    Sm2       "SM2"       Sm2     256  SignVerify EncryptDecrypt;
    Hmac256   "HMAC_256"  Mac     32   Mac;
    Hmac384   "HMAC_384"  Mac     48   Mac;
    Hmac512   "HMAC_512"  Mac     64   Mac;
    HmacSm3   "HMAC_SM3"  Mac     32   Mac;
}

impl Spec {
    /// The type that the interface writes so.
    ///
    /// # Errors
    /// `BadSpec`
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|spec| spec.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|spec| spec.name()).collect();
            KmsError::BadSpec(format!("key_spec {name:?} is unknown: expected {}", names.join(", ")))
        })
    }

    /// The usage of a new key.
    ///
    /// # Errors
    /// `Field` if the type cannot be used so.
    pub fn usage(self, asked: Option<Usage>) -> Result<Usage> {
        let [default, ..] = self.usages() else { return Err(KmsError::Internal("a type has a usage")) };
        match asked {
            None => Ok(*default),
            Some(usage) if self.usages().contains(&usage) => Ok(usage),
            Some(Usage::EncryptDecrypt) if matches!(self.family(), Family::Curve | Family::Edwards) => {
                Err(KmsError::CurveEncrypts)
            }
            Some(usage) => {
                let usages: Vec<_> = self.usages().iter().map(|usage| usage.name()).collect();
                Err(KmsError::Field(format!(
                    "a key of type {} cannot be for {}: expected {}",
                    self.name(),
                    usage.name(),
                    usages.join(" or ")
                )))
            }
        }
    }

    /// DER of the curve's object identifier.
    #[must_use]
    pub const fn curve(self) -> Option<&'static [u8]> {
        match self {
            Self::EcP256 => Some(&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
            Self::EcP384 => Some(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]),
            Self::Secp256k1 => Some(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]),
            Self::Ed25519 => Some(&[0x06, 0x03, 0x2b, 0x65, 0x70]),
            Self::Sm2 => Some(&[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d]),
            _ => None,
        }
    }

    /// The type of the HSM's keys of this type.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::Aes256 => KeyType::AES,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => KeyType::RSA,
            Self::EcP256 | Self::EcP384 | Self::Secp256k1 => KeyType::EC,
            Self::Ed25519 => KeyType::EC_EDWARDS,
            Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => KeyType::GENERIC_SECRET,
            Self::Sm2 => KeyType::SM2,
            Self::Sm4 => KeyType::SM4,
            Self::HmacSm3 => KeyType::SM3_HMAC,
        }
    }

    /// What makes a key of this type in the HSM.
    #[must_use]
    pub const fn generation(self) -> Mechanism {
        let id = match self.key_type() {
            KeyType::AES => 0x1080,           // CKM_AES_KEY_GEN
            KeyType::RSA => 0x0,              // CKM_RSA_PKCS_KEY_PAIR_GEN
            KeyType::EC => 0x1040,            // CKM_EC_KEY_PAIR_GEN
            KeyType::EC_EDWARDS => 0x1055,    // CKM_EC_EDWARDS_KEY_PAIR_GEN
            KeyType::SM2 => 0xc34c_5601,      // CKM_SM2_KEY_PAIR_GEN
            KeyType::SM4 => 0xc34c_5621,      // CKM_SM4_KEY_GEN
            KeyType::SM3_HMAC => 0xc34c_5614, // CKM_SM3_KEY_GEN
            _ => 0x350,                       // CKM_GENERIC_SECRET_KEY_GEN
        };
        Mechanism { id: MechanismId(id), params: Params::None }
    }
}

/// A template, as it grows.
#[derive(Clone, Debug, Default)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Adds an attribute of bytes.
    #[must_use]
    pub fn bytes(mut self, attribute: Attr, bytes: &[u8]) -> Self {
        let value = template::AttributeValue::Bytes(bytes.into());
        self.0.push(Attribute { kind: attribute.into(), value });
        self
    }

    /// Adds a `CK_BBOOL`.
    #[must_use]
    pub fn flag(self, attribute: Attr, flag: bool) -> Self {
        self.bytes(attribute, &[u8::from(flag)])
    }

    /// Adds a `CK_ULONG`.
    #[must_use]
    pub fn ulong(self, attribute: Attr, number: u64) -> Self {
        self.bytes(attribute, &number.to_le_bytes())
    }

    /// All of these.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// The template.
    ///
    /// # Errors
    /// `Internal` if it has too many attributes.
    pub fn template(self) -> Result<Template> {
        List::new(self.0).ok_or(KmsError::Internal("a template has no more attributes than it may"))
    }
}

/// What every object of the KMS is: on the token, and nobody's to change, copy or destroy but the KMS's own.
fn owned(class: Class, label: &str, id: &[u8]) -> Attributes {
    Attributes::default()
        .ulong(Attr::CLASS, class.0)
        .flag(Attr::TOKEN, true)
        .bytes(Attr::LABEL, label.as_bytes())
        .bytes(Attr::ID, id)
        .flag(Attr::MODIFIABLE, false)
        .flag(Attr::COPYABLE, false)
        .flag(Attr::DESTROYABLE, false)
}

fn usages(spec: Spec, usage: Usage, public: bool) -> Attributes {
    let both = !spec.family().is_pair();
    let (encrypts, signs) = (usage == Usage::EncryptDecrypt, usage != Usage::EncryptDecrypt);
    let mut attributes = Attributes::default();
    if both || public {
        attributes =
            attributes.flag(Attr::ENCRYPT, encrypts).flag(Attr::VERIFY, signs).flag(Attr::WRAP, false);
    }
    if both || !public {
        attributes =
            attributes.flag(Attr::DECRYPT, encrypts).flag(Attr::SIGN, signs).flag(Attr::UNWRAP, false);
    }
    // Key agreement is what a curve's key for signatures does beside (DeriveSharedSecret).
    let derives = spec.family() == Family::Curve && !public;
    attributes.flag(Attr::DERIVE, derives)
}

/// The secret or private half, which never leaves.
#[must_use]
pub fn closed(spec: Spec, usage: Usage, label: &str, id: &[u8]) -> Attributes {
    let class = if spec.family().is_pair() { Class::PRIVATE_KEY } else { Class::SECRET_KEY };
    owned(class, label, id)
        .flag(Attr::PRIVATE, true)
        .flag(Attr::SENSITIVE, true)
        .flag(Attr::EXTRACTABLE, false)
        .and(usages(spec, usage, false))
}

/// The public half.
#[must_use]
pub fn open(spec: Spec, usage: Usage, label: &str, id: &[u8]) -> Attributes {
    owned(Class::PUBLIC_KEY, label, id).flag(Attr::PRIVATE, true).and(usages(spec, usage, true))
}

/// What a generation is told of the size.
#[must_use]
pub fn sized(spec: Spec) -> Attributes {
    match (spec.family(), spec.curve()) {
        (_, Some(curve)) => Attributes::default().bytes(Attr::EC_PARAMS, curve),
        (Family::Rsa, _) => Attributes::default()
            .ulong(Attr::MODULUS_BITS, spec.size())
            .bytes(Attr::PUBLIC_EXPONENT, &[1, 0, 1]),
        _ => Attributes::default().ulong(Attr::VALUE_LEN, spec.size()),
    }
}
