//! Every decoder against bytes that nobody meant: a smoke run of the fuzz targets, on any Rust.

use proptest::collection::vec;
use proptest::prelude::*;
use samples::{answers, asks, codes, hello, mechanism, opened, rows, template, told};
use targets::TARGETS;
use wire::codec::{decode, encode};
use wire::template::{Attribute, AttributeValue, Leaf};
use wire::{AttributeType, List, Template};

mod samples;
#[path = "../../fuzz/targets.rs"]
mod targets;

fn encoded<T: serde::Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).unwrap();
    bytes
}

/// Well-formed inputs, each for the target of the index.
fn seeds() -> Vec<(usize, Vec<u8>)> {
    let mut seeds = vec![
        (0, [&[3u8][..], &[2, 0, 0, 0], b"ab", &[0, 0, 0, 0]].concat()),
        (3, encoded(&hello())),
        (4, encoded(&opened())),
        (5, encoded(&template())),
        (8, encoded(&answers())),
    ];
    for (name, bytes) in rows() {
        if name.contains(" request") {
            seeds.push((1, bytes));
        } else if name.contains(" reply") {
            let code = u16::from_str_radix(&name[..4], 16).unwrap();
            seeds.push((2, [&code.to_le_bytes(), &bytes[8..]].concat()));
        }
    }
    seeds.extend(asks().iter().map(|ask| (6, encoded(ask))));
    seeds.extend(told().iter().map(|told| (7, encoded(told))));
    seeds
}

#[test]
fn every_sample_comes_back_as_it_went() {
    for (index, seed) in seeds() {
        let (name, target) = TARGETS[index];
        assert!(target(&seed), "{name}: {seed:02x?}");
    }
}

#[test]
fn the_targets_know_every_call() {
    for (code, name) in codes() {
        let known = |target: fn(&[u8]) -> bool, kind: &str| {
            let start = format!("{code:04x} {name} {kind}");
            let (_, bytes) = rows().into_iter().find(|(name, _)| name.starts_with(&start)).unwrap();
            let body = if kind == "reply" { &bytes[8..] } else { &bytes[2..] };
            target(&[&code.to_le_bytes(), body].concat())
        };
        assert!(known(targets::request, "request") && known(targets::reply, "reply"), "{name}");
    }
}

#[test]
fn no_sample_decodes_if_a_byte_is_missing_or_over() {
    for (index, seed) in seeds().into_iter().filter(|(index, _)| *index != 0) {
        let (name, target) = TARGETS[index];
        for len in 0..seed.len() {
            assert!(!target(&seed[..len]), "{name}: {len} bytes of {seed:02x?}");
        }
        assert!(!target(&[seed.as_slice(), &[0]].concat()), "{name}: one byte more than {seed:02x?}");
    }
}

#[test]
fn a_list_over_its_bound_does_not_decode() {
    let many = vec![Attribute { kind: AttributeType(0), value: AttributeValue::Bytes(vec![].into()) }; 129];
    assert_eq!(decode::<Template>(&encoded(&many)).ok(), None);
    assert!(decode::<Template>(&encoded(&many[..128].to_vec())).is_ok());
    let claim = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    assert_eq!(decode::<Template>(&claim).ok(), None);
}

fn leaf() -> impl Strategy<Value = Leaf> {
    (any::<u64>(), vec(any::<u8>(), 0..40))
        .prop_map(|(kind, value)| Leaf { kind: AttributeType(kind), value: value.into() })
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let nested = vec(leaf(), 0..6).prop_map(|leaves| AttributeValue::Template(List::new(leaves).unwrap()));
    let bytes = vec(any::<u8>(), 0..80).prop_map(|bytes| AttributeValue::Bytes(bytes.into()));
    (any::<u64>(), prop_oneof![nested, bytes])
        .prop_map(|(kind, value)| Attribute { kind: AttributeType(kind), value })
}

proptest! {
    #[test]
    fn any_template_comes_back_as_it_went(attributes in vec(attribute(), 0..20)) {
        let template: Template = List::new(attributes).unwrap();
        prop_assert_eq!(decode::<Template>(&encoded(&template)), Ok(template));
    }

    #[test]
    fn noise_harms_no_decoder(noise in vec(any::<u8>(), 0..300)) {
        for (_, target) in TARGETS {
            target(&noise);
        }
    }

    /// A sample with bytes changed, cut out, and put in.
    #[test]
    fn a_damaged_sample_harms_no_decoder(
        seed in any::<prop::sample::Index>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let seeds = seeds();
        let (index, mut bytes) = seed.get(&seeds).clone();
        for (at, byte, how) in damage {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        (TARGETS[index].1)(&bytes);
    }
}

#[test]
fn a_mechanism_comes_back_as_it_went() {
    assert_eq!(decode(&encoded(&mechanism())), Ok(mechanism()));
}
