//! Makes many secrets, and tells which could not be made.

use dew::caller::Caller;
use dew::csms::CsmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::create_secret;
use crate::rest::failure::Failure;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    secrets: Vec<create_secret::Op>,
}

/// The most at once.
const MAX: usize = 100;

#[derive(Serialize)]
pub(super) struct Reply {
    error_list: Vec<ErrorInfo>,
    total: usize,
    success: usize,
    failed: usize,
}

/// `ErrorInfo`
#[derive(Serialize)]
struct ErrorInfo {
    name: String,
    error_msg: String,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CsmsError;
    const NAME: &'static str = "BatchImportSecrets";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v1/{project_id}/secrets/batch-import";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CsmsError> {
        if !(1..=MAX).contains(&self.secrets.len()) {
            return Err(CsmsError::Field(format!("secrets: expected 1 to {MAX}")));
        }
        services.csms.check_import(caller)?;
        let total = self.secrets.len();
        let mut error_list = Vec::new();
        for secret in self.secrets {
            let name = secret.name().to_owned();
            if let Err(error) = create_secret::create(secret, caller, services) {
                // What goes wrong here is told of each, and so is not for the log alone.
                let error_msg = Failure::from(error).message;
                error_list.push(ErrorInfo { name, error_msg });
            }
        }
        let failed = error_list.len();
        Ok(Reply { error_list, total, success: total - failed, failed })
    }
}
