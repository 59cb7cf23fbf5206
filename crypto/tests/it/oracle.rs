//! What AWS-LC makes, pure-Rust implementations check, and the other way round.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes_kw::{KeyInit, KwAes256, KwpAes128};
use crypto::aes::{Cipher, Key, Mode};
use crypto::keywrap::{KW_IV, KWP_IV, kw_unwrap, kw_wrap, kwp_unwrap, kwp_wrap};
use crypto::mac::hmac;
use crypto::rsa::{Import, PrivateKey};
use crypto::{Hash, Secret, ec, hash};
use hmac::Mac;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use proptest::prelude::*;
use rsa::signature::SignatureEncoding;
use rsa::signature::hazmat::{PrehashSigner as RsaPrehashSigner, PrehashVerifier as RsaPrehashVerifier};
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use sha2::Digest;

/// The generator for the oracle's encryptions.
struct Random;

impl rsa::rand_core::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        crypto::random::fill(out).unwrap();
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Random {}

/// One key in both libraries.
fn rsa_pair() -> (PrivateKey, rsa::RsaPrivateKey) {
    let ours = PrivateKey::generate(2048, &[1, 0, 1]).unwrap();
    let parts = ours.to_parts();
    let number = rsa::BigUint::from_bytes_be;
    let primes = vec![number(parts.p.as_bytes()), number(parts.q.as_bytes())];
    let theirs = rsa::RsaPrivateKey::from_components(
        number(&parts.n),
        number(&parts.e),
        number(parts.d.as_bytes()),
        primes,
    );
    (ours, theirs.unwrap())
}

#[test]
fn rsa_signatures_are_accepted_on_both_sides() {
    let (ours, theirs) = rsa_pair();
    let digest = hash::digest(Hash::Sha256, b"message").unwrap();

    let signer = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(theirs.clone());
    let signature = ours.sign_pkcs1(Some(Hash::Sha256), &digest).unwrap();
    assert_eq!(RsaPrehashSigner::sign_prehash(&signer, &digest).unwrap().to_vec(), signature);

    let verifier = rsa::pss::VerifyingKey::<rsa::sha2::Sha256>::new(theirs.to_public_key());
    let signature = ours.sign_pss(Hash::Sha256, Hash::Sha256, 32, &digest).unwrap();
    RsaPrehashVerifier::verify_prehash(&verifier, &digest, &signature.as_slice().try_into().unwrap())
        .unwrap();
    let padding = rsa::Pss::new_with_salt::<rsa::sha2::Sha256>(20);
    let signature = theirs.sign_with_rng(&mut Random, padding, &digest).unwrap();
    ours.public().verify_pss(Hash::Sha256, Hash::Sha256, 20, &digest, &signature).unwrap();
}

#[test]
fn rsa_encryption_is_decrypted_on_both_sides() {
    let (ours, theirs) = rsa_pair();
    let oaep = || rsa::Oaep::new_with_mgf_hash_and_label::<rsa::sha2::Sha384, sha1::Sha1, _>("label");
    let sealed = ours.public().encrypt_oaep(Hash::Sha384, Hash::Sha1, b"label", b"message").unwrap();
    assert_eq!(theirs.decrypt(oaep(), &sealed).unwrap(), b"message");
    let sealed = theirs.to_public_key().encrypt(&mut Random, oaep(), b"message").unwrap();
    assert_eq!(
        ours.decrypt_oaep(Hash::Sha384, Hash::Sha1, b"label", &sealed).unwrap().as_bytes(),
        b"message"
    );

    let sealed = ours.public().encrypt_pkcs1(b"message").unwrap();
    assert_eq!(theirs.decrypt(rsa::Pkcs1v15Encrypt, &sealed).unwrap(), b"message");
    let sealed = theirs.to_public_key().encrypt(&mut Random, rsa::Pkcs1v15Encrypt, b"message").unwrap();
    assert_eq!(ours.decrypt_pkcs1(&sealed).unwrap().as_bytes(), b"message");
}

#[test]
fn an_rsa_key_made_by_the_oracle_is_imported() {
    let theirs = rsa::RsaPrivateKey::new(&mut Random, 1024).unwrap();
    let (n, e, d) = (theirs.n().to_bytes_be(), theirs.e().to_bytes_be(), theirs.d().to_bytes_be());
    let (p, q) = (theirs.primes()[0].to_bytes_be(), theirs.primes()[1].to_bytes_be());
    let primes = Import { n: &n, e: &e, d: &d, p: Some(&p), q: Some(&q), ..Import::default() };
    for import in [primes, Import { p: None, q: None, ..primes }] {
        let ours = PrivateKey::from_parts(&import).unwrap();
        let signature = ours.sign_pkcs1(Some(Hash::Sha256), &[7; 32]).unwrap();
        let verifier = rsa::pkcs1v15::VerifyingKey::<rsa::sha2::Sha256>::new(theirs.to_public_key());
        RsaPrehashVerifier::verify_prehash(&verifier, &[7; 32], &signature.as_slice().try_into().unwrap())
            .unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ecdsa_on_p_256_is_accepted_on_both_sides(digest in any::<[u8; 32]>()) {
        let ours = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
        let theirs = p256::ecdsa::SigningKey::from_slice(ours.scalar().unwrap().as_bytes()).unwrap();
        let signature = p256::ecdsa::Signature::from_slice(&ours.sign(&digest).unwrap()).unwrap();
        theirs.verifying_key().verify_prehash(&digest, &signature).unwrap();
        let signature: p256::ecdsa::Signature = theirs.sign_prehash(&digest).unwrap();
        ours.public().verify(&digest, &signature.to_bytes()).unwrap();
    }

    #[test]
    fn ecdh_on_p_256_gives_the_same_on_both_sides(_ in any::<u8>()) {
        let ours = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
        let peer = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
        let theirs = p256::SecretKey::from_slice(peer.scalar().unwrap().as_bytes()).unwrap();
        let public = p256::PublicKey::from_sec1_bytes(&ours.public().point().unwrap()).unwrap();
        let shared = p256::ecdh::diffie_hellman(theirs.to_nonzero_scalar(), public.as_affine());
        let ours = ours.agree(&peer.public()).unwrap();
        prop_assert_eq!(ours.as_bytes(), &shared.raw_secret_bytes()[..]);
    }

    #[test]
    fn an_aes_block_is_the_same_on_both_sides(key in any::<[u8; 32]>(), block in any::<[u8; 16]>()) {
        let (ours, theirs) = (Key::new(&key).unwrap(), aes::Aes256::new(&key.into()));
        let mut sealed = Vec::new();
        Cipher::encrypt(Mode::Ecb, &ours, &[]).unwrap().update(&block, &mut sealed).unwrap();
        let mut theirs_block = block.into();
        theirs.encrypt_block(&mut theirs_block);
        prop_assert_eq!(&sealed[..], &theirs_block[..]);
        theirs.decrypt_block(&mut theirs_block);
        prop_assert_eq!(&block[..], &theirs_block[..]);
    }

    /// Each block of the key stream is a counter encrypted, counted here by hand.
    #[test]
    fn ctr_counts_as_a_big_endian_number(key in any::<[u8; 16]>(), start in any::<u64>(), blocks in 1_u128..9) {
        let (ours, theirs) = (Key::new(&key).unwrap(), aes::Aes128::new(&key.into()));
        let start = u128::from(start);
        let mut stream = Vec::new();
        let mut cipher = Cipher::encrypt(Mode::Ctr { counter_bits: 128 }, &ours, &start.to_be_bytes()).unwrap();
        cipher.update(&vec![0; 16 * blocks as usize], &mut stream).unwrap();
        for (count, block) in (0..blocks).zip(stream.chunks(16)) {
            let mut expected = (start + count).to_be_bytes().into();
            theirs.encrypt_block(&mut expected);
            prop_assert_eq!(block, &expected[..]);
        }
    }

    #[test]
    fn key_wrap_is_unwrapped_on_both_sides(key in any::<[u8; 32]>(), groups in 2_usize..12, fill in any::<u8>()) {
        let (ours, theirs) = (Key::new(&key).unwrap(), KwAes256::new(&key.into()));
        let data = vec![fill; 8 * groups];
        let mut room = vec![0; data.len() + 8];
        let wrapped = kw_wrap(&ours, &KW_IV, &Secret::new(data.clone())).unwrap();
        prop_assert_eq!(theirs.wrap_key(&data, &mut room).unwrap(), &wrapped[..]);
        prop_assert_eq!(kw_unwrap(&ours, &KW_IV, &wrapped).unwrap(), Secret::new(data));
    }

    #[test]
    fn key_wrap_with_padding_is_unwrapped_on_both_sides(
        key in any::<[u8; 16]>(),
        data in prop::collection::vec(any::<u8>(), 1..70),
    ) {
        let (ours, theirs) = (Key::new(&key).unwrap(), KwpAes128::new(&key.into()));
        let mut room = vec![0; data.len().next_multiple_of(8) + 8];
        let wrapped = kwp_wrap(&ours, &KWP_IV, &Secret::new(data.clone())).unwrap();
        prop_assert_eq!(theirs.wrap_key(&data, &mut room).unwrap(), &wrapped[..]);
        prop_assert_eq!(kwp_unwrap(&ours, &KWP_IV, &wrapped).unwrap(), Secret::new(data));
    }

    #[test]
    fn hashes_and_hmac_are_the_same_on_both_sides(
        key in prop::collection::vec(any::<u8>(), 0..200),
        data in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut mac = hmac::Hmac::<sha2::Sha512>::new_from_slice(&key).unwrap();
        mac.update(&data);
        prop_assert_eq!(hmac(Hash::Sha512, &key, &data).unwrap(), mac.finalize().into_bytes().to_vec());
        let ours = |hash| hash::digest(hash, &data).unwrap();
        prop_assert_eq!(ours(Hash::Sha1), <sha1::Sha1 as rsa::sha2::Digest>::digest(&data).to_vec());
        prop_assert_eq!(ours(Hash::Sha224), sha2::Sha224::digest(&data).to_vec());
        prop_assert_eq!(ours(Hash::Sha256), sha2::Sha256::digest(&data).to_vec());
        prop_assert_eq!(ours(Hash::Sha384), sha2::Sha384::digest(&data).to_vec());
        prop_assert_eq!(ours(Hash::Sha512_224), sha2::Sha512_224::digest(&data).to_vec());
        prop_assert_eq!(ours(Hash::Sha512_256), sha2::Sha512_256::digest(&data).to_vec());
    }
}
