//! Public halves, signatures in a context, and secrets sealed to one UKey.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{DhP256HkdfSha256, X25519HkdfSha256};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use proptest::prelude::*;
use ukey::file::{self, Cost, FileKey};
use ukey::{Algorithm, Error, Holder, MAX_SECRET, Public, Secret};

#[path = "../../crypto/tests/support/openssl.rs"]
mod openssl;

use openssl::{der_signature, openssl};

fn key(algorithm: Algorithm) -> FileKey {
    let (bytes, _) = file::create("test", algorithm, b"123456", Cost::new(8, 1, 1).unwrap()).unwrap();
    file::open(&bytes, b"123456").unwrap()
}

#[test]
fn a_signature_is_good_for_one_key_one_context_and_one_message() {
    for algorithm in Algorithm::ALL {
        let (mine, other) = (key(algorithm), key(algorithm));
        let signature = mine.sign("log in", b"challenge").unwrap();
        let public = mine.public();
        assert_eq!(public.verify("log in", b"challenge", &signature), Ok(()));
        let wrong = Err(Error::Signature { by: public.id() });
        assert_eq!(public.verify("approve", b"challenge", &signature), wrong);
        assert_eq!(public.verify("log in", b"challengf", &signature), wrong);
        assert_eq!(public.verify("log inc", b"hallenge", &signature), wrong);
        assert_eq!(public.verify("log in", b"challenge", &signature[1..]), wrong);
        assert_eq!(public.verify("log in", b"challenge", &[]), wrong);
        assert_eq!(public.verify("log in", b"challenge", &[0; 64]), wrong);
        assert!(other.public().verify("log in", b"challenge", &signature).is_err());
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert_eq!(public.verify("log in", b"challenge", &changed), wrong, "byte {at}");
        }
    }
}

#[test]
fn a_context_has_1_to_255_bytes() {
    let key = key(Algorithm::Ed25519);
    for len in [0, 256] {
        assert_eq!(key.sign(&"x".repeat(len), b"").err(), Some(Error::Context(len)));
        assert_eq!(key.public().verify(&"x".repeat(len), b"", &[0; 64]), Err(Error::Context(len)));
    }
    let longest = "x".repeat(255);
    key.public().verify(&longest, b"", &key.sign(&longest, b"").unwrap()).unwrap();
}

#[test]
fn a_sealed_secret_opens_for_one_ukey_in_one_context_and_whole() {
    for algorithm in Algorithm::ALL {
        let (mine, other) = (key(algorithm), key(algorithm));
        let sealed = mine.public().seal(b"share 1", &Secret::new(b"the secret".to_vec())).unwrap();
        assert_eq!(mine.open(b"share 1", &sealed).unwrap().as_bytes(), b"the secret");
        let closed = Some(Error::Sealed { by: mine.public().id() });
        assert_eq!(mine.open(b"share 2", &sealed).err(), closed);
        assert_eq!(other.open(b"share 1", &sealed).err(), Some(Error::Sealed { by: other.public().id() }));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(mine.open(b"share 1", &changed).err(), closed, "byte {at}");
            assert_eq!(mine.open(b"share 1", &sealed[..at]).err(), closed, "cut at byte {at}");
        }
    }
}

#[test]
fn a_public_key_of_small_order_opens_nothing() {
    let key = key(Algorithm::Ed25519);
    let sealed = [&[1, 1][..], &[0; 32], &[0; 20]].concat();
    assert_eq!(key.open(b"", &sealed).err(), Some(Error::Sealed { by: key.public().id() }));
    let p256 = self::key(Algorithm::P256);
    let sealed = [&[1, 2, 4][..], &[1; 64], &[0; 20]].concat();
    assert_eq!(p256.open(b"", &sealed).err(), Some(Error::Sealed { by: p256.public().id() }));
    let sm2 = self::key(Algorithm::Sm2);
    let sealed = [&[1, 3, 4][..], &[1; 128], &[0; 20]].concat();
    assert_eq!(sm2.open(b"", &sealed).err(), Some(Error::Sealed { by: sm2.public().id() }));
}

#[test]
fn a_secret_that_is_sealed_has_1_to_65536_bytes() {
    let key = key(Algorithm::Ed25519);
    for len in [0, MAX_SECRET + 1] {
        let refused = key.public().seal(b"", &Secret::new(vec![7; len])).unwrap_err();
        assert!(matches!(refused, Error::SecretLength { len: said, .. } if said == len), "{refused}");
    }
    let sealed = key.public().seal(b"", &Secret::new(vec![7; MAX_SECRET])).unwrap();
    assert_eq!(key.open(b"", &sealed).unwrap().len(), MAX_SECRET);
}

/// What another HPKE opens of ours, and seals for us.
fn agrees_with_another_hpke<K: Kem>(algorithm: Algorithm, code: u8)
where
    K::PrivateKey: Clone,
{
    let info = b"Claviger UKey seal 1\0the context";
    let (private, public) = K::derive_keypair(&[7; 66]);
    let point = public.to_bytes();
    let theirs = match algorithm {
        Algorithm::Ed25519 => Public::ed25519("x", &[9; 32], &point),
        Algorithm::P256 => Public::p256("x", &point, &point),
        Algorithm::Sm2 => Public::sm2("x", &point, &point),
    };
    let sealed = theirs.unwrap().seal(b"the context", &Secret::new(b"from us".to_vec())).unwrap();
    let (head, rest) = sealed.split_at(2);
    assert_eq!(head, [1, code]);
    let (ephemeral, ciphertext) = rest.split_at(point.len());
    let ephemeral = K::EncappedKey::from_bytes(ephemeral).unwrap();
    let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, K>(
        &OpModeR::Base,
        &private,
        &ephemeral,
        info,
        ciphertext,
        head,
    );
    assert_eq!(opened.unwrap(), b"from us");

    let ours = key(algorithm);
    let to = K::PublicKey::from_bytes(ours.public().sealing()).unwrap();
    let mut random = Random;
    let (ephemeral, ciphertext) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, K>(
        &OpModeS::Base,
        &to,
        info,
        b"from them",
        head,
        &mut random,
    )
    .unwrap();
    let sealed = [head, &ephemeral.to_bytes(), &ciphertext].concat();
    assert_eq!(ours.open(b"the context", &sealed).unwrap().as_bytes(), b"from them");
}

/// Our generator as that library takes it.
struct Random;

impl rand_core::TryRng for Random {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        crypto::random::fill(to).unwrap();
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Random {}

#[test]
fn what_is_sealed_is_hpke_as_others_make_it() {
    agrees_with_another_hpke::<X25519HkdfSha256>(Algorithm::Ed25519, 1);
    agrees_with_another_hpke::<DhP256HkdfSha256>(Algorithm::P256, 2);
}

#[test]
fn a_public_half_comes_back_as_it_was_written_and_nothing_else_does() {
    for algorithm in Algorithm::ALL {
        let public = key(algorithm).public().clone();
        let bytes = public.to_bytes();
        assert!(bytes.len() <= Public::MAX_LEN);
        assert_eq!(Public::from_bytes(&bytes), Ok(public.clone()));
        for len in 1..bytes.len() {
            let refused = Public::from_bytes(&bytes[..len]).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("a UKey's public part is truncated at byte {len}")),
                "{refused}"
            );
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(Public::from_bytes(&longer), Err(Error::Trailing { extra: 1, .. })));
        let newer = [b"UKEYPUB", &[9][..], &bytes[8..]].concat();
        assert!(matches!(Public::from_bytes(&newer), Err(Error::Newer { version: 9, known: 1, .. })));
        let unknown = [&bytes[..8], &[9], &bytes[9..]].concat();
        assert_eq!(
            Public::from_bytes(&unknown).unwrap_err().to_string(),
            "a UKey's public part is malformed: it is of an unknown algorithm"
        );
        let control = [&bytes[..10], b"te\0t", &bytes[14..]].concat();
        assert_eq!(Public::from_bytes(&control), Err(Error::Name("has a control character in it")));
        let text = [&bytes[..10], b"te\xfft", &bytes[14..]].concat();
        assert_eq!(Public::from_bytes(&text), Err(Error::Name("is not UTF-8")));
    }
    assert_eq!(Public::from_bytes(b"UKEYSEC\x01"), Err(Error::Foreign { what: "a UKey's public part" }));
}

#[test]
fn a_point_that_is_none_or_is_written_otherwise_is_refused() {
    let public = key(Algorithm::P256).public().clone();
    let good = public.signing();
    let mut off = good.to_vec();
    off[64] ^= 1;
    let hybrid = [&[6 | (good[64] & 1)], &good[1..]].concat();
    let compressed = [&[2 | (good[64] & 1)], &good[1..33]].concat();
    for bad in [&off, &hybrid, &compressed] {
        assert!(Public::p256("x", bad, good).is_err());
        assert!(Public::p256("x", good, bad).is_err());
    }
    let sm2 = key(Algorithm::Sm2).public().clone();
    let mut off = sm2.signing().to_vec();
    off[64] ^= 1;
    let compressed = [&[2 | (sm2.signing()[64] & 1)], &sm2.signing()[1..33]].concat();
    // A point of P-256 is none of SM2, and the other way round.
    for bad in [&off[..], &compressed, good] {
        assert!(Public::sm2("x", bad, sm2.sealing()).is_err());
        assert!(Public::sm2("x", sm2.signing(), bad).is_err());
    }
    assert!(Public::p256("x", sm2.signing(), good).is_err());
    assert!(Public::ed25519("x", &[0; 32], &[1; 32]).is_err());
    assert!(Public::ed25519("x", &[1; 32], &[1; 31]).is_err());
}

#[test]
fn an_id_is_that_of_the_keys_whatever_the_name() {
    let public = key(Algorithm::P256).public().clone();
    let renamed = Public::p256("another name", public.signing(), public.sealing()).unwrap();
    assert_eq!(public.id(), renamed.id());
    let swapped = Public::p256("test", public.sealing(), public.signing()).unwrap();
    assert_ne!(public.id(), swapped.id());
}

/// What an SM2 UKey signs is, byte by byte, what the documentation says.
#[test]
fn openssl_verifies_what_an_sm2_ukey_signs() {
    let (key, place) = (key(Algorithm::Sm2), tempfile::tempdir().unwrap());
    let write = |name: &str, bytes: &[u8]| std::fs::write(place.path().join(name), bytes).unwrap();
    let public = crypto::sm2::PublicKey::from_point(key.public().signing()).unwrap();
    write("public", &public.to_spki().unwrap());
    write("message", b"Claviger UKey signature 1\0\x06log inchallenge");
    let verifies = |signature: &[u8]| {
        write("signature", &der_signature(signature));
        let key = ["pkeyutl", "-verify", "-pubin", "-inkey", "public", "-keyform", "DER", "-rawin"];
        let signed = ["-in", "message", "-sigfile", "signature", "-digest", "sm3"];
        let id = ["-pkeyopt", "distid:1234567812345678"];
        openssl(place.path(), &[&key[..], &signed, &id].concat(), b"").is_some()
    };
    assert!(verifies(&key.sign("log in", b"challenge").unwrap()));
    assert!(!verifies(&key.sign("approve", b"challenge").unwrap()));
}

proptest! {
    #[test]
    fn what_reads_as_a_public_half_is_written_the_same(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let bytes = [b"UKEYPUB\x01\x01".as_slice(), &bytes].concat();
        if let Ok(public) = Public::from_bytes(&bytes) {
            prop_assert_eq!(public.to_bytes(), bytes);
        }
    }
}
