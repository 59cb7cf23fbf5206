//! Rotates a secret now: answered once it is done, or undone.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::failure::Shape;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_name: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    version_id: String,
    secret_name: String,
    rotation_task_id: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "RotateSecret";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/{secret_name}/rotate";
    const SHAPE: Option<Shape> = Some(Shape::Nested);

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let rotated = services.csms.rotate_secret(caller, &self.secret_name)?;
        Ok(Reply {
            version_id: rotated.version.to_string(),
            secret_name: rotated.secret.name.clone(),
            rotation_task_id: rotated.task.to_string(),
        })
    }
}
