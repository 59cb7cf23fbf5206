//! A way to a server, over which the network can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// A way to a server that can be cut.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
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
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                if is_cut.load(Ordering::SeqCst) {
                    drop(client);
                    continue;
                }
                let Ok(server) = TcpStream::connect(server) else { continue };
                for (from, to, counts) in [(&client, &server, true), (&server, &client, false)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (is_cut, may) = (Arc::clone(&is_cut), Arc::clone(&may));
                    thread::spawn(move || pass(from, to, counts.then_some(&*may), &is_cut));
                }
            }
        });
        Self { address, cut, left }
    }

    pub(crate) fn cut_after(&self, bytes: usize) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    pub(crate) fn mend(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
        self.cut.store(false, Ordering::SeqCst);
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
