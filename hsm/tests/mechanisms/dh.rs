//! Diffie–Hellman: OpenSSL's and RFC 5114's vectors, and the arithmetic of `num-bigint-dig`.

use std::sync::{Arc, LazyLock};

use crypto::dh::{Group, PrivateKey};
use hsm::Error;
use hsm::mechanism::{DerivedKey, Generated};
use hsm::object::{Attr, AttributeMap, AttributeValue, KeyType, Material};
use rsa::BigUint;
use wire::Params;

use crate::support::{Key, hex, iv, random, row};

const PARAMETERS: u64 = 0x2001;
const PAIRS: u64 = 0x20;
const DERIVE: u64 = 0x21;
pub(crate) const OUTSIDE: &[u64] = &[DERIVE];
pub(crate) const ORACLE: &[u64] = &[PARAMETERS, PAIRS, DERIVE];

const VECTORS: &str = include_str!("data/dh.txt");

/// A private and a public key.
pub(crate) static PAIR: LazyLock<(Key, Key)> = LazyLock::new(|| {
    let key = PrivateKey::generate(Group::named(2048).unwrap(), None).unwrap();
    (Arc::new(Material::Dh(key.clone())), Arc::new(Material::DhPublic(key.public())))
});

fn derive(key: &Key, peer: &[u8], len: Option<usize>) -> Result<Vec<u8>, Error> {
    let wanted = DerivedKey { key_type: KeyType::GENERIC_SECRET, len };
    row(DERIVE).derive.unwrap()(key, &iv(peer), wanted).map(|value| value.as_bytes().to_vec())
}

fn private(group: &Group, value: &[u8]) -> Key {
    Arc::new(Material::Dh(PrivateKey::from_value(group.clone(), value).unwrap()))
}

#[test]
fn an_agreement_is_what_openssl_and_rfc_5114_say() {
    let mut run = 0;
    for vector in VECTORS.split("\n\n").filter(|vector| vector.contains("P = ")) {
        let field = |name: &str| {
            let line = vector.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            let digits = line.unwrap();
            hex(&format!("{}{digits}", if digits.len() % 2 == 0 { "" } else { "0" }))
        };
        let group = Group::new(&field("P"), &field("G")).unwrap();
        for (own, peer) in [("XA", "YB"), ("XB", "YA")] {
            let derived = derive(&private(&group, &field(own)), &field(peer), None).unwrap();
            assert_eq!(derived, field("Z"));
            let cut = derive(&private(&group, &field(own)), &field(peer), Some(32)).unwrap();
            assert_eq!(cut, field("Z")[field("Z").len() - 32..]);
            run += 1;
        }
    }
    assert_eq!(run, 4);
    assert!(VECTORS.contains("Z = 0000"), "one secret begins with zeros, which belong to it");
}

fn group_attributes(group: &Group) -> AttributeMap {
    let mut attributes = AttributeMap::new();
    attributes.set_plain(Attr::PRIME, group.prime());
    attributes.set_plain(Attr::BASE, group.base());
    attributes
}

fn generate(public: &AttributeMap, bits: Option<u64>) -> Result<Generated, Error> {
    let mut private = AttributeMap::new();
    if let Some(bits) = bits {
        private.set_ulong(Attr::VALUE_BITS, bits);
    }
    row(PAIRS).generate_pair.unwrap()(&Params::None, public, &private)
}

fn parts(made: &Generated) -> (BigUint, BigUint) {
    let Some(AttributeValue::Secret(x)) = made.private.get(Attr::VALUE) else { panic!("a private value") };
    let y = made.public.plain(Attr::VALUE).unwrap();
    (BigUint::from_bytes_be(x.as_bytes()), BigUint::from_bytes_be(y))
}

#[test]
fn keys_and_agreements_are_those_of_plain_arithmetic() {
    for (bits, asked) in [(2048, None), (2048, Some(240)), (3072, None), (4096, None)] {
        let mut wanted = AttributeMap::new();
        wanted.set_ulong(Attr::PRIME_BITS, bits);
        let group = row(PARAMETERS).generate.unwrap()(&Params::None, &wanted).unwrap().private;
        let p = BigUint::from_bytes_be(group.plain(Attr::PRIME).unwrap());
        let g = BigUint::from_bytes_be(group.plain(Attr::BASE).unwrap());
        assert_eq!(p.bits() as u64, bits);
        let (one, two) = (generate(&group, asked).unwrap(), generate(&group, None).unwrap());
        let ((x1, y1), (x2, y2)) = (parts(&one), parts(&two));
        assert_ne!(x1, x2);
        assert!(x2.bits() > 200 && asked.is_none_or(|asked| x1.bits() as u64 <= asked));
        assert_eq!(g.modpow(&x1, &p), y1);
        assert_eq!(g.modpow(&x2, &p), y2);
        let group = Group::new(&p.to_bytes_be(), &g.to_bytes_be()).unwrap();
        let shared = derive(&private(&group, &x1.to_bytes_be()), &y2.to_bytes_be(), None).unwrap();
        assert_eq!(shared.len() as u64, bits / 8);
        assert_eq!(BigUint::from_bytes_be(&shared), y1.modpow(&x2, &p));
    }
}

/// RFC 3526 says how its primes are made: of π.
#[test]
fn the_primes_that_are_handed_out_are_safe() {
    for bits in [2048_u64, 3072, 4096, 6144, 8192] {
        let group = Group::named(bits as usize).unwrap();
        let p = BigUint::from_bytes_be(group.prime());
        let ones = BigUint::from_bytes_be(&[0xff; 8]);
        assert_eq!(&p >> (bits as usize - 64), ones);
        assert_eq!(&p % (&ones + 1_u32), ones);
        if bits <= 3072 {
            let prime = |number: &BigUint| rsa_prime(number);
            assert!(prime(&p) && prime(&(&p >> 1)), "{bits}");
        }
    }
}

/// Fermat's test to a few bases: enough for a number that nobody chose to pass it.
fn rsa_prime(number: &BigUint) -> bool {
    [2_u32, 3, 5, 7].into_iter().all(|base| {
        let base = BigUint::from_bytes_be(&base.to_be_bytes());
        base.modpow(&(number - 1_u32), number) == BigUint::from_bytes_be(&[1])
    })
}

#[test]
fn a_public_value_that_is_degenerate_or_not_of_the_group_is_refused() {
    let group = Group::named(2048).unwrap();
    let p = BigUint::from_bytes_be(group.prime());
    let (key, _) = &*PAIR;
    let number = |number: u32| number.to_be_bytes().to_vec();
    for bad in [
        number(0),
        number(1),
        (&p - 1_u32).to_bytes_be(),
        p.to_bytes_be(),
        (&p + 1_u32).to_bytes_be(),
        vec![0xff; 256],
        vec![0xff; 1024],
        vec![1; 5000],
        vec![],
    ] {
        assert!(matches!(derive(key, &bad, None), Err(Error::MechanismParamInvalid(_))), "{bad:02x?}");
    }
    assert!(derive(key, &number(2), None).is_ok());
    // Of a group with a subgroup, what is outside that tells something of the private value.
    let vector = VECTORS.split("\n\n").find(|vector| vector.contains("RFC 5114")).unwrap();
    let field = |name: &str| hex(vector.lines().find_map(|line| line.strip_prefix(name)).unwrap());
    let group = Group::new(&field("P = "), &field("G = ")).unwrap();
    let key = private(&group, &field("XA = "));
    assert!(derive(&key, &field("YB = "), None).is_ok());
    for outside in [3, 5, 7] {
        let derived = derive(&key, &number(outside), None);
        assert!(matches!(derived, Err(Error::MechanismParamInvalid(_))), "{outside}");
    }
    for len in [0, 257] {
        let derived = derive(&key, &field("YB = "), Some(len));
        assert!(matches!(derived, Err(Error::AttributeValueInvalid { .. })));
    }
}

#[test]
fn a_group_that_gives_keys_away_is_refused() {
    let good = Group::named(2048).unwrap();
    let p = BigUint::from_bytes_be(good.prime());
    let make = |p: &[u8], g: &[u8]| {
        let mut attributes = group_attributes(&good);
        attributes.set_plain(Attr::PRIME, p);
        attributes.set_plain(Attr::BASE, g);
        generate(&attributes, None).map(drop)
    };
    make(good.prime(), &[2]).unwrap();
    make(good.prime(), &[5]).unwrap();
    // A prime of DSA's, whose group has small parts; one too short; one too long to be looked at; none at all.
    let dsa = crypto::dsa::Parameters::generate(2048, 256).unwrap();
    let mut composite = random(256);
    composite[0] |= 0x80;
    composite[255] |= 3;
    let long = [&[0x80][..], &random(767), &[7]].concat();
    for (prime, base) in [
        (dsa.prime(), dsa.base()),
        (&composite[..], &[2][..]),
        (&long, &[2]),
        (&[23], &[5]),
        (&[], &[]),
        (&[0xff; 2000], &[2]),
        (good.prime(), &[1]),
        (good.prime(), &[0]),
        (good.prime(), &(&p - 1_u32).to_bytes_be()),
        (good.prime(), good.prime()),
    ] {
        assert!(matches!(make(prime, base), Err(Error::DomainParamsInvalid(_))), "{prime:02x?}");
    }
    for bits in [0, 1, 223, 2048, u64::MAX] {
        let made = generate(&group_attributes(&good), Some(bits));
        assert!(
            matches!(made, Err(Error::AttributeValueInvalid { attribute: Attr::VALUE_BITS, .. })),
            "{bits}"
        );
    }
    for bits in [0_u64, 1024, 2049, 16384, u64::MAX] {
        let mut wanted = AttributeMap::new();
        wanted.set_ulong(Attr::PRIME_BITS, bits);
        let made = row(PARAMETERS).generate.unwrap()(&Params::None, &wanted);
        assert!(matches!(made, Err(Error::AttributeValueInvalid { .. })), "{bits}");
    }
}
