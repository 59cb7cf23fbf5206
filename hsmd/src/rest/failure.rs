//! What is answered when something is not done: the shapes of each service's errors.

use std::borrow::Cow;

use dew::csms::CsmsError;
use dew::kms::KmsError;
use serde_json::{Value, json};

/// In which form a service tells its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{"error": {"error_code": …, "error_msg": …}}`: KMS.
    Nested,
    /// `{"error_code": …, "error_msg": …}`: CTS.
    Flat,
    /// `{"error_code": …, "error_msg": …, "request_id": …}`: what comes before any service.
    Gateway,
    /// `{"error": {"code": …, "message": …, "title": …}}`: IAM.
    Identity,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The code, as the service's documentation has it.
    pub(crate) code: Cow<'static, str>,
    /// In words.
    pub(crate) message: String,
    /// A form other than the service's own.
    pub(crate) shape: Option<Shape>,
}

impl Failure {
    /// A failure that the service tells.
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), shape: None }
    }

    /// A failure before any service.
    pub(crate) fn gateway(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { shape: Some(Shape::Gateway), ..Self::new(status, code, message) }
    }

    /// What is told of an error of a service with this status: what went wrong within is for the log.
    pub(crate) fn told(service: &str, status: u16, error: &impl std::fmt::Display) -> String {
        if status != 500 {
            return error.to_string();
        }
        tracing::error!("{service} failed: {error}");
        "the service failed: see the log of hsmd".to_owned()
    }

    /// The daemon is sealed.
    pub(crate) fn sealed(why: &str) -> Self {
        Self::gateway(503, "APIGW.0202", format!("hsmd is sealed: {why}"))
    }

    /// The body of the answer.
    pub(crate) fn body(&self, own: Shape, request: &str) -> Value {
        let (code, message) = (&*self.code, &*self.message);
        match self.shape.unwrap_or(own) {
            Shape::Nested => json!({ "error": { "error_code": code, "error_msg": message } }),
            Shape::Flat => json!({ "error_code": code, "error_msg": message }),
            Shape::Gateway => json!({ "error_msg": message, "error_code": code, "request_id": request }),
            Shape::Identity => {
                json!({ "error": { "code": self.status, "message": message, "title": title(self.status) } })
            }
        }
    }
}

/// The words of a status.
fn title(status: u16) -> &'static str {
    let status = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    status.canonical_reason().unwrap_or_default()
}

impl From<KmsError> for Failure {
    fn from(error: KmsError) -> Self {
        let (status, code) = error.code();
        let message = Self::told("the KMS", status, &error);
        Self::new(status, code, message)
    }
}

impl From<CsmsError> for Failure {
    fn from(error: CsmsError) -> Self {
        let (status, code) = error.code();
        let message = Self::told("CSMS", status, &error);
        Self::new(status, code, message)
    }
}
