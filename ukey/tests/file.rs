//! UKey files: what opens them, and how everything else is refused.

use proptest::prelude::*;
use ukey::file::{self, Cost, FileKey};
use ukey::{Algorithm, Error, Holder, Public, Secret};

const PIN: &[u8] = b"correct horse";

/// A cost at which a test may try often.
fn cheap() -> Cost {
    Cost::new(8, 1, 1).unwrap()
}

fn made(algorithm: Algorithm) -> (Vec<u8>, Public) {
    file::create("Ada's key", algorithm, PIN, cheap()).unwrap()
}

fn refusal(result: Result<FileKey, Error>) -> String {
    result.map(|key| key.public().clone()).expect_err("should be refused").to_string()
}

#[test]
fn only_its_pin_opens_a_ukey() {
    for algorithm in Algorithm::ALL {
        let (bytes, public) = made(algorithm);
        assert_eq!(file::open(&bytes, PIN).unwrap().public(), &public);
        for wrong in
            [&b"correct Horse"[..], b"correct horse ", b"correct hors", b"correct horse\0", b"000000"]
        {
            assert_eq!(file::open(&bytes, wrong).err(), Some(Error::WrongPin), "{wrong:?}");
        }
    }
}

#[test]
fn the_public_part_is_read_without_the_pin() {
    for algorithm in Algorithm::ALL {
        let (bytes, public) = made(algorithm);
        assert_eq!(file::read_public(&bytes).unwrap(), public);
        assert_eq!(file::read_cost(&bytes).unwrap(), cheap());
        assert_eq!((public.name(), public.algorithm()), ("Ada's key", algorithm));
    }
}

#[test]
fn a_file_with_any_bit_changed_is_refused() {
    for algorithm in Algorithm::ALL {
        let (bytes, _) = made(algorithm);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(file::open(&changed, PIN).is_err(), "{algorithm}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn a_file_cut_short_says_where_it_ends() {
    let (bytes, _) = made(Algorithm::Ed25519);
    assert_eq!(refusal(file::open(&[], PIN)), "this is not a UKey file");
    for len in 1..bytes.len() {
        let text = refusal(file::open(&bytes[..len], PIN));
        assert!(text.starts_with(&format!("a UKey file is truncated at byte {len}: ")), "{text}");
    }
}

#[test]
fn what_follows_the_end_is_refused() {
    let (mut bytes, _) = made(Algorithm::P256);
    let end = bytes.len();
    bytes.extend([0; 3]);
    assert_eq!(
        refusal(file::open(&bytes, PIN)),
        format!("a UKey file should end at byte {end}, and 3 more bytes follow")
    );
}

#[test]
fn other_files_and_newer_ones_are_told_apart() {
    for foreign in [&b"-----BEGIN PRIVATE KEY-----"[..], b"UKEYPUB\x01", b"\0", b"UKEX"] {
        assert_eq!(refusal(file::open(foreign, PIN)), "this is not a UKey file", "{foreign:?}");
    }
    let (mut bytes, _) = made(Algorithm::Ed25519);
    bytes[7] = 2;
    assert_eq!(
        refusal(file::open(&bytes, PIN)),
        "a UKey file has format version 2, and this release knows versions up to 1"
    );
    bytes[7] = 0;
    assert_eq!(refusal(file::open(&bytes, PIN)), "a UKey file is malformed: there is no format version 0");
}

#[test]
fn a_cost_that_would_take_the_machine_down_is_refused_before_memory_is_made() {
    let (bytes, _) = made(Algorithm::Ed25519);
    for (at, value, why) in [
        (9, u32::MAX, "4294967295 KiB of memory, where 8 to 1048576 are allowed"),
        (9, 7, "7 KiB of memory"),
        (9, 0, "0 KiB of memory"),
        (13, u32::MAX, "4294967295 passes, where 1 to 64 are allowed"),
        (13, 0, "0 passes"),
    ] {
        let mut changed = bytes.clone();
        changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
        let text = refusal(file::open(&changed, PIN));
        assert!(text.contains(why), "{text}");
    }
    let most = Cost::new(1 << 20, 9, 1).unwrap_err().to_string();
    assert!(most.contains("9 passes over 1048576 KiB are more than 8 GiB in all"), "{most}");
    assert!(Cost::new(64, 1, 17).is_err() && Cost::new(64, 1, 0).is_err());
}

#[test]
fn a_pin_and_a_name_have_their_bounds() {
    let create = |name: &str, pin: &[u8]| {
        file::create(name, Algorithm::Ed25519, pin, cheap()).map(drop).map_err(|error| error.to_string())
    };
    let long = "x".repeat(65);
    for (name, why) in [
        ("", "the name is empty"),
        (&*long, "the name has more than 64 bytes"),
        ("a\nb", "the name has a control character in it"),
        ("a\x1b[2J", "the name has a control character in it"),
        ("\u{85}", "the name has a control character in it"),
    ] {
        assert_eq!(create(name, PIN).unwrap_err(), why);
    }
    create(&long[..64], PIN).unwrap();
    assert_eq!(create("x", b"12345").unwrap_err(), "a UKey's PIN has 6 to 255 bytes, not 5");
    assert_eq!(create("x", &[b'1'; 256]).unwrap_err(), "a UKey's PIN has 6 to 255 bytes, not 256");
    create("x", &[b'1'; 255]).unwrap();
}

#[test]
fn a_new_pin_opens_the_same_ukey_and_the_old_one_no_longer_does() {
    let (bytes, public) = made(Algorithm::P256);
    assert_eq!(file::change_pin(&bytes, b"not the PIN", b"new pin"), Err(Error::WrongPin));
    assert!(matches!(file::change_pin(&bytes, PIN, b"short"), Err(Error::PinLength { len: 5, .. })));
    let changed = file::change_pin(&bytes, PIN, b"new pin").unwrap();
    assert_eq!(file::open(&changed, b"new pin").unwrap().public(), &public);
    assert_eq!(file::open(&changed, PIN).err(), Some(Error::WrongPin));
    assert_eq!(file::read_cost(&changed).unwrap(), cheap());
    assert_ne!(bytes[18..46], changed[18..46], "salt and nonce are used once");
}

#[test]
fn neither_pin_nor_private_key_is_in_a_file_or_in_what_is_printed() {
    let (bytes, public) = made(Algorithm::Ed25519);
    assert!(!bytes.windows(PIN.len()).any(|window| window == PIN));
    let key = file::open(&bytes, PIN).unwrap();
    assert_eq!(format!("{key:?}"), format!("FileKey({})", public.id()));
}

#[test]
fn two_ukeys_of_one_name_and_pin_have_nothing_in_common() {
    let ((one, first), (other, second)) = (made(Algorithm::Ed25519), made(Algorithm::Ed25519));
    assert_ne!(first.id(), second.id());
    let grafted = [&one[..one.len() - 80], &other[other.len() - 80..]].concat();
    assert_eq!(file::open(&grafted, PIN).err(), Some(Error::WrongPin));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_name_and_pin_that_may_be_come_back(
        name in "[^\\p{Cc}]{1,16}",
        pin in prop::collection::vec(any::<u8>(), 6..=255),
        algorithm in prop::sample::select(Algorithm::ALL.to_vec()),
        message in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let (bytes, public) = file::create(&name, algorithm, &pin, cheap()).unwrap();
        prop_assert!(bytes.len() <= file::MAX_LEN);
        let key = file::open(&bytes, &pin).unwrap();
        prop_assert_eq!(key.public().name(), &name);
        public.verify("test", &message, &key.sign("test", &message).unwrap()).unwrap();
        let sealed = public.seal(&message, &Secret::new(pin.clone())).unwrap();
        prop_assert_eq!(key.open(&message, &sealed).unwrap(), Secret::new(pin));
    }

    #[test]
    fn bytes_that_are_no_file_open_nothing(mut bytes in prop::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
        if head {
            let whole = made(Algorithm::Ed25519).0;
            bytes.splice(0..0, whole[..18].iter().copied());
        }
        prop_assert!(file::open(&bytes, PIN).is_err());
    }
}
