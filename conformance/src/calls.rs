//! The functions that share a shape, and room for what they give.

use std::ptr::null_mut;

use cryptoki_sys as ck;

use crate::names::Rv;
use crate::template::Template;

/// The place a caller offers for output.
#[derive(Clone, Copy, Debug)]
pub enum Room {
    /// A null pointer: only the length is asked for.
    Ask,
    /// A buffer of that many bytes.
    Bytes(usize),
}

/// What a function with output of variable length answered.
#[derive(Debug)]
pub struct Reply {
    /// The return code.
    pub rv: Rv,
    /// What the module wrote to the length.
    pub len: u64,
    /// The buffer, as the module left it.
    pub bytes: Vec<u8>,
    /// Whether the module wrote past the buffer.
    pub overrun: bool,
}

impl Reply {
    /// The output, if the call succeeded.
    ///
    /// # Errors
    /// The return code if it is not `CKR_OK`; `CKR_GENERAL_ERROR` if the length is more than the buffer's.
    pub fn ok(mut self) -> Result<Vec<u8>, Rv> {
        self.rv.ok()?;
        let len = usize::try_from(self.len).ok().filter(|len| *len <= self.bytes.len());
        self.bytes.truncate(len.ok_or(Rv(ck::CKR_GENERAL_ERROR))?);
        Ok(self.bytes)
    }
}

/// Functions that begin an operation with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the C function of that name with `Init`")]
pub enum Begin {
    Encrypt,
    Decrypt,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
}

/// Functions from bytes to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the C function of that name")]
pub enum Transform {
    Encrypt,
    EncryptUpdate,
    Decrypt,
    DecryptUpdate,
    Digest,
    Sign,
    SignRecover,
    VerifyRecover,
    DigestEncryptUpdate,
    DecryptDigestUpdate,
    SignEncryptUpdate,
    DecryptVerifyUpdate,
}

/// Functions that take bytes and give none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the C function of that name")]
pub enum Feed {
    DigestUpdate,
    SignUpdate,
    VerifyUpdate,
    VerifyFinal,
    SeedRandom,
}

/// Functions that give the last bytes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the C function of that name")]
pub enum Finish {
    EncryptFinal,
    DecryptFinal,
    DigestFinal,
    SignFinal,
    GetOperationState,
}

/// A session's handle.
pub type SessionHandle = ck::CK_SESSION_HANDLE;
/// An object's handle.
pub type ObjectHandle = ck::CK_OBJECT_HANDLE;

/// Offers `room` for output, with bytes behind it that show whether the module wrote too far.
pub(crate) fn output(room: Room, call: impl FnOnce(*mut u8, *mut ck::CK_ULONG) -> Rv) -> Reply {
    const GUARD: [u8; 64] = [0xa5; 64];
    let Room::Bytes(size) = room else {
        let mut len = 0;
        let rv = call(null_mut(), &raw mut len);
        return Reply { rv, len, bytes: Vec::new(), overrun: false };
    };
    let mut bytes = vec![0; size];
    bytes.extend_from_slice(&GUARD);
    let mut len = size as u64;
    let rv = call(bytes.as_mut_ptr(), &raw mut len);
    let overrun = bytes.split_off(size) != GUARD;
    Reply { rv, len, bytes, overrun }
}

/// Makes one object from a template.
pub(crate) fn made(
    template: &Template,
    call: impl FnOnce(*mut ck::CK_ATTRIBUTE, u64, *mut ObjectHandle) -> Rv,
) -> Result<ObjectHandle, Rv> {
    let mut handle = 0;
    let out = &raw mut handle;
    template.with_raw(|list| call(list.as_mut_ptr(), list.len() as u64, out)).ok()?;
    Ok(handle)
}
