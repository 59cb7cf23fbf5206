//! The console's connections: one question in a frame, one answer in a frame.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use hsm::Hsm;
use hsm::partition::{NewPartition, Partition};
use hsm::policy::Profile;
use hsm::ports::Peer;
use tracing::{info, warn};
use wire::admin::{self, Ask, MAX_OBJECTS, Told};
use wire::codec::{decode, encode};
use wire::{List, frame};

use super::describe;
use super::incoming::{Incoming, Next};
use crate::daemon::{Daemon, store_name};

/// The longest question, in bytes.
const MAX_ASK: u32 = 64 << 10;
/// How long a console may be silent.
const PATIENCE: Duration = Duration::from_secs(600);

/// Serves a console until it closes the connection.
pub(crate) fn serve(daemon: &Daemon, socket: &UnixStream, peer: Peer) {
    let Peer { uid, pid, .. } = peer;
    let served = if may_administer(peer) {
        converse(daemon, socket, peer)
    } else {
        warn!(uid, pid, "refused: only root and the daemon's own user may administer");
        tell(socket, &failed("only root and the daemon's own user may administer hsmd"))
    };
    if let Err(error) = served {
        warn!(uid, pid, "console connection closed: {error}");
    }
}

fn may_administer(peer: Peer) -> bool {
    peer.uid == 0 || peer.uid == nix::unistd::geteuid().as_raw()
}

fn converse(daemon: &Daemon, socket: &UnixStream, peer: Peer) -> io::Result<()> {
    let mut incoming = Incoming::new(&daemon.budget, peer.uid);
    loop {
        socket.set_read_timeout(Some(PATIENCE))?;
        let Next::Frame(at) = incoming.next(socket, MAX_ASK)? else { return Ok(()) };
        let ask = decode::<Ask>(incoming.body(&at));
        incoming.wipe(&at);
        let Some(_under_way) = daemon.begin_call() else { return Ok(()) };
        let told = match ask {
            Err(_) => failed("this hsmd does not know the command: is hsm-admin of the same release?"),
            Ok(ask) => {
                let command = ask.name();
                let told = answer(daemon, &ask).unwrap_or_else(|reason| failed(&reason));
                match &told {
                    Told::Failed { reason } => warn!(uid = peer.uid, pid = peer.pid, command, "{reason}"),
                    _ => info!(uid = peer.uid, pid = peer.pid, command, "done"),
                }
                told
            }
        };
        tell(socket, &told)?;
    }
}

fn failed(reason: &str) -> Told {
    Told::Failed { reason: reason.to_owned() }
}

fn tell(socket: &UnixStream, told: &Told) -> io::Result<()> {
    let mut reply = Vec::new();
    frame::begin(&mut reply);
    encode(told, &mut reply).map_err(|_| io::ErrorKind::InvalidData)?;
    frame::end(&mut reply, &mut &*socket)
}

/// The answer, or why there is none.
fn answer(daemon: &Daemon, ask: &Ask) -> Result<Told, String> {
    match ask {
        Ask::Status => return Ok(Told::Status(status(daemon))),
        Ask::Unseal { passphrase } => {
            daemon.unseal(passphrase).map_err(|error| error.to_string())?;
            return Ok(Told::Done);
        }
        _ => {}
    }
    let hsm = daemon.hsm().map_err(|why| format!("hsmd is sealed: {why}"))?;
    let text = |error: hsm::Error| error.to_string();
    match ask {
        Ask::Status | Ask::Unseal { .. } => Ok(Told::Done),
        Ask::PartitionCreate { label, policy, so_pin, user_pin } => {
            let new = NewPartition {
                label,
                profile: profile(policy)?,
                so_pin: so_pin.as_deref(),
                user_pin: user_pin.as_deref(),
            };
            if new.profile == Profile::Legacy {
                warn!(
                    "partition {label:?} has the legacy policy: its keys can be extracted by known attacks"
                );
            }
            Ok(shown(daemon, &*hsm.create_partition(&new).map_err(text)?))
        }
        Ask::PartitionList => {
            let all = hsm
                .partitions()
                .iter()
                .map(|partition| describe::partition(partition, &daemon.config.pins))
                .collect();
            Ok(Told::Partitions(List::new(all).ok_or("there are more partitions than one list brings")?))
        }
        Ask::PartitionShow { partition } => Ok(shown(daemon, &*named(&hsm, partition)?)),
        Ask::PartitionInit { partition, label, so_pin, user_pin } => {
            let partition = named(&hsm, partition)?;
            hsm.init_partition(&partition, label.as_deref(), so_pin, user_pin.as_deref()).map_err(text)?;
            Ok(shown(daemon, &partition))
        }
        Ask::PartitionRename { partition, label } => {
            let partition = named(&hsm, partition)?;
            hsm.rename_partition(&partition, label).map_err(text)?;
            Ok(shown(daemon, &partition))
        }
        Ask::PartitionDelete { partition } => {
            hsm.delete_partition(&*named(&hsm, partition)?).map_err(text)?;
            Ok(Told::Done)
        }
        Ask::ObjectList { partition, after } => {
            let page = hsm.objects(&*named(&hsm, partition)?, *after, MAX_OBJECTS);
            let page = page.iter().map(|object| describe::object(object)).collect();
            Ok(Told::Objects(List::new(page).ok_or("a page is longer than it may be")?))
        }
    }
}

fn shown(daemon: &Daemon, partition: &Partition) -> Told {
    Told::Partition(Box::new(describe::partition(partition, &daemon.config.pins)))
}

fn named(hsm: &Hsm, name: &str) -> Result<Arc<Partition>, String> {
    hsm.partition_named(name).ok_or_else(|| {
        let same = hsm.partitions().iter().filter(|partition| partition.label() == name).count();
        match same {
            0 => format!("there is no partition {name:?}: expected a label, serial number or slot number"),
            _ => format!("{same} partitions have the label {name:?}: name one by its serial number"),
        }
    })
}

fn profile(policy: &str) -> Result<Profile, String> {
    match policy {
        "strict" => Ok(Profile::Strict),
        "standard" => Ok(Profile::Standard),
        "legacy" => Ok(Profile::Legacy),
        other => Err(format!("{other:?} is no key policy: expected strict, standard or legacy")),
    }
}

fn status(daemon: &Daemon) -> admin::Status {
    let hsm = daemon.hsm().ok();
    let partitions = hsm.as_ref().map(|hsm| hsm.partitions()).unwrap_or_default();
    admin::Status {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        uptime: daemon.uptime(),
        sealed: hsm.is_none(),
        store: store_name(&daemon.config.store.path),
        socket: daemon.config.socket.path.display().to_string(),
        connections: daemon.connections.taken() as u64,
        max_connections: daemon.config.limits.connections as u64,
        sessions: hsm.map_or(0, |hsm| hsm.session_count()),
        partitions: partitions.len() as u64,
        objects: partitions.iter().map(|partition| partition.object_count()).sum(),
    }
}
