//! Tells of buckets whether traces can be transferred to them.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::{Deserialize, Serialize};

use crate::rest::operation::Operation;
use crate::services::Services;

/// The most buckets that can be asked for at once.
const MOST: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    domain_id: String,
    buckets: Vec<Asked>,
}

/// `CheckBucketRequest`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    bucket_name: String,
    bucket_location: String,
    kms_id: Option<String>,
    #[serde(default)]
    is_support_trace_files_encryption: bool,
}

#[derive(Serialize)]
pub(super) struct Reply {
    buckets: Vec<Bucket>,
}

/// `Bucket`
#[derive(Serialize)]
struct Bucket {
    bucket_name: String,
    bucket_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_id: Option<String>,
    is_support_trace_files_encryption: bool,
    check_bucket_response: Checked,
}

/// `CheckBucketResponse`
#[derive(Serialize)]
struct Checked {
    success: bool,
    response_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "CheckObsBuckets";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/{domain_id}/checkbucket";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        services.cts.permitted_in_account(caller, Self::NAME, &self.domain_id)?;
        if self.buckets.len() > MOST {
            return Err(CtsError::Field(format!("buckets: expected at most {MOST}")));
        }
        let account = caller.identity.account;
        let check = |asked: Asked| {
            let (status, code, why) = match services.cts.bucket_fault(account, &asked.bucket_name) {
                Some(why) => (404, Some("NoSuchBucket"), Some(why)),
                None if asked.is_support_trace_files_encryption => {
                    (400, Some("CTS.0003"), Some("files are not encrypted here".to_owned()))
                }
                None => (200, None, None),
            };
            Bucket {
                bucket_name: asked.bucket_name,
                bucket_location: asked.bucket_location,
                kms_id: asked.kms_id,
                is_support_trace_files_encryption: asked.is_support_trace_files_encryption,
                check_bucket_response: Checked {
                    success: status == 200,
                    response_code: status,
                    error_code: code,
                    error_message: why,
                },
            }
        };
        Ok(Reply { buckets: self.buckets.into_iter().map(check).collect() })
    }
}
