//! RSA public keys of others, as requests bring them.

use crypto::Hash;
use crypto::rsa::PublicKey;
use der::asn1::UintRef;
use der::{Decode, Sequence};
use spki::SubjectPublicKeyInfoRef;

use super::error::{KmsError, Result};

/// rsaEncryption (RFC 8017, appendix A.1)
const RSA: spki::ObjectIdentifier = spki::ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Bits of the modulus that are taken.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// `RSAPublicKey` (RFC 8017, appendix A.1.1)
#[derive(Sequence)]
struct RsaPublicKey<'a> {
    modulus: UintRef<'a>,
    public_exponent: UintRef<'a>,
}

/// An RSA public key: PEM, or the same in base64 alone. Its SubjectPublicKeyInfo comes with it.
///
/// # Errors
/// `Field`
pub(super) fn rsa_key(field: &'static str, text: &str) -> Result<(Vec<u8>, PublicKey)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    let base64: String = lines.collect();
    let der = data_encoding::BASE64.decode(base64.as_bytes()).ok();
    let bad = || KmsError::Field(format!("{field} is no RSA public key: expected X.509 in base64, or PEM"));
    let der = der.ok_or_else(bad)?;
    let key = decoded(&der).ok_or_else(bad)?;
    if !BITS.contains(&(key.modulus_len() * 8)) {
        return Err(KmsError::Field(format!("{field} has from {} to {} bits", BITS.start(), BITS.end())));
    }
    Ok((der, key))
}

/// The key in a SubjectPublicKeyInfo.
pub(super) fn decoded(der: &[u8]) -> Option<PublicKey> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let key = RsaPublicKey::from_der(info.subject_public_key.as_bytes()?).ok()?;
    let is_rsa = info.algorithm.oid == RSA;
    PublicKey::from_parts(key.modulus.as_bytes(), key.public_exponent.as_bytes()).ok().filter(|_| is_rsa)
}

/// Whether a signature of RSASSA-PKCS1-v1_5 with SHA-256 is right.
pub(super) fn is_signed(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    crypto::hash::digest(Hash::Sha256, message)
        .is_ok_and(|digest| key.verify_pkcs1(Some(Hash::Sha256), &digest, signature).is_ok())
}

/// Encrypts with RSAES-OAEP and SHA-256 for the holder of a key.
pub(super) fn sealed_for(key: &PublicKey, plain: &[u8]) -> Result<Vec<u8>> {
    let sealed = key.encrypt_oaep(Hash::Sha256, Hash::Sha256, b"", plain);
    Ok(sealed.map_err(hsm::Error::from)?)
}
