//! One client of an instance: TLS with it, and its bytes in the clear to and from the code that serves applications.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hsm::Remote;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use rustls::ServerConnection;
use tracing::debug;
use wire::admin::people::hex;
use wire::bytes::wipe;

use super::Terms;
use super::certificate::{self, CertificateError};
use crate::daemon::Daemon;
use crate::server::{STACK, connection, spawn};

/// How long a client may take to show who it is.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long it may take to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether a client may still be there.
const LOOK: u16 = 2000; // milliseconds
/// Bytes that are taken at once.
const PART: usize = 16 << 10;

/// Why a client is not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// TLS failed: most often it has no certificate, or another's.
    #[error("TLS: {0}")]
    Tls(io::Error),
    /// It took too long.
    #[error("it did not show who it is within {HANDSHAKE:?}")]
    Late,
    /// It showed no certificate.
    #[error("it showed no certificate")]
    NoCertificate,
    /// It showed one that is good no more.
    #[error("its certificate {0} is none that is good here: it was revoked, or never given out")]
    Revoked(String),
    /// It cannot be told which.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// There is nobody to serve it.
    #[error("{0}")]
    Io(io::Error),
}

/// Serves a client until either side ends it, or it may not be there any more.
pub(super) fn serve(
    daemon: &Arc<Daemon>,
    socket: &TcpStream,
    from: SocketAddr,
    terms: &Terms,
) -> Result<(), Refused> {
    let mut tls = handshake(socket, terms)?;
    let certificate = tls.peer_certificates().and_then(|all| all.first()).ok_or(Refused::NoCertificate)?;
    let digest = certificate::digest(certificate)?;
    let Some(client) = terms.client(&digest) else {
        tls.send_close_notify();
        let _ = tls.write_tls(&mut &*socket); // it learns it from the closed connection too
        return Err(Refused::Revoked(hex(&digest)));
    };
    let remote = Remote {
        instance: terms.instance,
        name: format!("{client} at instance {} from {from}", terms.name),
        certificate: hex(&digest),
    };
    let (inner, ours) = UnixStream::pair().map_err(Refused::Io)?;
    let inner_daemon = Arc::clone(daemon);
    let inner = daemon.sockets.admit(inner);
    spawn("instance calls", STACK, move || {
        connection::serve(&inner_daemon, &inner, Remote::PEER, Some(remote));
    })
    .map_err(Refused::Io)?;
    let may_stay = || terms.admits(from.ip()) && terms.client(&digest).is_some();
    match pump(socket, &ours, &mut tls, PATIENCE, may_stay) {
        Ok(()) => debug!(instance = terms.name, %from, "client gone"),
        Err(error) => debug!(instance = terms.name, %from, "client lost: {error}"),
    }
    Ok(())
}

fn handshake(socket: &TcpStream, terms: &Terms) -> Result<ServerConnection, Refused> {
    socket.set_nonblocking(false).map_err(Refused::Io)?;
    socket.set_nodelay(true).map_err(Refused::Io)?;
    socket.set_read_timeout(Some(HANDSHAKE)).map_err(Refused::Io)?;
    socket.set_write_timeout(Some(HANDSHAKE)).map_err(Refused::Io)?;
    let until = Instant::now() + HANDSHAKE;
    let mut tls = ServerConnection::new(Arc::clone(&terms.tls))
        .map_err(|error| Refused::Tls(io::Error::other(error)))?;
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Refused::Late,
        _ => Refused::Tls(error),
    };
    while tls.is_handshaking() {
        if Instant::now() > until {
            return Err(Refused::Late);
        }
        // One part at a time, so that one who sends a byte now and then is late all the same.
        while tls.wants_write() {
            tls.write_tls(&mut &*socket).map_err(failed)?;
        }
        if !tls.is_handshaking() {
            break;
        }
        if tls.read_tls(&mut &*socket).map_err(failed)? == 0 {
            return Err(Refused::Tls(io::ErrorKind::UnexpectedEof.into()));
        }
        if let Err(error) = tls.process_new_packets() {
            let _ = tls.write_tls(&mut &*socket); // the alert that says why
            return Err(Refused::Tls(io::Error::other(error)));
        }
    }
    Ok(tls)
}

/// Moves bytes in both directions until one side closes, or the client does not take in time what it is sent. Neither
/// side is read from while what it sent waits for the other.
fn pump(
    outer: &TcpStream,
    inner: &UnixStream,
    tls: &mut ServerConnection,
    patience: Duration,
    may_stay: impl Fn() -> bool,
) -> io::Result<()> {
    outer.set_nonblocking(true)?;
    inner.set_nonblocking(true)?;
    let mut waiting = Waiting::default();
    let mut looked = Instant::now();
    let mut late = None;
    loop {
        take_plaintext(tls, &mut waiting)?;
        let outer_waits = !send(tls, outer)?;
        waiting.flush(inner)?;
        match outer_waits {
            false => late = None,
            true if *late.get_or_insert_with(|| Instant::now() + patience) < Instant::now() => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            true => {}
        }
        if !waiting.is_empty() || outer_waits || !ready_now(tls) {
            let inner_interest = interest(!outer_waits, !waiting.is_empty());
            let mut files = vec![PollFd::new(outer.as_fd(), interest(waiting.is_empty(), outer_waits))];
            // Where nothing is to be done with it, that it has closed would wake us again and again.
            files.extend((!inner_interest.is_empty()).then(|| PollFd::new(inner.as_fd(), inner_interest)));
            match poll(&mut files, LOOK) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let mut ready = files.iter().map(|file| file.any().unwrap_or(false));
            let (outer_ready, inner_ready) =
                (ready.next().unwrap_or_default(), ready.next().unwrap_or_default());
            if outer_ready && waiting.is_empty() && receive(tls, outer)? == Ended::Yes {
                return Ok(());
            }
            if inner_ready && !outer_waits && answer(tls, inner)? == Ended::Yes {
                tls.send_close_notify();
                send(tls, outer)?;
                return Ok(());
            }
        }
        if looked.elapsed() > Duration::from_secs(1) {
            looked = Instant::now();
            if !may_stay() {
                return Err(io::Error::other("it may be here no more"));
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    Yes,
    No,
}

/// Whether plaintext is left that can go on at once.
fn ready_now(tls: &mut ServerConnection) -> bool {
    tls.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
}

fn interest(reads: bool, writes: bool) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::POLLIN, reads);
    flags.set(PollFlags::POLLOUT, writes);
    flags
}

/// Plaintext on its way to the inner side. It may be a PIN or a key.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    sent: usize,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    fn flush(&mut self, mut to: &UnixStream) -> io::Result<()> {
        while let Some(left) = self.bytes.get(self.sent..).filter(|left| !left.is_empty()) {
            match to.write(left) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        wipe(&mut self.bytes);
        self.bytes.clear();
        self.sent = 0;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Takes what TLS has opened, if nothing else waits.
fn take_plaintext(tls: &mut ServerConnection, waiting: &mut Waiting) -> io::Result<()> {
    if !waiting.is_empty() {
        return Ok(());
    }
    let state = tls.process_new_packets().map_err(io::Error::other)?;
    let len = state.plaintext_bytes_to_read();
    waiting.forget();
    waiting.bytes.resize(len, 0);
    tls.reader().read_exact(&mut waiting.bytes)
}

/// Sends what TLS has sealed; `false` if some of it has to wait.
fn send(tls: &mut ServerConnection, mut to: &TcpStream) -> io::Result<bool> {
    while tls.wants_write() {
        match tls.write_tls(&mut to) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn receive(tls: &mut ServerConnection, mut from: &TcpStream) -> io::Result<Ended> {
    match tls.read_tls(&mut from) {
        Ok(0) => return Ok(Ended::Yes),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Ended::No),
        Err(error) => return Err(error),
    }
    let state = tls.process_new_packets().map_err(io::Error::other)?;
    let over = state.peer_has_closed() && state.plaintext_bytes_to_read() == 0;
    Ok(if over { Ended::Yes } else { Ended::No })
}

fn answer(tls: &mut ServerConnection, mut from: &UnixStream) -> io::Result<Ended> {
    let mut part = [0; PART];
    let read = match from.read(&mut part) {
        Ok(0) => return Ok(Ended::Yes),
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Ended::No),
        Err(error) => return Err(error),
    };
    let sealed = tls.writer().write_all(part.get(..read).unwrap_or_default());
    wipe(&mut part);
    sealed?;
    Ok(Ended::No)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use nix::sys::socket::setsockopt;
    use nix::sys::socket::sockopt::{RcvBuf, SndBuf};
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

    use super::*;

    /// What the kernel keeps for either end, in bytes.
    const SMALL: usize = 16 << 10;

    /// Both ends of a connection whose handshake is done, the client's first.
    fn connected() -> (ClientConnection, TcpStream, ServerConnection, TcpStream) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["here".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut theirs, _) = listener.accept().unwrap();
        let name = ServerName::try_from("here").unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| client.complete_io(&mut ours).unwrap());
            while server.is_handshaking() {
                server.complete_io(&mut theirs).unwrap();
            }
        });
        (client, ours, server, theirs)
    }

    #[test]
    fn a_client_that_takes_nothing_is_given_up_also_when_nobody_serves_it_any_more() {
        const SHORT: Duration = Duration::from_millis(1500);
        for served in [true, false] {
            let (_client, client, mut tls, outer) = connected();
            setsockopt(&client, RcvBuf, &SMALL).unwrap();
            setsockopt(&outer, SndBuf, &SMALL).unwrap();
            let (inner, mut ours) = UnixStream::pair().unwrap();
            let (sends, ended) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                let pumped = pump(&outer, &inner, &mut tls, SHORT, || true);
                sends.send(pumped.map_err(|error| error.kind()))
            });
            // Until nothing is taken any more.
            ours.set_write_timeout(Some(SHORT / 3)).unwrap();
            while ours.write(&[0; PART]).is_ok() {}
            let _kept = served.then_some(ours);
            let pumped = ended.recv_timeout(Duration::from_secs(30)).expect("it is pumped for ever");
            assert_eq!(pumped, Err(io::ErrorKind::TimedOut));
        }
    }
}
