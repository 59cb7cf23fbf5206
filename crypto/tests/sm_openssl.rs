//! SM2, SM3 and SM4 both ways between this crate and OpenSSL's command line.

use std::fs;

use crypto::aes::Mode;
use crypto::sm2::{DEFAULT_ID, Form, PrivateKey, PublicKey};
use crypto::{sm3, sm4};

#[path = "support/openssl.rs"]
mod openssl;

use openssl::{der_signature, openssl};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// r and s, from the SEQUENCE of two INTEGERs that openssl writes.
fn raw_signature(der: &[u8]) -> Vec<u8> {
    let half = |number: &[u8]| {
        let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
        [vec![0; 32 - digits.len()], digits.to_vec()].concat()
    };
    let r_len = usize::from(der[3]);
    [half(&der[4..4 + r_len]), half(&der[6 + r_len..])].concat()
}

#[test]
fn openssl_has_the_same_digests_macs_and_ciphertexts() {
    let place = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..1000_u32).map(|number| (number * 7) as u8).collect();
    for len in [0, 1, 55, 56, 63, 64, 65, 1000] {
        let data = &data[..len];
        let digest = openssl(place.path(), &["dgst", "-sm3", "-binary"], data).unwrap();
        assert_eq!(sm3::digest(data), digest);
        for key in [&[3; 1][..], &[4; 32], &[5; 64], &[6; 65], &[7; 200]] {
            let hex_key = format!("hexkey:{}", hex(key));
            let arguments = ["dgst", "-sm3", "-mac", "HMAC", "-macopt", &hex_key, "-binary"];
            assert_eq!(sm3::hmac(key, data).unwrap(), openssl(place.path(), &arguments, data).unwrap());
        }
    }
    let (key, iv) = ([0x5a; 16], [0xc3; 16]);
    let sm4_key = sm4::Key::new(&key).unwrap();
    for (name, mode, len, padding) in [
        ("-sm4-ecb", Mode::Ecb, 992, "-nopad"),
        ("-sm4-cbc", Mode::Cbc, 992, "-nopad"),
        ("-sm4-cbc", Mode::CbcPad, 1000, "-p"),
        ("-sm4-cbc", Mode::CbcPad, 0, "-p"),
        ("-sm4-ctr", Mode::Ctr { counter_bits: 128 }, 1000, "-nopad"),
    ] {
        let (key_text, iv_text) = (hex(&key), hex(&iv));
        let mut arguments = vec!["enc", name, "-K", &key_text];
        let iv: &[u8] = if mode == Mode::Ecb { &[] } else { &iv };
        if mode != Mode::Ecb {
            arguments.extend(["-iv", &iv_text]);
        }
        if padding == "-nopad" {
            arguments.push(padding);
        }
        let theirs = openssl(place.path(), &arguments, &data[..len]).unwrap();
        let mut ours = Vec::new();
        let mut cipher = sm4::Cipher::encrypt(mode, &sm4_key, iv).unwrap();
        cipher.update(&data[..len], &mut ours).unwrap();
        cipher.finish(&mut ours).unwrap();
        assert_eq!(ours, theirs, "{name} of {len} bytes");
    }
}

#[test]
fn openssl_reads_our_keys_and_we_read_its() {
    let place = tempfile::tempdir().unwrap();
    let ours = PrivateKey::generate().unwrap();
    let pkcs8 = ours.to_pkcs8().unwrap();
    let rewritten = openssl(
        place.path(),
        &["pkcs8", "-inform", "DER", "-outform", "DER", "-nocrypt", "-topk8"],
        pkcs8.as_bytes(),
    );
    assert_eq!(rewritten.unwrap(), pkcs8.as_bytes(), "openssl writes our key as we do");
    let public =
        openssl(place.path(), &["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], pkcs8.as_bytes());
    assert_eq!(public.unwrap(), ours.public().to_spki().unwrap());

    let generate = |arguments: &[&str]| {
        let pem = openssl(place.path(), &[&["genpkey", "-algorithm"], arguments].concat(), b"").unwrap();
        openssl(place.path(), &["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], &pem).unwrap()
    };
    let theirs = generate(&["SM2"]);
    let key = PrivateKey::from_pkcs8(&theirs).unwrap();
    let public =
        openssl(place.path(), &["pkey", "-inform", "DER", "-pubout", "-outform", "DER"], &theirs).unwrap();
    assert!(PublicKey::from_spki(&public).unwrap() == *key.public());
    // A key on another curve is not taken for one of SM2.
    let p256 = generate(&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    assert!(PrivateKey::from_pkcs8(&p256).is_err());
}

#[test]
fn openssl_verifies_our_signatures_and_we_verify_its() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(place.path().join(name), bytes).unwrap();
    let key = PrivateKey::generate().unwrap();
    write("key.der", key.to_pkcs8().unwrap().as_bytes());
    write("public.der", &key.public().to_spki().unwrap());
    for (id, message) in
        [(DEFAULT_ID, &b"data to sign"[..]), (b"ALICE123@YAHOO.COM", b""), (b"x", &[7; 5000])]
    {
        write("message", message);
        let distid = format!("distid:{}", std::str::from_utf8(id).unwrap());
        let common = ["-rawin", "-in", "message", "-digest", "sm3", "-keyform", "DER", "-pkeyopt", &distid];
        let sign = [&["pkeyutl", "-sign", "-inkey", "key.der"][..], &common].concat();
        let theirs = raw_signature(&openssl(place.path(), &sign, b"").unwrap());
        key.public().verify(id, message, &theirs).unwrap();
        assert!(key.public().verify(b"another", message, &theirs).is_err());

        let verify = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.der", "-sigfile", "signature"];
        let verify = [&verify[..], &common].concat();
        write("signature", &der_signature(&key.sign(id, message).unwrap()));
        assert!(openssl(place.path(), &verify, b"").is_some());
        write("signature", &der_signature(&key.sign(b"another", message).unwrap()));
        assert!(openssl(place.path(), &verify, b"").is_none(), "under another identifier");
    }
}

#[test]
fn openssl_decrypts_what_we_encrypt_and_we_decrypt_what_it_does() {
    let place = tempfile::tempdir().unwrap();
    let key = PrivateKey::generate().unwrap();
    fs::write(place.path().join("key.der"), key.to_pkcs8().unwrap().as_bytes()).unwrap();
    for message in [&b"m"[..], b"a session key", &[7; 1000]] {
        let encrypt = ["pkeyutl", "-encrypt", "-inkey", "key.der", "-keyform", "DER"];
        let theirs = openssl(place.path(), &encrypt, message).unwrap();
        assert_eq!(key.decrypt(Form::Asn1, &theirs).unwrap().as_bytes(), message);

        let ours = key.public().encrypt(Form::Asn1, message).unwrap();
        let decrypt = ["pkeyutl", "-decrypt", "-inkey", "key.der", "-keyform", "DER"];
        assert_eq!(openssl(place.path(), &decrypt, &ours).unwrap(), message);
        let mut wrong = ours;
        *wrong.last_mut().unwrap() ^= 1;
        assert!(openssl(place.path(), &decrypt, &wrong).is_none());
        assert!(key.decrypt(Form::Asn1, &wrong).is_err());
    }
}
