//! Tells how strong some values are.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    #[serde(rename = "type")]
    kind: String,
    data: BTreeMap<String, Zeroizing<String>>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    #[serde(rename = "type")]
    kind: String,
    /// How strong each is: `weak`, `medium` or `strong`.
    data: BTreeMap<String, &'static str>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "CheckSecrets";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/checker/check";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        if self.kind != "1" {
            return Err(CsmsError::Field(format!("type {:?} is unknown: expected 1", self.kind)));
        }
        let values = self.data.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let strengths = services.csms.strengths(caller, values)?;
        let data = strengths.into_iter().map(|(name, strength)| (name.to_owned(), strength.name())).collect();
        Ok(Reply { kind: self.kind, data })
    }
}
