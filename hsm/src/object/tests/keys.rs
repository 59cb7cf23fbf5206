//! Keys in and out of their encodings, and the keys that are none (`T20` of the attacks).

use ::rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

#[test]
fn private_keys_come_back_from_pkcs_8() {
    for given in kinds().iter().filter(|given| kind_of(given).0 == Class::PRIVATE_KEY) {
        let key = made(given);
        let info = private_key_info(&key).unwrap();
        let key_type = KeyType(kind_of(given).1.unwrap());
        let parts = pkcs8::decode(&info, key_type).unwrap();
        for (attribute, value) in parts.iter().filter(|(attribute, _)| *attribute != Attr::EC_PARAMS) {
            assert_eq!(key.get(attribute), Some(value), "{attribute}");
        }
        assert_eq!(pkcs8::recognize(&info).unwrap().ulong(Attr::KEY_TYPE), Some(key_type.0));
    }
}

#[test]
fn others_read_our_pkcs_8_and_we_read_theirs() {
    let key = made(&rsa_private());
    let info = private_key_info(&key).unwrap();
    let theirs = ::rsa::RsaPrivateKey::from_pkcs8_der(info.as_bytes()).unwrap();
    let again = Secret::new(theirs.to_pkcs8_der().unwrap().as_bytes().to_vec());
    assert_eq!(again, info);
    assert_eq!(
        key.plain(Attr::PUBLIC_KEY_INFO),
        Some(theirs.to_public_key().to_public_key_der().unwrap().as_bytes())
    );
}

#[test]
fn ed25519_keys_are_encoded_as_in_rfc_8410() {
    let private = hex(
        "302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
    );
    let public =
        hex("302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    let parts = pkcs8::decode(&secret(&private), KeyType::EC_EDWARDS).unwrap();
    let given = [
        ulong(Attr::CLASS, Class::PRIVATE_KEY.0),
        ulong(Attr::KEY_TYPE, KeyType::EC_EDWARDS.0),
        bytes(Attr::EC_PARAMS, parts.plain(Attr::EC_PARAMS).unwrap()),
        bytes(Attr::VALUE, parts.secret(Attr::VALUE).unwrap().as_bytes()),
    ];
    let key = made(&given);
    assert_eq!(key.plain(Attr::PUBLIC_KEY_INFO), Some(&public[..]));
    assert_eq!(private_key_info(&key).unwrap().as_bytes(), private);
    // With attributes and a public key after it, as RFC 8410 shows too.
    let long = hex(
        "3072020101300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842\
         a01f301d060a2a864886f70d01090914310f0c0d437572646c6520436861697273\
         81210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    );
    assert_eq!(pkcs8::decode(&secret(&long), KeyType::EC_EDWARDS).unwrap(), parts);
}

#[test]
fn pkcs_8_is_read_strictly() {
    let info = private_key_info(&made(&ec_private())).unwrap();
    let decode = |bytes: &[u8]| pkcs8::decode(&secret(bytes), KeyType::EC);
    assert!(decode(info.as_bytes()).is_ok());
    for len in 0..info.len() {
        assert!(decode(&info.as_bytes()[..len]).is_err());
    }
    assert!(decode(&[info.as_bytes(), &[0]].concat()).is_err());
    let mut version = info.as_bytes().to_vec();
    let place = version.windows(3).position(|three| three == [2, 1, 0]).unwrap() + 2;
    version[place] = 2;
    assert!(decode(&version).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_pkcs_8_panic(flips in prop::collection::vec((0usize..120, any::<u8>()), 1..4)) {
        let mut bytes = private_key_info(&made(&ec_private())).unwrap().as_bytes().to_vec();
        for (place, value) in flips {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        for key_type in attributes::key::PAIR_TYPES.iter().map(|kind| KeyType(*kind)) {
            let _ = pkcs8::decode(&secret(&bytes), key_type);
        }
        let _ = pkcs8::recognize(&secret(&bytes));
    }
}

#[test]
fn an_rsa_key_is_completed_from_modulus_and_exponents_and_must_fit_together() {
    let parts = RSA.to_parts();
    let bare = made(&rsa_private());
    for part in [Attr::PRIME_1, Attr::PRIME_2, Attr::EXPONENT_1, Attr::EXPONENT_2, Attr::COEFFICIENT] {
        assert!(bare.secret(part).is_some_and(|part| !part.is_empty()));
    }
    let full = |p: &[u8], q: &[u8]| {
        let primes = [bytes(Attr::PRIME_1, p), bytes(Attr::PRIME_2, q)];
        create(&template(&with(&rsa_private(), &primes)), &USER)
    };
    assert!(full(parts.p.as_bytes(), parts.q.as_bytes()).is_ok());
    assert_eq!(refusal(full(parts.p.as_bytes(), parts.p.as_bytes())), Rv::ATTRIBUTE_VALUE_INVALID);
}

#[test]
fn degenerate_rsa_keys_are_refused() {
    let n = RSA.public().modulus();
    let mut even = n.clone();
    *even.last_mut().unwrap() &= 0xfe;
    for (modulus, exponent) in [
        (n.clone(), vec![1]),
        (n.clone(), vec![]),
        (n.clone(), vec![1, 0, 0]),
        (n.clone(), vec![1; 9]),
        (even, vec![1, 0, 1]),
        (vec![0xc1; 64], vec![1, 0, 1]),
        (vec![0; 128], vec![1, 0, 1]),
        (vec![], vec![3]),
    ] {
        let key = [bytes(Attr::MODULUS, &modulus), bytes(Attr::PUBLIC_EXPONENT, &exponent)];
        for base in [rsa_public(), rsa_private()] {
            let result = create(&template(&with(&base, &key)), &USER);
            assert_eq!(refusal(result), Rv::ATTRIBUTE_VALUE_INVALID, "e {exponent:?}");
        }
    }
    let wrong = [bytes(Attr::PRIVATE_EXPONENT, &[3])];
    assert_eq!(refusal(create(&template(&with(&rsa_private(), &wrong)), &USER)), Rv::ATTRIBUTE_VALUE_INVALID);
}

#[test]
fn points_off_the_curve_and_scalars_out_of_range_are_refused() {
    let mut point = EC.public().point().unwrap();
    *point.last_mut().unwrap() ^= 1;
    let wrapped = der::octet_string(&point).unwrap();
    for bad in [&point[..], &wrapped, &[0], &[4, 1, 0], &[4], &[]] {
        let key = with(&ec_public(), &[bytes(Attr::EC_POINT, bad)]);
        assert_eq!(refusal(create(&template(&key), &USER)), Rv::ATTRIBUTE_VALUE_INVALID, "{bad:02x?}");
    }
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for bad in [&[0; 32][..], &[], &order, &[0xff; 32], &[1; 33]] {
        let key = with(&ec_private(), &[bytes(Attr::VALUE, bad)]);
        assert_eq!(refusal(create(&template(&key), &USER)), Rv::ATTRIBUTE_VALUE_INVALID, "{bad:02x?}");
    }
}

#[test]
fn a_point_may_come_bare_or_in_an_octet_string_and_is_kept_in_one() {
    let bare = EC.public().point().unwrap();
    let kept = der::octet_string(&bare).unwrap();
    for form in [&bare, &kept] {
        let key = made(&with(&ec_public(), &[bytes(Attr::EC_POINT, form)]));
        assert_eq!(key.plain(Attr::EC_POINT), Some(&kept[..]));
        let private = made(&with(&ec_private(), &[bytes(Attr::EC_POINT, form)]));
        assert_eq!(private.plain(Attr::EC_POINT), Some(&kept[..]));
    }
    for given in kinds().iter().filter(|given| kind_of(given).1 == Some(KeyType::EC_EDWARDS.0)) {
        let point = ED.public();
        assert_eq!(
            made(given).plain(Attr::EC_POINT),
            Some(&der::octet_string(point.as_bytes()).unwrap()[..])
        );
    }
    let other = ec::PrivateKey::generate(Curve::P256).unwrap().public().point().unwrap();
    let wrong = with(&ec_private(), &[bytes(Attr::EC_POINT, &other)]);
    assert_eq!(refusal(create(&template(&wrong), &USER)), Rv::TEMPLATE_INCONSISTENT);
}

#[test]
fn curves_are_named_by_identifier_or_name_and_others_are_refused() {
    let params =
        |params: &[u8]| create(&template(&with(&ec_private(), &[bytes(Attr::EC_PARAMS, params)])), &USER);
    assert!(params(b"\x13\x09secp256r1").is_ok());
    let brainpool = hex("06092b2403030208010107");
    assert_eq!(refusal(params(&brainpool)), Rv::CURVE_NOT_SUPPORTED);
    assert_eq!(refusal(params(b"\x13\x03abc")), Rv::CURVE_NOT_SUPPORTED);
    for bad in [&[5, 0][..], &[], &[6, 200, 1], &[0x30, 0]] {
        assert_eq!(refusal(params(bad)), Rv::DOMAIN_PARAMS_INVALID, "{bad:02x?}");
    }
}

#[test]
fn an_x25519_point_of_small_order_is_refused() {
    let public = kinds()
        .into_iter()
        .find(|given| kind_of(given) == (Class::PUBLIC_KEY, Some(KeyType::EC_MONTGOMERY.0)));
    let mut one = [0; 32];
    one[0] = 1;
    let small = hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
    for bad in [&[0; 32][..], &one, &small, &[1; 31]] {
        let key = with(public.as_ref().unwrap(), &[bytes(Attr::EC_POINT, bad)]);
        assert_eq!(refusal(create(&template(&key), &USER)), Rv::ATTRIBUTE_VALUE_INVALID);
    }
}

#[test]
fn secret_keys_have_the_lengths_of_their_type() {
    let make = |key_type, value: &[u8]| create(&template(&secret_key(key_type, value)), &USER);
    for len in 0..70 {
        let value: Vec<u8> = (0..len).collect();
        assert_eq!(make(KeyType::AES, &value).is_ok(), [16, 24, 32].contains(&len));
        assert_eq!(make(KeyType::AES_XTS, &value).is_ok(), len == 64);
        assert_eq!(make(KeyType::GENERIC_SECRET, &value).is_ok(), len > 0);
    }
    assert_eq!(refusal(make(KeyType::AES_XTS, &[1; 64])), Rv::ATTRIBUTE_VALUE_INVALID);
    assert!(make(KeyType::SHA256_HMAC, &[1; 4096]).is_ok());
    assert_eq!(refusal(make(KeyType::SHA256_HMAC, &[1; 4097])), Rv::ATTRIBUTE_VALUE_INVALID);
}
