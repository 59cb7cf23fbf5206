//! Encryption (PKCS#11 3.2, "Encryption functions").

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::encrypt::{Encrypt, EncryptFinal, EncryptInit, EncryptUpdate};
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
pub unsafe extern "C" fn C_EncryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_EncryptInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &application) }?;
        client.begin(&EncryptInit { session: SessionHandle(session), mechanism, key: ObjectHandle(key) }, &application)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `encrypted_len` is null or writable, and `encrypted` is null or
/// writable for `*encrypted_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Encrypt(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_Encrypt`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, encrypted, encrypted_len) };
        let (data, offer) = or_end(arguments, || client.cancel(&end(session)))?;
        client.step((session, Kind::Encrypt), &Encrypt { session, data, room: offer.room() }, &offer, true)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `encrypted_len` is null or writable, and `encrypted` is null or
/// writable for `*encrypted_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_EncryptUpdate`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, encrypted, encrypted_len) };
        let (data, offer) = or_end(arguments, || client.cancel(&end(session)))?;
        client.step((session, Kind::Encrypt), &EncryptUpdate { session, data, room: offer.room() }, &offer, false)
    })
}

/// # Safety
/// `encrypted_len` is null or writable, and `encrypted` is null or writable for `*encrypted_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_EncryptFinal(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_EncryptFinal`.
        let offer = or_end(unsafe { Offer::new(encrypted, encrypted_len) }, || client.cancel(&end(session)))?;
        client.step((session, Kind::Encrypt), &EncryptFinal { session, room: offer.room() }, &offer, true)
    })
}

/// The call that ends the operation.
const fn end(session: SessionHandle) -> EncryptInit {
    EncryptInit { session, mechanism: None, key: ObjectHandle::INVALID }
}
