//! The public half of a UKey: what is registered, verifies signatures, and seals secrets.

use std::fmt;

use crypto::{Hash, ec, ed25519, hash, sm2};

use crate::reader::Reader;
use crate::{Error, Id, Secret, hpke};

/// The most bytes of a UKey's name.
pub const MAX_NAME: usize = 64;
/// The most bytes of a signature's context.
pub const MAX_CONTEXT: usize = 255;

const WHAT: &str = "a UKey's public part";
const MAGIC: &[u8] = b"UKEYPUB";
const VERSION: u8 = 1;
/// Length in bytes of an Ed25519 or X25519 public key.
const SHORT: usize = 32;
/// Length in bytes of an uncompressed point of P-256 or SM2.
const POINT: usize = 65;

/// What a UKey's two key pairs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032) signs, X25519 (RFC 7748) receives secrets.
    Ed25519,
    /// ECDSA on P-256 with SHA-256 (FIPS 186-5) signs, ECDH on P-256 receives secrets.
    P256,
    /// SM2 signs with SM3 and the default identifier (GB/T 32918.2), and SM2 receives secrets (GB/T 32918.4).
    Sm2,
}

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::P256, Self::Sm2];

    /// Its name for people: `Ed25519`, `P-256` or `SM2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::P256 => "P-256",
            Self::Sm2 => "SM2",
        }
    }

    /// Its number in what is written.
    const fn code(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::P256 => 2,
            Self::Sm2 => 3,
        }
    }

    /// Length in bytes of each public key.
    const fn key_len(self) -> usize {
        match self {
            Self::Ed25519 => SHORT,
            Self::P256 | Self::Sm2 => POINT,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The public half of a UKey.
///
/// Written, it is, in bytes:
///
/// | offset | length | is |
/// |---:|---:|---|
/// | 0 | 7 | `UKEYPUB` |
/// | 7 | 1 | format version, 1 |
/// | 8 | 1 | algorithm: 1 Ed25519 with X25519, 2 P-256 twice, 3 SM2 twice |
/// | 9 | 1 | n, the length of the name, 1 to 64 |
/// | 10 | n | the holder's name for the key: UTF-8 without control characters |
/// | 10 + n | k | the key that verifies: k is 32 (Ed25519), or 65 (a point of P-256 or SM2, uncompressed) |
/// | 10 + n + k | k | the key that seals: X25519, or a point of P-256 or SM2, uncompressed |
#[derive(Clone, PartialEq, Eq)]
pub struct Public {
    name: String,
    algorithm: Algorithm,
    signing: Vec<u8>,
    sealing: Vec<u8>,
    id: Id,
}

impl Public {
    /// The most bytes that one has when it is written.
    pub const MAX_LEN: usize = MAGIC.len() + 3 + MAX_NAME + 2 * POINT;

    /// Of two public keys, Ed25519 and X25519.
    ///
    /// # Errors
    /// `Name` for a name that cannot be one; `Malformed` for keys of another length.
    pub fn ed25519(name: &str, signing: &[u8], sealing: &[u8]) -> Result<Self, Error> {
        Self::new(name, Algorithm::Ed25519, signing, sealing)
    }

    /// Of two points of P-256, uncompressed.
    ///
    /// # Errors
    /// `Name` for a name that cannot be one; `Malformed` for what is no point of the curve.
    pub fn p256(name: &str, signing: &[u8], sealing: &[u8]) -> Result<Self, Error> {
        Self::new(name, Algorithm::P256, signing, sealing)
    }

    /// Of two points of SM2, uncompressed.
    ///
    /// # Errors
    /// `Name` for a name that cannot be one; `Malformed` for what is no point of the curve.
    pub fn sm2(name: &str, signing: &[u8], sealing: &[u8]) -> Result<Self, Error> {
        Self::new(name, Algorithm::Sm2, signing, sealing)
    }

    fn new(name: &str, algorithm: Algorithm, signing: &[u8], sealing: &[u8]) -> Result<Self, Error> {
        check_name(name)?;
        for key in [signing, sealing] {
            check_key(algorithm, key).map_err(|why| Error::Malformed { what: WHAT, why })?;
        }
        // The name is not in it: a UKey that is given another name is the same UKey.
        let id = Id::of("Claviger UKey id", &[&[algorithm.code()], signing, sealing])?;
        Ok(Self {
            name: name.to_owned(),
            algorithm,
            signing: signing.to_vec(),
            sealing: sealing.to_vec(),
            id,
        })
    }

    /// The holder's name for it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its keys are.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What it is known by: the digest of its keys, whatever its name.
    #[must_use]
    pub const fn id(&self) -> Id {
        self.id
    }

    /// The public key that seals: 32 bytes of X25519, or an uncompressed point of P-256 or SM2.
    #[must_use]
    pub fn sealing(&self) -> &[u8] {
        &self.sealing
    }

    /// The public key that verifies: 32 bytes of Ed25519, or an uncompressed point of P-256 or SM2.
    #[must_use]
    pub fn signing(&self) -> &[u8] {
        &self.signing
    }

    /// As the table above says. At most [`Self::MAX_LEN`] bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // A name has at most 64 bytes, which its check holds.
        let name_len = u8::try_from(self.name.len()).unwrap_or(u8::MAX);
        let head = [VERSION, self.algorithm.code(), name_len];
        [MAGIC, &head, self.name.as_bytes(), &self.signing, &self.sealing].concat()
    }

    /// Reads what [`Self::to_bytes`] wrote, and nothing else.
    ///
    /// # Errors
    /// `Foreign`, `Newer`, `Truncated`, `Trailing`, `Malformed` or `Name`, each with what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::begin(WHAT, bytes, MAGIC, VERSION)?;
        let code = reader.byte()?;
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.code() == code);
        let algorithm = algorithm.ok_or(reader.malformed("it is of an unknown algorithm"))?;
        let name_len = reader.byte()?.into();
        let name = str::from_utf8(reader.take(name_len)?).map_err(|_| Error::Name("is not UTF-8"))?;
        let (signing, sealing) = (reader.take(algorithm.key_len())?, reader.take(algorithm.key_len())?);
        reader.end()?;
        Self::new(name, algorithm, signing, sealing)
    }

    /// Verifies what [`crate::Holder::sign`] made of the same context and message. A message has more than one
    /// valid signature: do not use signatures to tell approvals apart.
    ///
    /// # Errors
    /// `Signature` if it is by another UKey, or over another context or message; `Context` for a context that is
    /// empty or longer than [`MAX_CONTEXT`].
    pub fn verify(&self, context: &str, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let right = match self.algorithm {
            Algorithm::Ed25519 => {
                let message = signed(context, message)?;
                ed25519::PublicKey::from_bytes(&self.signing)?.verify(
                    ed25519::Variant::Pure,
                    &message,
                    signature,
                )
            }
            Algorithm::P256 => {
                let digest = Self::digest(context, message)?;
                ec::PublicKey::from_point(ec::Curve::P256, &self.signing)?.verify(&digest, signature)
            }
            Algorithm::Sm2 => {
                let message = signed(context, message)?;
                sm2::PublicKey::from_point(&self.signing)?.verify(sm2::DEFAULT_ID, &message, signature)
            }
        };
        right.map_err(|_| Error::Signature { by: self.id })
    }

    /// The digest that a P-256 UKey signs, for a holder whose key is not in memory. The signature is r and s,
    /// 32 bytes each.
    ///
    /// # Errors
    /// `Context` for a context of a wrong length.
    pub fn digest(context: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(hash::digest(Hash::Sha256, &signed(context, message)?)?)
    }

    /// Seals a secret, so that only this UKey's holder can open it, and only with the same context.
    ///
    /// The answer is, in bytes: format version 1, algorithm as in the table above, the ephemeral public key (32 or
    /// 65 bytes), the ciphertext, and its tag (16 bytes). It is HPKE (RFC 9180) in base mode, one message:
    /// DHKEM(X25519 or P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; `info` is `Claviger UKey seal 1`, a zero
    /// byte, and the context; `aad` is the two bytes at the beginning.
    ///
    /// To an SM2 UKey it is the same, with a KEM of our own in place of HPKE's, numbered 0xff02: what stands for the
    /// ephemeral public key is an SM2 ciphertext (C1 C3 C2, 129 bytes) of 32 random bytes, which stand for the ECDH
    /// shared secret.
    ///
    /// # Errors
    /// `SecretLength` if it is empty or longer than [`crate::MAX_SECRET`].
    pub fn seal(&self, context: &[u8], secret: &Secret) -> Result<Vec<u8>, Error> {
        hpke::seal(self, &[VERSION, self.algorithm.code()], context, secret)
    }

    /// Opens what [`Self::seal`] sealed, for a holder whose key is not in memory: `agree` gives the ECDH shared
    /// secret (the x coordinate) of its private key and the public key it is given; of an SM2 UKey, the decryption of
    /// the ciphertext it is given.
    ///
    /// # Errors
    /// `Sealed` if it was sealed to another UKey, for another context, or was altered; else what `agree` says.
    pub fn open_with(
        &self,
        context: &[u8],
        sealed: &[u8],
        agree: impl FnOnce(&[u8]) -> Result<Secret, Error>,
    ) -> Result<Secret, Error> {
        hpke::open(self, &[VERSION, self.algorithm.code()], context, sealed, agree)
    }
}

impl fmt::Debug for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Public({:?}, {}, {})", self.name, self.algorithm, self.id)
    }
}

/// What is signed: a label, the context with its length, and the message.
pub(crate) fn signed(context: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
    let len = context.len();
    match u8::try_from(len) {
        Ok(length) if length > 0 => {
            Ok([b"Claviger UKey signature 1\0", &[length][..], context.as_bytes(), message].concat())
        }
        _ => Err(Error::Context(len)),
    }
}

/// Whether a UKey may have this name: 1 to [`MAX_NAME`] bytes, without control characters.
///
/// # Errors
/// `Name`, with what is wrong.
pub fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Name("is empty"));
    }
    if name.len() > MAX_NAME {
        return Err(Error::Name("has more than 64 bytes"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::Name("has a control character in it"));
    }
    Ok(())
}

fn check_key(algorithm: Algorithm, key: &[u8]) -> Result<(), &'static str> {
    match algorithm {
        Algorithm::Ed25519 if key.len() != SHORT => Err("a key does not have 32 bytes"),
        Algorithm::Ed25519 if key.iter().all(|&byte| byte == 0) => Err("a key is all zeros"),
        Algorithm::Ed25519 => Ok(()),
        // One key has one form, else it had two ids.
        Algorithm::P256 if key.len() != POINT || key.first() != Some(&4) => {
            Err("a point is not uncompressed")
        }
        Algorithm::P256 => ec::PublicKey::from_point(ec::Curve::P256, key)
            .map(drop)
            .map_err(|_| "a point is not on the curve P-256"),
        Algorithm::Sm2 if key.len() != POINT || key.first() != Some(&4) => Err("a point is not uncompressed"),
        Algorithm::Sm2 => {
            sm2::PublicKey::from_point(key).map(drop).map_err(|_| "a point is not on the curve of SM2")
        }
    }
}
