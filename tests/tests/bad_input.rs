//! Bad input, each with the standard's code for the program and a line in the log for the person who is asked.

use conformance::mechanism::Mechanism;
use conformance::module::{Begin, Room, Transform};
use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{PIN, Place, SO_PIN};

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Makes a call that fails, and sees the code it gave and the line it left in the log.
#[track_caller]
fn refused<T: std::fmt::Debug>(
    place: &Place,
    call: impl FnOnce() -> Result<T, Rv>,
    name: &str,
    code: ck::CK_RV,
    words: &[&str],
) {
    let from = place.log().len();
    assert_eq!(
        call().map_err(|rv| rv.to_string()).expect_err(name),
        Rv(code).to_string(),
        "{name}, {words:?}"
    );
    let (code, pid) = (Rv(code).to_string(), format!("pid={}", std::process::id()));
    let line = [&[&*pid, "uid=", name, &*code], words].concat();
    place.logs_after(from, &line);
}

fn data() -> Template {
    Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA).bool(ck::CKA_TOKEN, true)
}

fn aes() -> Template {
    Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false).bytes(ck::CKA_VALUE, &[7; 32])
}

/// A user's session, of an application of its own, on a new partition.
macro_rules! bench {
    ($place:ident, $session:ident) => {
        bench!($place, $session, "");
    };
    ($place:ident, $session:ident, $config:expr) => {
        let $place = Place::new($config);
        let daemon = $place.start();
        daemon.partition("bench", "standard");
        let $session = $place.user("bench");
    };
}

#[test]
fn a_wrong_pin_counts_down_until_it_locks_and_the_security_officer_unlocks_it() {
    bench!(place, session, "[pins]\nuser_tries = 3\n");
    session.logout().ok().unwrap();
    let login = |pin| move || session.login(ck::CKU_USER, pin).ok();
    for left in ["2 tries are left", "1 tries are left"] {
        refused(&place, login("00000000"), "C_Login", ck::CKR_PIN_INCORRECT, &["the PIN is wrong", left]);
    }
    let locked = &["the PIN is locked after 3 wrong tries"];
    refused(&place, login("00000000"), "C_Login", ck::CKR_PIN_LOCKED, locked);
    refused(&place, login(PIN), "C_Login", ck::CKR_PIN_LOCKED, locked);
    refused(&place, || session.set_pin(PIN, "24682468").ok(), "C_SetPIN", ck::CKR_PIN_LOCKED, locked);
    let flags = session.module.token_info(session.info().unwrap().slotID).unwrap().flags;
    assert_ne!(flags & ck::CKF_USER_PIN_LOCKED, 0);

    assert_eq!(session.login(ck::CKU_SO, SO_PIN), Rv::OK);
    assert_eq!(session.init_pin("24682468"), Rv::OK);
    session.logout().ok().unwrap();
    assert_eq!(session.login(ck::CKU_USER, "24682468"), Rv::OK);
    assert!(!place.log().contains("24682468"), "a PIN is in the log");
}

#[test]
fn a_locked_security_officer_is_told_so_and_the_user_goes_on() {
    bench!(place, session, "[pins]\nso_tries = 3\n");
    session.logout().ok().unwrap();
    let login = |pin| move || session.login(ck::CKU_SO, pin).ok();
    for _ in 0..2 {
        refused(&place, login("00000000"), "C_Login", ck::CKR_PIN_INCORRECT, &["the PIN is wrong"]);
    }
    let locked = &["the PIN is locked after 3 wrong tries"];
    refused(&place, login("00000000"), "C_Login", ck::CKR_PIN_LOCKED, locked);
    refused(&place, login(SO_PIN), "C_Login", ck::CKR_PIN_LOCKED, locked);
    let (module, slot) = (session.module, session.info().unwrap().slotID);
    assert_ne!(module.token_info(slot).unwrap().flags & ck::CKF_SO_PIN_LOCKED, 0);
    assert_eq!(session.login(ck::CKU_USER, PIN), Rv::OK);
    session.create(&data()).unwrap();
    module.close_all(slot).ok().unwrap();
    // Nor can the token be made anew with a PIN that is locked.
    refused(
        &place,
        || module.init_token(slot, SO_PIN, "anew").ok(),
        "C_InitToken",
        ck::CKR_PIN_LOCKED,
        locked,
    );
}

#[test]
fn a_pin_that_cannot_be_one_is_refused_with_its_bounds() {
    bench!(place, session);
    let words = &["a PIN has 4 to 255 bytes, this one 3"];
    refused(&place, || session.set_pin(PIN, "123").ok(), "C_SetPIN", ck::CKR_PIN_LEN_RANGE, words);
    let session = Session::open(place.application(), session.info().unwrap().slotID).unwrap();
    refused(&place, || session.init_pin("1234").ok(), "C_InitPIN", ck::CKR_USER_NOT_LOGGED_IN, &["nobody"]);
    let nobody = &["user type 7 does not exist"];
    refused(&place, || session.login(7, PIN).ok(), "C_Login", ck::CKR_USER_TYPE_INVALID, nobody);
}

#[test]
fn a_template_that_is_wrong_is_refused_with_the_attributes_name() {
    bench!(place, session);
    let create = |template: Template| move || session.create(&template);
    let name = "C_CreateObject";
    let secret = || Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false);
    refused(&place, create(secret()), name, ck::CKR_TEMPLATE_INCOMPLETE, &["the template lacks CKA_VALUE"]);
    let no_class = Template::new().bytes(ck::CKA_VALUE, &[1; 16]);
    refused(&place, create(no_class), name, ck::CKR_TEMPLATE_INCOMPLETE, &["the template lacks CKA_CLASS"]);
    let no_type = Template::new().ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY).bytes(ck::CKA_VALUE, &[1; 16]);
    refused(&place, create(no_type), name, ck::CKR_TEMPLATE_INCOMPLETE, &["the template lacks CKA_KEY_TYPE"]);

    let twice = aes().bytes(ck::CKA_LABEL, b"one").bytes(ck::CKA_LABEL, b"two");
    refused(&place, create(twice), name, ck::CKR_TEMPLATE_INCONSISTENT, &["CKA_LABEL comes twice"]);
    let contradictory = aes().bytes(ck::CKA_CHECK_VALUE, &[1, 2, 3]);
    refused(&place, create(contradictory), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, &["CKA_CHECK_VALUE"]);
    let foreign = aes().bytes(ck::CKA_MODULUS, &[1; 256]);
    refused(&place, create(foreign), name, ck::CKR_TEMPLATE_INCONSISTENT, &["CKA_MODULUS", "CKO_SECRET_KEY"]);

    // Beyond the bound that the daemon named, the module reads nothing and sends nothing.
    let oversized = data().bytes(ck::CKA_LABEL, &vec![b'x'; 1 << 19]);
    assert_eq!(session.create(&oversized), Err(Rv(ck::CKR_ATTRIBUTE_VALUE_INVALID)));
    let oversized = secret().bytes(ck::CKA_VALUE, &[1; 64]);
    let words = &["CKA_VALUE", "an AES key has 16, 24 or 32 bytes"];
    refused(&place, create(oversized), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, words);
    let wrong_size = aes().bytes(ck::CKA_PRIVATE, &[]);
    refused(&place, create(wrong_size), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, &["CKA_PRIVATE"]);
    let key_size = secret().bytes(ck::CKA_VALUE, &[1; 17]);
    refused(&place, create(key_size), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, &["CKA_VALUE"]);
    let unknown = data().bytes(0x0fff_1234, b"?");
    refused(&place, create(unknown), name, ck::CKR_ATTRIBUTE_TYPE_INVALID, &["0xfff1234", "does not exist"]);

    let read_only = aes().bool(ck::CKA_LOCAL, true);
    refused(&place, create(read_only), name, ck::CKR_ATTRIBUTE_READ_ONLY, &["CKA_LOCAL", "cannot be set"]);
    let trusted = aes().bool(ck::CKA_TRUSTED, true);
    let officer = &["CKA_TRUSTED", "only the security officer sets it"];
    refused(&place, create(trusted), name, ck::CKR_ATTRIBUTE_READ_ONLY, officer);
    let key = session.create(&aes().bool(ck::CKA_SENSITIVE, true)).unwrap();
    let set = |template: Template| move || session.set(key, &template).ok();
    let down = Template::new().bool(ck::CKA_SENSITIVE, false);
    refused(&place, set(down), "C_SetAttributeValue", ck::CKR_ATTRIBUTE_READ_ONLY, &["CKA_SENSITIVE"]);
    let class = Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA);
    refused(&place, set(class), "C_SetAttributeValue", ck::CKR_ATTRIBUTE_READ_ONLY, &["CKA_CLASS"]);
}

#[test]
fn a_key_of_a_wrong_type_or_for_another_use_is_refused_with_the_mechanism() {
    bench!(place, session);
    let key = session.create(&aes().bool(ck::CKA_ENCRYPT, true).bool(ck::CKA_SIGN, false)).unwrap();
    let generic = Template::secret(ck::CKK_GENERIC_SECRET)
        .bool(ck::CKA_TOKEN, false)
        .yes(&[ck::CKA_SIGN, ck::CKA_ENCRYPT])
        .bytes(ck::CKA_VALUE, &[9; 32]);
    let generic = session.create(&generic).unwrap();
    let begin = |which, how: Mechanism, key| move || session.begin(which, &how, key).ok();
    let plain = Mechanism::plain;
    let words = &["a key of this type or class is not one that", "CKM_AES_ECB"];
    let wrong = begin(Begin::Encrypt, Mechanism::ecb(), generic);
    refused(&place, wrong, "C_EncryptInit", ck::CKR_KEY_TYPE_INCONSISTENT, words);
    let words = &["a key of this type or class is not one that", "CKM_ECDSA"];
    let wrong = begin(Begin::Sign, plain(ck::CKM_ECDSA), generic);
    refused(&place, wrong, "C_SignInit", ck::CKR_KEY_TYPE_INCONSISTENT, words);
    let words = &["the key may not be used to", "sign"];
    let wrong = begin(Begin::Sign, plain(ck::CKM_AES_CMAC), key);
    refused(&place, wrong, "C_SignInit", ck::CKR_KEY_FUNCTION_NOT_PERMITTED, words);
    let wrong = begin(Begin::Encrypt, plain(0x7777_7777), key);
    refused(&place, wrong, "C_EncryptInit", ck::CKR_MECHANISM_INVALID, &["0x77777777", "does not exist"]);
    let wrong = begin(Begin::Encrypt, Mechanism::ecb(), 0x7fff_ffff);
    refused(&place, wrong, "C_EncryptInit", ck::CKR_KEY_HANDLE_INVALID, &["key 0x7fffffff does not exist"]);
}

#[test]
fn parameters_of_a_wrong_size_are_refused_in_words() {
    bench!(place, session);
    let key = session.create(&aes().yes(&[ck::CKA_ENCRYPT, ck::CKA_SIGN])).unwrap();
    let words = &["the mechanism's parameter is not valid"];
    for how in [
        Mechanism::cbc(&[0; 15]),
        Mechanism::cbc(&[]),
        Mechanism::bytes(ck::CKM_AES_CTR, &[0; 7]),
        Mechanism::bytes(ck::CKM_AES_GCM, &[0; 3]),
        Mechanism::gcm(&[], b"no IV"),
        Mechanism::bytes(ck::CKM_AES_ECB, &[0; 16]),
    ] {
        let begin = || session.begin(Begin::Encrypt, &how, key).ok();
        refused(&place, begin, "C_EncryptInit", ck::CKR_MECHANISM_PARAM_INVALID, words);
    }
    let data = |len: usize| move || session.encrypt(&Mechanism::ecb(), key, &vec![0; len]);
    let words = &["the data has a length that cannot be"];
    refused(&place, data(17), "C_Encrypt", ck::CKR_DATA_LEN_RANGE, words);
    let sizes = Template::new().ulong(ck::CKA_VALUE_LEN, 17);
    let generate = || session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &sizes);
    let words = &["CKA_VALUE_LEN", "an AES key has 16, 24 or 32 bytes, not 17"];
    refused(&place, generate, "C_GenerateKey", ck::CKR_ATTRIBUTE_VALUE_INVALID, words);
}

#[test]
fn a_buffer_that_is_too_small_is_told_the_length_and_the_operation_goes_on() {
    bench!(place, session);
    let key = session.create(&aes().yes(&[ck::CKA_ENCRYPT, ck::CKA_DECRYPT])).unwrap();
    let from = place.log().len();
    session.begin(Begin::Encrypt, &Mechanism::ecb(), key).ok().unwrap();
    let short = session.transform(Transform::Encrypt, &[1; 32], Room::Bytes(31));
    assert_eq!((short.rv, short.len, short.overrun), (Rv(ck::CKR_BUFFER_TOO_SMALL), 32, false));
    let asked = session.transform(Transform::Encrypt, &[1; 32], Room::Ask);
    assert_eq!((asked.rv, asked.len), (Rv::OK, 32));
    let whole = session.transform(Transform::Encrypt, &[1; 32], Room::Bytes(32));
    assert_eq!((whole.rv, whole.len), (Rv::OK, 32));
    // Asking for a length is no failure, and floods no log.
    session.destroy(key).ok().unwrap();
    assert_eq!(place.log()[from..].matches("C_Encrypt").count(), 0, "{}", &place.log()[from..]);
}

#[test]
fn operations_out_of_order_are_refused_in_words() {
    bench!(place, session);
    let key = session.create(&aes().yes(&[ck::CKA_ENCRYPT, ck::CKA_SIGN])).unwrap();
    let none = &["no operation of this kind is active"];
    let transform = |which| move || session.transform(which, &[0; 16], Room::Bytes(64)).ok();
    let not_begun = ck::CKR_OPERATION_NOT_INITIALIZED;
    refused(&place, transform(Transform::Encrypt), "C_Encrypt", not_begun, none);
    refused(&place, transform(Transform::EncryptUpdate), "C_EncryptUpdate", not_begun, none);
    refused(&place, transform(Transform::Sign), "C_Sign", not_begun, none);
    refused(&place, transform(Transform::Digest), "C_Digest", not_begun, none);
    refused(&place, || session.find_next(1), "C_FindObjects", not_begun, none);
    refused(&place, || session.find_end().ok(), "C_FindObjectsFinal", not_begun, none);

    let begin = || session.begin(Begin::Encrypt, &Mechanism::cbc_pad(&[0; 16]), key).ok();
    begin().unwrap();
    let active = &["an operation of this kind is active"];
    refused(&place, begin, "C_EncryptInit", ck::CKR_OPERATION_ACTIVE, active);
    session.transform(Transform::EncryptUpdate, &[0; 16], Room::Bytes(64)).ok().unwrap();
    refused(&place, transform(Transform::Encrypt), "C_Encrypt", ck::CKR_OPERATION_ACTIVE, active);
    let session_gone = Session { handle: 0x7fff_fff1, ..session };
    let words = &["session 0x7ffffff1 is not open"];
    let begin = || session_gone.begin(Begin::Encrypt, &Mechanism::ecb(), key).ok();
    refused(&place, begin, "C_EncryptInit", ck::CKR_SESSION_HANDLE_INVALID, words);
    let read_only = Session::open_read_only(session.module, session.info().unwrap().slotID).unwrap();
    let create = || read_only.create(&data());
    refused(&place, create, "C_CreateObject", ck::CKR_SESSION_READ_ONLY, &["the session is read-only"]);
}

#[test]
fn points_off_the_curve_and_degenerate_rsa_keys_are_refused_in_words() {
    bench!(place, session);
    let name = "C_CreateObject";
    let create = |template: Template| move || session.create(&template);
    let point = |point: &[u8]| {
        let encoded = [&[4, u8::try_from(point.len()).unwrap()], point].concat();
        Template::public(ck::CKK_EC)
            .bool(ck::CKA_TOKEN, false)
            .bytes(ck::CKA_EC_PARAMS, P256)
            .bytes(ck::CKA_EC_POINT, &encoded)
    };
    let off: Vec<u8> = [&[4][..], &[1; 64]].concat();
    let words = &["CKA_EC_POINT", "point"];
    refused(&place, create(point(&off)), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, words);
    refused(&place, create(point(&[0])), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, words);
    refused(&place, create(point(&off[..33])), name, ck::CKR_ATTRIBUTE_VALUE_INVALID, words);

    let pair = Template::new().bool(ck::CKA_TOKEN, false);
    let (_, private) = session
        .generate_pair(
            &Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN),
            &pair.clone().bytes(ck::CKA_EC_PARAMS, P256),
            &pair.bool(ck::CKA_DERIVE, true),
        )
        .unwrap();
    let secret = Template::secret(ck::CKK_GENERIC_SECRET).bool(ck::CKA_TOKEN, false);
    let derive = || session.derive(&Mechanism::ecdh(&off), private, &secret);
    refused(&place, derive, "C_DeriveKey", ck::CKR_MECHANISM_PARAM_INVALID, &["not valid", "point"]);

    let rsa = |modulus: &[u8], exponent: &[u8]| {
        Template::public(ck::CKK_RSA)
            .bool(ck::CKA_TOKEN, false)
            .bytes(ck::CKA_MODULUS, modulus)
            .bytes(ck::CKA_PUBLIC_EXPONENT, exponent)
    };
    let mut odd = [0xc3; 256];
    odd[255] = 0xc5;
    let mut even = odd;
    even[255] = 0xc4;
    let e = &[1, 0, 1][..];
    let invalid = ck::CKR_ATTRIBUTE_VALUE_INVALID;
    session.create(&rsa(&odd, e)).unwrap();
    refused(&place, create(rsa(&even, e)), name, invalid, &["CKA_MODULUS"]);
    refused(&place, create(rsa(&odd, &[1])), name, invalid, &["an RSA public exponent is odd"]);
    refused(&place, create(rsa(&odd, &[2])), name, invalid, &["an RSA public exponent is odd"]);
    refused(&place, create(rsa(&odd, &[0])), name, invalid, &["an RSA public exponent is odd"]);
    refused(&place, create(rsa(&odd[..20], e)), name, invalid, &["CKA_MODULUS"]);
}
