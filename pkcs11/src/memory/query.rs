//! `C_GetAttributeValue`: what the caller has room for, and the answers written there
//! (PKCS#11 3.2, "C_GetAttributeValue").

use cryptoki_sys::{CK_ATTRIBUTE, CK_ULONG, CK_UNAVAILABLE_INFORMATION};
use wire::template::{
    Answer, Answers, LeafAnswer, LeafAnswerValue, LeafQuery, MAX_ATTRIBUTES, Query as Asked,
};
use wire::{AttributeType, List, Room, Rv};

use crate::client::Application;

use super::template::{ATTRIBUTE, read};

/// The caller's template, whose values are places to write to.
pub(crate) struct Query {
    attributes: *mut CK_ATTRIBUTE,
    asked: Vec<Asked>,
}

impl Query {
    /// # Errors
    /// `ARGUMENTS_BAD` if the template is null and not empty, or has more than [`MAX_ATTRIBUTES`].
    ///
    /// # Safety
    /// `attributes` is null or readable and writable for `count` attributes, and each value is null or
    /// writable for its length, while the query lasts.
    pub(crate) unsafe fn new(
        attributes: *mut CK_ATTRIBUTE,
        count: CK_ULONG,
        application: &Application,
    ) -> Result<Self, Rv> {
        // SAFETY: the caller keeps this contract.
        let wanted = unsafe { read(attributes, count) }?;
        let mut asked = Vec::with_capacity(wanted.len());
        for attribute in wanted {
            let kind = AttributeType(attribute.type_);
            let nested = if application.is_nested(kind) && !attribute.pValue.is_null() {
                // SAFETY: an array of attributes, as its type says; the caller vouches for the length.
                unsafe { read(attribute.pValue.cast(), attribute.ulValueLen / ATTRIBUTE) }?
            } else {
                Vec::new()
            };
            let nested = nested.iter().map(|leaf| LeafQuery { room: room(leaf) }).collect();
            let nested = List::new(nested).ok_or(Rv::ARGUMENTS_BAD)?;
            asked.push(Asked { kind, room: room(&attribute), nested });
        }
        Ok(Self { attributes, asked })
    }

    /// What to ask the daemon.
    ///
    /// # Errors
    /// `ARGUMENTS_BAD` if it is too much.
    pub(crate) fn asked(&self) -> Result<List<Asked, MAX_ATTRIBUTES>, Rv> {
        List::new(self.asked.clone()).ok_or(Rv::ARGUMENTS_BAD)
    }

    /// Writes the answers.
    ///
    /// # Errors
    /// The code that came with them; `DEVICE_ERROR` if they are not answers to this query.
    pub(crate) fn fill(&self, answers: &Answers) -> Result<(), Rv> {
        if answers.answers.len() != self.asked.len() {
            return Err(Rv::DEVICE_ERROR);
        }
        for (index, (asked, answer)) in self.asked.iter().zip(answers.answers.iter()).enumerate() {
            // SAFETY: `index` is one of the template's, which is writable as `new` asks.
            unsafe { fill(self.attributes.add(index), asked, answer) }?;
        }
        if answers.rv == Rv::OK { Ok(()) } else { Err(answers.rv) }
    }
}

/// The room at an attribute's value.
fn room(attribute: &CK_ATTRIBUTE) -> Room {
    if attribute.pValue.is_null() { Room::Ask } else { Room::Bytes(attribute.ulValueLen) }
}

/// Writes one attribute's answer.
unsafe fn fill(attribute: *mut CK_ATTRIBUTE, asked: &Asked, answer: &Answer) -> Result<(), Rv> {
    // SAFETY: the caller vouches for the attribute and its value, which has the room that was asked with.
    unsafe {
        match answer {
            Answer::Value(value) => set(attribute, asked.room, value),
            Answer::Length(len) => set_len(attribute, *len),
            Answer::Unavailable => set_len(attribute, CK_UNAVAILABLE_INFORMATION),
            Answer::NestedLength(count) => set_len(attribute, count.saturating_mul(ATTRIBUTE)),
            Answer::Nested(leaves) if leaves.len() <= asked.nested.len() => {
                let nested = attribute.read_unaligned().pValue.cast::<CK_ATTRIBUTE>();
                for (index, (query, leaf)) in asked.nested.iter().zip(leaves.iter()).enumerate() {
                    fill_leaf(nested.add(index), query.room, leaf)?;
                }
                set_len(attribute, leaves.len() as u64 * ATTRIBUTE)
            }
            Answer::Nested(_) => Err(Rv::DEVICE_ERROR),
        }
    }
}

/// Writes one attribute of an array.
unsafe fn fill_leaf(attribute: *mut CK_ATTRIBUTE, room: Room, leaf: &LeafAnswer) -> Result<(), Rv> {
    // SAFETY: the caller vouches for the attribute and its value.
    unsafe {
        (&raw mut (*attribute).type_).write_unaligned(leaf.kind.0);
        match &leaf.value {
            LeafAnswerValue::Value(value) => set(attribute, room, value),
            LeafAnswerValue::Length(len) => set_len(attribute, *len),
            LeafAnswerValue::Unavailable => set_len(attribute, CK_UNAVAILABLE_INFORMATION),
        }
    }
}

/// Writes a value and its length.
unsafe fn set(attribute: *mut CK_ATTRIBUTE, room: Room, value: &[u8]) -> Result<(), Rv> {
    match room {
        Room::Bytes(have) if value.len() as u64 <= have => {
            // SAFETY: the value is writable for `have` bytes; what is written is our own memory.
            unsafe {
                let to = attribute.read_unaligned().pValue.cast::<u8>();
                to.copy_from_nonoverlapping(value.as_ptr(), value.len());
                set_len(attribute, value.len() as u64)
            }
        }
        _ => Err(Rv::DEVICE_ERROR),
    }
}

/// Writes a value's length.
unsafe fn set_len(attribute: *mut CK_ATTRIBUTE, len: u64) -> Result<(), Rv> {
    // SAFETY: the caller vouches for the attribute.
    unsafe { (&raw mut (*attribute).ulValueLen).write_unaligned(len as CK_ULONG) };
    Ok(())
}
