//! A message to a program: one POST, signed as <https://www.standardwebhooks.com> has it, to an address that was looked at
//! before the connection is made to it. Redirects are not followed, and of an answer only the status counts.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crypto::{Hash, Secret, mac};
use data_encoding::BASE64;
use dew::message::Networks;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::networks::may_reach;

/// How long a receiver may take to be found, reached and agreed with, each.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may take to read what is sent, and to answer.
const ANSWER: Duration = Duration::from_secs(15);
/// How many addresses of a name are tried.
const ADDRESSES: usize = 4;
/// Bytes of an answer's head.
const HEAD: usize = 16 << 10;
/// The longest URL.
const MAX_URL: usize = 2048;
/// What stands in front of a secret where people see it.
const SECRET: &str = "whsec_";

/// A URL that messages can be posted to.
#[derive(Clone, Debug)]
pub(crate) struct Url {
    tls: bool,
    host: String,
    port: u16,
    /// Path and query.
    path: String,
    /// As it stands in the header.
    authority: String,
}

/// What is posted.
pub(super) struct Post<'a> {
    pub(super) id: &'a str,
    /// In seconds since 1970.
    pub(super) time: u64,
    pub(super) body: String,
    pub(super) secret: &'a Secret,
}

/// Why it was not delivered.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nothing may be sent there.
    Refused(String),
    /// Nobody answered.
    Unreachable(String),
    /// Somebody answered, and did not take it.
    Answered(StatusCode),
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("{text:?} is no URL for messages: {why}"));
        if text.len() > MAX_URL || !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('#') {
            return wrong("expected at most 2048 ASCII characters, without spaces and #");
        }
        let Ok(uri) = text.parse::<Uri>() else { return wrong("it does not parse") };
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return wrong("expected http:// or https://"),
        };
        let Some(authority) = uri.authority() else { return wrong("it names no host") };
        if authority.as_str().contains('@') {
            return wrong("it may hold no user and no password");
        }
        let host = authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || ServerName::try_from(host).is_err() {
            return wrong("it names no host");
        }
        // What is too large for a port is none to the parser.
        let port = match (authority.as_str() == authority.host(), authority.port_u16()) {
            (true, _) if tls => 443,
            (true, _) => 80,
            (false, Some(port)) if port != 0 => port,
            _ => return wrong("its port is none"),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { tls, host: host.to_owned(), port, path, authority: authority.as_str().to_owned() })
    }

    /// The addresses that may be connected to.
    async fn addresses(&self, networks: Option<&Networks>) -> Result<Vec<SocketAddr>, Trouble> {
        let found: Vec<SocketAddr> = match self.host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, self.port)],
            Err(_) => {
                let found = timeout(CONNECT, lookup_host((self.host.as_str(), self.port))).await;
                let found = found.map_err(|_| unreachable("nobody says in time where its host is"))?;
                found.map_err(|error| unreachable(&format!("its host is not found: {error}")))?.collect()
            }
        };
        let Some(first) = found.first().map(SocketAddr::ip) else {
            return Err(unreachable("its host has no address"));
        };
        let allowed =
            |address: &SocketAddr| networks.is_none_or(|networks| may_reach(networks, address.ip()));
        let allowed: Vec<_> = found.into_iter().filter(allowed).take(ADDRESSES).collect();
        if allowed.is_empty() {
            return Err(Trouble::Refused(format!(
                "{first} is in no network that messages may go to: [messages] networks in hsmd.toml says which"
            )));
        }
        Ok(allowed)
    }
}

/// A secret as people see it.
pub(crate) fn shown(secret: &Secret) -> String {
    format!("{SECRET}{}", BASE64.encode(secret.as_bytes()))
}

/// A secret as people see it, read.
pub(super) fn read_secret(text: &str) -> Option<Secret> {
    let bytes = BASE64.decode(text.trim().strip_prefix(SECRET)?.as_bytes()).ok()?;
    (bytes.len() >= 16).then(|| Secret::new(bytes))
}

/// The signature of a message: over its id, the time and what it says.
fn signature(post: &Post<'_>) -> Result<String, Trouble> {
    let signed = format!("{}.{}.{}", post.id, post.time, post.body);
    let mac = mac::hmac(Hash::Sha256, post.secret.as_bytes(), signed.as_bytes());
    let mac = mac.map_err(|error| unreachable(&format!("it cannot be signed: {error}")))?;
    Ok(format!("v1,{}", BASE64.encode(&mac)))
}

/// Posts a message. Without networks it may go anywhere.
///
/// # Errors
/// Why it was not taken.
pub(super) async fn post(
    url: &Url,
    post: Post<'_>,
    networks: Option<&Networks>,
    tls: &Arc<ClientConfig>,
) -> Result<(), Trouble> {
    let signature = signature(&post)?;
    let request = Request::post(&url.path)
        .header(HOST, &url.authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("claviger/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .header("webhook-id", post.id)
        .header("webhook-timestamp", post.time)
        .header("webhook-signature", signature)
        .body(Full::new(Bytes::from(post.body)));
    let request = request.map_err(|error| Trouble::Refused(format!("it cannot be asked: {error}")))?;
    let socket = connected(&url.addresses(networks).await?).await?;
    let status = match url.tls {
        false => ask(socket, request).await?,
        true => {
            let name = ServerName::try_from(url.host.clone());
            let name = name.map_err(|error| Trouble::Refused(error.to_string()))?;
            let agreed = timeout(CONNECT, TlsConnector::from(Arc::clone(tls)).connect(name, socket)).await;
            let agreed = agreed.map_err(|_| unreachable("it does not agree on TLS in time"))?;
            ask(agreed.map_err(|error| unreachable(&format!("TLS: {error}")))?, request).await?
        }
    };
    if status.is_success() { Ok(()) } else { Err(Trouble::Answered(status)) }
}

async fn connected(addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let mut why = String::new();
    for address in addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => why = format!("{address}: {error}"),
            Err(_) => why = format!("{address} does not answer in time"),
        }
    }
    Err(Trouble::Unreachable(why))
}

async fn ask(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, Trouble> {
    let asked = async {
        let builder = http1::Builder::new().max_buf_size(HEAD).clone();
        let (mut sender, connection) = builder.handshake(TokioIo::new(socket)).await?;
        let asked = sender.send_request(request);
        tokio::pin!(asked, connection);
        tokio::select! {
            biased;
            answer = &mut asked => answer.map(|answer| answer.status()),
            // The answer may be there although the connection is over.
            ended = &mut connection => {
                ended?;
                asked.await.map(|answer| answer.status())
            }
        }
    };
    let answer = timeout(ANSWER, asked).await.map_err(|_| unreachable("it does not answer in time"))?;
    answer.map_err(|error| unreachable(&format!("HTTP: {error}")))
}

fn unreachable(why: &str) -> Trouble {
    Trouble::Unreachable(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_for_http_and_holds_nothing_but_a_place() {
        let url = Url::parse("https://hooks.example.org/a?b=c").unwrap();
        assert_eq!((url.tls, &*url.host, url.port, &*url.path), (true, "hooks.example.org", 443, "/a?b=c"));
        let url = Url::parse("http://[::1]:8080").unwrap();
        assert_eq!((url.tls, &*url.host, url.port, &*url.path), (false, "::1", 8080, "/"));
        for bad in [
            "",
            "example.org",
            "ftp://example.org/",
            "file:///etc/passwd",
            "https://",
            "https://user:secret@example.org/",
            "https://example.org:0/",
            "https://example.org:99999/",
            "https://example.org/a b",
            "https://example.org/\r\nX: y",
            "https://example.org/#x",
            &format!("https://example.org/{}", "x".repeat(2048)),
        ] {
            assert!(Url::parse(bad).is_err(), "{bad:?}");
        }
    }

    /// The example of the specification (Standard Webhooks, "Signature scheme").
    #[test]
    fn messages_are_signed_as_others_check_them() {
        let secret = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        assert_eq!(shown(&secret), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let body = "{\"test\": 2432232314}".to_owned();
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signature(&Post { id, time: 1_614_265_330, body, secret: &secret }).unwrap();
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(read_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_none());
    }
}
