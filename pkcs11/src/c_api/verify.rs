//! Checking signatures and MACs (PKCS#11 3.2, "Functions for verifying signatures and MACs").

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::verify::{
    Verify, VerifyFinal, VerifyInit, VerifyRecover, VerifyRecoverInit, VerifyUpdate,
};
use wire::{ObjectHandle, Rv, SessionHandle};

use crate::client::Kind;
use crate::memory::{self, mechanism};
use crate::process::enter;

use super::or_end;

/// A null mechanism ends the operation that is active.
///
/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_VerifyInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &application) }?;
        client.begin(&VerifyInit { session: SessionHandle(session), mechanism, key: ObjectHandle(key) }, &application)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `signature` for `signature_len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Verify(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_Verify`.
        let data = or_end(unsafe { memory::input(data, data_len, Rv::DATA_LEN_RANGE) }, || client.cancel(&end(session)))?;
        // SAFETY: as above.
        let signature = unsafe { memory::input(signature, signature_len, Rv::SIGNATURE_LEN_RANGE) };
        let signature = or_end(signature, || client.cancel(&end(session)))?;
        client.feed((session, Kind::Verify), &Verify { session, data, signature }, true)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_VerifyUpdate`.
        let data = or_end(unsafe { memory::input(data, data_len, Rv::DATA_LEN_RANGE) }, || client.cancel(&end(session)))?;
        client.feed((session, Kind::Verify), &VerifyUpdate { session, data }, false)
    })
}

/// # Safety
/// `signature` is null or readable for `signature_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyFinal(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_VerifyFinal`.
        let signature = or_end(unsafe { memory::input(signature, signature_len, Rv::SIGNATURE_LEN_RANGE) }, || client.cancel(&end(session)))?;
        client.feed((session, Kind::Verify), &VerifyFinal { session, signature }, true)
    })
}

/// A null mechanism ends the operation that is active.
///
/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyRecoverInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_VerifyRecoverInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &*client.application()?) }?;
        client.call(&VerifyRecoverInit { session: SessionHandle(session), mechanism, key: ObjectHandle(key) })
    })
}

/// # Safety
/// `signature` is null or readable for `signature_len` bytes, `data_len` is null or writable, and `data` is null or
/// writable for `*data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyRecover(session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_len: CK_ULONG, data: *mut CK_BYTE, data_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_VerifyRecover`.
        let arguments = unsafe { memory::through(signature, signature_len, Rv::SIGNATURE_LEN_RANGE, data, data_len) };
        let (signature, offer) = or_end(arguments, || client.call(&end_recover(session)))?;
        client.output(&VerifyRecover { session, signature, room: offer.room() }, &offer)
    })
}

/// The call that ends the operation.
const fn end(session: SessionHandle) -> VerifyInit {
    VerifyInit { session, mechanism: None, key: ObjectHandle::INVALID }
}

/// The call that ends the operation.
const fn end_recover(session: SessionHandle) -> VerifyRecoverInit {
    VerifyRecoverInit { session, mechanism: None, key: ObjectHandle::INVALID }
}
