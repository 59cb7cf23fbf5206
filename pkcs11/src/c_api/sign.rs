//! Signatures and MACs (PKCS#11 3.2, "Signing and MACing functions").

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::sign::{Sign, SignFinal, SignInit, SignRecover, SignRecoverInit, SignUpdate};
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
pub unsafe extern "C" fn C_SignInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_SignInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &application) }?;
        client.begin(&SignInit { session: SessionHandle(session), mechanism, key: ObjectHandle(key) }, &application)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `signature_len` is null or writable, and `signature` is null or
/// writable for `*signature_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Sign(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_Sign`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, signature, signature_len) };
        let (data, offer) = or_end(arguments, || client.cancel(&end(session)))?;
        client.step((session, Kind::Sign), &Sign { session, data, room: offer.room() }, &offer, true)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_SignUpdate`.
        let data = or_end(unsafe { memory::input(data, data_len, Rv::DATA_LEN_RANGE) }, || client.cancel(&end(session)))?;
        client.feed((session, Kind::Sign), &SignUpdate { session, data }, false)
    })
}

/// # Safety
/// `signature_len` is null or writable, and `signature` is null or writable for `*signature_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_SignFinal`.
        let offer = or_end(unsafe { Offer::new(signature, signature_len) }, || client.cancel(&end(session)))?;
        client.step((session, Kind::Sign), &SignFinal { session, room: offer.room() }, &offer, true)
    })
}

/// A null mechanism ends the operation that is active.
///
/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignRecoverInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_SignRecoverInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &*client.application()?) }?;
        client.call(&SignRecoverInit { session: SessionHandle(session), mechanism, key: ObjectHandle(key) })
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `signature_len` is null or writable, and `signature` is null or
/// writable for `*signature_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignRecover(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_SignRecover`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, signature, signature_len) };
        let (data, offer) = or_end(arguments, || client.call(&end_recover(session)))?;
        client.output(&SignRecover { session, data, room: offer.room() }, &offer)
    })
}

/// The call that ends the operation.
const fn end(session: SessionHandle) -> SignInit {
    SignInit { session, mechanism: None, key: ObjectHandle::INVALID }
}

/// The call that ends the operation.
const fn end_recover(session: SessionHandle) -> SignRecoverInit {
    SignRecoverInit { session, mechanism: None, key: ObjectHandle::INVALID }
}
