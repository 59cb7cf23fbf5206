//! Opening: what the journal and the anchor say must be there is compared with what is there, record by record.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::group::{Queue, apply};
use super::header::{self, HEADER};
use super::journal::{self, Head, JOURNAL, RECORDS, SNAPSHOT, Stamp};
use super::keys::{RootKey, SealingKey, StoreKeys};
use super::ledger::Notes;
use super::{
    Anchor, AnchorState, Damage, Fault, Known, RecordId, Trust, Vault, VaultError, Version, Writer, kind,
};
use crate::store::{Change, Entry, Precondition, Store, StoreError};

/// Entries read from the store at once.
const PAGE: usize = 1024;

pub(super) fn open(
    store: Arc<dyn Store>,
    anchor: Arc<dyn Anchor>,
    root: &RootKey,
    trust: Trust,
) -> Result<Vault, VaultError> {
    let acknowledged = match anchor.read() {
        Err(_) if trust == Trust::Store => None,
        read => read?,
    };
    let Some(header) = store.get(HEADER)? else {
        return make(store, anchor, root, acknowledged.filter(|_| trust == Trust::Anchor));
    };
    let keys = header::open(&header.value, root)?;
    if trust == Trust::Anchor {
        // Before the records, so that another store's anchor or none is not mistaken for a damaged store.
        check_anchor_is_ours(&keys, acknowledged.as_ref())?;
    }
    let log = read_log(&*store, &keys)?;
    if let (Trust::Anchor, Some(acknowledged)) = (trust, &acknowledged) {
        check_log_reaches(&log, acknowledged)?;
    }
    let domains = check_records(&*store, &keys, &log.records)?;

    let vault = Vault {
        store,
        anchor,
        keys,
        known: RwLock::new(Known { records: log.records, domains }),
        writer: Mutex::new(Writer {
            head: log.head,
            snapshot: log.snapshot,
            broken: None,
            notes: Notes::default(),
        }),
        queue: Queue::default(),
    };
    // What the store has and the anchor does not, a crash kept from being acknowledged; now it is.
    if acknowledged.is_none_or(|anchor| anchor.sequence != log.head.sequence || trust == Trust::Store) {
        vault.advance_anchor(&log.head)?;
    }
    Ok(vault)
}

/// Makes a vault on an empty store. The anchor comes first, so that a crash on the way leaves either an empty
/// store or a vault whose anchor is one commit behind.
fn make(
    store: Arc<dyn Store>,
    anchor: Arc<dyn Anchor>,
    root: &RootKey,
    acknowledged: Option<AnchorState>,
) -> Result<Vault, VaultError> {
    if !store.scan(b"", None, 1)?.is_empty() {
        return Err(Damage::HeaderMissing.into());
    }
    if let Some(acknowledged) = acknowledged.filter(|anchor| anchor.sequence > 0) {
        return Err(Damage::RolledBack { store: 0, acknowledged: acknowledged.sequence }.into());
    }
    let (header, keys) = header::make(root)?;
    let (entry, head) = journal::seal_entry(&keys.store, &keys.journal, &Head::default(), &BTreeMap::new())?;
    let vault = Vault {
        store,
        anchor,
        keys,
        known: RwLock::new(Known { records: BTreeMap::new(), domains: HashMap::new() }),
        writer: Mutex::new(Writer { head, snapshot: (0, 0), broken: None, notes: Notes::default() }),
        queue: Queue::default(),
    };
    vault.advance_anchor(&Head::default())?;
    vault.store.commit(
        &[Precondition::Absent(HEADER.to_vec())],
        &[
            Change::Put { key: HEADER.to_vec(), value: header },
            Change::Put { key: journal::entry_key(head.sequence), value: entry },
        ],
    )?;
    vault.advance_anchor(&head)?;
    Ok(vault)
}

fn check_anchor_is_ours(keys: &StoreKeys, anchor: Option<&AnchorState>) -> Result<(), VaultError> {
    let anchor = anchor.ok_or(Damage::AnchorMissing)?;
    // Its MAC depends on the store, so that a foreign anchor does not authenticate either.
    if anchor.store != keys.store {
        return Err(Damage::AnchorForeign.into());
    }
    if !anchor.is_genuine(&keys.anchor)? {
        return Err(Damage::AnchorForged.into());
    }
    Ok(())
}

/// What snapshot and journal say.
struct Log {
    records: BTreeMap<RecordId, Stamp>,
    head: Head,
    /// The head before the last entry.
    before: Head,
    snapshot: (u64, u32),
}

fn read_log(store: &dyn Store, keys: &StoreKeys) -> Result<Log, VaultError> {
    let mut log = read_snapshot(store, keys)?;
    let snapshot = log.head;
    // The entry of the snapshot's own commit stays in the journal; the snapshot holds what it did.
    let mut next = snapshot.sequence.max(1);
    for entry in entries(store, JOURNAL) {
        let (key, sealed) = entry?;
        let sequence = journal::entry_sequence(&key).ok_or_else(|| foreign(&key))?;
        if sequence != next {
            return Err(Damage::EntryMissing(next).into());
        }
        if sequence == snapshot.sequence {
            if super::keys::tag(&sealed.value) != Some(snapshot.tag) {
                return Err(Damage::EntryForged(sequence).into());
            }
            // A crash may have come between this commit and the anchor, which is then at the one before.
            log.before = journal::head_before(&keys.store, &keys.journal, sequence, &sealed.value)?;
        } else {
            let (effects, head) = journal::open_entry(&keys.store, &keys.journal, &log.head, &sealed.value)?;
            apply(&mut log.records, &effects, Version(sequence));
            (log.before, log.head) = (log.head, head);
        }
        next += 1;
    }
    if next == snapshot.sequence.max(1) {
        return Err(Damage::EntryMissing(next).into());
    }
    Ok(log)
}

fn read_snapshot(store: &dyn Store, keys: &StoreKeys) -> Result<Log, VaultError> {
    let mut log =
        Log { records: BTreeMap::new(), head: Head::default(), before: Head::default(), snapshot: (0, 0) };
    let mut next = 0;
    for entry in entries(store, SNAPSHOT) {
        let (key, sealed) = entry?;
        let (commit, page) = journal::page_number(&key).ok_or_else(|| foreign(&key))?;
        if next > 0 && commit != log.head.sequence {
            return Err(Damage::TwoSnapshots(log.head.sequence, commit).into());
        }
        if page != next {
            return Err(Damage::PageMissing { commit, page: next }.into());
        }
        let (head, pages) =
            journal::open_page(&keys.store, &keys.journal, (commit, page), &sealed.value, &mut log.records)?;
        if next > 0 && (head, pages) != (log.head, log.snapshot.1) {
            return Err(Damage::PageForged { commit, page }.into());
        }
        (log.head, log.snapshot) = (head, (commit, pages));
        next += 1;
    }
    if next != log.snapshot.1 {
        return Err(Damage::PageMissing { commit: log.snapshot.0, page: next }.into());
    }
    log.before = log.head;
    Ok(log)
}

fn check_log_reaches(log: &Log, anchor: &AnchorState) -> Result<(), Damage> {
    let (store, acknowledged) = (log.head.sequence, anchor.sequence);
    if store < acknowledged {
        return Err(Damage::RolledBack { store, acknowledged });
    }
    // A crash leaves at most the one commit that was on its way.
    let there = match store - acknowledged {
        0 => log.head,
        1 if log.before.sequence == acknowledged => log.before,
        _ => return Err(Damage::AnchorBehind { store, anchor: acknowledged }),
    };
    if there.tag != anchor.tag {
        return Err(Damage::Diverged(acknowledged));
    }
    Ok(())
}

/// Compares each record with what it must be. Gives the keys of the domains.
fn check_records(
    store: &dyn Store,
    keys: &StoreKeys,
    expected: &BTreeMap<RecordId, Stamp>,
) -> Result<HashMap<u64, Arc<SealingKey>>, VaultError> {
    let mut domains = HashMap::new();
    let mut left = expected.iter();
    for entry in entries(store, RECORDS) {
        let (key, sealed) = entry?;
        let id = key.strip_prefix(RECORDS).and_then(|id| id.try_into().ok()).ok_or_else(|| foreign(&key))?;
        let id = RecordId::from_bytes(id);
        let Some(stamp) = expected.get(&id) else {
            return Err(Damage::record(id, Fault::Unknown).into());
        };
        if let Some((next, _)) = left.next().filter(|(next, _)| **next != id) {
            return Err(Damage::record(*next, Fault::Missing).into());
        }
        let domain = match id.domain {
            0 => &keys.hsm,
            domain => {
                domains.get(&domain).ok_or(Damage::record(RecordId::domain_key(domain), Fault::Missing))?
            }
        };
        let content = journal::open_record(&keys.store, domain, id, *stamp, &sealed.value)?;
        // The keys of domains come before the records in them.
        if (id.domain, id.kind) == (0, kind::DOMAIN_KEY) {
            domains.insert(id.number, Arc::new(SealingKey::new(&content)?));
        }
    }
    match left.next() {
        Some((id, _)) => Err(Damage::record(*id, Fault::Missing).into()),
        None => Ok(domains),
    }
}

fn foreign(key: &[u8]) -> Damage {
    Damage::ForeignKey(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// All entries of a prefix, a page at a time.
fn entries<'a>(
    store: &'a dyn Store,
    prefix: &'a [u8],
) -> impl Iterator<Item = Result<(Vec<u8>, Entry), StoreError>> + 'a {
    let mut page = Vec::new().into_iter();
    let mut after: Option<Vec<u8>> = None;
    std::iter::from_fn(move || {
        if page.as_slice().is_empty() {
            match store.scan(prefix, after.as_deref(), PAGE) {
                Ok(next) => page = next.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
        let (key, entry) = page.next()?;
        after = Some(key.clone());
        Some(Ok((key, entry)))
    })
}
