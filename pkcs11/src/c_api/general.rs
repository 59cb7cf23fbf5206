//! Starting, ending, and what the library is (PKCS#11 3.2, "General-purpose functions").

use std::ffi::c_void;

use cryptoki_sys::{
    CK_FLAGS, CK_FUNCTION_LIST, CK_INFO, CK_INTERFACE, CK_RV, CK_ULONG, CK_UTF8CHAR, CK_VERSION,
};
use wire::Rv;

use crate::client::Client;
use crate::memory::{self, ListOffer, Out, initialize};
use crate::process::{self, enter, guard};

use super::table::{self, INTERFACES};
use super::{padded, version};

/// The standard that the library keeps.
const CRYPTOKI: (u8, u8) = (3, 2);

/// Makes no connection yet, so that a host which loads many modules is not held up by a daemon that is absent.
///
/// # Safety
/// `args` is null or points to a `CK_C_INITIALIZE_ARGS`. Its `pReserved` is null or a string: the path of the
/// daemon's socket.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Initialize(args: *mut c_void) -> CK_RV {
    guard(|| {
        process::start(|| {
            // SAFETY: the caller keeps the contract of `C_Initialize`.
            let arguments = unsafe { initialize::arguments(args) }?;
            Ok(Client::new(arguments))
        })
    })
}

/// # Safety
/// None: `reserved` is not read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    guard(|| {
        if !process::is_initialized() {
            return Err(Rv::CRYPTOKI_NOT_INITIALIZED);
        }
        memory::reserved(reserved)?;
        process::finish()
    })
}

/// # Safety
/// `info` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    enter(|_| {
        // SAFETY: the caller keeps the contract of `C_GetInfo`.
        let to = unsafe { Out::new(info) }?;
        to.set(CK_INFO {
            cryptokiVersion: version(CRYPTOKI),
            manufacturerID: padded("Claviger"),
            flags: 0,
            libraryDescription: padded("Claviger PKCS#11 module"),
            libraryVersion: version(RELEASE),
        });
        Ok(())
    })
}

/// The library's release, major and minor.
const RELEASE: (u8, u8) =
    (digits(env!("CARGO_PKG_VERSION_MAJOR").as_bytes()), digits(env!("CARGO_PKG_VERSION_MINOR").as_bytes()));

/// The number that decimal digits make; it does not compile if that is more than 255.
const fn digits(digits: &[u8]) -> u8 {
    match digits {
        [] => 0,
        [before @ .., digit] => self::digits(before) * 10 + (*digit - b'0'),
    }
}

/// Works before `C_Initialize` as well.
///
/// # Safety
/// `list` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    guard(|| {
        // SAFETY: the caller keeps the contract of `C_GetFunctionList`.
        let to = unsafe { Out::new(list) }?;
        to.set((&raw const table::LIST_2_40).cast_mut());
        Ok(())
    })
}

/// Works before `C_Initialize` as well.
///
/// # Safety
/// `count` is null or writable, and `interfaces` is null or writable for `*count` interfaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(interfaces: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    guard(|| {
        // SAFETY: the caller keeps the contract of `C_GetInterfaceList`.
        let to = unsafe { ListOffer::new(interfaces, count) }?;
        to.fill(INTERFACES.0.iter().copied())
    })
}

/// Works before `C_Initialize` as well. Without a name or version, the newest is meant.
///
/// # Safety
/// `name` is null or a string, `version` is null or readable, `interface` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    guard(|| {
        // SAFETY: the caller keeps the contract of `C_GetInterface`.
        let (name, version, to) =
            unsafe { (memory::name(name), memory::value(version), Out::new(interface)?) };
        let found = table::find(name, version.map(|version| (version.major, version.minor)), flags);
        to.set(std::ptr::from_ref(found.ok_or(Rv::ARGUMENTS_BAD)?).cast_mut());
        Ok(())
    })
}
