//! SubjectPublicKeyInfo (RFC 5280), the value of `CKA_PUBLIC_KEY_INFO`.

use ::der::Decode;
use ::der::Sequence;
use ::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use crypto::{dh, dsa, ec, rsa};

use super::Material;
use super::der::{self, Algorithm, RsaPublicKey, encoded, failed};
use crate::error::Error;

#[derive(Sequence)]
struct SubjectPublicKeyInfo<'a> {
    algorithm: Algorithm<'a>,
    key: BitStringRef<'a>,
}

/// The encoding of the public half of a key; none of a secret key.
///
/// # Errors
/// If the library fails.
pub fn encode(key: &Material) -> Result<Option<Vec<u8>>, Error> {
    match key {
        Material::Rsa(key) => rsa(&key.public()),
        Material::RsaPublic(key) => rsa(key),
        Material::Ec(key) => ec(&key.public()),
        Material::EcPublic(key) => ec(key),
        Material::Sm2(key) => Ok(key.public().to_spki()?),
        Material::Sm2Public(key) => Ok(key.to_spki()?),
        Material::Ed25519(key) => info(der::ED25519, None, key.public().as_bytes()),
        Material::Ed25519Public(key) => info(der::ED25519, None, key.as_bytes()),
        Material::X25519(key) => info(der::X25519, None, key.public().as_bytes()),
        Material::X25519Public(key) => info(der::X25519, None, key.as_bytes()),
        Material::Dsa(key) => dsa(&key.public()),
        Material::DsaPublic(key) => dsa(key),
        Material::Dh(key) => dh(&key.public()),
        Material::DhPublic(key) => dh(key),
        Material::Secret(_) => return Ok(None),
    }
    .map(Some)
}

/// The value of `CKA_EC_POINT` of a key on a curve, from its encoding.
///
/// # Errors
/// `PublicKeyInvalid` if it is no encoding.
pub fn point(info: &[u8]) -> Result<Vec<u8>, Error> {
    let info = SubjectPublicKeyInfo::from_der(info);
    let info = info.map_err(|_| Error::PublicKeyInvalid("it is no SubjectPublicKeyInfo"))?;
    let point = info.key.as_bytes().ok_or(Error::PublicKeyInvalid("the point has whole bytes"))?;
    der::octet_string(point)
}

fn rsa(key: &rsa::PublicKey) -> Result<Vec<u8>, Error> {
    let (modulus, exponent) = (key.modulus(), key.public_exponent());
    let key = encoded(&RsaPublicKey {
        modulus: UintRef::new(&modulus).map_err(failed)?,
        public_exponent: UintRef::new(&exponent).map_err(failed)?,
    })?;
    info(der::RSA, Some(AnyRef::NULL), &key)
}

fn ec(key: &ec::PublicKey) -> Result<Vec<u8>, Error> {
    let curve = AnyRef::from_der(key.curve().oid()).map_err(failed)?;
    info(der::EC, Some(curve), &key.point()?)
}

/// RFC 3279, "DSA Signature Keys".
fn dsa(key: &dsa::PublicKey) -> Result<Vec<u8>, Error> {
    let parameters = der::dsa_parameters(key.parameters())?;
    number(der::DSA, &parameters, key.value())
}

/// PKCS#3, "Object identifier", in the form that OpenSSL and others have a public key in.
fn dh(key: &dh::PublicKey) -> Result<Vec<u8>, Error> {
    let parameters = der::dh_parameters(key.group())?;
    number(der::DH, &parameters, key.value())
}

fn number(oid: ObjectIdentifier, parameters: &[u8], value: &[u8]) -> Result<Vec<u8>, Error> {
    let parameters = AnyRef::from_der(parameters).map_err(failed)?;
    info(oid, Some(parameters), &encoded(&UintRef::new(value).map_err(failed)?)?)
}

fn info(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<Vec<u8>, Error> {
    encoded(&SubjectPublicKeyInfo {
        algorithm: Algorithm { oid, parameters },
        key: BitStringRef::from_bytes(key).map_err(failed)?,
    })
}
