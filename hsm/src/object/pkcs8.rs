//! PrivateKeyInfo (RFC 5208, RFC 5958), the form in which private keys are wrapped (PKCS#11 3.2,
//! "Wrapping/unwrapping private keys").

use ::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use ::der::{Decode, Reader, Sequence, SliceReader, TagNumber};
use crypto::ec::Curve;
use crypto::{Secret, ec, rsa, sm2};

use super::attributes::key::PAIR_TYPES;
use super::der::{self, Algorithm, DhParameter, DssParms, EcPrivateKey, RsaPrivateKey, encoded, failed};
use super::{Attr, AttributeMap, Class, KeyType, Material};
use crate::error::Error;

/// The longest encoding that is read, in bytes: that of an RSA key of 8192 bits is about half of it.
const LIMIT: usize = 10 << 10;

#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: Algorithm<'a>,
    key: &'a OctetStringRef,
}

/// The encoding of a private key.
///
/// # Errors
/// `KeyNotWrappable` of a key that is not private.
pub fn encode(key: &Material) -> Result<Secret, Error> {
    match key {
        Material::Rsa(key) => encode_rsa(key),
        Material::Ec(key) => encode_ec(key),
        Material::Sm2(key) => Ok(key.to_pkcs8()?),
        Material::Ed25519(key) => encode_raw(der::ED25519, &key.seed()),
        Material::X25519(key) => encode_raw(der::X25519, &key.to_bytes()),
        Material::Dsa(key) => {
            encode_number(der::DSA, &der::dsa_parameters(key.public().parameters())?, &key.value())
        }
        Material::Dh(key) => {
            encode_number(der::DH, &der::dh_parameters(key.public().group())?, &key.value()?)
        }
        _ => Err(Error::KeyNotWrappable("it is not a private key")),
    }
}

/// The encoding of the private key that these attributes hold.
///
/// # Errors
/// As [`Material::of`] and [`encode`].
pub fn private_key_info(attributes: &AttributeMap) -> Result<Secret, Error> {
    encode(&Material::of(attributes)?)
}

fn encode_rsa(key: &rsa::PrivateKey) -> Result<Secret, Error> {
    let parts = key.to_parts();
    let number = |part| UintRef::new(part).map_err(failed);
    let key = Secret::new(encoded(&RsaPrivateKey {
        version: 0,
        modulus: number(&parts.n)?,
        public_exponent: number(&parts.e)?,
        private_exponent: number(parts.d.as_bytes())?,
        prime1: number(parts.p.as_bytes())?,
        prime2: number(parts.q.as_bytes())?,
        exponent1: number(parts.dp.as_bytes())?,
        exponent2: number(parts.dq.as_bytes())?,
        coefficient: number(parts.qinv.as_bytes())?,
    })?);
    info(der::RSA, Some(AnyRef::NULL), &key)
}

fn encode_ec(key: &ec::PrivateKey) -> Result<Secret, Error> {
    let (scalar, point) = (key.scalar()?, key.public().point()?);
    let inner = Secret::new(encoded(&EcPrivateKey {
        version: 1,
        private_key: OctetStringRef::new(scalar.as_bytes()).map_err(failed)?,
        parameters: None,
        public_key: Some(::der::asn1::BitStringRef::from_bytes(&point).map_err(failed)?),
    })?);
    let curve = AnyRef::from_der(key.curve().oid()).map_err(failed)?;
    info(der::EC, Some(curve), &inner)
}

fn encode_raw(oid: ObjectIdentifier, key: &Secret) -> Result<Secret, Error> {
    let inner = Secret::new(der::octet_string(key.as_bytes())?);
    info(oid, None, &inner)
}

/// The key of DSA (RFC 5958 refers to PKCS#11 for it) and of Diffie–Hellman: an INTEGER.
fn encode_number(oid: ObjectIdentifier, parameters: &[u8], value: &Secret) -> Result<Secret, Error> {
    let parameters = AnyRef::from_der(parameters).map_err(failed)?;
    let inner = Secret::new(encoded(&UintRef::new(value.as_bytes()).map_err(failed)?)?);
    info(oid, Some(parameters), &inner)
}

fn info(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &Secret) -> Result<Secret, Error> {
    encoded(&PrivateKeyInfo {
        version: 0,
        algorithm: Algorithm { oid, parameters },
        key: OctetStringRef::new(key.as_bytes()).map_err(failed)?,
    })
    .map(Secret::new)
}

/// The attributes that hold the private key of this encoding. Whether they are a valid key is not checked here.
///
/// # Errors
/// `DataInvalid` if it is not the encoding of a key of this type.
pub fn decode(bytes: &Secret, key_type: KeyType) -> Result<AttributeMap, Error> {
    if bytes.len() > LIMIT {
        return Err(INVALID);
    }
    let (algorithm, key) = outer(bytes.as_bytes()).map_err(|_| INVALID)?;
    match (key_type, algorithm.oid) {
        (KeyType::RSA, der::RSA) if algorithm.parameters.is_none_or(AnyRef::is_null) => decode_rsa(key),
        (KeyType::EC, der::EC) => decode_ec(algorithm, key, |oid| Curve::from_oid(oid).map(Curve::field_len)),
        (KeyType::SM2, der::EC) => decode_ec(algorithm, key, |oid| (oid == sm2::OID).then_some(sm2::FIELD)),
        (KeyType::EC_EDWARDS, der::ED25519) | (KeyType::EC_MONTGOMERY, der::X25519)
            if algorithm.parameters.is_none() =>
        {
            decode_raw(algorithm.oid, key)
        }
        (KeyType::DSA, der::DSA) => decode_dsa(algorithm, key),
        (KeyType::DH, der::DH) => decode_dh(algorithm, key),
        _ => Err(INVALID),
    }
}

/// The attributes of the private key, of whatever type, that bytes are the encoding of, with zeros after it or
/// not; none if they are none.
#[must_use]
pub fn recognize(bytes: &Secret) -> Option<AttributeMap> {
    let (key, _) = bytes.as_bytes().split_at_checked(len(bytes)?)?;
    let key = Secret::new(key.to_vec());
    PAIR_TYPES.iter().find_map(|key_type| {
        let mut attributes = decode(&key, KeyType(*key_type)).ok()?;
        attributes.set_ulong(Attr::CLASS, Class::PRIVATE_KEY.0);
        attributes.set_ulong(Attr::KEY_TYPE, *key_type);
        Some(attributes)
    })
}

/// The length of the encoding that these bytes begin with, if they do.
#[must_use]
pub fn len(bytes: &Secret) -> Option<usize> {
    let mut reader = SliceReader::new(bytes.as_bytes()).ok()?;
    reader.tlv_bytes().ok().map(<[u8]>::len)
}

const INVALID: Error = Error::DataInvalid("it is not the PKCS#8 of a private key of this type");

/// The algorithm and the key. Attributes and a public key may follow, each once, and are not used.
fn outer(bytes: &[u8]) -> Result<(Algorithm<'_>, &[u8]), ::der::Error> {
    let mut reader = SliceReader::new(bytes)?;
    let found = reader.sequence(|reader| {
        let version = u8::decode(reader)?;
        let algorithm = Algorithm::decode(reader)?;
        let key = <&OctetStringRef>::decode(reader)?;
        let mut extra =
            [TagNumber(0).context_specific(true), TagNumber(1).context_specific(false)].into_iter();
        while !reader.is_finished() {
            let tag = ::der::Tagged::tag(&AnyRef::decode(reader)?);
            if !extra.any(|expected| expected == tag) {
                return Err(::der::ErrorKind::Failed.into());
            }
        }
        if version > 1 {
            return Err(::der::ErrorKind::Failed.into());
        }
        Ok::<_, ::der::Error>((algorithm, key.as_bytes()))
    })?;
    reader.finish()?;
    Ok(found)
}

fn decode_rsa(key: &[u8]) -> Result<AttributeMap, Error> {
    let key = RsaPrivateKey::from_der(key).map_err(|_| INVALID)?;
    if key.version != 0 {
        return Err(INVALID);
    }
    let mut attributes = AttributeMap::new();
    attributes.set_plain(Attr::MODULUS, key.modulus.as_bytes());
    attributes.set_plain(Attr::PUBLIC_EXPONENT, key.public_exponent.as_bytes());
    for (attribute, part) in [
        (Attr::PRIVATE_EXPONENT, key.private_exponent),
        (Attr::PRIME_1, key.prime1),
        (Attr::PRIME_2, key.prime2),
        (Attr::EXPONENT_1, key.exponent1),
        (Attr::EXPONENT_2, key.exponent2),
        (Attr::COEFFICIENT, key.coefficient),
    ] {
        attributes.set_secret(attribute, Secret::new(part.as_bytes().to_vec()));
    }
    Ok(attributes)
}

/// `field_len` tells how long numbers are on the curve of an object identifier, if keys of the type can be on it.
fn decode_ec(
    algorithm: Algorithm<'_>,
    key: &[u8],
    field_len: impl Fn(&[u8]) -> Option<usize>,
) -> Result<AttributeMap, Error> {
    let key = EcPrivateKey::from_der(key).map_err(|_| INVALID)?;
    let params = algorithm.parameters.ok_or(INVALID)?;
    let params = encoded(&params)?;
    let field_len = field_len(&params).ok_or(INVALID)?;
    let same_curve = match key.parameters {
        None => true,
        Some(oid) => encoded(&oid)? == params,
    };
    if key.version != 1 || !same_curve || key.private_key.as_bytes().len() != field_len {
        return Err(INVALID);
    }
    let mut attributes = AttributeMap::new();
    attributes.set_plain(Attr::EC_PARAMS, params);
    attributes.set_secret(Attr::VALUE, Secret::new(key.private_key.as_bytes().to_vec()));
    if let Some(point) = key.public_key {
        let point = point.as_bytes().ok_or(INVALID)?;
        attributes.set_plain(Attr::EC_POINT, der::octet_string(point)?);
    }
    Ok(attributes)
}

fn decode_raw(oid: ObjectIdentifier, key: &[u8]) -> Result<AttributeMap, Error> {
    let key = <&OctetStringRef>::from_der(key).map_err(|_| INVALID)?;
    let mut attributes = AttributeMap::new();
    attributes.set_plain(Attr::EC_PARAMS, encoded(&oid)?);
    attributes.set_secret(Attr::VALUE, Secret::new(key.as_bytes().to_vec()));
    Ok(attributes)
}

fn decode_dsa(algorithm: Algorithm<'_>, key: &[u8]) -> Result<AttributeMap, Error> {
    let parameters = algorithm.parameters.ok_or(INVALID)?.decode_as::<DssParms<'_>>().map_err(|_| INVALID)?;
    let mut attributes = decode_number(key)?;
    attributes.set_plain(Attr::PRIME, parameters.p.as_bytes());
    attributes.set_plain(Attr::SUBPRIME, parameters.q.as_bytes());
    attributes.set_plain(Attr::BASE, parameters.g.as_bytes());
    Ok(attributes)
}

fn decode_dh(algorithm: Algorithm<'_>, key: &[u8]) -> Result<AttributeMap, Error> {
    let parameters =
        algorithm.parameters.ok_or(INVALID)?.decode_as::<DhParameter<'_>>().map_err(|_| INVALID)?;
    let mut attributes = decode_number(key)?;
    attributes.set_plain(Attr::PRIME, parameters.prime.as_bytes());
    attributes.set_plain(Attr::BASE, parameters.base.as_bytes());
    Ok(attributes)
}

fn decode_number(key: &[u8]) -> Result<AttributeMap, Error> {
    let value = UintRef::from_der(key).map_err(|_| INVALID)?;
    let mut attributes = AttributeMap::new();
    attributes.set_secret(Attr::VALUE, Secret::new(value.as_bytes().to_vec()));
    Ok(attributes)
}
