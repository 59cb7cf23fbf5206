//! The doors of instances: TCP addresses where clients on other machines speak the applications' protocol over TLS.
//!
//! An instance's door is open while the instance runs. Who comes from an address that is not on its allow-list is not
//! served a byte; who shows no certificate that the instance's authority signed, or one that was revoked, gets no
//! further than that. Within TLS everything is as on the applications' socket, of the instance's partitions alone:
//! the bytes go to the same code through a pair of sockets, so that nothing there knows of TLS.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use dew::instance::{Activation, Cidr, Instance, InstanceError, Instances, Issued, Status};
use hsm::event::Actor;
use hsm::{Hsm, Remote};
use nix::poll::{PollFd, PollFlags, poll};
use parking_lot::RwLock;
use rustls::ServerConfig;
use tracing::{info, warn};

use super::{AT_ONCE, STACK, spawn};
use crate::daemon::Daemon;

pub(crate) mod certificate;
mod tunnel;

/// How often the instances are looked at without a cause: their terms end by themselves.
const LOOK: u16 = 1000; // milliseconds

/// The doors of instances, for the rest of the daemon.
#[derive(Default)]
pub(crate) struct Remotes {
    bell: OnceLock<UnixStream>,
    /// Why clients cannot reach an instance that runs, by its number.
    troubles: RwLock<BTreeMap<u64, String>>,
}

impl Remotes {
    /// Why clients cannot reach an instance that runs.
    pub(crate) fn trouble(&self, instance: u64) -> Option<String> {
        self.troubles.read().get(&instance).cloned()
    }

    /// Has the instances looked at: something has changed.
    pub(crate) fn look(&self) {
        if let Some(mut bell) = self.bell.get() {
            // Where it has rung so often that no more fits, it is heard anyway.
            let _ = bell.write(&[1]);
        }
    }
}

/// Keeps the doors of instances as the instances are, for as long as the process lasts.
///
/// # Errors
/// If the thread cannot be had.
pub(super) fn start(daemon: &Arc<Daemon>) -> io::Result<()> {
    let (bell, ear) = UnixStream::pair()?;
    bell.set_nonblocking(true)?;
    ear.set_nonblocking(true)?;
    let _ = daemon.remotes.bell.set(bell); // it is started once
    let daemon = Arc::clone(daemon);
    thread::Builder::new().name("instances".into()).spawn(move || {
        let mut porter = Porter { daemon, ear, doors: BTreeMap::new(), terms: BTreeMap::new() };
        loop {
            porter.look();
            porter.wait();
        }
    })?;
    Ok(())
}

/// Who may come in, as it is now: shared with the connections, which end when that changes.
struct Terms {
    instance: u64,
    name: String,
    tls: Arc<ServerConfig>,
    now: RwLock<Admitted>,
}

/// Who may come in.
#[derive(Default)]
struct Admitted {
    from: Vec<Cidr>,
    clients: Vec<Issued>,
}

impl Terms {
    fn admits(&self, from: IpAddr) -> bool {
        self.now.read().from.iter().any(|range| range.contains(from))
    }

    /// For whom a certificate is that is good still.
    fn client(&self, digest: &[u8; 32]) -> Option<String> {
        let now = self.now.read();
        now.clients.iter().find(|issued| issued.digest == *digest).map(|issued| issued.client.clone())
    }
}

/// A door, and of which instance it is; without a socket if that cannot be had.
struct Door {
    instance: u64,
    socket: Option<TcpListener>,
}

/// Keeps the doors.
struct Porter {
    daemon: Arc<Daemon>,
    ear: UnixStream,
    doors: BTreeMap<SocketAddr, Door>,
    terms: BTreeMap<u64, Arc<Terms>>,
}

impl Porter {
    /// Makes the doors what the instances say.
    fn look(&mut self) {
        let Ok(hsm) = self.daemon.hsm() else {
            self.keep(&[]);
            return;
        };
        let instances = Instances::new(&hsm, Actor::DAEMON);
        let read = || instances.all().inspect_err(|error| warn!("the instances cannot be read: {error}"));
        let Ok(mut all) = read() else { return };
        let creating: Vec<_> = all.extract_if(.., |instance| instance.stage == Status::Creating).collect();
        for instance in &creating {
            self.make(&hsm, instance);
        }
        if !creating.is_empty() {
            let Ok(again) = read() else { return };
            all = again;
        }
        let now = instances.now();
        let running: Vec<_> =
            all.into_iter().filter(|instance| instance.status(now) == Status::Running).collect();
        self.keep(&running);
    }

    /// Makes an instance that was activated: its door, its authority, its first partition.
    fn make(&mut self, hsm: &Hsm, instance: &Instance) {
        let instances = Instances::new(hsm, Actor::DAEMON);
        let name = &instance.name;
        let made = match &instance.activation {
            None => Err("it was never activated".to_owned()),
            Some(activation) => self.open(instance.number, activation).and_then(|()| {
                let authority = certificate::authority(instance).map_err(|error| error.to_string())?;
                instances.create(name, authority).map_err(|error| error.to_string())
            }),
        };
        match made {
            Ok(_) => info!(instance = name, "the instance runs"),
            Err(why) => {
                warn!(instance = name, "the instance cannot be made: {why}");
                self.doors.retain(|_, door| door.instance != instance.number);
                if let Err(error) = instances.fail(name, &why)
                    && !matches!(error, InstanceError::OutOfOrder { .. })
                {
                    warn!(instance = name, "that it cannot be made is not recorded: {error}");
                }
            }
        }
    }

    /// Opens the doors of an instance that is being made.
    fn open(&mut self, number: u64, activation: &Activation) -> Result<(), String> {
        for at in activation.doors() {
            let socket = bind(at).map_err(|error| format!("it cannot listen at {at}: {error}"))?;
            self.doors.insert(at, Door { instance: number, socket: Some(socket) });
        }
        Ok(())
    }

    /// Keeps the doors of these instances open, and no others.
    fn keep(&mut self, running: &[Instance]) {
        let wanted: BTreeMap<SocketAddr, u64> = running
            .iter()
            .filter_map(|instance| Some((instance.number, instance.activation.as_ref()?)))
            .flat_map(|(number, activation)| activation.doors().into_iter().map(move |at| (at, number)))
            .collect();
        self.doors.retain(|at, door| {
            let stays = wanted.get(at) == Some(&door.instance);
            if !stays {
                info!(address = %at, "an instance's door is closed");
            }
            stays
        });
        let mut troubles = BTreeMap::new();
        for (at, number) in wanted {
            let door = self.doors.entry(at).or_insert(Door { instance: number, socket: None });
            if door.socket.is_none() {
                match bind(at) {
                    Ok(socket) => {
                        info!(address = %at, "an instance's door is open");
                        door.socket = Some(socket);
                    }
                    // It is tried again: the address may come to be this machine's, or free.
                    Err(error) => {
                        let why = format!("clients cannot reach it, as it cannot listen at {at}: {error}");
                        troubles.entry(number).or_insert(why);
                    }
                }
            }
        }
        let mut told = self.daemon.remotes.troubles.write();
        for (number, why) in troubles.iter().filter(|(number, why)| told.get(number) != Some(why)) {
            let name = running.iter().find(|instance| instance.number == *number);
            warn!(instance = name.map(|instance| instance.name.as_str()), "{why}");
        }
        *told = troubles;
        drop(told);
        self.admit(running);
    }

    /// Says who may come in.
    fn admit(&mut self, running: &[Instance]) {
        self.terms.retain(|number, terms| {
            let stays = running.iter().any(|instance| instance.number == *number);
            if !stays {
                *terms.now.write() = Admitted::default();
            }
            stays
        });
        for instance in running {
            let (Some(access), Some(activation)) = (&instance.access, &instance.activation) else { continue };
            if let std::collections::btree_map::Entry::Vacant(place) = self.terms.entry(instance.number) {
                let addresses: Vec<_> =
                    activation.addresses().into_iter().chain(activation.public.map(|at| at.ip())).collect();
                match certificate::serving(instance, access, &addresses) {
                    Err(error) => warn!(instance = instance.name, "{error}"),
                    Ok(tls) => {
                        let (instance, name) = (instance.number, instance.name.clone());
                        place.insert(Arc::new(Terms { instance, name, tls, now: RwLock::default() }));
                    }
                }
            }
            if let Some(terms) = self.terms.get(&instance.number) {
                let (from, clients) = (activation.allowed.clone(), access.issued.clone());
                *terms.now.write() = Admitted { from, clients };
            }
        }
    }

    /// Waits until somebody comes or something has changed, and lets in who came.
    fn wait(&mut self) {
        let doors: Vec<_> =
            self.doors.values().filter_map(|door| Some((door.instance, door.socket.as_ref()?))).collect();
        let mut files = vec![PollFd::new(self.ear.as_fd(), PollFlags::POLLIN)];
        files.extend(doors.iter().map(|(_, socket)| PollFd::new(socket.as_fd(), PollFlags::POLLIN)));
        if let Err(error) = poll(&mut files, LOOK) {
            warn!("waiting for clients of instances failed: {error}");
            thread::sleep(Duration::from_millis(50));
            return;
        }
        let ready: Vec<_> = files.iter().map(|file| file.any().unwrap_or(false)).collect();
        for ((number, socket), _) in doors.iter().zip(ready.iter().skip(1)).filter(|(_, ready)| **ready) {
            if let Some(terms) = self.terms.get(number) {
                accept(&self.daemon, socket, terms);
            }
        }
        if ready.first().copied().unwrap_or(false) {
            let mut rung = [0; 64];
            while self.ear.read(&mut rung).is_ok_and(|read| read == rung.len()) {}
        }
    }
}

/// A socket that listens. That the last daemon's connections linger does not matter.
fn bind(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpListener::bind(at)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn accept(daemon: &Arc<Daemon>, listener: &TcpListener, terms: &Arc<Terms>) {
    for _ in 0..AT_ONCE {
        let (socket, from) = match listener.accept() {
            Ok(accepted) => accepted,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                warn!("a client of an instance cannot be accepted: {error}");
                thread::sleep(Duration::from_millis(50));
                return;
            }
        };
        if !terms.admits(from.ip()) {
            warn!(instance = terms.name, %from, "client refused: its address is not on the allow-list");
            continue; // and so it is closed
        }
        if let Err(error) = take(daemon, socket, from, terms) {
            warn!(instance = terms.name, %from, "a client of an instance cannot be served: {error}");
        }
    }
}

fn take(daemon: &Arc<Daemon>, socket: TcpStream, from: SocketAddr, terms: &Arc<Terms>) -> io::Result<()> {
    let Ok(share) = daemon.connections.take(Remote::PEER.uid, 1) else {
        let limit = daemon.config.limits.connections;
        warn!(instance = terms.name, %from, "client refused: there are too many of hsmd's {limit} connections");
        return Ok(());
    };
    let (daemon, terms) = (Arc::clone(daemon), Arc::clone(terms));
    spawn("instance", STACK, move || {
        let _share = share;
        if let Err(why) = tunnel::serve(&daemon, &socket, from, &terms) {
            warn!(instance = terms.name, %from, "client refused: {why}");
        }
    })
}
