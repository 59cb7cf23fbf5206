//! Vectors of NIST and the RFCs for what Wycheproof leaves out.

use crypto::Hash;
use crypto::aes::{Cipher, Key, Mode};
use crypto::ed25519::{PrivateKey, Variant};
use crypto::hash::digest;
use crypto::keywrap::{KW_IV, KWP_IV, kw_wrap, kwp_wrap};

use crate::hex;

/// The plaintext of NIST SP 800-38A, "Example Vectors for Modes of Operation of the AES".
const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                     30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
const KEYS: [&str; 3] = [
    "2b7e151628aed2a6abf7158809cf4f3c",
    "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
];

fn check(mode: Mode, iv: &str, expected: [&str; 3]) {
    for (key, expected) in KEYS.into_iter().zip(expected) {
        let key = Key::new(&hex(key)).unwrap();
        let mut cipher = Cipher::encrypt(mode, &key, &hex(iv)).unwrap();
        let mut out = Vec::new();
        cipher.update(&hex(PLAIN), &mut out).unwrap();
        cipher.finish(&mut out).unwrap();
        assert_eq!(out[..32], hex(expected));
        let mut cipher = Cipher::decrypt(mode, &key, &hex(iv)).unwrap();
        let mut back = Vec::new();
        cipher.update(&out, &mut back).unwrap();
        cipher.finish(&mut back).unwrap();
        assert_eq!(back, hex(PLAIN));
    }
}

#[test]
fn ecb_is_what_sp_800_38a_says() {
    check(
        Mode::Ecb,
        "",
        [
            "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf",
            "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef",
            "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870",
        ],
    );
}

#[test]
fn cbc_is_what_sp_800_38a_says() {
    check(
        Mode::Cbc,
        "000102030405060708090a0b0c0d0e0f",
        [
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
            "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d",
        ],
    );
}

#[test]
fn ctr_is_what_sp_800_38a_says() {
    check(
        Mode::Ctr { counter_bits: 128 },
        "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        [
            "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
            "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94",
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
        ],
    );
}

/// FIPS 180 and FIPS 202 examples: the message "abc".
#[test]
fn each_hash_of_abc_is_what_nist_says() {
    let expected = [
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
        "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
        "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
        "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e\
         10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0",
    ];
    for (hash, expected) in Hash::ALL.into_iter().zip(expected) {
        assert_eq!(digest(hash, b"abc").unwrap(), hex(expected), "{hash:?}");
    }
}

/// RFC 3394, "Wrap 128 bits of Key Data with a 128-bit KEK"; RFC 5649, "Padded Key Wrap Examples".
#[test]
fn key_wrap_is_what_the_rfcs_say() {
    let key = Key::new(&hex("000102030405060708090a0b0c0d0e0f")).unwrap();
    let wrapped = kw_wrap(&key, &KW_IV, &hex("00112233445566778899aabbccddeeff").into()).unwrap();
    assert_eq!(wrapped, hex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"));
    let key = Key::new(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")).unwrap();
    let long = kwp_wrap(&key, &KWP_IV, &hex("c37b7e6492584340bed12207808941155068f738").into()).unwrap();
    assert_eq!(long, hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"));
    let short = kwp_wrap(&key, &KWP_IV, &hex("466f7250617369").into()).unwrap();
    assert_eq!(short, hex("afbeb0f07dfbf5419200f2ccb50bb24f"));
}

/// RFC 8032, "Test Vectors for Ed25519", "... Ed25519ctx" and "... Ed25519ph".
#[test]
fn ed25519_signs_as_rfc_8032_says() {
    let key = |seed| PrivateKey::from_seed(&hex(seed)).unwrap();
    let pure = key("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    assert_eq!(
        pure.public().as_bytes()[..],
        hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    );
    assert_eq!(
        pure.sign(Variant::Pure, b"").unwrap(),
        hex(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b"
        )
    );
    let context = key("0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6");
    assert_eq!(
        context.sign(Variant::Context(b"foo"), &hex("f726936d19c800494e3fdaff20b276a8")).unwrap(),
        hex(
            "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5\
             f6cca685a587b4b21f4b888e4e7edb0d"
        )
    );
    let prehashed = key("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42");
    assert_eq!(
        prehashed.sign(Variant::Prehashed(b""), b"abc").unwrap(),
        hex(
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa\
             a10b8c61e636062aaad11c2a26083406"
        )
    );
}
