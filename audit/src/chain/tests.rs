//! What the writer promises, and what it takes up again after a crash.

use crypto::ed25519::PrivateKey;

use super::*;
use crate::{Class, segment::HEAD_MAGIC};

fn key() -> PrivateKey {
    PrivateKey::from_seed(&[7; 32]).unwrap()
}

fn record(sequence: u64) -> Record {
    let mut record = Record::new(sequence, sequence * 1000, Class::Admin, "partition.create");
    record.detail("label", "payments");
    record
}

/// A segment with three records, a checkpoint after the second, and the head of that checkpoint.
fn segment() -> (Vec<u8>, Writer, Signed<Checkpoint>) {
    let mut out = Vec::new();
    let mut writer = Writer::create([1; 16], "hsm".into(), &key(), 5, &mut out).unwrap();
    writer.append(&record(1), &mut out).unwrap();
    writer.append(&record(2), &mut out).unwrap();
    let head = writer.checkpoint(State::Open, &key(), 3000, &mut out).unwrap();
    writer.append(&record(3), &mut out).unwrap();
    (out, writer, head)
}

fn resume(bytes: &[u8], head: Option<&Signed<Checkpoint>>) -> Result<Resumed, Error> {
    Writer::resume(bytes, &Signer::public(&key()), head)
}

#[test]
fn a_writer_goes_on_where_the_file_stops() {
    let (mut bytes, mut writer, head) = segment();
    let mut resumed = resume(&bytes, Some(&head)).unwrap();
    assert_eq!((resumed.length, resumed.torn, resumed.closed), (bytes.len() as u64, false, false));
    assert_eq!(resumed.checkpoint, Some(head));
    assert_eq!(resumed.writer.unsigned(), 1);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    writer.append(&record(4), &mut one).unwrap();
    resumed.writer.append(&record(4), &mut other).unwrap();
    assert_eq!(one, other);
    resumed.writer.checkpoint(State::Closed, &key(), 9, &mut other).unwrap();
    bytes.extend(other);
    assert!(resume(&bytes, None).unwrap().closed);
}

#[test]
fn a_write_that_a_crash_cut_short_is_told_from_tampering() {
    let (bytes, _, head) = segment();
    let frames = [bytes.len() - 100, bytes.len() - 3];
    for end in frames {
        let resumed = resume(&bytes[..end], Some(&head)).unwrap();
        assert!(resumed.torn && resumed.length < end as u64, "{end}");
        assert_eq!(resumed.writer.next_sequence(), 3);
    }
    let mut zeros = bytes.clone();
    zeros.truncate(bytes.len() - 40);
    zeros.extend([0; 500]);
    assert!(resume(&zeros, Some(&head)).unwrap().torn);
    let mut changed = bytes;
    let at = changed.len() - 50;
    changed[at] ^= 1;
    assert!(matches!(resume(&changed, None), Err(Error::Tampered { segment: 1, .. })));
}

#[test]
fn a_file_without_the_checkpoint_of_the_head_was_cut() {
    let (bytes, _, head) = segment();
    let mut end = bytes.len();
    while resume(&bytes[..end], None).is_ok_and(|resumed| resumed.checkpoint.is_some()) {
        end -= 1;
    }
    assert!(matches!(resume(&bytes[..end], Some(&head)), Err(Error::Tampered { .. })));
    assert!(resume(&bytes[..end], None).unwrap().torn);
}

#[test]
fn a_file_that_stops_in_its_header_holds_nothing() {
    let (bytes, ..) = segment();
    let mut first = Vec::new();
    Writer::create([1; 16], "hsm".into(), &key(), 5, &mut first).unwrap();
    for end in 0..first.len() {
        assert!(matches!(resume(&bytes[..end], None), Err(Error::TornHeader)), "{end}");
    }
}

#[test]
fn a_roll_gives_the_end_of_one_file_and_the_beginning_of_the_next() {
    let (mut old, mut writer, _) = segment();
    let mut new = Vec::new();
    writer.roll(&key(), &key(), 4000, &mut old, &mut new).unwrap();
    assert_eq!((writer.segment(), writer.next_sequence(), writer.records()), (2, 4, 0));
    let mut ended = resume(&old, None).unwrap().writer;
    assert!(ended.ended());
    assert!(matches!(ended.append(&record(4), &mut old), Err(Error::Ended)));
    let mut again = Vec::new();
    ended.next(&key(), 4000, &mut again).unwrap();
    assert_eq!(again, new);
    assert_eq!(resume(&new, None).unwrap().writer.next_sequence(), 4);
}

#[test]
fn another_key_signs_only_after_the_end_that_names_it() {
    let other = PrivateKey::from_seed(&[8; 32]).unwrap();
    let (mut old, mut writer, _) = segment();
    assert!(matches!(writer.checkpoint(State::Open, &other, 1, &mut old), Err(Error::OtherKey)));
    writer.end(&key(), Signer::public(&other), 1, &mut old).unwrap();
    let mut new = Vec::new();
    assert!(matches!(writer.next(&key(), 1, &mut new), Err(Error::OtherKey)));
    writer.next(&other, 1, &mut new).unwrap();
    assert!(matches!(resume(&new, None), Err(Error::OtherKey)));
}

#[test]
fn no_number_is_given_twice_or_left_out() {
    let (mut bytes, mut writer, _) = segment();
    for wrong in [0, 3, 5] {
        let error = writer.append(&record(wrong), &mut bytes).unwrap_err();
        assert!(matches!(error, Error::Sequence { expected: 4, got } if got == wrong));
    }
}

#[test]
fn a_head_comes_back_as_it_was_written() {
    let (.., head) = segment();
    let bytes = head.to_head();
    assert!(bytes.starts_with(&HEAD_MAGIC));
    assert_eq!(Signed::from_head(&bytes).unwrap(), head);
    assert!(Signed::from_head(&bytes[..bytes.len() - 1]).is_err());
}
