//! Backup, restore and cloning: files that go to the console and come from it, in chunks.

use std::io::{self, Read, Write};

use backup::{DomainSecret, Header, Opener, Recipients};
use crypto::Secret;
use dew::described;
use hsm::Hsm;
use hsm::backup::{BackupError, Holders, How};
use hsm::event::{Actor, Door, Person};
use hsm::ports::Peer;
use ukey::Public;
use ukey::shares::Share;
use wire::admin::backup::{self as protocol, Ask, To, With};
use wire::admin::{MAX_CHUNK, Told};
use wire::{Bytes, List};

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let told = match ask {
        Ask::Holders => held(talk.hsm()?.backup_holders().map_err(text)?)?,
        Ask::SetHolders { threshold, holders } => {
            let holders = match holders.is_empty() {
                true => None,
                false => Some(Holders { threshold: *threshold, ukeys: publics(holders)? }),
            };
            talk.hsm()?.set_backup_holders(holders.as_ref(), &talk.actor()).map_err(text)?;
            held(holders)?
        }
        Ask::Create { partition, to } => create(talk, partition.as_deref(), to)?,
        Ask::Verify { with } => {
            let (hsm, limit) = (talk.hsm()?, talk.daemon.config.limits.bytes);
            let opener = opener(&hsm, with)?;
            file(&taking(talk, |from, _| hsm.verify_backup(from, &opener, limit, described))?)
        }
        Ask::Restore { file, with, replace, older } => {
            let (hsm, limit) = (talk.hsm()?, talk.daemon.config.limits.bytes);
            let opener = opener(&hsm, with)?;
            let (replace, older, file) = (*replace, *older, Some(*file));
            let how = How { replace, older, limit, file, services: described };
            let back = taking(talk, |from, by| hsm.restore(from, &opener, how, by))?;
            talk.daemon.remotes.look();
            // What came back is there. That the services do not see it yet is for the log: a restart mends it.
            if let Err(error) = talk.daemon.services()?.reload() {
                tracing::error!(
                    "the services do not see what was restored before hsmd starts again: {error}"
                );
            }
            restored(back)?
        }
        Ask::Domain => {
            protocol::Told::Domain(talk.hsm()?.cloning_domain().map_err(text)?.map(|domain| domain.id))
        }
        Ask::DomainCreate { replace } => {
            let made = talk.hsm()?.create_cloning_domain(*replace, &talk.actor());
            protocol::Told::Domain(Some(made.map_err(text)?))
        }
        Ask::DomainExport { to } => {
            let hsm = talk.hsm()?;
            let to = recipients(&hsm, to)?;
            file(&giving(talk, |file, by| hsm.export_cloning_domain(&to, file, by))?)
        }
        Ask::DomainImport { file, with, replace } => {
            let hsm = talk.hsm()?;
            let opener = opener(&hsm, with)?;
            let joined =
                taking(talk, |from, by| hsm.import_cloning_domain(from, &opener, Some(*file), *replace, by));
            protocol::Told::Domain(Some(joined?))
        }
        Ask::Export { partition, objects } => {
            let (hsm, partition) = (talk.hsm()?, talk.partition(partition)?);
            file(&giving(talk, |file, by| hsm.export_keys(&partition, objects, file, by))?)
        }
        Ask::Import { file, partition } => {
            let (hsm, partition) = (talk.hsm()?, talk.partition(partition)?);
            let (_, count) = taking(talk, |from, by| hsm.import_keys(&partition, from, Some(*file), by))?;
            protocol::Told::Imported(count)
        }
    };
    Ok(Told::Backup(told))
}

fn create(talk: &mut Talk<'_>, partition: Option<&str>, to: &To) -> Result<protocol::Told, String> {
    let hsm = talk.hsm()?;
    let partition = partition.map(|name| talk.partition(name)).transpose()?;
    let to = recipients(&hsm, to)?;
    Ok(file(&giving(talk, |file, by| hsm.back_up(partition.as_deref(), &to, file, by))?))
}

/// Has a file made that goes to the console as it grows.
fn giving(
    talk: &mut Talk<'_>,
    make: impl FnOnce(&mut Outgoing<'_, '_>, &Actor<'_>) -> Result<Header, BackupError>,
) -> Result<Header, String> {
    let caller = Caller::of(talk);
    make(&mut Outgoing(talk), &caller.actor()).map_err(text)
}

/// Has a file read that comes from the console. What is left of it after an error is taken too, so that the console
/// hears of that.
fn taking<T>(
    talk: &mut Talk<'_>,
    read: impl FnOnce(&mut Incoming<'_, '_>, &Actor<'_>) -> Result<T, BackupError>,
) -> Result<T, String> {
    talk.tell(&Told::Send).map_err(|error| format!("the connection to the console broke: {error}"))?;
    let caller = Caller::of(talk);
    let mut from = Incoming { talk, chunk: Bytes::default(), at: 0, ended: false };
    let result = read(&mut from, &caller.actor()).map_err(text);
    while !from.ended {
        from.ended = from.talk.receive()?.is_none();
    }
    result
}

/// Who is there, apart from the connection, which is needed for the file.
struct Caller {
    peer: Peer,
    person: Option<(String, String)>,
}

impl Caller {
    fn of(talk: &Talk<'_>) -> Self {
        let person = talk.caller.as_ref().map(|caller| (caller.name.clone(), caller.id.clone()));
        Self { peer: talk.peer, person }
    }

    fn actor(&self) -> Actor<'_> {
        let person = self.person.as_ref().map(|(name, id)| Person { name, id });
        Actor { door: Door::Console, peer: Some(self.peer), user: "console", person }
    }
}

/// A file on its way to the console.
struct Outgoing<'t, 'd>(&'t mut Talk<'d>);

impl Write for Outgoing<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = bytes.get(..bytes.len().min(MAX_CHUNK)).unwrap_or_default();
        self.0.send(now).map_err(io::Error::other)?;
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file on its way from the console.
struct Incoming<'t, 'd> {
    talk: &'t mut Talk<'d>,
    chunk: Bytes,
    at: usize,
    ended: bool,
}

impl Read for Incoming<'_, '_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() && !self.ended {
            let next = self.talk.receive().inspect_err(|_| self.ended = true).map_err(io::Error::other)?;
            self.ended = next.is_none();
            (self.chunk, self.at) = (next.unwrap_or_default(), 0);
        }
        let left = self.chunk.get(self.at..).unwrap_or_default();
        let len = left.len().min(to.len());
        to.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
        self.at += len;
        Ok(len)
    }
}

/// For whom a file is to be made.
fn recipients(hsm: &Hsm, to: &To) -> Result<Recipients, String> {
    Ok(match to {
        To::Holders => hsm
            .backup_holders()
            .map_err(text)?
            .ok_or("nobody is set to open backups: `backup holders set` does, or --to and --passphrase say it here")?
            .recipients(),
        To::UKeys { threshold, holders } => {
            Recipients::UKeys { threshold: *threshold, holders: publics(holders)? }
        }
        To::Passphrase(passphrase) => Recipients::Passphrase(secret(passphrase)),
        To::Domain => Recipients::Domain(domain(hsm)?),
    })
}

/// What is to open a file.
fn opener(hsm: &Hsm, with: &With) -> Result<Opener, String> {
    Ok(match with {
        With::Passphrase(passphrase) => Opener::Passphrase(secret(passphrase)),
        With::Shares(shares) => {
            let shares = shares.iter().map(|share| Share::from_bytes(share));
            Opener::Shares(shares.collect::<Result<_, _>>().map_err(text)?)
        }
        With::Domain => Opener::Domain(domain(hsm)?),
    })
}

fn domain(hsm: &Hsm) -> Result<DomainSecret, String> {
    hsm.own_cloning_domain().map_err(text)
}

fn publics(holders: &[Bytes]) -> Result<Vec<Public>, String> {
    holders.iter().map(|holder| Public::from_bytes(holder).map_err(text)).collect()
}

fn held(holders: Option<Holders>) -> Result<protocol::Told, String> {
    let (threshold, ukeys) = holders.map_or((0, Vec::new()), |holders| (holders.threshold, holders.ukeys));
    let holders = ukeys.iter().map(|ukey| Bytes::from(ukey.to_bytes())).collect();
    let holders = List::new(holders).ok_or("there are more UKeys than an answer brings")?;
    Ok(protocol::Told::Holders { threshold, holders })
}

fn file(header: &Header) -> protocol::Told {
    let objects = header.facts.partitions.iter().map(|partition| partition.objects).sum();
    protocol::Told::File { id: header.id, objects }
}

fn restored(restored: hsm::backup::Restored) -> Result<protocol::Told, String> {
    let too_many = "there are more partitions than an answer brings";
    let partitions = restored.partitions.iter().map(|one| protocol::Restored {
        slot: one.partition.slot().0,
        slot_then: one.slot_then,
        label: one.partition.label(),
        serial: one.partition.serial(),
        objects: one.partition.object_count(),
        replaced: one.replaced,
    });
    Ok(protocol::Told::Restored {
        partitions: List::new(partitions.collect()).ok_or(too_many)?,
        older: List::new(restored.older).ok_or(too_many)?,
    })
}

fn secret(bytes: &Bytes) -> Secret {
    Secret::new(bytes.to_vec())
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn text(error: impl ToString) -> String {
    error.to_string()
}
