//! DSA and Diffie–Hellman: what makes no group, no key and no public value, whoever asks.

use crypto::dh::{self, Group};
use crypto::dsa::{self, Parameters};
use rsa::BigUint;

fn big(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

#[test]
fn parameters_are_made_in_the_sizes_of_the_standard_and_are_new_each_time() {
    for (bits, subprime) in [(1024, 160), (2048, 224)] {
        let one = Parameters::generate(bits, subprime).unwrap();
        assert_eq!((big(one.prime()).bits(), big(one.subprime()).bits()), (bits, subprime));
        assert_ne!(one, Parameters::generate(bits, subprime).unwrap());
    }
    for (bits, subprime) in [(512, 160), (1024, 256), (3072, 224), (4096, 256), (0, 0), (usize::MAX, 160)] {
        assert!(Parameters::generate(bits, subprime).is_err(), "{bits} {subprime}");
    }
}

#[test]
fn a_signature_holds_for_its_digest_and_key_alone() {
    let parameters = Parameters::generate(1024, 160).unwrap();
    let [one, two] = [(); 2].map(|()| dsa::PrivateKey::generate(parameters.clone()).unwrap());
    let digest = [7; 20];
    let signature = one.sign(&digest).unwrap();
    assert_eq!(signature.len(), 40);
    assert_ne!(signature, one.sign(&digest).unwrap(), "each has a random number of its own");
    one.public().verify(&digest, &signature).unwrap();
    assert!(two.public().verify(&digest, &signature).is_err());
    assert!(one.public().verify(&[8; 20], &signature).is_err());
    for place in 0..signature.len() {
        let mut wrong = signature.clone();
        wrong[place] ^= 1;
        assert!(one.public().verify(&digest, &wrong).is_err(), "{place}");
    }
    // r and s of 0, of the subprime and above it; of the wrong length.
    let q = parameters.subprime();
    for half in [&[0; 20][..], q, &[0xff; 20]] {
        assert!(one.public().verify(&digest, &[half, &signature[20..]].concat()).is_err());
        assert!(one.public().verify(&digest, &[&signature[..20], half].concat()).is_err());
    }
    for len in [0, 20, 39, 41] {
        let cut: Vec<u8> = signature.iter().copied().chain([0]).take(len).collect();
        assert!(one.public().verify(&digest, &cut).is_err());
    }
    let again = dsa::PrivateKey::from_value(parameters, one.value().as_bytes()).unwrap();
    assert_eq!(again.public().value(), one.public().value());
}

/// A product of two primes can have a subprime that divides it less one and a base of that order: then all is right but
/// that it is no prime, and whoever made it knows its divisors.
#[test]
fn a_product_that_pretends_to_be_a_prime_is_found_out() {
    let parameters = Parameters::generate(1024, 160).unwrap();
    let (q, one) = (big(parameters.subprime()), big(&[1]));
    let is_prime = |number: &BigUint| {
        [2_u8, 3, 5, 7].iter().all(|base| big(&[*base]).modpow(&(number - &one), number) == one)
    };
    let factor = |mut k: BigUint| loop {
        let number = &k * &q + &one;
        if is_prime(&number) {
            break number;
        }
        k += &one;
    };
    let (a, b) = (factor(&one << 353_usize), factor((&one << 353_usize) + (&one << 352_usize)));
    let p = &a * &b;
    assert!(p.bits() >= 1024 && (&p - &one) % &q == big(&[0]));
    let g = big(&[2]).modpow(&((&a - &one) / &q * ((&b - &one) / &q)), &p);
    assert!(g != one && g.modpow(&q, &p) == one);
    let refused = Parameters::new(&p.to_bytes_be(), parameters.subprime(), &g.to_bytes_be());
    assert_eq!(refused.unwrap_err().to_string(), "invalid key: the modulus is not prime");
    assert!(Group::new(&p.to_bytes_be(), &[2]).is_err());
}

#[test]
fn both_sides_agree_and_a_value_of_small_order_is_refused() {
    let group = Group::named(2048).unwrap();
    let [one, two] = [(); 2].map(|()| dh::PrivateKey::generate(group.clone(), None).unwrap());
    let shared = one.agree(two.public().value()).unwrap();
    assert_eq!(shared, two.agree(one.public().value()).unwrap());
    assert_eq!(shared.len(), 256);
    let p = big(group.prime());
    for bad in [vec![], vec![0], vec![1], (&p - 1_u32).to_bytes_be(), p.to_bytes_be(), vec![0xff; 9000]] {
        assert!(one.agree(&bad).is_err());
        assert!(dh::PublicKey::from_value(group.clone(), &bad).is_err());
    }
    // Half the order gives 1 or p − 1, which everybody knows.
    let half = ((&p - 1_u32) >> 1).to_bytes_be();
    assert!(dh::PrivateKey::from_value(group.clone(), &half).is_err());
    let again = dh::PrivateKey::from_value(group, one.value().unwrap().as_bytes()).unwrap();
    assert_eq!(again.public(), one.public());
}

/// A prime of one's own is taken if it is safe. This one was made by OpenSSL (`openssl prime -generate -bits 1024
/// -safe -hex`).
#[test]
fn a_safe_prime_of_ones_own_is_taken_and_a_simple_one_is_not() {
    let safe = crate::hex(SAFE);
    let group = Group::new(&safe, &[2]).unwrap();
    let [one, two] = [(); 2].map(|()| dh::PrivateKey::generate(group.clone(), None).unwrap());
    assert_eq!(one.agree(two.public().value()).unwrap(), two.agree(one.public().value()).unwrap());
    let simple = Parameters::generate(1024, 160).unwrap();
    assert!(Group::new(simple.prime(), &[2]).is_err());
}

const SAFE: &str = "c50f31e3ae7b98e250efa4c3442cb2fc191f0891464d5cd87c2bf5b5e4889fe7\
    9791e391c400f4b2c215c167215bbfb437317291cba1b5cfb8d1e91cf431d007\
    3fb5c5d4e1f5dc70436eef41c37017f9a27fae468e368e6ac3bff5ce3ea366dc\
    00659805c5b0c771d05ffde995422171262eabb648611f12085e3a87e8059943";
