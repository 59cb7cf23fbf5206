//! Attributes survive being stored, and what is not theirs is refused.

use proptest::prelude::*;

use super::*;
use crate::object::encode::{decode, encode};

fn attribute_value() -> impl Strategy<Value = AttributeValue> {
    let some = || prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![
        some().prop_map(|bytes| AttributeValue::Plain(bytes.into())),
        some().prop_map(|bytes| AttributeValue::Secret(Secret::new(bytes))),
        prop::collection::vec((any::<u64>().prop_map(Attr), some()), 0..5).prop_map(AttributeValue::Template),
    ]
}

proptest! {
    #[test]
    fn attributes_come_back_as_they_were_stored(
        attributes in prop::collection::btree_map(any::<u64>(), attribute_value(), 0..20),
    ) {
        let attributes: AttributeMap = attributes.into_iter().map(|(kind, value)| (Attr(kind), value)).collect();
        prop_assert_eq!(decode(&encode(&attributes).unwrap()).unwrap(), attributes);
    }

    #[test]
    fn bytes_that_are_no_object_are_refused_or_are_one(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Secret::new([&[1], bytes.as_slice()].concat());
        let _ = decode(&bytes);
    }
}

#[test]
fn every_kind_of_object_comes_back_and_not_when_it_is_cut() {
    for given in kinds() {
        let attributes = made(&given);
        let stored = encode(&attributes).unwrap();
        assert_eq!(decode(&stored).unwrap(), attributes);
        for len in 0..stored.len() {
            assert!(decode(&secret(&stored.as_bytes()[..len])).is_err());
        }
        assert!(decode(&secret(&[stored.as_bytes(), &[0]].concat())).is_err());
    }
}

#[test]
fn the_encoding_is_that_of_the_first_release() {
    let mut attributes = AttributeMap::new();
    attributes.set_ulong(Attr::CLASS, 4);
    attributes.set_flag(Attr::TOKEN, true);
    attributes.set_secret(Attr::VALUE, secret(&[0xaa, 0xbb]));
    attributes.set(Attr::WRAP_TEMPLATE, AttributeValue::Template(vec![(Attr::EXTRACTABLE, vec![1])]));
    let golden = [
        1, 4, // version, count
        0, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, // CKA_CLASS
        1, 0, 1, 1, // CKA_TOKEN
        0x11, 1, 2, 0xaa, 0xbb, // CKA_VALUE, secret
        0x91, 0x84, 0x80, 0x80, 0x04, 2, 1, 0xe2, 0x02, 1, 1, // CKA_WRAP_TEMPLATE
    ];
    assert_eq!(encode(&attributes).unwrap().as_bytes(), golden);
    assert_eq!(decode(&secret(&golden)).unwrap(), attributes);
}

#[test]
fn another_version_and_attributes_out_of_order_are_refused() {
    assert!(decode(&secret(&[2, 0])).is_err());
    assert!(decode(&secret(&[])).is_err());
    assert!(decode(&secret(&[1, 2, 1, 0, 1, 1, 0, 0, 1, 1])).is_err());
    assert!(decode(&secret(&[1, 2, 1, 0, 1, 1, 1, 0, 1, 1])).is_err());
    assert!(decode(&secret(&[1, 2, 1, 0, 1, 1, 2, 0, 1, 1])).is_ok());
}

#[test]
fn what_a_key_was_used_for_is_stored_with_it() {
    let key = object(1, &aes());
    key.roles().claim(Role::Wrap).unwrap();
    let stored = encode(&key.attributes_to_store()).unwrap();
    let again = Object::new(1, decode(&stored).unwrap(), Profile::Standard);
    assert_eq!(again.roles().conflict(Role::Decrypt), Some(Role::Wrap));
    assert!(!again.flag(Attr::DECRYPT) && again.flag(Attr::WRAP));
}
