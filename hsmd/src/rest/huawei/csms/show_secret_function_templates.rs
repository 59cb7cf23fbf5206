//! A program that rotates a secret, to begin with.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secret_type: String,
    secret_sub_type: String,
    engine: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    function_templates: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "ShowSecretFunctionTemplates";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v1/csms/function-templates";
    const WAITS: bool = false;

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        let Self { secret_type, secret_sub_type, engine } = &self;
        let template =
            services.csms.function_template(caller, secret_type, secret_sub_type, engine.as_deref())?;
        Ok(Reply { function_templates: template })
    }
}
