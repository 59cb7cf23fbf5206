//! Shows the versions of this interface, or of IAM's: both ask at the root of one server. IAM's clients are told by the
//! account that they name in a header; KMS's name a project.

use std::collections::BTreeSet;

use dew::caller::Caller;
use dew::kms::KmsError;
use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rest::huawei::iam::version as iam_version;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    #[serde(rename = "x-domain-id")]
    domain: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    versions: Versions,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Versions {
    Kms(Vec<Version>),
    Iam { values: [Value; 1] },
}

/// `ApiVersionDetail`
#[derive(Serialize)]
pub(super) struct Version {
    pub(super) id: &'static str,
    links: [Link; 1],
    version: &'static str,
    status: &'static str,
    min_version: &'static str,
}

/// `ApiLink`
#[derive(Serialize)]
struct Link {
    href: String,
    rel: &'static str,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = KmsError;
    const NAME: &'static str = "ShowVersions";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/";
    const PUBLIC: bool = true;
    const HEADERS: &'static [&'static str] = &["x-domain-id"];
    const WAITS: bool = false;

    fn run(self, _: &Caller, _: &Services) -> Result<Reply, KmsError> {
        let versions = match self.domain {
            None => Versions::Kms(versions().collect()),
            Some(_) => Versions::Iam { values: [iam_version()] },
        };
        Ok(Reply { versions })
    }
}

/// The versions that there are operations of.
pub(super) fn versions() -> impl Iterator<Item = Version> {
    let first = super::OPERATIONS.iter().filter_map(|row| row.path.split('/').nth(1));
    let ids: BTreeSet<_> = first.filter(|part| part.starts_with('v')).collect();
    ids.into_iter().map(|id| Version {
        id,
        // As this server was reached: it may have many names.
        links: [Link { href: format!("/{id}/"), rel: "self" }],
        version: "",
        status: "CURRENT",
        min_version: "",
    })
}
