//! The attributes whose meaning the format depends on, by the standard's numbers.

use std::fmt;

/// An attribute's type, of the standard or SoftHSM2's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute(pub u64);

#[allow(missing_docs)]
impl Attribute {
    pub const CLASS: Self = Self(0x0);
    pub const TOKEN: Self = Self(0x1);
    pub const PRIVATE: Self = Self(0x2);
    pub const LABEL: Self = Self(0x3);
    pub const VALUE: Self = Self(0x11);
    pub const KEY_TYPE: Self = Self(0x100);
    pub const MODIFIABLE: Self = Self(0x170);
    pub const COPYABLE: Self = Self(0x171);
    pub const WRAP_TEMPLATE: Self = Self(0x4000_0211);
    pub const UNWRAP_TEMPLATE: Self = Self(0x4000_0212);
    pub const ALLOWED_MECHANISMS: Self = Self(0x4000_0600);
    // Those of `token.object` (`object_store/OSAttributes.h`).
    pub const TOKEN_LABEL: Self = Self(0x8000_5349);
    pub const TOKEN_SERIAL: Self = Self(0x8000_534a);
    pub const TOKEN_FLAGS: Self = Self(0x8000_534b);
    pub const SO_PIN: Self = Self(0x8000_534c);
    pub const USER_PIN: Self = Self(0x8000_534d);
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CLASS => f.write_str("CKA_CLASS"),
            Self::TOKEN => f.write_str("CKA_TOKEN"),
            Self::PRIVATE => f.write_str("CKA_PRIVATE"),
            Self::LABEL => f.write_str("CKA_LABEL"),
            Self::VALUE => f.write_str("CKA_VALUE"),
            Self::KEY_TYPE => f.write_str("CKA_KEY_TYPE"),
            Self::MODIFIABLE => f.write_str("CKA_MODIFIABLE"),
            Self::COPYABLE => f.write_str("CKA_COPYABLE"),
            Self::WRAP_TEMPLATE => f.write_str("CKA_WRAP_TEMPLATE"),
            Self::UNWRAP_TEMPLATE => f.write_str("CKA_UNWRAP_TEMPLATE"),
            Self::ALLOWED_MECHANISMS => f.write_str("CKA_ALLOWED_MECHANISMS"),
            Self::TOKEN_LABEL => f.write_str("the token's label"),
            Self::TOKEN_SERIAL => f.write_str("the token's serial number"),
            Self::TOKEN_FLAGS => f.write_str("the token's flags"),
            Self::SO_PIN => f.write_str("the security officer's PIN"),
            Self::USER_PIN => f.write_str("the user's PIN"),
            Self(other) => write!(f, "CKA_{other:#x}"),
        }
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An object's class, as far as the format depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    Data,
    Certificate,
    PublicKey,
    PrivateKey,
    SecretKey,
    DomainParameters,
    Other(u64),
}

impl Class {
    pub(crate) const fn of(number: u64) -> Self {
        match number {
            0 => Self::Data,
            1 => Self::Certificate,
            2 => Self::PublicKey,
            3 => Self::PrivateKey,
            4 => Self::SecretKey,
            6 => Self::DomainParameters,
            other => Self::Other(other),
        }
    }

    /// The last of the attributes that every release of SoftHSM2 writes for objects of this class. Attributes
    /// stand in the order of their numbers, so that a file that has it was not cut off before it.
    pub(crate) const fn last(self) -> Attribute {
        match self {
            Self::PublicKey => Attribute::WRAP_TEMPLATE,
            Self::PrivateKey | Self::SecretKey => Attribute::UNWRAP_TEMPLATE,
            Self::Data | Self::Certificate | Self::DomainParameters | Self::Other(_) => Attribute::MODIFIABLE,
        }
    }
}
