//! The daemon's file of changes ([`wire::watch`]): received with its greeting, and mapped to be read.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU64, Ordering::Acquire};

use wire::watch::{BEGUN, ENDED, LEN};

/// The file, mapped.
pub(crate) struct Watch(NonNull<u8>);

// SAFETY: the mapping is only read, and atomically; it belongs to no thread.
unsafe impl Send for Watch {}
// SAFETY: as above.
unsafe impl Sync for Watch {}

impl Watch {
    /// Maps the file; none if it is not such a file, or cannot be mapped.
    pub(crate) fn map(file: &OwnedFd) -> Option<Self> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `stat` has room for what is written.
        if unsafe { libc::fstat(file.as_raw_fd(), stat.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: `fstat` filled it.
        let stat = unsafe { stat.assume_init() };
        // SAFETY: takes no pointer. A file without seals, which could become shorter, is refused: to read beyond
        // its end would end the process.
        let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
        if seals < 0 || seals & libc::F_SEAL_SHRINK == 0 || stat.st_size < LEN as libc::off_t {
            return None;
        }
        // SAFETY: a new mapping, where the kernel will have it.
        let at =
            unsafe { libc::mmap(null_mut(), LEN, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        if at == libc::MAP_FAILED { None } else { NonNull::new(at.cast()).map(Self) }
    }

    /// The number of changes so far; none while one is under way.
    pub(crate) fn changes(&self) -> Option<u64> {
        // In this order: a change that begins between the two looks makes them differ.
        let ended = self.count(ENDED);
        let begun = self.count(BEGUN);
        (begun == ended).then_some(ended)
    }

    fn count(&self, at: usize) -> u64 {
        // SAFETY: the mapping lasts as long as this value, has `LEN` bytes as sealed, and `at` is a place for a
        // `u64` in it, aligned since a mapping begins with a page. The daemon may write meanwhile, so it is read
        // atomically.
        unsafe { self.0.as_ptr().add(at).cast::<AtomicU64>().as_ref() }.map_or(0, |count| count.load(Acquire))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and not used any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), LEN) };
    }
}

/// Reads from a socket once, and takes the descriptor that came with what was read, if one did.
///
/// # Errors
/// What the kernel says.
pub(crate) fn receive(socket: &UnixStream, to: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    /// Room for one descriptor and its header, aligned as a header.
    #[repr(align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    let mut part = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    // SAFETY: a message of nothing is valid.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    let read = loop {
        // SAFETY: `message` names writable memory of the lengths it says, which outlives the call.
        let read = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        match usize::try_from(read) {
            Ok(read) => break read,
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    };
    // SAFETY: `message` is as `recvmsg` left it, and names `control`.
    let header = unsafe { libc::CMSG_FIRSTHDR(&raw const message).as_ref() };
    // SAFETY: takes no pointer.
    let whole = unsafe { libc::CMSG_LEN(size_of::<RawFd>() as u32) };
    let file = header.filter(|header| {
        (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS)
            && header.cmsg_len >= whole as usize
    });
    // SAFETY: the header is one of descriptors and long enough for one, which the kernel made for this process.
    let file = file.map(|header| unsafe {
        OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned())
    });
    Ok((read, file))
}
