//! Connections and requests: how many, how large and how slow they may be; and what is logged of each.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dew::caller::Caller;
use dew::cts::{self, Kind};
use dew::iam::policy::Level;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, EXPECT, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error, info, warn};

use super::Config;
use super::failure::{Failure, Shape};
use super::huawei;
use super::identify::{Purpose, Raw, identify, is_anonymous};
use super::operation::{Done, Input, Row};
use super::patient::Patient;
use super::routes::{NoRoute, Routes};
use super::tls::{self, TlsError};
use super::token_key::CALLS;
use crate::daemon::Daemon;
use crate::services::Services;
use crate::traces::Asked;

/// Bytes of a body up to which any number of them, one of each connection, may arrive at once.
const SMALL: usize = 64 << 10;
/// Larger bodies that may arrive at once.
const LARGE: usize = 32;
/// Requests in work at once of those who do not say who they are. A log-in waits for those before it, as each takes much
/// memory: whoever sends many must not take the places of those who are known.
const ANONYMOUS: usize = 8;
/// Bytes of a body that is too long, read and forgotten beyond what is allowed.
const REST: usize = 16 << 20;
/// Bytes of a request's line and headers together.
const HEAD: usize = 64 << 10;
/// The header that tells a request's id.
const REQUEST_ID: &str = "x-request-id";
/// The header that names a project.
const PROJECT: &str = "x-project-id";

/// Why the REST interface cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestError {
    /// The configuration contradicts itself.
    #[error("[rest] {0}")]
    Config(&'static str),
    /// An address cannot be listened at.
    #[error("{0} cannot be listened at: {1}")]
    Listen(SocketAddr, io::Error),
    /// There is no certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The threads cannot be had.
    #[error("the REST interface has no threads: {0}")]
    Threads(io::Error),
}

/// What all requests have in common.
struct Door {
    daemon: Arc<Daemon>,
    routes: Routes,
    limits: Config,
    requests: Semaphore,
    /// For requests that do not say who sent them, in place of one among `requests`.
    anonymous: Semaphore,
    /// For bodies of more than [`SMALL`].
    large: Semaphore,
    connections: Arc<Semaphore>,
}

/// Where a connection comes in.
#[derive(Clone, Copy)]
struct From {
    peer: IpAddr,
    tls: bool,
}

/// Opens the REST interface, if there is to be one. It lasts as long as the daemon.
///
/// # Errors
/// What is wrong with the configuration, its addresses or its certificate.
pub(crate) fn start(daemon: &Arc<Daemon>) -> Result<(), RestError> {
    let config = daemon.config.rest.clone();
    if let Some(fault) = config.fault() {
        return Err(RestError::Config(fault));
    }
    let mut listeners = Vec::new();
    if let Some(address) = config.listen {
        let acceptor = tls::acceptor(&config, &daemon.config.store.path)?;
        listeners.push((listen(address)?, Some(acceptor)));
    }
    if let Some(address) = config.plain {
        listeners.push((listen(address)?, None));
    }
    if listeners.is_empty() {
        return Ok(());
    }
    let threads = |error| RestError::Threads(error);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("rest")
        .thread_stack_size(2 << 20)
        .max_blocking_threads(config.requests.saturating_add(ANONYMOUS + CALLS + 8))
        .enable_io()
        .enable_time()
        .build()
        .map_err(threads)?;
    let door = Arc::new(Door {
        daemon: Arc::clone(daemon),
        routes: Routes::all(),
        requests: Semaphore::new(config.requests),
        anonymous: Semaphore::new(ANONYMOUS),
        large: Semaphore::new(LARGE),
        connections: Arc::new(Semaphore::new(config.connections)),
        limits: config,
    });
    thread::Builder::new()
        .name("rest".into())
        .spawn(move || {
            runtime.block_on(async {
                let mut doors = tokio::task::JoinSet::new();
                for (listener, acceptor) in listeners {
                    doors.spawn(accept(Arc::clone(&door), listener, acceptor));
                }
                while doors.join_next().await.is_some() {}
            });
        })
        .map_err(threads)?;
    Ok(())
}

fn listen(address: SocketAddr) -> Result<TcpListener, RestError> {
    let listening = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listening.map_err(|error| RestError::Listen(address, error))
}

async fn accept(door: Arc<Door>, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error!("the REST interface is not offered: {error}"),
    };
    if let Ok(address) = listener.local_addr() {
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        info!("the services are at {scheme}://{address}");
    }
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                error!("a connection cannot be accepted: {error}");
                // Most likely there are no file descriptors: others must close first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&door.connections).try_acquire_owned() else {
            warn!(%peer, "connection refused: the limit of {} is reached", door.limits.connections);
            continue;
        };
        // Answers are small and wait for nothing.
        let _ = stream.set_nodelay(true);
        let (door, acceptor) = (Arc::clone(&door), acceptor.clone());
        tokio::spawn(async move {
            let _place = place;
            // Where both versions of IP come in at one address, those of version 4 are written as such all the same.
            let from = From { peer: peer.ip().to_canonical(), tls: acceptor.is_some() };
            let served = match acceptor {
                None => connection(&door, stream, from).await,
                Some(acceptor) => match timeout(door.patience(), acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => connection(&door, stream, from).await,
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("the TLS handshake took too long".to_owned()),
                },
            };
            if let Err(why) = served {
                debug!(%peer, "a connection ended: {why}");
            }
        });
    }
}

async fn connection<S>(door: &Arc<Door>, stream: S, from: From) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let serve = service_fn(move |request| {
        let door = Arc::clone(door);
        async move { Ok::<_, Infallible>(door.answer(request, from).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(door.patience())
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(Patient::new(stream, door.patience())), serve)
        .await
        .map_err(|error| error.to_string())
}

/// What is answered, before it is HTTP.
struct Answer {
    status: u16,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
    /// Which operation it was, and who asked, for the log.
    operation: Option<&'static str>,
    who: Option<String>,
}

impl Door {
    /// How long a request may take to arrive, and its answer to be taken.
    const fn patience(&self) -> Duration {
        Duration::from_secs(self.limits.receive_seconds)
    }

    async fn answer(&self, request: Request<Incoming>, from: From) -> Response<Full<Bytes>> {
        let began = Instant::now();
        let id = request_id();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = self.receive(request, &id, from).await;
        let Answer { status, body, headers: own, operation, who } = answer;
        info!(
            target: "hsmd::access",
            request = %id,
            peer = %from.peer,
            method = %method,
            path = %path.escape_debug(),
            operation = operation.unwrap_or("-"),
            who = who.as_deref().unwrap_or("-"),
            status,
            us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(REQUEST_ID, id);
        }
        for (name, value) in own {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }

    async fn receive(&self, request: Request<Incoming>, id: &str, from: From) -> Answer {
        let (parts, body) = request.into_parts();
        let route = self.routes.find(&parts.method, parts.uri.path());
        let shape = route.as_ref().map_or(Shape::Gateway, |(row, _)| row.shape);
        let name = route.as_ref().ok().map(|(row, _)| row.name);
        let failed = |failure: &Failure, who| Answer {
            status: failure.status,
            body: failure.body(shape, id).to_string().into_bytes(),
            headers: Vec::new(),
            operation: name,
            who,
        };
        let (row, path) = match route {
            Ok(route) => route,
            Err(NoRoute::Path) => {
                let text = "The API does not exist or has not been published";
                return failed(&Failure::gateway(404, "APIGW.0101", text), None);
            }
            Err(NoRoute::Method) => {
                return failed(
                    &Failure::gateway(405, "APIGW.0101", "the API does not take this method"),
                    None,
                );
            }
        };
        let body = match self.body(body, parts.headers.contains_key(EXPECT)).await {
            Ok(body) => body,
            Err(failure) => return failed(&failure, None),
        };
        let anonymous = row.public && is_anonymous(&parts.headers);
        let places = if anonymous { &self.anonymous } else { &self.requests };
        let Ok(_place) = places.try_acquire() else { return failed(&too_many(), None) };
        let mut who = None;
        let work = || self.run(row, path, &parts, &body, id, from, &mut who);
        let done = if row.waits { block_in_place(work) } else { work() };
        match done {
            Ok(Done { body, headers }) => {
                Answer { status: row.success, body, headers, operation: Some(row.name), who }
            }
            Err(failure) => failed(&failure, who),
        }
    }

    /// A body, once it is there. While it arrives the request holds no place among those in work, so that slow senders
    /// keep nobody else waiting; large bodies, which take memory, hold one among their own kind.
    async fn body(&self, mut body: Incoming, asks_first: bool) -> Result<Bytes, Failure> {
        let too_long = || {
            let text = format!("the body is longer than {} bytes", self.limits.body_bytes);
            Failure::gateway(413, "APIGW.0201", text)
        };
        let size = body.size_hint();
        let most = usize::try_from(size.upper().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        if asks_first && size.upper().is_some() && most > self.limits.body_bytes {
            return Err(too_long());
        }
        let large = match most > SMALL {
            true => Some(self.large.try_acquire().map_err(|_| too_many())?),
            false => None,
        };
        match timeout(self.patience(), Limited::new(&mut body, self.limits.body_bytes).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                drop(large);
                // Who still sends does not listen: the rest is read and forgotten, as long as that ends.
                let mut rest = Limited::new(body, REST);
                let _ =
                    timeout(self.patience(), async { while let Some(Ok(_)) = rest.frame().await {} }).await;
                Err(too_long())
            }
            Ok(Err(_)) => Err(Failure::gateway(400, "APIGW.0201", "the body did not arrive")),
            Err(_) => Err(Failure::gateway(408, "APIGW.0201", "the body took too long to arrive")),
        }
    }

    /// Finds out who asks, and does what is asked.
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // all that a request is
    fn run(
        &self,
        row: &'static Row,
        path: Vec<(&'static str, String)>,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        id: &str,
        from: From,
        who: &mut Option<String>,
    ) -> Result<Done, Failure> {
        let _under_way = self.daemon.begin_call().ok_or_else(|| Failure::sealed("it is stopping"))?;
        let services = self.daemon.services().map_err(|why| Failure::sealed(&why))?;
        let query = parts.uri.query().unwrap_or_default();
        let raw = Raw {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query,
            headers: &parts.headers,
            body,
        };
        let named = path.iter().find(|(name, _)| *name == "project_id").map(|(_, id)| id.as_str());
        // Where the path has no place for it, the SDKs name the project in a header.
        let by_header = named.is_none() && !row.public && Level::of(row.service.name) == Level::Project;
        let header = parts.headers.get(PROJECT).filter(|_| by_header);
        let text = named.or_else(|| header.and_then(|id| id.to_str().ok()));
        let project = text.and_then(|id| id.parse().ok());
        let purpose = Purpose { service: row.service.name, project };
        let identity = match row.public && is_anonymous(&parts.headers) {
            true => services.nobody(),
            false => identify(&raw, purpose, &services)?,
        };
        *who = Some(format!("{}/{}", identity.account_name, identity.name()));
        let project = if by_header && header.is_none() { identity.project } else { project };
        let agent = parts.headers.get(hyper::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let caller = Caller {
            identity,
            project,
            request: id.into(),
            source: Some(from.peer),
            agent: agent.map(Into::into),
            tls: from.tls,
        };
        let query = decoded(query).ok_or_else(|| {
            Failure::new(400, row.service.invalid, "the query is not UTF-8 in percent-encoding")
        })?;
        let headers = row.headers.iter().filter_map(|name| {
            let value = parts.headers.get(*name)?.to_str().ok()?;
            Some((*name, value.to_owned()))
        });
        // Who logs in, whoever signs that.
        let claimed = match row.public {
            true => huawei::claimed(&services.iam, &path, body)
                .map(|identity| Caller { identity, ..caller.clone() }),
            false => None,
        };
        let by = claimed.as_ref().unwrap_or(&caller);
        let asked = traced(row, &services, by, &raw, (&path, &query));
        let asked = asked.map(|asked| Asked { unproven: claimed.is_some(), ..asked });
        let input = Input {
            path: path.clone(),
            query: query.clone(),
            headers: headers.collect(),
            body: body.to_vec(),
        };
        row.act(input, &caller, &services, asked)
    }
}

/// What a request leaves a trace of: an operation of the table, in a project of the caller's own.
fn traced<'a>(
    row: &'static Row,
    services: &Services,
    caller: &'a Caller,
    raw: &Raw<'a>,
    (path, query): (&'a [(&'static str, String)], &'a [(String, String)]),
) -> Option<Asked<'a>> {
    let traced = cts::traced(row.service.name, row.name)?;
    // IAM has no projects: what is done there, and is not about one, is seen in the first.
    let first = || services.iam.account(caller.identity.account).map(|account| account.project);
    let of_iam = || first().filter(|_| traced.service == "IAM");
    let project = services.cts.project_of(caller).or_else(of_iam)?;
    let path = path.iter().map(|(name, value)| (*name, value.clone()));
    let query = query.iter().map(|(name, value)| (name.as_str(), value.clone()));
    // What the operation goes by comes last, and counts: a field of the query has no say against the path's.
    let fields = query.chain(path).collect();
    let Raw { method, path, body, .. } = *raw;
    let access_key = raw.access_key();
    let (kind, unproven) = (Kind::ApiCall, false);
    Some(Asked { traced, kind, caller, project, unproven, access_key, method, path, body, fields })
}

/// The fields of a query, decoded as they were signed; none if they are not UTF-8.
fn decoded(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = signing::huawei::pairs(query).into_iter();
    pairs.map(|(name, value)| Some((String::from_utf8(name).ok()?, String::from_utf8(value).ok()?))).collect()
}

fn too_many() -> Failure {
    Failure::gateway(429, "APIGW.0308", "too many requests are in work: try again")
}

/// A new id for a request: 32 hexadecimal digits.
pub(crate) fn request_id() -> String {
    let mut bytes = [0; 16];
    // That there is no randomness, whoever needs some for more than a name will tell.
    let _ = crypto::random::fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Sends requests and reads no answer, until the other side has closed the connection; tells whether it has.
    fn flood(mut to: &UnixStream) -> bool {
        let until = Instant::now() + Duration::from_secs(30);
        to.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
        while Instant::now() < until {
            match to.write(b"GET /nothing HTTP/1.1\r\nhost: h\r\n\r\n") {
                Ok(0) => return true,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return true,
                _ => {}
            }
        }
        false
    }

    #[test]
    fn who_reads_no_answer_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Config { receive_seconds: 1, ..Config::default() };
        let door = Arc::new(Door {
            daemon: Arc::new(crate::daemon::tests::daemon(folder.path())),
            routes: Routes::all(),
            limits,
            requests: Semaphore::new(1),
            anonymous: Semaphore::new(1),
            large: Semaphore::new(1),
            connections: Arc::new(Semaphore::new(1)),
        });
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = thread::spawn(move || {
            let ended = flood(&ours);
            (ended, ours)
        });
        let served = runtime.block_on(async {
            let stream = tokio::net::UnixStream::from_std(theirs).unwrap();
            let from = From { peer: [127, 0, 0, 1].into(), tls: false };
            timeout(Duration::from_secs(20), connection(&door, stream, from)).await
        });
        assert!(served.is_ok_and(|served| served.is_err()), "it is served for ever");
        assert!(client.join().unwrap().0);
    }
}
