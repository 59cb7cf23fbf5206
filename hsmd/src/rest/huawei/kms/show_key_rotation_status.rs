//! Tells how a key is rotated.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
}

#[derive(Serialize)]
pub(super) struct Reply {
    key_rotation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_interval: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rotation_time: Option<String>,
    number_of_rotations: u32,
    key_materials: Vec<Material>,
}

/// A version of the key's material.
#[derive(Serialize)]
pub(super) struct Material {
    material_id: String,
    create_time: String,
    /// 2: enabled.
    state: u8,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowKeyRotationStatus";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/get-key-rotation-status";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let key = services.kms.rotation(caller, &self.key_id)?;
        let material = |version: &dew::kms::Version| Material {
            material_id: format!("{}-{}", key.id, version.number),
            create_time: version.created.to_string(),
            state: 2,
        };
        Ok(Reply {
            key_rotation_enabled: key.rotation.enabled,
            rotation_interval: key.rotation.enabled.then_some(key.rotation.days),
            last_rotation_time: key.rotation.last.map(|time| time.to_string()),
            number_of_rotations: key.rotation.count,
            key_materials: key.versions.iter().map(material).collect(),
        })
    }
}
