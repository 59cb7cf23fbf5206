//! SM2 (GB/T 32918, GM/T 0003): keys, signatures and public-key encryption. RustCrypto's: AWS-LC has none.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rand_core::{TryCryptoRng, TryRng};
use sm2::dsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::elliptic_curve::Generate;
use sm2::elliptic_curve::sec1::ToSec1Point;
use sm2::pkcs8::der::{Decode, Encode};
use sm2::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use sm2::pke::{self, DecryptingKey, EncryptingKey, Mode};
use zeroize::Zeroizing;

use crate::{Error, Secret, random, sm3};

/// Length of a private value, a coordinate and a digest in bytes.
pub const FIELD: usize = 32;
/// Length of a signature in bytes: r, then s.
pub const SIGNATURE: usize = 64;
/// The object identifier of the curve, 1.2.156.10197.1.301, in DER with tag and length.
pub const OID: &[u8] = &[0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d];
/// The distinguished identifier of a signer who has no other (GM/T 0009, "Default user identifier").
pub const DEFAULT_ID: &[u8] = b"1234567812345678";
/// The longest distinguished identifier in bytes: its length in bits is written in 16 of them.
pub const MAX_ID: usize = (1 << 13) - 1;

/// What is hashed into Z between the identifier and the public key: the curve's a and b, and its base point, big-endian.
const CURVE: [u128; 8] = [
    0xfffffffe_ffffffff_ffffffff_ffffffff,
    0xffffffff_00000000_ffffffff_fffffffc,
    0x28e9fa9e_9d9f5e34_4d5a9e4b_cf6509a7,
    0xf39789f5_15ab8f92_ddbcbd41_4d940e93,
    0x32c4ae2c_1f198119_5f990446_6a39c994,
    0x8fe30bbf_f2660be1_715a4589_334c74c7,
    0xbc3736a2_f4f6779c_59bdcee3_6b692153,
    0xd0a9877c_c62a4740_02df32e5_2139f0a0,
];

/// The library binds an identifier to a key, for signatures over messages; here all signatures are over digests,
/// which have their identifier in them.
const NO_ID: &str = "";

/// How a ciphertext is written. The parts are the same: a point, a digest of 32 bytes, and as many bytes as the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `SM2Cipher` in DER (GM/T 0009, "Encrypted data"), as OpenSSL writes it.
    Asn1,
    /// The uncompressed point, the digest and the encrypted message one after the other (C1 ‖ C3 ‖ C2).
    Raw,
}

/// A private key. Cheap to clone; many threads may use one at once.
#[derive(Clone)]
pub struct PrivateKey {
    kept: Arc<Kept>,
    public: PublicKey,
}

/// The private value in the forms that the library works with.
struct Kept {
    secret: sm2::SecretKey,
    signing: SigningKey,
    decrypting: DecryptingKey,
}

impl Drop for Kept {
    /// The library's secret keys wipe themselves; its keys to sign and to decrypt do not, so that some of no worth take
    /// their places.
    fn drop(&mut self) {
        static OF_NO_WORTH: LazyLock<Option<(SigningKey, DecryptingKey)>> = LazyLock::new(|| {
            let mut one = [0; FIELD];
            one.last_mut().into_iter().for_each(|byte| *byte = 1);
            Some((SigningKey::from_slice(NO_ID, &one).ok()?, DecryptingKey::from_slice(&one).ok()?))
        });
        if let Some((signing, decrypting)) = &*OF_NO_WORTH {
            self.signing.clone_from(signing);
            self.decrypting.clone_from(decrypting);
        }
        zeroize::optimization_barrier(&self.signing);
        zeroize::optimization_barrier(&self.decrypting);
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(sm2::PublicKey);

impl PrivateKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// `Failed` if the generator does.
    pub fn generate() -> Result<Self, Error> {
        loop {
            let key = sm2::SecretKey::try_generate_from_rng(&mut Random)?;
            if let Ok(key) = Self::of(key) {
                return Ok(key);
            }
        }
    }

    /// The key with this private value, big-endian; leading zeros may be missing or too many.
    ///
    /// # Errors
    /// `InvalidKey` if it is zero, or not less than the order of the curve less one.
    pub fn from_scalar(scalar: &[u8]) -> Result<Self, Error> {
        let zeros = scalar.iter().take_while(|byte| **byte == 0).count();
        let digits = scalar.get(zeros..).unwrap_or_default();
        let mut whole = Zeroizing::new([0; FIELD]);
        let place = FIELD.checked_sub(digits.len()).and_then(|start| whole.get_mut(start..)).ok_or(SCALAR)?;
        place.copy_from_slice(digits);
        Self::of(sm2::SecretKey::from_slice(&*whole).map_err(|_| SCALAR)?)
    }

    /// A private value of n − 1 cannot sign: SM2 divides by one more than it.
    fn of(secret: sm2::SecretKey) -> Result<Self, Error> {
        let one_more = *secret.to_nonzero_scalar() + sm2::Scalar::ONE;
        if bool::from(sm2::elliptic_curve::Field::is_zero(&one_more)) {
            return Err(SCALAR);
        }
        let signing = SigningKey::new(NO_ID, &secret).map_err(|_| FAILED)?;
        let decrypting = DecryptingKey::new_with_mode(*signing.as_nonzero_scalar(), Mode::C1C3C2);
        let public = PublicKey(signing.verifying_key().into());
        Ok(Self { kept: Arc::new(Kept { secret, signing, decrypting }), public })
    }

    /// The key of this PKCS#8 (`id-ecPublicKey` with the curve as its parameter, as OpenSSL writes it).
    ///
    /// # Errors
    /// `InvalidKey` if it is not the encoding of an SM2 key, or its public half is another's.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let secret =
            sm2::SecretKey::from_pkcs8_der(der).map_err(|_| Error::InvalidKey("no PKCS#8 of SM2"))?;
        Self::of(secret)
    }

    /// The PKCS#8 of the key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn to_pkcs8(&self) -> Result<Secret, Error> {
        let der = self.kept.secret.to_pkcs8_der().map_err(|_| FAILED)?;
        Ok(Secret::new(der.as_bytes().to_vec()))
    }

    /// The private value, big-endian, 32 bytes.
    pub fn scalar(&self) -> Secret {
        Secret::new(Zeroizing::new(self.kept.secret.to_bytes().0).to_vec())
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The signature of a message under a distinguished identifier, mostly [`DEFAULT_ID`]: r and s, big-endian, 32
    /// bytes each.
    ///
    /// # Errors
    /// As [`PublicKey::message_digest`] and [`Self::sign_digest`].
    pub fn sign(&self, id: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut digest = self.public.message_digest(id)?;
        digest.update(message);
        self.sign_digest(&digest.finish())
    }

    /// The signature of e, the digest that [`PublicKey::message_digest`] makes.
    ///
    /// # Errors
    /// `InvalidData` unless it has 32 bytes; `Failed` if the generator does.
    pub fn sign_digest(&self, digest: &[u8]) -> Result<Vec<u8>, Error> {
        check_digest(digest)?;
        let signature = self.kept.signing.sign_prehash_with_rng(&mut Random, digest).map_err(|_| FAILED)?;
        Ok(signature.to_vec())
    }

    /// Decrypts what [`PublicKey::encrypt`] made.
    ///
    /// # Errors
    /// `InvalidData` if it is not such a ciphertext, or not one for this key.
    pub fn decrypt(&self, form: Form, ciphertext: &[u8]) -> Result<Secret, Error> {
        const WRONG: Error = Error::InvalidData("the data does not decrypt");
        let cipher: pke::Cipher<'_> = match (form, ciphertext.first()) {
            (Form::Asn1, _) => Decode::from_der(ciphertext).map_err(|_| WRONG)?,
            (Form::Raw, Some(4)) => pke::Cipher::from_slice(ciphertext, Mode::C1C3C2).map_err(|_| WRONG)?,
            (Form::Raw, _) => return Err(WRONG),
        };
        if cipher.c2().is_empty() {
            return Err(WRONG);
        }
        let mut plaintext = Zeroizing::new(vec![0; cipher.c2().len()]);
        self.kept.decrypting.decrypt_cipher_with_buf(&cipher, &mut plaintext).map_err(|_| WRONG)?;
        Ok(Secret::new(std::mem::take(&mut *plaintext)))
    }
}

impl PublicKey {
    /// The key with this point, uncompressed or compressed (SEC 1, "Elliptic-Curve-Point-to-Octet-String Conversion").
    ///
    /// # Errors
    /// `InvalidKey` if it has another length or form, is not on the curve, or is the point at infinity.
    pub fn from_point(point: &[u8]) -> Result<Self, Error> {
        match point.first() {
            Some(2..=4) => sm2::PublicKey::from_sec1_bytes(point).map(Self).map_err(|_| POINT),
            _ => Err(POINT),
        }
    }

    /// The key of this SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `InvalidKey` if it is not that of an SM2 key.
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        sm2::PublicKey::from_public_key_der(der)
            .map(Self)
            .map_err(|_| Error::InvalidKey("no SubjectPublicKeyInfo of SM2"))
    }

    /// The SubjectPublicKeyInfo of the key.
    ///
    /// # Errors
    /// `Failed` if the library does.
    pub fn to_spki(&self) -> Result<Vec<u8>, Error> {
        self.0.to_public_key_der().map(|der| der.as_bytes().to_vec()).map_err(|_| FAILED)
    }

    /// The point, uncompressed: 65 bytes.
    pub fn point(&self) -> Vec<u8> {
        self.0.to_sec1_point(false).as_bytes().to_vec()
    }

    /// Begins e, the digest that a signature of this key's owner under this identifier is over: SM3 of Z, which binds
    /// the identifier and the key, and of the message, which the caller adds.
    ///
    /// # Errors
    /// `InvalidParameter` for an identifier that is too long.
    pub fn message_digest(&self, id: &[u8]) -> Result<sm3::Digest, Error> {
        let bits = u16::try_from(id.len().saturating_mul(8))
            .map_err(|_| Error::InvalidParameter("an SM2 identifier has at most 8191 bytes"))?;
        let mut z = sm3::Digest::new();
        z.update(&bits.to_be_bytes());
        z.update(id);
        CURVE.iter().for_each(|part| z.update(&part.to_be_bytes()));
        z.update(self.point().get(1..).ok_or(FAILED)?);
        let mut digest = sm3::Digest::new();
        digest.update(&z.finish());
        Ok(digest)
    }

    /// Verifies what [`PrivateKey::sign`] made.
    ///
    /// # Errors
    /// `InvalidData` if the signature has another length or is wrong; else as [`Self::message_digest`].
    pub fn verify(&self, id: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let mut digest = self.message_digest(id)?;
        digest.update(message);
        self.verify_digest(&digest.finish(), signature)
    }

    /// Verifies what [`PrivateKey::sign_digest`] made.
    ///
    /// # Errors
    /// `InvalidData` unless the digest has 32 bytes, or if the signature has another length or is wrong.
    pub fn verify_digest(&self, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        const WRONG: Error = Error::InvalidData("the signature is wrong");
        check_digest(digest)?;
        let key = VerifyingKey::new(NO_ID, self.0).map_err(|_| FAILED)?;
        let signature = Signature::from_slice(signature).map_err(|_| WRONG)?;
        key.verify_prehash(digest, &signature).map_err(|_| WRONG)
    }

    /// Encrypts a message for the owner of the key.
    ///
    /// # Errors
    /// `InvalidData` for an empty message, which SM2 does not encrypt; `Failed` if the generator does.
    pub fn encrypt(&self, form: Form, message: &[u8]) -> Result<Vec<u8>, Error> {
        if message.is_empty() {
            return Err(Error::InvalidData("SM2 does not encrypt an empty message"));
        }
        let key = EncryptingKey::new_with_mode(self.0, Mode::C1C3C2);
        let cipher = key.encrypt_cipher::<_, ::sm3::Sm3>(&mut Random, message).map_err(|_| FAILED)?;
        match form {
            Form::Asn1 => cipher.to_der().map_err(|_| FAILED),
            Form::Raw => cipher.to_vec(Mode::C1C3C2, false).map_err(|_| FAILED),
        }
    }
}

const SCALAR: Error = Error::InvalidKey("an SM2 private value is from 1 to the order of the curve less two");
const POINT: Error = Error::InvalidKey("no point on the curve of SM2");
const FAILED: Error = Error::Failed("SM2");

fn check_digest(digest: &[u8]) -> Result<(), Error> {
    match digest.len() {
        FIELD => Ok(()),
        _ => Err(Error::InvalidData("SM2 signs a digest of 32 bytes")),
    }
}

/// AWS-LC's generator, in the form that RustCrypto takes.
struct Random;

impl TryRng for Random {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        let mut bytes = [0; 4];
        random::fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        random::fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Error> {
        random::fill(to)
    }
}

impl TryCryptoRng for Random {}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sm2::PrivateKey(..)")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sm2::PublicKey(..)")
    }
}
