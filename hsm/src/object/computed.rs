//! The attributes that follow from others: sizes, points, missing parts of RSA keys, SubjectPublicKeyInfo and
//! check values. What a template gives for them must be right.

use crypto::{rsa, sm2};

use super::{Attr, AttributeMap, AttributeValue, Class, KeyType, Material, asked, check_value, der, spki};
use crate::error::Error;

/// Checks the key or certificate that the attributes hold, and adds what follows from it.
///
/// # Errors
/// As [`Material::of`]; `TemplateInconsistent` or `AttributeValueInvalid` for a given value that is not right.
pub(super) fn complete(attributes: &mut AttributeMap) -> Result<(), Error> {
    match attributes.ulong(Attr::CLASS).map(Class) {
        Some(Class::PUBLIC_KEY | Class::PRIVATE_KEY | Class::SECRET_KEY) => {
            let key = Material::of(attributes)?;
            if let Some(info) = spki::encode(&key)? {
                set(attributes, Attr::PUBLIC_KEY_INFO, info)?;
            }
            complete_key(attributes, &key)
        }
        Some(Class::CERTIFICATE) => match attributes.plain(Attr::VALUE) {
            Some(value) if !value.is_empty() => {
                let check = check_value::of_certificate(value)?;
                set(attributes, Attr::CHECK_VALUE, check)
            }
            _ => Ok(()),
        },
        Some(Class::DOMAIN_PARAMETERS) => complete_domain(attributes),
        _ => Ok(()),
    }
}

fn complete_key(attributes: &mut AttributeMap, key: &Material) -> Result<(), Error> {
    match key {
        Material::Rsa(key) => complete_rsa(attributes, key),
        Material::RsaPublic(key) => {
            let bits = bits(&key.modulus());
            set(attributes, Attr::MODULUS_BITS, bits.to_le_bytes())
        }
        Material::Ec(key) => {
            attributes.set_secret(Attr::VALUE, key.scalar()?);
            set_point(attributes, &key.public().point()?)
        }
        Material::EcPublic(key) => set_point(attributes, &key.point()?),
        Material::Sm2(key) => {
            attributes.set_secret(Attr::VALUE, key.scalar());
            complete_sm2(attributes, key.public())
        }
        Material::Sm2Public(key) => complete_sm2(attributes, key),
        Material::Ed25519(key) => set_point(attributes, key.public().as_bytes()),
        Material::Ed25519Public(key) => set_point(attributes, key.as_bytes()),
        Material::X25519(key) => set_point(attributes, key.public().as_bytes()),
        Material::X25519Public(key) => set_point(attributes, key.as_bytes()),
        // The shortest form of a number, whatever the template or the blob had.
        Material::Dsa(key) => {
            attributes.set_secret(Attr::VALUE, key.value());
            Ok(())
        }
        Material::Dh(key) => {
            let value = key.value()?;
            if attributes.get(Attr::VALUE_BITS).is_none() {
                attributes.set_ulong(Attr::VALUE_BITS, bits(value.as_bytes()));
            }
            attributes.set_secret(Attr::VALUE, value);
            Ok(())
        }
        Material::DsaPublic(key) => {
            attributes.set_plain(Attr::VALUE, key.value());
            Ok(())
        }
        Material::DhPublic(key) => {
            attributes.set_plain(Attr::VALUE, key.value());
            Ok(())
        }
        Material::Secret(key) => {
            let key_type = KeyType(attributes.ulong(Attr::KEY_TYPE).unwrap_or(KeyType::GENERIC_SECRET.0));
            set(attributes, Attr::VALUE_LEN, (key.bytes().len() as u64).to_le_bytes())?;
            match check_value::of_key(key_type, key.bytes())? {
                Some(check) => set(attributes, Attr::CHECK_VALUE, check),
                None => {
                    attributes.remove(Attr::CHECK_VALUE);
                    Ok(())
                }
            }
        }
    }
}

fn complete_rsa(attributes: &mut AttributeMap, key: &rsa::PrivateKey) -> Result<(), Error> {
    let parts = key.to_parts();
    for (attribute, part) in [
        (Attr::PRIVATE_EXPONENT, parts.d),
        (Attr::PRIME_1, parts.p),
        (Attr::PRIME_2, parts.q),
        (Attr::EXPONENT_1, parts.dp),
        (Attr::EXPONENT_2, parts.dq),
        (Attr::COEFFICIENT, parts.qinv),
    ] {
        attributes.set_secret(attribute, part);
    }
    Ok(())
}

/// Sets the point: a DER OCTET STRING for all curves. The text of 3.x asks for bare bytes of Ed25519 and
/// X25519 keys, which GnuTLS 3.7 and the clients of its time cannot read; those that follow the text read
/// both, and so do we.
fn set_point(attributes: &mut AttributeMap, point: &[u8]) -> Result<(), Error> {
    let encoded = der::octet_string(point)?;
    if attributes.ulong(Attr::CLASS) == Some(Class::PRIVATE_KEY.0) {
        // A public key's point was the key; that of a private key must be the one that belongs to it.
        let given = attributes.plain(Attr::EC_POINT).filter(|given| !given.is_empty());
        if given.is_some_and(|given| given != point && given != encoded) {
            return Err(wrong(Attr::EC_POINT));
        }
    }
    attributes.set_plain(Attr::EC_POINT, encoded);
    Ok(())
}

/// The curve, which was checked where it was named, and the point.
fn complete_sm2(attributes: &mut AttributeMap, key: &sm2::PublicKey) -> Result<(), Error> {
    attributes.set_plain(Attr::EC_PARAMS, sm2::OID);
    set_point(attributes, &key.point())
}

fn complete_domain(attributes: &mut AttributeMap) -> Result<(), Error> {
    for part in [Attr::PRIME, Attr::SUBPRIME, Attr::BASE] {
        if attributes.plain(part).is_some_and(<[u8]>::is_empty) {
            let reason = "it is zero".into();
            return Err(Error::AttributeValueInvalid { attribute: part, reason });
        }
    }
    for (attribute, part) in [(Attr::PRIME_BITS, Attr::PRIME), (Attr::SUBPRIME_BITS, Attr::SUBPRIME)] {
        if let Some(number) = attributes.plain(part) {
            let bits = bits(number);
            set(attributes, attribute, bits.to_le_bytes())?;
        }
    }
    Ok(())
}

/// Sets what was computed; a template that gives it must agree. An empty check value says that there is to be
/// none (PKCS#11 3.2, "Secret key objects").
fn set(attributes: &mut AttributeMap, attribute: Attr, value: impl AsRef<[u8]>) -> Result<(), Error> {
    let value = AttributeValue::Plain(value.as_ref().into());
    match attributes.get(attribute) {
        Some(AttributeValue::Plain(given)) if given.is_empty() && attribute == Attr::CHECK_VALUE => {
            return Ok(());
        }
        Some(AttributeValue::Plain(given)) if given.is_empty() => {}
        Some(given) if *given != value => return Err(wrong(attribute)),
        _ => {}
    }
    attributes.set(attribute, value);
    Ok(())
}

fn wrong(attribute: Attr) -> Error {
    if attribute == Attr::CHECK_VALUE {
        Error::AttributeValueInvalid { attribute, reason: "it is not that of the value".into() }
    } else {
        Error::TemplateInconsistent(format!("{attribute} is not that of the key"))
    }
}

/// The length of a big-endian number in bits.
fn bits(number: &[u8]) -> u64 {
    let number = asked::number(number);
    match number.first() {
        Some(first) => number.len() as u64 * 8 - u64::from(first.leading_zeros()),
        None => 0,
    }
}
