//! The module as a C program uses it: initialised for as long as the value lives.

use std::ptr::{null, null_mut};

use claviger::c_api::*;
use cryptoki_sys::*;
use wire::MechanismId;

/// An initialised module.
pub struct Module;

impl Module {
    pub fn new() -> Self {
        assert_eq!(unsafe { C_Initialize(null_mut()) }, CKR_OK);
        Self
    }

    pub fn open_session(&self) -> CK_SESSION_HANDLE {
        open_session().unwrap()
    }

    /// A session that signs with a mechanism without parameter.
    pub fn signing(&self) -> CK_SESSION_HANDLE {
        let session = self.open_session();
        assert_eq!(sign_init(session), CKR_OK);
        session
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        unsafe { C_Finalize(null_mut()) };
    }
}

pub fn open_session() -> Result<CK_SESSION_HANDLE, CK_RV> {
    let mut session = 0;
    match unsafe { C_OpenSession(0, CKF_SERIAL_SESSION, null_mut(), None, &raw mut session) } {
        CKR_OK => Ok(session),
        rv => Err(rv),
    }
}

pub fn mechanism(id: MechanismId) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: id.0, pParameter: null_mut(), ulParameterLen: 0 }
}

pub fn sign_init(session: CK_SESSION_HANDLE) -> CK_RV {
    unsafe { C_SignInit(session, &mut mechanism(MechanismId(1)), 1) }
}

pub fn sign(session: CK_SESSION_HANDLE, data: &[u8]) -> Result<Vec<u8>, CK_RV> {
    let mut signature = vec![0; data.len() + 1024];
    let mut len = signature.len() as CK_ULONG;
    let rv = unsafe {
        C_Sign(
            session,
            data.as_ptr().cast_mut(),
            data.len() as CK_ULONG,
            signature.as_mut_ptr(),
            &raw mut len,
        )
    };
    signature.truncate(len as usize);
    if rv == CKR_OK { Ok(signature) } else { Err(rv) }
}

pub fn slots() -> Result<Vec<CK_SLOT_ID>, CK_RV> {
    let mut count = 0;
    let rv = unsafe { C_GetSlotList(CK_FALSE, null_mut(), &raw mut count) };
    if rv != CKR_OK {
        return Err(rv);
    }
    let mut slots = vec![0; count as usize];
    match unsafe { C_GetSlotList(CK_FALSE, slots.as_mut_ptr(), &raw mut count) } {
        CKR_OK => Ok(slots),
        rv => Err(rv),
    }
}

pub fn attribute(kind: u64, value: &[u8]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE {
        type_: kind,
        pValue: if value.is_empty() { null() } else { value.as_ptr() }.cast_mut().cast(),
        ulValueLen: value.len() as CK_ULONG,
    }
}
