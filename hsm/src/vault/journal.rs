//! The forms of what the vault puts into the store: records, journal entries and snapshots.
//!
//! A record is its version, the commit that sealed it and its sealed content. A journal entry is sealed, names its predecessor by tag, and
//! lists each record that its commit put (with the tag of what was put) or deleted. A snapshot lists all
//! records as of a commit, in pages, so that the journal before it can go.

use std::collections::BTreeMap;

use crypto::Secret;

use super::keys::{Ring, SealingKey, StoreId, StoreKeys, Tag, tag};
use super::{Damage, Fault, RecordId, VaultError, Version};

/// What the keys of records begin with.
pub(super) const RECORDS: &[u8] = b"r";
/// What the keys of journal entries begin with.
pub(super) const JOURNAL: &[u8] = b"j";
/// What the keys of the pages of snapshots begin with.
pub(super) const SNAPSHOT: &[u8] = b"s";
/// Records in a page of a snapshot.
const PER_PAGE: usize = 4096;

/// What is known of a record: the commit that gave it its content, the one that sealed it as it is (a later one,
/// if its key was replaced since), and the tag of what that put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) version: Version,
    pub(super) sealed: u64,
    pub(super) tag: Tag,
}

/// A point in the journal: a commit and its entry's tag, which stands for all before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) sequence: u64,
    pub(super) tag: Tag,
}

/// What a commit did to records: the version they have, and the tag of what was put; none is a deletion.
pub(super) type Effects = BTreeMap<RecordId, Option<(Version, Tag)>>;

/// Seals a record's content at a commit. Gives what goes into the store, and its tag.
pub(super) fn seal_record(
    store: &StoreId,
    key: &SealingKey,
    id: RecordId,
    (version, commit): (Version, u64),
    content: &Secret,
) -> Result<(Vec<u8>, Tag), VaultError> {
    let mut sealed = [version.0.to_be_bytes(), commit.to_be_bytes()].concat();
    let tag = key.seal(&record_aad(store, id, version, commit), content.as_bytes(), &mut sealed)?;
    Ok((sealed, tag))
}

/// Opens a record that must be the one that `stamp` tells of.
pub(super) fn open_record(
    store: &StoreId,
    keys: &Ring<SealingKey>,
    id: RecordId,
    stamp: Stamp,
    sealed: &[u8],
) -> Result<Secret, Damage> {
    let fault = |fault| Damage::record(id, fault);
    let (version, rest) = sealed.split_first_chunk().ok_or(fault(Fault::Forged))?;
    let (commit, rest) = rest.split_first_chunk().ok_or(fault(Fault::Forged))?;
    let (found, commit) = (Version(u64::from_be_bytes(*version)), u64::from_be_bytes(*commit));
    let key = keys.at(commit).ok_or(fault(Fault::Forged))?;
    let content = key.open(&record_aad(store, id, found, commit), rest).ok_or(fault(Fault::Forged))?;
    if found != stamp.version {
        return Err(fault(Fault::Stale { found, expected: stamp.version }));
    }
    if commit != stamp.sealed {
        return Err(fault(Fault::Resealed));
    }
    if tag(rest) != Some(stamp.tag) {
        return Err(fault(Fault::Foreign));
    }
    Ok(content)
}

fn record_aad(store: &StoreId, id: RecordId, version: Version, commit: u64) -> Vec<u8> {
    [&store[..], RECORDS, &id.to_bytes(), &version.0.to_be_bytes(), &commit.to_be_bytes()].concat()
}

/// The key of a commit's journal entry.
pub(super) fn entry_key(sequence: u64) -> Vec<u8> {
    [JOURNAL, &sequence.to_be_bytes()].concat()
}

/// The commit whose journal entry has this key.
pub(super) fn entry_sequence(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.strip_prefix(JOURNAL)?.try_into().ok()?))
}

/// Seals the entry of the commit after `before`. Gives what goes into the store, and the new head.
pub(super) fn seal_entry(
    store: &StoreId,
    keys: &Ring<StoreKeys>,
    before: &Head,
    effects: &Effects,
) -> Result<(Vec<u8>, Head), VaultError> {
    let sequence = before.sequence + 1;
    let mut content = before.tag.to_vec();
    for (id, effect) in effects {
        content.extend_from_slice(&id.to_bytes());
        content.push(u8::from(effect.is_some()));
        let (version, tag) = effect.unwrap_or((Version(0), Tag::default()));
        content.extend_from_slice(&version.0.to_be_bytes());
        content.extend_from_slice(&tag);
    }
    let mut sealed = Vec::new();
    let tag = keys.newest().journal.seal(&entry_aad(store, sequence), &content, &mut sealed)?;
    Ok((sealed, Head { sequence, tag }))
}

/// Opens the entry of the commit after `before`. Gives its effects and the new head.
pub(super) fn open_entry(
    store: &StoreId,
    keys: &Ring<StoreKeys>,
    before: &Head,
    sealed: &[u8],
) -> Result<(Effects, Head), Damage> {
    let sequence = before.sequence + 1;
    let (previous, content) = unseal_entry(store, keys, sequence, sealed)?;
    if previous != before.tag {
        return Err(Damage::EntryForeign(sequence));
    }
    let forged = Damage::EntryForged(sequence);
    let (_, effects) = content.as_bytes().split_at_checked(previous.len()).ok_or(forged.clone())?;
    let effects: Option<Effects> = effects.chunks(EFFECT).map(parse_effect).collect();
    let head = Head { sequence, tag: tag(sealed).ok_or(forged.clone())? };
    Ok((effects.ok_or(forged)?, head))
}

/// The head that the entry of commit `sequence` follows, as the entry itself says.
pub(super) fn head_before(
    store: &StoreId,
    keys: &Ring<StoreKeys>,
    sequence: u64,
    sealed: &[u8],
) -> Result<Head, Damage> {
    let (tag, _) = unseal_entry(store, keys, sequence, sealed)?;
    Ok(Head { sequence: sequence.saturating_sub(1), tag })
}

/// The tag of the entry before, and the whole content.
fn unseal_entry(
    store: &StoreId,
    keys: &Ring<StoreKeys>,
    sequence: u64,
    sealed: &[u8],
) -> Result<(Tag, Secret), Damage> {
    let forged = Damage::EntryForged(sequence);
    let key = &keys.at(sequence).ok_or(forged.clone())?.journal;
    let content = key.open(&entry_aad(store, sequence), sealed).ok_or(forged.clone())?;
    let previous = content.as_bytes().first_chunk().copied().ok_or(forged)?;
    Ok((previous, content))
}

/// Length of an effect in an entry: id, whether it is a put, version, tag.
const EFFECT: usize = RecordId::LEN + 1 + 8 + 16;

fn parse_effect(bytes: &[u8]) -> Option<(RecordId, Option<(Version, Tag)>)> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (put, rest) = rest.split_first()?;
    let (version, tag) = rest.split_first_chunk()?;
    let put = (*put == 1).then_some((Version(u64::from_be_bytes(*version)), tag.try_into().ok()?));
    Some((RecordId::from_bytes(id), put))
}

fn entry_aad(store: &StoreId, sequence: u64) -> Vec<u8> {
    [&store[..], JOURNAL, &sequence.to_be_bytes()].concat()
}

/// The key of a page of a snapshot.
pub(super) fn page_key(commit: u64, page: u32) -> Vec<u8> {
    [SNAPSHOT, &commit.to_be_bytes(), &page.to_be_bytes()].concat()
}

/// The commit and the number of the page that has this key.
pub(super) fn page_number(key: &[u8]) -> Option<(u64, u32)> {
    let (commit, page) = key.strip_prefix(SNAPSHOT)?.split_first_chunk()?;
    Some((u64::from_be_bytes(*commit), u32::from_be_bytes(page.try_into().ok()?)))
}

/// A page of a snapshot: its key in the store, and what goes there.
type Page = (Vec<u8>, Vec<u8>);

/// Seals all records as of `head`, in pages.
pub(super) fn seal_snapshot(
    store: &StoreId,
    keys: &Ring<StoreKeys>,
    head: &Head,
    records: &BTreeMap<RecordId, Stamp>,
) -> Result<Vec<Page>, VaultError> {
    let count = u32::try_from(records.len().div_ceil(PER_PAGE).max(1)).unwrap_or(u32::MAX);
    let mut left = records.iter();
    (0..count)
        .map(|page| {
            let mut content = head.tag.to_vec();
            for (id, stamp) in left.by_ref().take(PER_PAGE) {
                content.extend_from_slice(&id.to_bytes());
                content.extend_from_slice(&stamp.version.0.to_be_bytes());
                content.extend_from_slice(&stamp.sealed.to_be_bytes());
                content.extend_from_slice(&stamp.tag);
            }
            let mut sealed = count.to_be_bytes().to_vec();
            keys.newest().journal.seal(
                &page_aad(store, head.sequence, page, count),
                &content,
                &mut sealed,
            )?;
            Ok((page_key(head.sequence, page), sealed))
        })
        .collect()
}

/// Opens one page, and adds its records. Gives the head and how many pages the snapshot has.
pub(super) fn open_page(
    store: &StoreId,
    keys: &Ring<StoreKeys>,
    (commit, page): (u64, u32),
    sealed: &[u8],
    records: &mut BTreeMap<RecordId, Stamp>,
) -> Result<(Head, u32), Damage> {
    let mut open = || {
        let (count, sealed) = sealed.split_first_chunk()?;
        let count = u32::from_be_bytes(*count);
        let content = keys.at(commit)?.journal.open(&page_aad(store, commit, page, count), sealed)?;
        let (tag, rest) = content.as_bytes().split_first_chunk()?;
        for stamp in rest.chunks(RecordId::LEN + 8 + 8 + 16) {
            let (id, rest) = stamp.split_first_chunk()?;
            let (version, rest) = rest.split_first_chunk()?;
            let (sealed, tag) = rest.split_first_chunk()?;
            let (version, sealed) = (Version(u64::from_be_bytes(*version)), u64::from_be_bytes(*sealed));
            records.insert(RecordId::from_bytes(id), Stamp { version, sealed, tag: tag.try_into().ok()? });
        }
        Some((Head { sequence: commit, tag: *tag }, count))
    };
    open().ok_or(Damage::PageForged { commit, page })
}

fn page_aad(store: &StoreId, commit: u64, page: u32, count: u32) -> Vec<u8> {
    [&store[..], SNAPSHOT, &commit.to_be_bytes(), &page.to_be_bytes(), &count.to_be_bytes()].concat()
}
