//! Where raw pointers stop: the caller's memory becomes slices and values, and answers go back into it.
//!
//! No length or count is believed before it is bounded. Pointers may be unaligned.

use std::ffi::c_void;
use std::io;
use std::os::unix::net::UnixStream;

use cryptoki_sys::CK_ULONG;
use wire::{OutputSlice, Room, Rv, Slice};

pub(crate) mod initialize;
pub(crate) mod mechanism;
pub(crate) mod query;
pub(crate) mod shared;
pub(crate) mod system;
pub(crate) mod template;
pub(crate) mod watch;

/// The longest PIN, in bytes.
pub(crate) const MAX_PIN: usize = 256;
/// The longest name of a user that is read, in bytes; the daemon has its own, lower limit.
pub(crate) const MAX_NAME: usize = 256;
/// The most random bytes one call of `C_GenerateRandom` brings.
pub(crate) const MAX_RANDOM: usize = 256 << 20;

/// The caller's bytes.
///
/// # Errors
/// `ARGUMENTS_BAD` if they are at a null pointer and not empty; `too_long` if there are more than `max`.
///
/// # Safety
/// `data` is null or readable for `len` bytes while `'a` lasts.
pub(crate) unsafe fn bytes<'a>(
    data: *const u8,
    len: CK_ULONG,
    max: usize,
    too_long: Rv,
) -> Result<&'a [u8], Rv> {
    match (data.is_null(), usize::try_from(len)) {
        (_, Ok(0)) => Ok(&[]),
        (true, _) => Err(Rv::ARGUMENTS_BAD),
        // SAFETY: not null; the caller vouches for `len`.
        (false, Ok(len)) if len <= max => Ok(unsafe { std::slice::from_raw_parts(data, len) }),
        _ => Err(too_long),
    }
}

/// The data of a call.
///
/// # Errors
/// As [`bytes`].
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn input<'a>(data: *const u8, len: CK_ULONG, too_long: Rv) -> Result<Slice<'a>, Rv> {
    // SAFETY: the caller keeps this contract.
    unsafe { bytes(data, len, wire::frame::MAX_DATA as usize, too_long) }.map(Slice)
}

/// A PIN. None asks for the protected path.
///
/// # Errors
/// As [`bytes`]; `PIN_LEN_RANGE` if it is longer than [`MAX_PIN`].
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn pin<'a>(pin: *const u8, len: CK_ULONG) -> Result<Option<Slice<'a>>, Rv> {
    // SAFETY: the caller keeps this contract.
    let text = unsafe { bytes(pin, len, MAX_PIN, Rv::PIN_LEN_RANGE) }?;
    Ok((!pin.is_null()).then_some(Slice(text)))
}

/// A user's name.
///
/// # Errors
/// As [`bytes`]; `ARGUMENTS_BAD` if it is longer than [`MAX_NAME`].
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn user_name<'a>(name: *const u8, len: CK_ULONG) -> Result<Slice<'a>, Rv> {
    // SAFETY: the caller keeps this contract.
    unsafe { bytes(name, len, MAX_NAME, Rv::ARGUMENTS_BAD) }.map(Slice)
}

/// A token's label: 32 bytes.
///
/// # Errors
/// `ARGUMENTS_BAD` if it is null.
///
/// # Safety
/// `label` is null or readable for 32 bytes while `'a` lasts.
pub(crate) unsafe fn label<'a>(label: *const u8) -> Result<Slice<'a>, Rv> {
    // SAFETY: the caller vouches for the length.
    unsafe { bytes(label, 32, 32, Rv::ARGUMENTS_BAD) }.map(Slice)
}

/// A value that the caller hands in behind a pointer, if it is not null.
///
/// # Safety
/// `value` is null or readable.
pub(crate) unsafe fn value<T: Copy>(value: *const T) -> Option<T> {
    // SAFETY: not null; the caller vouches for it.
    (!value.is_null()).then(|| unsafe { value.read_unaligned() })
}

/// Refuses a pointer that the standard reserves.
///
/// # Errors
/// `ARGUMENTS_BAD` if it is not null.
pub(crate) fn reserved(pointer: *const c_void) -> Result<(), Rv> {
    if pointer.is_null() { Ok(()) } else { Err(Rv::ARGUMENTS_BAD) }
}

/// Room for one value.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Errors
    /// `ARGUMENTS_BAD` if it is null.
    ///
    /// # Safety
    /// `to` is null or writable while the value lasts.
    pub(crate) unsafe fn new(to: *mut T) -> Result<Self, Rv> {
        if to.is_null() { Err(Rv::ARGUMENTS_BAD) } else { Ok(Self(to)) }
    }

    /// Writes the value.
    pub(crate) fn set(&self, value: T) {
        // SAFETY: not null, and writable as `new` asks.
        unsafe { self.0.write_unaligned(value) };
    }
}

/// Room for output of variable length.
pub(crate) struct Offer {
    buffer: *mut u8,
    len: Out<CK_ULONG>,
    room: Room,
}

impl Offer {
    /// # Errors
    /// `ARGUMENTS_BAD` if `len` is null.
    ///
    /// # Safety
    /// `len` is null or writable, and `buffer` is null or writable for `*len` bytes, while the offer lasts.
    pub(crate) unsafe fn new(buffer: *mut u8, len: *mut CK_ULONG) -> Result<Self, Rv> {
        // SAFETY: the caller vouches for it.
        let have = unsafe { value(len) }.ok_or(Rv::ARGUMENTS_BAD)?;
        let room = if buffer.is_null() { Room::Ask } else { Room::Bytes(have) };
        // SAFETY: the caller vouches for it.
        Ok(Self { buffer, len: unsafe { Out::new(len) }?, room })
    }

    /// What the caller has room for.
    pub(crate) const fn room(&self) -> Room {
        self.room
    }

    /// Writes the answer (PKCS#11 3.2, "Conventions for functions returning output in a variable-length
    /// buffer").
    ///
    /// # Errors
    /// `BUFFER_TOO_SMALL` if that is the answer; `DEVICE_ERROR` if the daemon sent what was not offered for.
    pub(crate) fn fill(&self, output: OutputSlice<'_>) -> Result<(), Rv> {
        match (output, self.room) {
            (OutputSlice::Bytes(Slice(bytes)), Room::Bytes(have)) if bytes.len() as u64 <= have => {
                // SAFETY: the buffer is writable for `have` bytes as `new` asks. The frame is our own memory,
                // so that the two do not overlap.
                unsafe { self.buffer.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
                self.len.set(bytes.len() as CK_ULONG);
                Ok(())
            }
            (OutputSlice::Length(len), Room::Ask) => {
                self.len.set(len as CK_ULONG);
                Ok(())
            }
            (OutputSlice::TooSmall { needed }, Room::Bytes(_)) => {
                self.len.set(needed as CK_ULONG);
                Err(Rv::BUFFER_TOO_SMALL)
            }
            _ => Err(Rv::DEVICE_ERROR),
        }
    }
}

impl Offer {
    /// The room for output that is read from the socket straight into it: it is `len` bytes long as it is encoded, and
    /// begins with `start`, which is written at once. None if it is not output that fits.
    pub(crate) fn window(&self, start: &[u8], len: usize) -> Option<Window> {
        let (bytes, first) = OutputSlice::begun(start, len)?;
        let Room::Bytes(have) = self.room else { return None };
        if bytes as u64 > have || first.len() > bytes {
            return None;
        }
        // SAFETY: the buffer is writable for `have` bytes as `new` asks, and `first`, our own memory, is not longer.
        unsafe { self.buffer.copy_from_nonoverlapping(first.as_ptr(), first.len()) };
        Some(Window { buffer: self.buffer, filled: first.len(), len: bytes })
    }

    /// Notes that the window was filled.
    pub(crate) fn filled(&self, window: &Window) {
        self.len.set(window.filled as CK_ULONG);
    }
}

/// A part of the caller's memory that is filled from the socket. It is never seen as a slice: the data of the call that
/// is under way may be in the same place.
pub(crate) struct Window {
    buffer: *mut u8,
    filled: usize,
    len: usize,
}

impl Window {
    /// The bytes that are to come.
    pub(crate) const fn left(&self) -> usize {
        self.len - self.filled
    }

    /// Reads once.
    ///
    /// # Errors
    /// What the kernel says.
    pub(crate) fn receive(&mut self, stream: &UnixStream, wait: system::Wait) -> io::Result<usize> {
        // SAFETY: the buffer is writable for `len` bytes, as `Offer::window` checked against what `Offer::new` asks.
        let read = unsafe { system::receive_to(stream, self.buffer.add(self.filled), self.left(), wait) }?;
        self.filled += read;
        Ok(read)
    }
}

/// The data of a call and the room for its output.
///
/// # Errors
/// As [`bytes`] and [`Offer::new`].
///
/// # Safety
/// As [`bytes`] and [`Offer::new`].
pub(crate) unsafe fn through<'a>(
    data: *const u8,
    len: CK_ULONG,
    too_long: Rv,
    buffer: *mut u8,
    buffer_len: *mut CK_ULONG,
) -> Result<(Slice<'a>, Offer), Rv> {
    // SAFETY: the caller keeps this contract.
    unsafe { Ok((input(data, len, too_long)?, Offer::new(buffer, buffer_len)?)) }
}

/// Room for a list, in the manner of `C_GetSlotList`.
pub(crate) struct ListOffer<T> {
    items: *mut T,
    count: Out<CK_ULONG>,
    room: CK_ULONG,
}

impl<T: Copy> ListOffer<T> {
    /// # Errors
    /// `ARGUMENTS_BAD` if `count` is null.
    ///
    /// # Safety
    /// `count` is null or writable, and `items` is null or writable for `*count` items, while the offer lasts.
    pub(crate) unsafe fn new(items: *mut T, count: *mut CK_ULONG) -> Result<Self, Rv> {
        // SAFETY: the caller vouches for it.
        let room = unsafe { value(count) }.ok_or(Rv::ARGUMENTS_BAD)?;
        // SAFETY: the caller vouches for it.
        Ok(Self { items, count: unsafe { Out::new(count) }?, room })
    }

    /// Writes the items, or only their number if that is what was asked for.
    ///
    /// # Errors
    /// `BUFFER_TOO_SMALL` if they do not fit; the number is written all the same.
    pub(crate) fn fill(&self, items: impl ExactSizeIterator<Item = T>) -> Result<(), Rv> {
        self.count.set(items.len() as CK_ULONG);
        if self.items.is_null() {
            return Ok(());
        }
        if items.len() as u64 > self.room {
            return Err(Rv::BUFFER_TOO_SMALL);
        }
        for (index, item) in items.enumerate().take(usize::try_from(self.room).unwrap_or(usize::MAX)) {
            // SAFETY: `index` is less than `room`, for which the buffer is writable.
            unsafe { self.items.add(index).write_unaligned(item) };
        }
        Ok(())
    }
}

/// Room for a run of items, filled piece by piece.
pub(crate) struct Run<T> {
    items: *mut T,
    room: usize,
    filled: usize,
}

impl<T: Copy> Run<T> {
    /// # Errors
    /// `ARGUMENTS_BAD` if `items` is null.
    ///
    /// # Safety
    /// `items` is null or writable for `room` items while the run lasts.
    pub(crate) unsafe fn new(items: *mut T, room: CK_ULONG) -> Result<Self, Rv> {
        if items.is_null() {
            return Err(Rv::ARGUMENTS_BAD);
        }
        Ok(Self { items, room: usize::try_from(room).unwrap_or(usize::MAX), filled: 0 })
    }

    /// How many items more there is room for.
    pub(crate) const fn left(&self) -> usize {
        self.room - self.filled
    }

    /// How many items there are.
    pub(crate) const fn filled(&self) -> usize {
        self.filled
    }

    /// Writes items behind those already there.
    ///
    /// # Errors
    /// `DEVICE_ERROR` if there are more than there is room for.
    pub(crate) fn push(&mut self, items: &[T]) -> Result<(), Rv> {
        if items.len() > self.left() {
            return Err(Rv::DEVICE_ERROR);
        }
        // SAFETY: within `room`, for which the memory is writable; `items` is our own memory.
        unsafe { self.items.add(self.filled).copy_from_nonoverlapping(items.as_ptr(), items.len()) };
        self.filled += items.len();
        Ok(())
    }
}

/// The name of an interface, if the pointer is not null: what stands before the NUL, of at most 64 bytes.
///
/// # Safety
/// `name` is null or points to a string that ends with a NUL.
pub(crate) unsafe fn name<'a>(name: *const u8) -> Option<&'a [u8]> {
    if name.is_null() {
        return None;
    }
    // SAFETY: readable up to its NUL.
    let len = unsafe { libc::strnlen(name.cast(), 64) };
    // SAFETY: as above.
    Some(unsafe { std::slice::from_raw_parts(name, len) })
}
