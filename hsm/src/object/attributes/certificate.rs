//! Attributes of certificates (PKCS#11 3.2, "Certificate objects").

use super::common::NAME;
use super::{Change, Form, Given, Row};
use crate::object::Attr;

/// `CKC_X_509`
pub(crate) const X_509: u64 = 0;
/// `CKC_X_509_ATTR_CERT`
pub(crate) const X_509_ATTR_CERT: u64 = 1;

/// The types of certificates that can be stored.
pub(crate) const TYPES: &[u64] = &[X_509, X_509_ATTR_CERT];

/// `CKM_SHA_1`, the default of `CKA_NAME_HASH_ALGORITHM`.
const SHA_1: u64 = 0x220;
/// The longest certificate in bytes.
const VALUE: u32 = 256 << 10;

const PLAIN: &[u64] = &[X_509];
const ATTRIBUTE: &[u64] = &[X_509_ATTR_CERT];

pub(super) const CERTIFICATE: &[Row] = &[
    Row::new(Attr::CERTIFICATE_TYPE, Form::Ulong, 8).given(Given::Must, Given::May, Given::May).rule(),
    Row::flag(Attr::TRUSTED, false).changes(Change::Officer),
    Row::ulong(Attr::CERTIFICATE_CATEGORY, 0),
    Row::new(Attr::CHECK_VALUE, Form::Bytes, 3).rule(),
    Row::new(Attr::START_DATE, Form::Date, 8),
    Row::new(Attr::END_DATE, Form::Date, 8),
    Row::new(Attr::PUBLIC_KEY_INFO, Form::Bytes, 16 << 10),
    // X.509 public key certificates. Of the value and a URL for it, one must be there.
    Row::new(Attr::SUBJECT, Form::Bytes, NAME).of(PLAIN).given(Given::Must, Given::May, Given::May),
    Row::new(Attr::ID, Form::Bytes, NAME).of(PLAIN).changes(Change::Always),
    Row::new(Attr::ISSUER, Form::Bytes, NAME).of(PLAIN).changes(Change::Always),
    Row::new(Attr::SERIAL_NUMBER, Form::Bytes, NAME).of(PLAIN).changes(Change::Always),
    Row::new(Attr::VALUE, Form::Bytes, VALUE).of(PLAIN),
    Row::new(Attr::URL, Form::Text, NAME).of(PLAIN),
    Row::new(Attr::HASH_OF_SUBJECT_PUBLIC_KEY, Form::Bytes, 64).of(PLAIN),
    Row::new(Attr::HASH_OF_ISSUER_PUBLIC_KEY, Form::Bytes, 64).of(PLAIN),
    Row::ulong(Attr::JAVA_MIDP_SECURITY_DOMAIN, 0).of(PLAIN),
    Row::ulong(Attr::NAME_HASH_ALGORITHM, SHA_1).of(PLAIN),
    // X.509 attribute certificates.
    Row::new(Attr::OWNER, Form::Bytes, NAME).of(ATTRIBUTE).given(Given::Must, Given::May, Given::May),
    Row::new(Attr::AC_ISSUER, Form::Bytes, NAME).of(ATTRIBUTE).changes(Change::Always),
    Row::new(Attr::SERIAL_NUMBER, Form::Bytes, NAME).of(ATTRIBUTE).changes(Change::Always),
    Row::new(Attr::ATTR_TYPES, Form::Bytes, NAME).of(ATTRIBUTE).changes(Change::Always),
    Row::new(Attr::VALUE, Form::Bytes, VALUE).of(ATTRIBUTE).given(Given::Must, Given::May, Given::May),
];
