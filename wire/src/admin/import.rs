//! Objects that come from elsewhere or leave, and keys made from the console.
//!
//! Each is done as the user of the partition, with the user's PIN: the console has no way to a key that an
//! application does not have.

use serde::{Deserialize, Serialize};

use super::{Act, Command, Object};
use crate::{Bytes, List, Template};

/// The most objects one [`Ask::Objects`] brings.
pub const MAX_ARRIVALS: usize = 1024;
/// The longest encoding of an [`Arrival`], in bytes.
pub const MAX_ARRIVAL: u32 = 2 << 20;
/// The most public halves that one private key is compared with.
pub const MAX_PUBLIC: usize = 8;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Brings objects from elsewhere. They follow in chunks, as [`Arrival`]s, each after its length in bytes as
    /// four bytes, the lowest first.
    Objects {
        /// Label, serial number or slot number.
        partition: String,
        /// The user's PIN.
        pin: Bytes,
        /// Where they come from, for the audit log.
        source: String,
        /// Tells what would happen, and changes nothing.
        dry_run: bool,
    },
    /// Makes a key, or a pair of keys.
    Generate {
        /// Label, serial number or slot number.
        partition: String,
        /// The user's PIN.
        pin: Bytes,
        /// What to make.
        key: NewKey,
    },
    /// Destroys an object.
    Destroy {
        /// Label, serial number or slot number.
        partition: String,
        /// The user's PIN.
        pin: Bytes,
        /// Its number, from a list.
        number: u64,
    },
    /// Asks for a public key or a certificate.
    Public {
        /// Label, serial number or slot number.
        partition: String,
        /// The user's PIN, if the object is private.
        pin: Option<Bytes>,
        /// Its number, from a list.
        number: u64,
    },
    /// Asks for a key, wrapped by another.
    Wrapped {
        /// Label, serial number or slot number.
        partition: String,
        /// The user's PIN.
        pin: Bytes,
        /// The key's number, from a list.
        number: u64,
        /// The wrapping key's number.
        under: u64,
        /// How.
        how: Wrapping,
    },
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// Of what kind.
    pub kind: KeyKind,
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_ID`
    pub id: Bytes,
    /// Whether it may leave wrapped.
    pub extractable: bool,
}

/// The kinds of keys that the console makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyKind {
    /// An RSA key of so many bits.
    Rsa(u32),
    /// A key on this curve.
    Curve(Curve),
    /// An AES key of so many bits.
    Aes(u32),
    /// A generic secret of so many bits.
    Secret(u32),
}

/// The curves of [`KeyKind::Curve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Curve {
    P224,
    P256,
    P384,
    P521,
    Secp256k1,
    Ed25519,
    X25519,
}

/// How a key is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wrapping {
    /// `CKM_AES_KEY_WRAP_KWP`
    AesKwp,
    /// `CKM_AES_KEY_WRAP`
    AesKw,
    /// `CKM_RSA_PKCS_OAEP` with SHA-256
    RsaOaep,
    /// `CKM_RSA_AES_KEY_WRAP` with AES-256 and SHA-256
    RsaAes,
}

impl Wrapping {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::AesKwp, Self::AesKw, Self::RsaOaep, Self::RsaAes];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesKwp => "aes-kwp",
            Self::AesKw => "aes-kw",
            Self::RsaOaep => "rsa-oaep",
            Self::RsaAes => "rsa-aes-kwp",
        }
    }
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        match self {
            Self::Objects { partition, source, dry_run, .. } => Act::new(Command::Import)
                .on(partition)
                .with("source", source)
                .with("dry-run", dry_run.to_string()),
            Self::Generate { partition, key, .. } => Act::new(Command::KeyGenerate)
                .on(partition)
                .with("kind", format!("{:?}", key.kind))
                .with("label", &key.label)
                .with("extractable", key.extractable.to_string()),
            Self::Destroy { partition, number, .. } => {
                Act::new(Command::KeyDestroy).on(partition).with("number", number.to_string())
            }
            Self::Public { partition, number, .. } => {
                Act::new(Command::ExportPublic).on(partition).with("number", number.to_string())
            }
            Self::Wrapped { partition, number, under, how, .. } => Act::new(Command::ExportWrapped)
                .on(partition)
                .with("number", number.to_string())
                .with("under", under.to_string())
                .with("how", how.name()),
        }
    }
}

/// An object from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// What `C_CreateObject` would be given.
    pub template: Template,
    /// What became of it elsewhere; none of an object that says nothing of it.
    pub history: Option<History>,
    /// `CKA_CHECK_VALUE` as the source has it; it must be that of the key.
    pub check_value: Option<Bytes>,
    /// The public halves that the source has for this private key; if there are any, one must be its.
    pub public: List<Template, MAX_PUBLIC>,
}

/// What a key's attributes say of its past. None of it makes the key one that was made here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// `CKA_LOCAL`
    pub local: bool,
    /// `CKA_KEY_GEN_MECHANISM`
    pub key_gen_mechanism: Option<u64>,
    /// `CKA_ALWAYS_SENSITIVE`
    pub always_sensitive: bool,
    /// `CKA_NEVER_EXTRACTABLE`
    pub never_extractable: bool,
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Objects`]: what became of each, in their order.
    Arrived(List<Arrived, MAX_ARRIVALS>),
    /// To [`Ask::Generate`]: the new objects.
    Made(List<Object, 2>),
    /// To [`Ask::Public`]
    Public(Public),
    /// To [`Ask::Wrapped`]: the wrapped key.
    Wrapped(Bytes),
}

/// What became of an object from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arrived {
    /// It is here now, or would be.
    New {
        /// By what it was compared with the source.
        checked: Checked,
    },
    /// It was here already: one of the same class, label, id and value.
    Already {
        /// `CKA_UNIQUE_ID` of that one.
        unique_id: String,
    },
    /// It may not come, and nothing of it did.
    Refused {
        /// Why.
        reason: String,
    },
}

/// By what an object was compared with its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The check value is that of the source.
    pub check_value: bool,
    /// The public half is that of the source.
    pub public: bool,
    /// What the private key signed, or agreed on, the public half accepted.
    pub used: bool,
}

/// A public key or certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Public {
    /// A key: SubjectPublicKeyInfo, in DER.
    Key {
        /// The encoding.
        der: Bytes,
        /// `CKA_LABEL`
        label: String,
    },
    /// An X.509 certificate, in DER.
    Certificate {
        /// The encoding.
        der: Bytes,
        /// `CKA_LABEL`
        label: String,
    },
}
