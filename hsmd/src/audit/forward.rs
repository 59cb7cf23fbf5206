//! Live forwarding: records go to a receiver as they are written, and go on where they were after either side
//! was away. It reads the log's files, so that nothing that is recorded ever waits for it.
//!
//! The receiver says nothing of what it has. A record counts as delivered when the connection it was sent on
//! still stands a while later; what was sent shortly before a connection broke is sent again. So each arrives at
//! least once, and its number tells those that arrive twice.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use audit::export;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tracing::{info, warn};

use super::config::{Format, Forward};
use super::{Shared, files, reading::Reading};

/// The file that says what was delivered.
pub(super) const CURSOR: &str = "forwarded";
/// How long a record may be under way before the connection it was sent on counts for its delivery.
const SETTLED: Duration = Duration::from_secs(1);
/// How long a receiver may take for anything.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Between tries to connect, at first and at most.
const WAIT: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// Records sent in one piece, at most.
const AT_ONCE: usize = 256;

/// What a forwarder has come to.
#[derive(Default)]
pub(super) struct Progress {
    /// The number of the last record that was delivered.
    delivered: AtomicU64,
}

impl Progress {
    /// The number of the last record that was delivered.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }
}

/// Sends records until the log is closed.
pub(super) struct Forwarder {
    shared: Arc<Shared>,
    config: Forward,
    tls: Option<Arc<ClientConfig>>,
    hsm: String,
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A connection, and what was sent on it and is not delivered yet: numbers, and when.
struct Line {
    socket: Socket,
    sent: VecDeque<(u64, Instant)>,
}

impl Forwarder {
    /// A forwarder, with what it needs for TLS read already.
    ///
    /// # Errors
    /// What is wrong with certificates or key.
    pub(super) fn new(shared: &Arc<Shared>, config: &Forward, hsm: String) -> Result<Self, String> {
        let tls = if config.to.tls { Some(Arc::new(tls(config)?)) } else { None };
        let delivered = fs::read_to_string(shared.log.directory().join(CURSOR)).unwrap_or_default();
        shared.forwarded.delivered.store(delivered.trim().parse().unwrap_or(0), Ordering::Relaxed);
        Ok(Self { shared: Arc::clone(shared), config: config.clone(), tls, hsm })
    }

    /// Sends until `stopped` hangs up.
    pub(super) fn run(&self, stopped: &Receiver<()>) {
        let to = format!("{}:{}", self.config.to.host, self.config.to.port);
        let (mut wait, mut told) = (WAIT.0, false);
        loop {
            match self.connect() {
                Ok(socket) => {
                    info!(to, "audit records are forwarded");
                    (wait, told) = (WAIT.0, false);
                    match self.send(Line { socket, sent: VecDeque::new() }, stopped) {
                        Ok(()) => return,
                        Err(error) => warn!(to, "the receiver of audit records is gone: {error}"),
                    }
                }
                Err(error) if !told => {
                    told = true;
                    warn!(to, "audit records are not forwarded, and tried again: {error}");
                }
                Err(_) => {}
            }
            if stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            wait = (wait * 2).min(WAIT.1);
        }
    }

    fn connect(&self) -> io::Result<Socket> {
        let to = &self.config.to;
        let mut failed = io::Error::other("the name has no address");
        for address in (to.host.as_str(), to.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(socket) => return self.secured(socket),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn secured(&self, mut socket: TcpStream) -> io::Result<Socket> {
        socket.set_nodelay(true)?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let Some(tls) = &self.tls else { return Ok(Socket::Plain(socket)) };
        let name = ServerName::try_from(self.config.to.host.clone()).map_err(io::Error::other)?;
        let mut connection = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        Ok(Socket::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    fn send(&self, mut line: Line, stopped: &Receiver<()>) -> io::Result<()> {
        let delivered = &self.shared.forwarded.delivered;
        let mut reading =
            Reading::new(&self.shared, delivered.load(Ordering::Relaxed)).map_err(io::Error::other)?;
        let (mut bytes, mut kept) = (Vec::new(), delivered.load(Ordering::Relaxed));
        loop {
            let stops = stopped.try_recv() != Err(TryRecvError::Empty);
            bytes.clear();
            let mut last = None;
            for _ in 0..AT_ONCE {
                let Some(record) = reading.next().map_err(io::Error::other)? else { break };
                last = Some(record.sequence);
                self.put(&record, &mut bytes);
            }
            if let Some(last) = last {
                line.socket.write_all(&bytes)?;
                line.sent.push_back((last, Instant::now()));
            }
            line.socket.check()?;
            while let Some((number, at)) = line.sent.front().copied().filter(|(_, at)| at.elapsed() > SETTLED)
            {
                let _ = at;
                line.sent.pop_front();
                delivered.store(number, Ordering::Relaxed);
            }
            let now = delivered.load(Ordering::Relaxed);
            if now != kept && (last.is_none() || now - kept > 1000 || stops) {
                files::replace(self.shared.log.directory(), CURSOR, format!("{now}\n").as_bytes())?;
                kept = now;
            }
            if stops {
                return line.socket.finish();
            }
            if last.is_none() {
                match stopped.recv_timeout(LOOK) {
                    Err(RecvTimeoutError::Timeout) => {}
                    // Once more, for what was written last.
                    _ => continue,
                }
            }
        }
    }

    /// Appends a record as the receiver is to have it.
    fn put(&self, record: &audit::Record, out: &mut Vec<u8>) {
        let format = match self.config.format {
            Format::Json => export::Format::Json,
            Format::Cef => export::Format::Cef,
            Format::Syslog => export::Format::Syslog,
        };
        let line = export::line(format, record, &self.hsm);
        if format == export::Format::Syslog {
            out.extend(format!("{} ", line.len()).as_bytes());
            out.extend(line.as_bytes());
        } else {
            out.extend(line.as_bytes());
            out.push(b'\n');
        }
    }
}

impl Socket {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Whether the receiver is still there. What it says is not listened to.
    fn check(&mut self) -> io::Result<()> {
        let mut said = [0; 512];
        let socket = match self {
            Self::Plain(socket) => &*socket,
            Self::Tls(stream) => &stream.sock,
        };
        socket.set_nonblocking(true)?;
        let read = match self {
            Self::Plain(socket) => socket.read(&mut said),
            Self::Tls(stream) => stream.read(&mut said),
        };
        let socket = match self {
            Self::Plain(socket) => &*socket,
            Self::Tls(stream) => &stream.sock,
        };
        socket.set_nonblocking(false)?;
        match read {
            Ok(0) => Err(io::ErrorKind::ConnectionAborted.into()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Says that no more comes.
    fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.shutdown(std::net::Shutdown::Write),
            Self::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()
            }
        }
    }
}

/// What TLS needs: whom we believe, and who we are.
fn tls(config: &Forward) -> Result<ClientConfig, String> {
    let at = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let certificates = |path: &Path| -> Result<Vec<CertificateDer<'static>>, String> {
        let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match all {
            Ok(all) if all.is_empty() => Err(at(path, &"there is no certificate in it")),
            Ok(all) => Ok(all),
            Err(error) => Err(at(path, &error)),
        }
    };
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &config.ca {
        for certificate in certificates(ca)? {
            roots.add(certificate).map_err(|error| at(ca, &error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => {
            let ours = PrivateKeyDer::from_pem_file(key).map_err(|error| at(key, &error))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, ours)
                .map_err(|error| at(certificate, &error))
        }
        _ => Ok(builder.with_no_client_auth()),
    }
}
