//! What a template must, may and must not say, and what is made of it.

use proptest::prelude::*;
use wire::MechanismId;

use super::*;
use crate::mechanism::Generated;
use crate::object::attributes::{self as table, Form, Given as Rule};

const MECHANISM: MechanismId = MechanismId(0x1080);

#[test]
fn each_kind_of_object_is_made_of_what_it_must_have() {
    for given in kinds() {
        let attributes = made(&given);
        for attribute in &given {
            if attribute.0 != Attr::EC_POINT {
                let object = Object::new(1, made(&with(&given, &open(&given))), Profile::Standard);
                assert_eq!(
                    read(&object, attribute.0),
                    (Rv::OK, Some(attribute.1.clone())),
                    "{}",
                    attribute.0
                );
            }
        }
        assert!(attributes.plain(Attr::UNIQUE_ID).is_some_and(|id| id.len() == 32));
        assert_ne!(attributes.plain(Attr::UNIQUE_ID), made(&given).plain(Attr::UNIQUE_ID));
    }
}

/// What lets a key show its secrets.
fn open(given: &[Given]) -> Vec<Given> {
    let (class, _) = kind_of(given);
    if !matches!(class, Class::PRIVATE_KEY | Class::SECRET_KEY) {
        return Vec::new();
    }
    vec![flag(Attr::SENSITIVE, false), flag(Attr::EXTRACTABLE, true)]
}

#[test]
fn what_must_be_there_and_is_not_makes_the_template_incomplete() {
    for given in kinds() {
        let (class, kind) = kind_of(&given);
        let must: Vec<_> = table::rows(class, kind).filter(|row| row.create == Rule::Must).collect();
        assert!(!must.is_empty());
        for row in must {
            let template = template(&without(&given, row.attribute));
            assert_eq!(
                refusal(create(&template, &USER)),
                Rv::TEMPLATE_INCOMPLETE,
                "{} {class}",
                row.attribute
            );
        }
    }
}

#[test]
fn what_the_token_sets_is_read_only_to_a_template() {
    for given in kinds() {
        let (class, kind) = kind_of(&given);
        for row in table::rows(class, kind).filter(|row| row.create == Rule::Never) {
            let value = match row.form {
                Form::Flag => vec![1],
                Form::Text => b"x".to_vec(),
                _ => vec![0; 8],
            };
            let template = template(&with(&given, &[Given(row.attribute, value)]));
            assert_eq!(
                refusal(create(&template, &USER)),
                Rv::ATTRIBUTE_READ_ONLY,
                "{} {class}",
                row.attribute
            );
        }
    }
}

#[test]
fn a_value_of_the_wrong_size_or_form_is_not_valid_for_any_attribute() {
    for given in kinds() {
        let (class, kind) = kind_of(&given);
        for row in table::rows(class, kind).filter(|row| row.create != Rule::Never) {
            let bad: Vec<Vec<u8>> = match row.form {
                Form::Flag => vec![vec![], vec![2], vec![0xff], vec![1; 8]],
                Form::Ulong => vec![vec![], vec![0; 4], vec![0; 7], vec![0; 9]],
                Form::Date => vec![b"20240230".to_vec(), b"2024".to_vec()],
                Form::Text => vec![vec![0xff], vec![b'x'; row.max as usize + 1]],
                Form::Mechanisms => vec![vec![0; 7], vec![0; row.max as usize + 8]],
                Form::Template => vec![vec![1]],
                Form::Number | Form::Bytes => vec![vec![1; row.max as usize + 1]],
            };
            for value in bad {
                let len = value.len();
                let template = template(&with(&given, &[Given(row.attribute, value)]));
                let rv = refusal(create(&template, &USER));
                assert!(
                    matches!(
                        rv,
                        Rv::ATTRIBUTE_VALUE_INVALID | Rv::TEMPLATE_INCONSISTENT | Rv::TEMPLATE_INCOMPLETE
                    ) && (rv == Rv::ATTRIBUTE_VALUE_INVALID
                        || matches!(row.attribute, Attr::CLASS | Attr::KEY_TYPE)),
                    "{} of {class}, {len} bytes: {rv:?}",
                    row.attribute
                );
            }
        }
    }
}

#[test]
fn an_attribute_that_does_not_exist_has_an_invalid_type() {
    for number in [0x9999, 0x8000_0001, 0xce53_4351, Attr::ROLES_USED.0, u64::MAX, Attr::HSS_LEVELS.0] {
        let template = template(&with(&aes(), &[bytes(Attr(number), &[0; 8])]));
        assert_eq!(refusal(create(&template, &USER)), Rv::ATTRIBUTE_TYPE_INVALID, "{number:#x}");
    }
}

#[test]
fn an_attribute_of_another_class_or_one_that_comes_twice_is_inconsistent() {
    let foreign = [
        (aes(), bytes(Attr::MODULUS, &[3])),
        (rsa_public(), flag(Attr::SENSITIVE, true)),
        (ec_public(), bytes(Attr::MODULUS, &[3])),
        (vec![ulong(Attr::CLASS, 0)], bytes(Attr::ID, &[1])),
    ];
    for (given, more) in foreign {
        let template = template(&with(&given, &[more]));
        assert_eq!(refusal(create(&template, &USER)), Rv::TEMPLATE_INCONSISTENT);
    }
    for label in ["a", "b"] {
        let mut twice = with(&aes(), &[bytes(Attr::LABEL, b"a")]);
        twice.push(bytes(Attr::LABEL, label.as_bytes()));
        assert_eq!(refusal(create(&template(&twice), &USER)), Rv::TEMPLATE_INCONSISTENT);
    }
}

#[test]
fn classes_and_types_that_are_not_supported_are_not_valid() {
    for class in [Class::HW_FEATURE, Class::MECHANISM, Class::OTP_KEY, Class::PROFILE, Class(0x8000_0000)] {
        let template = template(&[ulong(Attr::CLASS, class.0)]);
        assert_eq!(refusal(create(&template, &USER)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
    for key_type in [KeyType::DES3, KeyType::RSA, KeyType(0x99)] {
        let template = template(&secret_key(key_type, &[1; 24]));
        assert_eq!(refusal(create(&template, &USER)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}

#[test]
fn private_objects_need_the_user_and_token_objects_a_writable_session() {
    let read_only = Maker { rw: false, ..USER };
    for given in kinds() {
        let private = template(&with(&given, &[flag(Attr::PRIVATE, true)]));
        for maker in [NOBODY, OFFICER] {
            assert_eq!(refusal(create(&private, &maker)), Rv::USER_NOT_LOGGED_IN);
        }
        let public = with(&given, &[flag(Attr::PRIVATE, false)]);
        assert!(create(&template(&public), &NOBODY).is_ok());
        let on_token = template(&with(&public, &[flag(Attr::TOKEN, true)]));
        assert_eq!(refusal(create(&on_token, &read_only)), Rv::SESSION_READ_ONLY);
        assert!(create(&template(&public), &read_only).is_ok());
    }
}

#[test]
fn only_the_security_officer_makes_trusted_objects() {
    let trusted = template(&with(&rsa_public(), &[flag(Attr::TRUSTED, true)]));
    assert_eq!(refusal(create(&trusted, &USER)), Rv::ATTRIBUTE_READ_ONLY);
    assert!(create(&trusted, &OFFICER).unwrap().flag(Attr::TRUSTED));
    assert!(create(&template(&with(&rsa_public(), &[flag(Attr::TRUSTED, false)])), &USER).is_ok());
}

#[test]
fn an_imported_key_never_says_that_it_was_made_here_or_always_guarded() {
    for given in [aes(), rsa_private(), ec_private()] {
        let key = made(&with(&given, &[flag(Attr::SENSITIVE, true), flag(Attr::EXTRACTABLE, false)]));
        for history in [Attr::LOCAL, Attr::ALWAYS_SENSITIVE, Attr::NEVER_EXTRACTABLE] {
            assert_eq!(key.plain(history), Some(&[0][..]), "{history}");
        }
        assert_eq!(key.ulong(Attr::KEY_GEN_MECHANISM), Some(u64::MAX));
    }
}

fn generate_aes(more: &[Given], maker: &Maker) -> Result<AttributeMap, Error> {
    let template = template(&with(&[ulong(Attr::VALUE_LEN, 16)], more));
    let wanted = wanted(&template, Class::SECRET_KEY, KeyType::AES, maker)?;
    assert_eq!(wanted.ulong(Attr::VALUE_LEN), Some(16));
    let mut parts = AttributeMap::new();
    parts.set_secret(Attr::VALUE, secret(&[1; 16]));
    generated(&template, Class::SECRET_KEY, KeyType::AES, parts, MECHANISM, maker)
}

#[test]
fn a_generated_key_remembers_how_it_began() {
    for (sensitive, extractable) in [(false, false), (false, true), (true, false), (true, true)] {
        let flags = [flag(Attr::SENSITIVE, sensitive), flag(Attr::EXTRACTABLE, extractable)];
        let key = generate_aes(&flags, &USER).unwrap();
        assert!(key.flag(Attr::LOCAL));
        assert_eq!(key.ulong(Attr::KEY_GEN_MECHANISM), Some(MECHANISM.0));
        assert_eq!(key.flag(Attr::ALWAYS_SENSITIVE), sensitive);
        assert_eq!(key.flag(Attr::NEVER_EXTRACTABLE), !extractable);
    }
}

#[test]
fn a_key_is_sensitive_unless_it_is_asked_to_get_out() {
    let sensitive = |more: &[Given], maker| generate_aes(more, maker).unwrap().flag(Attr::SENSITIVE);
    assert!(sensitive(&[], &USER));
    assert!(!sensitive(&[flag(Attr::EXTRACTABLE, true)], &USER));
    assert!(sensitive(&[flag(Attr::EXTRACTABLE, true)], &STRICT));
    assert!(made(&with(&rsa_private(), &[flag(Attr::EXTRACTABLE, true)])).flag(Attr::SENSITIVE));
}

#[test]
fn a_generation_needs_a_length_and_takes_no_value_and_no_other_class() {
    let check = |given: &[Given]| wanted(&template(given), Class::SECRET_KEY, KeyType::AES, &USER);
    assert_eq!(refusal(check(&[])), Rv::TEMPLATE_INCOMPLETE);
    let len = ulong(Attr::VALUE_LEN, 16);
    assert!(check(&[len.clone(), ulong(Attr::CLASS, Class::SECRET_KEY.0)]).is_ok());
    assert_eq!(refusal(check(&[len.clone(), bytes(Attr::VALUE, &[1; 16])])), Rv::ATTRIBUTE_READ_ONLY);
    for other in [ulong(Attr::CLASS, Class::DATA.0), ulong(Attr::KEY_TYPE, KeyType::GENERIC_SECRET.0)] {
        assert_eq!(refusal(check(&[len.clone(), other])), Rv::TEMPLATE_INCONSISTENT);
    }
}

#[test]
fn usages_that_the_template_leaves_out_are_those_the_type_can_do() {
    let key = generate_aes(&[flag(Attr::WRAP, false)], &USER).unwrap();
    for usage in [Attr::ENCRYPT, Attr::DECRYPT, Attr::SIGN, Attr::VERIFY, Attr::UNWRAP, Attr::DERIVE] {
        assert!(key.flag(usage), "{usage}");
    }
    assert!(!key.flag(Attr::WRAP));
    let ec = made(&ec_private());
    assert!(
        ec.flag(Attr::SIGN) && ec.flag(Attr::DERIVE) && !ec.flag(Attr::DECRYPT) && !ec.flag(Attr::UNWRAP)
    );
}

#[test]
fn a_template_that_asks_for_roles_in_conflict_is_granted_by_standard_and_refused_by_strict() {
    for role in Role::ALL {
        for other in role.conflicts() {
            let both = [flag(role.attribute(), true), flag(other.attribute(), true)];
            assert!(generate_aes(&both, &USER).is_ok());
            assert!(generate_aes(&both, &LEGACY).is_ok());
            assert_eq!(
                refusal(generate_aes(&both, &STRICT)),
                Rv::TEMPLATE_INCONSISTENT,
                "{role:?} {other:?}"
            );
        }
    }
    let wrap = template(&with(&aes(), &[flag(Attr::WRAP, true)]));
    assert!(create(&wrap, &USER).is_ok());
    assert_eq!(refusal(create(&wrap, &STRICT)), Rv::TEMPLATE_INCONSISTENT);
    assert!(
        !create(&template(&with(&aes(), &[flag(Attr::DECRYPT, false)])), &STRICT).unwrap().flag(Attr::WRAP)
    );
}

fn generate_rsa(
    public: &[Given],
    private: &[Given],
    maker: &Maker,
) -> Result<(AttributeMap, AttributeMap), Error> {
    let public = template(&with(&[ulong(Attr::MODULUS_BITS, 1024)], public));
    let private = template(private);
    let (for_public, _) = wanted_pair(&public, &private, KeyType::RSA, maker)?;
    assert_eq!(for_public.ulong(Attr::MODULUS_BITS), Some(1024));
    let parts = RSA.to_parts();
    let mut made = Generated::default();
    for half in [&mut made.public, &mut made.private] {
        half.set_plain(Attr::MODULUS, parts.n.clone());
        half.set_plain(Attr::PUBLIC_EXPONENT, parts.e.clone());
    }
    made.private.set_secret(Attr::PRIVATE_EXPONENT, parts.d);
    generated_pair(&public, &private, KeyType::RSA, made, MECHANISM, maker)
}

#[test]
fn a_generated_pair_is_complete_and_both_halves_tell_the_same_public_key() {
    let (public, private) = generate_rsa(&[], &[flag(Attr::TOKEN, true)], &USER).unwrap();
    assert_eq!(public.plain(Attr::PUBLIC_KEY_INFO), private.plain(Attr::PUBLIC_KEY_INFO));
    assert_eq!(identity(&public, b"s").unwrap(), identity(&private, b"s").unwrap());
    assert!(private.flag(Attr::ALWAYS_SENSITIVE) && private.flag(Attr::NEVER_EXTRACTABLE));
    for part in [Attr::PRIME_1, Attr::PRIME_2, Attr::EXPONENT_1, Attr::EXPONENT_2, Attr::COEFFICIENT] {
        assert!(private.secret(part).is_some_and(|part| part.len() >= 60), "{part}");
    }
    assert!(!public.flag(Attr::PRIVATE) && private.flag(Attr::PRIVATE));
}

#[test]
fn strict_sees_a_conflict_between_the_halves_of_a_pair() {
    let conflict = generate_rsa(&[flag(Attr::WRAP, true)], &[flag(Attr::DECRYPT, true)], &STRICT);
    assert_eq!(refusal(conflict), Rv::TEMPLATE_INCONSISTENT);
    assert!(generate_rsa(&[flag(Attr::WRAP, true)], &[flag(Attr::DECRYPT, true)], &USER).is_ok());
    let (public, private) = generate_rsa(&[flag(Attr::WRAP, true)], &[], &STRICT).unwrap();
    assert!(public.flag(Attr::WRAP) && !private.flag(Attr::DECRYPT));
}

proptest! {
    /// Whatever a template asks for or leaves out, what strict grants has no conflict.
    #[test]
    fn strict_never_grants_roles_in_conflict(asked in prop::collection::vec(prop::option::of(any::<bool>()), 5)) {
        let given: Vec<Given> = Role::ALL.iter().zip(&asked)
            .filter_map(|(role, asked)| asked.map(|value| flag(role.attribute(), value)))
            .collect();
        if let Ok(key) = generate_aes(&given, &STRICT) {
            for role in Role::ALL.into_iter().filter(|role| key.flag(role.attribute())) {
                for other in role.conflicts() {
                    prop_assert!(!key.flag(other.attribute()), "{role:?} {other:?}");
                }
            }
            for asked in &given {
                prop_assert_eq!(key.plain(asked.0), Some(&asked.1[..]));
            }
        }
        if let Ok((public, private)) = generate_rsa(
            &given.iter().filter(|one| [Attr::WRAP, Attr::ENCRYPT].contains(&one.0)).cloned().collect::<Vec<_>>(),
            &given.iter().filter(|one| [Attr::UNWRAP, Attr::DECRYPT, Attr::DERIVE].contains(&one.0)).cloned().collect::<Vec<_>>(),
            &STRICT,
        ) {
            prop_assert!(!(public.flag(Attr::WRAP) && private.flag(Attr::DECRYPT)));
        }
    }
}

#[test]
fn a_certificate_has_a_value_or_a_url_with_its_hashes() {
    let base = vec![
        ulong(Attr::CLASS, Class::CERTIFICATE.0),
        ulong(Attr::CERTIFICATE_TYPE, X_509),
        bytes(Attr::SUBJECT, &[0x30, 0]),
    ];
    assert_eq!(refusal(create(&template(&base), &USER)), Rv::TEMPLATE_INCOMPLETE);
    let url = with(&base, &[bytes(Attr::URL, b"http://example.org/c")]);
    assert_eq!(refusal(create(&template(&url), &USER)), Rv::TEMPLATE_INCOMPLETE);
    let hashes =
        [bytes(Attr::HASH_OF_SUBJECT_PUBLIC_KEY, &[1; 20]), bytes(Attr::HASH_OF_ISSUER_PUBLIC_KEY, &[2; 20])];
    assert!(create(&template(&with(&url, &hashes)), &USER).is_ok());
}

#[test]
fn a_check_value_is_computed_compared_and_left_out_on_request() {
    let check = |more: &[Given]| create(&template(&with(&aes(), more)), &USER);
    let value = check(&[]).unwrap().plain(Attr::CHECK_VALUE).unwrap().to_vec();
    assert_eq!(value.len(), 3);
    assert!(check(&[bytes(Attr::CHECK_VALUE, &value)]).is_ok());
    assert_eq!(refusal(check(&[bytes(Attr::CHECK_VALUE, &[1, 2, 3])])), Rv::ATTRIBUTE_VALUE_INVALID);
    assert_eq!(check(&[bytes(Attr::CHECK_VALUE, &[])]).unwrap().plain(Attr::CHECK_VALUE), Some(&[][..]));
    let short = with(&secret_key(KeyType::GENERIC_SECRET, &[1; 4]), &[bytes(Attr::CHECK_VALUE, &[1, 2, 3])]);
    assert_eq!(create(&template(&short), &USER).unwrap().plain(Attr::CHECK_VALUE), None);
}

#[test]
fn templates_within_templates_are_checked_and_nest_no_deeper() {
    let make = |nested: &[Given]| create(&with_nested(&aes(), Attr::WRAP_TEMPLATE, nested), &USER);
    assert!(make(&[flag(Attr::EXTRACTABLE, true)]).is_ok());
    assert!(make(&[]).is_ok());
    assert_eq!(refusal(make(&[bytes(Attr::EXTRACTABLE, &[1; 8])])), Rv::ATTRIBUTE_VALUE_INVALID);
    assert_eq!(refusal(make(&[bytes(Attr(0x9999), &[])])), Rv::ATTRIBUTE_TYPE_INVALID);
    assert_eq!(refusal(make(&[bytes(Attr::UNWRAP_TEMPLATE, &[])])), Rv::ATTRIBUTE_VALUE_INVALID);
    let twice = [flag(Attr::EXTRACTABLE, true), flag(Attr::EXTRACTABLE, true)];
    assert_eq!(refusal(make(&twice)), Rv::TEMPLATE_INCONSISTENT);
}
