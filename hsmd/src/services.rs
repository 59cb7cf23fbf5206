//! The services over the HSM, as long as the daemon is open: with the HSM they come, and with it they go.

use std::sync::Arc;

use dew::caller::Caller;
use dew::csms::Csms;
use dew::cts::Cts;
use dew::iam::{EnterpriseProjectId, Iam, Identity};
use dew::kms::{Kms, Quotas, Tell};
use dew::message::{Messages, Wake};
use hsm::Hsm;
use tracing::error;

use crate::audit::Audit;
use crate::config::Config;
use crate::notifications::Notifications;
use crate::servers::Reached;
use crate::traces::{Asked, Resource, Traces};
use crate::transfer::{Buckets, Transfer};

/// Why the services cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServicesError {
    /// The directory of accounts cannot be read.
    #[error("the directory of accounts cannot be read: {0}")]
    Iam(#[from] dew::iam::IamError),
    /// What the KMS keeps cannot be read.
    #[error("what the KMS keeps cannot be read: {0}")]
    Kms(#[from] dew::kms::KmsError),
    /// What is kept of messages cannot be read.
    #[error("what is kept of messages cannot be read: {0}")]
    Messages(#[from] dew::message::MessageError),
    /// What the CTS keeps cannot be read.
    #[error("what the CTS keeps cannot be read: {0}")]
    Cts(#[from] dew::cts::CtsError),
    /// There is no thread for the traces.
    #[error("there is no thread for the traces: {0}")]
    Thread(std::io::Error),
}

/// The services.
pub(crate) struct Services {
    pub(crate) iam: Arc<Iam>,
    pub(crate) kms: Arc<Kms>,
    pub(crate) csms: Csms,
    pub(crate) cts: Arc<Cts>,
    pub(crate) messages: Arc<Messages>,
    pub(crate) traces: Arc<Traces>,
    pub(crate) transfer: Transfer,
    pub(crate) notifications: Notifications,
    nobody: Arc<Identity>,
}

impl Services {
    /// The services of an HSM.
    ///
    /// # Errors
    /// `Iam`, `Kms`, `Cts`, `Messages` if what they keep cannot be read; `Thread`.
    pub(crate) fn open(
        hsm: &Arc<Hsm>,
        (keys, secrets): (Quotas, dew::csms::Quotas),
        audit: &Arc<Audit>,
        config: &Config,
        wake: Wake,
    ) -> Result<Self, ServicesError> {
        let iam = Arc::new(Iam::open(Arc::clone(hsm))?);
        let limits = config.messages.limits();
        let messages = Arc::new(Messages::open(Arc::clone(hsm), Arc::clone(&iam), limits, wake)?);
        let traces = Traces::start(Arc::clone(audit)).map_err(ServicesError::Thread)?;
        let kms = Kms::open(Arc::clone(hsm), Arc::clone(&iam), keys, tracing_in(&traces, hsm))?;
        let kms = Arc::new(kms);
        let csms = Csms::new(
            Arc::clone(hsm),
            Arc::clone(&kms),
            Arc::clone(&messages),
            Arc::new(Reached::new(&config.rotation)),
            secrets,
        );
        let buckets =
            Buckets { folder: config.transfer.folder.clone(), forwards: config.audit.forward.is_some() };
        let cts = Arc::new(Cts::open(Arc::clone(hsm), Arc::clone(&iam), Box::new(buckets.clone()))?);
        let transfer =
            Transfer::start(audit, &config.transfer, buckets, &cts).map_err(ServicesError::Thread)?;
        let notifications = Notifications::start(audit, &cts, &messages).map_err(ServicesError::Thread)?;
        Ok(Self {
            iam,
            kms,
            csms,
            cts,
            messages,
            traces,
            transfer,
            notifications,
            nobody: Arc::new(Identity::nobody()),
        })
    }

    /// Reads what the services keep anew, after it was restored from a backup.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn reload(&self) -> Result<(), ServicesError> {
        self.iam.reload()?;
        self.kms.reload()?;
        self.csms.reload();
        self.messages.reload()?;
        Ok(self.cts.reload()?)
    }

    /// Who asks what anyone may ask.
    pub(crate) fn nobody(&self) -> Arc<Identity> {
        Arc::clone(&self.nobody)
    }

    /// What a request is about, where its service finds it by what the request says: to be asked before it is done, for
    /// then it may be gone.
    pub(crate) fn resource(&self, asked: &Asked<'_>) -> Option<Resource> {
        match asked.traced.service {
            "CTS" => {
                let (id, name) = asked.tracker(&self.cts)?;
                Some(Resource { id, name, enterprise_project: EnterpriseProjectId::DEFAULT })
            }
            "IAM" => {
                let (id, name) = asked.in_directory(&self.iam)?;
                Some(Resource { id, name, enterprise_project: EnterpriseProjectId::DEFAULT })
            }
            "CSMS" => {
                let fields = asked.fields();
                let get = |name| fields.get(name).and_then(serde_json::Value::as_str);
                let named = get("secret_name").or(get("secret_id")).or(get("resource_id"))?;
                let (id, name, place) =
                    self.csms.shown(asked.project, asked.caller.identity.account, named)?;
                Some(Resource { id, name, enterprise_project: place })
            }
            _ => None,
        }
    }

    /// What a request is about, whose id is known.
    pub(crate) fn resource_of_id(&self, asked: &Asked<'_>, id: &str) -> Option<Resource> {
        let (name, enterprise_project) = match asked.traced.service {
            "CSMS" => {
                let (_, name, place) = self.csms.shown(asked.project, asked.caller.identity.account, id)?;
                (name, place)
            }
            _ => self.kms.shown_name(asked.project, id)?,
        };
        Some(Resource { id: id.to_owned(), name, enterprise_project })
    }

    /// The region that a request is made in: that of its project.
    pub(crate) fn region(&self, caller: &Caller) -> String {
        let project = caller.project.and_then(|id| self.iam.project(id));
        project.map(|project| project.region().to_owned()).unwrap_or_default()
    }
}

/// Leaves a trace of what the KMS does by itself.
fn tracing_in(traces: &Arc<Traces>, hsm: &Arc<Hsm>) -> Tell {
    let (traces, hsm) = (Arc::clone(traces), Arc::clone(hsm));
    Box::new(move |did| {
        if let Err(why) = traces.leave_of_itself(did, hsm.time_ms()) {
            error!("what was due of key {} is done and leaves no trace: {why}", did.key.id);
        }
    })
}
