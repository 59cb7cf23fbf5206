//! Keys that are unwrapped or derived have no more rights than what they come from.

use wire::MechanismId;

use super::*;

const MECHANISM: MechanismId = MechanismId(0x1050);
const SENSITIVE: Origin = Origin { sensitive: true, extractable: false, wrap_with_trusted: false };

fn wanted_aes(more: &[Given]) -> Vec<Given> {
    with(&[ulong(Attr::CLASS, Class::SECRET_KEY.0), ulong(Attr::KEY_TYPE, KeyType::AES.0)], more)
}

fn open() -> [Given; 2] {
    [flag(Attr::SENSITIVE, false), flag(Attr::EXTRACTABLE, true)]
}

struct Unwrap {
    with: Object,
    maker: Maker,
    padding: usize,
    origin: Option<Origin>,
}

impl Unwrap {
    fn new() -> Self {
        Self { with: object(1, &aes()), maker: USER, padding: 0, origin: None }
    }

    fn run(&self, given: &[Given], bytes: &[u8]) -> Result<AttributeMap, Error> {
        let unwrapping = Unwrapping {
            key: &self.with,
            zero_padding: self.padding,
            origin: &|_, _| Ok(self.origin),
            stand_in: None,
        };
        unwrapped(&template(given), &secret(bytes), &unwrapping, &self.maker)
    }
}

#[test]
fn an_unwrapped_key_says_that_it_came_from_outside() {
    let key = Unwrap::new().run(&wanted_aes(&open()), &[1; 16]).unwrap();
    for history in [Attr::LOCAL, Attr::ALWAYS_SENSITIVE, Attr::NEVER_EXTRACTABLE, Attr::SENSITIVE] {
        assert!(!key.flag(history), "{history}");
    }
    assert_eq!(key.ulong(Attr::VALUE_LEN), Some(16));
    assert!(key.plain(Attr::CHECK_VALUE).is_some());
    assert!(!key.flag(Attr::WRAP) && !key.flag(Attr::UNWRAP) && key.flag(Attr::DECRYPT));
}

#[test]
fn a_client_that_leaves_the_class_out_gets_a_secret_key_and_one_that_leaves_the_type_out_none() {
    let unwrap = Unwrap::new();
    assert!(unwrap.run(&[ulong(Attr::KEY_TYPE, KeyType::AES.0)], &[1; 16]).is_ok());
    assert_eq!(refusal(unwrap.run(&[], &[1; 16])), Rv::TEMPLATE_INCOMPLETE);
}

#[test]
fn a_key_that_is_sensitive_here_does_not_come_back_readable() {
    let mut unwrap = Unwrap { origin: Some(SENSITIVE), ..Unwrap::new() };
    for weaker in open() {
        assert_eq!(refusal(unwrap.run(&wanted_aes(&[weaker]), &[1; 16])), Rv::TEMPLATE_INCONSISTENT);
    }
    let key = unwrap.run(&wanted_aes(&[]), &[1; 16]).unwrap();
    assert!(key.flag(Attr::SENSITIVE) && !key.flag(Attr::EXTRACTABLE));
    unwrap.origin = Some(Origin { extractable: true, wrap_with_trusted: true, ..SENSITIVE });
    let key = unwrap.run(&wanted_aes(&[flag(Attr::EXTRACTABLE, true)]), &[1; 16]).unwrap();
    assert!(key.flag(Attr::SENSITIVE) && key.flag(Attr::EXTRACTABLE) && key.flag(Attr::WRAP_WITH_TRUSTED));
    unwrap.maker = LEGACY;
    assert!(unwrap.run(&wanted_aes(&open()), &[1; 16]).is_ok());
}

#[test]
fn the_stricter_of_two_origins_counts() {
    let other = Origin { sensitive: false, extractable: true, wrap_with_trusted: true };
    assert_eq!(SENSITIVE.meet(other), Origin { wrap_with_trusted: true, ..SENSITIVE });
    assert_eq!(SENSITIVE.meet(other), other.meet(SENSITIVE));
}

#[test]
fn a_private_key_unwrapped_as_the_value_of_a_secret_one_is_known_again() {
    let (private, with) = (made(&ec_private()), object(1, &aes()));
    let payload = private_key_info(&private).unwrap();
    let known = identity(&private, b"s").unwrap();
    for padding in [0, 3] {
        let bytes = Secret::new([payload.as_bytes(), &vec![0; padding]].concat());
        let generic = [ulong(Attr::CLASS, 4), ulong(Attr::KEY_TYPE, KeyType::GENERIC_SECRET.0)];
        let template = template(&[generic.as_slice(), &open()].concat());
        let unwrapping = Unwrapping {
            key: &with,
            zero_padding: 0,
            origin: &|_, attributes| Ok((identity(attributes, b"s")? == known).then_some(SENSITIVE)),
            stand_in: None,
        };
        let result = unwrapped(&template, &bytes, &unwrapping, &USER);
        assert_eq!(refusal(result), Rv::TEMPLATE_INCONSISTENT);
    }
}

#[test]
fn zeros_at_the_end_do_not_hide_a_key() {
    let long = roles::fingerprint(&secret(&[1, 2, 0, 0]), b"s").unwrap();
    assert_eq!(long, roles::fingerprint(&secret(&[1, 2]), b"s").unwrap());
    assert_ne!(long, roles::fingerprint(&secret(&[0, 1, 2]), b"s").unwrap());
    assert_ne!(long, roles::fingerprint(&secret(&[1, 2]), b"t").unwrap());
}

#[test]
fn the_same_key_is_known_under_every_type() {
    let known = |key_type| identity(&made(&secret_key(key_type, &[5; 16])), b"s").unwrap();
    assert_eq!(known(KeyType::AES), known(KeyType::GENERIC_SECRET));
    assert!(known(KeyType::AES).is_some());
    let data = made(&[ulong(Attr::CLASS, 0), bytes(Attr::VALUE, &[5; 16])]);
    assert_eq!(identity(&data, b"s").unwrap(), None);
    let halves = [made(&ec_private()), made(&ec_public())].map(|half| identity(&half, b"s").unwrap());
    assert_eq!(halves[0], halves[1]);
}

#[test]
fn padding_is_cut_only_where_the_template_says_and_only_zeros() {
    let mut unwrap = Unwrap { padding: 15, ..Unwrap::new() };
    let padded = [[3; 16], [0; 16]].concat();
    let generic = |len| {
        [ulong(Attr::CLASS, 4), ulong(Attr::KEY_TYPE, KeyType::GENERIC_SECRET.0), ulong(Attr::VALUE_LEN, len)]
    };
    let cut = unwrap.run(&generic(20), &padded).unwrap();
    assert_eq!(cut.secret(Attr::VALUE).unwrap().as_bytes(), &padded[..20]);
    for bad in [15, 16, 33] {
        assert_eq!(refusal(unwrap.run(&generic(bad), &padded)), Rv::WRAPPED_KEY_INVALID, "{bad}");
    }
    assert_eq!(refusal(unwrap.run(&generic(31), &[3; 32])), Rv::WRAPPED_KEY_INVALID);
    unwrap.padding = 0;
    assert_eq!(refusal(unwrap.run(&generic(31), &padded)), Rv::WRAPPED_KEY_INVALID);
}

#[test]
fn whatever_is_wrong_with_a_wrapped_key_is_one_error() {
    let unwrap = Unwrap::new();
    let private =
        |key_type: KeyType| [ulong(Attr::CLASS, Class::PRIVATE_KEY.0), ulong(Attr::KEY_TYPE, key_type.0)];
    let ec = private_key_info(&made(&ec_private())).unwrap();
    let mut off = ec.as_bytes().to_vec();
    *off.last_mut().unwrap() ^= 1;
    for (given, bytes) in [
        (wanted_aes(&[]), vec![1; 17]),
        (wanted_aes(&[]), vec![]),
        (private(KeyType::EC).to_vec(), vec![0x30]),
        (private(KeyType::RSA).to_vec(), ec.as_bytes().to_vec()),
        (private(KeyType::EC_EDWARDS).to_vec(), ec.as_bytes().to_vec()),
        (private(KeyType::EC).to_vec(), ec.as_bytes()[..60].to_vec()),
    ] {
        assert_eq!(refusal(unwrap.run(&given, &bytes)), Rv::WRAPPED_KEY_INVALID);
    }
    assert!(unwrap.run(&private(KeyType::EC), &off).is_err());
    assert!(unwrap.run(&private(KeyType::EC), ec.as_bytes()).is_ok());
}

#[test]
fn where_nobody_may_learn_whether_a_blob_opened_a_stand_in_takes_the_place_of_a_length_that_cannot_be() {
    let with = object(1, &aes());
    let run = |given: &[Given], bytes: &[u8]| {
        let unwrapping = Unwrapping {
            key: &with,
            zero_padding: 0,
            origin: &|_, _| Ok(None),
            stand_in: Some(&|len| Ok(Secret::new(vec![0x5a; len]))),
        };
        unwrapped(&template(given), &secret(bytes), &unwrapping, &USER)
    };
    let value = |given: &[Given], bytes: &[u8]| {
        run(given, bytes).unwrap().secret(Attr::VALUE).unwrap().as_bytes().to_vec()
    };
    assert_eq!(value(&wanted_aes(&[]), &[3; 16]), [3; 16]);
    let replaced = value(&wanted_aes(&[]), &[3; 17]);
    assert!(replaced.iter().all(|byte| *byte == 0x5a) && [16, 24, 32].contains(&replaced.len()));
    assert_eq!(value(&wanted_aes(&[ulong(Attr::VALUE_LEN, 24)]), &[3; 16]), [0x5a; 24]);
}

fn wrapping_key(attribute: Attr, nested: &[Given]) -> Object {
    Object::new(1, create(&with_nested(&aes(), attribute, nested), &USER).unwrap(), Profile::Standard)
}

#[test]
fn the_unwrap_template_is_applied_and_not_contradicted() {
    let with_template =
        wrapping_key(Attr::UNWRAP_TEMPLATE, &[flag(Attr::EXTRACTABLE, false), flag(Attr::UNWRAP, true)]);
    let unwrap = Unwrap { with: with_template, ..Unwrap::new() };
    let key = unwrap.run(&wanted_aes(&[]), &[1; 16]).unwrap();
    assert!(!key.flag(Attr::EXTRACTABLE) && key.flag(Attr::UNWRAP));
    let contrary = wanted_aes(&[flag(Attr::EXTRACTABLE, true)]);
    assert_eq!(refusal(unwrap.run(&contrary, &[1; 16])), Rv::TEMPLATE_INCONSISTENT);
    assert!(unwrap.run(&wanted_aes(&[flag(Attr::EXTRACTABLE, false)]), &[1; 16]).is_ok());
}

#[test]
fn an_unwrapped_key_wraps_or_unwraps_only_when_asked_and_under_strict_by_the_unwrap_template_alone() {
    let mut unwrap = Unwrap::new();
    for usage in [Attr::WRAP, Attr::UNWRAP] {
        let asked = wanted_aes(&[flag(usage, true)]);
        unwrap.maker = USER;
        assert!(!unwrap.run(&wanted_aes(&[]), &[1; 16]).unwrap().flag(usage));
        assert!(unwrap.run(&asked, &[1; 16]).unwrap().flag(usage));
        unwrap.maker = STRICT;
        assert_eq!(refusal(unwrap.run(&asked, &[1; 16])), Rv::TEMPLATE_INCONSISTENT);
        let own = wrapping_key(Attr::UNWRAP_TEMPLATE, &[flag(usage, true)]);
        let allowed = Unwrap { with: own, maker: STRICT, ..Unwrap::new() };
        assert!(allowed.run(&wanted_aes(&[]), &[1; 16]).unwrap().flag(usage));
    }
}

fn generic(more: &[Given]) -> Template {
    template(&with(&[ulong(Attr::CLASS, 4), ulong(Attr::KEY_TYPE, KeyType::GENERIC_SECRET.0)], more))
}

#[test]
fn what_is_derived_from_a_secret_key_is_no_less_guarded() {
    let guarded = object(1, &with(&aes(), &[flag(Attr::SENSITIVE, true), flag(Attr::EXTRACTABLE, false)]));
    let derive = |more: &[Given]| derived(&generic(more), &secret(&[1; 20]), &guarded, MECHANISM, &USER);
    for weaker in open() {
        assert_eq!(refusal(derive(&[weaker])), Rv::TEMPLATE_INCONSISTENT);
    }
    let key = derive(&[]).unwrap();
    assert!(key.flag(Attr::SENSITIVE) && !key.flag(Attr::EXTRACTABLE) && !key.flag(Attr::LOCAL));
    assert_eq!(key.ulong(Attr::VALUE_LEN), Some(20));
    let loose = object(1, &with(&aes(), &open()));
    assert!(derived(&generic(&open()), &secret(&[1; 20]), &loose, MECHANISM, &USER).is_ok());
}

#[test]
fn what_comes_of_an_agreement_is_as_the_template_says() {
    let base = object(1, &ec_private());
    let key = derived(&generic(&open()), &secret(&[1; 32]), &base, MECHANISM, &USER).unwrap();
    assert!(!key.flag(Attr::SENSITIVE) && key.flag(Attr::EXTRACTABLE));
}

#[test]
fn the_past_of_a_derived_key_is_no_better_than_that_of_its_base() {
    let mut attributes = made(&ec_private());
    for (always, sensitive) in [(false, false), (false, true), (true, false), (true, true)] {
        attributes.set_flag(Attr::ALWAYS_SENSITIVE, always);
        attributes.set_flag(Attr::NEVER_EXTRACTABLE, always);
        let base = Object::new(1, attributes.duplicate(), Profile::Standard);
        let flags = [flag(Attr::SENSITIVE, sensitive), flag(Attr::EXTRACTABLE, !sensitive)];
        let key = derived(&generic(&flags), &secret(&[1; 32]), &base, MECHANISM, &USER).unwrap();
        assert_eq!(key.flag(Attr::ALWAYS_SENSITIVE), always && sensitive);
        assert_eq!(key.flag(Attr::NEVER_EXTRACTABLE), always && sensitive);
    }
}

#[test]
fn the_derive_template_is_applied_and_the_wish_is_known_before() {
    let nested = [flag(Attr::EXTRACTABLE, false)];
    let attributes = create(&with_nested(&ec_private(), Attr::DERIVE_TEMPLATE, &nested), &USER).unwrap();
    let base = Object::new(1, attributes, Profile::Standard);
    let wish = wanted_derived(&generic(&[ulong(Attr::VALUE_LEN, 24)]), &base, &USER).unwrap();
    assert_eq!(wish, (KeyType::GENERIC_SECRET, Some(24)));
    let contrary = generic(&[flag(Attr::EXTRACTABLE, true)]);
    assert_eq!(refusal(wanted_derived(&contrary, &base, &USER)), Rv::TEMPLATE_INCONSISTENT);
    assert_eq!(refusal(wanted_derived(&template(&[]), &base, &USER)), Rv::TEMPLATE_INCOMPLETE);
}
