//! A mechanism's parameter, walked as the layout says that the daemon gave for it.

use std::ffi::c_void;
use std::mem::{align_of, size_of};

use cryptoki_sys::{CK_MECHANISM, CK_ULONG};
use wire::layout::{LeafWord, MAX_BYTES, Word};
use wire::mechanism::{Leaf, MAX_VALUES, Params, Value};
use wire::{Bytes, List, Mechanism, MechanismId, Rv};

use crate::client::Application;

use super::{bytes, value};

/// Reads a mechanism; none if the pointer is null.
///
/// # Errors
/// `MECHANISM_PARAM_INVALID` if the parameter holds more bytes than [`MAX_BYTES`] behind one pointer.
///
/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says.
pub(crate) unsafe fn optional(
    mechanism: *const CK_MECHANISM,
    application: &Application,
) -> Result<Option<Mechanism>, Rv> {
    // SAFETY: the caller keeps this contract.
    let Some(mechanism) = (unsafe { value(mechanism) }) else { return Ok(None) };
    let id = MechanismId(mechanism.mechanism);
    let (at, len) = (mechanism.pParameter.cast_const(), mechanism.ulParameterLen);
    let layout = application.layouts(id).iter().find(|layout| fits(layout, len));
    let params = match layout {
        _ if len == 0 => Params::None,
        Some(layout) if !at.is_null() => {
            // SAFETY: not null; the structure has the size of this layout, so that it is the mechanism's.
            Params::Words(unsafe { words(at, layout, len) }?)
        }
        _ => Params::Mismatch { len },
    };
    Ok(Some(Mechanism { id, params }))
}

/// Reads a mechanism.
///
/// # Errors
/// `ARGUMENTS_BAD` if it is null, else as [`optional`].
///
/// # Safety
/// As [`optional`].
pub(crate) unsafe fn mechanism(
    mechanism: *const CK_MECHANISM,
    application: &Application,
) -> Result<Mechanism, Rv> {
    // SAFETY: the caller keeps this contract.
    unsafe { optional(mechanism, application) }?.ok_or(Rv::ARGUMENTS_BAD)
}

/// The number and the pointer of a C structure.
const ULONG: (usize, usize) = (size_of::<CK_ULONG>(), align_of::<CK_ULONG>());
const POINTER: (usize, usize) = (size_of::<*const c_void>(), align_of::<*const c_void>());

/// A walk over a structure's fields: how far it has come, and the strictest alignment met.
struct Walk {
    at: *const u8,
    offset: usize,
    align: usize,
}

impl Walk {
    fn new(at: *const c_void) -> Self {
        Self { at: at.cast(), offset: 0, align: 1 }
    }

    /// Where the next field lies, given its size and alignment.
    fn field(&mut self, (size, align): (usize, usize)) -> *const u8 {
        let offset = self.offset.next_multiple_of(align);
        self.offset = offset + size;
        self.align = self.align.max(align);
        self.at.wrapping_add(offset)
    }

    /// Steps over a word.
    fn skip(&mut self, word: &Word) {
        match word {
            Word::Ulong => drop(self.field(ULONG)),
            Word::Bool => drop(self.field((1, 1))),
            Word::Inline(len) => drop(self.field((usize::from(*len), 1))),
            Word::Bytes => {
                self.field(POINTER);
                self.field(ULONG);
            }
            Word::LenBytes => {
                self.field(ULONG);
                self.field(POINTER);
            }
            Word::Struct(_) => drop(self.field(POINTER)),
            Word::Whole(_) => {}
        }
    }

    /// # Safety
    /// The next field is a readable `CK_ULONG`.
    unsafe fn ulong(&mut self) -> CK_ULONG {
        // SAFETY: the caller vouches for the field.
        unsafe { self.field(ULONG).cast::<CK_ULONG>().read_unaligned() }
    }

    /// # Safety
    /// The next field is a readable pointer.
    unsafe fn pointer(&mut self) -> *const c_void {
        // SAFETY: the caller vouches for the field.
        unsafe { self.field(POINTER).cast::<*const c_void>().read_unaligned() }
    }

    /// Reads a word that has no structure behind it.
    ///
    /// # Safety
    /// The next field is as the word says.
    unsafe fn leaf(&mut self, word: LeafWord) -> Result<Leaf, Rv> {
        // SAFETY: the caller vouches for the field.
        unsafe {
            Ok(match word {
                LeafWord::Ulong => Leaf::Ulong(self.ulong()),
                LeafWord::Bool => Leaf::Bool(self.field((1, 1)).read()),
                LeafWord::Inline(len) => {
                    let at = self.field((usize::from(len), 1));
                    Leaf::Bytes(Bytes::from(std::slice::from_raw_parts(at, usize::from(len))))
                }
                LeafWord::Bytes => {
                    let at = self.pointer();
                    behind(at, self.ulong())?
                }
                LeafWord::LenBytes => {
                    let len = self.ulong();
                    behind(self.pointer(), len)?
                }
            })
        }
    }

    /// Reads a word.
    ///
    /// # Safety
    /// The next field is as the word says.
    unsafe fn word(&mut self, word: &Word) -> Result<Value, Rv> {
        let leaf = match word {
            Word::Ulong => LeafWord::Ulong,
            Word::Bool => LeafWord::Bool,
            Word::Inline(len) => LeafWord::Inline(*len),
            // Only at the end of a structure, where nothing is left of it.
            Word::Whole(_) => LeafWord::Inline(0),
            Word::Bytes => LeafWord::Bytes,
            Word::LenBytes => LeafWord::LenBytes,
            Word::Struct(leaves) => {
                // SAFETY: the caller vouches for the field.
                let at = unsafe { self.pointer() };
                if at.is_null() {
                    return Ok(Value::Null);
                }
                let mut walk = Self::new(at);
                // SAFETY: not null; the structure behind the pointer is as the layout says.
                let values =
                    leaves.iter().map(|leaf| unsafe { walk.leaf(*leaf) }).collect::<Result<_, _>>()?;
                return List::new(values).map(Value::Struct).ok_or(Rv::DEVICE_ERROR);
            }
        };
        // SAFETY: the caller vouches for the field.
        unsafe { self.leaf(leaf) }.map(Value::from)
    }
}

/// Whether a parameter of so many bytes can be the one that this layout describes.
fn fits(layout: &[Word], len: CK_ULONG) -> bool {
    match layout {
        [Word::Whole(most)] => (1..=CK_ULONG::from(*most)).contains(&len),
        structure => size(structure) as CK_ULONG == len,
    }
}

/// The size of a structure, in bytes: that of its words, each aligned, and of the whole, aligned as its
/// strictest word.
fn size(layout: &[Word]) -> usize {
    let mut walk = Walk::new(std::ptr::null());
    for word in layout {
        walk.skip(word);
    }
    walk.offset.next_multiple_of(walk.align)
}

/// Reads a parameter of `len` bytes, which fits the layout.
///
/// # Safety
/// `at` is readable as the layout says.
unsafe fn words(at: *const c_void, layout: &[Word], len: CK_ULONG) -> Result<List<Value, MAX_VALUES>, Rv> {
    let mut walk = Walk::new(at);
    let values = match layout {
        // SAFETY: the caller keeps this contract.
        [Word::Whole(_)] => vec![unsafe { behind(at, len) }?.into()],
        // SAFETY: as above.
        structure => structure.iter().map(|word| unsafe { walk.word(word) }).collect::<Result<_, _>>()?,
    };
    List::new(values).ok_or(Rv::DEVICE_ERROR)
}

/// The bytes behind a pointer.
unsafe fn behind(at: *const c_void, len: CK_ULONG) -> Result<Leaf, Rv> {
    if at.is_null() && len != 0 {
        return Ok(Leaf::Null);
    }
    // SAFETY: the caller vouches for the pointer.
    let read = unsafe { bytes(at.cast(), len, MAX_BYTES as usize, Rv::MECHANISM_PARAM_INVALID) }?;
    Ok(Leaf::Bytes(Bytes::from(read)))
}
