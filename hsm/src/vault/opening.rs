//! Opening: what the journal and the anchor say must be there is compared with what is there, record by record.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::group::{Queue, apply};
use super::header::{self, HEADER, Header, Lid};
use super::journal::{self, Head, JOURNAL, RECORDS, SNAPSHOT, Stamp};
use super::keys::{Ring, RootKey, SealingKey, StoreId, StoreKeys, tag};
use super::ledger::Notes;
use super::still::Stills;
use super::{
    Anchor, AnchorState, Damage, Fault, Known, Progress, RecordId, Trust, Vault, VaultError, Version, Writer,
    kind,
};
use crate::store::{Change, Entry, Precondition, Store, StoreError};

/// Entries read from the store at once.
const PAGE: usize = 1024;

pub(super) fn open(
    store: Arc<dyn Store>,
    anchor: Arc<dyn Anchor>,
    root: &RootKey,
    trust: Trust,
    custody: &[u8],
) -> Result<Vault, VaultError> {
    let acknowledged = match anchor.read() {
        Err(_) if trust == Trust::Store => None,
        read => read?,
    };
    let Some(header) = store.get(HEADER)? else {
        let acknowledged = acknowledged.filter(|_| trust == Trust::Anchor);
        return make(store, anchor, header::make(root, custody)?, acknowledged);
    };
    let Header { store: id, keys, lid } = header::open(&header.value, root)?;
    let keys = keys.derive(|key| StoreKeys::derive(id, key))?;
    if trust == Trust::Anchor {
        // Before the records, so that another store's anchor or none is not mistaken for a damaged store.
        check_anchor_is_ours(id, &keys, acknowledged.as_ref())?;
    }
    let mut log = read_log(&*store, id, &keys)?;
    if let (Trust::Anchor, Some(acknowledged)) = (trust, &acknowledged) {
        check_log_reaches(&log, acknowledged)?;
    }
    let written = log.records.remove(&RecordId::HEADER).ok_or(Damage::HeaderStale)?;
    if Some(written.tag) != tag(&header.value) {
        return Err(Damage::HeaderStale.into());
    }
    let domains = check_records(&*store, id, &keys, &log.records)?;
    log.records.insert(RecordId::HEADER, written);

    let (head, snapshot) = (log.head, log.snapshot);
    let vault =
        vault(store, anchor, (id, keys, lid), Known { records: log.records, domains }, head, snapshot);
    // What the store has and the anchor does not, a crash kept from being acknowledged; now it is.
    if acknowledged.is_none_or(|anchor| anchor.sequence != head.sequence || trust == Trust::Store) {
        vault.advance_anchor(&vault.writer.lock().keys, &head)?;
    }
    Ok(vault)
}

fn vault(
    store: Arc<dyn Store>,
    anchor: Arc<dyn Anchor>,
    (id, keys, lid): (StoreId, Ring<StoreKeys>, Lid),
    known: Known,
    head: Head,
    snapshot: (u64, u32),
) -> Vault {
    Vault {
        store,
        anchor,
        id,
        pass: Mutex::default(),
        progress: Mutex::new(Progress::of(&known)),
        known: RwLock::new(known),
        writer: Mutex::new(Writer { head, snapshot, broken: None, notes: Notes::default(), keys, lid }),
        queue: Queue::default(),
        stills: Stills::default(),
    }
}

/// Makes a vault on an empty store. The anchor comes first, so that a crash on the way leaves either an empty
/// store or a vault whose anchor is one commit behind.
fn make(
    store: Arc<dyn Store>,
    anchor: Arc<dyn Anchor>,
    header: Header,
    acknowledged: Option<AnchorState>,
) -> Result<Vault, VaultError> {
    if !store.scan(b"", None, 1)?.is_empty() {
        return Err(Damage::HeaderMissing.into());
    }
    if let Some(acknowledged) = acknowledged.filter(|anchor| anchor.sequence > 0) {
        return Err(Damage::RolledBack { store: 0, acknowledged: acknowledged.sequence }.into());
    }
    let Header { store: id, keys, lid } = header;
    let (header, tag) = lid.seal(id, &keys)?;
    let keys = keys.derive(|key| StoreKeys::derive(id, key))?;
    let effects = BTreeMap::from([(RecordId::HEADER, Some((Version(1), tag)))]);
    let (entry, head) = journal::seal_entry(&id, &keys, &Head::default(), &effects)?;
    let mut known = Known { records: BTreeMap::new(), domains: HashMap::new() };
    apply(&mut known.records, &effects, head.sequence);
    known.domains.insert(0, Arc::new(keys.derive(|keys| Ok(keys.hsm.clone()))?));
    let vault = vault(store, anchor, (id, keys, lid), known, head, (0, 0));
    let writer = vault.writer.lock();
    vault.advance_anchor(&writer.keys, &Head::default())?;
    vault.store.commit(
        &[Precondition::Absent(HEADER.to_vec())],
        &[
            Change::Put { key: HEADER.to_vec(), value: header },
            Change::Put { key: journal::entry_key(head.sequence), value: entry },
        ],
    )?;
    vault.advance_anchor(&writer.keys, &head)?;
    drop(writer);
    Ok(vault)
}

fn check_anchor_is_ours(
    id: StoreId,
    keys: &Ring<StoreKeys>,
    anchor: Option<&AnchorState>,
) -> Result<(), VaultError> {
    let anchor = anchor.ok_or(Damage::AnchorMissing)?;
    // Its MAC depends on the store, so that a foreign anchor does not authenticate either.
    if anchor.store != id {
        return Err(Damage::AnchorForeign.into());
    }
    // That of a commit whose key is destroyed is older than a crash can explain.
    let Some(keys) = keys.at(anchor.sequence) else { return Err(Damage::AnchorForged.into()) };
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

fn read_log(store: &dyn Store, id: StoreId, keys: &Ring<StoreKeys>) -> Result<Log, VaultError> {
    let mut log = read_snapshot(store, id, keys)?;
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
            if tag(&sealed.value) != Some(snapshot.tag) {
                return Err(Damage::EntryForged(sequence).into());
            }
            // A crash may have come between this commit and the anchor, which is then at the one before.
            log.before = journal::head_before(&id, keys, sequence, &sealed.value)?;
        } else {
            let (effects, head) = journal::open_entry(&id, keys, &log.head, &sealed.value)?;
            apply(&mut log.records, &effects, sequence);
            (log.before, log.head) = (log.head, head);
        }
        next += 1;
    }
    if next == snapshot.sequence.max(1) {
        return Err(Damage::EntryMissing(next).into());
    }
    Ok(log)
}

fn read_snapshot(store: &dyn Store, id: StoreId, keys: &Ring<StoreKeys>) -> Result<Log, VaultError> {
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
        let (head, pages) = journal::open_page(&id, keys, (commit, page), &sealed.value, &mut log.records)?;
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
    store_id: StoreId,
    keys: &Ring<StoreKeys>,
    expected: &BTreeMap<RecordId, Stamp>,
) -> Result<HashMap<u64, Arc<Ring<SealingKey>>>, VaultError> {
    let mut domains = HashMap::from([(0, Arc::new(keys.derive(|keys| Ok(keys.hsm.clone()))?))]);
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
        let missing = || Damage::record(RecordId::domain_key(id.domain), Fault::Missing);
        let domain = domains.get(&id.domain).ok_or_else(missing)?;
        let content = journal::open_record(&store_id, domain, id, *stamp, &sealed.value)?;
        // The keys of domains come before the records in them.
        if (id.domain, id.kind) == (0, kind::DOMAIN_KEY) {
            let keys = Ring::parse(&content).ok_or(Damage::record(id, Fault::Forged))?;
            domains.insert(id.number, keys.prepared()?);
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
