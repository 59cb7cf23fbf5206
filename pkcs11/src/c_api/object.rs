//! Objects (PKCS#11 3.2, "Object management functions").

use cryptoki_sys::{CK_ATTRIBUTE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use wire::calls::object::{
    CopyObject, CreateObject, DestroyObject, FindObjects, FindObjectsFinal, FindObjectsInit,
    GetAttributeValue, GetObjectSize, MAX_FOUND, SetAttributeValue,
};
use wire::{ObjectHandle, Rv, SessionHandle};

use crate::memory::query::Query;
use crate::memory::template::template as read;
use crate::memory::{Out, Run};
use crate::process::enter;

/// # Safety
/// `template` is null or readable for `count` attributes, and each value for its length;
/// `object` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CreateObject(session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG, object: *mut CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_CreateObject`.
        let (to, template) = unsafe { (Out::new(object)?, read(template, count, &*client.application()?)?) };
        to.set(client.call(&CreateObject { session: SessionHandle(session), template })?.0);
        Ok(())
    })
}

/// # Safety
/// `template` is null or readable for `count` attributes, and each value for its length;
/// `copy` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CopyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG, copy: *mut CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_CopyObject`.
        let (to, template) = unsafe { (Out::new(copy)?, read(template, count, &*client.application()?)?) };
        let call = CopyObject { session: SessionHandle(session), object: ObjectHandle(object), template };
        to.set(client.call(&call)?.0);
        Ok(())
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    enter(|client| {
        client.call(&DestroyObject { session: SessionHandle(session), object: ObjectHandle(object) })
    })
}

/// # Safety
/// `size` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetObjectSize(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetObjectSize`.
        let to = unsafe { Out::new(size) }?;
        to.set(client.look(&GetObjectSize { session: SessionHandle(session), object: ObjectHandle(object) })?);
        Ok(())
    })
}

/// # Safety
/// `template` is null or readable and writable for `count` attributes, and each value is null or writable for
/// its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetAttributeValue`.
        let query = unsafe { Query::new(template, count, &*client.application()?) }?;
        let (session, object) = (SessionHandle(session), ObjectHandle(object));
        let answers = client.look(&GetAttributeValue { session, object, queries: query.asked()? })?;
        query.fill(&answers)
    })
}

/// # Safety
/// `template` is null or readable for `count` attributes, and each value for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_SetAttributeValue`.
        let template = unsafe { read(template, count, &*client.application()?) }?;
        let (session, object) = (SessionHandle(session), ObjectHandle(object));
        client.call(&SetAttributeValue { session, object, template })
    })
}

/// # Safety
/// `template` is null or readable for `count` attributes, and each value for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsInit(session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_FindObjectsInit`.
        let template = unsafe { read(template, count, &*client.application()?) }?;
        client.look(&FindObjectsInit { session: SessionHandle(session), template })
    })
}

/// # Safety
/// `objects` is null or writable for `max` handles, `count` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjects(session: CK_SESSION_HANDLE, objects: *mut CK_OBJECT_HANDLE, max: CK_ULONG, count: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_FindObjects`.
        let (mut to, count) = unsafe { (Run::new(objects, max)?, Out::new(count)?) };
        loop {
            let max = to.left().min(MAX_FOUND);
            let found = client.look(&FindObjects { session: SessionHandle(session), max: max as u64 })?;
            if found.len() > max {
                return Err(Rv::DEVICE_ERROR);
            }
            for object in found.iter() {
                to.push(&[object.0])?;
            }
            if found.len() < max || to.left() == 0 {
                count.set(to.filled() as CK_ULONG);
                return Ok(());
            }
        }
    })
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    enter(|client| {
        client.look(&FindObjectsFinal { session: SessionHandle(session) })
    })
}
