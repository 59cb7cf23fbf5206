//! What `C_Initialize` is given (PKCS#11 3.2, "CK_C_INITIALIZE_ARGS").

use std::ffi::{OsStr, c_char, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr::null_mut;

use cryptoki_sys::{CK_C_INITIALIZE_ARGS, CKF_OS_LOCKING_OK, CKR_OK};
use wire::Rv;

/// The longest path of a Unix socket, with the NUL at its end.
const MAX_PATH: usize = 108;

type OnMutex = unsafe extern "C" fn(*mut c_void) -> cryptoki_sys::CK_RV;

/// The arguments of `C_Initialize`, read.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The mutex to use in place of the system's, if the application wants that.
    pub(crate) mutex: Option<Mutex>,
    /// The socket's path, from `pReserved`.
    pub(crate) socket: Option<PathBuf>,
}

/// A mutex of the application's own making.
pub(crate) struct Mutex {
    handle: *mut c_void,
    destroy: OnMutex,
    lock: OnMutex,
    unlock: OnMutex,
}

// SAFETY: a mutex is for use by several threads; the application's functions see to it.
unsafe impl Send for Mutex {}
// SAFETY: as above.
unsafe impl Sync for Mutex {}

/// Reads the arguments of `C_Initialize`, and makes the application's mutex if that is the one to use: when
/// there are callbacks and no `CKF_OS_LOCKING_OK`.
///
/// # Errors
/// `ARGUMENTS_BAD` if some callbacks are null and others not, or if `pReserved` is not an absolute path; what
/// `CreateMutex` says if that fails.
///
/// # Safety
/// `arguments` is null or points to a `CK_C_INITIALIZE_ARGS`, with functions as the standard describes.
pub(crate) unsafe fn arguments(arguments: *const c_void) -> Result<Arguments, Rv> {
    let arguments = arguments.cast::<CK_C_INITIALIZE_ARGS>();
    if arguments.is_null() {
        return Ok(Arguments::default());
    }
    // SAFETY: not null; the caller vouches for it.
    let arguments = unsafe { arguments.read_unaligned() };
    let callbacks =
        (arguments.CreateMutex, arguments.DestroyMutex, arguments.LockMutex, arguments.UnlockMutex);
    let callbacks = match callbacks {
        (Some(create), Some(destroy), Some(lock), Some(unlock)) => Some((create, destroy, lock, unlock)),
        (None, None, None, None) => None,
        _ => return Err(Rv::ARGUMENTS_BAD),
    };
    // SAFETY: the caller vouches for it, if it is not a pointer that the kernel refuses.
    let socket = unsafe { path(arguments.pReserved.cast()) }?;
    let mutex = match callbacks {
        Some((create, destroy, lock, unlock)) if arguments.flags & CKF_OS_LOCKING_OK == 0 => {
            let mut handle = null_mut();
            // SAFETY: the caller vouches for its function.
            match unsafe { create(&raw mut handle) } {
                CKR_OK => Some(Mutex { handle, destroy, lock, unlock }),
                rv => return Err(Rv(rv)),
            }
        }
        _ => None,
    };
    Ok(Arguments { mutex, socket })
}

/// A path, if the pointer is not null.
unsafe fn path(text: *const c_char) -> Result<Option<PathBuf>, Rv> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: the kernel reads a pointer that may be wild without harm, up to the NUL.
    let known = unsafe { libc::access(text, libc::F_OK) } == 0;
    let error = io::Error::last_os_error().raw_os_error();
    if !known && matches!(error, Some(libc::EFAULT | libc::ENAMETOOLONG)) {
        return Err(Rv::ARGUMENTS_BAD);
    }
    // SAFETY: the kernel has just read it to its NUL.
    let len = unsafe { libc::strnlen(text, MAX_PATH) };
    // SAFETY: as above; not longer than that.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    if len == MAX_PATH || !text.starts_with(b"/") {
        return Err(Rv::ARGUMENTS_BAD);
    }
    Ok(Some(PathBuf::from(OsStr::from_bytes(text))))
}

impl Mutex {
    /// Locks it until the turn is dropped.
    ///
    /// # Errors
    /// `GENERAL_ERROR` if the application's function fails.
    pub(crate) fn lock(&self) -> Result<Turn<'_>, Rv> {
        // SAFETY: the handle is what the application's `CreateMutex` made.
        match unsafe { (self.lock)(self.handle) } {
            CKR_OK => Ok(Turn(self)),
            _ => Err(Rv::GENERAL_ERROR),
        }
    }
}

impl Drop for Mutex {
    fn drop(&mut self) {
        // SAFETY: as in `lock`; nobody holds it, since a turn borrows it.
        unsafe { (self.destroy)(self.handle) };
    }
}

/// The application's mutex, locked.
pub(crate) struct Turn<'a>(&'a Mutex);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `lock`; it is locked by this thread.
        unsafe { (self.0.unlock)(self.0.handle) };
    }
}
