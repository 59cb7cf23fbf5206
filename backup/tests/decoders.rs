//! The readers of backups and shares against bytes that nobody meant: a smoke run of the fuzz targets, on any Rust.

use backup::{CarriedShare, Facts, Name, Recipients, Sealed, What, Writer, record_len};
use crypto::Secret;
use proptest::collection::vec;
use proptest::prelude::*;
use ukey::file::{self, Cost};
use ukey::{Algorithm, Holder};

#[path = "../../fuzz/backups.rs"]
mod backups;

type Target = fn(&[u8]) -> bool;

fn file_for(recipients: &Recipients) -> Vec<u8> {
    let facts = Facts {
        what: What::Domain,
        hsm: [1; 16],
        made_at: 2,
        commit: 3,
        content_len: record_len(40),
        own_records: 1,
        partitions: Vec::new(),
    };
    let mut bytes = Vec::new();
    let mut writer = Writer::begin(&mut bytes, &facts, recipients).unwrap();
    writer.record(Name { domain: 0, kind: 41, number: 0 }, &Secret::new(vec![8; 40])).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Well-formed inputs, each with its target.
fn seeds() -> Vec<(Target, Vec<u8>)> {
    let (ukey, _) =
        file::create("sample", Algorithm::Ed25519, b"123456", Cost::new(8, 1, 1).unwrap()).unwrap();
    let ukey = file::open(&ukey, b"123456").unwrap();
    let for_ukey = file_for(&Recipients::UKeys { threshold: 1, holders: vec![ukey.public().clone()] });
    let (header, _) = Sealed::read(&for_ukey[..]).unwrap().check_hash().unwrap();
    let share = CarriedShare::seal(&header, &header.open_share(&ukey).unwrap(), ukey.public()).unwrap();
    vec![
        (backups::backup, file_for(&Recipients::Domain(backups::domain()))),
        (backups::carried_share, share.to_bytes()),
    ]
}

#[test]
fn every_sample_is_read() {
    for (target, seed) in seeds() {
        assert!(target(&seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A sample with bytes changed, cut out, and put in.
    #[test]
    fn a_damaged_sample_harms_no_reader(
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        for (target, mut bytes) in seeds() {
            for (at, byte, how) in &damage {
                if bytes.is_empty() {
                    break;
                }
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = *byte,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, *byte),
                }
            }
            target(&bytes);
        }
    }

    #[test]
    fn noise_harms_no_reader(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert!(!backups::backup(&bytes));
        let with_magic = [&b"CLAVBKUP\x01"[..], &bytes].concat();
        prop_assert!(!backups::backup(&with_magic));
        backups::carried_share(&bytes);
    }
}
