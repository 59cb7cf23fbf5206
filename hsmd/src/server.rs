//! The daemon's doors: accepts connections, a thread for each, until a signal ends it.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use hsm::ports::Peer;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tracing::{error, info, warn};
use wire::Rv;

use crate::daemon::Daemon;
use crate::notify::notify;

pub(crate) mod admin;
pub(crate) mod budget;
pub(crate) mod connection;
mod describe;
pub(crate) mod incoming;
pub(crate) mod listener;
mod outgoing;
pub(crate) mod remote;
mod spares;
mod watch;

use budget::Exhausted;
use listener::{ListenError, Listener};

/// Enough for an RSA key of 8,192 bits and a PIN's check; what is not used is never made.
const STACK: usize = 512 << 10;
/// The stack of a console's thread, which may open the whole HSM.
const ADMIN_STACK: usize = 8 << 20;
/// Consoles at once.
const MAX_CONSOLES: usize = 32;
/// Connections accepted before the other doors and the signals are looked at again, however many wait.
const AT_ONCE: usize = 64;
/// Refusals at once, each a thread for as long as it takes to read a greeting.
const MAX_REFUSALS: usize = 64;

/// The signals that end the daemon, as a file to wait on. They are kept from every thread made later.
///
/// # Errors
/// What the kernel says.
pub(crate) fn block_signals() -> nix::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC)
}

/// Serves until a signal comes.
///
/// # Errors
/// If a socket cannot be had.
pub(crate) fn run(daemon: &Arc<Daemon>, signals: &SignalFd) -> Result<(), ListenError> {
    let config = &daemon.config.socket;
    let admin = Listener::bind(&config.admin(), 0o600, None)?;
    let applications = Listener::bind(&config.path, config.mode.0, config.group.as_deref())?;
    info!("hsmd {} listens at {}", env!("CARGO_PKG_VERSION"), config.path.display());
    notify(if daemon.hsm().is_ok() { "READY=1\nSTATUS=open" } else { "READY=1\nSTATUS=sealed" });

    if let Err(error) = remote::start(daemon) {
        error!("no instance is served: {error}");
    }

    let doors = Doors { daemon, consoles: Arc::default(), refusals: Arc::default() };
    loop {
        let mut ready = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(applications.socket.as_fd(), PollFlags::POLLIN),
            PollFd::new(admin.socket.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => error!("waiting for connections failed: {errno}"),
        }
        let [signal, application, console] = ready.map(|file| file.any().unwrap_or(false));
        if signal {
            break;
        }
        if application {
            accept(&applications, |socket, peer| doors.application(socket, peer));
        }
        if console {
            accept(&admin, |socket, peer| doors.console(socket, peer));
        }
    }
    info!("stopping");
    notify("STOPPING=1");
    drop((applications, admin));
    daemon.stop();
    Ok(())
}

/// Accepts those that wait, up to a bound.
fn accept(listener: &Listener, take: impl Fn(UnixStream, Peer) -> io::Result<()>) {
    for _ in 0..AT_ONCE {
        let socket = match listener.socket.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                error!("a connection cannot be accepted: {error}");
                // Most likely there are no file descriptors: others must close first.
                thread::sleep(Duration::from_millis(50));
                return;
            }
        };
        let taken = listener::peer(&socket).and_then(|peer| take(socket, peer));
        if let Err(error) = taken {
            error!("a connection cannot be served: {error}");
        }
    }
}

struct Doors<'a> {
    daemon: &'a Arc<Daemon>,
    consoles: Arc<AtomicUsize>,
    refusals: Arc<AtomicUsize>,
}

/// Counts one while it lasts.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// None if there are `limit` already.
    fn new(count: Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let more = |count: usize| (count < limit).then(|| count + 1);
        let counted = count.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok();
        counted.then(|| Self(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Doors<'_> {
    fn application(&self, socket: UnixStream, peer: Peer) -> io::Result<()> {
        let share = match self.daemon.connections.take(peer.uid, 1) {
            Ok(share) => share,
            Err(why) => return self.refuse(socket, peer, why),
        };
        let daemon = Arc::clone(self.daemon);
        let socket = daemon.sockets.admit(socket);
        spawn("application", STACK, move || {
            let _share = share;
            connection::serve(&daemon, &socket, peer, None);
        })
    }

    /// The greeting is read first, since a module that is still writing it would not see the answer.
    fn refuse(&self, socket: UnixStream, peer: Peer, why: Exhausted) -> io::Result<()> {
        let Peer { uid, pid, .. } = peer;
        let limit = self.daemon.config.limits.connections;
        let reason = match why {
            Exhausted::All => {
                warn!(uid, pid, "connection refused: the limit of {limit} connections is reached");
                format!("hsmd has {limit} connections, and that is its limit")
            }
            Exhausted::User(held) => {
                warn!(
                    uid,
                    pid, "connection refused: the user has {held} of {limit}, and the rest are for others"
                );
                format!("user {uid} has {held} of hsmd's {limit} connections, and the rest are for others")
            }
        };
        let Some(counted) = Counted::new(Arc::clone(&self.refusals), MAX_REFUSALS) else { return Ok(()) };
        spawn("refusal", STACK, move || {
            let _counted = counted;
            // Whether the peer takes the reason is its own affair.
            let _ = connection::refuse_greeting(&socket, Rv::DEVICE_MEMORY, &reason);
        })
    }

    fn console(&self, socket: UnixStream, peer: Peer) -> io::Result<()> {
        let Some(counted) = Counted::new(Arc::clone(&self.consoles), MAX_CONSOLES) else {
            warn!(uid = peer.uid, pid = peer.pid, "console refused: {MAX_CONSOLES} are connected");
            return Ok(());
        };
        let daemon = Arc::clone(self.daemon);
        let socket = daemon.sockets.admit(socket);
        spawn("console", ADMIN_STACK, move || {
            let _counted = counted;
            admin::serve(&daemon, &socket, peer);
        })
    }
}

fn spawn(name: &str, stack: usize, serve: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).stack_size(stack).spawn(serve).map(drop)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use wire::admin::{Ask, Told, backup, root};
    use wire::{codec, frame};

    use super::*;

    fn ask(console: &UnixStream, ask: &Ask) {
        let mut request = Vec::new();
        frame::begin(&mut request);
        codec::encode(ask, &mut request).unwrap();
        frame::end(&mut request, &mut &*console).unwrap();
    }

    fn told(console: &UnixStream) -> io::Result<Told> {
        let mut reply = Vec::new();
        frame::read(&mut &*console, &mut reply)?;
        Ok(codec::decode(&reply).unwrap())
    }

    #[test]
    fn sealing_ends_a_console_that_is_silent_in_the_middle_of_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = Arc::new(crate::daemon::tests::daemon(folder.path()));
        let doors = Doors { daemon: &daemon, consoles: Arc::default(), refusals: Arc::default() };
        let console = || {
            let (ours, theirs) = UnixStream::pair().unwrap();
            ours.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            doors.console(theirs, listener::peer(&ours).unwrap()).unwrap();
            ours
        };
        let (silent, asking) = (console(), console());
        let with = backup::With::Passphrase(b"a passphrase of some length".as_slice().into());
        ask(&silent, &Ask::Backup(backup::Ask::Verify { with }));
        assert!(matches!(told(&silent).unwrap(), Told::Send), "it waits for the file");
        ask(&asking, &Ask::Root(root::Ask::Seal));
        assert!(matches!(told(&asking).unwrap(), Told::Done), "and who asked is told");
        while told(&silent).is_ok_and(|told| matches!(told, Told::Failed { .. })) {}
        ask(&asking, &Ask::Unseal { passphrase: wire::Bytes::default() });
        assert!(matches!(told(&asking).unwrap(), Told::Done));
    }

    #[test]
    fn a_flood_of_connections_does_not_keep_the_daemon_from_its_other_doors() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.sock");
        let listener = Listener::bind(&path, 0o600, None).unwrap();
        let (accepted, waiting) = (Cell::new(0), Cell::new(Vec::new()));
        let flood = || {
            let mut more = waiting.take();
            more.push(UnixStream::connect(&path).unwrap());
            waiting.set(more);
        };
        flood();
        accept(&listener, |_, _| {
            // Another one comes for each that is accepted.
            accepted.set(accepted.get() + 1);
            assert!(accepted.get() <= AT_ONCE, "the flood is all that is looked at");
            flood();
            Ok(())
        });
        assert_eq!(accepted.get(), AT_ONCE);
    }
}
