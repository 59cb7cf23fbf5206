//! Known-answer tests: algorithms compute once what other software computed before, when the daemon starts, so that a
//! library that was built wrongly or damaged never touches a key. SECURITY.md names what is tested and what is not.
//!
//! AWS-LC has tests of its own, but runs them only in the build that is made for FIPS 140, which this is not, and
//! RustCrypto, which has the SM algorithms, runs none. The answers here are OpenSSL's, by way of Python's `cryptography`;
//! those that standards print, where that is said; and for ML-DSA Wycheproof's.

use crate::aes::{Cipher, Key, Mode};
use crate::ed25519::Variant;
use crate::{Error, Hash, Secret, aead, ec, ed25519, hash, keywrap, mac, mldsa, rsa, sm2, sm3, sm4, x25519};

/// What all answers are about.
const MESSAGE: &[u8] = b"known answer";

/// A test of one family.
pub struct Test {
    /// What is tested, as SECURITY.md names it.
    pub name: &'static str,
    /// The answer computed now, and the one that is known, in hexadecimal.
    run: fn() -> Result<(Vec<u8>, &'static str), Error>,
}

/// A family whose answer is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the self-test of {0} failed: nothing is done with keys")]
pub struct Failed(pub &'static str);

/// Every test, in the order in which they run.
pub const TESTS: &[Test] = &[
    Test { name: "SHA-1", run: || Ok((hash::digest(Hash::Sha1, MESSAGE)?, SHA1)) },
    Test { name: "SHA-256", run: || Ok((hash::digest(Hash::Sha256, MESSAGE)?, SHA256)) },
    Test { name: "SHA-512", run: || Ok((hash::digest(Hash::Sha512, MESSAGE)?, SHA512)) },
    Test { name: "SHA3-256", run: || Ok((hash::digest(Hash::Sha3_256, MESSAGE)?, SHA3)) },
    Test { name: "HMAC-SHA-256", run: || Ok((mac::hmac(Hash::Sha256, &KEY, MESSAGE)?, HMAC)) },
    Test { name: "AES-CBC", run: aes_cbc },
    Test { name: "AES-CMAC", run: || Ok((mac::cmac(&Key::new(&KEY)?, MESSAGE)?, CMAC)) },
    Test {
        name: "AES-GCM",
        run: || Ok((aead::gcm_seal(&Key::new(&KEY)?, &[0; 12], b"aad", 16, MESSAGE)?, GCM)),
    },
    Test { name: "AES key wrap", run: key_wrap },
    Test { name: "RSA", run: rsa_verify },
    Test { name: "ECDSA", run: ecdsa_verify },
    Test { name: "Ed25519", run: ed25519_sign },
    Test { name: "X25519", run: x25519_agree },
    Test { name: "ML-DSA", run: mldsa_verify },
    Test { name: "SM2", run: sm2_verify },
    Test { name: "SM3", run: || Ok((sm3::digest(b"abc"), SM3)) },
    Test { name: "SM4", run: sm4_encrypt },
];

/// Runs every test. `fault` is the name of one whose answer is changed before it is compared, to see that a failure is
/// noticed.
///
/// # Errors
/// The first that fails.
pub fn run(fault: Option<&str>) -> Result<(), Failed> {
    for test in TESTS {
        let (mut answer, known) = (test.run)().map_err(|_| Failed(test.name))?;
        if fault == Some(test.name)
            && let Some(first) = answer.first_mut()
        {
            *first ^= 1;
        }
        let answer: String = answer.iter().map(|byte| format!("{byte:02x}")).collect();
        if answer != known {
            return Err(Failed(test.name));
        }
    }
    Ok(())
}

const KEY: [u8; 32] = *b"one key for all self-tests: abcd";

fn aes_cbc() -> Result<(Vec<u8>, &'static str), Error> {
    let mut out = Vec::new();
    let mut cipher = Cipher::encrypt(Mode::Cbc, &Key::new(&KEY)?, &[0; 16])?;
    cipher.update(&[0; 16], &mut out)?;
    cipher.finish(&mut out)?;
    Ok((out, CBC))
}

/// RFC 3394, "Wrap 128 bits of Key Data with a 128-bit KEK", and RFC 5649, the first example; and back again.
fn key_wrap() -> Result<(Vec<u8>, &'static str), Error> {
    let key = Key::new(&bytes("000102030405060708090a0b0c0d0e0f"))?;
    let secret = Secret::new(bytes("00112233445566778899aabbccddeeff"));
    let mut wrapped = keywrap::kw_wrap(&key, &keywrap::KW_IV, &secret)?;
    let padding = Key::new(&bytes("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"))?;
    let longer = Secret::new(bytes("c37b7e6492584340bed12207808941155068f738"));
    let padded = keywrap::kwp_wrap(&padding, &keywrap::KWP_IV, &longer)?;
    let back = keywrap::kw_unwrap(&key, &keywrap::KW_IV, &wrapped)? == secret
        && keywrap::kwp_unwrap(&padding, &keywrap::KWP_IV, &padded)? == longer;
    wrapped.extend(padded);
    if back { Ok((wrapped, KEY_WRAP)) } else { Err(Error::Failed("AES key wrap")) }
}

/// The answer of a verification is what was signed; nothing else may verify.
fn verified(
    signed: Vec<u8>,
    known: &'static str,
    verify: impl Fn(&[u8]) -> Result<(), Error>,
) -> Result<(Vec<u8>, &'static str), Error> {
    verify(&signed)?;
    let mut other = signed.clone();
    other.last_mut().into_iter().for_each(|byte| *byte ^= 1);
    match verify(&other) {
        Err(_) => Ok((signed, known)),
        Ok(()) => Err(Error::Failed("a verification")),
    }
}

fn rsa_verify() -> Result<(Vec<u8>, &'static str), Error> {
    let key = rsa::PublicKey::from_parts(&bytes(MODULUS), &[1, 0, 1])?;
    verified(hash::digest(Hash::Sha256, MESSAGE)?, SHA256, |digest| {
        key.verify_pkcs1(Some(Hash::Sha256), digest, &bytes(RSA_SIGNATURE))
    })
}

fn ecdsa_verify() -> Result<(Vec<u8>, &'static str), Error> {
    let key = ec::PublicKey::from_point(ec::Curve::P256, &bytes(POINT))?;
    verified(hash::digest(Hash::Sha256, MESSAGE)?, SHA256, |digest| key.verify(digest, &bytes(EC_SIGNATURE)))
}

/// Wycheproof, `mldsa_65_verify_test`: the first, a public key and a signature of a greeting.
fn mldsa_verify() -> Result<(Vec<u8>, &'static str), Error> {
    let both = bytes(include_str!("self_test/ml-dsa-65.hex"));
    let (key, signature) = both.split_at_checked(mldsa::PUBLIC).ok_or(Error::Failed("ML-DSA"))?;
    let key = mldsa::PublicKey::from_bytes(key)?;
    verified(b"Hello world".to_vec(), HELLO, |message| key.verify(message, signature))
}

/// GB/T 32918.5, annex A.
fn sm2_verify() -> Result<(Vec<u8>, &'static str), Error> {
    let key = sm2::PublicKey::from_point(&bytes(SM2_POINT))?;
    let mut digest = key.message_digest(sm2::DEFAULT_ID)?;
    digest.update(b"message digest");
    verified(digest.finish(), SM2, |digest| key.verify_digest(digest, &bytes(SM2_SIGNATURE)))
}

/// GB/T 32907, annex A: the first.
fn sm4_encrypt() -> Result<(Vec<u8>, &'static str), Error> {
    let block = bytes("0123456789abcdeffedcba9876543210");
    let mut out = Vec::new();
    let mut cipher = sm4::Cipher::encrypt(Mode::Ecb, &sm4::Key::new(&block)?, &[])?;
    cipher.update(&block, &mut out)?;
    cipher.finish(&mut out)?;
    Ok((out, SM4))
}

/// RFC 8032, "Test Vectors for Ed25519": the first.
fn ed25519_sign() -> Result<(Vec<u8>, &'static str), Error> {
    let seed = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
    Ok((ed25519::PrivateKey::from_seed(&seed)?.sign(Variant::Pure, &[])?, ED25519))
}

/// What both sides come to.
fn x25519_agree() -> Result<(Vec<u8>, &'static str), Error> {
    let own = bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let peer = bytes("358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254");
    let shared = x25519::PrivateKey::from_bytes(&own)?.agree(&x25519::PublicKey::from_bytes(&peer)?)?;
    Ok((shared.as_bytes().to_vec(), X25519))
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

const SHA1: &str = "9c912ea4332496a781b0c917f7e26691371aa0fd";
const SHA256: &str = "20e18dd9752c4dd88526af94b8865bc2df5c78b743102279a8ebad9a4fd0327c";
const SHA512: &str = "7264acb32b1f3013f0655a78e70a956ae9da60de02a72d7ff99c0c7194ede890c48f5468ad9772d5322006a026ddd024\
     add06dca8a2f9015d140977f6f139f4b";
const SHA3: &str = "2fb52094dde50bd572eb51a8cf7e52c2244119519d68224ac36bf85c5b33145c";
const HMAC: &str = "16a96bd40ecbed3ce43db7a465888e6335fed2719d9b2d985355b9eea321c7ec";
const CBC: &str = "0171b7adac20a0820b11bd9d7d3eff05";
const CMAC: &str = "5b1e9e9f6d07b886f8e14e3f6326b888";
const GCM: &str = "70196c5403c9d68e540722056a94e2067e2cd335d303d1ed7fd1c8aa";
const KEY_WRAP: &str = "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a";
const HELLO: &str = "48656c6c6f20776f726c64";
/// GB/T 32918.5, annex A: e, the public key and the signature.
const SM2: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
const SM2_POINT: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
const SM2_SIGNATURE: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
/// GB/T 32905, annex A: the first.
const SM3: &str = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
const SM4: &str = "681edf34d206965e86b3e94f536e4246";
const POINT: &str = "0487913d289a969767d9c9b7d30568b0814aec4cc3498542465da04bf5d8ce822088952494a9448fa1a3064ffb94a1a7\
     3f1455976fb24b493b5ad8127521f7f87b";
const EC_SIGNATURE: &str = "3ff59fdfe3f6efbbc7e56837163a3ab820a31d8f88e78200b1c6a55b468ada375761eec8d7de3c0b9641ee9227233bcf\
     8b19b186aae26e8b993e9173d80c2b38";
const MODULUS: &str = "dcbcb354a42536ba542bb3bf9ddfaab1cd74445155bb026d385e2359b68dadb38501169e43c4cba6ffe57d6241c933a2\
     ca530bbe8eb947712f4b1377722a3372ba108014ad2a49cf2b9584b872a23df4501dba495f8a45576aa061d0eab08ead\
     36e90f964bfcc42a22e7251a0497f273a7d7e0209b30b91ceb1584c1ed92a142ff71151a11e96aa30eac2c26ea1062ee\
     53e643c0df4445766282ceb3bc39fecd58b85a508e37dfa940f4847fa55739529e08294eae7bed51fd3806e35b007017\
     b17cf89f1e65639d189fcdc88f29a2d330557c53c9fd3f8719c260430956aeeaad0ac67439a24c0e6780cfd83f4b6239\
     ffc872a419e385a289db26762eda4575";
const RSA_SIGNATURE: &str = "8b8b678a8de1e527ae24b43d22729f56f59aa7695a1142b4023bcfa5e21bd6c6082667212cde99adfe8bc24fcf182cb7\
     d6096059a2a5dae601ae8eba6d3a3a11d177aea2a0dd5ee96ecf498c949c88846c9c91aca1bec3bda0e11dbf8e19f2d1\
     73079cffc1d02bc8b66e728cbb5995ae8d3b6afaf756c92d5994e26544fb8c573854363e613056b308413fdab2360c85\
     a77d19905ce7421b095ec48558617e732249aa1abec3c1706cbe9410537a95b812403ec69926f6bf7b809f6b7a126cd8\
     32f96f85ccd14b468accc8eab04e1f2967c7af9f687308f711827c909e73e016a9f2d2988a07cddfbacdeb2aecb8af1d\
     09270af1834f0ca9978ad8dbb45bdddf";
const ED25519: &str = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
const X25519: &str = "9663aa1da97e848a914a436d04163dfbb89178f107f1b5b77ed3854203382854";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_gives_the_known_answer_and_a_wrong_one_of_any_is_noticed() {
        assert_eq!(run(None), Ok(()));
        for test in TESTS {
            assert_eq!(run(Some(test.name)), Err(Failed(test.name)));
        }
    }
}
