//! What the fuzz targets do, on logs with random changes: nothing panics, and a record has one encoding.

#[path = "../../fuzz/audit_targets.rs"]
mod audit_targets;

use audit::segment::State;
use audit::{Class, Door, Object, Outcome, Partition, Peer, Person, Record, Signer, Writer};
use crypto::ed25519::PrivateKey;
use proptest::prelude::*;

fn record(sequence: u64, text: &str) -> Record {
    let mut record = Record::new(sequence, sequence, Class::Use, "key.sign");
    record.door = Door::Rest;
    record.user = text.into();
    record.peer = Some(Peer { uid: 1, gid: 2, pid: 3 });
    record.person = Some(Person { name: text.into(), id: text.into() });
    record.partition = Some(Partition { slot: 1, serial: text.into() });
    record.object = Some(Object { id: text.into(), label: text.into() });
    record.outcome = Outcome::Failed { code: 5, why: text.into() };
    (0..sequence % 40).for_each(|_| record.detail(text, text));
    record
}

fn segment() -> Vec<u8> {
    let (key, mut out) = (PrivateKey::from_seed(&[1; 32]).unwrap(), Vec::new());
    let mut writer = Writer::create([1; 16], "hsm".into(), &key, 0, &mut out).unwrap();
    for sequence in 1..=4 {
        writer.append(&record(sequence, "x"), &mut out).unwrap();
        writer.checkpoint(State::Open, &key, 0, &mut out).unwrap();
    }
    writer.end(&key, Signer::public(&key), 0, &mut out).unwrap();
    out
}

proptest! {
    #[test]
    fn a_record_comes_back_as_it_was_and_is_bounded(text: String, long in 0usize..3000, sequence: u64) {
        let text = text + &"é".repeat(long);
        let record = record(sequence, &text);
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        prop_assert!(bytes.len() < 15_000, "{}", bytes.len());
        prop_assert_eq!(Record::decode(&bytes).unwrap(), record);
        prop_assert!(audit_targets::record(&bytes));
        for end in 0..bytes.len().min(300) {
            prop_assert!(Record::decode(&bytes[..end]).is_err());
        }
    }

    #[test]
    fn changed_bytes_of_a_record_are_refused_or_another_record(at: prop::sample::Index, byte: u8) {
        let mut bytes = Vec::new();
        record(3, "abc").encode(&mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        audit_targets::record(&bytes);
    }

    #[test]
    fn no_segment_brings_the_verifier_or_the_writer_down(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut: prop::sample::Index,
        split: u16,
    ) {
        let mut bytes = segment();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        audit_targets::segment(&[&split.to_le_bytes(), bytes.as_slice(), &segment()].concat());
        let whole = u16::try_from(bytes.len()).unwrap().to_le_bytes();
        audit_targets::segment(&[&whole, bytes.as_slice(), &segment()].concat());
    }
}
