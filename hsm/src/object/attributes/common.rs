//! Attributes of all objects, and of data objects (PKCS#11 3.2, "Storage objects", "Data objects").

use wire::template::MAX_VALUE;

use super::{Change, Form, Given, Row};
use crate::object::Attr;

/// The longest text or identifier that an application gives an object, in bytes.
pub(super) const NAME: u32 = 4096;

pub(super) const STORAGE: &[Row] = &[
    Row::new(Attr::CLASS, Form::Ulong, 8).given(Given::Must, Given::May, Given::May).rule(),
    Row::flag(Attr::TOKEN, false).changes(Change::Copy),
    Row::flag(Attr::MODIFIABLE, true).changes(Change::Copy),
    Row::flag(Attr::COPYABLE, true).changes(Change::ToFalse),
    Row::flag(Attr::DESTROYABLE, true).changes(Change::Copy),
    Row::new(Attr::LABEL, Form::Text, NAME).changes(Change::Always),
    Row::new(Attr::UNIQUE_ID, Form::Text, 64).given(Given::Never, Given::Never, Given::Never).rule(),
];

/// Of classes that anyone may see if the template does not say otherwise: the standard leaves the default of
/// `CKA_PRIVATE` to the token.
pub(super) const OPEN: &[Row] = &[Row::flag(Attr::PRIVATE, false).changes(Change::CopyToTrue)];

/// Of classes that only the user sees if the template does not say otherwise.
pub(super) const CLOSED: &[Row] = &[Row::flag(Attr::PRIVATE, true).changes(Change::CopyToTrue)];

pub(super) const DATA: &[Row] = &[
    Row::new(Attr::APPLICATION, Form::Text, NAME).changes(Change::Always),
    Row::new(Attr::OBJECT_ID, Form::Bytes, NAME).changes(Change::Always),
    Row::new(Attr::VALUE, Form::Bytes, MAX_VALUE as u32).changes(Change::Always),
];
