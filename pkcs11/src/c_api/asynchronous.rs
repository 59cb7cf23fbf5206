//! Functions that go on in the background (PKCS#11 3.2, "Asynchronous function management functions").

use cryptoki_sys::{CK_ASYNC_DATA, CK_BYTE, CK_SESSION_HANDLE, CK_ULONG, CK_UTF8CHAR};

unsupported! {
    C_AsyncComplete(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, *mut CK_ASYNC_DATA);
    C_AsyncGetID(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, *mut CK_ULONG);
    C_AsyncJoin(CK_SESSION_HANDLE, *mut CK_UTF8CHAR, CK_ULONG, *mut CK_BYTE, CK_ULONG);
}
