//! The DER structures that keys are exchanged in, and the names of algorithms and curves.

use ::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, PrintableStringRef, UintRef};
use ::der::{Decode, Encode, Sequence};
use crypto::ec::Curve;
use crypto::{dh, dsa};

use super::KeyType;
use crate::error::Error;

/// rsaEncryption (RFC 8017, "ASN.1 Object Identifiers").
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// id-ecPublicKey (RFC 5480).
pub(super) const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// id-X25519 (RFC 8410).
pub(super) const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
/// id-Ed25519 (RFC 8410).
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// id-dsa (RFC 3279).
pub(super) const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
/// dhKeyAgreement (PKCS#3).
pub(super) const DH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.3.1");

/// AlgorithmIdentifier (RFC 5280).
#[derive(Clone, Copy, Sequence)]
pub(super) struct Algorithm<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) parameters: Option<AnyRef<'a>>,
}

/// RSAPublicKey (RFC 8017).
#[derive(Sequence)]
pub(super) struct RsaPublicKey<'a> {
    pub(super) modulus: UintRef<'a>,
    pub(super) public_exponent: UintRef<'a>,
}

/// RSAPrivateKey (RFC 8017), of two primes.
#[derive(Sequence)]
pub(super) struct RsaPrivateKey<'a> {
    pub(super) version: u8,
    pub(super) modulus: UintRef<'a>,
    pub(super) public_exponent: UintRef<'a>,
    pub(super) private_exponent: UintRef<'a>,
    pub(super) prime1: UintRef<'a>,
    pub(super) prime2: UintRef<'a>,
    pub(super) exponent1: UintRef<'a>,
    pub(super) exponent2: UintRef<'a>,
    pub(super) coefficient: UintRef<'a>,
}

/// Dss-Parms (RFC 3279).
#[derive(Sequence)]
pub(super) struct DssParms<'a> {
    pub(super) p: UintRef<'a>,
    pub(super) q: UintRef<'a>,
    pub(super) g: UintRef<'a>,
}

/// DHParameter (PKCS#3).
#[derive(Sequence)]
pub(super) struct DhParameter<'a> {
    pub(super) prime: UintRef<'a>,
    pub(super) base: UintRef<'a>,
    /// How many bits private values have: for whoever makes one.
    pub(super) private_value_length: Option<UintRef<'a>>,
}

/// The encoding of DSA's domain parameters.
///
/// # Errors
/// `Internal` if they do not encode.
pub(super) fn dsa_parameters(parameters: &dsa::Parameters) -> Result<Vec<u8>, Error> {
    encoded(&DssParms {
        p: UintRef::new(parameters.prime()).map_err(failed)?,
        q: UintRef::new(parameters.subprime()).map_err(failed)?,
        g: UintRef::new(parameters.base()).map_err(failed)?,
    })
}

/// The encoding of a Diffie–Hellman group.
///
/// # Errors
/// `Internal` if it does not encode.
pub(super) fn dh_parameters(group: &dh::Group) -> Result<Vec<u8>, Error> {
    encoded(&DhParameter {
        prime: UintRef::new(group.prime()).map_err(failed)?,
        base: UintRef::new(group.base()).map_err(failed)?,
        private_value_length: None,
    })
}

/// ECPrivateKey (RFC 5915).
#[derive(Sequence)]
pub(super) struct EcPrivateKey<'a> {
    pub(super) version: u8,
    pub(super) private_key: &'a OctetStringRef,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) parameters: Option<ObjectIdentifier>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) public_key: Option<BitStringRef<'a>>,
}

/// The curve a key is on, as `CKA_EC_PARAMS` names it.
///
/// # Errors
/// `DomainParamsInvalid` if it is no such name; `CurveNotSupported` if the curve is not known.
pub(crate) fn curve(params: &[u8]) -> Result<Curve, Error> {
    if let Some(curve) = Curve::from_oid(params) {
        return Ok(curve);
    }
    if let Ok(name) = PrintableStringRef::from_der(params) {
        return by_name(name.as_str()).ok_or(Error::CurveNotSupported);
    }
    not_known(params)
}

fn by_name(name: &str) -> Option<Curve> {
    Some(match name {
        "secp224r1" | "P-224" => Curve::P224,
        "secp256r1" | "prime256v1" | "P-256" => Curve::P256,
        "secp384r1" | "P-384" => Curve::P384,
        "secp521r1" | "P-521" => Curve::P521,
        "secp256k1" => Curve::Secp256k1,
        _ => return None,
    })
}

/// edwards25519 and curve25519 before RFC 8410, as GnuPG numbered them and older OpenSC asks for them.
const OLD_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11591.15.1");
const OLD_X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3029.1.5.1");

/// Checks that `CKA_EC_PARAMS` names the one curve of this key type: edwards25519 or curve25519, by the name of
/// RFC 8032 or RFC 7748 or the object identifier of RFC 8410 or before it.
///
/// # Errors
/// As [`curve`].
pub(crate) fn check_curve25519(key_type: KeyType, params: &[u8]) -> Result<(), Error> {
    let (oids, name) = match key_type {
        KeyType::EC_EDWARDS => ([ED25519, OLD_ED25519], "edwards25519"),
        _ => ([X25519, OLD_X25519], "curve25519"),
    };
    let is_oid = ObjectIdentifier::from_der(params).is_ok_and(|given| oids.contains(&given));
    let is_name = PrintableStringRef::from_der(params).is_ok_and(|given| given.as_str() == name);
    if is_oid || is_name {
        return Ok(());
    }
    if PrintableStringRef::from_der(params).is_ok() {
        return Err(Error::CurveNotSupported);
    }
    not_known(params)
}

/// Checks that `CKA_EC_PARAMS` of an SM2 key names its curve, if it is there and says anything.
///
/// # Errors
/// As [`curve`].
pub(crate) fn check_sm2(params: Option<&[u8]>) -> Result<(), Error> {
    let Some(params) = params.filter(|params| !params.is_empty() && *params != crypto::sm2::OID) else {
        return Ok(());
    };
    match PrintableStringRef::from_der(params) {
        Ok(name) if matches!(name.as_str(), "sm2p256v1" | "curveSM2" | "SM2") => Ok(()),
        Ok(_) => Err(Error::CurveNotSupported),
        Err(_) => not_known(params),
    }
}

fn not_known<T>(params: &[u8]) -> Result<T, Error> {
    Err(match <ObjectIdentifier>::from_der(params) {
        Ok(_) => Error::CurveNotSupported,
        Err(_) => Error::DomainParamsInvalid("neither an object identifier nor the name of a curve"),
    })
}

/// Bytes in a DER OCTET STRING, the form of `CKA_EC_POINT`.
pub(crate) fn octet_string(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    encoded(&OctetStringRef::new(bytes).map_err(failed)?)
}

/// The point that `CKA_EC_POINT` holds: in a DER OCTET STRING, or as it is. One whose length is that of a raw
/// point is one, since its first byte is no tag of an OCTET STRING; of a raw Ed25519 or X25519 key the length
/// alone decides.
pub(crate) fn point(value: &[u8], is_raw_len: impl Fn(usize) -> bool) -> &[u8] {
    if is_raw_len(value.len()) {
        return value;
    }
    <&OctetStringRef>::from_der(value).map_or(value, OctetStringRef::as_bytes)
}

/// The DER encoding. Its length is known beforehand, so that no copy of a secret is left behind.
pub(super) fn encoded(value: &impl Encode) -> Result<Vec<u8>, Error> {
    value.to_der().map_err(failed)
}

/// A key of ours always has an encoding.
pub(super) fn failed(_: ::der::Error) -> Error {
    Error::Internal("a key does not encode as DER")
}
