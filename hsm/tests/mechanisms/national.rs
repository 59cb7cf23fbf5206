//! SM2, SM3 and SM4: the examples that their standards print, and OpenSSL's command line beside us. OpenSSL 3.0 has no
//! SM4-GCM, so that its other implementation is the GCM of RustCrypto's `aes-gcm` over the block cipher.

use std::fs;
use std::sync::{Arc, LazyLock};

use aes_gcm::aead::{Aead, KeyInit, Payload, consts::U12};
use crypto::sm2;
use hsm::Error;
use hsm::object::{Attr, AttributeMap, AttributeValue, Material};
use wire::{Params, Value};

use crate::aead::gcm;
use crate::blocks::ctr;
use crate::support::{
    Key, bytes, decrypt, digest, encrypt, hex, iv, number, params, random, row, secret, sign, verify,
};

#[path = "../../../crypto/tests/support/openssl.rs"]
mod program;

use program::der_signature;

pub(crate) const SM2_KEY_PAIR_GEN: u64 = 0xc34c_5601;
pub(crate) const SM2: u64 = 0xc34c_5602;
pub(crate) const SM2_SM3: u64 = 0xc34c_5603;
pub(crate) const SM2_ENCRYPT: u64 = 0xc34c_5604;
pub(crate) const SM3: u64 = 0xc34c_5611;
pub(crate) const SM3_HMAC: u64 = 0xc34c_5612;
pub(crate) const SM3_HMAC_GENERAL: u64 = 0xc34c_5613;
pub(crate) const SM3_KEY_GEN: u64 = 0xc34c_5614;
pub(crate) const SM4_KEY_GEN: u64 = 0xc34c_5621;
pub(crate) const SM4_ECB: u64 = 0xc34c_5622;
pub(crate) const SM4_CBC: u64 = 0xc34c_5623;
pub(crate) const SM4_CBC_PAD: u64 = 0xc34c_5624;
pub(crate) const SM4_CTR: u64 = 0xc34c_5625;
pub(crate) const SM4_GCM: u64 = 0xc34c_5626;

/// The numbers that are ours, with their names.
pub(crate) const NAMES: [(u64, &str); 14] = [
    (SM2_KEY_PAIR_GEN, "CKM_SM2_KEY_PAIR_GEN"),
    (SM2, "CKM_SM2"),
    (SM2_SM3, "CKM_SM2_SM3"),
    (SM2_ENCRYPT, "CKM_SM2_ENCRYPT"),
    (SM3, "CKM_SM3"),
    (SM3_HMAC, "CKM_SM3_HMAC"),
    (SM3_HMAC_GENERAL, "CKM_SM3_HMAC_GENERAL"),
    (SM3_KEY_GEN, "CKM_SM3_KEY_GEN"),
    (SM4_KEY_GEN, "CKM_SM4_KEY_GEN"),
    (SM4_ECB, "CKM_SM4_ECB"),
    (SM4_CBC, "CKM_SM4_CBC"),
    (SM4_CBC_PAD, "CKM_SM4_CBC_PAD"),
    (SM4_CTR, "CKM_SM4_CTR"),
    (SM4_GCM, "CKM_SM4_GCM"),
];

pub(crate) const OUTSIDE: &[u64] = &[
    SM2,
    SM2_SM3,
    SM2_ENCRYPT,
    SM3,
    SM3_HMAC,
    SM3_HMAC_GENERAL,
    SM4_ECB,
    SM4_CBC,
    SM4_CBC_PAD,
    SM4_CTR,
    SM4_GCM,
];
pub(crate) const ORACLE: &[u64] = &[
    SM2_KEY_PAIR_GEN,
    SM2,
    SM2_SM3,
    SM2_ENCRYPT,
    SM3,
    SM3_HMAC,
    SM3_HMAC_GENERAL,
    SM3_KEY_GEN,
    SM4_KEY_GEN,
    SM4_ECB,
    SM4_CBC,
    SM4_CBC_PAD,
    SM4_CTR,
    SM4_GCM,
];

/// The key pair of the examples of GB/T 32918.5.
static EXAMPLE: LazyLock<(Key, Key)> = LazyLock::new(|| {
    let scalar = hex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8");
    pair(sm2::PrivateKey::from_scalar(&scalar).unwrap())
});

fn pair(key: sm2::PrivateKey) -> (Key, Key) {
    let public = Arc::new(Material::Sm2Public(key.public().clone()));
    (Arc::new(Material::Sm2(key)), public)
}

/// GB/T 32905 annex A; GM/T 0042 annex A; GB/T 32907 annex A.1; draft-ribose-cfrg-sm4, "Example Calculations"; RFC
/// 8998 appendix A.1.
#[test]
fn digests_macs_and_ciphers_are_those_that_the_standards_print() {
    assert_eq!(
        digest(SM3, b"abc").unwrap(),
        hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")
    );
    let mac_key = secret(&hex("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"));
    let data = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".repeat(2);
    let tag = hex("ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a");
    assert_eq!(sign(SM3_HMAC, &mac_key, &Params::None, &data).unwrap(), tag);
    verify(SM3_HMAC, &mac_key, &Params::None, &data, &tag).unwrap();
    assert_eq!(sign(SM3_HMAC_GENERAL, &mac_key, &number(12), &data).unwrap(), tag[..12]);

    let key = secret(&hex("0123456789ABCDEFFEDCBA9876543210"));
    let start = iv(&hex("000102030405060708090A0B0C0D0E0F"));
    let plain = hex("AAAAAAAABBBBBBBBCCCCCCCCDDDDDDDDEEEEEEEEFFFFFFFFAAAAAAAABBBBBBBB");
    let long = hex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD
         EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBB");
    let cbc = hex("78EBB11CC40B0A48312AAEB2040244CB4CB7016951909226979B0D15DC6A8F6D");
    for (id, params, plain, sealed) in [
        (
            SM4_ECB,
            Params::None,
            hex("0123456789ABCDEFFEDCBA9876543210"),
            hex("681edf34d206965e86b3e94f536e4246"),
        ),
        (SM4_CBC, start.clone(), plain.clone(), cbc.clone()),
        (
            SM4_CTR,
            ctr(128, &hex("000102030405060708090A0B0C0D0E0F")),
            long,
            hex("AC3236CB970CC20791364C395A1342D1A3CBC1878C6F30CD074CCE385CDD70C7
             F234BC0E24C11980FD1286310CE37B926E02FCD0FAA0BAF38B2933851D824514"),
        ),
        (
            SM4_GCM,
            gcm(&hex("00001234567800000000ABCD"), &hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"), 128),
            hex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD
             EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA"),
            hex("17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
             D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
             83DE3541E4C2B58177E065A9BF7B62EC"),
        ),
    ] {
        assert_eq!(encrypt(id, &key, &params, &plain).unwrap(), sealed, "{}", row(id).name);
        assert_eq!(decrypt(id, &key, &params, &sealed).unwrap(), plain, "{}", row(id).name);
    }
    // With padding, the same blocks and one more.
    let padded = encrypt(SM4_CBC_PAD, &key, &start, &plain).unwrap();
    assert_eq!(padded[..32], cbc);
    assert_eq!(decrypt(SM4_CBC_PAD, &key, &start, &padded).unwrap(), plain);
}

/// GB/T 32918.5, annexes A and B.
#[test]
fn sm2_takes_the_signature_and_the_ciphertext_that_the_standard_prints() {
    let (private, public) = &*EXAMPLE;
    let e = hex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640");
    let signature = hex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA");
    verify(SM2, public, &Params::None, &e, &signature).unwrap();
    let default = params(vec![bytes(sm2::DEFAULT_ID)]);
    for params in [&Params::None, &default] {
        verify(SM2_SM3, public, params, b"message digest", &signature).unwrap();
    }
    let other = params(vec![bytes(b"1234567812345670")]);
    let refused = verify(SM2_SM3, public, &other, b"message digest", &signature);
    assert!(matches!(refused, Err(Error::SignatureInvalid)));
    let refused = verify(SM2_SM3, public, &Params::None, b"message digest", &signature[1..]);
    assert!(matches!(refused, Err(Error::SignatureLenRange)));
    for digest in [&e[1..], &[&e[..], &[0]].concat(), &[]] {
        assert!(matches!(sign(SM2, private, &Params::None, digest), Err(Error::DataLenRange(_))));
        assert!(matches!(
            verify(SM2, public, &Params::None, digest, &signature),
            Err(Error::DataLenRange(_))
        ));
    }
    let raw = hex("04 04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73
         E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0
         59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766
         21886CA989CA9C7D58087307CA93092D651EFA");
    assert_eq!(decrypt(SM2_ENCRYPT, private, &number(1), &raw).unwrap(), b"encryption standard");
    assert!(matches!(decrypt(SM2_ENCRYPT, private, &number(0), &raw), Err(Error::EncryptedDataInvalid)));
    assert!(matches!(encrypt(SM2_ENCRYPT, public, &number(1), b""), Err(Error::DataLenRange(_))));
    let long = params(vec![bytes(&[b'x'; 8192])]);
    assert!(matches!(sign(SM2_SM3, private, &long, b""), Err(Error::MechanismParamInvalid(_))));
    assert!(matches!(
        encrypt(SM2_ENCRYPT, public, &number(2), b"data"),
        Err(Error::MechanismParamInvalid(_))
    ));
}

/// What openssl answers on these arguments and this input, if it succeeds. `@name` in the arguments is a file with this
/// content.
fn openssl(arguments: &[&str], files: &[(&str, &[u8])], input: &[u8]) -> Option<Vec<u8>> {
    let place = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(place.path().join(name), content).unwrap();
    }
    program::openssl(place.path(), arguments, input)
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn openssl_makes_the_same_digests_macs_and_ciphertexts() {
    for len in [0, 1, 63, 64, 200] {
        let data = random(len);
        assert_eq!(digest(SM3, &data).unwrap(), openssl(&["dgst", "-sm3", "-binary"], &[], &data).unwrap());
        let key = random(len + 1);
        let option = format!("hexkey:{}", text(&key));
        let theirs =
            openssl(&["dgst", "-sm3", "-mac", "HMAC", "-macopt", &option, "-binary"], &[], &data).unwrap();
        assert_eq!(sign(SM3_HMAC, &secret(&key), &Params::None, &data).unwrap(), theirs);
        assert_eq!(sign(SM3_HMAC_GENERAL, &secret(&key), &number(7), &data).unwrap(), theirs[..7]);
    }
    let (bytes, start) = (random(16), random(16));
    let (key_text, start_text) = (text(&bytes), text(&start));
    let key = secret(&bytes);
    for (id, name, params, len, more) in [
        (SM4_ECB, "-sm4-ecb", Params::None, 96, &["-nopad"][..]),
        (SM4_CBC, "-sm4-cbc", iv(&start), 96, &["-nopad", "-iv", &start_text]),
        (SM4_CBC_PAD, "-sm4-cbc", iv(&start), 100, &["-iv", &start_text]),
        (SM4_CTR, "-sm4-ctr", ctr(128, &start), 100, &["-iv", &start_text]),
    ] {
        let data = random(len);
        let theirs = openssl(&[&["enc", name, "-K", &key_text], more].concat(), &[], &data).unwrap();
        assert_eq!(encrypt(id, &key, &params, &data).unwrap(), theirs, "{name}");
        assert_eq!(decrypt(id, &key, &params, &theirs).unwrap(), data, "{name}");
    }
}

#[test]
fn another_gcm_over_sm4_makes_the_same() {
    let (bytes, start, data) = (random(16), random(12), random(100));
    let other = aes_gcm::AesGcm::<sm4::Sm4, U12>::new_from_slice(&bytes).unwrap();
    let nonce: [u8; 12] = start.as_slice().try_into().unwrap();
    let theirs = other.encrypt(&nonce.into(), Payload { msg: &data, aad: b"aad" }).unwrap();
    let key = secret(&bytes);
    assert_eq!(encrypt(SM4_GCM, &key, &gcm(&start, b"aad", 128), &data).unwrap(), theirs);
    let refused = decrypt(SM4_GCM, &key, &gcm(&start, b"aae", 128), &theirs);
    assert!(matches!(refused, Err(Error::EncryptedDataInvalid)));
    assert!(matches!(
        decrypt(SM4_GCM, &key, &gcm(&start, b"aad", 128), &theirs[..15]),
        Err(Error::EncryptedDataLenRange)
    ));
}

/// A pair that the row makes, with its PKCS#8.
fn generated() -> (Key, Key, Vec<u8>) {
    let none = AttributeMap::new();
    let made = row(SM2_KEY_PAIR_GEN).generate_pair.unwrap()(&Params::None, &none, &none).unwrap();
    let Some(AttributeValue::Secret(value)) = made.private.get(Attr::VALUE) else { panic!("a value") };
    let key = sm2::PrivateKey::from_scalar(value.as_bytes()).unwrap();
    assert_eq!(made.public.plain(Attr::EC_PARAMS), Some(sm2::OID));
    assert_eq!(made.public.plain(Attr::EC_POINT).unwrap()[2..], key.public().point());
    let der = key.to_pkcs8().unwrap().as_bytes().to_vec();
    let (private, public) = pair(key);
    (private, public, der)
}

#[test]
fn openssl_verifies_and_decrypts_with_the_keys_that_are_made_here() {
    let (private, public, der) = generated();
    let verify_args = ["pkeyutl", "-verify", "-inkey", "key", "-keyform", "DER", "-sigfile", "signature"];
    let common = ["-rawin", "-in", "message", "-digest", "sm3", "-pkeyopt"];
    let data = random(300);
    for (params, distid) in [
        (Params::None, "distid:1234567812345678"),
        (params(vec![bytes(b"ALICE123@YAHOO.COM")]), "distid:ALICE123@YAHOO.COM"),
    ] {
        let signature = sign(SM2_SM3, &private, &params, &data).unwrap();
        verify(SM2_SM3, &public, &params, &data, &signature).unwrap();
        let der_signature = der_signature(&signature);
        let files = [("key", &der[..]), ("signature", &der_signature), ("message", &data)];
        assert!(openssl(&[&verify_args[..], &common, &[distid]].concat(), &files, b"").is_some());
        let other = [&verify_args[..], &common, &["distid:other"]].concat();
        assert!(openssl(&other, &files, b"").is_none());
    }
    // The digest that the caller makes is signed as it is.
    let Material::Sm2(key) = &*private else { panic!("a private key") };
    let mut e = key.public().message_digest(sm2::DEFAULT_ID).unwrap();
    e.update(&data);
    let signature = sign(SM2, &private, &Params::None, &e.finish()).unwrap();
    let files = [("key", &der[..]), ("signature", &der_signature(&signature)), ("message", &data)];
    let arguments = [&verify_args[..], &common, &["distid:1234567812345678"]].concat();
    assert!(openssl(&arguments, &files, b"").is_some());

    let sealed = encrypt(SM2_ENCRYPT, &public, &Params::None, &data).unwrap();
    let arguments = ["pkeyutl", "-decrypt", "-inkey", "key", "-keyform", "DER"];
    assert_eq!(openssl(&arguments, &[("key", &der)], &sealed).unwrap(), data);
    let arguments = ["pkeyutl", "-encrypt", "-inkey", "key", "-keyform", "DER"];
    let theirs = openssl(&arguments, &[("key", &der)], &data).unwrap();
    assert_eq!(decrypt(SM2_ENCRYPT, &private, &params(vec![Value::Ulong(0)]), &theirs).unwrap(), data);
    let raw = encrypt(SM2_ENCRYPT, &public, &number(1), &data).unwrap();
    assert_eq!(raw.len(), 65 + 32 + 300);
    assert_eq!(decrypt(SM2_ENCRYPT, &private, &number(1), &raw).unwrap(), data);
}

#[test]
fn a_template_may_name_the_curve_of_sm2_and_no_other() {
    let named = |params: &[u8]| {
        let mut public = AttributeMap::new();
        public.set_plain(Attr::EC_PARAMS, params);
        row(SM2_KEY_PAIR_GEN).generate_pair.unwrap()(&Params::None, &public, &AttributeMap::new())
    };
    assert!(named(sm2::OID).is_ok());
    assert!(named(b"\x13\x09sm2p256v1").is_ok());
    assert!(matches!(named(crypto::ec::Curve::P256.oid()), Err(Error::CurveNotSupported)));
    assert!(matches!(named(b"\x13\x05P-256"), Err(Error::CurveNotSupported)));
    assert!(matches!(named(b"garbage"), Err(Error::DomainParamsInvalid(_))));
}

#[test]
fn generated_secret_keys_have_the_length_of_their_kind() {
    let len = |id, bytes: u64| {
        let mut wanted = AttributeMap::new();
        wanted.set_ulong(Attr::VALUE_LEN, bytes);
        row(id).generate.unwrap()(&Params::None, &wanted)
    };
    let value = |made: hsm::mechanism::Generated| match made.private.get(Attr::VALUE) {
        Some(AttributeValue::Secret(secret)) => secret.as_bytes().to_vec(),
        other => panic!("{other:?}"),
    };
    let first = value(len(SM4_KEY_GEN, 16).unwrap());
    assert_eq!(first.len(), 16);
    assert_ne!(first, value(len(SM4_KEY_GEN, 16).unwrap()));
    let text = text(&first);
    let theirs = openssl(&["enc", "-sm4-ecb", "-nopad", "-K", &text], &[], &[7; 16]).unwrap();
    assert_eq!(encrypt(SM4_ECB, &secret(&first), &Params::None, &[7; 16]).unwrap(), theirs);
    for wrong in [0, 15, 24, 32] {
        assert!(matches!(len(SM4_KEY_GEN, wrong), Err(Error::AttributeValueInvalid { .. })));
    }
    let key = value(len(SM3_KEY_GEN, 48).unwrap());
    assert_eq!(key.len(), 48);
    let whole = row(SM3_KEY_GEN).generate.unwrap()(&Params::None, &AttributeMap::new()).unwrap();
    assert_eq!(value(whole).len(), 32);
    assert!(len(SM3_KEY_GEN, 0).is_err());
}
