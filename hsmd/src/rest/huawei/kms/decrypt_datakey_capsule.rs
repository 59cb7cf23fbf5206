//! Opens a capsule for who shows that it may.

use dew::caller::Caller;
use dew::kms::{Attestation, KmsError};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::capsules::DataKey;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    public_key: Option<String>,
    datakey_capsule: String,
    attestation_document: Document,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    ecs_signature: Option<String>,
    custom_signature: Option<String>,
    custom_public_key: Option<String>,
    expire_time: Option<String>,
    service_token: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_id: String,
    instance_id: String,
    #[serde(flatten)]
    data_key: DataKey,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "DecryptDatakeyCapsule";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/datakey-capsule/decrypt";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let document = &self.attestation_document;
        if document.ecs_signature.is_some() {
            return Err(KmsError::BadAttestation(
                "ecs_signature is for servers of a cloud, of which there are none",
            ));
        }
        let shown = Attestation {
            signature: document.custom_signature.as_deref(),
            public_key: document.custom_public_key.as_deref(),
            expires: document.expire_time.as_deref(),
            token: document.service_token.as_deref(),
        };
        let (capsule, recipient) = (&self.datakey_capsule, self.public_key.as_deref());
        let opened = services.kms.open_capsule(caller, &self.key_id, capsule, recipient, shown)?;
        Ok(Reply {
            key_id: opened.key.to_string(),
            instance_id: opened.instance,
            data_key: DataKey::of(&opened.data_key),
        })
    }
}
