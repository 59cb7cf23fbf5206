//! Where objects come from: each kind of source is read into [`Thing`]s, which the daemon is then asked to take.

use wire::admin::import::{Arrival, History};
use wire::template::{Attribute, AttributeType, AttributeValue, Leaf};
use wire::{Bytes, List, Template};

pub(crate) mod file;
pub(crate) mod key;
mod object;
pub(crate) mod p12;
pub(crate) mod pem;
pub(crate) mod softhsm;
pub(crate) mod ssh;
pub(crate) mod token;

/// The standard's numbers of attributes, classes and key types that sources are translated to.
#[allow(dead_code)] // a source uses some of them
pub(crate) mod number {
    pub(crate) mod attribute {
        pub(crate) const CLASS: u64 = 0x0;
        pub(crate) const TOKEN: u64 = 0x1;
        pub(crate) const PRIVATE: u64 = 0x2;
        pub(crate) const LABEL: u64 = 0x3;
        pub(crate) const UNIQUE_ID: u64 = 0x4;
        pub(crate) const VALUE: u64 = 0x11;
        pub(crate) const CERTIFICATE_TYPE: u64 = 0x80;
        pub(crate) const ISSUER: u64 = 0x81;
        pub(crate) const SERIAL_NUMBER: u64 = 0x82;
        pub(crate) const TRUSTED: u64 = 0x86;
        pub(crate) const CHECK_VALUE: u64 = 0x90;
        pub(crate) const KEY_TYPE: u64 = 0x100;
        pub(crate) const SUBJECT: u64 = 0x101;
        pub(crate) const ID: u64 = 0x102;
        pub(crate) const SENSITIVE: u64 = 0x103;
        pub(crate) const ENCRYPT: u64 = 0x104;
        pub(crate) const DECRYPT: u64 = 0x105;
        pub(crate) const WRAP: u64 = 0x106;
        pub(crate) const UNWRAP: u64 = 0x107;
        pub(crate) const DERIVE: u64 = 0x10c;
        pub(crate) const MODULUS: u64 = 0x120;
        pub(crate) const MODULUS_BITS: u64 = 0x121;
        pub(crate) const PUBLIC_EXPONENT: u64 = 0x122;
        pub(crate) const PRIVATE_EXPONENT: u64 = 0x123;
        pub(crate) const PRIME_1: u64 = 0x124;
        pub(crate) const PRIME_2: u64 = 0x125;
        pub(crate) const EXPONENT_1: u64 = 0x126;
        pub(crate) const EXPONENT_2: u64 = 0x127;
        pub(crate) const COEFFICIENT: u64 = 0x128;
        pub(crate) const PRIME: u64 = 0x130;
        pub(crate) const SUBPRIME: u64 = 0x131;
        pub(crate) const BASE: u64 = 0x132;
        pub(crate) const PRIME_BITS: u64 = 0x133;
        pub(crate) const SUBPRIME_BITS: u64 = 0x134;
        pub(crate) const VALUE_BITS: u64 = 0x160;
        pub(crate) const VALUE_LEN: u64 = 0x161;
        pub(crate) const EXTRACTABLE: u64 = 0x162;
        pub(crate) const LOCAL: u64 = 0x163;
        pub(crate) const NEVER_EXTRACTABLE: u64 = 0x164;
        pub(crate) const ALWAYS_SENSITIVE: u64 = 0x165;
        pub(crate) const KEY_GEN_MECHANISM: u64 = 0x166;
        pub(crate) const EC_PARAMS: u64 = 0x180;
        pub(crate) const EC_POINT: u64 = 0x181;
        pub(crate) const SECONDARY_AUTH: u64 = 0x200;
        pub(crate) const AUTH_PIN_FLAGS: u64 = 0x201;
    }

    pub(crate) mod class {
        pub(crate) const CERTIFICATE: u64 = 1;
        pub(crate) const PUBLIC_KEY: u64 = 2;
        pub(crate) const PRIVATE_KEY: u64 = 3;
        pub(crate) const SECRET_KEY: u64 = 4;
    }

    pub(crate) mod key_type {
        pub(crate) const RSA: u64 = 0x0;
        pub(crate) const EC: u64 = 0x3;
        pub(crate) const EC_EDWARDS: u64 = 0x40;
        pub(crate) const EC_MONTGOMERY: u64 = 0x41;
    }

    /// A class, as people say it.
    pub(crate) fn class_name(class: u64) -> String {
        match class {
            0 => "data".into(),
            class::CERTIFICATE => "certificate".into(),
            class::PUBLIC_KEY => "public key".into(),
            class::PRIVATE_KEY => "private key".into(),
            class::SECRET_KEY => "secret key".into(),
            6 => "domain parameters".into(),
            other => format!("{other:#x}"),
        }
    }

    /// A key type without its prefix.
    pub(crate) fn key_type_name(key_type: u64) -> String {
        let known = match key_type {
            key_type::RSA => "RSA",
            0x1 => "DSA",
            0x2 => "DH",
            key_type::EC => "EC",
            0x10 => "GENERIC_SECRET",
            0x13 => "DES",
            0x14 => "DES2",
            0x15 => "DES3",
            0x1f => "AES",
            0x28 => "SHA_1_HMAC",
            0x2b => "SHA256_HMAC",
            0x2c => "SHA384_HMAC",
            0x2d => "SHA512_HMAC",
            0x2e => "SHA224_HMAC",
            0x30 => "GOSTR3410",
            key_type::EC_EDWARDS => "EC_EDWARDS",
            key_type::EC_MONTGOMERY => "EC_MONTGOMERY",
            other => return format!("{other:#x}"),
        };
        known.into()
    }
}

/// An object of a source.
#[derive(Debug)]
pub(crate) struct Thing {
    /// Its label; where it has none, the file it is in.
    pub(crate) name: String,
    /// Its class, as people say it.
    pub(crate) class: String,
    /// Its key type.
    pub(crate) kind: String,
    /// Its `CKA_ID`, in hexadecimal.
    pub(crate) id: String,
    /// What the daemon is sent, or why nothing can be.
    pub(crate) arrival: Result<Box<Arrival>, String>,
    /// What is not taken over, or wants to be known.
    pub(crate) notes: Vec<String>,
}

impl Thing {
    /// Something that cannot be read.
    pub(crate) fn unreadable(name: String, why: String) -> Self {
        let (class, kind, id) = (String::new(), String::new(), String::new());
        Self { name, class, kind, id, arrival: Err(why), notes: Vec::new() }
    }
}

/// A template under way.
#[derive(Debug, Default)]
pub(crate) struct Draft(Vec<Attribute>);

impl Draft {
    pub(crate) fn bytes(&mut self, kind: u64, value: &[u8]) {
        self.0
            .push(Attribute { kind: AttributeType(kind), value: AttributeValue::Bytes(Bytes::from(value)) });
    }

    pub(crate) fn flag(&mut self, kind: u64, flag: bool) {
        self.bytes(kind, &[u8::from(flag)]);
    }

    pub(crate) fn number(&mut self, kind: u64, number: u64) {
        self.bytes(kind, &number.to_le_bytes());
    }

    pub(crate) fn template(&mut self, kind: u64, leaves: Vec<Leaf>) -> Result<(), String> {
        let leaves = List::new(leaves).ok_or("a template in it has too many attributes")?;
        self.0.push(Attribute { kind: AttributeType(kind), value: AttributeValue::Template(leaves) });
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Template, String> {
        List::new(self.0).ok_or_else(|| "it has too many attributes".to_owned())
    }
}

/// What is sent of an object that says nothing of its past.
pub(crate) fn arrival(draft: Draft, history: Option<History>) -> Result<Box<Arrival>, String> {
    let (check_value, public) = (None, List::default());
    draft.finish().map(|template| Box::new(Arrival { template, history, check_value, public }))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
