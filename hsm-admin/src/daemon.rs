//! The way to the daemon: one connection a command, so that a console outlives a restart of `hsmd`.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wire::admin::{Ask, MAX_CHUNK, Told};
use wire::{Bytes, codec, frame};
use zeroize::Zeroize;

use crate::error::Error;
use crate::screen::Bar;

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

    /// Asks, and takes a refusal for an error: [`Error::Sealed`] if the daemon waits for its root key. How far a
    /// long command has come is shown meanwhile.
    pub(crate) fn ask(&self, ask: &Ask) -> Result<Told, Error> {
        self.open()?.ask(ask)
    }

    /// A connection, for commands that belong together or move data.
    pub(crate) fn open(&self) -> Result<Conversation<'_>, Error> {
        Ok(Conversation { daemon: self, stream: self.connect()? })
    }

    fn is_sealed(&self) -> bool {
        let status = self.open().and_then(|mut open| open.exchange(&Ask::Status));
        matches!(status, Ok(Told::Status(status)) if status.sealed)
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

/// A connection to the daemon.
#[derive(Debug)]
pub(crate) struct Conversation<'a> {
    daemon: &'a Daemon,
    stream: UnixStream,
}

impl Conversation<'_> {
    /// As [`Daemon::ask`].
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Told, Error> {
        let told = self.exchange(ask)?;
        self.understand(told, matches!(ask, Ask::Unseal { .. }))
    }

    /// Sends the data that the daemon waits for since it said [`Told::Send`], and takes its answer.
    pub(crate) fn send(&mut self, mut data: impl io::Read) -> Result<Told, Error> {
        let mut chunk = vec![0; MAX_CHUNK];
        loop {
            let read = data.read(&mut chunk).map_err(Error::Read)?;
            let Some(read) = chunk.get(..read).filter(|read| !read.is_empty()) else { break };
            self.put(&Ask::Chunk(Bytes::from(read)))?;
        }
        chunk.zeroize();
        let told = self.exchange(&Ask::End)?;
        self.understand(told, false)
    }

    /// Hands what the daemon moves here, from `first` on, to `to`. Gives the answer after it.
    pub(crate) fn receive(&mut self, first: Told, to: &mut impl io::Write) -> Result<Told, Error> {
        let mut told = first;
        while let Told::Chunk(bytes) = told {
            to.write_all(&bytes).map_err(Error::Write)?;
            told = self.hear()?;
        }
        self.understand(told, false)
    }

    fn understand(&self, told: Told, unseals: bool) -> Result<Told, Error> {
        match told {
            Told::Failed { reason } if !unseals && self.daemon.is_sealed() => Err(Error::Sealed(reason)),
            Told::Failed { reason } => Err(Error::Failed(reason)),
            told => Ok(told),
        }
    }

    fn exchange(&mut self, ask: &Ask) -> Result<Told, Error> {
        self.put(ask)?;
        self.hear()
    }

    fn put(&mut self, ask: &Ask) -> Result<(), Error> {
        let mut request = Vec::new();
        frame::begin(&mut request);
        let sent = match codec::encode(ask, &mut request) {
            Ok(()) => frame::end(&mut request, &mut self.stream),
            Err(_) => Err(io::ErrorKind::InvalidInput.into()),
        };
        request.zeroize(); // it may hold a PIN
        match sent {
            // A daemon that does not serve this user says so, and does not wait for the question.
            Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => Err(self.daemon.broken(cause)),
            _ => Ok(()),
        }
    }

    /// The next answer; how far the command has come is shown and passed over.
    fn hear(&mut self) -> Result<Told, Error> {
        let mut bar = Bar::default();
        loop {
            let mut reply = Vec::new();
            frame::read(&mut self.stream, &mut reply).map_err(|cause| self.daemon.broken(cause))?;
            match codec::decode(&reply).map_err(|_| Error::Unknown)? {
                Told::Progress { done, total } => bar.show(done, total),
                told => return Ok(told),
            }
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
