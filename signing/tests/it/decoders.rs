//! What the fuzz targets do, with samples and damaged samples, on any Rust.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::Vectors;

#[path = "../../../fuzz/signatures.rs"]
mod signatures;

#[test]
fn every_sample_is_read_and_none_that_is_cut_short() {
    for vector in &Vectors::read().vectors {
        let sample = vector.authorization.as_bytes();
        assert!(signatures::authorization(sample), "{}", vector.name);
        for len in 0..sample.len() {
            assert!(!signatures::authorization(&sample[..len]), "{len} bytes of {}", vector.name);
        }
        assert!(signatures::signed_query(vector.request_target.as_bytes()), "{}", vector.name);
    }
}

proptest! {
    /// A sample with bytes changed, cut out, and put in.
    #[test]
    fn a_damaged_sample_harms_nothing(
        which in any::<prop::sample::Index>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let all = Vectors::read();
        let vector = which.get(&all.vectors);
        for sample in [&vector.authorization, &vector.request_target] {
            let mut bytes = sample.clone().into_bytes();
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
            signatures::authorization(&bytes);
            signatures::signed_query(&bytes);
        }
    }

    /// Any text as a target.
    #[test]
    fn any_text_as_a_target_harms_nothing(text in "\\PC{0,60}") {
        signatures::signed_query(text.as_bytes());
    }
}
