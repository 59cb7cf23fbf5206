//! Values: encrypted with a key of the KMS, and bound to the secret and the version that they are of.

use crypto::Secret as Bytes;
use hsm::service::{FORM, Kind, Write};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{CsmsError, Result};
use super::secret::{Secret, Version, VersionId};
use super::{Csms, Project};
use crate::caller::Caller;
use crate::kms::cipher::Form;
use crate::kms::record::creation;
use crate::kms::{Borrower, KeyId, KmsError, Uuid};

/// CSMS, as the KMS knows it.
pub(super) const BORROWER: Borrower = Borrower { default: "csms/default", form: Form::Csms };

/// The most bytes of a value, as it is sent.
pub(super) const MAX: usize = 32 * 1024;

/// What a version of a secret holds.
#[derive(Debug)]
pub enum Value {
    /// Text.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
}

impl Value {
    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let (Self::Text(bytes) | Self::Binary(bytes)) = self;
        bytes.as_bytes()
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Text(_) => b't',
            Self::Binary(_) => b'b',
        }
    }

    /// What is encrypted: what it is, then its bytes.
    pub(super) fn packed(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + self.as_bytes().len()));
        bytes.push(self.tag());
        bytes.extend(self.as_bytes());
        bytes
    }

    pub(super) fn unpacked(packed: &[u8]) -> Result<Self> {
        match packed {
            [b't', text @ ..] => Ok(Self::Text(Bytes::new(text.to_vec()))),
            [b'b', bytes @ ..] => Ok(Self::Binary(Bytes::new(bytes.to_vec()))),
            _ => Err(CsmsError::Internal("a value says what it is")),
        }
    }

    /// Refuses what is empty or too long.
    pub(super) fn check(&self) -> Result<()> {
        // Bytes are sent in base64.
        let (field, sent) = match self {
            Self::Text(text) => ("secret_string", text.as_bytes().len()),
            Self::Binary(bytes) => ("secret_binary", bytes.as_bytes().len().div_ceil(3) * 4),
        };
        match sent {
            0 => Err(CsmsError::Field(format!("{field} is empty"))),
            1..=MAX => Ok(()),
            _ => Err(CsmsError::Field(format!("{field} has at most {MAX} bytes, this one {sent}"))),
        }
    }
}

/// A record with a value.
#[derive(Serialize, Deserialize)]
struct Sealed {
    cipher: Vec<u8>,
}

/// What the tag of a value is also over: of which secret and version it is.
fn bound(secret: Uuid, version: VersionId) -> Vec<u8> {
    [b"secret value ".as_slice(), &secret.0, &version.0.to_be_bytes()].concat()
}

impl Csms {
    /// Encrypts a value that is to be of a version; what writes it.
    pub(super) fn seal(
        &self,
        caller: &Caller,
        key: KeyId,
        (secret, version): (Uuid, VersionId),
        number: u64,
        value: &Value,
    ) -> Result<Write> {
        let with = bound(secret, version);
        let sealed = self.kms.protect(caller, BORROWER, key, &value.packed(), &with);
        let cipher = sealed.map_err(key_error)?.cipher;
        Ok(creation(Kind::CsmsValue, number, &Sealed { cipher })?)
    }

    /// The value of a version, decrypted.
    pub(super) fn open(
        &self,
        caller: &Caller,
        project: &Project,
        secret: &Secret,
        version: &Version,
    ) -> Result<Value> {
        self.open_at(caller, project, (secret.id, version.id), version.value)
    }

    /// The value of a record, decrypted.
    pub(super) fn open_at(
        &self,
        caller: &Caller,
        project: &Project,
        (secret, version): (Uuid, VersionId),
        number: u64,
    ) -> Result<Value> {
        let cipher = self.sealed(project, number)?.cipher;
        let with = bound(secret, version);
        let opened = self.kms.unprotect(caller, BORROWER, &cipher, &with).map_err(key_error)?;
        Value::unpacked(opened.as_bytes())
    }

    fn sealed(&self, project: &Project, number: u64) -> Result<Sealed> {
        let read = self.hsm.service_record_in(&project.partition, Kind::CsmsValue, number)?;
        // It went between the look at the secret and this one.
        let (_, _, record) = read.ok_or(CsmsError::NoVersion)?;
        match record.as_bytes().split_first() {
            Some((&FORM, fields)) => {
                postcard::from_bytes(fields).map_err(|_| CsmsError::Internal("a value's record decodes"))
            }
            _ => Err(CsmsError::Internal("a value's record is of this release or an earlier one")),
        }
    }

    /// What takes away the value of a version.
    pub(super) fn value_goes(&self, project: &Project, number: u64) -> Result<Write> {
        let read = self.hsm.service_record_in(&project.partition, Kind::CsmsValue, number)?;
        let (number, was, _) = read.ok_or(CsmsError::Internal("a version has its value"))?;
        Ok(Write { kind: Kind::CsmsValue, number, was: Some(was), value: None })
    }
}

/// What the KMS says of a key, as far as it is not about who may.
pub(super) fn key_error(error: KmsError) -> CsmsError {
    match CsmsError::from(error) {
        CsmsError::Kms(error) => CsmsError::Key(error),
        other => other,
    }
}
