//! The daemon's sockets: made with their permissions, and taken away again.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::{Gid, Group, chown};

use hsm::ports::Peer;

/// Why a socket cannot be had.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub(crate) enum ListenError {
    #[error("socket {path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("socket {path}: another hsmd listens there")]
    Taken { path: PathBuf },
    #[error("socket {path}: there is something that is no socket")]
    NoSocket { path: PathBuf },
    #[error("[socket] group: there is no group {0:?}")]
    NoGroup(String),
}

/// A socket that listens. Its file goes when it is dropped.
pub(crate) struct Listener {
    path: PathBuf,
    /// Device and inode of the file, so that another daemon's is never removed.
    file: (u64, u64),
    pub(crate) socket: UnixListener,
}

impl Listener {
    /// Listens at `path` with these permissions. A file that a crash left behind is replaced.
    ///
    /// # Errors
    /// `Taken` if somebody listens there.
    pub(crate) fn bind(path: &Path, mode: u32, group: Option<&str>) -> Result<Self, ListenError> {
        let failed = |error| ListenError::Io { path: path.into(), error };
        let group = group.map(group_number).transpose()?;
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(directory).map_err(failed)?;
        }
        remove_stale(path)?;
        let socket = UnixListener::bind(path).map_err(failed)?;
        let metadata = fs::symlink_metadata(path).map_err(failed)?;
        let listener = Self { path: path.into(), file: (metadata.dev(), metadata.ino()), socket };
        if group.is_some() {
            chown(path, None, group).map_err(|error| failed(error.into()))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        listener.socket.set_nonblocking(true).map_err(failed)?;
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let ours = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino()) == self.file;
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| ours(&metadata)) {
            let _ = fs::remove_file(&self.path); // a file that stays is replaced by the next start
        }
    }
}

/// Removes the socket file of a daemon that is gone.
fn remove_stale(path: &Path) -> Result<(), ListenError> {
    let failed = |error| ListenError::Io { path: path.into(), error };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(ListenError::NoSocket { path: path.into() });
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) => Err(failed(error)),
        Ok(_) => Err(ListenError::Taken { path: path.into() }),
    }
}

fn group_number(name: &str) -> Result<Gid, ListenError> {
    if let Ok(number) = name.parse() {
        return Ok(Gid::from_raw(number));
    }
    let group = Group::from_name(name).ok().flatten();
    group.map(|group| group.gid).ok_or_else(|| ListenError::NoGroup(name.to_owned()))
}

/// Who is at the other end, as it was when it connected.
///
/// # Errors
/// What the kernel says.
pub(crate) fn peer(socket: &UnixStream) -> io::Result<Peer> {
    let credentials = getsockopt(socket, sockopt::PeerCredentials)?;
    Ok(Peer { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_has_its_mode_and_goes_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/a.sock");
        let listener = Listener::bind(&path, 0o640, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        drop(listener);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sock");
        drop(UnixListener::bind(&path).unwrap());
        let listener = Listener::bind(&path, 0o600, None).unwrap();
        assert!(matches!(Listener::bind(&path, 0o600, None), Err(ListenError::Taken { .. })));
        UnixStream::connect(&path).unwrap();
        drop(listener);
        fs::write(&path, "a file").unwrap();
        assert!(matches!(Listener::bind(&path, 0o600, None), Err(ListenError::NoSocket { .. })));
        assert!(path.exists());
    }

    #[test]
    fn a_group_that_does_not_exist_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let refused =
            Listener::bind(&directory.path().join("a"), 0o660, Some("no such group")).err().unwrap();
        assert!(refused.to_string().contains("no such group"));
    }

    #[test]
    fn the_peer_is_who_the_kernel_says() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = peer(&ours).unwrap();
        assert_eq!(peer.pid, std::process::id().cast_signed());
        assert_eq!(peer.uid, nix::unistd::geteuid().as_raw());
    }
}
