//! Elliptic curves: keys, ECDSA (FIPS 186-5) and ECDH (SEC 1).

use std::fmt;
use std::sync::Arc;

use crate::ffi::ec::Key;
use crate::{Error, Secret};

/// A curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Curve {
    P224,
    P256,
    P384,
    P521,
    Secp256k1,
}

impl Curve {
    /// Every curve there is.
    pub const ALL: [Self; 5] = [Self::P224, Self::P256, Self::P384, Self::P521, Self::Secp256k1];

    /// The curve with this object identifier, in DER with tag and length.
    pub fn from_oid(der: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == der)
    }

    /// The object identifier in DER, with tag and length.
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Self::P224 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21],
            Self::P256 => &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
            Self::Secp256k1 => &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a],
        }
    }

    /// Length of the field in bits, and of the order too, on these curves.
    pub const fn bits(self) -> usize {
        match self {
            Self::P224 => 224,
            Self::P256 | Self::Secp256k1 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// Length in bytes of a coordinate, a private value and half a signature.
    pub const fn field_len(self) -> usize {
        self.bits().div_ceil(8)
    }
}

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    curve: Curve,
    key: Arc<Key>,
}

/// A public key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PublicKey {
    curve: Curve,
    key: Arc<Key>,
}

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn generate(curve: Curve) -> Result<Self, Error> {
        Ok(Self { curve, key: Arc::new(Key::generate(curve)?) })
    }

    /// The key with this private value, big-endian; leading zeros may be missing or too many.
    ///
    /// # Errors
    /// `InvalidKey` if it is zero or not less than the order of the curve.
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<Self, Error> {
        Ok(Self { curve, key: Arc::new(Key::from_scalar(curve, scalar)?) })
    }

    /// The private value, big-endian, as long as the field.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn scalar(&self) -> Result<Secret, Error> {
        self.key.scalar(self.curve.field_len())
    }

    /// The curve that the key is on.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey { curve: self.curve, key: Arc::clone(&self.key) }
    }

    /// The ECDSA signature of a digest: r and s, big-endian, each as long as the field. Of a digest longer than the
    /// order of the curve the leftmost bits count.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, Error> {
        self.key.sign(digest, self.curve.field_len())
    }

    /// The ECDH shared secret: the x coordinate, as long as the field. The cofactor of all these curves is 1.
    ///
    /// # Errors
    /// `InvalidKey` if the peer's key is on another curve.
    pub fn agree(&self, peer: &PublicKey) -> Result<Secret, Error> {
        if self.curve != peer.curve {
            return Err(Error::InvalidKey("the two keys are on different curves"));
        }
        self.key.agree(&peer.key, self.curve.field_len())
    }
}

impl PublicKey {
    /// The key with this point (SEC 1, "Elliptic-Curve-Point-to-Octet-String Conversion"): uncompressed,
    /// compressed or hybrid.
    ///
    /// # Errors
    /// `InvalidKey` if it has another length or form, is not on the curve, or is the point at infinity.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self, Error> {
        let key = match hybrid_as_uncompressed(point)? {
            Some(point) => Key::from_point(curve, &point)?,
            None => Key::from_point(curve, point)?,
        };
        Ok(Self { curve, key: Arc::new(key) })
    }

    /// The point, uncompressed.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn point(&self) -> Result<Vec<u8>, Error> {
        self.key.point(self.curve)
    }

    /// The curve that the key is on.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// Verifies what [`PrivateKey::sign`] made.
    ///
    /// # Errors
    /// `InvalidData` if the signature has another length or is wrong.
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        let half = self.curve.field_len();
        match signature.split_at_checked(half) {
            Some((r, s)) if s.len() == half => self.key.verify(digest, r, s),
            _ => Err(Error::InvalidData("the signature does not have the length that the curve asks for")),
        }
    }
}

/// The hybrid form is the uncompressed one with the compressed one's sign in its first byte: a sign that must be
/// right. `None` for the other forms.
fn hybrid_as_uncompressed(point: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    match (point.split_first(), point.last()) {
        (Some((form @ (6 | 7), coordinates)), Some(last)) => {
            if form & 1 != last & 1 {
                return Err(Error::InvalidKey("the hybrid point contradicts itself"));
            }
            Ok(Some([&[4], coordinates].concat()))
        }
        _ => Ok(None),
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ec::PrivateKey({:?})", self.curve)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ec::PublicKey({:?})", self.curve)
    }
}
