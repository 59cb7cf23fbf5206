//! What objects tell, and what they keep to themselves.

use proptest::prelude::*;
use wire::template::{Answer, LeafAnswerValue, LeafQuery};

use super::*;
use crate::object::attributes as table;

proptest! {
    /// Over every kind of object and every number an attribute can have: a secret is told only by a key that is
    /// neither sensitive nor unextractable, and what no table has is told by nobody.
    #[test]
    fn a_secret_is_told_only_by_a_key_that_is_open(sensitive in any::<bool>(), extractable in any::<bool>()) {
        let guards = [flag(Attr::SENSITIVE, sensitive), flag(Attr::EXTRACTABLE, extractable)];
        for given in kinds() {
            let (class, kind) = kind_of(&given);
            let guarded = table::row(class, kind, Attr::SENSITIVE).is_some();
            let given = if guarded { with(&given, &guards) } else { given };
            let object = object(1, &given);
            let numbers = (0..0x700).chain(0x4000_0200..0x4000_0220).chain([Attr::ROLES_USED.0, 0x4000_0600]);
            for attribute in numbers.map(Attr) {
                let row = table::row(class, kind, attribute);
                let (rv, value) = read(&object, attribute);
                match row {
                    None => prop_assert_eq!((rv, value), (Rv::ATTRIBUTE_TYPE_INVALID, None), "{}", attribute),
                    Some(row) if row.secret && (sensitive || !extractable) => {
                        prop_assert_eq!((rv, value), (Rv::ATTRIBUTE_SENSITIVE, None), "{}", attribute);
                    }
                    Some(_) => prop_assert_eq!(rv, Rv::OK, "{}", attribute),
                }
            }
        }
    }
}

#[test]
fn no_secret_part_of_a_sensitive_key_shows_in_any_answer() {
    let parts = RSA.to_parts();
    let object = object(1, &rsa_private());
    for attribute in (0..0x700).map(Attr) {
        if let (_, Some(value)) = read(&object, attribute) {
            for part in [&parts.d, &parts.p, &parts.q, &parts.dp, &parts.dq, &parts.qinv] {
                assert!(!value.windows(part.len()).any(|window| window == part.as_bytes()), "{attribute}");
            }
        }
    }
}

fn ask(attribute: Attr, room: Room) -> Query {
    Query { kind: attribute.into(), room, nested: List::default() }
}

#[test]
fn every_query_is_answered_whatever_becomes_of_the_others() {
    let object = object(1, &with(&aes(), &[bytes(Attr::LABEL, b"name")]));
    let queries = [
        ask(Attr::LABEL, Room::Ask),
        ask(Attr::VALUE, Room::Bytes(100)),
        ask(Attr::MODULUS, Room::Bytes(100)),
        ask(Attr::LABEL, Room::Bytes(3)),
        ask(Attr::LABEL, Room::Bytes(4)),
    ];
    let answers = read::answer(&object, &queries, true);
    assert_eq!(answers.rv, Rv::ATTRIBUTE_SENSITIVE);
    let expected = [
        Answer::Length(4),
        Answer::Unavailable,
        Answer::Unavailable,
        Answer::Unavailable,
        Answer::Value(b"name".as_slice().into()),
    ];
    assert_eq!(answers.answers.to_vec(), expected);
    assert_eq!(read::answer(&object, &queries[3..], true).rv, Rv::BUFFER_TOO_SMALL);
    assert_eq!(read::answer(&object, &queries[2..], true).rv, Rv::ATTRIBUTE_TYPE_INVALID);
    assert_eq!(read::answer(&object, &[], true).rv, Rv::OK);
}

#[test]
fn a_usage_that_the_history_excludes_reads_as_false() {
    let key = object(1, &aes());
    assert_eq!(read(&key, Attr::DECRYPT).1, Some(vec![1]));
    key.roles().claim(Role::Wrap).unwrap();
    assert_eq!(read(&key, Attr::DECRYPT).1, Some(vec![0]));
}

#[test]
fn what_is_not_set_reads_as_empty() {
    let key = object(1, &aes());
    for attribute in [Attr::LABEL, Attr::ID, Attr::START_DATE, Attr::ALLOWED_MECHANISMS] {
        assert_eq!(read(&key, attribute), (Rv::OK, Some(vec![])), "{attribute}");
    }
    assert_eq!(
        read::answer(&key, &[ask(Attr::WRAP_TEMPLATE, Room::Ask)], true).answers.to_vec(),
        [Answer::NestedLength(0)]
    );
}

#[test]
fn an_array_of_attributes_is_counted_then_measured_then_read() {
    let nested = [flag(Attr::EXTRACTABLE, true), bytes(Attr::LABEL, b"name")];
    let attributes = create(&with_nested(&aes(), Attr::WRAP_TEMPLATE, &nested), &USER).unwrap();
    let key = Object::new(1, attributes, Profile::Standard);
    let ask = |rooms: &[Room]| {
        let nested = List::new(rooms.iter().map(|room| LeafQuery { room: *room }).collect()).unwrap();
        let room = if rooms.is_empty() { Room::Ask } else { Room::Bytes(24 * rooms.len() as u64) };
        let answers = read::answer(&key, &[Query { kind: Attr::WRAP_TEMPLATE.into(), room, nested }], true);
        (answers.rv, answers.answers[0].clone())
    };
    assert_eq!(ask(&[]), (Rv::OK, Answer::NestedLength(2)));
    assert_eq!(ask(&[Room::Ask]).0, Rv::BUFFER_TOO_SMALL);
    let (rv, answer) = ask(&[Room::Ask, Room::Bytes(3)]);
    let Answer::Nested(leaves) = answer else { panic!("{answer:?}") };
    assert_eq!(rv, Rv::BUFFER_TOO_SMALL);
    assert_eq!(leaves[0].value, LeafAnswerValue::Length(1));
    assert_eq!(leaves[1].value, LeafAnswerValue::Unavailable);
    let (rv, answer) = ask(&[Room::Bytes(1), Room::Bytes(4)]);
    let Answer::Nested(leaves) = answer else { panic!("{answer:?}") };
    assert_eq!(rv, Rv::OK);
    assert_eq!(leaves[1].kind, Attr::LABEL.into());
    assert_eq!(leaves[1].value, LeafAnswerValue::Value(b"name".as_slice().into()));
}

#[test]
fn the_size_grows_with_the_object() {
    let small = object(1, &[ulong(Attr::CLASS, 0), bytes(Attr::VALUE, &[1; 10])]);
    let large = object(1, &[ulong(Attr::CLASS, 0), bytes(Attr::VALUE, &[1; 1000])]);
    assert_eq!(read::size(&large) - read::size(&small), 990);
}
