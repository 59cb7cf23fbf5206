//! Key generation: what is made has the attributes it must, and another library finds the same key in it.

use crypto::ec::Curve;
use hsm::Error;
use hsm::mechanism::Generated;
use hsm::object::{Attr, AttributeMap, AttributeValue};
use p256::elliptic_curve::sec1::ToSec1Point;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, RsaPrivateKey};
use wire::Params;

use crate::macs::HMACS;
use crate::support::{iv, row};

const RSA: u64 = 0x0;
const EC: u64 = 0x1040;
const EDWARDS: u64 = 0x1055;
const MONTGOMERY: u64 = 0x1056;
const AES: u64 = 0x1080;
const XTS: u64 = 0x1072;
const GENERIC: u64 = 0x350;
/// In the order of [`HMACS`].
const HMAC_KEYS: [u64; 11] =
    [0x4003, 0x4004, 0x4005, 0x4006, 0x4007, 0x4008, 0x4009, 0x2b8, 0x2b3, 0x2c3, 0x2d3];

/// A random key has no vector.
pub(crate) fn oracle() -> Vec<u64> {
    [RSA, EC, EDWARDS, MONTGOMERY, AES, XTS, GENERIC].into_iter().chain(HMAC_KEYS).collect()
}

pub(crate) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
pub(crate) const X25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x6e];

fn wanted(attributes: &[(Attr, &[u8])]) -> AttributeMap {
    attributes.iter().map(|(attribute, bytes)| (*attribute, AttributeValue::Plain((*bytes).into()))).collect()
}

fn len(bytes: u64) -> AttributeMap {
    wanted(&[(Attr::VALUE_LEN, &bytes.to_le_bytes())])
}

fn generate(id: u64, wanted: &AttributeMap) -> Result<Generated, Error> {
    row(id).generate.unwrap()(&Params::None, wanted)
}

fn generate_pair(id: u64, wanted: &AttributeMap) -> Result<Generated, Error> {
    row(id).generate_pair.unwrap()(&Params::None, wanted, &AttributeMap::new())
}

fn secret(attributes: &AttributeMap, attribute: Attr) -> &[u8] {
    match attributes.get(attribute) {
        Some(AttributeValue::Secret(secret)) => secret.as_bytes(),
        other => panic!("{attribute} is {other:?}"),
    }
}

fn names(attributes: &AttributeMap) -> Vec<Attr> {
    attributes.iter().map(|(attribute, _)| attribute).collect()
}

#[test]
fn an_rsa_key_pair_is_valid_for_another_library() {
    for (bits, exponent) in [(2048_u64, None), (2176, Some(&[3_u8][..])), (3072, Some(&[0, 1, 0, 1]))] {
        let mut template = wanted(&[(Attr::MODULUS_BITS, &bits.to_le_bytes())]);
        if let Some(exponent) = exponent {
            template.set_plain(Attr::PUBLIC_EXPONENT, exponent);
        }
        let Generated { private, public } = generate_pair(RSA, &template).unwrap();
        let number = |attribute| BigUint::from_bytes_be(secret(&private, attribute));
        let modulus = BigUint::from_bytes_be(public.plain(Attr::MODULUS).unwrap());
        let exponent = BigUint::from_bytes_be(public.plain(Attr::PUBLIC_EXPONENT).unwrap());
        let primes = vec![number(Attr::PRIME_1), number(Attr::PRIME_2)];
        let key = RsaPrivateKey::from_components(modulus, exponent, number(Attr::PRIVATE_EXPONENT), primes)
            .unwrap();
        key.validate().unwrap();
        assert_eq!(key.n().bits() as u64, bits);
        assert_eq!(public.ulong(Attr::MODULUS_BITS), Some(bits));
        let one = BigUint::from_bytes_be(&[1]);
        let (p, q, d) = (number(Attr::PRIME_1), number(Attr::PRIME_2), number(Attr::PRIVATE_EXPONENT));
        assert_eq!(number(Attr::EXPONENT_1), &d % (&p - &one));
        assert_eq!(number(Attr::EXPONENT_2), &d % (&q - &one));
        assert_eq!((number(Attr::COEFFICIENT) * &q) % &p, one);
        for attribute in [Attr::MODULUS, Attr::PUBLIC_EXPONENT] {
            assert_eq!(private.plain(attribute), public.plain(attribute));
        }
        assert_eq!((names(&private).len(), names(&public).len()), (8, 3));
    }
}

#[test]
fn an_rsa_template_that_cannot_be_says_why() {
    assert!(matches!(
        generate_pair(RSA, &AttributeMap::new()),
        Err(Error::TemplateIncomplete(Attr::MODULUS_BITS))
    ));
    for bits in [0_u64, 512, 1024, 2047, 2049, 8320, u64::MAX] {
        let made = generate_pair(RSA, &wanted(&[(Attr::MODULUS_BITS, &bits.to_le_bytes())]));
        assert!(matches!(made, Err(Error::AttributeValueInvalid { .. })), "{bits}");
    }
    let short = generate_pair(RSA, &wanted(&[(Attr::MODULUS_BITS, &[0, 8])]));
    assert!(matches!(short, Err(Error::AttributeValueInvalid { .. })));
    for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1; 9]] {
        let template =
            wanted(&[(Attr::MODULUS_BITS, &2048_u64.to_le_bytes()), (Attr::PUBLIC_EXPONENT, exponent)]);
        assert!(matches!(generate_pair(RSA, &template), Err(Error::TemplateInconsistent(_))), "{exponent:?}");
    }
}

/// The point that RustCrypto computes from the private value.
fn oracle_point(curve: Curve, scalar: &[u8]) -> Vec<u8> {
    macro_rules! point {
        ($module:ident) => {
            $module::SecretKey::from_slice(scalar)
                .unwrap()
                .public_key()
                .to_sec1_point(false)
                .as_bytes()
                .to_vec()
        };
    }
    match curve {
        Curve::P224 => point!(p224),
        Curve::P256 => point!(p256),
        Curve::P384 => point!(p384),
        Curve::P521 => point!(p521),
        Curve::Secp256k1 => point!(k256),
    }
}

#[test]
fn an_ec_key_pair_is_the_same_for_another_library() {
    let named: [(Curve, &[u8]); 6] = [
        (Curve::P224, b"\x13\x09secp224r1"),
        (Curve::P256, b"\x13\x09secp256r1"),
        (Curve::P256, b"\x13\x0aprime256v1"),
        (Curve::P384, b"\x13\x09secp384r1"),
        (Curve::P521, b"\x13\x09secp521r1"),
        (Curve::Secp256k1, b"\x13\x09secp256k1"),
    ];
    let identified = Curve::ALL.map(|curve| (curve, curve.oid()));
    for (curve, domain) in named.into_iter().chain(identified) {
        let Generated { private, public } = generate_pair(EC, &wanted(&[(Attr::EC_PARAMS, domain)])).unwrap();
        let point = oracle_point(curve, secret(&private, Attr::VALUE));
        let head: &[u8] =
            if point.len() < 128 { &[4, point.len() as u8] } else { &[4, 0x81, point.len() as u8] };
        assert_eq!(public.plain(Attr::EC_POINT).unwrap(), [head, &point].concat(), "{curve:?}");
        assert_eq!(public.plain(Attr::EC_PARAMS), Some(domain));
        assert_eq!(private.plain(Attr::EC_PARAMS), Some(domain));
        assert_eq!(names(&private), [Attr::VALUE, Attr::EC_PARAMS]);
    }
}

#[test]
fn ed25519_and_x25519_key_pairs_are_the_same_for_another_library() {
    let older = [0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
    for domain in [ED25519, &older, b"\x13\x0cedwards25519"] {
        let Generated { private, public } =
            generate_pair(EDWARDS, &wanted(&[(Attr::EC_PARAMS, domain)])).unwrap();
        let seed = secret(&private, Attr::VALUE).try_into().unwrap();
        let point = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        assert_eq!(public.plain(Attr::EC_POINT).unwrap(), [&[4, 32], &point[..]].concat());
    }
    let older = [0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01];
    for domain in [X25519, &older, b"\x13\x0acurve25519"] {
        let Generated { private, public } =
            generate_pair(MONTGOMERY, &wanted(&[(Attr::EC_PARAMS, domain)])).unwrap();
        let value: [u8; 32] = secret(&private, Attr::VALUE).try_into().unwrap();
        let point = x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(value));
        assert_eq!(public.plain(Attr::EC_POINT).unwrap(), [&[4, 32], &point.as_bytes()[..]].concat());
    }
}

#[test]
fn a_curve_that_is_not_supported_and_parameters_that_are_none_differ() {
    let brainpool: &[u8] = &[0x06, 0x09, 0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07];
    let ed448: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x71];
    for id in [EC, EDWARDS, MONTGOMERY] {
        assert!(matches!(
            generate_pair(id, &AttributeMap::new()),
            Err(Error::TemplateIncomplete(Attr::EC_PARAMS))
        ));
        for other in [brainpool, ed448, b"\x13\x07unknown"] {
            let made = generate_pair(id, &wanted(&[(Attr::EC_PARAMS, other)]));
            assert!(matches!(made, Err(Error::CurveNotSupported)), "{other:?}");
        }
        // Nothing, garbage, cut short, too long, NULL (implicitlyCA).
        for wrong in [&b""[..], &[0xff; 5], &[0x06, 0x08, 0x2a], &[0x06, 0x03, 0x2b, 0x65, 0x70, 0], &[5, 0]]
        {
            let made = generate_pair(id, &wanted(&[(Attr::EC_PARAMS, wrong)]));
            assert!(matches!(made, Err(Error::DomainParamsInvalid(_))), "{wrong:?}");
        }
    }
    let explicit = generate_pair(EC, &wanted(&[(Attr::EC_PARAMS, &[0x30, 0x03, 0x02, 0x01, 0x01])]));
    assert!(matches!(explicit, Err(Error::DomainParamsInvalid(_))));
}

#[test]
fn secret_keys_have_the_length_asked_for_and_never_come_twice() {
    let cases =
        [(AES, vec![16, 24, 32]), (XTS, vec![64]), (GENERIC, vec![1, 20, 4096]), (HMAC_KEYS[2], vec![1, 64])];
    for (id, lens) in cases {
        for wanted_len in lens {
            let Generated { private, public } = generate(id, &len(wanted_len)).unwrap();
            assert_eq!(secret(&private, Attr::VALUE).len() as u64, wanted_len);
            assert_eq!(private.ulong(Attr::VALUE_LEN), Some(wanted_len));
            assert_eq!(names(&public), []);
            if wanted_len >= 16 {
                let again = generate(id, &len(wanted_len)).unwrap().private;
                assert_ne!(secret(&private, Attr::VALUE), secret(&again, Attr::VALUE));
            }
        }
    }
}

#[test]
fn a_length_that_cannot_be_is_refused_before_memory_is_made_for_it() {
    for (id, wrong) in [
        (AES, vec![0, 8, 15, 17, 40, u64::MAX]),
        (XTS, vec![0, 32, 63, u64::MAX]),
        (GENERIC, vec![0, 4097, u64::MAX]),
        (HMAC_KEYS[0], vec![0, 4097, u64::MAX]),
    ] {
        for wrong in wrong {
            assert!(matches!(generate(id, &len(wrong)), Err(Error::AttributeValueInvalid { .. })), "{wrong}");
        }
        let odd = generate(id, &wanted(&[(Attr::VALUE_LEN, &[16])]));
        assert!(matches!(odd, Err(Error::AttributeValueInvalid { .. })));
    }
    for id in [AES, XTS, GENERIC] {
        let missing = generate(id, &AttributeMap::new());
        assert!(matches!(missing, Err(Error::TemplateIncomplete(Attr::VALUE_LEN))));
    }
}

#[test]
fn an_hmac_key_is_as_long_as_its_digest_unless_the_template_says() {
    for (id, (_, _, hash, _)) in HMAC_KEYS.into_iter().zip(HMACS) {
        let made = generate(id, &AttributeMap::new()).unwrap().private;
        assert_eq!(secret(&made, Attr::VALUE).len(), hash.len(), "{}", row(id).name);
        assert_eq!(
            row(id).key_types[0],
            row(HMACS.iter().find(|other| other.2 == hash).unwrap().0).key_types[0]
        );
    }
}

#[test]
fn a_generation_takes_no_parameter() {
    for id in oracle() {
        let parameter = iv(&[0; 16]);
        let made = match row(id).generate {
            Some(generate) => generate(&parameter, &len(16)),
            None => row(id).generate_pair.unwrap()(&parameter, &AttributeMap::new(), &AttributeMap::new()),
        };
        assert!(matches!(made, Err(Error::MechanismParamInvalid(_))), "{}", row(id).name);
    }
}
