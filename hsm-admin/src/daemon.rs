//! The way to the daemon: one connection a command, so that a console outlives a restart of `hsmd`.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use wire::admin::command::{Command, Quorum, Who};
use wire::admin::{Ask, MAX_CHUNK, Told, approval, people};
use wire::{Bytes, List, codec, frame};
use zeroize::Zeroize;

use crate::caller::{Caller, Challenge};
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
    caller: Rc<Caller>,
}

impl Daemon {
    /// The daemon at `socket`, or at the user's own socket if that is there, or the system's.
    pub(crate) fn at(socket: Option<PathBuf>) -> Self {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let socket = socket.unwrap_or_else(|| default_socket(runtime.as_deref()));
        Self { socket, patience: PATIENCE, caller: Rc::default() }
    }

    /// The same daemon, to which this caller gives the commands.
    pub(crate) fn called_by(self, caller: Caller) -> Self {
        Self { caller: Rc::new(caller), ..self }
    }

    /// Who gives the commands.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The same daemon for one who will not wait: completion at the console.
    pub(crate) fn impatient(&self) -> Self {
        let (socket, caller) = (self.socket.clone(), Rc::clone(&self.caller));
        Self { socket, patience: Duration::from_secs(1), caller }
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
        Ok(Conversation { daemon: self, stream: self.connect()?, greeted: false })
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
    /// Whether the caller has been told of.
    greeted: bool,
}

impl Conversation<'_> {
    /// As [`Daemon::ask`]. Where a command needs somebody with a right to it, logs in first.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<Told, Error> {
        let command = ask.act().command;
        if command.who() != Who::Anyone {
            self.greet()?;
            if let Some(valid) =
                self.daemon.caller.requests_for().filter(|_| command.quorum() != Quorum::Never)
            {
                return Err(Error::Requested(Box::new(self.request(ask, valid)?)));
            }
        }
        let told = self.exchange(ask)?;
        self.understand(told, command == Command::Unseal)
    }

    /// Logs in and presents what others approved, once.
    pub(crate) fn greet(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.greeted, true) {
            return Ok(());
        }
        if self.daemon.caller.spec().is_some() {
            self.log_in()?;
        }
        for approval in self.daemon.caller.approvals() {
            let told = self.exchange(&Ask::Approval(approval::Ask::Present(approval)))?;
            self.understand(told, false)?;
        }
        Ok(())
    }

    fn log_in(&mut self) -> Result<(), Error> {
        // A daemon that is sealed knows nobody, and says so when it gets the command.
        let Ok(challenge) = self.challenge() else { return Ok(()) };
        let Some((ukey, signature)) = self.daemon.caller.answer(&challenge)? else { return Ok(()) };
        match self.exchange(&Ask::People(people::Ask::Login { ukey, signature }))? {
            // Before the HSM is initialised nobody needs to be known.
            Told::Failed { .. } if !challenge.owned => Ok(()),
            told => self.understand(told, false).map(drop),
        }
    }

    /// A challenge for the next signature on this connection.
    pub(crate) fn challenge(&mut self) -> Result<Challenge, Error> {
        let told = self.exchange(&Ask::People(people::Ask::Challenge))?;
        match self.understand(told, false)? {
            Told::People(people::Told::Challenge { hsm, challenge, pid, owned }) => {
                // What is signed says which process it is for: whoever passes our words on is another.
                if pid != std::process::id() {
                    return Err(Error::Failed(format!(
                        "hsmd sees process {pid} at the other end, and this is {}: something stands in between, \
                         or hsm-admin runs in another PID namespace than hsmd",
                        std::process::id()
                    )));
                }
                Ok(Challenge { hsm, challenge, pid, owned })
            }
            _ => Err(Error::Unknown),
        }
    }

    /// Has the daemon make a request for approvals of a command.
    fn request(&mut self, ask: &Ask, valid: u64) -> Result<approval::Request, Error> {
        let act = ask.act();
        let details = act.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let request = approval::Ask::Request {
            command: act.command,
            object: act.object.map(str::to_owned),
            partition: act.partition.map(str::to_owned),
            details: List::new(details)
                .ok_or_else(|| Error::Usage("the command has too many details".into()))?,
            valid,
        };
        let told = self.exchange(&Ask::Approval(request))?;
        match self.understand(told, false)? {
            Told::Approval(approval::Told::Request(request)) => Ok(request),
            _ => Err(Error::Unknown),
        }
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

    fn understand(&mut self, told: Told, unseals: bool) -> Result<Told, Error> {
        let Told::Failed { reason } = told else { return Ok(told) };
        let status = if unseals { Err(Error::Unknown) } else { self.exchange(&Ask::Status) };
        match status {
            Ok(Told::Status(status)) if status.sealed => Err(Error::Sealed(reason)),
            _ => Err(Error::Failed(reason)),
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
