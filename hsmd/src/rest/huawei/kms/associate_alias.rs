//! Gives an alias to another key.

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
    alias: String,
    target_key_id: String,
}

impl Operation for Op {
    type Reply = AliasInfo;
    type Error = KmsError;
    const NAME: &'static str = "AssociateAlias";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1.0/{project_id}/kms/alias/associate";

    fn run(self, caller: &Caller, services: &Services) -> Result<AliasInfo, KmsError> {
        let alias = services.kms.associate_alias(caller, &self.alias, &self.target_key_id)?;
        Ok(AliasInfo::of(&alias, caller.identity.account, &services.region(caller)))
    }
}
