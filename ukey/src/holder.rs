//! Who has the private half of a UKey, wherever that is; and the private half in memory.

use std::fmt;

use crypto::{ec, ed25519, sm2, x25519};

use crate::public::signed;
use crate::{Algorithm, Error, Public, Secret};

/// A UKey that its PIN has opened.
pub trait Holder {
    /// The public half.
    fn public(&self) -> &Public;

    /// A signature that [`Public::verify`] takes. It says nothing in another context.
    ///
    /// # Errors
    /// `Context` for a context of a wrong length; `Holder` if a token does not sign.
    fn sign(&self, context: &str, message: &[u8]) -> Result<Vec<u8>, Error>;

    /// The secret that [`Public::seal`] sealed with the same context.
    ///
    /// # Errors
    /// `Sealed` if it was sealed to another UKey, for another context, or was altered; `Holder` if a token fails.
    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Secret, Error>;
}

/// Both private keys of a UKey.
pub(crate) enum Pair {
    Ed25519 { signing: ed25519::PrivateKey, sealing: x25519::PrivateKey },
    P256 { signing: ec::PrivateKey, sealing: ec::PrivateKey },
    Sm2 { signing: sm2::PrivateKey, sealing: sm2::PrivateKey },
}

/// Length in bytes of each of the two private keys.
const HALF: usize = 32;

impl Pair {
    /// Length in bytes of both private keys.
    pub(crate) const LEN: usize = 2 * HALF;

    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let p256 = || ec::PrivateKey::generate(ec::Curve::P256);
        Ok(match algorithm {
            Algorithm::Ed25519 => Self::Ed25519 {
                signing: ed25519::PrivateKey::generate()?,
                sealing: x25519::PrivateKey::generate()?,
            },
            Algorithm::P256 => Self::P256 { signing: p256()?, sealing: p256()? },
            Algorithm::Sm2 => {
                Self::Sm2 { signing: sm2::PrivateKey::generate()?, sealing: sm2::PrivateKey::generate()? }
            }
        })
    }

    /// The signing key, then the sealing key.
    pub(crate) fn to_bytes(&self) -> Result<Secret, Error> {
        let (signing, sealing) = match self {
            Self::Ed25519 { signing, sealing } => (signing.seed(), sealing.to_bytes()),
            Self::P256 { signing, sealing } => (signing.scalar()?, sealing.scalar()?),
            Self::Sm2 { signing, sealing } => (signing.scalar(), sealing.scalar()),
        };
        // Room for all at once: a buffer that grows leaves copies behind.
        let mut both = Vec::with_capacity(Self::LEN);
        both.extend_from_slice(signing.as_bytes());
        both.extend_from_slice(sealing.as_bytes());
        Ok(Secret::new(both))
    }

    pub(crate) fn from_bytes(algorithm: Algorithm, bytes: &Secret) -> Result<Self, Error> {
        let wrong = crypto::Error::InvalidKey("the two private keys of a UKey have 64 bytes");
        let (signing, sealing) = bytes.as_bytes().split_at_checked(HALF).ok_or(wrong)?;
        let p256 = |scalar| ec::PrivateKey::from_scalar(ec::Curve::P256, scalar);
        Ok(match algorithm {
            Algorithm::Ed25519 => Self::Ed25519 {
                signing: ed25519::PrivateKey::from_seed(signing)?,
                sealing: x25519::PrivateKey::from_bytes(sealing)?,
            },
            Algorithm::P256 => Self::P256 { signing: p256(signing)?, sealing: p256(sealing)? },
            Algorithm::Sm2 => Self::Sm2 {
                signing: sm2::PrivateKey::from_scalar(signing)?,
                sealing: sm2::PrivateKey::from_scalar(sealing)?,
            },
        })
    }

    pub(crate) fn public(&self, name: &str) -> Result<Public, Error> {
        match self {
            Self::Ed25519 { signing, sealing } => {
                Public::ed25519(name, signing.public().as_bytes(), sealing.public().as_bytes())
            }
            Self::P256 { signing, sealing } => {
                Public::p256(name, &signing.public().point()?, &sealing.public().point()?)
            }
            Self::Sm2 { signing, sealing } => {
                Public::sm2(name, &signing.public().point(), &sealing.public().point())
            }
        }
    }
}

/// A UKey whose private half is in memory: what its file held.
pub struct FileKey {
    pub(crate) pair: Pair,
    pub(crate) public: Public,
}

impl Holder for FileKey {
    fn public(&self) -> &Public {
        &self.public
    }

    fn sign(&self, context: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match &self.pair {
            Pair::Ed25519 { signing, .. } => {
                signing.sign(ed25519::Variant::Pure, &signed(context, message)?)?
            }
            Pair::P256 { signing, .. } => signing.sign(&Public::digest(context, message)?)?,
            Pair::Sm2 { signing, .. } => signing.sign(sm2::DEFAULT_ID, &signed(context, message)?)?,
        })
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Secret, Error> {
        self.public.open_with(context, sealed, |peer| {
            Ok(match &self.pair {
                Pair::Ed25519 { sealing, .. } => sealing.agree(&x25519::PublicKey::from_bytes(peer)?)?,
                Pair::P256 { sealing, .. } => {
                    sealing.agree(&ec::PublicKey::from_point(ec::Curve::P256, peer)?)?
                }
                Pair::Sm2 { sealing, .. } => sealing.decrypt(sm2::Form::Raw, peer)?,
            })
        })
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({})", self.public.id())
    }
}
