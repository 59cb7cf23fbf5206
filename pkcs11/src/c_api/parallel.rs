//! Functions of old (PKCS#11 3.2, "Parallel function management functions").

use cryptoki_sys::{CK_RV, CK_SESSION_HANDLE};
use wire::Rv;

use crate::process::enter;

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionStatus(_session: CK_SESSION_HANDLE) -> CK_RV {
    enter(|_| Err(Rv::FUNCTION_NOT_PARALLEL))
}

/// # Safety
/// None: no pointer is taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CancelFunction(_session: CK_SESSION_HANDLE) -> CK_RV {
    enter(|_| Err(Rv::FUNCTION_NOT_PARALLEL))
}
