//! Lists all tags of the keys of a project.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {}

#[derive(Serialize)]
pub(super) struct Reply {
    tags: Vec<Tag>,
}

/// `Tag`: with all its values.
#[derive(Serialize)]
struct Tag {
    key: String,
    values: Vec<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ListKmsTags";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1.0/{project_id}/kms/tags";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, KmsError> {
        let all = services.kms.tags_of_project(caller)?;
        let tags = all.into_iter().map(|(key, values)| Tag { key, values: values.into_iter().collect() });
        Ok(Reply { tags: tags.collect() })
    }
}
