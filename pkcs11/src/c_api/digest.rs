//! Digests (PKCS#11 3.2, "Message digesting functions").

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::digest::{Digest, DigestFinal, DigestInit, DigestKey, DigestUpdate};
use wire::{ObjectHandle, Rv, SessionHandle};

use crate::client::Kind;
use crate::memory::{self, Offer, mechanism};
use crate::process::enter;

use super::or_end;

/// A null mechanism ends the operation that is active.
///
/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_DigestInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &application) }?;
        client.begin(&DigestInit { session: SessionHandle(session), mechanism }, &application)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `digest_len` is null or writable, and `digest` is null or
/// writable for `*digest_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Digest(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, digest: *mut CK_BYTE, digest_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_Digest`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, digest, digest_len) };
        let (data, offer) = or_end(arguments, || client.cancel(&end(session)))?;
        client.step((session, Kind::Digest), &Digest { session, data, room: offer.room() }, &offer, true)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DigestUpdate`.
        let data = or_end(unsafe { memory::input(data, data_len, Rv::DATA_LEN_RANGE) }, || client.cancel(&end(session)))?;
        client.feed((session, Kind::Digest), &DigestUpdate { session, data }, false)
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        client.feed((session, Kind::Digest), &DigestKey { session, key: ObjectHandle(key) }, false)
    })
}

/// # Safety
/// `digest_len` is null or writable, and `digest` is null or writable for `*digest_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestFinal(session: CK_SESSION_HANDLE, digest: *mut CK_BYTE, digest_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DigestFinal`.
        let offer = or_end(unsafe { Offer::new(digest, digest_len) }, || client.cancel(&end(session)))?;
        client.step((session, Kind::Digest), &DigestFinal { session, room: offer.room() }, &offer, true)
    })
}

/// The call that ends the operation.
const fn end(session: SessionHandle) -> DigestInit {
    DigestInit { session, mechanism: None }
}
