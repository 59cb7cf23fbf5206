//! A private key from a file, as the two objects that it becomes.

use crypto::{Hash, Secret, ec, ed25519, x25519};
use pkcs8::AlgorithmIdentifierRef;
use pkcs8::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::der::{Decode, Encode, Reader, SliceReader};
use sec1::EcPrivateKey;

use super::number::{attribute, class, key_type, key_type_name};
use super::{Draft, Thing, arrival, hex};

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");

/// A private key, in the parts that its attributes are made of.
#[derive(Debug)]
pub(crate) enum PrivateKey {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
        /// The secret numbers, by attribute.
        parts: Vec<(u64, Secret)>,
    },
    Ec {
        /// The curve: a DER object identifier.
        params: Vec<u8>,
        scalar: Secret,
    },
    Ed25519(Secret),
    X25519(Secret),
}

/// What the objects of a file get that the file does not say.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    /// `CKA_LABEL`; none takes what the file says, or its name.
    pub(crate) label: Option<String>,
    /// `CKA_ID`; none takes the SHA-1 of the public key.
    pub(crate) id: Option<Vec<u8>>,
    /// `CKA_EXTRACTABLE`
    pub(crate) extractable: bool,
    /// The file's name.
    pub(crate) file: String,
}

impl PrivateKey {
    /// Of PKCS#8 (RFC 5958), in DER.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, String> {
        let info =
            pkcs8::PrivateKeyInfoRef::try_from(der).map_err(|error| format!("it is no PKCS#8: {error}"))?;
        let key = info.private_key.as_bytes();
        match info.algorithm.oid {
            RSA => Self::from_pkcs1(key),
            EC => {
                let params = info.algorithm.parameters.ok_or("it names no curve")?;
                Self::from_sec1(key, Some(params.to_der().map_err(|error| error.to_string())?))
            }
            ED25519 => inner(key).map(Self::Ed25519),
            X25519 => inner(key).map(Self::X25519),
            other => Err(format!("its algorithm ({other}) is not supported")),
        }
    }

    /// Of PKCS#1 (RFC 8017, "RSA private key syntax"), in DER.
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self, String> {
        let key =
            pkcs1::RsaPrivateKeyRef::try_from(der).map_err(|error| format!("it is no PKCS#1: {error}"))?;
        let secret = |number: UintRef<'_>| Secret::new(number.as_bytes().to_vec());
        Ok(Self::Rsa {
            modulus: key.modulus.as_bytes().to_vec(),
            exponent: key.public_exponent.as_bytes().to_vec(),
            parts: vec![
                (attribute::PRIVATE_EXPONENT, secret(key.private_exponent)),
                (attribute::PRIME_1, secret(key.prime1)),
                (attribute::PRIME_2, secret(key.prime2)),
                (attribute::EXPONENT_1, secret(key.exponent1)),
                (attribute::EXPONENT_2, secret(key.exponent2)),
                (attribute::COEFFICIENT, secret(key.coefficient)),
            ],
        })
    }

    /// Of SEC 1 (RFC 5915), in DER; `params` is the curve, where what is around it names that.
    pub(crate) fn from_sec1(der: &[u8], params: Option<Vec<u8>>) -> Result<Self, String> {
        let key = EcPrivateKey::try_from(der).map_err(|error| format!("it is no SEC 1 key: {error}"))?;
        let own =
            key.parameters.and_then(sec1::EcParameters::named_curve).and_then(|curve| curve.to_der().ok());
        let params = params.or(own).ok_or("it names no curve")?;
        Ok(Self::Ec { params, scalar: Secret::new(key.private_key.to_vec()) })
    }

    pub(super) fn key_type(&self) -> u64 {
        match self {
            Self::Rsa { .. } => key_type::RSA,
            Self::Ec { .. } => key_type::EC,
            Self::Ed25519(_) => key_type::EC_EDWARDS,
            Self::X25519(_) => key_type::EC_MONTGOMERY,
        }
    }

    /// The DER object identifier of the curve; none of an RSA key.
    pub(super) fn params(&self) -> Result<Option<Vec<u8>>, String> {
        let der = |oid: ObjectIdentifier| oid.to_der().map(Some).map_err(|error| error.to_string());
        match self {
            Self::Rsa { .. } => Ok(None),
            Self::Ec { params, .. } => Ok(Some(params.clone())),
            Self::Ed25519(_) => der(ED25519),
            Self::X25519(_) => der(X25519),
        }
    }

    /// The content of the bit string of the SubjectPublicKeyInfo: what a subject key identifier is made of.
    pub(crate) fn public(&self) -> Result<Vec<u8>, String> {
        let text = |error: crypto::Error| error.to_string();
        Ok(match self {
            Self::Rsa { modulus, exponent, .. } => {
                let number = |bytes| UintRef::new(bytes).map_err(|error| error.to_string());
                let key =
                    pkcs1::RsaPublicKey { modulus: number(modulus)?, public_exponent: number(exponent)? };
                key.to_der().map_err(|error| error.to_string())?
            }
            Self::Ec { params, scalar } => {
                let curve = ec::Curve::from_oid(params).ok_or("its curve is not supported")?;
                let key = ec::PrivateKey::from_scalar(curve, scalar.as_bytes()).map_err(text)?;
                key.public().point().map_err(text)?
            }
            Self::Ed25519(seed) => {
                let key = ed25519::PrivateKey::from_seed(seed.as_bytes()).map_err(text)?;
                key.public().as_bytes().to_vec()
            }
            Self::X25519(bytes) => {
                let key = x25519::PrivateKey::from_bytes(bytes.as_bytes()).map_err(text)?;
                key.public().as_bytes().to_vec()
            }
        })
    }

    /// The private and the public object.
    pub(crate) fn things(&self, label: &str, wishes: &Wishes) -> Vec<Thing> {
        let label = wishes.label.as_deref().unwrap_or(label);
        let made = self.public().and_then(|public| {
            let id = match &wishes.id {
                Some(id) => id.clone(),
                None => key_id(&public)?,
            };
            let drafts = (self.private_half(label, &id, wishes)?, self.public_half(label, &id, &public)?);
            Ok((drafts, id))
        });
        let thing = |class: &str, id: &[u8], draft: Result<Draft, String>| Thing {
            name: label.to_owned(),
            class: class.to_owned(),
            kind: key_type_name(self.key_type()),
            id: hex(id),
            arrival: draft.and_then(|draft| arrival(draft, None)),
            notes: Vec::new(),
        };
        match made {
            Ok(((private, public), id)) => {
                vec![thing("private key", &id, Ok(private)), thing("public key", &id, Ok(public))]
            }
            Err(why) => vec![thing("private key", &[], Err(why))],
        }
    }

    /// What the private object is made of besides the curve: attributes by number.
    pub(super) fn parts(&self) -> Vec<(u64, &[u8])> {
        match self {
            Self::Rsa { modulus, exponent, parts } => {
                let public = [(attribute::MODULUS, &modulus[..]), (attribute::PUBLIC_EXPONENT, exponent)];
                public
                    .into_iter()
                    .chain(parts.iter().map(|(part, value)| (*part, value.as_bytes())))
                    .collect()
            }
            Self::Ec { scalar: value, .. } | Self::Ed25519(value) | Self::X25519(value) => {
                vec![(attribute::VALUE, value.as_bytes())]
            }
        }
    }

    fn common(&self, class: u64, label: &str, id: &[u8]) -> Result<Draft, String> {
        let mut draft = Draft::default();
        draft.number(attribute::CLASS, class);
        draft.number(attribute::KEY_TYPE, self.key_type());
        draft.flag(attribute::TOKEN, true);
        draft.bytes(attribute::LABEL, label.as_bytes());
        draft.bytes(attribute::ID, id);
        if let Some(params) = self.params()? {
            draft.bytes(attribute::EC_PARAMS, &params);
        }
        Ok(draft)
    }

    fn private_half(&self, label: &str, id: &[u8], wishes: &Wishes) -> Result<Draft, String> {
        let mut draft = self.common(class::PRIVATE_KEY, label, id)?;
        draft.flag(attribute::PRIVATE, true);
        draft.flag(attribute::SENSITIVE, true);
        draft.flag(attribute::EXTRACTABLE, wishes.extractable);
        self.parts().into_iter().for_each(|(part, value)| draft.bytes(part, value));
        Ok(draft)
    }

    fn public_half(&self, label: &str, id: &[u8], public: &[u8]) -> Result<Draft, String> {
        let mut draft = self.common(class::PUBLIC_KEY, label, id)?;
        match self {
            Self::Rsa { modulus, exponent, .. } => {
                draft.bytes(attribute::MODULUS, modulus);
                draft.bytes(attribute::PUBLIC_EXPONENT, exponent);
            }
            _ => {
                let point = OctetStringRef::new(public).and_then(|point| point.to_der());
                draft.bytes(attribute::EC_POINT, &point.map_err(|error| error.to_string())?);
            }
        }
        Ok(draft)
    }
}

/// A public key, in the parts that OpenSSH has.
pub(crate) enum PublicKey<'a> {
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    /// A point of a curve in Weierstrass form, uncompressed.
    Point(&'a [u8]),
    Ed25519(&'a [u8; 32]),
}

impl<'a> PublicKey<'a> {
    /// Of SubjectPublicKeyInfo (RFC 5280), in DER.
    pub(crate) fn from_spki(der: &'a [u8]) -> Result<Self, String> {
        let text = |error: pkcs8::der::Error| error.to_string();
        let info = pkcs8::SubjectPublicKeyInfoRef::try_from(der).map_err(|error| error.to_string())?;
        let bytes = info.subject_public_key.as_bytes().ok_or("the key is no whole number of bytes")?;
        match info.algorithm.oid {
            RSA => {
                let key = pkcs1::RsaPublicKeyRef::from_der(bytes).map_err(text)?;
                Ok(Self::Rsa { modulus: key.modulus.as_bytes(), exponent: key.public_exponent.as_bytes() })
            }
            EC => Ok(Self::Point(bytes)),
            ED25519 => bytes.try_into().map(Self::Ed25519).map_err(|_| "an Ed25519 key has 32 bytes".into()),
            other => Err(format!("OpenSSH has no keys of algorithm {other}")),
        }
    }
}

/// The octet string in the private key of RFC 8410.
fn inner(key: &[u8]) -> Result<Secret, String> {
    let inner = <&OctetStringRef>::from_der(key).map_err(|error| error.to_string())?;
    Ok(Secret::new(inner.as_bytes().to_vec()))
}

/// The id that a key and its certificate share: the SHA-1 of the public key (RFC 5280, "Subject Key Identifier").
pub(crate) fn key_id(public: &[u8]) -> Result<Vec<u8>, String> {
    crypto::hash::digest(Hash::Sha1, public).map_err(|error| error.to_string())
}

/// A certificate as the object that it becomes.
pub(crate) fn certificate(der: &[u8], label: &str, wishes: &Wishes) -> Thing {
    let label = wishes.label.as_deref().unwrap_or(label);
    let made = certificate_draft(der, label, wishes);
    let id = made.as_ref().map(|(_, id)| hex(id)).unwrap_or_default();
    Thing {
        name: label.to_owned(),
        class: "certificate".into(),
        kind: "X_509".into(),
        id,
        arrival: made.and_then(|(draft, _)| arrival(draft, None)),
        notes: Vec::new(),
    }
}

fn certificate_draft(der: &[u8], label: &str, wishes: &Wishes) -> Result<(Draft, Vec<u8>), String> {
    let text = |error: pkcs8::der::Error| format!("it is no X.509 certificate: {error}");
    let parts = Certificate::from_der(der).map_err(text)?;
    let id = match &wishes.id {
        Some(id) => id.clone(),
        None => key_id(parts.public_key.as_bytes().ok_or("its public key is no whole number of bytes")?)?,
    };
    let mut draft = Draft::default();
    draft.number(attribute::CLASS, class::CERTIFICATE);
    draft.number(attribute::CERTIFICATE_TYPE, 0);
    draft.flag(attribute::TOKEN, true);
    draft.flag(attribute::PRIVATE, false);
    draft.bytes(attribute::LABEL, label.as_bytes());
    draft.bytes(attribute::ID, &id);
    draft.bytes(attribute::SUBJECT, &parts.subject.to_der().map_err(text)?);
    draft.bytes(attribute::ISSUER, &parts.issuer.to_der().map_err(text)?);
    draft.bytes(attribute::SERIAL_NUMBER, &parts.serial.to_der().map_err(text)?);
    draft.bytes(attribute::VALUE, der);
    Ok((draft, id))
}

/// The public key in an X.509 certificate: its key type, and what an object of it is made of.
pub(super) fn certified(der: &[u8]) -> Result<(u64, Vec<(u64, Vec<u8>)>), String> {
    let text = |error: pkcs8::der::Error| error.to_string();
    let Certificate { algorithm, public_key, .. } = Certificate::from_der(der).map_err(text)?;
    let key = public_key.as_bytes().ok_or("its public key is no whole number of bytes")?;
    let on_curve = |params: Result<Vec<u8>, pkcs8::der::Error>| {
        let point = octets(key)?;
        Ok::<_, String>(vec![(attribute::EC_PARAMS, params.map_err(text)?), (attribute::EC_POINT, point)])
    };
    match algorithm.oid {
        RSA => {
            let key = pkcs1::RsaPublicKeyRef::from_der(key).map_err(text)?;
            let parts = [
                (attribute::MODULUS, key.modulus.as_bytes().to_vec()),
                (attribute::PUBLIC_EXPONENT, key.public_exponent.as_bytes().to_vec()),
            ];
            Ok((key_type::RSA, parts.to_vec()))
        }
        EC => {
            let params = algorithm.parameters.ok_or("it names no curve")?;
            Ok((key_type::EC, on_curve(params.to_der())?))
        }
        ED25519 => Ok((key_type::EC_EDWARDS, on_curve(ED25519.to_der())?)),
        other => Err(format!("its algorithm ({other}) is not supported")),
    }
}

/// The length in bytes of the DER at the beginning of some bytes.
pub(super) fn der_len(bytes: &[u8]) -> Result<usize, String> {
    let text = |error: pkcs8::der::Error| format!("it is no PKCS#8: {error}");
    let mut reader = SliceReader::new(bytes).map_err(text)?;
    let whole = reader.tlv_bytes().map_err(text)?;
    Ok(whole.len())
}

/// `CKA_EC_POINT` as the standard has it: the point in an OCTET STRING, which some tokens leave out.
pub(super) fn octets(point: &[u8]) -> Result<Vec<u8>, String> {
    if <&OctetStringRef>::from_der(point).is_ok() {
        return Ok(point.to_vec());
    }
    OctetStringRef::new(point).and_then(|point| point.to_der()).map_err(|error| error.to_string())
}

/// Whether the bytes are an X.509 certificate, as far as its parts tell.
pub(crate) fn is_certificate(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok()
}

/// The parts of an X.509 certificate that a token wants to know (RFC 5280, "Basic Certificate Fields").
struct Certificate<'a> {
    serial: AnyRef<'a>,
    issuer: AnyRef<'a>,
    subject: AnyRef<'a>,
    /// Of the public key.
    algorithm: AlgorithmIdentifierRef<'a>,
    public_key: BitStringRef<'a>,
}

impl<'a> Certificate<'a> {
    fn from_der(der: &'a [u8]) -> pkcs8::der::Result<Self> {
        let mut whole = SliceReader::new(der)?;
        let parts = whole.sequence(|signed: &mut SliceReader<'a>| {
            let parts = signed.sequence(|body: &mut SliceReader<'a>| {
                if body.peek_byte() == Some(0xa0) {
                    let _version = AnyRef::decode(body)?;
                }
                let serial = AnyRef::decode(body)?;
                let _algorithm = AnyRef::decode(body)?;
                let issuer = AnyRef::decode(body)?;
                let _validity = AnyRef::decode(body)?;
                let subject = AnyRef::decode(body)?;
                let (algorithm, public_key) = body.sequence(|info: &mut SliceReader<'a>| {
                    Ok::<_, pkcs8::der::Error>((
                        AlgorithmIdentifierRef::decode(info)?,
                        BitStringRef::decode(info)?,
                    ))
                })?;
                // Unique identifiers and extensions.
                while !body.is_finished() {
                    let _rest = AnyRef::decode(body)?;
                }
                Ok::<_, pkcs8::der::Error>(Self { serial, issuer, subject, algorithm, public_key })
            })?;
            let (_algorithm, _signature) = (AnyRef::decode(signed)?, AnyRef::decode(signed)?);
            Ok::<_, pkcs8::der::Error>(parts)
        })?;
        whole.finish()?;
        Ok(parts)
    }
}
