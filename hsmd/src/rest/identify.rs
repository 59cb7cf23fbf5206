//! Who sends a request: by the signature of an access key, or by a token.

use std::sync::Arc;
use std::time::SystemTime;

use dew::iam::policy::Level;
use dew::iam::{AccountId, Identity, ProjectId};
use hyper::HeaderMap;
use signing::huawei::{Authorization, Payload, Request, Scope, verify};

use super::failure::Failure;
use crate::services::Services;

/// The header of a token.
const TOKEN: &str = "x-auth-token";

/// What the SDKs write for the region of a request to a global service.
const NO_REGION: &str = "globe";

/// A request as it is on the wire.
pub(crate) struct Raw<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// Whether a request with these headers does not say who sent it.
pub(crate) fn is_anonymous(headers: &HeaderMap) -> bool {
    !headers.contains_key(hyper::header::AUTHORIZATION) && !headers.contains_key(TOKEN)
}

impl Raw<'_> {
    /// The access key that it says it was signed with.
    pub(crate) fn access_key(&self) -> Option<String> {
        let header = self.headers.get(hyper::header::AUTHORIZATION)?;
        Authorization::parse(header.as_bytes()).ok().map(|signed| signed.access_key().to_owned())
    }
}

/// What a request is for, which a key that is derived for one region and service must be for too.
#[derive(Clone, Copy)]
pub(crate) struct Purpose {
    /// The service that is asked.
    pub(crate) service: &'static str,
    /// The project that the path names.
    pub(crate) project: Option<ProjectId>,
}

/// Who sent it.
///
/// # Errors
/// What the cloud's gateway says: which of access key, secret and token was wrong is not told.
pub(crate) fn identify(
    raw: &Raw<'_>,
    purpose: Purpose,
    services: &Services,
) -> Result<Arc<Identity>, Failure> {
    let headers: Vec<(&str, &[u8])> =
        raw.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let Raw { method, path, query, body, .. } = *raw;
    let request = Request { method, path, query, headers: &headers, body };
    if raw.headers.contains_key(hyper::header::AUTHORIZATION) {
        return by_signature(&request, purpose, services);
    }
    let token = request.header(TOKEN).map_err(|error| wrong(&error))?;
    let Some(token) = token else {
        return Err(Failure::gateway(
            401,
            "APIGW.0301",
            "Incorrect IAM authentication information: the request is not signed and has no X-Auth-Token",
        ));
    };
    let token = std::str::from_utf8(token).ok();
    let identity = token.and_then(|token| services.iam.token(token).ok()).map(|token| token.identity);
    identity.ok_or_else(|| {
        Failure::gateway(
            401,
            "APIGW.0301",
            "Incorrect IAM authentication information: the token is not valid",
        )
    })
}

fn by_signature(
    request: &Request<'_>,
    purpose: Purpose,
    services: &Services,
) -> Result<Arc<Identity>, Failure> {
    let authorization = Authorization::of(request).map_err(|error| wrong(&error))?;
    let security_token = request.header("x-security-token").map_err(|error| wrong(&error))?;
    let security_token = security_token.map(|token| std::str::from_utf8(token).unwrap_or("?"));
    let credential = services.iam.access_key(authorization.access_key(), security_token);
    let secret = credential.as_ref().map(|credential| &*credential.secret);
    verify(request, &authorization, Payload::Signed, secret, SystemTime::now())
        .map_err(|error| wrong(&error))?;
    let credential = credential.ok_or_else(|| wrong(&signing::huawei::Error::Signature))?;
    if let Some(scope) = authorization.scheme().scope()
        && !purpose.is_that_of(scope, credential.identity.account, services)
    {
        return Err(wrong(&signing::huawei::Error::ForeignScope));
    }
    services.iam.used(authorization.access_key());
    Ok(credential.identity)
}

impl Purpose {
    /// Whether a scope is of the service, and of the region of the project; without one, of any region of the account. A
    /// global service, and a request without a project, has the name too that the SDKs write for no region.
    fn is_that_of(self, scope: &Scope, account: AccountId, services: &Services) -> bool {
        let region = scope.region();
        let is_there = match self.project.and_then(|project| services.iam.project(project)) {
            _ if region == NO_REGION && Level::of(self.service) == Level::Global => true,
            Some(project) => project.region() == region,
            None => region == NO_REGION || services.iam.project_named(account, region).is_some(),
        };
        is_there && scope.service().eq_ignore_ascii_case(self.service)
    }
}

fn wrong(error: &signing::huawei::Error) -> Failure {
    let message = format!("Incorrect IAM authentication information: {error}");
    match error.refusal() {
        Some(refusal) => Failure::gateway(refusal.status, refusal.code, message),
        None => {
            tracing::error!("a signature could not be checked: {error}");
            Failure::gateway(500, "APIGW.0202", "the signature could not be checked")
        }
    }
}
