//! Tells the version of the interface.

use dew::caller::Caller;
use dew::iam::IamError;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
pub(super) struct Op {}

impl Operation for Op {
    type Reply = Value;
    type Error = IamError;
    const NAME: &'static str = "KeystoneShowVersion";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3";
    const PUBLIC: bool = true;

    fn run(self, _caller: &Caller, _services: &Services) -> Result<Value, IamError> {
        Ok(json!({ "version": version() }))
    }
}

/// The one version that there is.
pub(in crate::rest::huawei) fn version() -> Value {
    json!({
        "id": "v3.6",
        "status": "stable",
        "updated": "2016-04-04T00:00:00Z",
        "links": [{ "rel": "self", "href": "/v3/" }],
        "media-types": [{
            "base": "application/json",
            "type": "application/vnd.openstack.identity-v3+json",
        }],
    })
}
