//! The fake daemon's file of changes, and how it is passed on.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use wire::watch::{BEGUN, ENDED, LEN};

/// The file, and how many changes have begun and ended.
pub struct Watch {
    pub file: File,
    counts: Mutex<(u64, u64)>,
}

impl Watch {
    /// `seals`: what is sealed of it.
    pub fn new(seals: i32) -> Self {
        // SAFETY: the name ends with a NUL, and the descriptor is new.
        let file = unsafe {
            File::from_raw_fd(libc::memfd_create(
                c"watch".as_ptr(),
                libc::MFD_ALLOW_SEALING | libc::MFD_CLOEXEC,
            ))
        };
        file.set_len(LEN as u64).unwrap();
        // SAFETY: takes no pointer.
        assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }, 0);
        Self { file, counts: Mutex::default() }
    }

    pub fn begin(&self) {
        let mut counts = super::lock(&self.counts);
        counts.0 += 1;
        self.file.write_all_at(&counts.0.to_ne_bytes(), BEGUN as u64).unwrap();
    }

    pub fn end(&self) {
        let mut counts = super::lock(&self.counts);
        counts.1 += 1;
        self.file.write_all_at(&counts.1.to_ne_bytes(), ENDED as u64).unwrap();
    }

    pub fn change(&self) {
        self.begin();
        self.end();
    }

    /// Sends a frame, and the file with it.
    pub fn send(&self, frame: &[u8], stream: &UnixStream) -> io::Result<()> {
        let mut control = [0u64; 8];
        let mut part = libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() };
        // SAFETY: a message of nothing is valid; all that is put into it outlives the call.
        let sent = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(4) as usize;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            ((*header).cmsg_level, (*header).cmsg_type) = (libc::SOL_SOCKET, libc::SCM_RIGHTS);
            (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
            libc::CMSG_DATA(header).cast::<i32>().write_unaligned(self.file.as_raw_fd());
            libc::sendmsg(stream.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL)
        };
        if sent == frame.len() as isize { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
