//! Templates that the caller hands in.
//!
//! The module knows no attribute. The array bit says that a value is an array of attributes, except for the
//! types that the daemon named; and the daemon gave the bounds.

use std::mem::size_of;

use cryptoki_sys::{CK_ATTRIBUTE, CK_ULONG};
use wire::template::{Attribute, AttributeValue, Leaf, MAX_ATTRIBUTES};
use wire::{AttributeType, Bytes, List, Rv, Template};

use crate::client::Application;

use super::bytes;

/// The bytes of one `CK_ATTRIBUTE`.
pub(super) const ATTRIBUTE: CK_ULONG = size_of::<CK_ATTRIBUTE>() as CK_ULONG;

/// Reads a template.
///
/// # Errors
/// `ARGUMENTS_BAD` if it is null and not empty, has more than [`MAX_ATTRIBUTES`], is longer in all than a frame
/// holds, or a value is null and not empty; `ATTRIBUTE_VALUE_INVALID` if a value is longer than its bound.
///
/// # Safety
/// `attributes` is null or readable for `count` attributes, and each value for its length.
pub(crate) unsafe fn template(
    attributes: *const CK_ATTRIBUTE,
    count: CK_ULONG,
    application: &Application,
) -> Result<Template, Rv> {
    let mut left = wire::frame::MAX_DATA;
    // SAFETY: the caller keeps this contract.
    let read = unsafe { read(attributes, count) }?;
    let mut template = Vec::with_capacity(read.len());
    for attribute in read {
        let kind = AttributeType(attribute.type_);
        let value = if application.is_nested(kind) {
            if attribute.ulValueLen % ATTRIBUTE != 0 {
                return Err(Rv::ATTRIBUTE_VALUE_INVALID);
            }
            // SAFETY: an array of attributes, as its type says; the caller vouches for the length.
            let nested = unsafe { self::read(attribute.pValue.cast(), attribute.ulValueLen / ATTRIBUTE) }?;
            let mut leaves = Vec::with_capacity(nested.len());
            for leaf in nested {
                let kind = AttributeType(leaf.type_);
                if application.is_nested(kind) {
                    return Err(Rv::ATTRIBUTE_VALUE_INVALID);
                }
                // SAFETY: the caller vouches for each value.
                leaves.push(Leaf { kind, value: unsafe { value(&leaf, application, &mut left) }? });
            }
            AttributeValue::Template(List::new(leaves).ok_or(Rv::ARGUMENTS_BAD)?)
        } else {
            // SAFETY: the caller vouches for each value.
            AttributeValue::Bytes(unsafe { value(&attribute, application, &mut left) }?)
        };
        template.push(Attribute { kind, value });
    }
    List::new(template).ok_or(Rv::ARGUMENTS_BAD)
}

/// The attributes of a template, copied.
///
/// # Safety
/// `attributes` is null or readable for `count` attributes.
pub(super) unsafe fn read(attributes: *const CK_ATTRIBUTE, count: CK_ULONG) -> Result<Vec<CK_ATTRIBUTE>, Rv> {
    if count > MAX_ATTRIBUTES as CK_ULONG || (attributes.is_null() && count != 0) {
        return Err(Rv::ARGUMENTS_BAD);
    }
    // SAFETY: not null unless empty; the caller vouches for `count`.
    Ok((0..count as usize).map(|index| unsafe { attributes.add(index).read_unaligned() }).collect())
}

/// One attribute's value, of which no more than `left` bytes are read.
unsafe fn value(attribute: &CK_ATTRIBUTE, application: &Application, left: &mut u64) -> Result<Bytes, Rv> {
    let max = application.bound(AttributeType(attribute.type_));
    // SAFETY: the caller vouches for the value.
    let value =
        unsafe { bytes(attribute.pValue.cast(), attribute.ulValueLen, max, Rv::ATTRIBUTE_VALUE_INVALID) }?;
    *left = left.checked_sub(value.len() as u64).ok_or(Rv::ARGUMENTS_BAD)?;
    Ok(Bytes::from(value))
}
