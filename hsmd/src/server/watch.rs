//! The file through which an application learns that answers it was given may not hold any more (see
//! [`wire::watch`]): in memory, of a size that cannot change, and passed on to be read only.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use parking_lot::Mutex;
use tracing::warn;
use wire::watch::{BEGUN, ENDED, LEN};

/// One application's file.
pub(super) struct Watch {
    file: File,
    /// What is passed on.
    readable: File,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    begun: u64,
    ended: u64,
}

impl Watch {
    /// A file for an application; none if it cannot be had, for the application does without.
    pub(super) fn make() -> Option<Arc<dyn hsm::ports::Watch>> {
        match Self::new() {
            Ok(watch) => Some(Arc::new(watch)),
            Err(error) => {
                warn!(
                    "an application has to ask each time, since there is no file to tell it of changes: {error}"
                );
                None
            }
        }
    }

    fn new() -> io::Result<Self> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let file = File::from(memfd_create(c"claviger-watch", flags)?);
        file.set_len(LEN as u64)?;
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        // Opened anew, since a descriptor that is passed on carries the right to write with it.
        let readable = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        Ok(Self { file, readable, counts: Mutex::default() })
    }

    /// A file that is there, and of this size, takes eight bytes; so there is nothing to be done about an error,
    /// but to say so.
    fn write(&self, count: u64, at: usize) {
        if let Err(error) = self.file.write_all_at(&count.to_ne_bytes(), at as u64) {
            warn!("an application cannot be told of a change: {error}");
        }
    }
}

impl hsm::ports::Watch for Watch {
    fn begin(&self) {
        let mut counts = self.counts.lock();
        counts.begun += 1;
        self.write(counts.begun, BEGUN);
    }

    fn end(&self) {
        let mut counts = self.counts.lock();
        counts.ended += 1;
        self.write(counts.ended, ENDED);
    }

    fn file(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use hsm::ports::Watch as _;

    use super::*;

    fn counts(watch: &Watch) -> [u64; 2] {
        let mut bytes = [0; LEN];
        watch.readable.read_exact_at(&mut bytes, 0).unwrap();
        [BEGUN, ENDED].map(|at| u64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap()))
    }

    #[test]
    fn a_change_is_counted_when_it_begins_and_again_when_it_ends() {
        let watch = Watch::new().unwrap();
        assert_eq!(counts(&watch), [0, 0]);
        watch.begin();
        watch.begin();
        assert_eq!(counts(&watch), [2, 0]);
        watch.end();
        watch.end();
        assert_eq!(counts(&watch), [2, 2]);
    }

    #[test]
    fn what_is_passed_on_can_be_neither_written_nor_resized() {
        let watch = Watch::new().unwrap();
        assert!(watch.readable.write_at(&[1], 0).is_err());
        assert!(watch.file.set_len(0).is_err());
        assert!(watch.file.set_len(1 << 20).is_err());
    }
}
