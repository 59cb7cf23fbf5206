//! A daemon in the test's own process: it has no keys, records what it is asked, and says what it is told to.
#![allow(dead_code, unreachable_pub)]

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wire::calls::{self, Handled, Handler};
use wire::codec::{Malformed, decode, encode};
use wire::frame::{self, Reader};
use wire::handshake::{ApplicationToken, Hello, Opened, VERSION, Welcome};
use wire::layout::{LeafWord, MechanismLayouts, Word};
use wire::template::Answers;
use wire::{AttributeType, List, MechanismId, Output, Room, Rv, SlotId, Template};

pub mod answers;
pub mod module;
pub mod watch;

/// A mechanism that exists nowhere else: a word of every kind, and two layouts.
pub const MADE_UP: MechanismId = MechanismId(0x8000_4242);
/// One whose parameter may be bytes, and no structure.
pub const WHOLE: MechanismId = MechanismId(0x8000_4244);
/// The longest `CKA_LABEL` that this daemon takes.
pub const LABEL_BOUND: u32 = 64;
/// `CKA_LABEL`
pub const LABEL: AttributeType = AttributeType(3);
/// `CKA_ALLOWED_MECHANISMS`
pub const ALLOWED_MECHANISMS: AttributeType = AttributeType(0x4000_0600);
/// A call with this data gets no answer: the connection ends.
pub const CUT: &[u8] = b"cut the line";

static INSTANCES: AtomicU64 = AtomicU64::new(1);
static ALONE: Mutex<()> = Mutex::new(());

/// A running daemon. The tests of one program share the module, so each holds the lock.
pub struct Fake {
    pub state: Arc<State>,
    pub socket: PathBuf,
    folder: Option<tempfile::TempDir>,
    alone: Option<MutexGuard<'static, ()>>,
}

/// What the daemon knows.
#[derive(Default)]
pub struct State {
    pub instance: u64,
    stopping: AtomicBool,
    streams: Mutex<HashMap<u64, UnixStream>>,
    applications: Mutex<HashMap<[u8; 16], Application>>,
    next: AtomicU64,
    /// Connections made so far, and those open.
    pub connected: AtomicUsize,
    pub open: AtomicUsize,
    /// Calls answered so far.
    pub calls: Mutex<Vec<&'static str>>,
    /// Calls being answered, and the most at once.
    busy: AtomicUsize,
    pub most_busy: AtomicUsize,
    /// How long a signature takes.
    pub delay: Mutex<Duration>,
    pub event: Mutex<Option<SlotId>>,
    pub template: Mutex<Option<Template>>,
    pub asked: Mutex<Vec<wire::template::Query>>,
    pub answers: Mutex<Option<Answers>>,
    pub objects: AtomicU64,
    pub refuse: Mutex<Option<Rv>>,
    /// The file of changes that connections are given.
    pub watch: Mutex<Option<Arc<watch::Watch>>>,
    /// What comes back of an `Init`.
    pub repeat: Mutex<wire::Repeat>,
    /// Answers that are longer than this break off there, and the connection ends.
    pub cut_at: Mutex<Option<usize>>,
    /// Output is given whether there is room for it or not.
    pub reckless: AtomicBool,
}

#[derive(Default)]
struct Application {
    connections: usize,
    sessions: HashMap<u64, Session>,
}

#[derive(Default)]
struct Session {
    operations: HashSet<&'static str>,
    mechanism: Option<wire::Mechanism>,
    found: u64,
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// A daemon on a socket of its own, which the module finds through `CLAVIGER_SOCKET`.
    pub fn start() -> Self {
        let mut fake = Self::absent();
        fake.state = listen(&fake.socket);
        fake
    }

    /// A socket's path where nobody listens.
    pub fn absent() -> Self {
        let alone = lock(&ALONE);
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("hsmd.sock");
        // SAFETY: the tests of one program run one after another, and no other thread reads the environment.
        unsafe { std::env::set_var("CLAVIGER_SOCKET", &socket) };
        Self { state: Arc::default(), socket, folder: Some(folder), alone: Some(alone) }
    }

    /// Stops as `kill -9` does.
    pub fn stop(&mut self) {
        if !self.state.stopping.swap(true, SeqCst) && self.state.instance != 0 {
            let _ = UnixStream::connect(&self.socket);
            let _ = std::fs::remove_file(&self.socket);
            for (_, stream) in lock(&self.state.streams).drain() {
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
            self.until(|state| state.open.load(SeqCst) == 0);
        }
    }

    /// Starts a daemon that knows nothing of the one before.
    pub fn restart(&mut self) {
        self.stop();
        self.state = listen(&self.socket);
    }

    /// Waits for something to come true.
    pub fn until(&self, is: impl Fn(&State) -> bool) {
        let start = Instant::now();
        while !is(&self.state) {
            assert!(start.elapsed() < Duration::from_secs(10), "it never came true");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The sessions that are open, in all applications.
    pub fn sessions(&self) -> usize {
        lock(&self.state.applications).values().map(|application| application.sessions.len()).sum()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop();
    }
}

fn listen(socket: &Path) -> Arc<State> {
    let listener = UnixListener::bind(socket).unwrap();
    let instance = INSTANCES.fetch_add(1, SeqCst);
    let state = State { instance, next: AtomicU64::new(instance * 1_000_000), ..State::default() };
    let state = Arc::new(state);
    let listening = Arc::clone(&state);
    thread::spawn(move || {
        for stream in listener.incoming() {
            if listening.stopping.load(SeqCst) {
                break;
            }
            let (stream, state) = (stream.unwrap(), Arc::clone(&listening));
            let number = state.next.fetch_add(1, SeqCst);
            lock(&state.streams).insert(number, stream.try_clone().unwrap());
            state.open.fetch_add(1, SeqCst);
            thread::spawn(move || {
                serve(&stream, &state);
                let _ = stream.shutdown(std::net::Shutdown::Both);
                lock(&state.streams).remove(&number);
                drop(stream);
                state.open.fetch_sub(1, SeqCst);
            });
        }
    });
    state
}

/// What a connection's calls are handled by.
pub struct Connection {
    state: Arc<State>,
    token: [u8; 16],
    cut: AtomicBool,
}

fn serve(mut stream: &UnixStream, state: &Arc<State>) -> Option<()> {
    let mut reader = Reader::default();
    let mut frame = Vec::new();
    let hello: Hello = decode(reader.next(&mut stream).ok()?).ok()?;
    assert_eq!(hello.magic, wire::handshake::MAGIC);
    frame::begin(&mut frame);
    if let Some(rv) = *lock(&state.refuse) {
        encode(&Welcome::Refused { rv, reason: "the test says so".into() }, &mut frame).ok()?;
        return frame::end(&mut frame, &mut stream).ok();
    }
    let token = {
        let mut applications = lock(&state.applications);
        let wanted = hello.join.map(|token| token.0).filter(|token| applications.contains_key(token));
        let token = wanted.unwrap_or_else(|| {
            let mut token = [state.instance as u8; 16];
            token[..8].copy_from_slice(&state.next.fetch_add(1, SeqCst).to_le_bytes());
            token
        });
        applications.entry(token).or_default().connections += 1;
        token
    };
    state.connected.fetch_add(1, SeqCst);
    let connection = Connection { state: Arc::clone(state), token, cut: AtomicBool::new(false) };
    encode(&Welcome::Open(Box::new(opened(token))), &mut frame).ok()?;
    let watch = lock(&state.watch).clone();
    let mut result = match watch {
        None => frame::end(&mut frame, &mut stream),
        Some(watch) => frame::close(&mut frame).and_then(|()| watch.send(&frame, stream)),
    };
    while result.is_ok() {
        let Ok(body) = reader.next(&mut stream) else { break };
        let (code, request) = calls::split(body).unwrap();
        frame::begin(&mut frame);
        let busy = state.busy.fetch_add(1, SeqCst) + 1;
        state.most_busy.fetch_max(busy, SeqCst);
        let handled = dispatch(&connection, code, request, &mut frame).unwrap().unwrap();
        state.busy.fetch_sub(1, SeqCst);
        lock(&state.calls).push(handled.name);
        if connection.cut.load(SeqCst) || state.stopping.load(SeqCst) {
            break;
        }
        if let Some(at) = lock(&state.cut_at).filter(|at| *at < frame.len()) {
            frame::close(&mut frame).ok()?;
            let _ = stream.write_all(&frame[..at]);
            break;
        }
        result = frame::end(&mut frame, &mut stream);
    }
    let mut applications = lock(&state.applications);
    let application = applications.get_mut(&token)?;
    application.connections -= 1;
    if application.connections == 0 {
        applications.remove(&token);
    }
    Some(())
}

fn list<T: std::fmt::Debug, const MAX: usize>(items: Vec<T>) -> List<T, MAX> {
    List::new(items).unwrap()
}

fn opened(token: [u8; 16]) -> Opened {
    let made_up = vec![
        Word::Bool,
        Word::Ulong,
        Word::Inline(5),
        Word::Bytes,
        Word::Bool,
        Word::LenBytes,
        Word::Struct(list(vec![
            LeafWord::Bool,
            LeafWord::Bytes,
            LeafWord::Inline(3),
            LeafWord::Ulong,
            LeafWord::LenBytes,
        ])),
        Word::Bool,
    ];
    let layouts = vec![list(made_up), list(vec![Word::Ulong])];
    let whole = vec![list(vec![Word::Ulong]), list(vec![Word::Whole(300)])];
    Opened {
        version: VERSION,
        application: ApplicationToken(token),
        release: (9, 9),
        layouts: list(vec![
            MechanismLayouts { mechanism: MADE_UP, layouts: list(layouts) },
            MechanismLayouts { mechanism: WHOLE, layouts: list(whole) },
        ]),
        flat_arrays: list(vec![ALLOWED_MECHANISMS]),
        bounds: list(vec![(LABEL, LABEL_BOUND)]),
    }
}

fn dispatch(
    to: &Connection,
    code: u16,
    request: &[u8],
    reply: &mut Vec<u8>,
) -> Option<Result<Handled<Rv>, Malformed>> {
    calls::slot::dispatch(to, code, request, reply)
        .or_else(|| calls::session::dispatch(to, code, request, reply))
        .or_else(|| calls::object::dispatch(to, code, request, reply))
        .or_else(|| calls::encrypt::dispatch(to, code, request, reply))
        .or_else(|| calls::decrypt::dispatch(to, code, request, reply))
        .or_else(|| calls::digest::dispatch(to, code, request, reply))
        .or_else(|| calls::sign::dispatch(to, code, request, reply))
        .or_else(|| calls::verify::dispatch(to, code, request, reply))
        .or_else(|| calls::dual::dispatch(to, code, request, reply))
        .or_else(|| calls::key::dispatch(to, code, request, reply))
        .or_else(|| calls::random::dispatch(to, code, request, reply))
}

impl Handler for Connection {
    type Error = Rv;
    fn rv(error: &Rv) -> Rv {
        *error
    }
}

impl Connection {
    /// Works on a session of the application.
    fn session<T>(
        &self,
        session: wire::SessionHandle,
        work: impl FnOnce(&mut Session) -> Result<T, Rv>,
    ) -> Result<T, Rv> {
        let mut applications = lock(&self.state.applications);
        let application = applications.get_mut(&self.token).ok_or(Rv::DEVICE_ERROR)?;
        work(application.sessions.get_mut(&session.0).ok_or(Rv::SESSION_HANDLE_INVALID)?)
    }

    /// Begins an operation, or ends it.
    fn init(
        &self,
        session: wire::SessionHandle,
        operation: &'static str,
        mechanism: Option<wire::Mechanism>,
    ) -> Result<(), Rv> {
        self.session(session, |session| match mechanism {
            Some(mechanism) if session.operations.insert(operation) => {
                session.mechanism = Some(mechanism);
                Ok(())
            }
            Some(_) => Err(Rv::OPERATION_ACTIVE),
            None if session.operations.remove(operation) => Ok(()),
            None => Err(Rv::OPERATION_NOT_INITIALIZED),
        })
    }

    /// Begins an operation of which the module may be told that it could be begun again.
    fn begin(
        &self,
        session: wire::SessionHandle,
        operation: &'static str,
        mechanism: Option<wire::Mechanism>,
    ) -> Result<wire::Repeat, Rv> {
        self.init(session, operation, mechanism)?;
        Ok(*lock(&self.state.repeat))
    }

    /// A step that leaves the operation open.
    fn step(&self, session: wire::SessionHandle, operation: &'static str) -> Result<(), Rv> {
        self.session(session, |session| {
            if session.operations.contains(operation) { Ok(()) } else { Err(Rv::OPERATION_NOT_INITIALIZED) }
        })
    }

    /// A step with output; it ends the operation, if that is what it is for, when the output fits.
    fn give(
        &self,
        session: wire::SessionHandle,
        operation: &'static str,
        room: Room,
        ends: bool,
        output: impl FnOnce(&Session) -> Vec<u8>,
    ) -> Result<Output, Rv> {
        self.session(session, |session| {
            if !session.operations.contains(operation) {
                return Err(Rv::OPERATION_NOT_INITIALIZED);
            }
            let output = output(session);
            if !self.state.reckless.load(SeqCst)
                && let Some(answer) = room.open_answer(output.len() as u64)
            {
                return Ok(answer);
            }
            if ends {
                session.operations.remove(operation);
            }
            Ok(Output::Bytes(output.into()))
        })
    }
}
