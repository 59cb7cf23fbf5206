//! The console's connections: one command after another. A file for each group of commands.

use std::io;
use std::os::unix::net::UnixStream;

use hsm::ports::Peer;
use tracing::{info, warn};
use wire::admin::command::Effect;
use wire::admin::{self, Ask, Told};

use crate::audit::AdminEvent;
use crate::daemon::{Daemon, store_name};

mod account;
mod approval;
mod audit;
mod backup;
mod iam;
mod import;
mod instance;
mod key;
mod kms;
mod live;
mod organization;
mod partition;
mod people;
mod permission;
mod root;
mod talk;
mod topic;
mod user;

use talk::Talk;

/// Serves a console until it closes the connection.
pub(crate) fn serve(daemon: &Daemon, socket: &UnixStream, peer: Peer) {
    let Peer { uid, pid, .. } = peer;
    let served = if may_administer(peer) {
        converse(daemon, socket, peer)
    } else {
        warn!(uid, pid, "refused: only root and the daemon's own user may administer");
        Talk::new(daemon, socket, peer)
            .tell(&failed("only root and the daemon's own user may administer hsmd"))
    };
    if let Err(error) = served {
        warn!(uid, pid, "console connection closed: {error}");
    }
}

fn may_administer(peer: Peer) -> bool {
    peer.uid == 0 || peer.uid == nix::unistd::geteuid().as_raw()
}

fn converse(daemon: &Daemon, socket: &UnixStream, peer: Peer) -> io::Result<()> {
    let mut talk = Talk::new(daemon, socket, peer);
    loop {
        let Some(ask) = talk.next()? else { return Ok(()) };
        let Some(_under_way) = daemon.begin_call() else { return Ok(()) };
        let told = match ask {
            Err(why) => failed(why),
            Ok(mut ask) => {
                let told = iam::check(&mut ask).and_then(|()| carry_out(&mut talk, &ask));
                let told = told.unwrap_or_else(|reason| failed(&reason));
                note(peer, &ask, &told);
                match record(&talk, &ask, &told) {
                    Ok(()) => told,
                    Err(why) => failed(&format!("the command was given, but that is not recorded: {why}")),
                }
            }
        };
        talk.tell(&told)?;
    }
}

/// A command's whole way: may it be given, what comes of it.
fn carry_out(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let act = ask.act();
    if act.command.effect() == Effect::Change {
        // What cannot be recorded is not done.
        talk.daemon.audit.check()?;
    }
    permission::check(talk, &act)?; // it may use up approvals
    answer(talk, ask)
}

/// Records what changes something, and what was refused.
fn record(talk: &Talk<'_>, ask: &Ask, told: &Told) -> Result<(), String> {
    let act = ask.act();
    let outcome = match told {
        Told::Failed { reason } => Err(reason.as_str()),
        _ if act.command.effect() == Effect::Look => return Ok(()),
        _ => Ok(()),
    };
    talk.daemon.audit.administrative(&AdminEvent {
        actor: talk.actor(),
        command: act.command.name(),
        object: act.object,
        details: &act.details,
        outcome,
    })
}

fn note(peer: Peer, ask: &Ask, told: &Told) {
    let Peer { uid, pid, .. } = peer;
    let command = ask.act().command.name();
    match told {
        Told::Failed { reason } => warn!(uid, pid, command, "{reason}"),
        _ => info!(uid, pid, command, "done"),
    }
}

/// What went wrong, for who gave a command: without what the standard's functions would say.
fn words(error: hsm::Error) -> String {
    match error {
        hsm::Error::ArgumentsBad(why) => why.to_owned(),
        hsm::Error::UserUnknown(name) => format!("the partition has no user {name:?}"),
        other => other.to_string(),
    }
}

fn failed(reason: &str) -> Told {
    Told::Failed { reason: reason.to_owned() }
}

/// The answer, or why there is none.
fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match ask {
        Ask::Status => Ok(Told::Status(status(talk.daemon))),
        Ask::Unseal { passphrase } => {
            talk.daemon.unseal(passphrase).map_err(|error| error.to_string())?;
            Ok(Told::Done)
        }
        Ask::Root(ask) => root::answer(talk, ask),
        Ask::People(ask) => people::answer(talk, ask),
        Ask::Approval(ask) => approval::answer(talk, ask),
        Ask::Audit(ask) => audit::answer(talk, ask),
        Ask::Backup(ask) => backup::answer(talk, ask),
        Ask::Import(ask) => import::answer(talk, ask),
        Ask::Instance(ask) => instance::answer(talk, ask),
        Ask::Live(ask) => live::answer(talk, ask),
        Ask::User(ask) => user::answer(talk, ask),
        Ask::Account(ask) => account::answer(talk, ask),
        Ask::Organization(ask) => organization::answer(talk, ask),
        Ask::Key(ask) => key::answer(talk, ask),
        Ask::Kms(ask) => kms::answer(talk, ask),
        Ask::Iam(ask) => iam::answer(talk, ask),
        Ask::Topic(ask) => topic::answer(talk, ask),
        Ask::Chunk(_) | Ask::End => Err("no command waits for data".into()),
        Ask::PartitionCreate { .. }
        | Ask::PartitionList
        | Ask::PartitionShow { .. }
        | Ask::PartitionInit { .. }
        | Ask::PartitionRename { .. }
        | Ask::PartitionDelete { .. }
        | Ask::ObjectList { .. } => partition::answer(talk, ask),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_without_what_a_function_would_answer() {
        let label = hsm::Error::ArgumentsBad("another partition has this label");
        assert_eq!(words(label), "another partition has this label");
        assert_eq!(words(hsm::Error::UserUnknown("eve".into())), "the partition has no user \"eve\"");
    }
}
