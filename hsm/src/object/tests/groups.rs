//! DSA and Diffie–Hellman keys in and out of their encodings, and those that are none.

use super::*;

/// Numbers that are no public value of either group: 0, 1, p − 1, p and more.
fn outside(p: &[u8]) -> Vec<Vec<u8>> {
    let mut last = p.to_vec();
    *last.last_mut().unwrap() -= 1; // it is odd
    vec![vec![], vec![0], vec![1], last, p.to_vec(), vec![0xff; p.len()], vec![0xff; 1040]]
}

#[test]
fn degenerate_keys_are_refused() {
    let refused = |given: Vec<Given>| {
        let refusal = refusal(create(&template(&given), &USER));
        assert_eq!(refusal, Rv::ATTRIBUTE_VALUE_INVALID, "{given:02x?}");
    };
    let (dsa, dh) = (DSA.public(), DH.public());
    for value in outside(dsa.parameters().prime()) {
        refused(dsa_key(Class::PUBLIC_KEY, &value));
    }
    // Every number is a power of the base where the base generates all, and one in 2^864 where it does not.
    refused(dsa_key(Class::PUBLIC_KEY, &[2]));
    for value in outside(dh.group().prime()) {
        refused(dh_key(Class::PUBLIC_KEY, &value));
    }
    for value in [&[][..], &[0], dsa.parameters().subprime(), &[0xff; 20], &[0xff; 1040]] {
        refused(dsa_key(Class::PRIVATE_KEY, value));
    }
    for value in [&[][..], &[0], dh.group().prime(), &[0xff; 1040]] {
        refused(dh_key(Class::PRIVATE_KEY, value));
    }
}

#[test]
fn parameters_that_make_no_group_are_refused() {
    let even = |number: &[u8]| {
        let mut even = number.to_vec();
        *even.last_mut().unwrap() &= 0xfe;
        even
    };
    let public = DSA.public();
    let group = public.parameters();
    let good = dsa_key(Class::PUBLIC_KEY, public.value());
    for part in [Attr::PRIME, Attr::SUBPRIME, Attr::BASE] {
        let prime = even(group.prime());
        for bad in [&[][..], &[1], &[5], &prime, &[0xff; 1040]] {
            let result = create(&template(&with(&good, &[bytes(part, bad)])), &USER);
            assert_eq!(refusal(result), Rv::ATTRIBUTE_VALUE_INVALID, "{part}");
        }
    }
    let good = dh_key(Class::PUBLIC_KEY, DH.public().value());
    let prime = even(DH.public().group().prime());
    // DSA's prime is none whose half is one.
    for (part, bad) in [
        (Attr::PRIME, group.prime()),
        (Attr::PRIME, &prime),
        (Attr::PRIME, &[23]),
        (Attr::PRIME, &[0xff; 1040]),
        (Attr::BASE, &[1]),
        (Attr::BASE, &[]),
    ] {
        let result = create(&template(&with(&good, &[bytes(part, bad)])), &USER);
        assert_eq!(refusal(result), Rv::ATTRIBUTE_VALUE_INVALID, "{part}");
    }
}

#[test]
fn a_value_is_kept_in_its_shortest_form_and_its_length_is_told() {
    let long = |value: &[u8]| [&[0; 3], value].concat();
    let public = made(&dsa_key(Class::PUBLIC_KEY, &long(DSA.public().value())));
    assert_eq!(public.plain(Attr::VALUE), Some(DSA.public().value()));
    let value = DH.value().unwrap();
    let private = made(&dh_key(Class::PRIVATE_KEY, &long(value.as_bytes())));
    assert_eq!(private.secret(Attr::VALUE), Some(&value));
    let bits = private.ulong(Attr::VALUE_BITS).unwrap();
    assert_eq!(bits.div_ceil(8), value.len() as u64);
    let domain = made(&[
        ulong(Attr::CLASS, Class::DOMAIN_PARAMETERS.0),
        ulong(Attr::KEY_TYPE, KeyType::DSA.0),
        bytes(Attr::PRIME, DSA.public().parameters().prime()),
        bytes(Attr::SUBPRIME, DSA.public().parameters().subprime()),
        bytes(Attr::BASE, DSA.public().parameters().base()),
    ]);
    assert_eq!((domain.ulong(Attr::PRIME_BITS), domain.ulong(Attr::SUBPRIME_BITS)), (Some(1024), Some(160)));
}

#[test]
fn both_halves_of_a_pair_say_the_same_public_key_info() {
    for (public, private) in [
        (
            dsa_key(Class::PUBLIC_KEY, DSA.public().value()),
            dsa_key(Class::PRIVATE_KEY, DSA.value().as_bytes()),
        ),
        (
            dh_key(Class::PUBLIC_KEY, DH.public().value()),
            dh_key(Class::PRIVATE_KEY, DH.value().unwrap().as_bytes()),
        ),
    ] {
        let (public, private) = (made(&public), made(&private));
        let info = public.plain(Attr::PUBLIC_KEY_INFO).filter(|info| info.len() > 200);
        assert!(info.is_some());
        assert_eq!(info, private.plain(Attr::PUBLIC_KEY_INFO));
    }
}

#[test]
fn keys_in_groups_are_as_strong_as_their_numbers() {
    for (given, size, strength) in [
        (dsa_key(Class::PRIVATE_KEY, DSA.value().as_bytes()), 1024, 80),
        (dh_key(Class::PRIVATE_KEY, DH.value().unwrap().as_bytes()), 2048, 112),
    ] {
        let key = object(1, &given);
        assert_eq!((key.size(), key.strength()), (Some(size), strength));
    }
}
