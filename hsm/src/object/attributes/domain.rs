//! Attributes of domain parameters (PKCS#11 3.2, "Domain parameter objects").

use super::key::NUMBER;
use super::{Form, Given, Row};
use crate::object::{Attr, KeyType};

/// The key types whose domain parameters can be stored.
pub(crate) const TYPES: &[u64] = &[KeyType::DSA.0, KeyType::DH.0];

const DSA: &[u64] = &[KeyType::DSA.0];

const PART: (Given, Given, Given) = (Given::Must, Given::Never, Given::Never);

pub(super) const DOMAIN: &[Row] = &[
    Row::new(Attr::KEY_TYPE, Form::Ulong, 8).given(Given::Must, Given::May, Given::May).rule(),
    Row::flag(Attr::LOCAL, false).given(Given::Never, Given::Never, Given::Never),
    Row::new(Attr::PRIME, Form::Number, NUMBER).given(PART.0, PART.1, PART.2),
    Row::new(Attr::SUBPRIME, Form::Number, NUMBER).of(DSA).given(PART.0, PART.1, PART.2),
    Row::new(Attr::BASE, Form::Number, NUMBER).given(PART.0, PART.1, PART.2),
    Row::new(Attr::PRIME_BITS, Form::Ulong, 8).given(Given::Never, Given::Must, Given::Never).rule(),
    // The standard's table has none for DSA; with 2048 bits there are two lengths to choose from.
    Row::new(Attr::SUBPRIME_BITS, Form::Ulong, 8)
        .of(DSA)
        .given(Given::Never, Given::May, Given::Never)
        .rule(),
];
