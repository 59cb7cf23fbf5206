//! What is recorded of changes goes with them, and reaches the ledger exactly once.

use super::*;
use crate::store::StoreError;

/// A ledger on a disk of its own: what it has is lost or kept as the test says.
#[derive(Default)]
struct Book {
    has: Mutex<Vec<(u64, Vec<u8>)>>,
    through: Mutex<u64>,
    mark: Mutex<Option<Vec<u8>>>,
    refuses: Mutex<bool>,
}

impl Ledger for Book {
    fn ready(&self, makes_room: bool) -> Result<(), NotRecorded> {
        match *self.refuses.lock() && !makes_room {
            true => Err(NotRecorded::Full("test".into())),
            false => Ok(()),
        }
    }

    fn take(&self, notes: Vec<(u64, Note)>) {
        let mut has = self.has.lock();
        let last = has.last().map_or(0, |(number, _)| *number);
        has.extend(
            notes.into_iter().filter(|(number, _)| *number > last).map(|(number, n)| (number, n.bytes)),
        );
    }

    fn kept(&self) -> Kept {
        let last = self.has.lock().last().map_or(0, |(number, _)| *number);
        Kept { last, through: *self.through.lock(), mark: self.mark.lock().clone() }
    }
}

impl Book {
    fn numbers(&self) -> Vec<u64> {
        self.has.lock().iter().map(|(number, _)| *number).collect()
    }
}

fn note(text: &str) -> Note {
    Note { bytes: text.into(), makes_room: false }
}

fn filled() -> (Bench, Vault, Arc<Book>) {
    let (bench, vault) = Bench::filled();
    let book = Arc::new(Book::default());
    vault.attach(book.clone()).unwrap();
    (bench, vault, book)
}

fn write(vault: &Vault, number: u64, text: &str) -> Result<Version, VaultError> {
    vault.commit(Batch::new(vec![put(object(1, number), text.as_bytes())], vec![note(text)]))
}

fn numbers(vault: &Vault) -> Vec<u64> {
    vault.notes().unwrap().into_iter().map(|(number, _)| number).collect()
}

#[test]
fn a_note_is_in_the_store_until_the_ledger_has_it_for_good() {
    let (_bench, vault, book) = filled();
    for number in 1..=3 {
        write(&vault, number, "x").unwrap();
    }
    assert_eq!((numbers(&vault), book.numbers()), (vec![1, 2, 3], vec![1, 2, 3]));
    *book.through.lock() = 2;
    write(&vault, 4, "x").unwrap();
    assert_eq!(numbers(&vault), [3, 4], "what it has for good goes with the next commit");
    *book.through.lock() = 4;
    vault.settle().unwrap();
    assert_eq!(numbers(&vault), [0; 0]);
}

#[test]
fn what_a_crash_kept_from_the_ledger_reaches_it_once_and_in_order() {
    let (bench, vault, _) = filled();
    for number in 1..=5 {
        write(&vault, number, &number.to_string()).unwrap();
    }
    drop(vault);
    let vault = bench.open().unwrap();
    // The ledger's disk has kept the first two.
    let book = Arc::new(Book::default());
    book.has.lock().extend([(1, b"1".to_vec()), (2, b"2".to_vec())]);
    vault.attach(book.clone()).unwrap();
    write(&vault, 6, "6").unwrap();
    assert_eq!(book.numbers(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(book.has.lock()[4].1, b"5");
}

#[test]
fn a_number_is_given_once_although_its_note_is_gone() {
    let (bench, vault, book) = filled();
    write(&vault, 1, "x").unwrap();
    *book.through.lock() = 1;
    vault.settle().unwrap();
    drop(vault);
    let vault = bench.open().unwrap();
    vault.attach(book.clone()).unwrap();
    write(&vault, 2, "x").unwrap();
    assert_eq!(book.numbers(), [1, 2]);
}

#[test]
fn a_change_that_cannot_be_recorded_does_not_happen_and_others_do() {
    let (_bench, vault, book) = filled();
    *book.refuses.lock() = true;
    let refused = write(&vault, 1, "refused");
    assert_eq!(refused, Err(VaultError::NotRecorded(NotRecorded::Full("test".into()))));
    assert_eq!(value(&vault, object(1, 1)).unwrap(), b"first");
    vault.commit(vec![put(object(1, 1), b"silent")]).unwrap();
    let deletes = Batch::new(vec![gone(object(1, 1))], vec![note("gone").making_room()]);
    vault.commit(deletes).unwrap();
    assert_eq!((value(&vault, object(1, 1)), book.numbers()), (None, vec![1]));
}

#[test]
fn a_commit_that_fails_tells_the_ledger_nothing() {
    let (bench, vault, book) = filled();
    bench.store.inject(StoreFault::Fails(StoreError::Full("test".into())));
    assert!(write(&vault, 1, "x").is_err());
    bench.store.inject(StoreFault::None);
    assert_eq!(write(&vault, 9, "x").unwrap(), vault.last_commit());
    assert_eq!((numbers(&vault), book.numbers()), (vec![1], vec![1]));
    let stale = Change::create(object(1, 1), Secret::new(Vec::new()));
    assert!(vault.commit(Batch::new(vec![stale], vec![note("x")])).is_err());
    assert_eq!(book.numbers(), [1]);
}

#[test]
fn what_is_recorded_of_nothing_is_durable_too() {
    let (bench, vault, book) = filled();
    vault.commit(Batch::new(Vec::new(), vec![note("said")])).unwrap();
    assert_eq!(book.numbers(), [1]);
    drop(vault);
    assert_eq!(bench.open().unwrap().notes().unwrap(), [(1, note("said"))]);
}

#[test]
fn the_mark_rides_on_commits_that_happen_anyway() {
    let (bench, vault, book) = filled();
    *book.mark.lock() = Some(b"first".to_vec());
    assert_eq!(vault.mark().unwrap(), None);
    write(&vault, 1, "x").unwrap();
    assert_eq!(vault.mark().unwrap().unwrap(), b"first");
    *book.mark.lock() = Some(b"second".to_vec());
    vault.settle().unwrap();
    drop(vault);
    assert_eq!(bench.open().unwrap().mark().unwrap().unwrap(), b"second");
}

#[test]
fn notes_are_the_vaults_own_to_write() {
    let (_bench, vault, _) = filled();
    let forged = put(RecordId { domain: 0, kind: kind::NOTE, number: 7 }, b"forged");
    assert_eq!(vault.commit(vec![forged]), Err(VaultError::NoDomain(0)));
}
