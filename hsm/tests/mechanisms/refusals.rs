//! What is refused, by its exact error: keys of the wrong kind, parameters that are none, data that does not fit.

use std::sync::{Arc, LazyLock};

use crypto::{Hash, ec, ed25519, rsa, sm2, x25519};
use hsm::Error;
use hsm::mechanism::{DerivedKey, Mechanism};
use hsm::object::{KeyType, Material};
use wire::{Params, Value};

use crate::aead::{ccm, gcm};
use crate::blocks::ctr;
use crate::key_agreement::ecdh1;
use crate::rsa_encryption::{aes_wrap, oaep};
use crate::rsa_signatures::{PAIR, PKCS1, PSS, X509, pss};
use crate::support::{
    ALL, Key, decrypt, encrypt, iv, number, params, random, row, secret, sign, unwrap, verify, wrap,
};

/// A key of every kind.
pub(crate) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let curve = ec::PrivateKey::generate(ec::Curve::P256).unwrap();
    let edwards = ed25519::PrivateKey::generate().unwrap();
    let montgomery = x25519::PrivateKey::generate().unwrap();
    let national = sm2::PrivateKey::generate().unwrap();
    vec![
        Arc::clone(&PAIR.private),
        Arc::clone(&PAIR.public),
        Arc::new(Material::EcPublic(curve.public())),
        Arc::new(Material::Ec(curve)),
        Arc::new(Material::Ed25519Public(edwards.public())),
        Arc::new(Material::Ed25519(edwards)),
        Arc::new(Material::X25519Public(montgomery.public())),
        Arc::new(Material::X25519(montgomery)),
        secret(&[1; 16]),
        secret(&random(64)),
        Arc::new(Material::Sm2Public(national.public().clone())),
        Arc::new(Material::Sm2(national)),
        Arc::clone(&crate::dsa::PAIR.0),
        Arc::clone(&crate::dsa::PAIR.1),
        Arc::clone(&crate::dh::PAIR.0),
        Arc::clone(&crate::dh::PAIR.1),
    ]
});

pub(crate) const PRIVATE: usize = 0;
pub(crate) const PUBLIC: usize = 1;

/// Keys and a parameter with which the mechanism works: the private or secret key, then the public or secret one.
pub(crate) fn working(row: &Mechanism, data_len: usize) -> (Key, Key, Params) {
    let key = |at: usize| Arc::clone(&KEYS[at]);
    let (rsa, curve) = ((key(PRIVATE), key(PUBLIC)), (key(3), key(2)));
    let aes = (key(8), key(8));
    let name = row.name;
    let (keys, params) = match name {
        "CKM_RSA_PKCS_OAEP" => (rsa, oaep(Hash::Sha256, 2, b"label")),
        "CKM_RSA_AES_KEY_WRAP" => (rsa, aes_wrap(256, Hash::Sha1, 1, b"")),
        "CKM_RSA_PKCS_PSS" => (rsa, pss(Hash::Sha256, 2, 32)),
        _ if name.ends_with("_PSS") => {
            let hash = crate::rsa_signatures::HASHED.iter().find(|(_, id, _)| *id == row.id.0).unwrap().2;
            (rsa, pss(hash, 1, 20))
        }
        _ if row.key_types.contains(&KeyType::RSA) => (rsa, Params::None),
        "CKM_EDDSA" => ((key(5), key(4)), Params::None),
        _ if row.key_types.contains(&KeyType::DSA) => ((key(12), key(13)), Params::None),
        "CKM_DH_PKCS_DERIVE" => {
            let Material::DhPublic(peer) = &*KEYS[15] else { panic!("a Diffie-Hellman public key") };
            ((key(14), key(15)), iv(peer.value()))
        }
        "CKM_ECDH1_DERIVE" | "CKM_ECDH1_COFACTOR_DERIVE" => {
            let Material::EcPublic(peer) = &*KEYS[2] else { panic!("a public key on a curve") };
            (curve, ecdh1(1, b"", &peer.point().unwrap()))
        }
        _ if row.key_types.contains(&KeyType::EC) => (curve, Params::None),
        _ if row.key_types.contains(&KeyType::SM2) => ((key(11), key(10)), Params::None),
        "CKM_AES_XTS" => ((key(9), key(9)), iv(&[7; 16])),
        "CKM_AES_CBC" | "CKM_AES_CBC_PAD" | "CKM_SM4_CBC" | "CKM_SM4_CBC_PAD" => (aes, iv(&[7; 16])),
        "CKM_AES_CTR" | "CKM_SM4_CTR" => (aes, ctr(128, &[7; 16])),
        "CKM_AES_GCM" | "CKM_SM4_GCM" => (aes, gcm(&[7; 12], b"aad", 128)),
        "CKM_AES_CCM" => (aes, ccm(data_len, &[7; 12], b"aad", 16)),
        _ if name.ends_with("_GENERAL") => (aes, number(10)),
        _ => (aes, Params::None),
    };
    (keys.0, keys.1, params)
}

/// What each function of the row answers for this key and parameter; data that is too long or too short for any.
pub(crate) fn every_use(row: &Mechanism, key: &Key, params: &Params, data: &[u8]) -> Vec<Result<(), Error>> {
    let wanted = DerivedKey { key_type: KeyType::GENERIC_SECRET, len: Some(16) };
    let target = crypto::Secret::new(data.to_vec());
    let mut output = Vec::new();
    [
        row.sign.map(|begin| {
            begin(key, params).and_then(|mut op| op.update(data).and_then(|()| op.finish().map(drop)))
        }),
        row.verify.map(|begin| {
            begin(key, params).and_then(|mut op| op.update(data).and_then(|()| op.finish(data)))
        }),
        row.sign_recover.map(|sign| sign(key, params, data).map(drop)),
        row.verify_recover.map(|verify| verify(key, params, data).map(drop)),
        row.encrypt.map(|begin| begin(key, params).and_then(|op| op.whole(data, &mut output))),
        row.decrypt.map(|begin| begin(key, params).and_then(|op| op.whole(data, &mut Vec::new()))),
        row.wrap.map(|wrap| wrap(key, params, &target).map(drop)),
        row.unwrap.map(|unwrap| unwrap(key, params, data).map(drop)),
        row.derive.map(|derive| derive(key, params, wanted).map(drop)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The kinds of material that a mechanism of these key types uses, each way.
fn fits(row: &Mechanism, key: &Material) -> bool {
    row.key_types.iter().any(|key_type| match (*key_type, key) {
        (KeyType::RSA, Material::Rsa(_) | Material::RsaPublic(_))
        | (KeyType::DSA, Material::Dsa(_) | Material::DsaPublic(_))
        | (KeyType::DH, Material::Dh(_) | Material::DhPublic(_))
        | (KeyType::EC, Material::Ec(_) | Material::EcPublic(_))
        | (KeyType::EC_EDWARDS, Material::Ed25519(_) | Material::Ed25519Public(_))
        | (KeyType::EC_MONTGOMERY, Material::X25519(_) | Material::X25519Public(_)) => true,
        (KeyType::SM2, key) => matches!(key, Material::Sm2(_) | Material::Sm2Public(_)),
        (
            KeyType::RSA
            | KeyType::EC
            | KeyType::EC_EDWARDS
            | KeyType::EC_MONTGOMERY
            | KeyType::DSA
            | KeyType::DH,
            _,
        ) => false,
        (_, key) => matches!(key, Material::Secret(_)),
    })
}

#[test]
fn a_key_of_the_wrong_kind_is_named() {
    for row in ALL.iter() {
        let (.., params) = working(row, 16);
        for key in KEYS.iter().filter(|key| !fits(row, key)) {
            for answer in every_use(row, key, &params, &[1; 16]) {
                assert!(matches!(answer, Err(Error::KeyTypeInconsistent(_))), "{} with {key:?}", row.name);
            }
        }
    }
}

#[test]
fn the_other_half_of_the_key_pair_is_refused() {
    for row in ALL.iter() {
        let (private, public, params) = working(row, 16);
        if Arc::ptr_eq(&private, &public) {
            continue;
        }
        let refused = |answer: Option<Error>| match answer {
            Some(Error::KeyTypeInconsistent(_)) | None => {}
            Some(other) => panic!("{}: {other}", row.name),
        };
        let expect = |result: Result<(), Error>| Some(result.expect_err(row.name));
        refused(row.sign.and_then(|begin| expect(begin(&public, &params).map(drop))));
        refused(row.verify.and_then(|begin| expect(begin(&private, &params).map(drop))));
        refused(row.encrypt.and_then(|begin| expect(begin(&private, &params).map(drop))));
        refused(row.decrypt.and_then(|begin| expect(begin(&public, &params).map(drop))));
        refused(row.sign_recover.and_then(|sign| expect(sign(&public, &params, &[1]).map(drop))));
        refused(row.verify_recover.and_then(|verify| expect(verify(&private, &params, &[1]).map(drop))));
        let target = crypto::Secret::new(vec![1; 16]);
        refused(row.wrap.and_then(|wrap| expect(wrap(&private, &params, &target).map(drop))));
        refused(row.unwrap.and_then(|unwrap| expect(unwrap(&public, &params, &[1; 256]).map(drop))));
        let wanted = DerivedKey { key_type: KeyType::AES, len: Some(16) };
        refused(row.derive.and_then(|derive| expect(derive(&public, &params, wanted).map(drop))));
    }
}

#[test]
fn a_parameter_that_is_none_of_the_mechanism_is_refused() {
    for row in ALL.iter() {
        let (private, public, _) = working(row, 16);
        let wrong =
            [Params::Mismatch { len: 3 }, params(vec![Value::Null]), params(vec![Value::Ulong(u64::MAX)])];
        for params in wrong {
            for key in [&private, &public] {
                for answer in every_use(row, key, &params, &[1; 16]) {
                    let refused = matches!(
                        answer,
                        Err(Error::MechanismParamInvalid(_) | Error::KeyTypeInconsistent(_))
                    );
                    assert!(refused, "{}: {answer:?}", row.name);
                }
            }
        }
        if let Some(digest) = row.digest {
            assert!(matches!(digest(&iv(&[0; 16])), Err(Error::MechanismParamInvalid(_))));
        }
    }
}

#[test]
fn a_parameter_that_is_needed_is_missed() {
    const OPTIONAL: [&str; 6] = [
        "CKM_EDDSA",
        "CKM_AES_KEY_WRAP",
        "CKM_AES_KEY_WRAP_KWP",
        "CKM_AES_KEY_WRAP_PAD",
        "CKM_SM2_SM3",
        "CKM_SM2_ENCRYPT",
    ];
    for row in ALL.iter().filter(|row| !row.params.is_empty() && !OPTIONAL.contains(&row.name)) {
        let (private, public, _) = working(row, 16);
        for key in [private, public] {
            for answer in every_use(row, &key, &Params::None, &[1; 16]) {
                let refused =
                    matches!(answer, Err(Error::MechanismParamInvalid(_) | Error::KeyTypeInconsistent(_)));
                assert!(refused, "{}: {answer:?}", row.name);
            }
        }
    }
}

#[test]
fn a_pss_parameter_must_fit_mechanism_and_key() {
    let sha256 = crate::rsa_signatures::HASHED[2].1;
    for wrong in [
        pss(Hash::Sha384, 2, 32),
        pss(Hash::Sha256, 0, 32),
        pss(Hash::Sha256, 2, 223),
        pss(Hash::Sha256, 2, u64::MAX),
    ] {
        assert!(matches!(sign(sha256, &PAIR.private, &wrong, b""), Err(Error::MechanismParamInvalid(_))));
        assert!(matches!(
            verify(sha256, &PAIR.public, &wrong, b"", b""),
            Err(Error::MechanismParamInvalid(_))
        ));
    }
    // A mask of another hash is no contradiction.
    sign(sha256, &PAIR.private, &pss(Hash::Sha256, 1, 222), b"").unwrap();
    for len in [0, 31, 33] {
        let data = vec![1; len];
        assert!(matches!(
            sign(PSS, &PAIR.private, &pss(Hash::Sha256, 2, 32), &data),
            Err(Error::DataLenRange(_))
        ));
    }
}

#[test]
fn rsa_data_that_does_not_fit_is_named_by_its_length_or_its_value() {
    let none = &Params::None;
    assert!(matches!(sign(PKCS1, &PAIR.private, none, &[1; 246]), Err(Error::DataLenRange(_))));
    assert!(matches!(verify(PKCS1, &PAIR.public, none, &[1; 246], &[1; 256]), Err(Error::DataLenRange(_))));
    assert!(matches!(sign(X509, &PAIR.private, none, &[1; 257]), Err(Error::DataLenRange(_))));
    assert!(matches!(sign(X509, &PAIR.private, none, &[0xff; 256]), Err(Error::DataInvalid(_))));
    assert!(matches!(encrypt(X509, &PAIR.public, none, &[1; 257]), Err(Error::DataLenRange(_))));
    assert!(matches!(encrypt(X509, &PAIR.public, none, &[0xff; 256]), Err(Error::DataInvalid(_))));
    for id in [X509, PKCS1] {
        assert!(matches!(decrypt(id, &PAIR.private, none, &[1; 255]), Err(Error::EncryptedDataLenRange)));
        assert!(matches!(decrypt(id, &PAIR.private, none, &[0xff; 256]), Err(Error::EncryptedDataInvalid)));
        for len in [0, 255, 257] {
            let verified = verify(id, &PAIR.public, none, b"data", &vec![1; len]);
            assert!(matches!(verified, Err(Error::SignatureLenRange)));
            let recovered = row(id).verify_recover.unwrap()(&PAIR.public, none, &vec![1; len]);
            assert!(matches!(recovered, Err(Error::SignatureLenRange)));
        }
        assert!(matches!(
            verify(id, &PAIR.public, none, b"data", &[0xff; 256]),
            Err(Error::SignatureInvalid)
        ));
    }
    let sealed = oaep(Hash::Sha512, 4, b"");
    assert!(matches!(encrypt(0x9, &PAIR.public, &sealed, &[1; 127]), Err(Error::DataLenRange(_))));
    assert!(matches!(
        wrap(0x9, &PAIR.public, &sealed, &[1; 127]),
        Err(Error::KeySizeRange { bits: 1016, .. })
    ));
    assert!(matches!(unwrap(0x9, &PAIR.private, &sealed, &[1; 255]), Err(Error::WrappedKeyLenRange)));
    assert!(matches!(unwrap(0x9, &PAIR.private, &sealed, &[1; 256]), Err(Error::WrappedKeyInvalid)));
}

#[test]
fn blocks_that_are_not_whole_are_refused() {
    let key = secret(&[1; 32]);
    for (id, params) in [(0x1081, Params::None), (0x1082, iv(&[0; 16]))] {
        assert!(matches!(encrypt(id, &key, &params, &[1; 17]), Err(Error::DataLenRange(_))));
        assert!(matches!(decrypt(id, &key, &params, &[1; 17]), Err(Error::EncryptedDataLenRange)));
    }
    for len in [0, 15, 17] {
        let data = vec![1; len];
        assert!(matches!(decrypt(0x1085, &key, &iv(&[0; 16]), &data), Err(Error::EncryptedDataLenRange)));
    }
    let key = secret(&random(64));
    assert!(matches!(encrypt(0x1071, &key, &iv(&[0; 16]), &[1; 15]), Err(Error::DataLenRange(_))));
    assert!(matches!(decrypt(0x1071, &key, &iv(&[0; 16]), &[1; 15]), Err(Error::EncryptedDataLenRange)));
}

#[test]
fn a_tag_of_the_wrong_length_and_a_wrong_tag_differ() {
    let key = secret(&[1; 20]);
    let tag = sign(0x251, &key, &Params::None, b"data").unwrap();
    assert!(matches!(verify(0x251, &key, &Params::None, b"data", &tag[1..]), Err(Error::SignatureLenRange)));
    assert!(matches!(verify(0x251, &key, &Params::None, b"date", &tag), Err(Error::SignatureInvalid)));
    for len in [0, 33, u64::MAX] {
        assert!(matches!(sign(0x252, &key, &number(len), b""), Err(Error::MechanismParamInvalid(_))));
    }
}

/// Keys that the crate below refuses to make are never used: an RSA key below 1024 bits is one.
#[test]
fn a_small_rsa_key_is_no_key() {
    assert!(rsa::PublicKey::from_parts(&[0xff; 64], &[1, 0, 1]).is_err());
}
