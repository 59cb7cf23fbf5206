//! Hashes, MACs, AES and key derivation.

use crypto::aead::{GcmKey, ccm_open, ccm_seal, gcm_open, gcm_seal};
use crypto::aes::{Cipher, Key, Mode, xts_decrypt, xts_encrypt};
use crypto::hash::{Digest, digest};
use crypto::keywrap::{KW_IV, KWP_IV, kw_unwrap, kw_wrap, kwp_unwrap, kwp_wrap};
use crypto::mac::{cmac, hmac};
use crypto::{Error, Hash, Secret, kdf};

use crate::hex;

fn key(len: usize) -> Key {
    Key::new(&(0..len as u8).collect::<Vec<_>>()).unwrap()
}

fn run(mut cipher: Cipher, data: &[u8], part: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for part in data.chunks(part) {
        cipher.update(part, &mut out)?;
    }
    cipher.finish(&mut out)?;
    Ok(out)
}

#[test]
fn every_hash_gives_as_many_bytes_as_it_says_in_one_step_and_in_parts() {
    for hash in Hash::ALL {
        let whole = digest(hash, b"abcdef").unwrap();
        let mut parts = Digest::new(hash).unwrap();
        parts.update(b"abc").unwrap();
        let mut other = parts.try_clone().unwrap();
        parts.update(b"def").unwrap();
        other.update(b"DEF").unwrap();
        assert_eq!(whole.len(), hash.len());
        assert_eq!(parts.finish().unwrap(), whole);
        assert_eq!(other.finish().unwrap(), digest(hash, b"abcDEF").unwrap());
    }
}

/// HMAC as FIPS 198-1 writes it down, which shows that `block_len` is right.
#[test]
fn hmac_is_two_hashes_over_a_padded_key() {
    for hash in Hash::ALL {
        let mut inner = vec![0x36; hash.block_len()];
        let mut outer = vec![0x5c; hash.block_len()];
        for (place, byte) in b"a key".iter().enumerate() {
            inner[place] ^= byte;
            outer[place] ^= byte;
        }
        inner.extend(b"data");
        outer.extend(digest(hash, &inner).unwrap());
        assert_eq!(hmac(hash, b"a key", b"data").unwrap(), digest(hash, &outer).unwrap(), "{hash:?}");
    }
}

#[test]
fn what_a_mode_encrypts_it_decrypts_in_parts_of_any_size() {
    let data: Vec<u8> = (0..96).collect();
    for len in [16, 24, 32] {
        for (mode, iv) in [
            (Mode::Ecb, &[][..]),
            (Mode::Cbc, &[7; 16]),
            (Mode::CbcPad, &[7; 16]),
            (Mode::Ctr { counter_bits: 32 }, &[7; 16]),
        ] {
            let whole = run(Cipher::encrypt(mode, &key(len), iv).unwrap(), &data, 96).unwrap();
            for part in [1, 15, 16, 17, 33] {
                let sealed = run(Cipher::encrypt(mode, &key(len), iv).unwrap(), &data, part).unwrap();
                assert_eq!(sealed, whole);
                let opened = run(Cipher::decrypt(mode, &key(len), iv).unwrap(), &sealed, part).unwrap();
                assert_eq!(opened, data);
            }
        }
    }
}

#[test]
fn a_block_mode_refuses_part_of_a_block() {
    for mode in [Mode::Ecb, Mode::Cbc] {
        let iv: &[u8] = if mode == Mode::Ecb { &[] } else { &[0; 16] };
        for cipher in [Cipher::encrypt(mode, &key(16), iv), Cipher::decrypt(mode, &key(16), iv)] {
            assert!(matches!(run(cipher.unwrap(), &[1; 17], 17), Err(Error::InvalidData(_))));
        }
    }
}

#[test]
fn a_wrong_iv_or_key_length_is_refused() {
    for len in [0, 15, 17, 20, 31, 33, 64] {
        assert!(matches!(Key::new(&vec![1; len]), Err(Error::InvalidKey(_))));
    }
    for (mode, iv) in
        [(Mode::Ecb, 16), (Mode::Cbc, 0), (Mode::CbcPad, 15), (Mode::Ctr { counter_bits: 128 }, 17)]
    {
        let refused = Cipher::encrypt(mode, &key(16), &vec![0; iv]).err();
        assert!(matches!(refused, Some(Error::InvalidParameter(_))), "{mode:?}");
    }
    for counter_bits in [0, 129] {
        assert!(Cipher::encrypt(Mode::Ctr { counter_bits }, &key(16), &[0; 16]).is_err());
    }
}

#[test]
fn a_counter_stops_before_it_wraps_round() {
    let mut iv = [0xff; 16];
    iv[15] = 0xfe; // two blocks are left in a counter of 8, 32 or 127 bits
    for counter_bits in [8, 32, 127, 128] {
        let start = || Cipher::encrypt(Mode::Ctr { counter_bits }, &key(16), &iv).unwrap();
        assert!(run(start(), &[0; 32], 32).is_ok());
        assert_eq!(run(start(), &[0; 33], 1), Err(Error::TooLong), "{counter_bits}");
    }
    // A counter of one bit at zero has two blocks, at one has one.
    let bit = |last| {
        Cipher::encrypt(Mode::Ctr { counter_bits: 1 }, &key(16), &[[0; 15].as_slice(), &[last]].concat())
    };
    assert!(run(bit(0).unwrap(), &[0; 32], 32).is_ok());
    assert_eq!(run(bit(1).unwrap(), &[0; 17], 17), Err(Error::TooLong));
    // A counter of 128 bits at zero never ends.
    let endless = Cipher::encrypt(Mode::Ctr { counter_bits: 128 }, &key(16), &[0; 16]).unwrap();
    assert!(run(endless, &[0; 1000], 7).is_ok());
}

#[test]
fn gcm_in_parts_gives_what_gcm_in_one_step_gives() {
    let data: Vec<u8> = (0..=255).collect();
    for iv in [1, 12, 16, 17, 200] {
        let iv = vec![9; iv];
        for tag_len in [4, 8, 12, 13, 14, 15, 16] {
            let prepared = GcmKey::new(&key(32)).unwrap();
            let whole = gcm_seal(&key(32), &iv, b"aad", tag_len, &data).unwrap();
            let mut parts = prepared.seal_parts(&iv, b"aad", tag_len).unwrap();
            let mut out = Vec::new();
            for part in data.chunks(33) {
                parts.update(part, &mut out).unwrap();
            }
            parts.finish(&mut out).unwrap();
            assert_eq!(out, whole);
            assert_eq!(whole.len(), data.len() + tag_len);
            assert_eq!(prepared.open(&iv, b"aad", tag_len, &whole).unwrap(), data);
        }
    }
}

#[test]
fn aead_refuses_every_flipped_bit_and_every_odd_parameter() {
    type Open = fn(&Key, &[u8], &[u8], usize, &[u8]) -> Result<Vec<u8>, Error>;
    let gcm = (gcm_seal as Open, gcm_open as Open);
    let ccm = (ccm_seal as Open, ccm_open as Open);
    for (seal, open) in [gcm, ccm] {
        for tag_len in [4, 12, 16] {
            let sealed = seal(&key(16), &[1; 12], b"aad", tag_len, b"data").unwrap();
            assert_eq!(open(&key(16), &[1; 12], b"aad", tag_len, &sealed).unwrap(), b"data");
            for bit in 0..8 * sealed.len() {
                let mut bent = sealed.clone();
                bent[bit / 8] ^= 1 << (bit % 8);
                let refused = open(&key(16), &[1; 12], b"aad", tag_len, &bent);
                assert!(matches!(refused, Err(Error::InvalidData(_))));
            }
            assert!(open(&key(16), &[1; 12], b"AAD", tag_len, &sealed).is_err());
            assert!(open(&key(16), &[2; 12], b"aad", tag_len, &sealed).is_err());
            assert!(open(&key(24), &[1; 12], b"aad", tag_len, &sealed).is_err());
            assert!(matches!(open(&key(16), &[1; 12], b"", tag_len, &[0; 3]), Err(Error::InvalidData(_))));
        }
        for tag_len in [0, 1, 3, 5, 7, 9, 11, 17, usize::MAX] {
            assert!(matches!(seal(&key(16), &[1; 12], b"", tag_len, b""), Err(Error::InvalidParameter(_))));
        }
        assert!(matches!(seal(&key(16), &[], b"", 16, b""), Err(Error::InvalidParameter(_))));
    }
    for nonce in [6, 14] {
        assert!(ccm_seal(&key(16), &vec![0; nonce], b"", 16, b"").is_err());
    }
}

#[test]
fn many_threads_use_one_gcm_key_at_once() {
    let prepared = GcmKey::new(&key(32)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let prepared = &prepared;
            scope.spawn(move || {
                for count in 0..200 {
                    let data = vec![thread; count];
                    let sealed = prepared.seal(&[thread; 12], b"", 16, &data).unwrap();
                    assert_eq!(prepared.open(&[thread; 12], b"", 16, &sealed).unwrap(), data);
                }
            });
        }
    });
}

#[test]
fn ccm_takes_no_more_than_its_nonce_leaves_room_for() {
    let data = vec![0; 1 << 16];
    assert_eq!(ccm_seal(&key(16), &[0; 13], b"", 16, &data), Err(Error::TooLong));
    let sealed = ccm_seal(&key(16), &[0; 13], b"", 16, &data[1..]).unwrap();
    assert_eq!(ccm_open(&key(16), &[0; 13], b"", 16, &sealed).unwrap(), data[1..]);
    for (aad, data) in [(&b""[..], &b""[..]), (b"", b"x"), (b"x", b"")] {
        let sealed = ccm_seal(&key(16), &[0; 7], aad, 8, data).unwrap();
        assert_eq!(ccm_open(&key(16), &[0; 7], aad, 8, &sealed).unwrap(), data);
    }
}

#[test]
fn xts_steals_ciphertext_and_refuses_what_is_too_short_or_one_key_twice() {
    let secret = Secret::new((0..64).collect());
    for len in [16, 17, 31, 32, 100] {
        let data = vec![5; len];
        let sealed = xts_encrypt(&secret, &[1; 16], &data).unwrap();
        assert_eq!(sealed.len(), len);
        assert_eq!(xts_decrypt(&secret, &[1; 16], &sealed).unwrap(), data);
        assert_ne!(xts_decrypt(&secret, &[2; 16], &sealed).unwrap(), data);
    }
    assert!(matches!(xts_encrypt(&secret, &[1; 16], &[0; 15]), Err(Error::InvalidData(_))));
    assert!(matches!(xts_encrypt(&Secret::new(vec![1; 64]), &[1; 16], &[0; 16]), Err(Error::InvalidKey(_))));
    assert!(matches!(xts_encrypt(&Secret::new(vec![1; 32]), &[1; 16], &[0; 16]), Err(Error::InvalidKey(_))));
    assert_eq!(xts_encrypt(&secret, &[1; 16], &vec![0; (1 << 24) + 1]), Err(Error::TooLong));
}

#[test]
fn key_wrap_with_padding_takes_any_length_and_any_initial_value() {
    for iv in [KWP_IV, [1, 2, 3, 4]] {
        for len in 1..40_u8 {
            let data = Secret::new((1..=len).collect());
            let wrapped = kwp_wrap(&key(32), &iv, &data).unwrap();
            assert_eq!(kwp_unwrap(&key(32), &iv, &wrapped).unwrap(), data);
            assert!(kwp_unwrap(&key(32), &[9; 4], &wrapped).is_err());
            for place in 0..wrapped.len() {
                let mut bent = wrapped.clone();
                bent[place] ^= 0x80;
                assert!(matches!(kwp_unwrap(&key(32), &iv, &bent), Err(Error::InvalidData(_))));
            }
        }
        for len in [0, 1, 8, 15, 17] {
            assert!(kwp_unwrap(&key(32), &iv, &vec![0; len]).is_err());
        }
        assert!(kwp_wrap(&key(32), &iv, &Secret::new(vec![])).is_err());
    }
}

#[test]
fn key_wrap_checks_length_and_initial_value() {
    let data = Secret::new(vec![3; 24]);
    for iv in [KW_IV, [8; 8]] {
        let wrapped = kw_wrap(&key(24), &iv, &data).unwrap();
        assert_eq!(kw_unwrap(&key(24), &iv, &wrapped).unwrap(), data);
        assert!(matches!(kw_unwrap(&key(24), &[9; 8], &wrapped), Err(Error::InvalidData(_))));
    }
    for len in [0, 8, 15, 23] {
        assert!(matches!(kw_wrap(&key(24), &KW_IV, &Secret::new(vec![0; len])), Err(Error::InvalidData(_))));
        assert!(matches!(kw_unwrap(&key(24), &KW_IV, &vec![0; len]), Err(Error::InvalidData(_))));
    }
}

/// RFC 5869, "Test Case 1".
#[test]
fn hkdf_gives_what_rfc_5869_says() {
    let prk =
        kdf::hkdf_extract(Hash::Sha256, &hex("000102030405060708090a0b0c"), &Secret::new(vec![0x0b; 22]));
    let okm = kdf::hkdf_expand(Hash::Sha256, &prk.unwrap(), &hex("f0f1f2f3f4f5f6f7f8f9"), 42).unwrap();
    let expected =
        hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    assert_eq!(okm.as_bytes(), expected);
    assert_eq!(kdf::hkdf_expand(Hash::Sha256, &okm, b"", 255 * 32 + 1), Err(Error::TooLong));
}

/// NIST CAVS `ansx963_2001.rsp`, SHA-1 and SHA-256.
#[test]
fn the_x9_63_kdf_gives_what_nist_says() {
    let z = Secret::new(hex("1c7d7b5f0597b03d06a018466ed1a93e30ed4b04dc64ccdd"));
    let derived = kdf::x963(Hash::Sha1, &z, b"", 16).unwrap();
    assert_eq!(derived.as_bytes(), hex("bf71dffd8f4d99223936beb46fee8ccc"));
    let z = Secret::new(hex("96c05619d56c328ab95fe84b18264b08725b85e33fd34f08"));
    let derived = kdf::x963(Hash::Sha256, &z, b"", 16).unwrap();
    assert_eq!(derived.as_bytes(), hex("443024c3dae66b95e6f5670601558f71"));
    // More than one round, and a part of one.
    let long = kdf::x963(Hash::Sha256, &z, b"info", 70).unwrap();
    let second = digest(Hash::Sha256, &[z.as_bytes(), &[0, 0, 0, 2], b"info"].concat()).unwrap();
    assert_eq!(long.as_bytes()[32..64], second);
    assert_eq!(long.len(), 70);
}

/// RFC 6070.
#[test]
fn pbkdf2_gives_what_rfc_6070_says() {
    let password = Secret::new(b"password".to_vec());
    let derived = kdf::pbkdf2(Hash::Sha1, &password, b"salt", 4096, 20).unwrap();
    assert_eq!(derived.as_bytes(), hex("4b007901b765489abead49d926f721d065a429c1"));
    let refused = kdf::pbkdf2(Hash::Sha1, &password, b"salt", 0, 20);
    assert!(matches!(refused, Err(Error::InvalidParameter(_))));
}

/// RFC 4493, "Test Vectors".
#[test]
fn cmac_gives_what_rfc_4493_says() {
    let key = Key::new(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
    assert_eq!(cmac(&key, b"").unwrap(), hex("bb1d6929e95937287fa37d129b756746"));
    let block = hex("6bc1bee22e409f96e93d7e117393172a");
    assert_eq!(cmac(&key, &block).unwrap(), hex("070a16b46b4d4144f79bdd9dd04a287c"));
}
