//! Why a request is refused, and how the interface says so.

use crate::iam::IamError;

/// Why.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum CtsError {
    #[error("{0}")]
    Field(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("the project is none of yours")]
    OtherProject,
    #[error("the directory of accounts cannot be read: {0}")]
    Iam(#[from] IamError),
    #[error("the HSM failed: {0}")]
    Hsm(#[from] hsm::Error),
    #[error("{0}")]
    Log(String),
}

impl CtsError {
    /// The one table from our errors to HTTP's status and the interface's code.
    #[must_use]
    pub const fn code(&self) -> (u16, &'static str) {
        match self {
            Self::Field(_) => (400, "CTS.0003"),
            Self::Forbidden(_) | Self::OtherProject => (403, "APIGW.0302"),
            Self::Iam(_) | Self::Hsm(_) | Self::Log(_) => (500, "CTS.0001"),
        }
    }
}
