//! What is left of a secret in memory that was given back: nothing. An allocator of the test's own looks at each
//! block when it is freed, or left behind because it had to grow.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use crypto::aes::{Cipher, Key, Mode, xts_decrypt, xts_encrypt};
use crypto::{Hash, Secret, aead, ec, ed25519, kdf, keywrap, mac, rsa, sm2, sm3, sm4, x25519};

struct Looking;

thread_local! {
    /// What is looked for, and in how many freed blocks it was.
    static MARK: Cell<[u8; 16]> = const { Cell::new([0; 16]) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Looking = Looking;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeros, so that what an earlier block left is not taken for this one's.
        // SAFETY: as the caller vouches.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block has this size, was zero from the start, and is still the caller's.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        let mark = MARK.try_with(Cell::get).unwrap_or_default();
        if mark != [0; 16] && bytes.windows(16).any(|window| window == mark) {
            FOUND.set(FOUND.get() + 1);
        }
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(block, layout) };
    }
}

/// In how many blocks that `act` gave back `secret` still stood.
fn left_of(secret: &[u8], act: impl FnOnce()) -> usize {
    FOUND.set(0);
    MARK.set(*secret.first_chunk().unwrap());
    act();
    MARK.set([0; 16]);
    FOUND.get()
}

const PLAIN: [u8; 96] =
    *b"a plaintext that stands nowhere else, and is as long as some blocks of AES, that is to say, six.";

#[test]
fn the_allocator_finds_what_is_left() {
    assert_eq!(left_of(&PLAIN, || drop(PLAIN.to_vec())), 1);
    assert_eq!(left_of(&PLAIN, || drop(Secret::new(PLAIN.to_vec()))), 0);
}

#[test]
fn a_decryption_leaves_its_plaintext_to_the_caller_alone() {
    let key = Key::new(&[7; 32]).unwrap();
    for (mode, iv) in [
        (Mode::Ecb, &[][..]),
        (Mode::Cbc, &[1; 16]),
        (Mode::CbcPad, &[1; 16]),
        (Mode::Ctr { counter_bits: 128 }, &[1; 16]),
    ] {
        let mut sealed = Vec::new();
        let mut cipher = Cipher::encrypt(mode, &key, iv).unwrap();
        cipher.update(&PLAIN, &mut sealed).unwrap();
        cipher.finish(&mut sealed).unwrap();
        for part in [16, 48, sealed.len()] {
            let left = left_of(&PLAIN, || {
                let mut cipher = Cipher::decrypt(mode, &key, iv).unwrap();
                let mut out = Vec::new();
                for part in sealed.chunks(part) {
                    cipher.update(part, &mut out).unwrap();
                }
                cipher.finish(&mut out).unwrap();
                assert!(Secret::new(out) == Secret::new(PLAIN.to_vec()));
            });
            assert_eq!(left, 0, "{mode:?} in parts of {part}");
        }
    }
    let national = sm4::Key::new(&[7; 16]).unwrap();
    for (mode, iv) in [(Mode::Ecb, &[][..]), (Mode::Cbc, &[1; 16]), (Mode::CbcPad, &[1; 16])] {
        let mut sealed = Vec::new();
        let mut cipher = sm4::Cipher::encrypt(mode, &national, iv).unwrap();
        cipher.update(&PLAIN, &mut sealed).unwrap();
        cipher.finish(&mut sealed).unwrap();
        let left = left_of(&PLAIN, || {
            let mut cipher = sm4::Cipher::decrypt(mode, &national, iv).unwrap();
            let mut out = Vec::new();
            for part in sealed.chunks(24) {
                cipher.update(part, &mut out).unwrap();
            }
            cipher.finish(&mut out).unwrap();
            assert!(Secret::new(out) == Secret::new(PLAIN.to_vec()));
        });
        assert_eq!(left, 0, "SM4 in {mode:?}");
    }
    let gcm = sm4::GcmKey::new(&national).unwrap();
    let sealed = gcm.seal(&[1; 12], b"", 16, &PLAIN).unwrap();
    let left = left_of(&PLAIN, || drop(Secret::new(gcm.open(&[1; 12], b"", 16, &sealed).unwrap())));
    assert_eq!(left, 0);
    let key: Vec<u8> = (0..64).collect();
    let key = Secret::new(key);
    let sealed = xts_encrypt(&key, &[3; 16], &PLAIN).unwrap();
    assert_eq!(left_of(&PLAIN, || drop(Secret::new(xts_decrypt(&key, &[3; 16], &sealed).unwrap()))), 0);
    let key = Key::new(&[7; 32]).unwrap();
    let sealed = aead::gcm_seal(&key, &[1; 12], b"", 16, &PLAIN).unwrap();
    assert_eq!(
        left_of(&PLAIN, || drop(Secret::new(aead::gcm_open(&key, &[1; 12], b"", 16, &sealed).unwrap()))),
        0
    );
    let sealed = aead::ccm_seal(&key, &[1; 12], b"", 16, &PLAIN).unwrap();
    assert_eq!(
        left_of(&PLAIN, || drop(Secret::new(aead::ccm_open(&key, &[1; 12], b"", 16, &sealed).unwrap()))),
        0
    );
}

#[test]
fn a_ciphertext_that_is_refused_leaves_no_plaintext() {
    let key = Key::new(&[7; 32]).unwrap();
    let mut gcm = aead::gcm_seal(&key, &[1; 12], b"", 16, &PLAIN).unwrap();
    let mut ccm = aead::ccm_seal(&key, &[1; 12], b"", 16, &PLAIN).unwrap();
    for sealed in [&mut gcm, &mut ccm] {
        *sealed.last_mut().unwrap() ^= 1;
    }
    assert_eq!(left_of(&PLAIN, || assert!(aead::gcm_open(&key, &[1; 12], b"", 16, &gcm).is_err())), 0);
    assert_eq!(left_of(&PLAIN, || assert!(aead::ccm_open(&key, &[1; 12], b"", 16, &ccm).is_err())), 0);
    let wrapped = keywrap::kw_wrap(&key, &keywrap::KW_IV, &Secret::new(PLAIN.to_vec())).unwrap();
    let left = left_of(&PLAIN, || assert!(keywrap::kw_unwrap(&key, &[1; 8], &wrapped).is_err()));
    assert_eq!(left, 0);
    let key = sm2::PrivateKey::generate().unwrap();
    let mut sealed = key.public().encrypt(sm2::Form::Raw, &PLAIN).unwrap();
    assert_eq!(left_of(&PLAIN, || drop(key.decrypt(sm2::Form::Raw, &sealed).unwrap())), 0);
    sealed[70] ^= 1; // in C3
    assert_eq!(left_of(&PLAIN, || assert!(key.decrypt(sm2::Form::Raw, &sealed).is_err())), 0);
}

#[test]
fn keys_leave_nothing_of_themselves() {
    let bits = [0x5e; 32];
    let left = left_of(&bits, || {
        let key = Key::new(&bits).unwrap();
        let aad = aead::GcmKey::new(&key).unwrap();
        drop(aad.seal(&[1; 12], b"", 12, b"data"));
        drop(mac::cmac(&key, b"data").unwrap());
        drop(mac::hmac(Hash::Sha256, &bits, b"data").unwrap());
        let ec = ec::PrivateKey::from_scalar(ec::Curve::P256, &bits).unwrap();
        ec.sign(&[1; 32]).unwrap();
        drop(ec.scalar().unwrap());
        let edwards = ed25519::PrivateKey::from_seed(&bits).unwrap();
        drop((edwards.sign(ed25519::Variant::Pure, b"data").unwrap(), edwards.seed()));
        let montgomery = x25519::PrivateKey::from_bytes(&bits).unwrap();
        drop((montgomery.agree(&montgomery.public()).unwrap(), montgomery.to_bytes()));
        let sm2 = sm2::PrivateKey::from_scalar(&bits).unwrap();
        drop((sm2.sign(sm2::DEFAULT_ID, b"data").unwrap(), sm2.scalar(), sm2.to_pkcs8().unwrap()));
        let sealed = sm2.public().encrypt(sm2::Form::Raw, b"data").unwrap();
        drop(sm2.decrypt(sm2::Form::Raw, &sealed).unwrap());
        drop(sm2::PrivateKey::from_pkcs8(sm2.to_pkcs8().unwrap().as_bytes()).unwrap());
        let sm4 = sm4::Key::new(&bits[..16]).unwrap();
        drop(sm4::GcmKey::new(&sm4).unwrap().seal(&[1; 12], b"", 16, b"data"));
        drop(sm3::hmac(&bits, b"data").unwrap());
        let secret = Secret::new(bits.to_vec());
        drop(kdf::x963(Hash::Sha256, &secret, b"", 100).unwrap());
        drop(keywrap::kwp_wrap(&key, &keywrap::KWP_IV, &secret).unwrap());
    });
    assert_eq!(left, 0);
}

#[test]
fn unwrapped_and_derived_keys_leave_nothing_of_themselves() {
    let key = Key::new(&[7; 32]).unwrap();
    let secret = Secret::new(PLAIN.to_vec());
    let wrapped = keywrap::kw_wrap(&key, &keywrap::KW_IV, &secret).unwrap();
    assert_eq!(left_of(&PLAIN, || drop(keywrap::kw_unwrap(&key, &keywrap::KW_IV, &wrapped).unwrap())), 0);
    for iv in [keywrap::KWP_IV, [1; 4]] {
        let wrapped = keywrap::kwp_wrap(&key, &iv, &secret).unwrap();
        assert_eq!(left_of(&PLAIN, || drop(keywrap::kwp_unwrap(&key, &iv, &wrapped).unwrap())), 0);
    }
    let derived = kdf::x963(Hash::Sha256, &secret, b"", 200).unwrap();
    for at in [0, 32, 64, 96, 160] {
        let part = &derived.as_bytes()[at..];
        assert_eq!(left_of(part, || drop(kdf::x963(Hash::Sha256, &secret, b"", 200).unwrap())), 0);
    }
}

#[test]
fn an_rsa_key_and_what_it_decrypts_leave_nothing() {
    let key = rsa::PrivateKey::generate(2048, &[1, 0, 1]).unwrap();
    let parts = key.to_parts();
    for part in [&parts.d, &parts.p, &parts.q, &parts.dp, &parts.dq, &parts.qinv] {
        let left = left_of(part.as_bytes(), || {
            let import =
                rsa::Import { n: &parts.n, e: &parts.e, d: parts.d.as_bytes(), ..rsa::Import::default() };
            let again = rsa::PrivateKey::from_parts(&import).unwrap();
            again.sign_pkcs1(Some(Hash::Sha256), &[1; 32]).unwrap();
            drop(again.to_parts());
        });
        assert_eq!(left, 0);
    }
    let (pkcs1, oaep) = (
        key.public().encrypt_pkcs1(&PLAIN).unwrap(),
        key.public().encrypt_oaep(Hash::Sha256, Hash::Sha256, b"", &PLAIN).unwrap(),
    );
    let left = left_of(&PLAIN, || {
        drop(key.decrypt_pkcs1(&pkcs1).unwrap());
        drop(key.decrypt_pkcs1_strict(&pkcs1).unwrap());
        drop(key.decrypt_oaep(Hash::Sha256, Hash::Sha256, b"", &oaep).unwrap());
    });
    assert_eq!(left, 0);
}
