//! A way to a server, over which the network can be cut, and something be done at a moment of a talk.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A moment of a talk: when its connection is open, and nothing was said yet; or when all was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Open,
    Over,
}

/// What is done at a moment, and after how many of them.
type Act = (Moment, usize, Box<dyn FnOnce() + Send>);

/// A way to a server that can be cut.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    act: Arc<Mutex<Option<Act>>>,
    server: Arc<Mutex<SocketAddr>>,
    cut: Arc<AtomicBool>,
    /// After how many bytes to the server it cuts itself.
    left: Arc<AtomicUsize>,
}

impl Way {
    pub(crate) fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, cut) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let (is_cut, may) = (Arc::clone(&cut), Arc::clone(&left));
        let act = Arc::new(Mutex::new(None));
        let acts = Arc::clone(&act);
        let server = Arc::new(Mutex::new(server));
        let to = Arc::clone(&server);
        thread::spawn(move || {
            let mut before = None::<JoinHandle<()>>;
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                // Who begins a talk has ended the one before; what is to be done then comes first.
                if is_awaited(&acts, Moment::Over) {
                    before.take().map(JoinHandle::join);
                }
                if is_cut.load(Ordering::SeqCst) {
                    drop(client);
                    continue;
                }
                reach(&acts, Moment::Open);
                let to = *to.lock().unwrap();
                let Ok(server) = TcpStream::connect(to) else { continue };
                let talks: Vec<_> = [(&client, &server, true), (&server, &client, false)]
                    .into_iter()
                    .map(|(from, to, counts)| {
                        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                        let (is_cut, may) = (Arc::clone(&is_cut), Arc::clone(&may));
                        thread::spawn(move || pass(from, to, counts.then_some(&*may), &is_cut))
                    })
                    .collect();
                let acts = Arc::clone(&acts);
                before = Some(thread::spawn(move || {
                    talks.into_iter().for_each(|talk| talk.join().unwrap());
                    reach(&acts, Moment::Over);
                }));
            }
        });
        Self { address, server, act, cut, left }
    }

    /// Leads to another server from now on.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.server.lock().unwrap() = server;
    }

    /// Does something when a moment has come so many times more: the first time with 0. It goes on after that.
    pub(crate) fn at(&self, moment: Moment, after: usize, act: impl FnOnce() + Send + 'static) {
        *self.act.lock().unwrap() = Some((moment, after, Box::new(act)));
    }

    /// Whether that was done; it is not any more.
    pub(crate) fn was_done(&self) -> bool {
        self.act.lock().unwrap().take().is_none()
    }

    pub(crate) fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
        self.cut.store(false, Ordering::SeqCst);
    }
}

/// Whether something is to be done at such a moment.
fn is_awaited(act: &Mutex<Option<Act>>, moment: Moment) -> bool {
    act.lock().unwrap().as_ref().is_some_and(|(wanted, ..)| *wanted == moment)
}

/// Does what is to be done at a moment.
fn reach(act: &Mutex<Option<Act>>, moment: Moment) {
    let mut due = act.lock().unwrap();
    match due.take() {
        // Others wait until it is done.
        Some((wanted, 0, act)) if wanted == moment => act(),
        Some((wanted, after, act)) if wanted == moment => *due = Some((wanted, after - 1, act)),
        other => *due = other,
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: Option<&AtomicUsize>, cut: &AtomicBool) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if let Some(left) = left {
            let before = left.load(Ordering::SeqCst);
            if before != usize::MAX {
                left.store(before.saturating_sub(read), Ordering::SeqCst);
                cut.fetch_or(before < read, Ordering::SeqCst);
            }
        }
        if cut.load(Ordering::SeqCst) || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
