//! One application's connection: the handshake, then a call and its answer, one after the other.

use std::io::{self, IoSlice, Write};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hsm::Remote;
use hsm::ports::Peer;
use nix::sys::socket::sockopt::SndBuf;
use nix::sys::socket::{self, ControlMessage, MsgFlags, sendmsg};
use tracing::{debug, error, info, warn};
use wire::Rv;
use wire::calls::{
    self, Handled, Reply, decrypt, digest, dual, encrypt, key, object, random, session, sign, slot, verify,
};
use wire::codec::{Malformed, decode, encode};
use wire::frame;
use wire::handshake::{Hello, MAGIC, VERSION, Welcome};

use super::budget::Budget;
use super::incoming::{Incoming, Next};
use super::outgoing::Outgoing;
use super::watch::Watch;
use crate::daemon::Daemon;

/// How long a new connection may take to say who it is.
const HELLO: Duration = Duration::from_secs(10);
/// The longest greeting, in bytes.
const MAX_HELLO: u32 = 256;
/// How long a peer may take to read an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// What of an answer may be on its way, in bytes: a long one then goes out in few parts.
const OUT: usize = 1 << 20;

/// Why a connection is closed before its peer closes it.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("{0}")]
    Refused(String),
    #[error("no greeting came")]
    NoHello(#[source] io::Error),
    #[error("what came first is no greeting")]
    NotHello,
    #[error("call {code:#06x} does not decode")]
    Malformed { code: u16 },
    #[error("call {code:#06x} does not exist")]
    Unknown { code: u16 },
    #[error("a defect in call {code:#06x}")]
    Defect { code: u16 },
    #[error("half a frame came, and no more")]
    Half,
    #[error("an answer was not read")]
    NotRead,
    #[error("{0}")]
    Io(io::Error),
}

/// Reading says otherwise where it times out.
impl From<io::Error> for Closed {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::NotRead,
            _ => Self::Io(error),
        }
    }
}

/// Serves a connection, which may be one of another machine, until either side closes it.
pub(crate) fn serve(daemon: &Daemon, socket: &UnixStream, peer: Peer, remote: Option<Remote>) {
    let closed = converse(daemon, socket, peer, remote);
    let Peer { uid, pid, .. } = peer;
    match closed {
        Ok(()) => debug!(uid, pid, "connection closed"),
        // The peer is gone: it was killed, or closed while a reply was on its way.
        Err(Closed::Io(error))
            if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) =>
        {
            debug!(uid, pid, "connection lost");
        }
        Err(closed) => warn!(uid, pid, "connection closed: {closed}"),
    }
}

/// Refuses a connection, in words that the peer's module can pass on.
pub(crate) fn refuse(socket: &UnixStream, rv: Rv, reason: &str) -> io::Result<()> {
    socket.set_write_timeout(Some(HELLO))?;
    let mut frame = Vec::new();
    frame::begin(&mut frame);
    let refused = Welcome::Refused { rv, reason: reason.to_owned() };
    encode(&refused, &mut frame).map_err(|_| io::ErrorKind::InvalidData)?;
    frame::end(&mut frame, &mut &*socket)
}

/// Reads a greeting and refuses it.
pub(crate) fn refuse_greeting(socket: &UnixStream, rv: Rv, reason: &str) -> io::Result<()> {
    let budget = Arc::new(Budget::new(0));
    let _ = greeting(&mut Incoming::new(&budget, 0), socket); // refused whatever it is
    refuse(socket, rv, reason)
}

fn converse(daemon: &Daemon, socket: &UnixStream, peer: Peer, remote: Option<Remote>) -> Result<(), Closed> {
    let mut incoming = Incoming::new(&daemon.budget, peer.uid);
    let Some(hello) = greeting(&mut incoming, socket)? else { return Ok(()) };
    let refused = |rv: Rv, reason: String| {
        refuse(socket, rv, &reason)?;
        Err(Closed::Refused(reason))
    };
    if hello.oldest > VERSION || hello.newest < VERSION {
        let reason = format!(
            "the module speaks versions {} to {} of the protocol, and this hsmd {VERSION}",
            hello.oldest, hello.newest
        );
        return refused(Rv::DEVICE_ERROR, reason);
    }
    if hello.ulong_width != 8 || !hello.little_endian {
        return refused(Rv::DEVICE_ERROR, "hsmd serves 64-bit little-endian processes".into());
    }
    // A remote one has shown a certificate.
    if remote.is_none() && !may_connect(daemon, peer) {
        let reason =
            format!("user {} and group {} may not connect ([socket] uids, gids)", peer.uid, peer.gid);
        return refused(Rv::FUNCTION_REJECTED, reason);
    }
    let hsm = match daemon.hsm() {
        Ok(hsm) => hsm,
        Err(why) => return refused(Rv::DEVICE_ERROR, format!("hsmd is sealed: {why}")),
    };
    // On another machine nobody could read the file that tells of changes.
    let (is_here, connected) = match remote {
        None => (true, hsm.connect(peer, hello.join)),
        Some(remote) => (false, hsm.connect_remote(remote, hello.join)),
    };
    let application = match connected {
        Ok(application) => application,
        Err(error) => return refused(error.rv(), error.to_string()),
    };
    let opened = match hsm.opened(&application) {
        Ok(opened) => Welcome::Open(Box::new(opened)),
        Err(error) => return refused(error.rv(), error.to_string()),
    };
    drop(hsm);
    socket.set_write_timeout(Some(PATIENCE))?;
    // As much as the system allows: it only costs speed where that is less.
    let _ = socket::setsockopt(socket, SndBuf, &OUT);
    let mut reply = Vec::new();
    frame::begin(&mut reply);
    encode(&opened, &mut reply).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let watch = if is_here { application.watched(Watch::make) } else { None };
    send_with(watch.as_deref().map(|watch| watch.file()), &mut reply, socket)?;
    answer_calls(daemon, socket, peer, &application, &mut incoming)
}

/// Everyone, unless the configuration names users or groups.
fn may_connect(daemon: &Daemon, peer: Peer) -> bool {
    let config = &daemon.config.socket;
    config.uids.is_empty() && config.gids.is_empty()
        || config.uids.contains(&peer.uid)
        || config.gids.contains(&peer.gid)
}

fn greeting(incoming: &mut Incoming, socket: &UnixStream) -> Result<Option<Hello>, Closed> {
    socket.set_read_timeout(Some(HELLO))?;
    let hello = match incoming.next(socket, MAX_HELLO) {
        Ok(Next::Frame(at)) => decode::<Hello>(incoming.body(&at)),
        Ok(Next::Closed) => return Ok(None),
        Ok(Next::NoMemory) => return Err(Closed::NotHello),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(Closed::NotHello),
        Err(error) => return Err(Closed::NoHello(error)),
    };
    socket.set_read_timeout(None)?;
    match hello {
        Ok(hello) if hello.magic == MAGIC => Ok(Some(hello)),
        _ => Err(Closed::NotHello),
    }
}

fn answer_calls(
    daemon: &Daemon,
    socket: &UnixStream,
    peer: Peer,
    application: &hsm::Application,
    incoming: &mut Incoming,
) -> Result<(), Closed> {
    let mut replies = Outgoing::default();
    loop {
        let next = match incoming.next(socket, frame::LIMIT) {
            Err(error) if is_half(&error) => return Err(Closed::Half),
            next => next?,
        };
        let body = match next {
            Next::Closed => return Ok(()),
            Next::Frame(body) => body,
            Next::NoMemory => {
                no_memory(peer, &mut replies, socket)?;
                continue;
            }
        };
        let Some(_under_way) = daemon.begin_call() else { return Ok(()) };
        let began = Instant::now();
        replies.begin();
        let (code, request) =
            calls::split(incoming.body(&body)).map_err(|_| Closed::Malformed { code: 0 })?;
        let handled = catch_unwind(AssertUnwindSafe(|| dispatch(application, code, request, &mut replies)));
        incoming.wipe(&body);
        match handled {
            Ok(Some(Ok(handled))) => {
                daemon.metrics.called(handled.name, handled.rv, began.elapsed());
                log_call(peer, &handled);
            }
            Ok(Some(Err(Malformed))) => return Err(Closed::Malformed { code }),
            Ok(None) => {
                // A later module may know more calls than this daemon.
                replies.take_back();
                send(Rv::FUNCTION_NOT_SUPPORTED, &mut replies, socket)?;
                return Err(Closed::Unknown { code });
            }
            Err(_panic) => {
                replies.take_back();
                send(Rv::GENERAL_ERROR, &mut replies, socket)?;
                return Err(Closed::Defect { code });
            }
        }
        if !incoming.may_answer(replies.len()) {
            replies.take_back();
            no_memory(peer, &mut replies, socket)?;
            continue;
        }
        replies.close()?;
        // A call that came together with the next one is answered together with it.
        if !incoming.has_more() || replies.is_full() {
            replies.flush(socket, PATIENCE)?;
        }
    }
}

/// Tells the peer that there is no memory for its call or the answer to it.
fn no_memory(peer: Peer, replies: &mut Outgoing, socket: &UnixStream) -> io::Result<()> {
    warn!(uid = peer.uid, pid = peer.pid, rv = %Rv::DEVICE_MEMORY, "a large call: no memory for it now");
    send(Rv::DEVICE_MEMORY, replies, socket)
}

/// Has a call handled by the section that it is of.
fn dispatch(
    to: &hsm::Application,
    code: u16,
    request: &[u8],
    reply: &mut impl Reply,
) -> Option<Result<Handled<hsm::Error>, Malformed>> {
    // The high byte of a call's code is its section's.
    match code >> 8 {
        0x03 => slot::dispatch(to, code, request, reply),
        0x04 => session::dispatch(to, code, request, reply),
        0x05 => object::dispatch(to, code, request, reply),
        0x06 => encrypt::dispatch(to, code, request, reply),
        0x07 => decrypt::dispatch(to, code, request, reply),
        0x08 => digest::dispatch(to, code, request, reply),
        0x0d => sign::dispatch(to, code, request, reply),
        0x0e => verify::dispatch(to, code, request, reply),
        0x0f => dual::dispatch(to, code, request, reply),
        0x10 => key::dispatch(to, code, request, reply),
        0x11 => random::dispatch(to, code, request, reply),
        _ => None,
    }
}

/// Sends a frame, and a file with its first bytes.
fn send_with(file: Option<BorrowedFd<'_>>, frame: &mut [u8], socket: &UnixStream) -> io::Result<()> {
    frame::close(frame)?;
    let Some(file) = file else { return (&mut &*socket).write_all(frame) };
    let files = [file.as_raw_fd()];
    let message = [IoSlice::new(frame)];
    let rights = [ControlMessage::ScmRights(&files)];
    let sent = sendmsg::<()>(socket.as_raw_fd(), &message, &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    (&mut &*socket).write_all(frame.get(sent..).unwrap_or_default())
}

/// Sends what was gathered, and then a code alone.
fn send(rv: Rv, replies: &mut Outgoing, socket: &UnixStream) -> io::Result<()> {
    replies.begin();
    replies.frame().extend_from_slice(&rv.0.to_le_bytes());
    replies.close()?;
    replies.flush(socket, PATIENCE)
}

fn is_half(error: &io::Error) -> bool {
    use io::ErrorKind::{TimedOut, UnexpectedEof, WouldBlock};
    matches!(error.kind(), TimedOut | UnexpectedEof | WouldBlock)
}

/// One line for each call that failed: who, what, the code, and why.
fn log_call(peer: Peer, handled: &Handled<hsm::Error>) {
    let Peer { uid, pid, .. } = peer;
    let Handled { name: call, rv, error } = handled;
    match error {
        None => debug!(uid, pid, call, "done"),
        // The daemon's fault, or its machine's, and not the caller's.
        Some(reason) if is_ours(*rv) => error!(uid, pid, call, %rv, "{reason}"),
        Some(reason) => info!(uid, pid, call, %rv, "{reason}"),
    }
}

const fn is_ours(rv: Rv) -> bool {
    matches!(
        rv,
        Rv::DEVICE_ERROR
            | Rv::DEVICE_MEMORY
            | Rv::TOKEN_WRITE_PROTECTED
            | Rv::GENERAL_ERROR
            | Rv::FUNCTION_FAILED
    )
}
