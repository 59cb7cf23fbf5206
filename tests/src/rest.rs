//! A client of the REST interface that sends just the bytes it is given, right or wrong.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use crypto::Secret;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use signing::huawei::{Credentials, Message};

use crate::{Hsm, Place};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a daemon that lives may answer nobody.
const OPENING: Duration = Duration::from_secs(30);

/// Where the services are, and the access key of one who uses them.
#[derive(Clone)]
pub struct Rest {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The project that the access key works in.
    pub project: String,
}

/// An open connection.
pub struct Connection(BufReader<StreamOwned<ClientConnection, TcpStream>>);

/// A connection that is opened when it is needed, and again after it broke.
pub struct Line {
    /// Who asks, and where.
    pub rest: Rest,
    connection: Option<Connection>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An address of this machine that nobody listens at.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}

impl Rest {
    /// The services of an HSM, used by the account that it began with.
    ///
    /// # Panics
    /// If its certificate cannot be read.
    #[must_use]
    pub fn of(hsm: &Hsm) -> Self {
        let address = hsm.var("KMS_ENDPOINT").trim_start_matches("https://").parse().expect("an address");
        let [access_key, secret, project] = ["AK", "SK", "PROJECT_ID"].map(|name| hsm.var(name).to_owned());
        let ca = Path::new(hsm.var("CA_FILE"));
        Self::at(address, ca, access_key, secret, project).expect("an authority")
    }

    /// The services of a daemon that runs in a place, whose `[rest]` listens at this address, used by a new account.
    ///
    /// # Panics
    /// If there can be no account.
    #[must_use]
    pub fn new_account(place: &Place, address: SocketAddr, name: &str) -> Self {
        let made = place.admin(&format!("account create {name} --json")).succeeds();
        let nobody =
            Self::at(address, &place.path("rest/ca.pem"), String::new(), String::new(), String::new());
        nobody.expect("an authority").used_by(&made.out())
    }

    /// The services at an address, whose certificate comes from this authority, used with an access key.
    ///
    /// # Errors
    /// If the authority cannot be read.
    pub fn at(
        address: SocketAddr,
        ca: &Path,
        access_key: String,
        secret: String,
        project: String,
    ) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).map_err(io::Error::other)?).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { address, tls: Arc::new(config), access_key, secret, project })
    }

    /// The same services, used by the account that `hsm-admin account create --json` told of.
    ///
    /// # Panics
    /// If it told of none.
    #[must_use]
    pub fn used_by(&self, account: &str) -> Self {
        let account: Value = serde_json::from_str(account).expect("JSON");
        let word = |name: &str| account[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        Self {
            access_key: word("access_key"),
            secret: word("secret_key"),
            project: word("project_id"),
            ..self.clone()
        }
    }

    /// The same account, where another daemon at the same address serves it.
    #[must_use]
    pub fn again(&self, place: &Place) -> Self {
        let ca = place.path("rest/ca.pem");
        let [access_key, secret, project] = [&self.access_key, &self.secret, &self.project].map(Clone::clone);
        Self::at(self.address, &ca, access_key, secret, project).expect("an authority")
    }

    /// The same services, used with another access key.
    #[must_use]
    pub fn with_key(&self, access_key: String, secret: String) -> Self {
        Self { access_key, secret, ..self.clone() }
    }

    /// The server as a client names it.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// If nobody listens, or TLS fails.
    ///
    /// # Panics
    /// If there can be no TLS.
    pub fn connect(&self) -> io::Result<Connection> {
        let socket = TcpStream::connect(self.address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::IpAddress(self.address.ip().into());
        let tls = ClientConnection::new(Arc::clone(&self.tls), name).expect("TLS");
        Ok(Connection(BufReader::new(StreamOwned::new(tls, socket))))
    }

    /// The bytes of a request that this access key signed now. In a path, `{project_id}` is the project.
    #[must_use]
    pub fn signed(&self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        self.signed_with(method, target, &[], body, SystemTime::now())
    }

    /// The same with further headers, signed at another time.
    ///
    /// # Panics
    /// If it cannot be signed.
    #[must_use]
    pub fn signed_with(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        time: SystemTime,
    ) -> Vec<u8> {
        let (target, host) = (target.replace("{project_id}", &self.project), self.host());
        let secret = Secret::from(self.secret.clone().into_bytes());
        let credentials = Credentials { access_key: &self.access_key, secret: &secret };
        let message = Message { method, target: &target, host: &host, headers, body };
        message.signed(&credentials, time).expect("a signature")
    }

    /// Sends bytes over a connection of their own, and reads an answer.
    ///
    /// # Errors
    /// If the connection breaks before there is one.
    pub fn send(&self, bytes: &[u8]) -> io::Result<Reply> {
        self.connect()?.send(bytes)
    }

    /// Asks KMS for an operation, such as `create-key`, over a connection of its own.
    ///
    /// # Panics
    /// If there is no answer.
    #[must_use]
    pub fn kms(&self, operation: &str, body: &Value) -> Reply {
        self.send(&self.kms_bytes(operation, body)).unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// The bytes that ask KMS for an operation.
    #[must_use]
    pub fn kms_bytes(&self, operation: &str, body: &Value) -> Vec<u8> {
        let target = format!("/v1.0/{{project_id}}/kms/{operation}");
        self.signed("POST", &target, body.to_string().as_bytes())
    }
}

impl Connection {
    /// Sends bytes, and reads an answer.
    ///
    /// # Errors
    /// If the connection breaks before there is one.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<Reply> {
        self.write(bytes)?;
        self.read()
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// If the connection is broken.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.0.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// If the connection breaks, or what comes is no HTTP.
    pub fn read(&mut self) -> io::Result<Reply> {
        let wrong = || io::Error::from(io::ErrorKind::InvalidData);
        let first = self.line()?;
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).ok_or_else(wrong)?;
        let status = status.parse().map_err(|_| wrong())?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply = Reply { status, headers, body: Vec::new() };
        if reply.header("transfer-encoding") == Some("chunked") {
            while self.chunk(&mut reply.body)? > 0 {}
            return Ok(reply);
        }
        let length = reply.header("content-length").map_or(Ok(0), str::parse).map_err(|_| wrong())?;
        reply.body.resize(length, 0);
        self.0.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    /// Adds the next chunk to a body, and gives its length; the last one has none.
    fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<usize> {
        let wrong = || io::Error::other("a chunk has no length");
        let length = usize::from_str_radix(&self.line()?, 16).map_err(|_| wrong())?;
        let begun = body.len();
        body.resize(begun + length, 0);
        self.0.read_exact(&mut body[begun..])?;
        // The line's end behind it, or behind no trailers.
        self.line()?;
        Ok(length)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

impl Line {
    /// A line that is not open yet.
    #[must_use]
    pub const fn new(rest: Rest) -> Self {
        Self { rest, connection: None }
    }

    /// Closes it, until it is needed again.
    pub fn hang_up(&mut self) {
        self.connection = None;
    }

    /// Sends bytes, and reads an answer.
    ///
    /// # Errors
    /// If nobody listens, or the connection breaks before there is an answer. It is opened anew the next time.
    pub fn ask(&mut self, bytes: &[u8]) -> io::Result<Reply> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.rest.connect()?,
        };
        let reply = connection.send(bytes)?;
        self.connection = Some(connection);
        Ok(reply)
    }

    /// Asks a daemon that lives: the REST interface may open a little later than the socket.
    ///
    /// # Panics
    /// If it does not answer.
    #[track_caller]
    pub fn sure(&mut self, bytes: &[u8]) -> Reply {
        let until = Instant::now() + OPENING;
        loop {
            match self.ask(bytes) {
                Ok(reply) => return reply,
                Err(error) => assert!(Instant::now() < until, "a daemon that lives does not answer: {error}"),
            }
            sleep(Duration::from_millis(5));
        }
    }
}

impl Reply {
    /// A header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("no JSON ({error}): {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    /// The JSON of an answer that says that it was done.
    ///
    /// # Panics
    /// If it says something else.
    pub fn done(&self) -> Value {
        let json = self.json();
        assert!((200..300).contains(&self.status), "{} {json}", self.status);
        json
    }

    /// The code of a refusal, in whichever form its service tells it.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn code(&self) -> String {
        let json = self.json();
        let error = json.get("error").unwrap_or(&json);
        let code = error.get("error_code").or_else(|| error.get("code"));
        match code {
            Some(Value::String(code)) => code.clone(),
            Some(code) => code.to_string(),
            None => panic!("no code: {} {json}", self.status),
        }
    }
}
