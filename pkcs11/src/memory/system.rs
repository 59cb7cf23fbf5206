//! The few things of the C library that std has not, or has not in a form that suits a guest in someone
//! else's process.

use std::ffi::{CStr, OsStr};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

/// An environment variable that is set and not empty; none in a set-uid program, whose environment is its
/// caller's. Does not take std's lock on the environment, which another thread could hold at a fork.
pub(crate) fn variable(name: &CStr) -> Option<PathBuf> {
    if is_privileged() {
        return None;
    }
    // SAFETY: `name` ends with a NUL.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: not null, so a string that the environment holds.
    let value = unsafe { CStr::from_ptr(value) };
    (!value.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(value.to_bytes())))
}

/// Whether the program runs with rights that its caller has not.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: reads a number that the kernel gave the process.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// The process's real user.
pub(crate) fn user() -> u32 {
    // SAFETY: cannot fail.
    unsafe { libc::getuid() }
}

/// Writes all of `parts`, one after another. Unlike `write`, a peer that is gone is an error and not a signal, which would end a
/// host that has no handler for it.
pub(crate) fn send(stream: &UnixStream, parts: [&[u8]; 3]) -> io::Result<()> {
    let mut parts = parts.map(IoSlice::new);
    let mut left = parts.as_mut_slice();
    IoSlice::advance_slices(&mut left, 0); // past those that are empty
    while !left.is_empty() {
        // SAFETY: a message of nothing is valid.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        // `IoSlice` is an `iovec`, as std promises.
        (message.msg_iov, message.msg_iovlen) = (left.as_mut_ptr().cast(), left.len());
        // SAFETY: `message` names the parts that are left, which are readable for their lengths.
        let sent = unsafe { libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
        match usize::try_from(sent) {
            Ok(sent) => IoSlice::advance_slices(&mut left, sent),
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
    Ok(())
}

/// Whether to wait for what has not arrived yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    No,
    Yes,
}

/// Reads once.
pub(crate) fn receive(stream: &UnixStream, to: &mut [u8], wait: Wait) -> io::Result<usize> {
    // SAFETY: `to` is writable for its length.
    unsafe { receive_to(stream, to.as_mut_ptr(), to.len(), wait) }
}

/// Reads once, at most `len` bytes.
///
/// # Safety
/// `to` is writable for `len` bytes.
pub(super) unsafe fn receive_to(
    stream: &UnixStream,
    to: *mut u8,
    len: usize,
    wait: Wait,
) -> io::Result<usize> {
    let flags = if wait == Wait::Yes { 0 } else { libc::MSG_DONTWAIT };
    // SAFETY: the caller vouches for `to`.
    let read = unsafe { libc::recv(stream.as_raw_fd(), to.cast(), len, flags) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// The processors that the process may run on.
pub(crate) fn processors() -> usize {
    // SAFETY: reads a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}

/// Makes room for so many bytes on their way out, as far as the system allows.
pub(crate) fn widen(stream: &UnixStream, bytes: libc::c_int) {
    // SAFETY: `bytes` is readable for its size. That it is refused costs speed and nothing else.
    unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_SNDBUF,
            (&raw const bytes).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

/// What tells one socket from all others, however descriptors are numbered.
pub(crate) fn inode(socket: RawFd) -> Option<u64> {
    let mut stat = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `stat` has room for what is written.
    if unsafe { libc::fstat(socket, stat.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: `fstat` filled it.
    let stat = unsafe { stat.assume_init() };
    (stat.st_mode & libc::S_IFMT == libc::S_IFSOCK).then_some(stat.st_ino)
}

/// Closes a descriptor that this process inherited, if it still is that socket.
pub(crate) fn close_inherited(socket: RawFd, its_inode: u64) {
    if inode(socket) == Some(its_inode) {
        // SAFETY: the descriptor is a copy that only the parent's client knows, and that client is never used
        // in this process.
        unsafe { libc::close(socket) };
    }
}
