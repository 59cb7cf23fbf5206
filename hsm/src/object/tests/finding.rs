//! The index finds what a look at every object finds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;

use super::*;

/// What the index is asked for, drawn from few values so that many objects fit.
fn some() -> impl Strategy<Value = Vec<Given>> {
    let id = prop::sample::select(vec![vec![], vec![1], vec![2]]);
    let label = prop::sample::select(vec![&b""[..], b"a", b"b"]);
    let class = prop::sample::select(vec![Class::DATA, Class::SECRET_KEY, Class::PUBLIC_KEY]);
    (prop::option::of(id), prop::option::of(label), prop::option::of(class), prop::option::of(any::<bool>()))
        .prop_map(|(id, label, class, private)| {
            let mut given = Vec::new();
            given.extend(class.map(|class| ulong(Attr::CLASS, class.0)));
            given.extend(id.map(|id| bytes(Attr::ID, &id)));
            given.extend(label.map(|label| bytes(Attr::LABEL, label)));
            given.extend(private.map(|private| flag(Attr::PRIVATE, private)));
            given
        })
}

/// An object as near to the wish as its class allows.
fn object_like(number: u64, wish: &[Given]) -> Object {
    let class = wish.iter().find(|given| given.0 == Attr::CLASS).map_or(Class::DATA, |_| kind_of(wish).0);
    let base = match class {
        Class::SECRET_KEY => aes(),
        Class::PUBLIC_KEY => ec_public(),
        _ => vec![ulong(Attr::CLASS, Class::DATA.0)],
    };
    let wish = if class == Class::DATA { without(wish, Attr::ID) } else { wish.to_vec() };
    object(number, &with(&base, &wish))
}

/// Whether the object tells all this of itself.
fn fits(object: &Object, wish: &[Given], sees_private: bool) -> bool {
    let told = |given: &Given| read(object, given.0) == (Rv::OK, Some(given.1.clone()));
    (sees_private || !object.flag(Attr::PRIVATE)) && wish.iter().all(told)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_index_finds_what_a_look_at_every_object_finds(
        wishes in prop::collection::vec(some(), 0..12),
        changes in prop::collection::vec((0u64..14, some()), 0..6),
        gone in prop::collection::vec(0u64..14, 0..4),
        query in some(),
        sees_private in any::<bool>(),
    ) {
        let mut index = Index::new();
        let mut model = BTreeMap::new();
        for (number, wish) in wishes.iter().enumerate() {
            let object = Arc::new(object_like(number as u64, wish));
            index.insert(Arc::clone(&object));
            model.insert(object.number, object);
        }
        for (number, wish) in &changes {
            let object = Arc::new(object_like(*number, wish));
            let replaced = index.replace(Arc::clone(&object)).is_some();
            prop_assert_eq!(replaced, model.contains_key(number));
            if replaced {
                model.insert(*number, object);
            }
        }
        for number in gone {
            prop_assert_eq!(index.remove(number).is_some(), model.remove(&number).is_some());
        }
        let expected: Vec<u64> = model.values()
            .filter(|object| fits(object, &query, sees_private))
            .map(|object| object.number)
            .collect();
        prop_assert_eq!(index.find(&template(&query), sees_private).unwrap(), expected);
        prop_assert_eq!(index.len(), model.len());
    }
}

fn index_of(objects: Vec<Object>) -> Index {
    let mut index = Index::new();
    for object in objects {
        index.insert(Arc::new(object));
    }
    index
}

#[test]
fn a_secret_is_never_found_by_its_value_even_of_an_open_key() {
    let open = [flag(Attr::SENSITIVE, false), flag(Attr::EXTRACTABLE, true), flag(Attr::PRIVATE, false)];
    let index = index_of(vec![object(1, &with(&aes(), &open)), object(2, &with(&rsa_private(), &open))]);
    let find = |given: Given| index.find(&template(&[given]), true).unwrap();
    assert!(find(bytes(Attr::VALUE, &[7; 16])).is_empty());
    assert!(find(bytes(Attr::PRIVATE_EXPONENT, RSA.to_parts().d.as_bytes())).is_empty());
    assert!(find(bytes(Attr::PRIME_1, RSA.to_parts().p.as_bytes())).is_empty());
    assert_eq!(find(ulong(Attr::VALUE_LEN, 16)), [1]);
}

#[test]
fn a_private_object_is_not_found_by_what_is_public_of_it_before_log_in() {
    let index = index_of(vec![object(1, &rsa_private())]);
    let modulus = template(&[bytes(Attr::MODULUS, &RSA.public().modulus())]);
    assert!(index.find(&modulus, false).unwrap().is_empty());
    assert_eq!(index.find(&modulus, true).unwrap(), [1]);
    let padded = template(&[bytes(Attr::MODULUS, &[&[0], RSA.public().modulus().as_slice()].concat())]);
    assert_eq!(index.find(&padded, true).unwrap(), [1]);
}

#[test]
fn a_template_that_makes_no_sense_finds_nothing() {
    let index = index_of(vec![object(1, &aes())]);
    for given in [bytes(Attr(0xce53_6351), &[1]), bytes(Attr::CLASS, &[4]), bytes(Attr::ROLES_USED, &[0; 8])]
    {
        assert!(index.find(&template(&[given]), true).unwrap().is_empty());
    }
    let nested = with_nested(&[], Attr::LABEL, &[]);
    assert!(index.find(&nested, true).unwrap().is_empty());
    assert_eq!(index.find(&template(&[]), true).unwrap(), [1]);
    assert!(Index::new().is_empty());
}

#[test]
fn a_label_among_ten_thousand_is_found_without_a_look_at_all() {
    let data = |number: u64| {
        object(number, &[ulong(Attr::CLASS, 0), bytes(Attr::LABEL, format!("object {number}").as_bytes())])
    };
    let index = index_of((0..10_000).map(data).collect());
    let query = template(&[ulong(Attr::CLASS, 0), bytes(Attr::LABEL, b"object 7777")]);
    let all = template(&[bytes(Attr::VALUE, b"no such value")]);
    let time = |query: &Template, expected: &[u64]| {
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(index.find(query, true).unwrap(), expected);
        }
        start.elapsed()
    };
    let (by_label, by_scan) = (time(&query, &[7777]), time(&all, &[]));
    assert!(by_label * 20 < by_scan, "by label {by_label:?}, by scan {by_scan:?}");
}
