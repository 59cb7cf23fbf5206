//! The anchor in a file: two slots written in turn, so that a crash leaves the new state or the one before.
//!
//! It belongs where whoever can put back an old copy of the store cannot put back an old copy of it: in a
//! directory that no backup of the store covers, at the least.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crypto::Hash;
use hsm::vault::{Anchor, AnchorError, AnchorState};
use parking_lot::Mutex;

/// A slot is a sector, which a disk writes whole or not at all.
const SLOT: u64 = 512;
const SUM: usize = 8;
const USED: usize = AnchorState::LEN + SUM;

/// An anchor in a file.
#[derive(Debug)]
pub(crate) struct FileAnchor {
    path: PathBuf,
    file: Mutex<Option<File>>,
    /// Whether the store is being destroyed, which a late commit must not undo. Changed while `file` is held.
    zeroizing: AtomicBool,
}

impl FileAnchor {
    /// The anchor in `directory`. Nothing is opened or made before it is used.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join("anchor"), file: Mutex::new(None), zeroizing: AtomicBool::new(false) }
    }

    fn failed(&self, error: &io::Error) -> AnchorError {
        AnchorError::Io(format!("{}: {error}", self.path.display()))
    }

    /// Makes the file, as durable as what will be in it.
    fn make(&self) -> io::Result<File> {
        let directory = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&self.path)?;
        if file.metadata()?.len() != 2 * SLOT {
            file.set_len(2 * SLOT)?;
            // The blocks are taken now, so that a full disk never keeps the anchor from moving.
            file.write_all_at(&[0; 2 * SLOT as usize], 0)?;
            file.sync_all()?;
            File::open(directory)?.sync_all()?;
        }
        Ok(file)
    }
}

impl Anchor for FileAnchor {
    fn read(&self) -> Result<Option<AnchorState>, AnchorError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        let slots: Vec<Slot> = bytes.chunks(SLOT as usize).map(Slot::parse).collect();
        let newest = slots.iter().filter_map(Slot::state).max_by_key(|state| state.sequence);
        // A slot may be torn by a crash while the other one is good; that is what there are two for.
        match newest {
            None if slots.iter().any(|slot| matches!(slot, Slot::Bad)) || slots.len() != 2 => {
                Err(AnchorError::Corrupt(format!("{} holds no whole state", self.path.display())))
            }
            newest => Ok(newest),
        }
    }

    fn advance(&self, state: &AnchorState) -> Result<(), AnchorError> {
        let mut slot = [0; USED];
        let bytes = state.to_bytes();
        let sum = sum(&bytes)?;
        slot.iter_mut().zip(bytes.iter().chain(&sum)).for_each(|(to, from)| *to = *from);
        let mut file = self.file.lock();
        if self.zeroizing.load(Ordering::Acquire) && !state.is_zeroizing() {
            return Err(AnchorError::Zeroizing);
        }
        let open = match file.take() {
            Some(open) => open,
            None => self.make().map_err(|error| self.failed(&error))?,
        };
        open.write_all_at(&slot, state.sequence % 2 * SLOT)
            .and_then(|()| open.sync_data())
            .map_err(|error| self.failed(&error))?;
        self.zeroizing.store(state.is_zeroizing(), Ordering::Release);
        *file = Some(open);
        Ok(())
    }

    fn forget(&self) -> Result<(), AnchorError> {
        let mut file = self.file.lock();
        *file = None;
        self.zeroizing.store(false, Ordering::Release);
        let open = match OpenOptions::new().write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            open => open.map_err(|error| self.failed(&error))?,
        };
        open.write_all_at(&[0; 2 * SLOT as usize], 0)
            .and_then(|()| open.sync_data())
            .map_err(|error| self.failed(&error))
    }
}

enum Slot {
    Empty,
    Bad,
    Good(AnchorState),
}

impl Slot {
    fn parse(bytes: &[u8]) -> Self {
        if bytes.iter().all(|byte| *byte == 0) {
            return Self::Empty;
        }
        let parse = || {
            let (state, rest) = bytes.split_first_chunk()?;
            let written = rest.first_chunk::<SUM>()?;
            (sum(state).ok()? == *written).then(|| AnchorState::from_bytes(state))?
        };
        parse().map_or(Self::Bad, Self::Good)
    }

    fn state(&self) -> Option<AnchorState> {
        match self {
            Self::Good(state) => Some(*state),
            Self::Empty | Self::Bad => None,
        }
    }
}

/// Tells a torn slot from a whole one; that nobody forged it, the vault sees by the MAC within.
fn sum(bytes: &[u8; AnchorState::LEN]) -> Result<[u8; SUM], AnchorError> {
    let digest = crypto::hash::digest(Hash::Sha256, bytes)?;
    digest.first_chunk().copied().ok_or_else(|| AnchorError::Corrupt("a digest of a wrong length".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(sequence: u64) -> AnchorState {
        let mut bytes = [7; AnchorState::LEN];
        bytes[16..24].copy_from_slice(&sequence.to_be_bytes());
        AnchorState::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn the_newest_state_is_read_back_by_another_opening() {
        let directory = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(&directory.path().join("made/on demand"));
        assert_eq!(anchor.read().unwrap(), None);
        for sequence in 0..5 {
            anchor.advance(&state(sequence)).unwrap();
            let again = FileAnchor::new(&directory.path().join("made/on demand"));
            assert_eq!(again.read().unwrap(), Some(state(sequence)));
        }
    }

    #[test]
    fn an_anchor_that_forgot_is_as_good_as_new() {
        let directory = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(directory.path());
        anchor.forget().unwrap();
        for sequence in [4, 5, u64::MAX] {
            anchor.advance(&state(sequence)).unwrap();
        }
        anchor.forget().unwrap();
        assert_eq!(anchor.read().unwrap(), None);
        anchor.advance(&state(0)).unwrap();
        assert_eq!(anchor.read().unwrap(), Some(state(0)));
    }

    #[test]
    fn a_torn_slot_leaves_the_state_before() {
        let directory = tempfile::tempdir().unwrap();
        let anchor = FileAnchor::new(directory.path());
        anchor.advance(&state(4)).unwrap();
        anchor.advance(&state(5)).unwrap();
        let path = directory.path().join("anchor");
        let whole = fs::read(&path).unwrap();
        for byte in 0..USED {
            let mut torn = whole.clone();
            torn[512 + byte] ^= 0x40;
            fs::write(&path, &torn).unwrap();
            assert_eq!(anchor.read().unwrap(), Some(state(4)));
            torn[byte] ^= 0x40;
            fs::write(&path, &torn).unwrap();
            assert!(matches!(anchor.read(), Err(AnchorError::Corrupt(_))), "byte {byte}");
        }
        fs::write(&path, &whole[..100]).unwrap();
        assert!(anchor.read().is_ok_and(|read| read == Some(state(4))));
        fs::write(&path, b"").unwrap();
        assert!(anchor.read().is_err());
    }
}
