//! Decryption (PKCS#11 3.2, "Decryption functions").

use cryptoki_sys::{CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::decrypt::{Decrypt, DecryptFinal, DecryptInit, DecryptUpdate};
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
pub unsafe extern "C" fn C_DecryptInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_DecryptInit`.
        let mechanism = unsafe { mechanism::optional(mechanism, &application) }?;
        client.begin(&DecryptInit { session: SessionHandle(session), mechanism, key: ObjectHandle(key) }, &application)
    })
}

/// # Safety
/// `encrypted` is null or readable for `encrypted_len` bytes, `data_len` is null or writable, and `data` is null or
/// writable for `*data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Decrypt(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, data: *mut CK_BYTE, data_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_Decrypt`.
        let arguments = unsafe { memory::through(encrypted, encrypted_len, Rv::ENCRYPTED_DATA_LEN_RANGE, data, data_len) };
        let (encrypted, offer) = or_end(arguments, || client.cancel(&end(session)))?;
        client.step((session, Kind::Decrypt), &Decrypt { session, data: encrypted, room: offer.room() }, &offer, true)
    })
}

/// # Safety
/// `encrypted` is null or readable for `encrypted_len` bytes, `data_len` is null or writable, and `data` is null or
/// writable for `*data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptUpdate(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, data: *mut CK_BYTE, data_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DecryptUpdate`.
        let arguments = unsafe { memory::through(encrypted, encrypted_len, Rv::ENCRYPTED_DATA_LEN_RANGE, data, data_len) };
        let (encrypted, offer) = or_end(arguments, || client.cancel(&end(session)))?;
        client.step((session, Kind::Decrypt), &DecryptUpdate { session, data: encrypted, room: offer.room() }, &offer, false)
    })
}

/// # Safety
/// `data_len` is null or writable, and `data` is null or writable for `*data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptFinal(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DecryptFinal`.
        let offer = or_end(unsafe { Offer::new(data, data_len) }, || client.cancel(&end(session)))?;
        client.step((session, Kind::Decrypt), &DecryptFinal { session, room: offer.room() }, &offer, true)
    })
}

/// The call that ends the operation.
const fn end(session: SessionHandle) -> DecryptInit {
    DecryptInit { session, mechanism: None, key: ObjectHandle::INVALID }
}
