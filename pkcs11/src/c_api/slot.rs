//! Slots and tokens (PKCS#11 3.2, "Slot and token management functions").

use std::ffi::c_void;
use std::time::Duration;

use cryptoki_sys::{
    CK_BBOOL, CK_FALSE, CK_FLAGS, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_RV, CK_SLOT_ID, CK_SLOT_INFO,
    CK_TOKEN_INFO, CK_ULONG, CK_UTF8CHAR, CKF_DONT_BLOCK,
};
use wire::calls::slot::{
    GetMechanismInfo, GetMechanismList, GetSlotInfo, GetSlotList, GetTokenInfo, InitToken, WaitForSlotEvent,
};
use wire::{MechanismId, Rv, SlotId};

use crate::memory::{self, ListOffer, Out};
use crate::process::{self, enter};

use super::{padded, version};

/// How often a blocking `C_WaitForSlotEvent` asks.
const EVERY: Duration = Duration::from_millis(200);
/// How often it looks whether `C_Finalize` was called.
const LOOK: Duration = Duration::from_millis(20);

/// # Safety
/// `count` is null or writable, and `slots` is null or writable for `*count` slots.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotList(token_present: CK_BBOOL, slots: *mut CK_SLOT_ID, count: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetSlotList`.
        let to = unsafe { ListOffer::new(slots, count) }?;
        let list = client.look(&GetSlotList { token_present: token_present != CK_FALSE })?;
        to.fill(list.iter().map(|slot| slot.0))
    })
}

/// # Safety
/// `info` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetSlotInfo`.
        let to = unsafe { Out::new(info) }?;
        let info = client.look(&GetSlotInfo { slot: SlotId(slot) })?;
        to.set(CK_SLOT_INFO {
            slotDescription: padded(&info.description),
            manufacturerID: padded(&info.manufacturer),
            flags: info.flags,
            hardwareVersion: version(info.hardware_version),
            firmwareVersion: version(info.firmware_version),
        });
        Ok(())
    })
}

/// # Safety
/// `info` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetTokenInfo`.
        let to = unsafe { Out::new(info) }?;
        let info = client.look(&GetTokenInfo { slot: SlotId(slot) })?;
        to.set(CK_TOKEN_INFO {
            label: padded(&info.label),
            manufacturerID: padded(&info.manufacturer),
            model: padded(&info.model),
            serialNumber: padded(&info.serial),
            flags: info.flags,
            ulMaxSessionCount: info.max_sessions,
            ulSessionCount: info.sessions,
            ulMaxRwSessionCount: info.max_rw_sessions,
            ulRwSessionCount: info.rw_sessions,
            ulMaxPinLen: info.max_pin_len,
            ulMinPinLen: info.min_pin_len,
            ulTotalPublicMemory: info.total_public_memory,
            ulFreePublicMemory: info.free_public_memory,
            ulTotalPrivateMemory: info.total_private_memory,
            ulFreePrivateMemory: info.free_private_memory,
            hardwareVersion: version(info.hardware_version),
            firmwareVersion: version(info.firmware_version),
            utcTime: padded(&info.utc_time),
        });
        Ok(())
    })
}

/// # Safety
/// `count` is null or writable, and `mechanisms` is null or writable for `*count` types.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismList(slot: CK_SLOT_ID, mechanisms: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetMechanismList`.
        let to = unsafe { ListOffer::new(mechanisms, count) }?;
        let list = client.look(&GetMechanismList { slot: SlotId(slot) })?;
        to.fill(list.iter().map(|mechanism| mechanism.0))
    })
}

/// # Safety
/// `info` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismInfo(slot: CK_SLOT_ID, mechanism: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_GetMechanismInfo`.
        let to = unsafe { Out::new(info) }?;
        let info =
            client.look(&GetMechanismInfo { slot: SlotId(slot), mechanism: MechanismId(mechanism) })?;
        to.set(CK_MECHANISM_INFO {
            ulMinKeySize: info.min_key_size,
            ulMaxKeySize: info.max_key_size,
            flags: info.flags,
        });
        Ok(())
    })
}

/// # Safety
/// `pin` is null or readable for `pin_len` bytes, `label` for 32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_InitToken(slot: CK_SLOT_ID, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG, label: *mut CK_UTF8CHAR) -> CK_RV {
    enter(|client| {
        // SAFETY: the caller keeps the contract of `C_InitToken`.
        let (pin, label) = unsafe { (memory::pin(pin, pin_len)?, memory::label(label)?) };
        client.call(&InitToken { slot: SlotId(slot), pin, label })
    })
}

/// Asks the daemon again and again, until there is an event or `C_Finalize` is called.
///
/// # Safety
/// `slot` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_WaitForSlotEvent(flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void) -> CK_RV {
    enter(|client| {
        memory::reserved(reserved)?;
        // SAFETY: the caller keeps the contract of `C_WaitForSlotEvent`.
        let to = unsafe { Out::new(slot) }?;
        loop {
            if let Some(slot) = client.look(&WaitForSlotEvent {})? {
                to.set(slot.0);
                return Ok(());
            }
            if flags & CKF_DONT_BLOCK != 0 {
                return Err(Rv::NO_EVENT);
            }
            for _ in 0..EVERY.as_millis() / LOOK.as_millis() {
                std::thread::sleep(LOOK);
                if !process::is_initialized() {
                    return Err(Rv::CRYPTOKI_NOT_INITIALIZED);
                }
            }
        }
    })
}
