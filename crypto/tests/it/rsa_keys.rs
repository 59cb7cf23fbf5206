//! RSA.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crypto::rsa::{Import, PrivateKey, PublicKey};
use crypto::{Error, Hash};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(2048, &[1, 0, 1]).unwrap());

#[test]
fn each_signature_verifies_and_fails_for_another_digest() {
    for hash in Hash::ALL {
        let (digest, other) = (vec![1; hash.len()], vec![2; hash.len()]);
        let public = KEY.public();
        let signature = KEY.sign_pkcs1(Some(hash), &digest).unwrap();
        public.verify_pkcs1(Some(hash), &digest, &signature).unwrap();
        assert!(matches!(public.verify_pkcs1(Some(hash), &other, &signature), Err(Error::InvalidData(_))));
        assert!(matches!(
            public.verify_pkcs1(Some(hash), &digest, &signature[1..]),
            Err(Error::InvalidData(_))
        ));
        for (mgf, salt) in [(hash, hash.len()), (Hash::Sha1, 0)] {
            let signature = KEY.sign_pss(hash, mgf, salt, &digest).unwrap();
            public.verify_pss(hash, mgf, salt, &digest, &signature).unwrap();
            assert!(matches!(
                public.verify_pss(hash, mgf, salt, &other, &signature),
                Err(Error::InvalidData(_))
            ));
            assert!(public.verify_pss(hash, mgf, salt + 1, &digest, &signature).is_err());
        }
        assert!(matches!(KEY.sign_pkcs1(Some(hash), &digest[1..]), Err(Error::InvalidData(_))));
        assert!(matches!(KEY.sign_pss(hash, hash, 0, &digest[1..]), Err(Error::InvalidData(_))));
    }
}

#[test]
fn raw_pkcs1_signs_anything_that_fits() {
    for data in [&b""[..], b"hello", &[7; 245]] {
        let signature = KEY.sign_pkcs1(None, data).unwrap();
        KEY.public().verify_pkcs1(None, data, &signature).unwrap();
        assert_eq!(KEY.public().recover_pkcs1(&signature).unwrap(), data);
    }
    assert_eq!(KEY.sign_pkcs1(None, &[7; 246]), Err(Error::TooLong));
}

#[test]
fn a_salt_too_long_for_the_modulus_is_refused() {
    let most = 256 - 32 - 2;
    let signature = KEY.sign_pss(Hash::Sha256, Hash::Sha256, most, &[1; 32]).unwrap();
    KEY.public().verify_pss(Hash::Sha256, Hash::Sha256, most, &[1; 32], &signature).unwrap();
    for salt in [most + 1, usize::MAX] {
        let refused = KEY.sign_pss(Hash::Sha256, Hash::Sha256, salt, &[1; 32]);
        assert!(matches!(refused, Err(Error::InvalidParameter(_))));
    }
}

#[test]
fn the_bare_operations_undo_each_other_and_pad_on_the_left() {
    let sealed = KEY.public().raw(&[5; 100]).unwrap();
    let opened = KEY.raw(&sealed).unwrap();
    assert_eq!(opened, [vec![0; 156], vec![5; 100]].concat());
    for wrong in [vec![0xff; 256], vec![1; 257], KEY.public().modulus()] {
        assert!(matches!(KEY.raw(&wrong), Err(Error::InvalidData(_))));
        assert!(matches!(KEY.public().raw(&wrong), Err(Error::InvalidData(_))));
    }
}

#[test]
fn what_is_encrypted_decrypts() {
    for data in [&b""[..], b"hello", &[0; 190]] {
        let sealed = KEY.public().encrypt_pkcs1(data).unwrap();
        assert_eq!(KEY.decrypt_pkcs1(&sealed).unwrap().as_bytes(), data);
        assert_eq!(KEY.decrypt_pkcs1_strict(&sealed).unwrap().as_bytes(), data);
        let sealed = KEY.public().encrypt_oaep(Hash::Sha256, Hash::Sha1, b"label", data).unwrap();
        let opened = KEY.decrypt_oaep(Hash::Sha256, Hash::Sha1, b"label", &sealed).unwrap();
        assert_eq!(opened.as_bytes(), data);
        for (hash, mgf, label) in [
            (Hash::Sha256, Hash::Sha1, &b""[..]),
            (Hash::Sha1, Hash::Sha1, b"label"),
            (Hash::Sha256, Hash::Sha256, b"label"),
        ] {
            assert!(matches!(KEY.decrypt_oaep(hash, mgf, label, &sealed), Err(Error::InvalidData(_))));
        }
    }
    for hash in Hash::ALL {
        let sealed = KEY.public().encrypt_oaep(hash, hash, b"", b"hello").unwrap();
        assert_eq!(KEY.decrypt_oaep(hash, hash, b"", &sealed).unwrap().as_bytes(), b"hello");
    }
    assert_eq!(KEY.public().encrypt_pkcs1(&[1; 246]), Err(Error::TooLong));
    assert_eq!(KEY.public().encrypt_oaep(Hash::Sha1, Hash::Sha1, b"", &[1; 215]), Err(Error::TooLong));
}

/// A block that is not PKCS#1, encrypted.
fn sealed_block(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut block = vec![1; 256];
    block[0] = 0;
    block[1] = 2;
    block[20] = 0;
    change(&mut block);
    KEY.public().raw(&block).unwrap()
}

#[test]
fn wrong_padding_gives_a_made_up_message_that_is_always_the_same() {
    let right = sealed_block(|_| {});
    assert_eq!(KEY.decrypt_pkcs1(&right).unwrap().as_bytes(), [1; 235]);
    let wrong = [
        sealed_block(|block| block[1] = 1),
        sealed_block(|block| block[0] = 1),
        sealed_block(|block| block[9] = 0),
        sealed_block(|block| block[2] = 0),
        sealed_block(|block| block[20] = 1),
    ];
    for sealed in &wrong {
        let made_up = KEY.decrypt_pkcs1(sealed).unwrap();
        assert_eq!(KEY.decrypt_pkcs1(sealed).unwrap(), made_up);
        assert!(made_up.len() <= 245);
        assert_eq!(KEY.decrypt_pkcs1_strict(sealed), Err(Error::InvalidData("the data does not decrypt")));
    }
    // Eight bytes of padding are enough.
    assert_eq!(KEY.decrypt_pkcs1(&sealed_block(|block| block[10] = 0)).unwrap().len(), 245);
}

#[test]
fn a_ciphertext_that_anybody_can_see_to_be_none_is_an_error() {
    for wrong in [vec![0; 256], vec![0xff; 256], vec![1; 255], vec![1; 257], vec![]] {
        assert!(matches!(KEY.decrypt_pkcs1(&wrong), Err(Error::InvalidData(_))));
        assert!(matches!(KEY.decrypt_pkcs1_strict(&wrong), Err(Error::InvalidData(_))));
        assert!(matches!(KEY.decrypt_oaep(Hash::Sha1, Hash::Sha1, b"", &wrong), Err(Error::InvalidData(_))));
    }
}

#[test]
fn a_key_is_imported_whole_or_from_its_exponents_alone() {
    let parts = KEY.to_parts();
    let bare = Import { n: &parts.n, e: &parts.e, d: parts.d.as_bytes(), ..Import::default() };
    let primes = Import { p: Some(parts.p.as_bytes()), q: Some(parts.q.as_bytes()), ..bare };
    let whole = Import {
        dp: Some(parts.dp.as_bytes()),
        dq: Some(parts.dq.as_bytes()),
        qinv: Some(parts.qinv.as_bytes()),
        ..primes
    };
    let swapped = Import { p: primes.q, q: primes.p, ..bare };
    for import in [bare, primes, whole, swapped] {
        let key = PrivateKey::from_parts(&import).unwrap();
        assert_eq!(key.to_parts().d, parts.d);
        let signature = key.sign_pkcs1(None, b"x").unwrap();
        KEY.public().verify_pkcs1(None, b"x", &signature).unwrap();
    }
    let again = PrivateKey::from_parts(&bare).unwrap().to_parts();
    assert_eq!(
        (again.p, again.q, again.qinv),
        (parts.p.duplicate(), parts.q.duplicate(), parts.qinv.duplicate())
    );

    let bent = |secret: &crypto::Secret| {
        let mut bytes = secret.as_bytes().to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 2;
        bytes
    };
    let (d, p, dp, qinv) = (bent(&parts.d), bent(&parts.p), bent(&parts.dp), bent(&parts.qinv));
    for import in [
        Import { d: &d, ..bare },
        Import { d: &d, ..whole },
        Import { d: &[], ..whole },
        Import { d: &parts.n, ..whole },
        Import { p: Some(&p), ..primes },
        Import { p: Some(&[]), ..primes },
        Import { p: Some(&[1]), q: Some(&parts.n), ..bare },
        Import { dp: Some(&dp), ..whole },
        Import { qinv: Some(&qinv), ..whole },
        Import { e: &[3], ..whole },
    ] {
        assert!(matches!(PrivateKey::from_parts(&import), Err(Error::InvalidKey(_))));
    }
}

#[test]
fn numbers_beyond_all_measure_are_refused_before_they_are_reckoned_with() {
    let parts = KEY.to_parts();
    let bare = Import { n: &parts.n, e: &parts.e, d: parts.d.as_bytes(), ..Import::default() };
    let (p, q) = (Some(parts.p.as_bytes()), Some(parts.q.as_bytes()));
    let whole = Import { p, q, ..bare };
    let huge = vec![0xff; 8000];
    let began = Instant::now();
    for import in [
        Import { p: Some(&huge), q, ..bare },
        Import { q: Some(&huge), ..whole },
        Import { p: Some(&huge), q: Some(&huge), ..bare },
        Import { dp: Some(&huge), ..whole },
        Import { dq: Some(&huge), ..whole },
        Import { qinv: Some(&huge), ..whole },
        Import { e: &huge, ..whole },
        Import { n: &huge, ..whole },
        Import { d: &huge, ..whole },
        // Of the modulus' own length, and yet no prime of it.
        Import { p: Some(&parts.n), q, ..bare },
    ] {
        assert!(matches!(PrivateKey::from_parts(&import), Err(Error::InvalidKey(_))));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn exponents_that_give_no_primes_are_given_up_at_the_first_try() {
    let n = vec![0xff; 1024];
    let d = vec![0x7d; 1024];
    let began = Instant::now();
    let import = Import { n: &n, e: &[1, 0, 1], d: &d, ..Import::default() };
    assert!(matches!(PrivateKey::from_parts(&import), Err(Error::InvalidKey(_))));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn degenerate_public_keys_are_refused() {
    let n = KEY.public().modulus();
    let even = [&n[..255], &[0]].concat();
    let huge = vec![0xff; 1025];
    for (n, e) in [
        (&n[..], &[1][..]),
        (&n, &[]),
        (&n, &[0]),
        (&n, &[2]),
        (&n, &[1, 0, 0]),
        (&n, &[0xff; 8]),
        (&even, &[3]),
        (&n[..127], &[3]),
        (&huge, &[3]),
        (&[], &[3]),
    ] {
        assert!(matches!(PublicKey::from_parts(n, e), Err(Error::InvalidKey(_))));
    }
    let zeros = [&[0, 0][..], &n].concat();
    assert_eq!(PublicKey::from_parts(&zeros, &[0, 1, 0, 1]).unwrap().modulus(), n);
}

#[test]
fn odd_wishes_for_a_new_key_are_refused() {
    for (bits, e) in [
        (512, &[1, 0, 1][..]),
        (2049, &[1, 0, 1]),
        (16384, &[1, 0, 1]),
        (2048, &[1]),
        (2048, &[4]),
        (2048, &[]),
        (2048, &[1, 0, 0, 0, 1]),
    ] {
        assert!(matches!(PrivateKey::generate(bits, e), Err(Error::InvalidParameter(_))));
    }
    let three = PrivateKey::generate(1024, &[3]).unwrap();
    assert_eq!((three.public().public_exponent(), three.modulus_len()), (vec![3], 128));
}

#[test]
fn many_threads_use_one_key_at_once() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                let signature = KEY.sign_pkcs1(None, &[thread]).unwrap();
                KEY.public().verify_pkcs1(None, &[thread], &signature).unwrap();
            });
        }
    });
}
