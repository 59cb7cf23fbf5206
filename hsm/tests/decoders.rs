//! Decoders of what comes from outside or from the disk, against encodings that were bent: they refuse or accept,
//! and never panic.
#![allow(missing_docs)]

use crypto::Secret;
use crypto::ec::{Curve, PrivateKey};
use hsm::object::{Attr, AttributeMap, Class, KeyType, Material, encode, pkcs8};
use proptest::prelude::*;

fn key_info() -> Vec<u8> {
    let key = PrivateKey::from_scalar(Curve::P256, &[7; 32]).unwrap();
    pkcs8::encode(&Material::Ec(key)).unwrap().as_bytes().to_vec()
}

fn object() -> Vec<u8> {
    let mut attributes = AttributeMap::new();
    attributes.set_ulong(Attr::CLASS, Class::SECRET_KEY.0);
    attributes.set_plain(Attr::LABEL, b"a label");
    attributes.set_secret(Attr::VALUE, Secret::new(vec![7; 32]));
    encode::encode(&attributes).unwrap().as_bytes().to_vec()
}

/// Bytes changed at places, then cut.
fn bend(mut bytes: Vec<u8>, changes: &[(prop::sample::Index, u8)], keep: prop::sample::Index) -> Secret {
    for (at, byte) in changes {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    bytes.truncate(keep.index(bytes.len() + 1).max(bytes.len() / 2));
    Secret::new(bytes)
}

const KINDS: [KeyType; 6] =
    [KeyType::RSA, KeyType::EC, KeyType::EC_EDWARDS, KeyType::EC_MONTGOMERY, KeyType::DSA, KeyType::DH];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_bent_private_key_is_no_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in any::<prop::sample::Index>(),
    ) {
        let bent = bend(key_info(), &changes, keep);
        for key_type in KINDS {
            let _ = pkcs8::decode(&bent, key_type);
        }
        let _ = pkcs8::recognize(&bent);
    }

    #[test]
    fn a_bent_object_is_no_panic_and_what_decodes_comes_back(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in any::<prop::sample::Index>(),
    ) {
        if let Ok(attributes) = encode::decode(&bend(object(), &changes, keep)) {
            let again = encode::decode(&encode::encode(&attributes).unwrap()).unwrap();
            prop_assert!(again.iter().map(|(attribute, _)| attribute.0).eq(attributes.iter().map(|(attribute, _)| attribute.0)));
        }
    }

    #[test]
    fn any_bytes_are_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Secret::new(bytes);
        let _ = encode::decode(&bytes);
        let _ = pkcs8::recognize(&bytes);
        let _ = pkcs8::decode(&bytes, KeyType::RSA);
    }
}

#[test]
fn what_was_not_bent_decodes() {
    assert!(pkcs8::decode(&Secret::new(key_info()), KeyType::EC).is_ok());
    assert!(encode::decode(&Secret::new(object())).is_ok());
}
