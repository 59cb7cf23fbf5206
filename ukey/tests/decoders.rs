//! Every decoder against bytes that nobody meant: a smoke run of the fuzz targets, on any Rust.

use proptest::collection::vec;
use proptest::prelude::*;
use ukey::file::{self, Cost};
use ukey::shares::split;
use ukey::{Algorithm, Secret};

#[path = "../../fuzz/ukeys.rs"]
mod ukeys;

type Target = fn(&[u8]) -> bool;

/// Well-formed inputs, each with its target.
fn seeds() -> Vec<(Target, Vec<u8>)> {
    let mut seeds: Vec<(Target, Vec<u8>)> = Vec::new();
    for algorithm in Algorithm::ALL {
        let cost = Cost::new(8, 1, 1).unwrap();
        let (bytes, public) = file::create("sample", algorithm, ukeys::PIN, cost).unwrap();
        seeds.push((ukeys::ukey_file, bytes));
        seeds.push((ukeys::ukey_public, public.to_bytes()));
    }
    let shares = split(&Secret::new(vec![7; 32]), 2, 3).unwrap();
    seeds.extend(shares.iter().map(|share| (ukeys::share as Target, share.to_bytes().as_bytes().to_vec())));
    seeds
}

#[test]
fn every_sample_is_read_and_none_with_a_byte_missing_or_over() {
    for (target, seed) in seeds() {
        assert!(target(&seed));
        for len in 0..seed.len() {
            assert!(!target(&seed[..len]), "{len} bytes of {seed:02x?}");
        }
        assert!(!target(&[seed.as_slice(), &[0]].concat()), "one byte more than {seed:02x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A sample with bytes changed, cut out, and put in.
    #[test]
    fn a_damaged_sample_harms_no_decoder(
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
}
