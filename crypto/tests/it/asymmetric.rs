//! Elliptic curves.

use crypto::ec::{Curve, PrivateKey, PublicKey};
use crypto::ed25519::{self, Variant};
use crypto::{Error, x25519};

#[test]
fn an_ec_key_survives_export_and_import() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let scalar = key.scalar().unwrap();
        assert_eq!(scalar.len(), curve.field_len());
        let again = PrivateKey::from_scalar(curve, scalar.as_bytes()).unwrap();
        let point = key.public().point().unwrap();
        assert_eq!(again.public().point().unwrap(), point);
        let signature = again.sign(&[3; 32]).unwrap();
        assert_eq!(signature.len(), 2 * curve.field_len());
        let public = PublicKey::from_point(curve, &point).unwrap();
        public.verify(&[3; 32], &signature).unwrap();
        assert!(matches!(public.verify(&[4; 32], &signature), Err(Error::InvalidData(_))));
        assert!(matches!(public.verify(&[3; 32], &signature[1..]), Err(Error::InvalidData(_))));
        assert!(matches!(public.verify(&[3; 32], &vec![0; signature.len()]), Err(Error::InvalidData(_))));
        assert_eq!(Curve::from_oid(curve.oid()), Some(curve));
    }
    assert_eq!(Curve::from_oid(&[6, 1, 0]), None);
}

#[test]
fn a_digest_may_be_shorter_or_longer_than_the_order_and_longer_is_cut_on_the_right() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        for len in [1, 20, 28, 64, 100] {
            let digest = vec![0xa5; len];
            key.public().verify(&digest, &key.sign(&digest).unwrap()).unwrap();
        }
        let (mut one, mut other) = ([0xa5; 100], [0xa5; 100]);
        one[99] = 1;
        other[99] = 2;
        key.public().verify(&other, &key.sign(&one).unwrap()).unwrap();
    }
}

#[test]
fn a_point_is_read_in_every_form_and_refused_when_wrong() {
    for curve in Curve::ALL {
        let point = PrivateKey::generate(curve).unwrap().public().point().unwrap();
        let (x, y) = point[1..].split_at(curve.field_len());
        let sign = y[y.len() - 1] & 1;
        let compressed = [&[2 + sign], x].concat();
        let hybrid = [&[6 + sign], x, y].concat();
        for form in [&compressed, &hybrid] {
            assert_eq!(PublicKey::from_point(curve, form).unwrap().point().unwrap(), point);
        }
        let mut bent = point.clone();
        bent[1] ^= 1;
        let crooked = [&[7 - sign], x, y].concat();
        let infinity = vec![0];
        let zeros = [&[4][..], &vec![0; 2 * curve.field_len()]].concat();
        let short = point[..point.len() - 1].to_vec();
        let long = [&point[..], &[0]].concat();
        for wrong in [bent, crooked, infinity, zeros, short, long, vec![], vec![4], vec![6]] {
            assert!(matches!(PublicKey::from_point(curve, &wrong), Err(Error::InvalidKey(_))), "{wrong:?}");
        }
    }
}

#[test]
fn a_scalar_of_zero_or_of_the_order_is_refused() {
    let order = crate::hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let mut last = order.clone();
    last[31] -= 1;
    for wrong in [vec![], vec![0; 32], order, vec![0xff; 32], vec![0xff; 33]] {
        assert!(matches!(PrivateKey::from_scalar(Curve::P256, &wrong), Err(Error::InvalidKey(_))));
    }
    assert!(PrivateKey::from_scalar(Curve::P256, &last).is_ok());
    assert!(PrivateKey::from_scalar(Curve::P256, &[1]).is_ok());
}

#[test]
fn two_keys_on_one_curve_agree_and_on_two_curves_do_not() {
    for curve in Curve::ALL {
        let (ours, theirs) = (PrivateKey::generate(curve).unwrap(), PrivateKey::generate(curve).unwrap());
        let shared = ours.agree(&theirs.public()).unwrap();
        assert_eq!(shared.len(), curve.field_len());
        assert_eq!(shared, theirs.agree(&ours.public()).unwrap());
    }
    let (p256, k256) =
        (PrivateKey::generate(Curve::P256).unwrap(), PrivateKey::generate(Curve::Secp256k1).unwrap());
    assert!(matches!(p256.agree(&k256.public()), Err(Error::InvalidKey(_))));
}

#[test]
fn many_threads_use_one_key_at_once() {
    let key = PrivateKey::generate(Curve::P256).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let key = &key;
            scope.spawn(move || {
                for _ in 0..50 {
                    key.public().verify(&[thread; 32], &key.sign(&[thread; 32]).unwrap()).unwrap();
                }
            });
        }
    });
}

#[test]
fn the_three_ed25519_schemes_do_not_accept_each_other() {
    let key = ed25519::PrivateKey::generate().unwrap();
    let schemes = [
        Variant::Pure,
        Variant::Context(b"a"),
        Variant::Context(b"b"),
        Variant::Prehashed(b""),
        Variant::Prehashed(b"a"),
    ];
    for (signed, with) in schemes.iter().enumerate() {
        let signature = key.sign(*with, b"message").unwrap();
        for (verified, by) in schemes.iter().enumerate() {
            assert_eq!(key.public().verify(*by, b"message", &signature).is_ok(), signed == verified);
        }
    }
    for wrong in [Variant::Context(b""), Variant::Context(&[0; 256]), Variant::Prehashed(&[0; 256])] {
        assert!(matches!(key.sign(wrong, b""), Err(Error::InvalidParameter(_))));
    }
    assert!(ed25519::PrivateKey::from_seed(&[0; 31]).is_err());
    assert!(ed25519::PublicKey::from_bytes(&[0; 33]).is_err());
    assert!(matches!(key.public().verify(Variant::Pure, b"", &[0; 63]), Err(Error::InvalidData(_))));
    let again = ed25519::PrivateKey::from_seed(key.seed().as_bytes()).unwrap();
    assert_eq!(again.public(), key.public());
}

#[test]
fn x25519_agrees_and_refuses_a_value_of_small_order() {
    let (ours, theirs) = (x25519::PrivateKey::generate().unwrap(), x25519::PrivateKey::generate().unwrap());
    assert_eq!(ours.agree(&theirs.public()).unwrap(), theirs.agree(&ours.public()).unwrap());
    for low in [0, 1] {
        let mut bytes = [0; 32];
        bytes[0] = low;
        let peer = x25519::PublicKey::from_bytes(&bytes).unwrap();
        assert!(matches!(ours.agree(&peer), Err(Error::InvalidKey(_))));
    }
    assert!(x25519::PrivateKey::from_bytes(&[1; 31]).is_err());
    assert_eq!(x25519::PrivateKey::from_bytes(&[7; 32]).unwrap().to_bytes().as_bytes(), [7; 32]);
}
