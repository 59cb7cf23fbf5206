//! Signatures, and the public keys that verify them.

use crypto::Hash;
use der::asn1::UintRef;
use der::{Decode, Encode, Sequence};
use wire::{Mechanism, MechanismId, Params, Value};

use super::allow::Found;
use super::data::{mechanism, usable};
use super::error::{KmsError, Result};
use super::spec::{Family, Spec, Usage};
use super::{Key, KeyId, Kms};
use crate::caller::Caller;

/// The most bytes of a message that is signed here whole.
const MAX_MESSAGE: usize = 4096;

/// What is given to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// All of it.
    Raw(&'a [u8]),
    /// Its digest, by the algorithm's hash.
    Digest(&'a [u8]),
}

impl<'a> Message<'a> {
    /// A message of the type that the interface writes so.
    ///
    /// # Errors
    /// `Field`
    pub fn of(kind: Option<&str>, bytes: &'a [u8]) -> Result<Self> {
        match kind {
            None | Some("DIGEST") => Ok(Self::Digest(bytes)),
            Some("RAW") => Ok(Self::Raw(bytes)),
            Some(other) => {
                Err(KmsError::Field(format!("message_type {other:?} is unknown: expected DIGEST or RAW")))
            }
        }
    }

    const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Raw(bytes) | Self::Digest(bytes) => bytes,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Pkcs1,
    Pss,
    Ecdsa,
    Ed25519,
    Ed25519Prehashed,
    Sm2,
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm {
    name: &'static str,
    scheme: Scheme,
    /// Of SM2, whose hash is SM3, one that is as long.
    hash: Hash,
    specs: &'static [Spec],
}

const RSA: &[Spec] = &[Spec::Rsa2048, Spec::Rsa3072, Spec::Rsa4096];

const fn row(name: &'static str, scheme: Scheme, hash: Hash, specs: &'static [Spec]) -> Algorithm {
    Algorithm { name, scheme, hash, specs }
}

/// Every algorithm, with the keys that it is of.
static ALGORITHMS: &[Algorithm] = &[
    row("RSASSA_PSS_SHA_256", Scheme::Pss, Hash::Sha256, RSA),
    row("RSASSA_PSS_SHA_384", Scheme::Pss, Hash::Sha384, RSA),
    row("RSASSA_PSS_SHA_512", Scheme::Pss, Hash::Sha512, RSA),
    row("RSASSA_PKCS1_V1_5_SHA_256", Scheme::Pkcs1, Hash::Sha256, RSA),
    row("RSASSA_PKCS1_V1_5_SHA_384", Scheme::Pkcs1, Hash::Sha384, RSA),
    row("RSASSA_PKCS1_V1_5_SHA_512", Scheme::Pkcs1, Hash::Sha512, RSA),
    row("ECDSA_SHA_256", Scheme::Ecdsa, Hash::Sha256, &[Spec::EcP256, Spec::Secp256k1]),
    row("ECDSA_SHA_384", Scheme::Ecdsa, Hash::Sha384, &[Spec::EcP384]),
    row("SM2DSA_SM3", Scheme::Sm2, Hash::Sha256, &[Spec::Sm2]),
    row("ED25519_SHA_512", Scheme::Ed25519, Hash::Sha512, &[Spec::Ed25519]),
    row("ED25519_PH_SHA_512", Scheme::Ed25519Prehashed, Hash::Sha512, &[Spec::Ed25519]),
];

impl Algorithm {
    /// The algorithm that the interface writes so.
    ///
    /// # Errors
    /// `Algorithm`
    pub fn named(name: &str) -> Result<Self> {
        ALGORITHMS.iter().copied().find(|algorithm| algorithm.name == name).ok_or_else(|| {
            let names: Vec<_> = ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
            KmsError::Algorithm(format!(
                "signing_algorithm {name:?} is unknown: expected {}",
                names.join(", ")
            ))
        })
    }

    fn check(self, key: &Key, message: Message<'_>) -> Result<()> {
        if !self.specs.contains(&key.spec) {
            let text = format!("{} is no algorithm of keys of type {}", self.name, key.spec.name());
            return Err(KmsError::Algorithm(text));
        }
        match (message, self.scheme) {
            (Message::Digest(_), Scheme::Ed25519 | Scheme::Ed25519Prehashed) => {
                Err(KmsError::Field(format!("{} signs messages: message_type must be RAW", self.name)))
            }
            (Message::Digest(digest), _) if digest.len() != self.hash.len() => {
                let (len, expected) = (digest.len(), self.hash.len());
                Err(KmsError::DigestLength(format!(
                    "a digest by {} has {expected} bytes, not {len}",
                    self.name
                )))
            }
            (Message::Raw(message), _) if message.is_empty() || message.len() > MAX_MESSAGE => {
                Err(KmsError::Field(format!(
                    "message has 1 to {MAX_MESSAGE} bytes; of a longer one give the digest"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Whether its signatures are two numbers, which programs write as DER.
    const fn is_two_numbers(self) -> bool {
        matches!(self.scheme, Scheme::Ecdsa | Scheme::Sm2)
    }

    /// The mechanism of the HSM, and what it is given.
    fn mechanism(self, message: Message<'_>) -> Result<(Mechanism, Vec<u8>)> {
        let none = |id| Mechanism { id: MechanismId(id), params: Params::None };
        let data = message.bytes().to_vec();
        // The numbers of the mechanisms with a hash follow one another: SHA-256, SHA-384, SHA-512.
        let step = match self.hash {
            Hash::Sha256 => 0,
            Hash::Sha384 => 1,
            _ => 2,
        };
        let pss = |id: u64| {
            // CKM_SHA256 and its like, CKG_MGF1_SHA256 and its like, and a salt as long as the digest.
            let (hash, mgf) = ([0x250, 0x260, 0x270], [2, 3, 4]);
            let (Some(hash), Some(mgf)) = (hash.get(step), mgf.get(step)) else {
                return Err(KmsError::Internal("PSS is with a hash of the table"));
            };
            mechanism(id, vec![Value::Ulong(*hash), Value::Ulong(*mgf), Value::Ulong(self.hash.len() as u64)])
        };
        let step = step as u64;
        Ok(match (self.scheme, message) {
            (Scheme::Pkcs1, Message::Raw(_)) => (none(0x40 + step), data),
            (Scheme::Pkcs1, Message::Digest(digest)) => (none(0x1), digest_info(self.hash, digest)?),
            (Scheme::Pss, Message::Raw(_)) => (pss(0x43 + step)?, data),
            (Scheme::Pss, Message::Digest(_)) => (pss(0xd)?, data),
            (Scheme::Ecdsa, Message::Raw(_)) => (none(0x1044 + step), data),
            (Scheme::Ecdsa, Message::Digest(_)) => (none(0x1041), data),
            (Scheme::Sm2, Message::Raw(_)) => (none(0xc34c_5603), data),
            (Scheme::Sm2, Message::Digest(_)) => (none(0xc34c_5602), data),
            (Scheme::Ed25519, _) => (none(0x1057), data),
            (Scheme::Ed25519Prehashed, _) => {
                (mechanism(0x1057, vec![Value::Bool(1), Value::Bytes(Vec::new().into())])?, data)
            }
        })
    }
}

impl Kms {
    /// Signs a message or its digest. A signature by ECDSA is DER, as most programs have it.
    ///
    /// # Errors
    /// What [`Algorithm`] does not fit, `DigestLength`, `Field`; how the key stands; `NoKey`, `Forbidden`.
    pub fn sign(
        &self,
        caller: &Caller,
        key: &str,
        algorithm: Algorithm,
        message: Message<'_>,
    ) -> Result<(KeyId, Vec<u8>)> {
        let found = self.permitted(caller, "Sign", key)?;
        let key = signer(&found, algorithm, message)?;
        let (mechanism, data) = algorithm.mechanism(message)?;
        let signature = self.desk(key.slot, caller)?.sign(key.current()?.closed, mechanism, &data)?;
        let signature = if algorithm.is_two_numbers() { to_der(&signature)? } else { signature };
        Ok((key.id, signature))
    }

    /// Whether a signature is right.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn verify(
        &self,
        caller: &Caller,
        key: &str,
        algorithm: Algorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(KeyId, bool)> {
        let found = self.permitted(caller, "ValidateSignature", key)?;
        let key = signer(&found, algorithm, message)?;
        let (mechanism, data) = algorithm.mechanism(message)?;
        let raw = match algorithm.is_two_numbers() {
            true => match from_der(signature, key.spec) {
                Some(raw) => raw,
                None => return Ok((key.id, false)),
            },
            false => signature.to_vec(),
        };
        let open = key.current()?.open.ok_or(KmsError::SymmetricSigns)?;
        Ok((key.id, self.desk(key.slot, caller)?.verify(open, mechanism, &data, &raw)?))
    }

    /// The public half of a key as SubjectPublicKeyInfo, DER.
    ///
    /// # Errors
    /// `Symmetric`; `Disabled` and its like; `NoKey`, `Forbidden`.
    pub fn public_key(&self, caller: &Caller, key: &str) -> Result<(KeyId, Vec<u8>)> {
        let found = self.permitted(caller, "ShowPublicKey", key)?;
        let key = &found.key;
        if !key.spec.family().is_pair() {
            return Err(KmsError::Symmetric);
        }
        key.check_enabled()?;
        let open = key.current()?.open.ok_or(KmsError::Symmetric)?;
        Ok((key.id, self.desk(key.slot, caller)?.public_key(open)?))
    }
}

fn signer<'a>(found: &'a Found, algorithm: Algorithm, message: Message<'_>) -> Result<&'a Key> {
    let key = usable(found, Usage::SignVerify)?;
    if matches!(key.spec.family(), Family::Cipher | Family::Mac) {
        return Err(KmsError::SymmetricSigns);
    }
    algorithm.check(key, message)?;
    Ok(key)
}

/// DER of `DigestInfo` (RFC 8017, section 9.2).
fn digest_info(hash: Hash, digest: &[u8]) -> Result<Vec<u8>> {
    let last = match hash {
        Hash::Sha256 => 1,
        Hash::Sha384 => 2,
        Hash::Sha512 => 3,
        _ => return Err(KmsError::Internal("PKCS #1 is with a hash of the table")),
    };
    let len = u8::try_from(digest.len()).map_err(|_| KmsError::Internal("a digest is short"))?;
    let mut info = vec![0x30, 17 + len, 0x30, 0x0d, 0x06, 0x09];
    info.extend([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, 0x05, 0x00, 0x04, len]);
    info.extend(digest);
    Ok(info)
}

/// `ECDSA-Sig-Value` (RFC 3279).
#[derive(Sequence)]
struct Signature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

fn to_der(raw: &[u8]) -> Result<Vec<u8>> {
    let failed = |_| KmsError::Internal("a signature has a DER encoding");
    let (r, s) = raw.split_at(raw.len() / 2);
    let (r, s) = (UintRef::new(r).map_err(failed)?, UintRef::new(s).map_err(failed)?);
    Signature { r, s }.to_der().map_err(failed)
}

/// Both numbers, as long as the curve's field; none of what is no signature on the curve.
fn from_der(der: &[u8], spec: Spec) -> Option<Vec<u8>> {
    let len = match spec {
        Spec::EcP384 => 48,
        _ => 32,
    };
    let Signature { r, s } = Signature::from_der(der).ok()?;
    let mut raw = Vec::with_capacity(2 * len);
    for number in [r.as_bytes(), s.as_bytes()] {
        raw.resize(raw.len() + len.checked_sub(number.len())?, 0);
        raw.extend(number);
    }
    Some(raw)
}
