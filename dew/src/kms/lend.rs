//! What other services are given of the KMS: a place for their records with the keys of a project, and keys that
//! protect what they keep. What one service encrypted, neither another nor whoever may use the key opens.

use std::sync::Arc;

use crypto::Secret;
use hsm::partition::Partition;

use super::allow::Found;
use super::cipher::{Form, Head};
use super::data::{open, usable};
use super::error::{KmsError, Result};
use super::id::KeyId;
use super::spec::{Family, Usage};
use super::{Encrypted, Kms};
use crate::caller::Caller;
use crate::iam::{AccountId, ProjectId};

/// A service that keys protect something for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Borrower {
    /// The name of its default key, which it alone uses: nobody needs leave of the KMS for that.
    pub(crate) default: &'static str,
    /// What is encrypted for it.
    pub(crate) form: Form,
}

impl Kms {
    /// The partition of a project; none if it never had a key. Its keys are not read for that.
    pub(crate) fn partition_of_project(&self, project: ProjectId) -> Option<Arc<Partition>> {
        let home = self.homes.read().by_project.get(&project).map(|(_, home)| home.clone());
        home.and_then(|home| self.partition_of(&home))
    }

    /// The partition of a project, which gets it now if it has none.
    pub(crate) fn partition_or_new(&self, project: ProjectId, account: AccountId) -> Result<Arc<Partition>> {
        Ok(Arc::clone(&self.project_or_new(project, account)?.partition))
    }

    /// The projects that have a partition, and their accounts.
    pub(crate) fn projects_with_partitions(&self) -> Vec<(ProjectId, AccountId)> {
        self.known_projects()
    }

    /// The key that is named, or the service's default one, if it can encrypt for the caller.
    ///
    /// # Errors
    /// `NoKey`, `BadKeyId`, `NoAlias`, `Forbidden`; `Asymmetric`; how the key stands.
    pub(crate) fn lendable(&self, caller: &Caller, to: Borrower, named: Option<&str>) -> Result<KeyId> {
        let found = self.lent(caller, "CreateDatakey", to, named.unwrap_or(to.default))?;
        protecting(&found)
    }

    /// Encrypts something for a service, with what belongs to it.
    ///
    /// # Errors
    /// As [`Self::lendable`].
    pub(crate) fn protect(
        &self,
        caller: &Caller,
        to: Borrower,
        key: KeyId,
        plain: &[u8],
        with: &[u8],
    ) -> Result<Encrypted> {
        let found = self.lent(caller, "CreateDatakey", to, &key.to_string())?;
        protecting(&found)?;
        let desk = self.desk(found.key.slot, caller)?;
        let cipher = self.seal(&desk, &found.key, to.form, plain, with)?;
        Ok(Encrypted { key: found.key.id, cipher })
    }

    /// Decrypts what was encrypted for a service.
    ///
    /// # Errors
    /// `BadCipher`; as [`Self::lendable`].
    pub(crate) fn unprotect(
        &self,
        caller: &Caller,
        to: Borrower,
        cipher: &[u8],
        with: &[u8],
    ) -> Result<Secret> {
        let key = Head::split(cipher)?.0.key;
        let found = self.lent(caller, "DecryptDatakey", to, &key.to_string())?;
        protecting(&found)?;
        open(&self.desk(found.key.slot, caller)?, &found.key, to.form, cipher, with)
    }

    fn lent(&self, caller: &Caller, operation: &'static str, to: Borrower, named: &str) -> Result<Found> {
        let (own, account) = self.own(caller)?;
        if named == to.default {
            return self.find(own, account, named, caller);
        }
        if let Ok(found) = self.find(own, account, named, caller)
            && found.key.default
            && found.key.name == to.default
            && found.project.id == own
        {
            return Ok(found);
        }
        self.permitted(caller, operation, named)
    }
}

fn protecting(found: &Found) -> Result<KeyId> {
    match found.key.spec.family() {
        Family::Cipher => Ok(usable(found, Usage::EncryptDecrypt)?.id),
        _ => Err(KmsError::Asymmetric),
    }
}
