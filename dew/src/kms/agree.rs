//! Key agreement, and pairs of keys that are made for somebody who uses them elsewhere.

use crypto::Secret;
use hsm::object::{Attr, Class, KeyType};
use spki::SubjectPublicKeyInfoRef;
use wire::{Mechanism, MechanismId, Params, Value};

use super::cipher::Form;
use super::data::{check_additional, mechanism, usable};
use super::error::{KmsError, Result};
use super::spec::{Attributes, Family, Spec, Usage};
use super::{KeyId, Kms};
use crate::caller::Caller;

/// A pair of keys, made and forgotten here.
#[derive(Debug)]
pub struct DataKeyPair {
    /// The key that encrypts the private half.
    pub key: KeyId,
    /// SubjectPublicKeyInfo, DER.
    pub public: Vec<u8>,
    /// PKCS #8, DER.
    pub private: Secret,
    /// The private half as its owner keeps it: `DecryptData` opens it.
    pub cipher: Vec<u8>,
}

/// DER of curves' object identifiers, by the names of the interface.
const CURVES: &[(&str, &[u8])] = &[
    ("ECC_NIST_P256", &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    ("ECC_NIST_P384", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]),
    ("ECC_NIST_P521", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]),
    ("ECC_SECG_P256K1", &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]),
];

/// What a pair is to be.
fn wanted(operation: &str, spec: &str) -> Result<(Mechanism, Attributes)> {
    let bits = match spec {
        "RSA_2048" => Some(2048),
        "RSA_3072" => Some(3072),
        "RSA_4096" => Some(4096),
        _ => None,
    };
    let made = |id| Mechanism { id: MechanismId(id), params: Params::None };
    if operation == "CreateRsaDatakeyPair" {
        let bits = bits.ok_or_else(|| {
            KmsError::DataKeySpec(format!(
                "key_spec {spec:?} is no type of RSA pair: expected RSA_2048, RSA_3072 or RSA_4096"
            ))
        })?;
        // CKM_RSA_PKCS_KEY_PAIR_GEN
        let sized = Attributes::default().ulong(Attr::MODULUS_BITS, bits);
        return Ok((made(0x0), sized.bytes(Attr::PUBLIC_EXPONENT, &[1, 0, 1])));
    }
    if spec == "SM2" {
        return Ok((made(0xc34c_5601), Attributes::default()));
    }
    let curve = CURVES.iter().find(|(name, _)| *name == spec).ok_or_else(|| {
        let names: Vec<_> = CURVES.iter().map(|(name, _)| *name).collect();
        KmsError::DataKeySpec(format!(
            "key_spec {spec:?} is no type of EC pair: expected {} or SM2",
            names.join(", ")
        ))
    })?;
    // CKM_EC_KEY_PAIR_GEN
    Ok((made(0x1040), Attributes::default().bytes(Attr::EC_PARAMS, curve.1)))
}

impl Kms {
    /// Makes a pair of keys and encrypts the private half; `operation` is `CreateRsaDatakeyPair` or
    /// `CreateEcDatakeyPair`.
    ///
    /// # Errors
    /// `DataKeySpec`, `Field`; how the key stands; `NoKey`, `Forbidden`; what the HSM says.
    pub fn create_data_key_pair(
        &self,
        caller: &Caller,
        operation: &'static str,
        key: &str,
        spec: &str,
        additional: &[u8],
    ) -> Result<DataKeyPair> {
        let (mechanism, sized) = wanted(operation, spec)?;
        check_additional(additional)?;
        let found = self.permitted(caller, operation, key)?;
        let key = usable(&found, Usage::EncryptDecrypt)?;
        if key.spec.family() != Family::Cipher {
            return Err(KmsError::Asymmetric);
        }
        let desk = self.desk(key.slot, caller)?;
        let private = Attributes::default().flag(Attr::SENSITIVE, false).flag(Attr::EXTRACTABLE, true);
        let pair = desk.generate_pair(&mechanism, &sized.template()?, &private.template()?)?;
        let details = [("key", key.id.to_string()), ("spec", spec.to_owned())];
        let (private, public) = desk.give_out(&pair, &details)?;
        let cipher = self.seal(&desk, key, Form::Data, private.as_bytes(), additional)?;
        Ok(DataKeyPair { key: key.id, public, private, cipher })
    }

    /// The secret that a key shares with the holder of another public key of its curve (ECDH, RFC 5903): the x
    /// coordinate.
    ///
    /// # Errors
    /// `Field`, `Algorithm`, `Symmetric`; how the key stands; `NoKey`, `Forbidden`; what the HSM says of the public key.
    pub fn derive_shared_secret(&self, caller: &Caller, key: &str, other: &[u8]) -> Result<(KeyId, Secret)> {
        let found = self.permitted(caller, "DeriveSharedSecret", key)?;
        let key = &found.key;
        if !key.spec.family().is_pair() {
            return Err(KmsError::Symmetric);
        }
        if key.spec.family() != Family::Curve {
            let text = format!("keys of type {} agree on no secret: expected an EC key", key.spec.name());
            return Err(KmsError::Algorithm(text));
        }
        key.check_enabled()?;
        let wrong = || {
            KmsError::Field(
                "public_key: expected DER of a SubjectPublicKeyInfo on the key's curve".to_owned(),
            )
        };
        let info = SubjectPublicKeyInfoRef::try_from(other).map_err(|_| wrong())?;
        let curve = info.algorithm.parameters.and_then(|curve| der::Encode::to_der(&curve).ok());
        if curve.as_deref() != key.spec.curve() {
            return Err(wrong());
        }
        let point = info.subject_public_key.as_bytes().ok_or_else(wrong)?;
        // CKM_ECDH1_DERIVE with CKD_NULL.
        let ecdh = mechanism(
            0x1050,
            vec![Value::Ulong(1), Value::Bytes(Vec::new().into()), Value::Bytes(point.into())],
        )?;
        let len = if key.spec == Spec::EcP384 { 48 } else { 32 };
        let template = Attributes::default()
            .ulong(Attr::CLASS, Class::SECRET_KEY.0)
            .ulong(Attr::KEY_TYPE, KeyType::GENERIC_SECRET.0)
            .ulong(Attr::VALUE_LEN, len)
            .flag(Attr::SENSITIVE, false)
            .flag(Attr::EXTRACTABLE, true);
        let desk = self.desk(key.slot, caller)?;
        let secret = desk.derive(key.current()?.closed, ecdh, template.template()?);
        let secret = secret.map_err(|error| match error {
            hsm::Error::MechanismParamInvalid(_) => wrong(),
            error => error.into(),
        })?;
        Ok((key.id, secret))
    }
}
