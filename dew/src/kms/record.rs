//! How what the KMS and CTS keep is written: a byte for the form, then the fields.

use std::sync::Arc;

use hsm::service::{FORM, Kind, Read, Write};
use hsm::vault::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{KmsError, Result};

/// Something that is kept, as it was last committed.
#[derive(Debug)]
pub struct Kept<T> {
    pub(crate) number: u64,
    pub(crate) version: Version,
    pub(crate) value: Arc<T>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { number: self.number, version: self.version, value: Arc::clone(&self.value) }
    }
}

impl<T> std::ops::Deref for Kept<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// What a record holds.
pub(super) fn decoded<T: DeserializeOwned>(record: &[u8]) -> Result<T> {
    match record.split_first() {
        Some((&FORM, fields)) => {
            postcard::from_bytes(fields).map_err(|_| KmsError::Internal("what the KMS keeps decodes"))
        }
        _ => Err(KmsError::Internal("what the KMS keeps is of this release or an earlier one")),
    }
}

impl<T: Serialize + DeserializeOwned> Kept<T> {
    /// A record as it was read.
    pub(crate) fn read(read: Read) -> Result<Self> {
        let (number, version, bytes) = read;
        Ok(Self { number, version, value: Arc::new(decoded(bytes.as_bytes())?) })
    }

    /// As [`Self::read`], where this release has more fields at the end than an earlier one wrote: those are `more` then.
    pub(crate) fn read_longer(read: Read, more: &[u8]) -> Result<Self> {
        let (number, version, bytes) = read;
        let value = match decoded(bytes.as_bytes()) {
            Ok(value) => value,
            Err(_) => decoded(&[bytes.as_bytes(), more].concat())?,
        };
        Ok(Self { number, version, value: Arc::new(value) })
    }

    /// The change that takes it away.
    pub(crate) const fn deletion(&self, kind: Kind) -> Write {
        Write { kind, number: self.number, was: Some(self.version), value: None }
    }

    /// The change that makes it another.
    pub(crate) fn update(&self, kind: Kind, value: &T) -> Result<Write> {
        let value = Some(encoded(value)?);
        Ok(Write { kind, number: self.number, was: Some(self.version), value })
    }

    /// It, once a change has made it another.
    pub(crate) fn updated(&self, version: Version, value: T) -> Self {
        Self { number: self.number, version, value: Arc::new(value) }
    }
}

/// The change that makes a new record.
pub(crate) fn creation<T: Serialize>(kind: Kind, number: u64, value: &T) -> Result<Write> {
    Ok(Write { kind, number, was: None, value: Some(encoded(value)?) })
}

fn encoded<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![FORM];
    bytes.extend(
        postcard::to_allocvec(value).map_err(|_| KmsError::Internal("what the KMS keeps has an encoding"))?,
    );
    Ok(bytes)
}
