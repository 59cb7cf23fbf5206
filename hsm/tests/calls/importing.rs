//! Objects from elsewhere: compared with their source, with what they were there, and never taken for made here.

use hsm::object::Attr;
use wire::admin::import::{Arrival, Arrived, Checked, History};
use wire::calls::key::{KeyCalls, WrapKey};
use wire::{List, Rv, SlotId, Template};

use crate::support::*;

const VALUE: &[u8] = &[7; 32];
/// The first bytes of a block of zeros encrypted with [`VALUE`].
fn check_value() -> Vec<u8> {
    use crypto::aes::{Cipher, Key, Mode};
    let mut block = Vec::new();
    let mut cipher = Cipher::encrypt(Mode::Ecb, &Key::new(VALUE).unwrap(), &[]).unwrap();
    cipher.update(&[0; 16], &mut block).unwrap();
    block[..3].to_vec()
}

/// A key of AES as a token elsewhere held it: made there, and it never left.
fn closed_elsewhere(more: &[(Attr, &[u8])]) -> Arrival {
    let mut given: Vec<(Attr, &[u8])> = vec![
        (Attr::CLASS, SECRET_KEY),
        (Attr::KEY_TYPE, AES),
        (Attr::TOKEN, YES),
        (Attr::LABEL, b"from elsewhere"),
        (Attr::SENSITIVE, YES),
        (Attr::EXTRACTABLE, NO),
    ];
    if more.iter().all(|(name, _)| *name != Attr::VALUE) {
        given.push((Attr::VALUE, VALUE));
    }
    given.extend(more);
    let history = History {
        local: true,
        key_gen_mechanism: Some(AES_KEY_GEN),
        always_sensitive: true,
        never_extractable: true,
    };
    arrival(&given, Some(history), Some(check_value()))
}

fn arrival(given: &[(Attr, &[u8])], history: Option<History>, check_value: Option<Vec<u8>>) -> Arrival {
    Arrival {
        template: template(given),
        history,
        check_value: check_value.map(Into::into),
        public: List::default(),
    }
}

fn import(user: &User, arrival: &Arrival) -> Result<Arrived, hsm::Error> {
    user.app.import(user.session, arrival, "a test", false)
}

fn count(world: &World, slot: SlotId) -> u64 {
    world.partition(slot).object_count()
}

/// Ed25519: the private and the public half of the pair of RFC 8032, "Test Vectors", test 1.
fn pair() -> (Vec<(Attr, Vec<u8>)>, Vec<(Attr, Vec<u8>)>) {
    let number = |number: u64| number.to_le_bytes().to_vec();
    let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    let point = hex("0420d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let common = |class: u64| {
        vec![
            (Attr::CLASS, number(class)),
            (Attr::KEY_TYPE, number(0x40)),
            (Attr::EC_PARAMS, hex("06032b6570")),
            (Attr::TOKEN, vec![1]),
            (Attr::ID, vec![1]),
        ]
    };
    let (mut private, mut public) = (common(3), common(2));
    private.push((Attr::VALUE, seed));
    public.push((Attr::EC_POINT, point));
    (private, public)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn borrowed(given: &[(Attr, Vec<u8>)]) -> Template {
    let given: Vec<(Attr, &[u8])> = given.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    template(&given)
}

#[test]
fn what_a_key_was_elsewhere_is_kept_and_recorded() {
    let world = World::new();
    let user = world.user(STANDARD);
    world.recorded();
    let checked = Checked { check_value: true, public: false, used: false };
    assert_eq!(import(&user, &closed_elsewhere(&[])).unwrap(), Arrived::New { checked });
    assert_eq!(world.recorded(), [("user", "import", Rv::OK)]);
    let key = user.on().find(&[(Attr::LABEL, b"from elsewhere")])[0];
    for flag in [Attr::LOCAL, Attr::ALWAYS_SENSITIVE, Attr::NEVER_EXTRACTABLE, Attr::SENSITIVE] {
        assert!(user.on().flag(key, flag), "{flag}");
    }
    let mechanism = user.on().read(key, Attr::KEY_GEN_MECHANISM).unwrap();
    assert_eq!(mechanism, Some(AES_KEY_GEN.to_le_bytes().to_vec()));
}

#[test]
fn a_key_from_elsewhere_is_never_one_that_was_made_here() {
    let sensitive = [(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, YES)];
    let mut world = World::new();
    import(&world.user(STANDARD), &closed_elsewhere(&[(Attr::WRAP, YES)])).unwrap();
    for restart in [false, true] {
        if restart {
            world = world.restart();
        }
        let user = world.user(STANDARD);
        let on = user.on();
        let key = on.find(&[(Attr::LABEL, b"from elsewhere")])[0];
        let target = on.generate(&sensitive).unwrap();
        assert_eq!(rv(on.wrap(key, target)), Rv::KEY_NOT_WRAPPABLE);
        let copy = on.copy(key, &[(Attr::LABEL, b"copy")]).unwrap();
        assert_eq!(rv(on.wrap(copy, target)), Rv::KEY_NOT_WRAPPABLE);
    }
    // Under the strict policy it does not wrap at all, and cannot be made to.
    let user = world.user(STRICT);
    assert_eq!(rv(import(&user, &closed_elsewhere(&[(Attr::WRAP, YES)]))), Rv::TEMPLATE_INCONSISTENT);
    import(&user, &closed_elsewhere(&[(Attr::WRAP, NO)])).unwrap();
    let key = user.on().find(&[(Attr::LABEL, b"from elsewhere")])[0];
    assert_eq!(rv(user.on().set(key, &[(Attr::WRAP, YES)])), Rv::ATTRIBUTE_READ_ONLY);
}

#[test]
fn what_is_not_what_its_source_says_does_not_come() {
    let world = World::new();
    let user = world.user(STANDARD);
    let mut altered = closed_elsewhere(&[]);
    altered.check_value = Some(b"abc".as_slice().into());
    assert_eq!(rv(import(&user, &altered)), Rv::TEMPLATE_INCONSISTENT);
    let (private, public) = pair();
    let mut other = public.clone();
    other.last_mut().unwrap().1 = hex("04203d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let mut mismatch = Arrival {
        template: borrowed(&private),
        history: None,
        check_value: None,
        public: List::new(vec![borrowed(&other)]).unwrap(),
    };
    assert_eq!(rv(import(&user, &mismatch)), Rv::TEMPLATE_INCONSISTENT);
    assert_eq!(count(&world, STANDARD), 0);
    mismatch.public = List::new(vec![borrowed(&other), borrowed(&public)]).unwrap();
    let checked = Checked { check_value: false, public: true, used: true };
    assert_eq!(import(&user, &mismatch).unwrap(), Arrived::New { checked });
}

#[test]
fn a_key_of_sm2_is_tried_like_those_of_others() {
    let world = World::new();
    let user = world.user(STANDARD);
    let number = |number: u64| number.to_le_bytes().to_vec();
    let private = [
        (Attr::CLASS, number(3)),
        (Attr::KEY_TYPE, number(hsm::object::KeyType::SM2.0)),
        (Attr::TOKEN, vec![1]),
        (Attr::VALUE, hex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")),
    ];
    let template = borrowed(&private);
    let arrival = Arrival { template, history: None, check_value: None, public: List::default() };
    let checked = Checked { check_value: false, public: false, used: true };
    assert_eq!(import(&user, &arrival).unwrap(), Arrived::New { checked });
}

#[test]
fn a_past_that_contradicts_the_present_does_not_come() {
    let world = World::new();
    let user = world.user(STANDARD);
    let given: [(Attr, &[u8]); 6] = [
        (Attr::CLASS, SECRET_KEY),
        (Attr::KEY_TYPE, AES),
        (Attr::VALUE, VALUE),
        (Attr::TOKEN, YES),
        (Attr::SENSITIVE, NO),
        (Attr::EXTRACTABLE, YES),
    ];
    for (always_sensitive, never_extractable) in [(true, false), (false, true)] {
        let history = History { always_sensitive, never_extractable, ..History::default() };
        let refused = import(&user, &arrival(&given, Some(history), None));
        assert_eq!(rv(refused), Rv::TEMPLATE_INCONSISTENT);
    }
    import(&user, &arrival(&given, Some(History::default()), None)).unwrap();
}

#[test]
fn what_is_here_already_is_told_and_not_doubled() {
    let world = World::new();
    let user = world.user(STANDARD);
    let (private, public) = pair();
    let data: [(Attr, &[u8]); 3] = [(Attr::CLASS, DATA), (Attr::TOKEN, YES), (Attr::VALUE, b"text")];
    let all = [
        closed_elsewhere(&[]),
        Arrival { template: borrowed(&private), ..arrival(&[], None, None) },
        Arrival { template: borrowed(&public), ..arrival(&[], None, None) },
        arrival(&data, None, None),
    ];
    for arrival in &all {
        assert!(matches!(import(&user, arrival).unwrap(), Arrived::New { .. }));
    }
    for arrival in &all {
        assert!(matches!(import(&user, arrival).unwrap(), Arrived::Already { .. }), "{arrival:?}");
    }
    assert_eq!(count(&world, STANDARD), 4);
    // Another value under the same label is another object.
    let data: [(Attr, &[u8]); 3] = [(Attr::CLASS, DATA), (Attr::TOKEN, YES), (Attr::VALUE, b"other")];
    assert!(matches!(import(&user, &arrival(&data, None, None)).unwrap(), Arrived::New { .. }));
    let mut other = closed_elsewhere(&[(Attr::VALUE, &[8; 32])]);
    other.check_value = None;
    assert!(matches!(import(&user, &other).unwrap(), Arrived::New { .. }));
}

#[test]
fn a_dry_run_tells_the_same_and_changes_nothing() {
    let world = World::new();
    let user = world.user(STANDARD);
    world.recorded();
    let dry = |arrival: &Arrival| user.app.import(user.session, arrival, "a test", true);
    assert!(matches!(dry(&closed_elsewhere(&[])).unwrap(), Arrived::New { .. }));
    let unknown = (0x21u64).to_le_bytes();
    let des = arrival(&[(Attr::CLASS, SECRET_KEY), (Attr::KEY_TYPE, &unknown)], None, None);
    assert_eq!(rv(dry(&des)), Rv::ATTRIBUTE_VALUE_INVALID);
    assert_eq!(count(&world, STANDARD), 0);
    assert_eq!(world.recorded(), []);
}

#[test]
fn only_the_user_brings_private_objects() {
    let world = World::new();
    let app = world.app();
    let session = app.open(STANDARD, RW).unwrap();
    let refused = app.import(session, &closed_elsewhere(&[]), "a test", false);
    assert_eq!(rv(refused), Rv::USER_NOT_LOGGED_IN);
    let read_only = User { session: app.open(STANDARD, RO).unwrap(), app };
    read_only.app.login(read_only.session, CKU_USER, PIN).unwrap();
    assert_eq!(rv(import(&read_only, &closed_elsewhere(&[]))), Rv::SESSION_READ_ONLY);
}

#[test]
fn a_trusted_key_from_elsewhere_is_trusted_by_the_security_officer_alone() {
    let world = World::new();
    let user = world.user(STANDARD);
    let trusted = closed_elsewhere(&[(Attr::TRUSTED, YES)]);
    assert_eq!(rv(import(&user, &trusted)), Rv::ATTRIBUTE_READ_ONLY);
    assert_eq!(count(&world, STANDARD), 0);
}

#[test]
fn the_console_finds_a_token_object_by_its_number() {
    let world = World::new();
    let user = world.user(STANDARD);
    import(&user, &closed_elsewhere(&[(Attr::WRAP, YES)])).unwrap();
    let number = world.hsm.objects(&world.partition(STANDARD), 0, 10)[0].number;
    let key = user.app.handle_of(user.session, number).unwrap();
    let open = user.on().generate(&[(Attr::EXTRACTABLE, YES), (Attr::SENSITIVE, NO)]).unwrap();
    let call = WrapKey {
        session: user.session,
        mechanism: mechanism(KWP),
        wrapping_key: key,
        key: open,
        room: ROOM,
    };
    assert!(user.app.wrap_key(call).is_ok());
    let stranger = world.app();
    let session = stranger.open(STANDARD, RW).unwrap();
    assert_eq!(rv(stranger.handle_of(session, number)), Rv::OBJECT_HANDLE_INVALID);
    assert_eq!(rv(user.app.handle_of(user.session, number + 1000)), Rv::OBJECT_HANDLE_INVALID);
}
