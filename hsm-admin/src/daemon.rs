//! The way to the daemon: one connection a command, so that a console outlives a restart of `hsmd`.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wire::admin::{Ask, Told};
use wire::{codec, frame};
use zeroize::Zeroize;

use crate::error::Error;

/// Where a daemon of the system listens.
const SYSTEM_SOCKET: &str = "/run/claviger/admin.sock";
/// The longest a command may take: destroying a large partition, or deriving a key from a passphrase.
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon, by its admin socket.
#[derive(Debug)]
pub(crate) struct Daemon {
    socket: PathBuf,
    patience: Duration,
}

impl Daemon {
    /// The daemon at `socket`, or at the user's own socket if that is there, or the system's.
    pub(crate) fn at(socket: Option<PathBuf>) -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let socket = socket.unwrap_or_else(|| default_socket(runtime.as_deref()));
        Self { socket, patience: PATIENCE }
    }

    /// The same daemon for one who will not wait: completion at the console.
    pub(crate) fn impatient(&self) -> Self {
        Self { socket: self.socket.clone(), patience: Duration::from_secs(1) }
    }

    /// The admin socket's path.
    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Asks, and takes a refusal for an error: [`Error::Sealed`] if the daemon waits for its root key.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Told, Error> {
        match self.exchange(ask)? {
            Told::Failed { reason } if !matches!(ask, Ask::Unseal { .. }) && self.is_sealed() => {
                Err(Error::Sealed(reason))
            }
            Told::Failed { reason } => Err(Error::Failed(reason)),
            told => Ok(told),
        }
    }

    fn is_sealed(&self) -> bool {
        matches!(self.exchange(&Ask::Status), Ok(Told::Status(status)) if status.sealed)
    }

    fn exchange(&self, ask: &Ask) -> Result<Told, Error> {
        let mut stream = self.connect()?;
        let mut request = Vec::new();
        frame::begin(&mut request);
        let sent = match codec::encode(ask, &mut request) {
            Ok(()) => frame::end(&mut request, &mut stream),
            Err(_) => Err(io::ErrorKind::InvalidInput.into()),
        };
        request.zeroize(); // it may hold a PIN
        match sent {
            // A daemon that does not serve this user says so, and does not wait for the question.
            Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => return Err(self.broken(cause)),
            _ => {}
        }
        let mut reply = Vec::new();
        frame::read(&mut stream, &mut reply).map_err(|cause| self.broken(cause))?;
        codec::decode(&reply).map_err(|_| Error::Unknown)
    }

    fn connect(&self) -> Result<UnixStream, Error> {
        let stream = UnixStream::connect(&self.socket).map_err(|cause| self.unreachable(cause))?;
        stream
            .set_read_timeout(Some(self.patience))
            .and_then(|()| stream.set_write_timeout(Some(self.patience)))
            .map_err(|cause| self.broken(cause))?;
        Ok(stream)
    }

    fn unreachable(&self, cause: io::Error) -> Error {
        let socket = self.socket.clone();
        match cause.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NoDaemon(socket),
            io::ErrorKind::PermissionDenied => Error::NoPermission(socket),
            _ => Error::Unreachable { socket, cause },
        }
    }

    fn broken(&self, cause: io::Error) -> Error {
        let socket = self.socket.clone();
        match cause.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Error::HungUp(socket)
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Error::TimedOut { socket, seconds: self.patience.as_secs() }
            }
            io::ErrorKind::InvalidData => Error::Unknown,
            _ => Error::Unreachable { socket, cause },
        }
    }
}

/// The user's own socket, if it is there; else the system's.
fn default_socket(runtime: Option<&Path>) -> PathBuf {
    runtime
        .map(|dir| dir.join("claviger/admin.sock"))
        .filter(|socket| socket.exists())
        .unwrap_or_else(|| PathBuf::from(SYSTEM_SOCKET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_socket_goes_before_the_systems_if_it_is_there() {
        let runtime = tempfile::tempdir().unwrap();
        assert_eq!(default_socket(None), Path::new(SYSTEM_SOCKET));
        assert_eq!(default_socket(Some(runtime.path())), Path::new(SYSTEM_SOCKET));
        std::fs::create_dir(runtime.path().join("claviger")).unwrap();
        let socket = runtime.path().join("claviger/admin.sock");
        std::fs::write(&socket, "").unwrap();
        assert_eq!(default_socket(Some(runtime.path())), socket);
    }
}
