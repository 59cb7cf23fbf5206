//! What an agent does for an application on another machine: a Unix socket here, whose bytes go over TLS to an instance.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// What a client knows of an instance: where it is, its authority, and a certificate of its own or none.
#[derive(Clone)]
pub struct Reach {
    /// Where the instance listens.
    pub address: SocketAddr,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl Reach {
    /// From the files that `instance certificate` wrote.
    ///
    /// # Panics
    /// If they are not what they should be.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        Self::with(dir, Some(dir))
    }

    /// The instance of one directory, with the certificate of another or without one.
    ///
    /// # Panics
    /// If the files are not what they should be.
    #[must_use]
    pub fn with(dir: &Path, own: Option<&Path>) -> Self {
        let text = fs::read(dir.join("instance.json")).expect("instance.json");
        let file: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let address = file["addresses"][0].as_str().expect("an address").parse().expect("an address");
        let name = file["server_name"].as_str().expect("a name").to_owned();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(dir.join("ca.pem")).expect("ca.pem")).expect("an authority");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS")
            .with_root_certificates(roots);
        let config = match own {
            None => config.with_no_client_auth(),
            Some(own) => {
                let certificate = CertificateDer::from_pem_file(own.join("client.pem")).expect("client.pem");
                let key = PrivateKeyDer::from_pem_file(own.join("client.key")).expect("client.key");
                config.with_client_auth_cert(vec![certificate], key).expect("a certificate")
            }
        };
        Self { address, name: name.try_into().expect("a name"), config: Arc::new(config) }
    }

    /// The same, at another address.
    #[must_use]
    pub fn at(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Connects and shakes hands. TLS 1.3 lets a client be refused after that too.
    ///
    /// # Errors
    /// Why it cannot.
    ///
    /// # Panics
    /// If TLS cannot be had at all.
    pub fn connect(&self) -> io::Result<(TcpStream, ClientConnection)> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut tls =
            ClientConnection::new(Arc::clone(&self.config), self.name.clone()).expect("a TLS client");
        while tls.is_handshaking() || tls.wants_write() {
            tls.complete_io(&mut &socket)?;
        }
        Ok((socket, tls))
    }

    /// Whether the instance answers a client who says nothing but goes on listening: `false` if it hangs up.
    #[must_use]
    pub fn is_let_in(&self) -> bool {
        let Ok((socket, mut tls)) = self.connect() else { return false };
        socket.set_read_timeout(Some(Duration::from_millis(1500))).expect("a timeout");
        match tls.read_tls(&mut &socket) {
            Ok(0) => false,
            Ok(_) => tls.process_new_packets().is_ok_and(|state| !state.peer_has_closed()),
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
        }
    }

    /// Serves a Unix socket until the process ends; each connection to it is one to the instance.
    ///
    /// # Panics
    /// If the socket cannot be had.
    pub fn serve(&self, socket: PathBuf) {
        let listener = UnixListener::bind(socket).expect("a socket");
        let reach = self.clone();
        thread::spawn(move || {
            for inner in listener.incoming() {
                let (inner, reach) = (inner.expect("a connection"), reach.clone());
                thread::spawn(move || {
                    if let Ok((outer, mut tls)) = reach.connect() {
                        // Whichever side ends it, the other sees it end.
                        let _ = pump(&outer, &inner, &mut tls);
                    }
                });
            }
        });
    }
}

fn pump(mut outer: &TcpStream, mut inner: &UnixStream, tls: &mut ClientConnection) -> io::Result<()> {
    let mut part = vec![0; 64 << 10];
    loop {
        let mut files =
            [PollFd::new(outer.as_fd(), PollFlags::POLLIN), PollFd::new(inner.as_fd(), PollFlags::POLLIN)];
        poll(&mut files, PollTimeout::NONE)?;
        let [from_outer, from_inner] = files.map(|file| file.any().unwrap_or(false));
        if from_outer {
            let read = tls.read_tls(&mut outer)?;
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let mut bytes = vec![0; state.plaintext_bytes_to_read()];
            tls.reader().read_exact(&mut bytes)?;
            inner.write_all(&bytes)?;
            if read == 0 || state.peer_has_closed() {
                return Ok(());
            }
        }
        if from_inner {
            let read = inner.read(&mut part)?;
            if read == 0 {
                tls.send_close_notify();
                tls.complete_io(&mut outer)?;
                return Ok(());
            }
            for bytes in part[..read].chunks(16 << 10) {
                tls.writer().write_all(bytes)?;
                while tls.wants_write() {
                    tls.write_tls(&mut outer)?;
                }
            }
        }
    }
}
