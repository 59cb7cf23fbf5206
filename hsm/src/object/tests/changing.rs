//! What may change, how, and what never does.

use proptest::prelude::*;

use super::*;
use crate::object::attributes::{self as table, Change, Form};

const GUARDS: [Attr; 6] = [
    Attr::SENSITIVE,
    Attr::EXTRACTABLE,
    Attr::WRAP_WITH_TRUSTED,
    Attr::COPYABLE,
    Attr::MODIFIABLE,
    Attr::PRIVATE,
];

/// A value of this form that an object may have.
fn value(form: Form) -> Vec<u8> {
    match form {
        Form::Flag => vec![1],
        Form::Ulong => vec![0; 8],
        Form::Date => b"20240229".to_vec(),
        Form::Mechanisms => vec![1; 8],
        Form::Text | Form::Bytes | Form::Number => b"abc".to_vec(),
        Form::Template => Vec::new(),
    }
}

#[test]
fn only_what_the_table_says_may_change() {
    for given in kinds() {
        let object = object(1, &given);
        for row in table::rows(object.class(), object.kind()) {
            let result = changed(&object, &template(&[Given(row.attribute, value(row.form))]), &USER);
            match row.change {
                Change::Always | Change::ToTrue => assert!(result.is_ok(), "{} {result:?}", row.attribute),
                Change::Never | Change::Copy | Change::CopyToTrue | Change::Officer => {
                    assert_eq!(refusal(result), Rv::ATTRIBUTE_READ_ONLY, "{}", row.attribute);
                }
                Change::ToFalse => {
                    assert_eq!(result.is_ok(), object.flag(row.attribute), "{}", row.attribute);
                }
            }
        }
    }
}

#[test]
fn what_the_object_does_not_have_has_an_invalid_type() {
    let object = object(1, &aes());
    for attribute in [Attr::MODULUS, Attr::OBJECT_ID, Attr(0x9999), Attr::ROLES_USED] {
        let result = changed(&object, &template(&[bytes(attribute, &[0; 8])]), &USER);
        assert_eq!(refusal(result), Rv::ATTRIBUTE_TYPE_INVALID, "{attribute}");
    }
}

#[test]
fn guards_go_one_way_only() {
    let guarded = object(1, &with(&aes(), &[flag(Attr::SENSITIVE, true), flag(Attr::EXTRACTABLE, false)]));
    for guard in [[flag(Attr::SENSITIVE, false)], [flag(Attr::EXTRACTABLE, true)]] {
        for result in
            [changed(&guarded, &template(&guard), &USER), copied(&guarded, &template(&guard), &USER)]
        {
            assert_eq!(refusal(result), Rv::ATTRIBUTE_READ_ONLY);
        }
    }
    let open = object(1, &with(&aes(), &[flag(Attr::SENSITIVE, false), flag(Attr::EXTRACTABLE, true)]));
    let closed =
        changed(&open, &template(&[flag(Attr::SENSITIVE, true), flag(Attr::EXTRACTABLE, false)]), &USER);
    let closed = open.successor(closed.unwrap());
    assert!(closed.flag(Attr::SENSITIVE) && !closed.flag(Attr::EXTRACTABLE));
    assert!(!closed.flag(Attr::ALWAYS_SENSITIVE) && !closed.flag(Attr::NEVER_EXTRACTABLE));
}

#[test]
fn a_change_that_fails_in_part_changes_nothing() {
    let object = object(1, &with(&aes(), &[bytes(Attr::LABEL, b"old")]));
    let before = object.attributes().duplicate();
    for bad in [flag(Attr::LOCAL, true), bytes(Attr::START_DATE, b"x"), bytes(Attr(0x9999), &[])] {
        assert!(changed(&object, &template(&[bytes(Attr::LABEL, b"new"), bad]), &USER).is_err());
        assert_eq!(*object.attributes(), before);
    }
}

#[test]
fn an_object_that_is_not_to_be_changed_or_copied_is_not() {
    let fixed = object(1, &with(&aes(), &[flag(Attr::MODIFIABLE, false), flag(Attr::COPYABLE, false)]));
    assert_eq!(
        refusal(changed(&fixed, &template(&[bytes(Attr::LABEL, b"x")]), &USER)),
        Rv::ACTION_PROHIBITED
    );
    assert_eq!(refusal(copied(&fixed, &template(&[]), &USER)), Rv::ACTION_PROHIBITED);
}

#[test]
fn who_may_change_is_who_may_make() {
    let on_token = object(1, &with(&aes(), &[flag(Attr::TOKEN, true)]));
    let label = template(&[bytes(Attr::LABEL, b"x")]);
    let read_only = Maker { rw: false, ..USER };
    assert_eq!(refusal(changed(&on_token, &label, &read_only)), Rv::SESSION_READ_ONLY);
    assert_eq!(refusal(copied(&on_token, &label, &read_only)), Rv::SESSION_READ_ONLY);
    assert!(copied(&on_token, &template(&[flag(Attr::TOKEN, false)]), &read_only).is_ok());
    for maker in [NOBODY, OFFICER] {
        assert_eq!(refusal(changed(&on_token, &label, &maker)), Rv::USER_NOT_LOGGED_IN);
    }
}

#[test]
fn only_the_security_officer_grants_and_takes_trust() {
    let trust = |value| template(&[flag(Attr::TRUSTED, value)]);
    let plain = object(1, &rsa_public());
    for result in [changed(&plain, &trust(true), &USER), copied(&plain, &trust(true), &USER)] {
        assert_eq!(refusal(result), Rv::ATTRIBUTE_READ_ONLY);
    }
    let trusted = plain.successor(changed(&plain, &trust(true), &OFFICER).unwrap());
    assert!(trusted.flag(Attr::TRUSTED));
    assert_eq!(refusal(changed(&trusted, &trust(false), &USER)), Rv::ATTRIBUTE_READ_ONLY);
    assert!(changed(&trusted, &trust(false), &OFFICER).is_ok());
}

#[test]
fn a_copy_is_another_object_with_the_same_key_and_the_same_history() {
    let key = object(1, &with(&aes(), &[bytes(Attr::LABEL, b"old")]));
    key.roles().claim(Role::Wrap).unwrap();
    let copy =
        copied(&key, &template(&[flag(Attr::TOKEN, true), bytes(Attr::LABEL, b"new")]), &USER).unwrap();
    assert_ne!(copy.plain(Attr::UNIQUE_ID), key.attributes().plain(Attr::UNIQUE_ID));
    assert!(copy.flag(Attr::TOKEN));
    let copy = Object::new(2, copy, Profile::Standard);
    assert_eq!(copy.roles().conflict(Role::Decrypt), Some(Role::Wrap));
    assert!(!copy.flag(Attr::DECRYPT));
    let data = object(3, &[ulong(Attr::CLASS, Class::DATA.0), bytes(Attr::VALUE, b"old")]);
    let copy = copied(&data, &template(&[bytes(Attr::VALUE, b"new")]), &USER).unwrap();
    assert_eq!(copy.plain(Attr::VALUE), Some(&b"new"[..]));
}

#[test]
fn a_copy_may_repeat_what_is_and_may_not_be_another_key() {
    let key = object(1, &aes());
    assert!(copied(&key, &template(&[ulong(Attr::KEY_TYPE, KeyType::AES.0)]), &USER).is_ok());
    for other in [
        ulong(Attr::KEY_TYPE, KeyType::GENERIC_SECRET.0),
        bytes(Attr::VALUE, &[1; 16]),
        flag(Attr::LOCAL, true),
    ] {
        assert_eq!(refusal(copied(&key, &template(&[other]), &USER)), Rv::ATTRIBUTE_READ_ONLY);
    }
    assert_eq!(
        refusal(copied(&key, &template(&[bytes(Attr::MODULUS, &[3])]), &USER)),
        Rv::TEMPLATE_INCONSISTENT
    );
    assert_eq!(
        refusal(copied(&key, &template(&[flag(Attr::PRIVATE, false)]), &USER)),
        Rv::ATTRIBUTE_READ_ONLY
    );
}

#[test]
fn a_usage_that_the_history_excludes_cannot_be_set_again() {
    let key = object(1, &with(&aes(), &[flag(Attr::DECRYPT, false)]));
    key.roles().claim(Role::Wrap).unwrap();
    let decrypt = template(&[flag(Attr::DECRYPT, true)]);
    assert_eq!(refusal(changed(&key, &decrypt, &USER)), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(refusal(copied(&key, &decrypt, &USER)), Rv::TEMPLATE_INCONSISTENT);
    let legacy = Object::new(1, made(&aes()), Profile::Legacy);
    legacy.roles().claim(Role::Wrap).unwrap();
    assert!(legacy.flag(Attr::DECRYPT) && changed(&legacy, &decrypt, &LEGACY).is_ok());
}

#[test]
fn under_strict_roles_are_not_taken_in_turns() {
    let given = with(&aes(), &[flag(Attr::DECRYPT, true), flag(Attr::WRAP, false)]);
    let mut attributes = create(&template(&given), &STRICT).unwrap();
    attributes.set_flag(Attr::LOCAL, true);
    let key = Object::new(1, attributes, Profile::Strict);
    let set = |key: &Object, usage, value| changed(key, &template(&[flag(usage, value)]), &STRICT);
    assert_eq!(refusal(set(&key, Attr::WRAP, true)), Rv::ATTRIBUTE_READ_ONLY);
    let given_up = key.successor(set(&key, Attr::DECRYPT, false).unwrap());
    assert_eq!(refusal(set(&given_up, Attr::WRAP, true)), Rv::ATTRIBUTE_READ_ONLY);
    let both = template(&[flag(Attr::DECRYPT, false), flag(Attr::WRAP, true)]);
    assert_eq!(refusal(changed(&key, &both, &STRICT)), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(
        refusal(copied(&given_up, &template(&[flag(Attr::WRAP, true)]), &STRICT)),
        Rv::TEMPLATE_INCONSISTENT
    );
}

#[test]
fn under_strict_an_imported_key_does_not_get_to_wrap_later() {
    let key = Object::new(
        1,
        create(&template(&with(&aes(), &[flag(Attr::DECRYPT, false)])), &STRICT).unwrap(),
        Profile::Strict,
    );
    assert_eq!(
        refusal(changed(&key, &template(&[flag(Attr::WRAP, true)]), &STRICT)),
        Rv::ATTRIBUTE_READ_ONLY
    );
}

/// One step of a caller who tries to get at a key.
#[derive(Clone, Debug)]
struct Step {
    copy: bool,
    flags: Vec<(usize, bool)>,
}

fn step() -> impl Strategy<Value = Step> {
    let flags = prop::collection::vec((0..GUARDS.len() + Role::ALL.len(), any::<bool>()), 1..4);
    (any::<bool>(), flags).prop_map(|(copy, flags)| Step { copy, flags })
}

proptest! {
    /// Whatever is set or copied in whatever order: a guard that is up stays up, the past stays as it was, and a
    /// role that was used keeps those in conflict with it away.
    #[test]
    fn no_sequence_of_changes_and_copies_weakens_a_key(
        begin in prop::collection::vec(any::<bool>(), 3),
        used in prop::option::of(0..Role::ALL.len()),
        steps in prop::collection::vec(step(), 1..8),
        strict in any::<bool>(),
    ) {
        let profile = if strict { Profile::Strict } else { Profile::Standard };
        let maker = Maker { profile, ..USER };
        let first: Vec<Given> = GUARDS.iter().zip(&begin).map(|(guard, value)| flag(*guard, *value)).collect();
        let mut object = Object::new(1, create(&template(&with(&aes(), &first)), &maker).unwrap(), profile);
        if let Some(used) = used {
            object.roles().claim(Role::ALL[used]).unwrap();
        }
        for step in steps {
            let mut flags: Vec<Given> = Vec::new();
            for (which, value) in step.flags {
                let attribute = GUARDS.get(which).copied()
                    .unwrap_or_else(|| Role::ALL[which - GUARDS.len()].attribute());
                flags = with(&flags, &[flag(attribute, value)]);
            }
            let template = template(&flags);
            let result = if step.copy { copied(&object, &template, &maker) } else { changed(&object, &template, &maker) };
            let Ok(attributes) = result else { continue };
            let next = if step.copy { Object::new(2, attributes, profile) } else { object.successor(attributes) };
            for guard in [Attr::SENSITIVE, Attr::WRAP_WITH_TRUSTED, Attr::PRIVATE] {
                prop_assert!(next.flag(guard) || !object.flag(guard), "{}", guard);
            }
            for guard in [Attr::EXTRACTABLE, Attr::COPYABLE] {
                prop_assert!(!next.flag(guard) || object.flag(guard), "{}", guard);
            }
            for past in [Attr::LOCAL, Attr::ALWAYS_SENSITIVE, Attr::NEVER_EXTRACTABLE, Attr::CLASS] {
                prop_assert_eq!(next.attributes().plain(past), object.attributes().plain(past));
            }
            if let Some(used) = used {
                for other in Role::ALL[used].conflicts() {
                    prop_assert!(!next.flag(other.attribute()), "{:?}", other);
                }
            }
            object = next;
        }
    }
}
