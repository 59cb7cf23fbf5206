//! Gives out the private key of a custom access point, once.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use pem_rfc7468::LineEnding;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    access_point_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    access_point_id: String,
    private_key: Pem,
}

/// Text that is wiped when it is not needed any more.
struct Pem(Zeroizing<String>);

impl Serialize for Pem {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "DownloadAccessPointPrivateKey";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/access-points/{access_point_id}/get-privatekey";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let (id, key) = services.kms.download_private_key(caller, &self.access_point_id)?;
        let private_key = pem_rfc7468::encode_string("PRIVATE KEY", LineEnding::LF, key.as_bytes())
            .map_err(|_| KmsError::Internal("a private key has a PEM encoding"))?;
        Ok(Reply { access_point_id: id.to_string(), private_key: Pem(Zeroizing::new(private_key)) })
    }
}
