//! Gives a key an alias.

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::Deserialize;

use super::shown::AliasInfo;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    key_id: String,
    alias: String,
}

impl Operation for Op {
    type Reply = AliasInfo;
    type Error = KmsError;
    const NAME: &'static str = "CreateAlias";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/aliases";

    fn run(self, caller: &Caller, services: &Services) -> Result<AliasInfo, KmsError> {
        let alias = services.kms.create_alias(caller, &self.key_id, &self.alias)?;
        Ok(AliasInfo::of(&alias, caller.identity.account, &services.region(caller)))
    }
}
