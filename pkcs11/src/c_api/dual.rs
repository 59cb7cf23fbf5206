//! Two operations at once (PKCS#11 3.2, "Dual-function cryptographic functions").

use cryptoki_sys::{CK_BYTE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::decrypt::DecryptInit;
use wire::calls::digest::DigestInit;
use wire::calls::dual::{
    DecryptDigestUpdate, DecryptVerifyUpdate, DigestEncryptUpdate, SignEncryptUpdate,
};
use wire::calls::encrypt::EncryptInit;
use wire::calls::sign::SignInit;
use wire::calls::verify::VerifyInit;
use wire::{ObjectHandle, Rv, SessionHandle};

use crate::memory;
use crate::process::enter;

use super::or_end;

/// # Safety
/// `data` is null or readable for `data_len` bytes, `encrypted_len` is null or writable, and `encrypted` is null or
/// writable for `*encrypted_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestEncryptUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DigestEncryptUpdate`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, encrypted, encrypted_len) };
        let arguments = or_end(arguments, || client.cancel(&DigestInit { session, mechanism: None }));
        let (data, offer) = or_end(arguments, || client.cancel(&EncryptInit { session, mechanism: None, key: ObjectHandle::INVALID }))?;
        client.output(&DigestEncryptUpdate { session, data, room: offer.room() }, &offer)
    })
}

/// # Safety
/// `encrypted` is null or readable for `encrypted_len` bytes, `data_len` is null or writable, and `data` is null or
/// writable for `*data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptDigestUpdate(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, data: *mut CK_BYTE, data_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DecryptDigestUpdate`.
        let arguments = unsafe { memory::through(encrypted, encrypted_len, Rv::ENCRYPTED_DATA_LEN_RANGE, data, data_len) };
        let arguments = or_end(arguments, || client.cancel(&DecryptInit { session, mechanism: None, key: ObjectHandle::INVALID }));
        let (encrypted, offer) = or_end(arguments, || client.cancel(&DigestInit { session, mechanism: None }))?;
        client.output(&DecryptDigestUpdate { session, data: encrypted, room: offer.room() }, &offer)
    })
}

/// # Safety
/// `data` is null or readable for `data_len` bytes, `encrypted_len` is null or writable, and `encrypted` is null or
/// writable for `*encrypted_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignEncryptUpdate(session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_len: CK_ULONG, encrypted: *mut CK_BYTE, encrypted_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_SignEncryptUpdate`.
        let arguments = unsafe { memory::through(data, data_len, Rv::DATA_LEN_RANGE, encrypted, encrypted_len) };
        let arguments = or_end(arguments, || client.cancel(&SignInit { session, mechanism: None, key: ObjectHandle::INVALID }));
        let (data, offer) = or_end(arguments, || client.cancel(&EncryptInit { session, mechanism: None, key: ObjectHandle::INVALID }))?;
        client.output(&SignEncryptUpdate { session, data, room: offer.room() }, &offer)
    })
}

/// # Safety
/// `encrypted` is null or readable for `encrypted_len` bytes, `data_len` is null or writable, and `data` is null or
/// writable for `*data_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DecryptVerifyUpdate(session: CK_SESSION_HANDLE, encrypted: *mut CK_BYTE, encrypted_len: CK_ULONG, data: *mut CK_BYTE, data_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        // SAFETY: the caller keeps the contract of `C_DecryptVerifyUpdate`.
        let arguments = unsafe { memory::through(encrypted, encrypted_len, Rv::ENCRYPTED_DATA_LEN_RANGE, data, data_len) };
        let arguments = or_end(arguments, || client.cancel(&DecryptInit { session, mechanism: None, key: ObjectHandle::INVALID }));
        let (encrypted, offer) = or_end(arguments, || client.cancel(&VerifyInit { session, mechanism: None, key: ObjectHandle::INVALID }))?;
        client.output(&DecryptVerifyUpdate { session, data: encrypted, room: offer.room() }, &offer)
    })
}
