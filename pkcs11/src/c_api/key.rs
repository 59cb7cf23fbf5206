//! Making, wrapping and deriving keys (PKCS#11 3.2, "Key management functions").

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
};
use wire::calls::key::{DeriveKey, GenerateKey, GenerateKeyPair, UnwrapKey, WrapKey};
use wire::{ObjectHandle, Rv, SessionHandle};

use crate::memory::mechanism::mechanism as parameter;
use crate::memory::template::template as read;
use crate::memory::{self, Offer, Out};
use crate::process::enter;

/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says;
/// `template` is null or readable for `count` attributes, and each value for its length;
/// `key` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKey(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, template: *mut CK_ATTRIBUTE, count: CK_ULONG, key: *mut CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_GenerateKey`.
        let (to, mechanism, template) = unsafe {
            (Out::new(key)?, parameter(mechanism, &application)?, read(template, count, &application)?)
        };
        to.set(client.call(&GenerateKey { session: SessionHandle(session), mechanism, template })?.0);
        Ok(())
    })
}

/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says;
/// `public` and `private` are null or readable for `public_count` and `private_count` attributes, and each value
/// for its length; `public_key` and `private_key` are null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKeyPair(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, public: *mut CK_ATTRIBUTE, public_count: CK_ULONG, private: *mut CK_ATTRIBUTE, private_count: CK_ULONG, public_key: *mut CK_OBJECT_HANDLE, private_key: *mut CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_GenerateKeyPair`.
        let (public_key, private_key) = unsafe { (Out::new(public_key)?, Out::new(private_key)?) };
        // SAFETY: as above.
        let (mechanism, public, private) = unsafe {
            (
                parameter(mechanism, &application)?,
                read(public, public_count, &application)?,
                read(private, private_count, &application)?,
            )
        };
        let session = SessionHandle(session);
        let made = client.call(&GenerateKeyPair { session, mechanism, public, private })?;
        public_key.set(made.0.0);
        private_key.set(made.1.0);
        Ok(())
    })
}

/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says;
/// `wrapped_len` is null or writable, and `wrapped` is null or writable for `*wrapped_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_WrapKey(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, wrapping_key: CK_OBJECT_HANDLE, key: CK_OBJECT_HANDLE, wrapped: *mut CK_BYTE, wrapped_len: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_WrapKey`.
        let offer = unsafe { Offer::new(wrapped, wrapped_len) }?;
        let call = WrapKey {
            session: SessionHandle(session),
            // SAFETY: as above.
            mechanism: unsafe { parameter(mechanism, &*client.application()?) }?,
            wrapping_key: ObjectHandle(wrapping_key),
            key: ObjectHandle(key),
            room: offer.room(),
        };
        client.output(&call, &offer)
    })
}

/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says;
/// `wrapped` is null or readable for `wrapped_len` bytes;
/// `template` is null or readable for `count` attributes, and each value for its length;
/// `key` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_UnwrapKey(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, unwrapping_key: CK_OBJECT_HANDLE, wrapped: *mut CK_BYTE, wrapped_len: CK_ULONG, template: *mut CK_ATTRIBUTE, count: CK_ULONG, key: *mut CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_UnwrapKey`.
        let (to, wrapped) =
            unsafe { (Out::new(key)?, memory::input(wrapped, wrapped_len, Rv::WRAPPED_KEY_LEN_RANGE)?) };
        let call = UnwrapKey {
            session: SessionHandle(session),
            // SAFETY: as above.
            mechanism: unsafe { parameter(mechanism, &application) }?,
            unwrapping_key: ObjectHandle(unwrapping_key),
            wrapped,
            // SAFETY: as above.
            template: unsafe { read(template, count, &application) }?,
        };
        to.set(client.call(&call)?.0);
        Ok(())
    })
}

/// # Safety
/// `mechanism` is null or readable, as is its parameter, and what that points to as its type says;
/// `template` is null or readable for `count` attributes, and each value for its length;
/// `key` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DeriveKey(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, base_key: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG, key: *mut CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        let application = client.application()?;
        // SAFETY: the caller keeps the contract of `C_DeriveKey`.
        let (mechanism, template) = unsafe {
            (parameter(mechanism, &application)?, read(template, count, &application)?)
        };
        let (session, base_key) = (SessionHandle(session), ObjectHandle(base_key));
        let call = DeriveKey { session, mechanism, base_key, template };
        // SAFETY: as above.
        let to = unsafe { Out::new(key) }?;
        to.set(client.call(&call)?.0);
        Ok(())
    })
}
