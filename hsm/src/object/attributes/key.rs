//! Attributes of keys (PKCS#11 3.2, "Key objects" and the sections that follow it, "RSA", "Elliptic curve",
//! "DSA", "Diffie-Hellman", "Generic secret key", "AES").

use super::common::NAME;
use super::{Change, Form, Given, Row};
use crate::object::{Attr, KeyType};

/// The longest number in bytes: 8192 bits and some leading zeros.
pub(super) const NUMBER: u32 = 1040;
/// The longest secret key in bytes.
pub(crate) const SECRET_MAX: u32 = 4096;
/// The most mechanisms that `CKA_ALLOWED_MECHANISMS` lists.
const MECHANISMS: u32 = 512;

/// The types of keys that come as pairs.
pub(crate) const PAIR_TYPES: &[u64] = &[
    KeyType::RSA.0,
    KeyType::EC.0,
    KeyType::EC_EDWARDS.0,
    KeyType::EC_MONTGOMERY.0,
    KeyType::SM2.0,
    KeyType::DSA.0,
    KeyType::DH.0,
];

/// The types of secret keys.
pub(crate) const SECRET_TYPES: &[u64] = &[
    KeyType::GENERIC_SECRET.0,
    KeyType::AES.0,
    KeyType::AES_XTS.0,
    KeyType::HKDF.0,
    KeyType::SHA_1_HMAC.0,
    KeyType::SHA224_HMAC.0,
    KeyType::SHA256_HMAC.0,
    KeyType::SHA384_HMAC.0,
    KeyType::SHA512_HMAC.0,
    KeyType::SHA512_224_HMAC.0,
    KeyType::SHA512_256_HMAC.0,
    KeyType::SHA3_224_HMAC.0,
    KeyType::SHA3_256_HMAC.0,
    KeyType::SHA3_384_HMAC.0,
    KeyType::SHA3_512_HMAC.0,
    KeyType::SM4.0,
    KeyType::SM3_HMAC.0,
];

const RSA: &[u64] = &[KeyType::RSA.0];
const CURVES: &[u64] = &[KeyType::EC.0, KeyType::EC_EDWARDS.0, KeyType::EC_MONTGOMERY.0];
/// SM2 keys are all on one curve, so that nobody need name it.
const SM2: &[u64] = &[KeyType::SM2.0];

/// The types of keys in groups of numbers modulo a prime.
const GROUPS: &[u64] = &[KeyType::DSA.0, KeyType::DH.0];
const DSA: &[u64] = &[KeyType::DSA.0];
const DH: &[u64] = &[KeyType::DH.0];

const fn own(row: Row) -> Row {
    row.given(Given::Never, Given::Never, Given::Never)
}

const fn template(attribute: Attr) -> Row {
    Row::new(attribute, Form::Template, 64 << 10)
}

pub(super) const ALL: &[Row] = &[
    Row::new(Attr::KEY_TYPE, Form::Ulong, 8).given(Given::Must, Given::May, Given::Must).rule(),
    Row::new(Attr::ID, Form::Bytes, NAME).changes(Change::Always),
    Row::new(Attr::START_DATE, Form::Date, 8).changes(Change::Always),
    Row::new(Attr::END_DATE, Form::Date, 8).changes(Change::Always),
    Row::usage(Attr::DERIVE),
    own(Row::flag(Attr::LOCAL, false)),
    own(Row::ulong(Attr::KEY_GEN_MECHANISM, u64::MAX)),
    Row::new(Attr::ALLOWED_MECHANISMS, Form::Mechanisms, MECHANISMS * 8),
];

pub(super) const PUBLIC: &[Row] = &[
    Row::new(Attr::SUBJECT, Form::Bytes, NAME).changes(Change::Always),
    Row::usage(Attr::ENCRYPT),
    Row::usage(Attr::VERIFY),
    Row::usage(Attr::VERIFY_RECOVER),
    Row::usage(Attr::WRAP),
    Row::flag(Attr::TRUSTED, false).changes(Change::Officer),
    template(Attr::WRAP_TEMPLATE),
    Row::new(Attr::PUBLIC_KEY_INFO, Form::Bytes, 16 << 10).rule(),
];

/// Of the keys that have something to hide.
pub(super) const GUARDED: &[Row] = &[
    Row::new(Attr::SENSITIVE, Form::Flag, 1).changes(Change::ToTrue).rule(),
    Row::flag(Attr::EXTRACTABLE, false).changes(Change::ToFalse),
    own(Row::flag(Attr::ALWAYS_SENSITIVE, false)),
    own(Row::flag(Attr::NEVER_EXTRACTABLE, false)),
    Row::flag(Attr::WRAP_WITH_TRUSTED, false).changes(Change::ToTrue),
    Row::usage(Attr::DECRYPT),
    Row::usage(Attr::SIGN),
    Row::usage(Attr::UNWRAP),
    template(Attr::UNWRAP_TEMPLATE),
    template(Attr::DERIVE_TEMPLATE),
];

pub(super) const PRIVATE: &[Row] = &[
    Row::new(Attr::SUBJECT, Form::Bytes, NAME).changes(Change::Always),
    Row::usage(Attr::SIGN_RECOVER),
    Row::flag(Attr::ALWAYS_AUTHENTICATE, false),
    Row::new(Attr::PUBLIC_KEY_INFO, Form::Bytes, 16 << 10).rule(),
];

pub(super) const PUBLIC_PARTS: &[Row] = &[
    Row::new(Attr::MODULUS, Form::Number, NUMBER).of(RSA).given(Given::Must, Given::Never, Given::Never),
    Row::new(Attr::MODULUS_BITS, Form::Ulong, 8)
        .of(RSA)
        .given(Given::Never, Given::Must, Given::Never)
        .rule(),
    Row::new(Attr::PUBLIC_EXPONENT, Form::Number, NUMBER).of(RSA).given(
        Given::Must,
        Given::May,
        Given::Never,
    ),
    Row::new(Attr::EC_PARAMS, Form::Bytes, 2048).of(CURVES).given(Given::Must, Given::Must, Given::Never),
    Row::new(Attr::EC_POINT, Form::Bytes, 160).of(CURVES).given(Given::Must, Given::Never, Given::Never),
    Row::new(Attr::EC_PARAMS, Form::Bytes, 2048).of(SM2).given(Given::May, Given::May, Given::Never).rule(),
    Row::new(Attr::EC_POINT, Form::Bytes, 160).of(SM2).given(Given::Must, Given::Never, Given::Never),
    Row::new(Attr::PRIME, Form::Number, NUMBER).of(GROUPS).given(Given::Must, Given::Must, Given::Never),
    Row::new(Attr::SUBPRIME, Form::Number, NUMBER).of(DSA).given(Given::Must, Given::Must, Given::Never),
    Row::new(Attr::BASE, Form::Number, NUMBER).of(GROUPS).given(Given::Must, Given::Must, Given::Never),
    Row::new(Attr::VALUE, Form::Bytes, NUMBER).of(GROUPS).given(Given::Must, Given::Never, Given::Never),
];

const fn part(attribute: Attr, create: Given) -> Row {
    Row::new(attribute, Form::Number, NUMBER).of(RSA).given(create, Given::Never, Given::Never)
}

pub(super) const PRIVATE_PARTS: &[Row] = &[
    part(Attr::MODULUS, Given::Must),
    part(Attr::PUBLIC_EXPONENT, Given::Must),
    part(Attr::PRIVATE_EXPONENT, Given::Must).secret(),
    part(Attr::PRIME_1, Given::May).secret(),
    part(Attr::PRIME_2, Given::May).secret(),
    part(Attr::EXPONENT_1, Given::May).secret(),
    part(Attr::EXPONENT_2, Given::May).secret(),
    part(Attr::COEFFICIENT, Given::May).secret(),
    Row::new(Attr::EC_PARAMS, Form::Bytes, 2048).of(CURVES).given(Given::Must, Given::Never, Given::Never),
    // The standard gives private keys no point; many clients write and read it all the same.
    Row::new(Attr::EC_POINT, Form::Bytes, 160).of(CURVES).given(Given::May, Given::Never, Given::Never),
    Row::new(Attr::VALUE, Form::Bytes, 160)
        .of(CURVES)
        .given(Given::Must, Given::Never, Given::Never)
        .secret(),
    Row::new(Attr::EC_PARAMS, Form::Bytes, 2048).of(SM2).given(Given::May, Given::Never, Given::Never).rule(),
    Row::new(Attr::EC_POINT, Form::Bytes, 160).of(SM2).given(Given::May, Given::Never, Given::Never),
    Row::new(Attr::VALUE, Form::Bytes, 160).of(SM2).given(Given::Must, Given::Never, Given::Never).secret(),
    Row::new(Attr::PRIME, Form::Number, NUMBER).of(GROUPS).given(Given::Must, Given::Never, Given::Never),
    Row::new(Attr::SUBPRIME, Form::Number, NUMBER).of(DSA).given(Given::Must, Given::Never, Given::Never),
    Row::new(Attr::BASE, Form::Number, NUMBER).of(GROUPS).given(Given::Must, Given::Never, Given::Never),
    Row::new(Attr::VALUE, Form::Bytes, NUMBER)
        .of(GROUPS)
        .given(Given::Must, Given::Never, Given::Never)
        .secret(),
    Row::new(Attr::VALUE_BITS, Form::Ulong, 8).of(DH).given(Given::Never, Given::May, Given::Never).rule(),
];

pub(super) const SECRET: &[Row] = &[
    Row::usage(Attr::ENCRYPT),
    Row::usage(Attr::VERIFY),
    Row::usage(Attr::WRAP),
    Row::flag(Attr::TRUSTED, false).changes(Change::Officer),
    template(Attr::WRAP_TEMPLATE),
    Row::new(Attr::CHECK_VALUE, Form::Bytes, 3).rule(),
    Row::new(Attr::VALUE, Form::Bytes, SECRET_MAX).given(Given::Must, Given::Never, Given::Never).secret(),
    Row::new(Attr::VALUE_LEN, Form::Ulong, 8).given(Given::Never, Given::Must, Given::May).rule(),
];
