//! Sessions, log-in and PINs (PKCS#11 3.2, "Session management functions").

use std::ffi::c_void;

use cryptoki_sys::{
    CK_BYTE, CK_FLAGS, CK_NOTIFY, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_SESSION_INFO, CK_SLOT_ID,
    CK_ULONG, CK_USER_TYPE, CK_UTF8CHAR,
};
use wire::calls::session::{
    CloseAllSessions, CloseSession, GetOperationState, GetSessionInfo, InitPIN, Login, LoginUser, Logout, OpenSession,
    SessionCancel, SetOperationState, SetPIN,
};
use wire::{ObjectHandle, Rv, SessionHandle, SlotId};

use crate::memory::{self, Offer, Out};
use crate::process::enter;

/// The callback is never called: it could only offer to surrender a function, and none of ours stops for that.
///
/// # Safety
/// `session` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_OpenSession(slot: CK_SLOT_ID, flags: CK_FLAGS, _application: *mut c_void, _notify: CK_NOTIFY, session: *mut CK_SESSION_HANDLE) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_OpenSession`.
        let to = unsafe { Out::new(session) }?;
        to.set(client.look(&OpenSession { slot: SlotId(slot), flags })?.0);
        Ok(())
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    enter(|client| {
        let session = SessionHandle(session);
        client.call(&CloseSession { session })?;
        client.closed(session);
        Ok(())
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    enter(|client| {
        client.call(&CloseAllSessions { slot: SlotId(slot) })?;
        client.all_closed();
        Ok(())
    })
}

/// # Safety
/// `info` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetSessionInfo`.
        let to = unsafe { Out::new(info) }?;
        let info = client.look(&GetSessionInfo { session: SessionHandle(session) })?;
        to.set(CK_SESSION_INFO {
            slotID: info.slot,
            state: info.state,
            flags: info.flags,
            ulDeviceError: info.device_error,
        });
        Ok(())
    })
}

/// # Safety
/// `state_len` is null or writable, and `state` is null or writable for `*state_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetOperationState(session: CK_SESSION_HANDLE, state: *mut CK_BYTE, state_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetOperationState`.
        let offer = unsafe { Offer::new(state, state_len) }?;
        client.output(&GetOperationState { session: SessionHandle(session), room: offer.room() }, &offer)
    })
}

/// # Safety
/// `state` is null or readable for `state_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetOperationState(session: CK_SESSION_HANDLE, state: *mut CK_BYTE, state_len: CK_ULONG, encryption_key: CK_OBJECT_HANDLE, authentication_key: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_SetOperationState`.
        let state = unsafe { memory::input(state, state_len, Rv::SAVED_STATE_INVALID) }?;
        client.call(&SetOperationState {
            session: SessionHandle(session),
            state,
            encryption_key: ObjectHandle(encryption_key),
            authentication_key: ObjectHandle(authentication_key),
        })?;
        client.closed(SessionHandle(session));
        Ok(())
    })
}

/// # Safety
/// `pin` is null or readable for `pin_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Login(session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_Login`.
        let pin = unsafe { memory::pin(pin, pin_len) }?;
        client.call(&Login { session: SessionHandle(session), user, pin })
    })
}

/// # Safety
/// `pin` is null or readable for `pin_len` bytes, `name` for `name_len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_LoginUser(session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG, name: *mut CK_UTF8CHAR, name_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_LoginUser`.
        let (pin, name) = unsafe { (memory::pin(pin, pin_len)?, memory::user_name(name, name_len)?) };
        client.call(&LoginUser { session: SessionHandle(session), user, pin, name })
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Logout(session: CK_SESSION_HANDLE) -> CK_RV {
    enter(|client| {
        client.call(&Logout { session: SessionHandle(session) })
    })
}

/// # Safety
/// `pin` is null or readable for `pin_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_InitPIN(session: CK_SESSION_HANDLE, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_InitPIN`.
        let pin = unsafe { memory::pin(pin, pin_len) }?;
        client.call(&InitPIN { session: SessionHandle(session), pin })
    })
}

/// # Safety
/// `old` is null or readable for `old_len` bytes, `new` for `new_len`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetPIN(session: CK_SESSION_HANDLE, old: *mut CK_UTF8CHAR, old_len: CK_ULONG, new: *mut CK_UTF8CHAR, new_len: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_SetPIN`.
        let (old, new) = unsafe { (memory::pin(old, old_len)?, memory::pin(new, new_len)?) };
        client.call(&SetPIN { session: SessionHandle(session), old, new })
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> CK_RV {
    enter(|client| {
        client.call(&SessionCancel { session: SessionHandle(session), flags })
    })
}
