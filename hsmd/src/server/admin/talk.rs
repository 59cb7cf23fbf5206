//! One console's connection: what it asks, what it is told, and who is there.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use hsm::Hsm;
use hsm::event::{Actor, Door, Person};
use hsm::partition::Partition;
use hsm::people::{Challenge, UKeyId};
use hsm::ports::Peer;
use wire::admin::approval::Approval;
use wire::admin::{Ask, MAX_CHUNK, Told};
use wire::codec::{decode, encode};
use wire::{Bytes, frame};

use super::kms::Imports;
use crate::audit::Reading;
use crate::daemon::Daemon;
use crate::server::incoming::{Incoming, Next};
use crate::server::outgoing;

/// The longest question, in bytes.
const MAX_ASK: u32 = 64 << 10;
/// How long a console may be silent.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long it may be with an import under way, whose material somebody wraps elsewhere: as long as its token is good.
const IMPORT_PATIENCE: Duration = Duration::from_secs(86_400);
/// How long it may take to read what it is told: a backup may go to a slow disk.
const TAKE: Duration = Duration::from_secs(120);

/// A console's connection.
pub(super) struct Talk<'a> {
    pub(super) daemon: &'a Daemon,
    pub(super) peer: Peer,
    /// Who has logged in.
    pub(super) caller: Option<Caller>,
    /// The last challenge, until it is answered.
    pub(super) challenge: Option<Challenge>,
    /// Approvals for the next command that needs them.
    pub(super) approvals: Vec<Approval>,
    /// Which quorum of its key the command has the approval of, by its generation.
    pub(super) approved_by: Option<u64>,
    /// Where it reads along in the audit log.
    pub(super) reading: Option<Reading>,
    /// Imports that end with the connection.
    pub(super) imports: Imports<'a>,
    socket: &'a UnixStream,
    incoming: Incoming,
}

/// Somebody who has logged in. Whether the UKey is registered still, and as what, is asked for each command.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) ukey: UKeyId,
    pub(super) name: String,
    /// The UKey's id in hexadecimal, for records.
    pub(super) id: String,
}

impl<'a> Talk<'a> {
    pub(super) fn new(daemon: &'a Daemon, socket: &'a UnixStream, peer: Peer) -> Self {
        let incoming = Incoming::new(&daemon.budget, peer.uid);
        Self {
            daemon,
            peer,
            caller: None,
            challenge: None,
            approvals: Vec::new(),
            approved_by: None,
            reading: None,
            imports: Imports::new(daemon),
            socket,
            incoming,
        }
    }

    /// What the console asks next; none once it has closed the connection.
    pub(super) fn next(&mut self) -> io::Result<Option<Result<Ask, &'static str>>> {
        let patience = if self.imports.is_empty() { PATIENCE } else { IMPORT_PATIENCE };
        self.socket.set_read_timeout(Some(patience))?;
        let Next::Frame(at) = self.incoming.next(self.socket, MAX_ASK)? else { return Ok(None) };
        let ask = decode::<Ask>(self.incoming.body(&at));
        self.incoming.wipe(&at);
        Ok(Some(ask.map_err(|_| "this hsmd does not know the command: is hsm-admin of the same release?")))
    }

    /// Tells the console something, which must take it in time.
    pub(super) fn tell(&mut self, told: &Told) -> io::Result<()> {
        let mut reply = Vec::new();
        frame::begin(&mut reply);
        encode(told, &mut reply).map_err(|_| io::ErrorKind::InvalidData)?;
        frame::close(&mut reply)?;
        outgoing::write(&reply, &[], self.socket, TAKE)
    }

    /// The connection.
    pub(super) const fn socket(&self) -> &'a UnixStream {
        self.socket
    }

    /// Tells it how far a command has come.
    pub(super) fn progress(&mut self, done: u64, total: u64) -> Result<(), String> {
        self.tell(&Told::Progress { done, total }).map_err(gone)
    }

    /// Moves bytes to the console, in chunks.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        for chunk in bytes.chunks(MAX_CHUNK) {
            self.tell(&Told::Chunk(Bytes::from(chunk))).map_err(gone)?;
        }
        Ok(())
    }

    /// The next chunk that the console moves here; none after the last.
    pub(super) fn receive(&mut self) -> Result<Option<Bytes>, String> {
        match self.next().map_err(gone)? {
            Some(Ok(Ask::Chunk(bytes))) if bytes.len() <= MAX_CHUNK => Ok(Some(bytes)),
            Some(Ok(Ask::End)) => Ok(None),
            Some(_) => Err("expected the rest of the data".into()),
            None => Err("the console went away in the middle".into()),
        }
    }

    /// Who is there, as records have it.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { door: Door::Console, peer: Some(self.peer), user: "console", person: self.person() }
    }

    fn person(&self) -> Option<Person<'_>> {
        self.caller.as_ref().map(|caller| Person { name: &caller.name, id: &caller.id })
    }

    /// The UKey of who has logged in.
    pub(super) fn by(&self) -> Option<UKeyId> {
        self.caller.as_ref().map(|caller| caller.ukey)
    }

    /// The HSM, if the daemon is open.
    pub(super) fn hsm(&self) -> Result<Arc<Hsm>, String> {
        self.daemon.hsm().map_err(|why| format!("hsmd is sealed: {why}"))
    }

    /// The partition of this label, serial number or slot number.
    pub(super) fn partition(&self, name: &str) -> Result<Arc<Partition>, String> {
        let hsm = self.hsm()?;
        hsm.partition_named(name).ok_or_else(|| {
            let same = hsm.partitions().iter().filter(|partition| partition.label() == name).count();
            match same {
                0 => {
                    format!("there is no partition {name:?}: expected a label, serial number or slot number")
                }
                _ => format!("{same} partitions have the label {name:?}: name one by its serial number"),
            }
        })
    }
}

/// For a connection that broke in the middle of a command.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn gone(error: io::Error) -> String {
    format!("the connection to the console broke: {error}")
}
