//! Notes: what is to be recorded of a change, in the same transaction as the change.
//!
//! A note is a sealed record with a running number. Once its commit is durable, it goes to the [`Ledger`], in
//! the order of the numbers, and when that has it for good, a later commit deletes it here. What a crash kept
//! the ledger from having is still here when the vault opens again: so that every note reaches it exactly once.
//! The vault also keeps the ledger's mark, by which a ledger that was cut short is noticed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crypto::Secret;

use super::group::{DomainChange, Request};
use super::{Known, RecordId, Vault, VaultError, Version, Writer, kind};

/// Notes deleted in one commit; the rest goes with later ones.
const AT_ONCE: usize = 4096;
/// Where the ledger's mark is kept.
const MARK: RecordId = RecordId { domain: 0, kind: kind::NOTE, number: 0 };

/// What is to be recorded of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What the ledger understands.
    pub bytes: Vec<u8>,
    /// Whether the change makes room or takes rights away, so that it may use the last of the ledger's room.
    pub makes_room: bool,
}

impl Note {
    /// The same of a change that makes room or takes rights away.
    #[must_use]
    pub fn making_room(self) -> Self {
        Self { makes_room: true, ..self }
    }
}

/// Why something is not recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRecorded {
    /// There is no room.
    #[error("the audit log is full: {0}")]
    Full(String),
    /// It cannot be written.
    #[error("the audit log is read-only: {0}")]
    ReadOnly(String),
    /// Writing failed.
    #[error("the audit log cannot be written: {0}")]
    Failed(String),
}

/// What a ledger has for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The greatest number of a note that it has, durably or not.
    pub last: u64,
    /// It has all notes up to this number durably.
    pub through: u64,
    /// What it is to be known by when the vault opens again, if there is something.
    pub mark: Option<Vec<u8>>,
}

/// Where notes go.
pub trait Ledger: Send + Sync {
    /// Whether it can take more notes.
    ///
    /// # Errors
    /// Why not.
    fn ready(&self, makes_room: bool) -> Result<(), NotRecorded>;

    /// Takes notes of a commit that is durable, with their numbers and in their order. Those that it has
    /// already it passes over. It must not ask the vault for anything meanwhile.
    fn take(&self, notes: Vec<(u64, Note)>);

    /// What it has for good.
    fn kept(&self) -> Kept;
}

/// The vault's side of it.
#[derive(Default)]
pub(super) struct Notes {
    ledger: Option<Arc<dyn Ledger>>,
    /// The number of the next note.
    next: u64,
    /// The oldest note that may still be here.
    oldest: u64,
    /// The mark as it was last written.
    mark: Option<Vec<u8>>,
}

/// What a commit does about notes.
pub(super) struct Turn {
    next: u64,
    oldest: u64,
    mark: Option<Vec<u8>>,
    numbered: Vec<(u64, Note)>,
    /// The records that change.
    pub(super) records: BTreeMap<RecordId, Option<Secret>>,
}

impl Notes {
    /// Whether a request may be committed as far as its notes go.
    pub(super) fn check(&self, notes: &[Note]) -> Result<(), NotRecorded> {
        match &self.ledger {
            Some(ledger) if !notes.is_empty() => ledger.ready(notes.iter().all(|note| note.makes_room)),
            _ => Ok(()),
        }
    }

    /// What a commit is to do: write its own notes, delete those that the ledger has for good, and keep its mark.
    pub(super) fn turn(&self, known: &Known, notes: Vec<Note>) -> Turn {
        let mut records = BTreeMap::new();
        let (mut oldest, mut mark) = (self.oldest, None);
        let first = self.next.max(1);
        let next = first + notes.len() as u64;
        if let Some(ledger) = &self.ledger {
            let kept = ledger.kept();
            let done = RecordId::all_of(0, kind::NOTE);
            let gone = known.records.range(RecordId { number: oldest.max(1), ..MARK }..=*done.end());
            for (id, _) in gone.take_while(|(id, _)| id.number <= kept.through).take(AT_ONCE) {
                oldest = id.number + 1;
                records.insert(*id, None);
            }
            if kept.mark.is_some() && kept.mark != self.mark {
                mark.clone_from(&kept.mark);
                records.insert(MARK, kept.mark.map(Secret::new));
            }
        }
        let numbered: Vec<_> = (first..).zip(notes).collect();
        records.extend(numbered.iter().map(|(number, note)| {
            let mut bytes = vec![u8::from(note.makes_room)];
            bytes.extend_from_slice(&note.bytes);
            (RecordId { number: *number, ..MARK }, Some(Secret::new(bytes)))
        }));
        Turn { next, oldest, mark: mark.or_else(|| self.mark.clone()), numbered, records }
    }

    /// The commit is durable.
    pub(super) fn done(&mut self, turn: Turn) {
        (self.next, self.oldest, self.mark) = (turn.next, turn.oldest, turn.mark);
        if let Some(ledger) = self.ledger.as_ref().filter(|_| !turn.numbered.is_empty()) {
            ledger.take(turn.numbered);
        }
    }
}

impl Vault {
    /// Has notes go to a ledger from now on, first those that it does not have yet.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn attach(&self, ledger: Arc<dyn Ledger>) -> Result<(), VaultError> {
        let left = self.notes()?;
        let mark = self.mark()?;
        let mut writer = self.writer.lock();
        let last = left.last().map_or(0, |(number, _)| *number).max(ledger.kept().last);
        let oldest = left.first().map_or(last + 1, |(number, _)| *number);
        if !left.is_empty() {
            ledger.take(left);
        }
        writer.notes = Notes { ledger: Some(ledger), next: last + 1, oldest, mark };
        Ok(())
    }

    /// The notes that are here, with their numbers.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn notes(&self) -> Result<Vec<(u64, Note)>, VaultError> {
        let all = self.records(0, kind::NOTE)?.into_iter().filter(|(number, ..)| *number > 0);
        Ok(all
            .map(|(number, _, bytes)| {
                let (makes_room, bytes) = bytes.as_bytes().split_first().unwrap_or((&0, &[]));
                (number, Note { bytes: bytes.to_vec(), makes_room: *makes_room == 1 })
            })
            .collect())
    }

    /// The ledger's mark, as it was when it was last written here.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn mark(&self) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(self.get(MARK)?.map(|(_, mark)| mark.as_bytes().to_vec()))
    }

    /// Deletes the notes that the ledger has for good, and keeps its mark, without a change to ride on: for the end.
    ///
    /// # Errors
    /// As [`Vault::commit`].
    pub fn settle(&self) -> Result<Version, VaultError> {
        self.submit(Request {
            domain: DomainChange::None,
            changes: Vec::new(),
            notes: Vec::new(),
            settles: true,
        })
    }
}

impl Writer {
    /// Whether a request may be committed as far as its notes go.
    pub(super) fn check_notes(&self, request: &Request) -> Result<(), VaultError> {
        Ok(self.notes.check(&request.notes)?)
    }
}
