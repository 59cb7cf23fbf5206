//! Group commit: of the threads that wait to commit, one commits for all.
//!
//! There is no thread of the vault's own. Whoever comes while nobody leads takes all requests that wait, commits
//! them together, and hands each its own outcome; a request whose expectation fails leaves the others alone.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crypto::Secret;
use parking_lot::{Condvar, Mutex};

use super::journal::{self, Effects, Stamp};
use super::keys::{Ring, SealingKey, StoreKeys, random_key};
use super::rekey::NewKeys;
use super::{Batch, Change, Expect, Known, Note, RecordId, Vault, VaultError, Version, Writer, header, kind};
use crate::store::{self, Precondition};

/// The journal is folded into a snapshot when it has more entries than this, and than half the records.
const JOURNAL_MIN: u64 = 1024;

/// The kinds of record in domain 0 that only the vault itself writes.
const OWN: [u8; 3] = [kind::DOMAIN_KEY, kind::NOTE, kind::HEADER];

/// What one caller wants committed.
pub(super) struct Request {
    pub(super) domain: DomainChange,
    pub(super) changes: Vec<Change>,
    /// What is to be recorded of it.
    pub(super) notes: Vec<Note>,
    /// Whether what there is to do about earlier notes is done although nothing changes.
    pub(super) settles: bool,
}

impl Request {
    pub(super) fn new(domain: DomainChange, batch: Batch) -> Self {
        Self { domain, changes: batch.changes, notes: batch.notes, settles: false }
    }
}

/// What a request does to domains as a whole, before its changes.
pub(super) enum DomainChange {
    None,
    Create(Vec<u64>),
    Destroy(u64),
}

type Outcome = Result<Version, VaultError>;

/// Requests that wait, and outcomes that were not fetched yet.
#[derive(Default)]
pub(super) struct Queue {
    line: Mutex<Line>,
    served: Condvar,
}

#[derive(Default)]
struct Line {
    waiting: Vec<(u64, Request)>,
    outcomes: HashMap<u64, Outcome>,
    tickets: u64,
    led: bool,
}

/// Gives the lead up again, also when the leader panics: then those it led fail.
struct Lead<'a> {
    queue: &'a Queue,
    tickets: Vec<u64>,
    outcomes: Vec<Outcome>,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut line = self.queue.line.lock();
        line.led = false;
        let lost = || Err(VaultError::Broken("a commit was cut short by a defect".into()));
        let outcomes = self.outcomes.drain(..).chain(std::iter::repeat_with(lost));
        line.outcomes.extend(self.tickets.drain(..).zip(outcomes));
        drop(line);
        self.queue.served.notify_all();
    }
}

impl Vault {
    /// Has a request committed, by this thread or by another.
    pub(super) fn submit(&self, request: Request) -> Outcome {
        let mut line = self.queue.line.lock();
        line.tickets += 1;
        let ticket = line.tickets;
        line.waiting.push((ticket, request));
        loop {
            if let Some(outcome) = line.outcomes.remove(&ticket) {
                return outcome;
            }
            if line.led {
                self.queue.served.wait(&mut line);
                continue;
            }
            line.led = true;
            let (tickets, requests) = std::mem::take(&mut line.waiting).into_iter().unzip();
            drop(line);
            let mut lead = Lead { queue: &self.queue, tickets, outcomes: Vec::new() };
            lead.outcomes = self.commit_group(requests);
            drop(lead);
            line = self.queue.line.lock();
        }
    }

    /// Commits all requests together, save those that cannot be. One outcome for each.
    fn commit_group(&self, requests: Vec<Request>) -> Vec<Outcome> {
        let mut admitted = vec![Ok(()); requests.len()];
        let outcome = self.commit_alone(|staged, writer| {
            let mut admit =
                |request: Request| writer.check_notes(&request).and_then(|()| staged.admit(request));
            admitted = requests.into_iter().map(&mut admit).collect();
            Ok(())
        });
        admitted.into_iter().map(|admitted| admitted.and_then(|()| outcome.clone())).collect()
    }

    /// Whether somebody commits, or waits to.
    pub(super) fn is_awaited(&self) -> bool {
        let line = self.queue.line.lock();
        line.led || !line.waiting.is_empty()
    }

    /// Commits what `stage` stages, in one commit of its own.
    pub(super) fn commit_alone(
        &self,
        stage: impl FnOnce(&mut Staged<'_>, &Writer) -> Result<(), VaultError>,
    ) -> Outcome {
        let mut writer = self.writer.lock();
        if let Some(why) = &writer.broken {
            return Err(VaultError::Broken(why.clone()));
        }
        // Until the commit is known to have happened; a panic on the way must not leave the vault writable.
        writer.broken = Some("a commit was cut short by a defect".into());
        let mut staged = Staged::new(self, writer.head.sequence + 1);
        let result = match stage(&mut staged, &writer) {
            Ok(()) => self.write(&mut writer, staged),
            Err(error) => Err(Failure::NothingChanged(error)),
        };
        if let Ok(()) | Err(Failure::NothingChanged(_)) = &result {
            writer.broken = None;
        }
        match result {
            Ok(()) => Ok(Version(writer.head.sequence)),
            Err(Failure::NothingChanged(error)) => Err(error),
            Err(Failure::Unknown(error)) => {
                writer.broken = Some(error.to_string());
                Err(error)
            }
        }
    }

    fn write(&self, writer: &mut Writer, staged: Staged<'_>) -> Result<(), Failure> {
        let Staged { records: mut staged, domains, notes, settles, new_keys, commit, .. } = staged;
        if staged.is_empty() && notes.is_empty() && !settles && new_keys.is_empty() {
            return Ok(());
        }
        let mut turn = writer.notes.turn(&self.known.read(), notes);
        staged.append(&mut turn.records);
        let version = Version(commit);
        let (mut effects, mut changes) = (Effects::new(), Vec::new());
        {
            let known = self.known.read();
            for (id, content) in &staged {
                let key = id.store_key();
                let Some(content) = content else {
                    // What was made and destroyed within the group was never there.
                    if known.records.contains_key(id) {
                        effects.insert(*id, None);
                        changes.push(store::Change::Delete { key });
                    }
                    continue;
                };
                let ring = match domains.get(&id.domain) {
                    Some(Some(ring)) => Arc::clone(ring),
                    _ => self.ring(&known, id.domain)?,
                };
                let (value, tag) =
                    journal::seal_record(&self.id, ring.newest(), *id, (version, commit), content)?;
                effects.insert(*id, Some((version, tag)));
                changes.push(store::Change::Put { key, value });
            }
            for (id, (version, content)) in &new_keys.reseals {
                if staged.contains_key(id) {
                    continue;
                }
                let ring = self.ring(&known, id.domain)?;
                let (value, tag) =
                    journal::seal_record(&self.id, ring.newest(), *id, (*version, commit), content)?;
                effects.insert(*id, Some((*version, tag)));
                changes.push(store::Change::Put { key: id.store_key(), value });
            }
        }
        if let Some((value, tag)) = new_keys.header {
            effects.insert(RecordId::HEADER, Some((version, tag)));
            changes.push(store::Change::Put { key: header::HEADER.to_vec(), value });
        }
        if effects.is_empty() {
            return Ok(());
        }
        let entry = journal::entry_key(version.0);
        let keys = new_keys.keys.as_ref().unwrap_or(&writer.keys);
        let (sealed, head) = journal::seal_entry(&self.id, keys, &writer.head, &effects)?;
        changes.push(store::Change::Put { key: entry.clone(), value: sealed });
        let snapshot = self.fold_journal(writer, keys, &head, &effects, new_keys.fold, &mut changes)?;

        let destroyed = domains.iter().filter(|(_, key)| key.is_none()).map(|(number, _)| *number);
        // What is sealed anew stays what it was.
        let changed = effects.keys().filter(|id| !new_keys.reseals.contains_key(id));
        self.keep_for_stills(changed, &destroyed.collect::<Vec<_>>());
        self.store.commit(&[Precondition::Absent(entry)], &changes).map_err(Failure::of_store)?;
        self.advance_anchor(keys, &head).map_err(|error| Failure::Unknown(error.into()))?;

        writer.head = head;
        writer.snapshot = snapshot;
        if let Some(keys) = new_keys.keys {
            writer.keys = keys;
        }
        if let Some(lid) = new_keys.lid {
            writer.lid = lid;
        }
        let mut known = self.known.write();
        apply(&mut known.records, &effects, commit);
        for (domain, key) in domains {
            match key {
                Some(key) => known.domains.insert(domain, key),
                None => known.domains.remove(&domain),
            };
        }
        drop(known);
        // Before anybody is answered, and in the order of commits.
        writer.notes.done(turn);
        Ok(())
    }

    /// If the journal has grown long, or `must` be folded, adds to the changes a snapshot in its place. Gives
    /// the snapshot that the journal goes on from.
    fn fold_journal(
        &self,
        writer: &Writer,
        keys: &Ring<StoreKeys>,
        head: &journal::Head,
        effects: &Effects,
        must: bool,
        changes: &mut Vec<store::Change>,
    ) -> Result<(u64, u32), VaultError> {
        let (last, pages) = writer.snapshot;
        let known = self.known.read();
        if !must && head.sequence - last <= JOURNAL_MIN.max(known.records.len() as u64 / 2) {
            return Ok(writer.snapshot);
        }
        let mut records = known.records.clone();
        drop(known);
        apply(&mut records, effects, head.sequence);
        let sealed = journal::seal_snapshot(&self.id, keys, head, &records)?;
        let new_pages = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        changes.extend(sealed.into_iter().map(|(key, value)| store::Change::Put { key, value }));
        // The entry of the snapshot's own commit stays: the journal goes on from it.
        let entries = (last.max(1)..head.sequence).map(journal::entry_key);
        let old_pages = (0..pages).map(|page| journal::page_key(last, page));
        changes.extend(entries.chain(old_pages).map(|key| store::Change::Delete { key }));
        Ok((head.sequence, new_pages))
    }
}

/// Brings a map of records up to a commit.
pub(super) fn apply(records: &mut BTreeMap<RecordId, Stamp>, effects: &Effects, commit: u64) {
    for (id, effect) in effects {
        match effect {
            Some((version, tag)) => {
                records.insert(*id, Stamp { version: *version, sealed: commit, tag: *tag })
            }
            None => records.remove(id),
        };
    }
}

/// How a commit failed.
enum Failure {
    NothingChanged(VaultError),
    Unknown(VaultError),
}

impl Failure {
    fn of_store(error: store::StoreError) -> Self {
        match error {
            store::StoreError::Conflict => {
                Self::Unknown(VaultError::Broken("another daemon writes to the same store".into()))
            }
            error if error.nothing_changed() => Self::NothingChanged(error.into()),
            error => Self::Unknown(error.into()),
        }
    }
}

/// Before the store is asked, nothing has changed.
impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        Self::NothingChanged(error)
    }
}

/// What a group will do.
pub(super) struct Staged<'a> {
    vault: &'a Vault,
    /// The number that the commit will have.
    pub(super) commit: u64,
    pub(super) records: BTreeMap<RecordId, Option<Secret>>,
    /// Domains that are made or get new keys, with their keys, or that are destroyed.
    pub(super) domains: HashMap<u64, Option<Arc<Ring<SealingKey>>>>,
    /// What the change of keys does.
    pub(super) new_keys: NewKeys,
    notes: Vec<Note>,
    settles: bool,
}

impl<'a> Staged<'a> {
    fn new(vault: &'a Vault, commit: u64) -> Self {
        let (records, domains, new_keys) = Default::default();
        Self { vault, commit, records, domains, new_keys, notes: Vec::new(), settles: false }
    }

    /// Takes a request in, whole or not at all.
    fn admit(&mut self, request: Request) -> Result<(), VaultError> {
        let vault = self.vault;
        let known = vault.known.read();
        let mut own = BTreeMap::new();
        let mut domains = HashMap::new();
        match request.domain {
            DomainChange::None => {}
            DomainChange::Create(numbers) => {
                for number in numbers {
                    if number == 0 || domains.contains_key(&number) || self.has_domain(&known, number) {
                        return Err(VaultError::DomainExists(number));
                    }
                    let keys = Ring::new(self.commit, random_key()?);
                    domains.insert(number, Some(keys.prepared()?));
                    own.insert(RecordId::domain_key(number), Some(keys.encode()));
                }
            }
            DomainChange::Destroy(number) => {
                if number == 0 || !self.has_domain(&known, number) {
                    return Err(VaultError::NoDomain(number));
                }
                let there = known.records.range(RecordId::all_in(number)).map(|(id, _)| *id);
                let staged = self.records.range(RecordId::all_in(number)).map(|(id, _)| *id);
                own.extend(there.chain(staged).chain([RecordId::domain_key(number)]).map(|id| (id, None)));
                domains.insert(number, None);
            }
        }
        let next = Version(u64::MAX);
        for Change { id, expect, value } in request.changes {
            let exists = match domains.get(&id.domain) {
                Some(key) => key.is_some(),
                None if id.domain == 0 => !OWN.contains(&id.kind),
                None => self.has_domain(&known, id.domain),
            };
            if !exists {
                return Err(VaultError::NoDomain(id.domain));
            }
            let changed = own.get(&id).or_else(|| self.records.get(&id));
            let found = match changed {
                Some(content) => content.is_some().then_some(next),
                None => known.records.get(&id).map(|stamp| stamp.version),
            };
            match expect {
                Expect::Any => {}
                Expect::Absent if found.is_none() => {}
                Expect::Version(version) if found == Some(version) => {}
                _ => return Err(VaultError::Conflict { id, found: found.filter(|found| *found != next) }),
            }
            own.insert(id, value);
        }
        self.records.extend(own);
        self.domains.extend(domains);
        self.notes.extend(request.notes);
        self.settles |= request.settles;
        Ok(())
    }

    fn has_domain(&self, known: &Known, domain: u64) -> bool {
        match self.domains.get(&domain) {
            Some(key) => key.is_some(),
            None => known.domains.contains_key(&domain),
        }
    }
}
