//! Backups of secrets: a blob that holds a secret with all its versions and stages, encrypted.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `CLVGCSMS` |
//! | 1 | the form: 1 |
//! | 2 | the length of what follows, big-endian |
//! | … | a data key, as the KMS encrypted it for CSMS under the secret's key |
//! | 12 | the initialisation vector |
//! | … | the secret and its values, AES-256-GCM with the data key, and 16 bytes of tag |
//!
//! The tag is also over all that stands before. A data key encrypts one blob.

use crypto::Secret as Bytes;
use crypto::aead::{gcm_open, gcm_seal};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Csms;
use super::allow::{About, Found};
use super::error::{CsmsError, Result};
use super::rotation::Rotation;
use super::secret::{Secret, Version};
use super::value::{BORROWER, Value, key_error};
use crate::caller::Caller;
use crate::iam::EnterpriseProjectId;
use crate::kms::record::Kept;
use crate::kms::{KmsError, Uuid};

const MAGIC: &[u8; 9] = b"CLVGCSMS\x01";
const IV: usize = 12;
const TAG: usize = 16;
/// What the data key of a blob is bound to.
const BOUND: &[u8] = b"secret backup";
/// The most bytes of a blob: as many values as a secret can have, and what is known of it.
const MAX: usize = 2 << 20;

/// What is in a blob.
#[derive(Serialize, Deserialize)]
struct Content {
    secret: Secret,
    /// The values of its versions, in their order.
    values: Vec<Zeroizing<Vec<u8>>>,
}

impl Content {
    fn encoded(&self) -> Result<Bytes> {
        let failed = |_| CsmsError::Internal("a secret has an encoding");
        // It never grows, and so leaves nothing behind elsewhere.
        let room = postcard::experimental::serialized_size(self).map_err(failed)?;
        postcard::to_extend(self, Vec::with_capacity(room)).map(Bytes::new).map_err(failed)
    }
}

impl Csms {
    /// A secret with all of its versions, encrypted.
    ///
    /// # Errors
    /// `PendingDeletion`; `Key` if a value cannot be decrypted; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn back_up_secret(&self, caller: &Caller, name: &str) -> Result<Vec<u8>> {
        let Found { project, secret } = self.permitted(caller, "DownloadSecretBlob", name)?;
        // A version that goes meanwhile would leave a backup without its value.
        let _turn = project.turn.lock();
        let secret = self.standing(&project, secret.number)?;
        secret.check_enabled()?;
        let value = |version| self.open(caller, &project, &secret, version).map(|value| value.packed());
        let values = secret.versions.iter().map(value).collect::<Result<Vec<_>>>()?;
        let content = Content { secret: (*secret).clone(), values }.encoded()?;
        let key = self.hsm.random_secret(32)?;
        let sealed =
            self.kms.protect(caller, BORROWER, secret.key, key.as_bytes(), BOUND).map_err(key_error)?;
        let mut blob = MAGIC.to_vec();
        let length = u16::try_from(sealed.cipher.len());
        blob.extend(length.map_err(|_| CsmsError::Internal("a data key is short"))?.to_be_bytes());
        blob.extend(&sealed.cipher);
        let iv: [u8; IV] = self.hsm.random()?;
        let body = aes(&key, |key| gcm_seal(key, &iv, &blob, TAG, content.as_bytes()))?;
        blob.extend(iv);
        blob.extend(body);
        let details = super::about(&secret);
        self.commit(caller, &project, "back up a secret", &details, Vec::new())?;
        Ok(blob)
    }

    /// Makes a secret again from a backup, with its versions and stages and under another id.
    ///
    /// # Errors
    /// `BadBlob`; `Taken`, `Quota`; `Key` if it cannot be decrypted, or encrypted again; `Forbidden`; what the HSM says.
    pub fn restore_secret(&self, caller: &Caller, blob: &[u8]) -> Result<Kept<Secret>> {
        self.permitted_in(caller, "UploadSecretBlob", About::default())?;
        let Content { secret: was, values } = self.content(caller, blob)?;
        let place = EnterpriseProjectId(was.enterprise_project);
        let about = About {
            name: Some(&was.name),
            enterprise_project: Some(place.0),
            tags: Some(&was.tags),
            ..About::default()
        };
        let (project, account) = self.permitted_in(caller, "UploadSecretBlob", about)?;
        self.check_tag_policy(account, &was.tags)?;
        let project = self.project_or_new(project, account)?;
        let key = self.kms.lendable(caller, BORROWER, Some(&was.key.to_string())).map_err(key_error)?;
        let _turn = project.turn.lock();
        let (number, first) = self.room_for(&project, &was.name)?;
        let (id, now) = (Uuid::from_random(self.hsm.random()?), self.now());
        let (mut versions, mut writes) = (Vec::new(), Vec::new());
        for ((version, packed), value) in was.versions.iter().zip(&values).zip(first..) {
            let plain = Value::unpacked(packed)?;
            writes.push(self.seal(caller, key, (id, version.id), value, &plain)?);
            versions.push(Version { key, value, ..version.clone() });
        }
        let event = was.event.filter(|name| project.shelf.read().event(name).is_ok());
        let enterprise_project = match self.iam.has_enterprise_project(account, place) {
            true => place,
            false => EnterpriseProjectId::DEFAULT,
        };
        // Somebody switches its rotation on again.
        let rotation = Rotation { automatic: false, next: None, under_way: None, ..was.rotation };
        let secret = Secret {
            id,
            key,
            event,
            enterprise_project: enterprise_project.0,
            rotation,
            versions,
            updated: now,
            goes: None,
            ..was
        };
        self.add_secret(caller, &project, "restore a secret", number, secret, writes)
    }

    fn content(&self, caller: &Caller, blob: &[u8]) -> Result<Content> {
        let bad = CsmsError::BadBlob;
        if blob.len() > MAX {
            return Err(bad);
        }
        let parts = || {
            let (length, rest) = blob.strip_prefix(MAGIC)?.split_first_chunk()?;
            let (sealed, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
            let (iv, body) = rest.split_at_checked(IV)?;
            let head = blob.get(..blob.len() - rest.len())?;
            Some((head, sealed, iv, body))
        };
        let Some((head, sealed, iv, body)) = parts() else { return Err(bad) };
        let key = self.kms.unprotect(caller, BORROWER, sealed, BOUND).map_err(|error| match error {
            // Not one that a key of this HSM made.
            KmsError::BadCipher | KmsError::NoKey => CsmsError::BadBlob,
            error => key_error(error),
        })?;
        let opened = aes(&key, |key| gcm_open(key, iv, head, TAG, body)).map_err(|_| CsmsError::BadBlob)?;
        let opened = Bytes::new(opened);
        let content: Content = postcard::from_bytes(opened.as_bytes()).map_err(|_| CsmsError::BadBlob)?;
        if content.values.len() != content.secret.versions.len() {
            return Err(CsmsError::BadBlob);
        }
        Ok(content)
    }
}

fn aes<T>(key: &Bytes, act: impl FnOnce(&crypto::aes::Key) -> Result<T, crypto::Error>) -> Result<T> {
    let key = crypto::aes::Key::new(key.as_bytes()).map_err(hsm::Error::from)?;
    act(&key).map_err(|error| hsm::Error::from(error).into())
}
