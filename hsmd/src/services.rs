//! The services over the HSM, as long as the daemon is open: with the HSM they come, and with it they go.

use std::sync::Arc;

use dew::caller::Caller;
use dew::iam::{Iam, Identity};
use dew::kms::{Kms, Quotas};
use hsm::Hsm;

/// Why the services cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServicesError {
    /// The directory of accounts cannot be read.
    #[error("the directory of accounts cannot be read: {0}")]
    Iam(#[from] dew::iam::IamError),
    /// What the KMS keeps cannot be read.
    #[error("what the KMS keeps cannot be read: {0}")]
    Kms(#[from] dew::kms::KmsError),
}

/// The services.
pub(crate) struct Services {
    pub(crate) iam: Arc<Iam>,
    pub(crate) kms: Kms,
    nobody: Arc<Identity>,
}

impl Services {
    /// The services of an HSM.
    ///
    /// # Errors
    /// `Iam`, `Kms` if what they keep cannot be read.
    pub(crate) fn open(hsm: &Arc<Hsm>, quotas: Quotas) -> Result<Self, ServicesError> {
        let iam = Arc::new(Iam::open(Arc::clone(hsm))?);
        let kms = Kms::open(Arc::clone(hsm), Arc::clone(&iam), quotas)?;
        Ok(Self { iam, kms, nobody: Arc::new(Identity::nobody()) })
    }

    /// Reads what the services keep anew, after it was restored from a backup.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn reload(&self) -> Result<(), ServicesError> {
        self.iam.reload()?;
        Ok(self.kms.reload()?)
    }

    /// Who asks what anyone may ask.
    pub(crate) fn nobody(&self) -> Arc<Identity> {
        Arc::clone(&self.nobody)
    }

    /// The region that a request is made in: that of its project.
    pub(crate) fn region(&self, caller: &Caller) -> String {
        let project = caller.project.and_then(|id| self.iam.project(id));
        project.map(|project| project.name.clone()).unwrap_or_default()
    }
}
