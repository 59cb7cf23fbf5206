//! All tags of the project's secrets, each with its values.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::rest::failure::Shape;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {}

#[derive(Serialize)]
pub(super) struct Reply {
    tags: Vec<TagValues>,
}

/// `TagResponse`
#[derive(Serialize)]
struct TagValues {
    key: String,
    values: BTreeSet<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ListProjectSecretsTags";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/{project_id}/csms/tags";
    const SHAPE: Option<Shape> = Some(Shape::Nested);
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let tags = services.csms.tags_of_secrets(caller)?;
        let tag = |(key, values): (String, BTreeSet<String>)| TagValues { key, values };
        Ok(Reply { tags: tags.into_iter().map(tag).collect() })
    }
}
