//! The audit key: who signs, and the public half that everybody may have.

use crypto::{ed25519, mldsa, sm2};

use crate::{Error, Text, hex, sha256};

/// How a log is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// Ed25519 (RFC 8032, "Ed25519"; no context, no prehash).
    #[default]
    Ed25519,
    /// SM2 with SM3 and the default identifier (GB/T 32918.2): r and s, 32 bytes each.
    Sm2,
    /// ML-DSA-65 (FIPS 204; no context, no prehash).
    MlDsa65,
}

/// A table row for each algorithm: its code in the log, its name, the DER that stands before the key's bytes in
/// a SubjectPublicKeyInfo (RFC 5280, "Subject Public Key Info"; RFC 8410; RFC 5480; RFC 9881), and the key's length in
/// bytes.
const ALGORITHMS: &[Row] = &[
    (
        Algorithm::Ed25519,
        1,
        "Ed25519",
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
        ed25519::KEY,
    ),
    (
        Algorithm::Sm2,
        2,
        "SM2",
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
            0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d, 0x03, 0x42, 0x00,
        ],
        2 * sm2::FIELD + 1,
    ),
    (
        Algorithm::MlDsa65,
        3,
        "ML-DSA-65",
        &[
            0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03,
            0x12, 0x03, 0x82, 0x07, 0xa1, 0x00,
        ],
        mldsa::PUBLIC,
    ),
];

/// The label of a public key in PEM (RFC 7468, "Textual Encoding of Subject Public Key Info").
const PEM: &str = "PUBLIC KEY";

/// The public half of an audit key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

/// The audit key: in the daemon, or wherever else it is kept.
pub trait Signer {
    /// The public half.
    fn public(&self) -> PublicKey;

    /// The signature of a message.
    ///
    /// # Errors
    /// [`Error::Signer`] with the reason.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

impl Signer for ed25519::PrivateKey {
    fn public(&self) -> PublicKey {
        PublicKey { algorithm: Algorithm::Ed25519, bytes: self.public().as_bytes().to_vec() }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign(ed25519::Variant::Pure, message).map_err(|error| Error::Signer(error.to_string()))
    }
}

impl Signer for sm2::PrivateKey {
    fn public(&self) -> PublicKey {
        PublicKey { algorithm: Algorithm::Sm2, bytes: self.public().point() }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign(sm2::DEFAULT_ID, message).map_err(|error| Error::Signer(error.to_string()))
    }
}

impl Signer for mldsa::PrivateKey {
    fn public(&self) -> PublicKey {
        PublicKey { algorithm: Algorithm::MlDsa65, bytes: self.public().as_bytes().to_vec() }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.sign(message).map_err(|error| Error::Signer(error.to_string()))
    }
}

impl PublicKey {
    /// The key of these bytes: for Ed25519 the 32 of RFC 8032, for SM2 the uncompressed point, for ML-DSA-65 the 1952
    /// of FIPS 204.
    ///
    /// # Errors
    /// `Key` if their number is wrong.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, Error> {
        let (.., len) = algorithm.row()?;
        if bytes.len() != *len {
            return Err(Error::Key("it has the wrong length"));
        }
        Ok(Self { algorithm, bytes: bytes.to_vec() })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The bytes that [`PublicKey::new`] takes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key as `openssl` and others take it: a SubjectPublicKeyInfo in PEM.
    ///
    /// # Errors
    /// None that a key can cause.
    pub fn to_pem(&self) -> Result<String, Error> {
        pem_rfc7468::encode_string(PEM, pem_rfc7468::LineEnding::LF, &self.der()?)
            .map_err(|_| Error::Key("it cannot be written"))
    }

    /// Reads what [`PublicKey::to_pem`] or `openssl pkey -pubout` wrote.
    ///
    /// # Errors
    /// `Key` if it is anything else, or a key of an algorithm that is not supported.
    pub fn from_pem(text: &[u8]) -> Result<Self, Error> {
        let (label, der) = pem_rfc7468::decode_vec(text).map_err(|_| Error::Key("it is not PEM"))?;
        if label != PEM {
            return Err(Error::Key("the PEM is not of a PUBLIC KEY"));
        }
        let found = ALGORITHMS.iter().find_map(|(algorithm, _, _, prefix, len)| {
            der.strip_prefix(*prefix).filter(|bytes| bytes.len() == *len).map(|bytes| (*algorithm, bytes))
        });
        let (algorithm, bytes) = found.ok_or(Error::Key("its algorithm is not supported"))?;
        Self::new(algorithm, bytes)
    }

    /// What people compare: the algorithm, and SHA-256 of the SubjectPublicKeyInfo in hexadecimal.
    ///
    /// # Errors
    /// None that a key can cause.
    pub fn fingerprint(&self) -> Result<String, Error> {
        Ok(format!("{}:{}", self.algorithm.name(), hex(&sha256(&self.der()?)?)))
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// `Signature` if it is wrong.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        match self.algorithm {
            Algorithm::Ed25519 => {
                let key = ed25519::PublicKey::from_bytes(&self.bytes)?;
                key.verify(ed25519::Variant::Pure, message, signature).map_err(|_| Error::Signature)
            }
            Algorithm::Sm2 => sm2::PublicKey::from_point(&self.bytes)
                .map_err(|_| Error::Key("it is no point of the curve"))?
                .verify(sm2::DEFAULT_ID, message, signature)
                .map_err(|_| Error::Signature),
            Algorithm::MlDsa65 => mldsa::PublicKey::from_bytes(&self.bytes)?
                .verify(message, signature)
                .map_err(|_| Error::Signature),
        }
    }

    fn der(&self) -> Result<Vec<u8>, Error> {
        let (.., prefix, _) = self.algorithm.row()?;
        Ok([*prefix, &self.bytes].concat())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.algorithm.code());
        out.extend(u16::try_from(self.bytes.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend(&self.bytes);
    }

    pub(crate) fn decode(from: &mut crate::bytes::Bytes<'_>) -> Result<Self, Error> {
        let (code, len) = (from.u8()?, from.u16()?);
        let row = ALGORITHMS.iter().find(|row| row.1 == code);
        let (algorithm, ..) = row.ok_or(Error::Key("its algorithm is not supported"))?;
        Self::new(*algorithm, from.take(len.into())?)
    }
}

type Row = (Algorithm, u8, &'static str, &'static [u8], usize);

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 3] = [Self::Ed25519, Self::Sm2, Self::MlDsa65];

    /// Its number in the log.
    pub fn code(self) -> u8 {
        self.row().map_or(0, |(_, code, ..)| *code)
    }

    fn row(self) -> Result<&'static Row, Error> {
        ALGORITHMS.iter().find(|row| row.0 == self).ok_or(Error::Key("its algorithm is not supported"))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |(_, _, name, ..)| name)
    }
}

/// The name of an HSM, as headers have it.
pub type HsmId = Text<64>;
