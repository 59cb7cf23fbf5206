//! Makes an access point.

use dew::caller::Caller;
use dew::kms::{KmsError, NewAccessPoint, PointKind};
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::{Number, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    keyspace_id: String,
    access_point_name: String,
    r#type: Number,
    identity: Option<String>,
    cluster_id: Option<String>,
    description: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    access_point_id: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "CreateAccessPoint";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/access-points";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let new = NewAccessPoint {
            keyspace: &self.keyspace_id,
            name: &self.access_point_name,
            kind: PointKind::numbered(self.r#type.0)?,
            identity: self.identity.as_deref(),
            cluster: self.cluster_id.as_deref(),
            description: self.description.as_deref().unwrap_or_default(),
        };
        let point = services.kms.create_access_point(caller, new)?;
        Ok(Reply { access_point_id: point.id.to_string() })
    }
}
