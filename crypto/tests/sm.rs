//! SM2, SM3 and SM4 against the examples that the standards print.

use crypto::aes::Mode;
use crypto::sm2::{DEFAULT_ID, Form, PrivateKey, PublicKey};
use crypto::{Error, sm3, sm4};
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// GB/T 32905, annex A.
#[test]
fn sm3_gives_the_digests_that_the_standard_prints() {
    let short = hex("66c7f0f4 62eeedd9 d1f2d46b dc10e4e2 4167c487 5cf2f7a2 297da02b 8f4ba8e0");
    assert_eq!(sm3::digest(b"abc"), short);
    let long = hex("debe9ff9 2275b8a1 38604889 c18e5a4d 6fdb70e5 387e5765 293dcba3 9c0c5732");
    assert_eq!(sm3::digest(&b"abcd".repeat(16)), long);
    let mut parts = sm3::Digest::new();
    parts.update(b"a");
    let mut other = parts.clone();
    parts.update(b"bc");
    other.update(b"xx");
    assert_eq!(parts.finish(), short);
    assert_eq!(other.finish(), sm3::digest(b"axx"));
}

/// GB/T 32907, annex A: one block, and a million times the same.
#[test]
fn sm4_gives_the_blocks_that_the_standard_prints() {
    let key = sm4::Key::new(&hex("0123456789abcdeffedcba9876543210")).unwrap();
    let once = encrypt(Mode::Ecb, &key, &[], key.as_bytes()).unwrap();
    assert_eq!(once, hex("681edf34d206965e86b3e94f536e4246"));
    assert_eq!(decrypt(Mode::Ecb, &key, &[], &once).unwrap(), key.as_bytes());
    let mut block = key.as_bytes().to_vec();
    let mut cipher = sm4::Cipher::encrypt(Mode::Ecb, &key, &[]).unwrap();
    for _ in 0..1_000_000 {
        let mut next = Vec::with_capacity(16);
        cipher.update(&block, &mut next).unwrap();
        block = next;
    }
    assert_eq!(block, hex("595298c7c6fd271f0402f804c33d3f66"));
}

/// RFC 8998, appendix A.1.
#[test]
fn sm4_gcm_seals_as_rfc_8998_prints() {
    let key = sm4::GcmKey::new(&sm4::Key::new(&hex("0123456789ABCDEFFEDCBA9876543210")).unwrap()).unwrap();
    let (iv, aad) = (hex("00001234567800000000ABCD"), hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2"));
    let plaintext = hex("AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD
         EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA");
    let sealed = hex("17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735
         D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D
         83DE3541E4C2B58177E065A9BF7B62EC");
    assert_eq!(key.seal(&iv, &aad, 16, &plaintext).unwrap(), sealed);
    assert_eq!(key.open(&iv, &aad, 16, &sealed).unwrap(), plaintext);
}

/// The key pair of the examples of GB/T 32918.5.
fn example() -> PrivateKey {
    PrivateKey::from_scalar(&hex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")).unwrap()
}

/// GB/T 32918.5, annex A.
#[test]
fn the_signature_that_the_standard_prints_verifies() {
    let key = example();
    let point = hex("04 09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020
         CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13");
    assert_eq!(key.public().point(), point);
    let mut digest = key.public().message_digest(DEFAULT_ID).unwrap();
    digest.update(b"message digest");
    let digest = digest.finish();
    assert_eq!(digest, hex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640"));
    let signature = hex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
         B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA");
    key.public().verify_digest(&digest, &signature).unwrap();
    key.public().verify(DEFAULT_ID, b"message digest", &signature).unwrap();
    for (id, message) in [(&b"1234567812345679"[..], &b"message digest"[..]), (DEFAULT_ID, b"message digesu")]
    {
        let wrong = key.public().verify(id, message, &signature);
        assert_eq!(wrong, Err(Error::InvalidData("the signature is wrong")));
    }
}

/// GB/T 32918.5, annex B.
#[test]
fn the_ciphertext_that_the_standard_prints_decrypts() {
    let raw = hex("04 04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73
         E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0
         59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766
         21886CA989CA9C7D58087307CA93092D651EFA");
    assert_eq!(example().decrypt(Form::Raw, &raw).unwrap().as_bytes(), b"encryption standard");
    for at in 0..raw.len() {
        let mut wrong = raw.clone();
        wrong[at] ^= 1;
        assert!(example().decrypt(Form::Raw, &wrong).is_err(), "a bit of byte {at} is wrong");
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    let order = hex("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
    let less = |by: u8| {
        let mut scalar = order.clone();
        *scalar.last_mut().unwrap() -= by;
        PrivateKey::from_scalar(&scalar)
    };
    assert!(less(0).is_err());
    assert!(less(1).is_err(), "with n − 1 nothing can be signed");
    let greatest = less(2).unwrap();
    let signature = greatest.sign(DEFAULT_ID, b"data").unwrap();
    greatest.public().verify(DEFAULT_ID, b"data", &signature).unwrap();
    for scalar in [&[][..], &[0], &[0; 32], &[1; 33]] {
        assert!(PrivateKey::from_scalar(scalar).is_err());
    }
    assert_eq!(PrivateKey::from_scalar(&[7]).unwrap().scalar(), {
        let padded = [[0; 34].as_slice(), &[7]].concat();
        PrivateKey::from_scalar(&padded).unwrap().scalar()
    });
    let mut off_curve = example().public().point();
    off_curve[64] ^= 1;
    for point in [&[][..], &[0], &[0; 65], &off_curve, &off_curve[..64]] {
        assert!(PublicKey::from_point(point).is_err());
    }
    // A point of P-256 is none of SM2.
    let p256 = crypto::ec::PrivateKey::generate(crypto::ec::Curve::P256).unwrap();
    assert!(PublicKey::from_point(&p256.public().point().unwrap()).is_err());
}

#[test]
fn what_cannot_be_a_signature_or_a_ciphertext_is_refused() {
    let (key, digest) = (example(), [7; 32]);
    assert!(key.sign_digest(&[7; 31]).is_err());
    assert!(key.sign_digest(&[7; 33]).is_err());
    let signature = key.sign_digest(&digest).unwrap();
    assert_ne!(signature, key.sign_digest(&digest).unwrap(), "each signature draws its own nonce");
    for wrong in [&signature[1..], &[&signature[..], &[0]].concat(), &[0; 64], &[0xff; 64], &[]] {
        assert!(key.public().verify_digest(&digest, wrong).is_err());
    }
    let zero_r = [&[0; 32], &signature[32..]].concat();
    assert!(key.public().verify_digest(&digest, &zero_r).is_err());
    assert!(key.public().encrypt(Form::Raw, b"").is_err());
    let raw = key.public().encrypt(Form::Raw, b"m").unwrap();
    assert_eq!(raw.len(), 65 + 32 + 1);
    for len in 0..raw.len() {
        assert!(key.decrypt(Form::Raw, &raw[..len]).is_err());
        assert!(key.decrypt(Form::Asn1, &raw[..len]).is_err());
    }
    let other = PrivateKey::generate().unwrap();
    assert!(other.decrypt(Form::Raw, &raw).is_err());
    assert!(key.public().message_digest(&[b'x'; 8191]).is_ok());
    assert!(key.public().message_digest(&[b'x'; 8192]).is_err());
}

#[test]
fn the_encodings_of_a_key_bring_it_back() {
    let key = PrivateKey::generate().unwrap();
    let der = key.to_pkcs8().unwrap();
    assert_eq!(PrivateKey::from_pkcs8(der.as_bytes()).unwrap().scalar(), key.scalar());
    let spki = key.public().to_spki().unwrap();
    assert!(PublicKey::from_spki(&spki).unwrap() == *key.public());
    assert!(spki.windows(crypto::sm2::OID.len()).any(|window| window == crypto::sm2::OID));
    // The public half of another key is not taken for this one's.
    let other = PrivateKey::generate().unwrap().public().point();
    let mut mixed = der.as_bytes().to_vec();
    let at = mixed.windows(65).position(|window| window == key.public().point()).unwrap();
    mixed[at..at + 65].copy_from_slice(&other);
    assert!(PrivateKey::from_pkcs8(&mixed).is_err());
}

fn encrypt(mode: Mode, key: &sm4::Key, iv: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    run(sm4::Cipher::encrypt(mode, key, iv)?, &[data])
}

fn decrypt(mode: Mode, key: &sm4::Key, iv: &[u8], data: &[u8]) -> Result<Vec<u8>, Error> {
    run(sm4::Cipher::decrypt(mode, key, iv)?, &[data])
}

fn run(mut cipher: sm4::Cipher, parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for part in parts {
        cipher.update(part, &mut out)?;
    }
    cipher.finish(&mut out)?;
    Ok(out)
}

#[test]
fn the_parameters_of_sm4_are_checked() {
    assert!(sm4::Key::new(&[0; 15]).is_err());
    assert!(sm4::Key::new(&[0; 32]).is_err());
    let key = sm4::Key::new(&[7; 16]).unwrap();
    for (mode, iv) in [
        (Mode::Ecb, &[1; 16][..]),
        (Mode::Cbc, &[1; 15]),
        (Mode::CbcPad, &[]),
        (Mode::Ctr { counter_bits: 128 }, &[1; 12]),
        (Mode::Ctr { counter_bits: 0 }, &[1; 16]),
        (Mode::Ctr { counter_bits: 129 }, &[1; 16]),
    ] {
        assert!(sm4::Cipher::encrypt(mode, &key, iv).is_err(), "{mode:?}");
        assert!(sm4::Cipher::decrypt(mode, &key, iv).is_err(), "{mode:?}");
    }
    for mode in [Mode::Ecb, Mode::Cbc] {
        let iv: &[u8] = if mode == Mode::Ecb { &[] } else { &[1; 16] };
        assert!(encrypt(mode, &key, iv, &[0; 17]).is_err());
        assert!(decrypt(mode, &key, iv, &[0; 17]).is_err());
    }
    // The counter has two blocks before it is zero again.
    let last = [[0xff; 15].as_slice(), &[0xfe]].concat();
    let ctr = Mode::Ctr { counter_bits: 8 };
    assert!(encrypt(ctr, &key, &last, &[0; 32]).is_ok());
    assert_eq!(encrypt(ctr, &key, &last, &[0; 33]), Err(Error::TooLong));
    let gcm = sm4::GcmKey::new(&key).unwrap();
    assert!(gcm.seal(&[], b"", 16, b"data").is_err());
    assert!(gcm.seal(&[1; 12], b"", 11, b"data").is_err());
    assert!(gcm.open(&[1; 12], b"", 16, &[0; 15]).is_err());
}

#[test]
fn padding_that_is_wrong_is_refused() {
    let (key, iv) = (sm4::Key::new(&[7; 16]).unwrap(), [9; 16]);
    for last in [0, 17, 0xff, 3] {
        let mut block = [2; 16];
        block[15] = last;
        let sealed = encrypt(Mode::Cbc, &key, &iv, &block).unwrap();
        assert!(decrypt(Mode::CbcPad, &key, &iv, &sealed).is_err(), "padding of {last}");
    }
    assert!(decrypt(Mode::CbcPad, &key, &iv, &[]).is_err());
}

proptest! {
    /// However the data is cut into parts, the result is that of one call, and decrypts.
    #[test]
    fn parts_make_no_difference(data: Vec<u8>, cuts in prop::collection::vec(0usize..64, 0..6), mode in 0..4) {
        let (key, iv) = (sm4::Key::new(&[7; 16]).unwrap(), [9; 16]);
        let (mode, iv): (_, &[u8]) = match mode {
            0 => (Mode::Ecb, &[]),
            1 => (Mode::Cbc, &iv),
            2 => (Mode::CbcPad, &iv),
            _ => (Mode::Ctr { counter_bits: 128 }, &iv),
        };
        let whole = if matches!(mode, Mode::Ecb | Mode::Cbc) { data.len() / 16 * 16 } else { data.len() };
        let data = &data[..whole];
        let once = encrypt(mode, &key, iv, data).unwrap();
        prop_assert_eq!(run(sm4::Cipher::encrypt(mode, &key, iv).unwrap(), &cut(data, &cuts)).unwrap(), once.clone());
        prop_assert_eq!(run(sm4::Cipher::decrypt(mode, &key, iv).unwrap(), &cut(&once, &cuts)).unwrap(), data);
    }

    /// GCM in parts is GCM at once; it opens, and no longer does with any bit of it wrong.
    #[test]
    fn gcm_opens_what_it_sealed_and_nothing_else(
        data: Vec<u8>, aad: Vec<u8>, iv in prop::collection::vec(any::<u8>(), 1..40), cuts in prop::collection::vec(0usize..64, 0..6),
        tag_len in prop::sample::select(vec![4usize, 8, 12, 13, 14, 15, 16]), bit: prop::sample::Index,
    ) {
        let key = sm4::GcmKey::new(&sm4::Key::new(&[7; 16]).unwrap()).unwrap();
        let mut sealed = key.seal(&iv, &aad, tag_len, &data).unwrap();
        let mut parts = key.seal_parts(&iv, &aad, tag_len).unwrap();
        let mut out = Vec::new();
        for part in cut(&data, &cuts) {
            parts.update(part, &mut out).unwrap();
        }
        parts.finish(&mut out).unwrap();
        prop_assert_eq!(&out, &sealed);
        prop_assert_eq!(key.open(&iv, &aad, tag_len, &sealed).unwrap(), data);
        let bit = bit.index(sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(key.open(&iv, &aad, tag_len, &sealed).is_err());
    }

    /// Against RustCrypto's own GCM put over SM4, for the lengths of IV that it has.
    #[test]
    fn gcm_is_that_of_another_implementation(data: Vec<u8>, aad: Vec<u8>, iv: [u8; 16]) {
        use aes_gcm::aead::{Aead, KeyInit, Payload, consts::{U12, U16}};
        let key = sm4::GcmKey::new(&sm4::Key::new(&[7; 16]).unwrap()).unwrap();
        let payload = || Payload { msg: &data, aad: &aad };
        let other = aes_gcm::AesGcm::<::sm4::Sm4, U16>::new(&[7; 16].into());
        prop_assert_eq!(key.seal(&iv, &aad, 16, &data).unwrap(), other.encrypt(&iv.into(), payload()).unwrap());
        let other = aes_gcm::AesGcm::<::sm4::Sm4, U12>::new(&[7; 16].into());
        let short: [u8; 12] = iv[..12].try_into().unwrap();
        prop_assert_eq!(key.seal(&short, &aad, 16, &data).unwrap(), other.encrypt(&short.into(), payload()).unwrap());
    }
}

/// The data cut into parts of these lengths, and the rest.
fn cut<'a>(mut data: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    for len in lengths {
        let (part, rest) = data.split_at((*len).min(data.len()));
        parts.push(part);
        data = rest;
    }
    parts.push(data);
    parts
}
