//! Why CSMS does not do something: one table from the reason to the code and status of the cloud's interface.

use super::fault::Fault;
use crate::iam::IamError;
use crate::kms::KmsError;
use crate::message::MessageError;
use crate::tag::TagError;

/// Why not. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum CsmsError {
    #[error("{0}")]
    Field(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("the project in the URL, or else in X-Project-Id, is not one of the caller's")]
    OtherProject,
    #[error("the secret does not exist")]
    NoSecret,
    #[error("the version does not exist")]
    NoVersion,
    #[error("the stage does not exist")]
    NoStage,
    #[error("the event does not exist")]
    NoEvent,
    #[error("the grant does not exist")]
    NoGrant,
    #[error("the user does not exist")]
    NoUser,
    #[error("the project has a secret of this name already")]
    Taken,
    #[error("the secret has a stage of this name already")]
    StageTaken,
    #[error("the project has an event of this name already")]
    EventTaken,
    #[error("the secret is pending deletion")]
    PendingDeletion,
    #[error("the secret is pending deletion already")]
    AlreadyPending,
    #[error("the secret is not pending deletion")]
    NotPending,
    #[error("SYSCURRENT and SYSPREVIOUS are built in: they move, and cannot be deleted")]
    BuiltInStage,
    #[error("the project has {0} secrets, and more there cannot be")]
    Quota(usize),
    #[error("the secret has {0} versions, each with a stage: take one from a version that is not needed")]
    VersionQuota(usize),
    #[error("the secret has {0} stages, and more there cannot be")]
    StageQuota(usize),
    #[error("the project has {0} events, and more there cannot be")]
    EventQuota(usize),
    #[error("the secret has {0} grants, and more there cannot be")]
    GrantQuota(usize),
    #[error("secrets are told of by the event: {0}")]
    EventInUse(String),
    #[error("secret_blob is no backup of a secret, or was changed")]
    BadBlob,
    #[error("the value of a secret that is rotated is set by its rotation alone")]
    Rotated,
    #[error(
        "only secrets that are rotated have a rotation: this one is of type COMMON, or has no rotation_config"
    )]
    NotRotated,
    #[error("{0}: POST /v1/csms/agencies (CreateAgency) makes what rotation needs")]
    NoAgency(String),
    #[error("the secret is being rotated already")]
    RotationUnderWay,
    #[error("{0} requests of the project wait for servers already: try again later")]
    Talks(usize),
    #[error("the database does not exist")]
    NoDatabase,
    #[error("the project has a database of this name already")]
    DatabaseTaken,
    #[error("the project has {0} databases, and more there cannot be")]
    DatabaseQuota(usize),
    #[error("secrets are rotated in the database: {0}")]
    DatabaseInUse(String),
    #[error("{0}")]
    Database(#[from] Fault),
    #[error("the value cannot be encrypted or decrypted: {0}")]
    Key(KmsError),
    #[error("{0}")]
    TagPolicy(String),
    #[error("{0}")]
    Tag(#[from] TagError),
    #[error("the directory of accounts cannot be read: {0}")]
    Iam(#[from] IamError),
    #[error("the HSM failed: {0}")]
    Hsm(#[from] hsm::Error),
    #[error("{0}")]
    Kms(KmsError),
    #[error("it cannot be told: {0}")]
    Message(#[from] MessageError),
    #[error("an internal rule does not hold: {0}")]
    Internal(&'static str),
}

impl From<KmsError> for CsmsError {
    fn from(error: KmsError) -> Self {
        match error {
            KmsError::OtherProject => Self::OtherProject,
            KmsError::Forbidden(why) => Self::Forbidden(why),
            KmsError::TagPolicy(why) => Self::TagPolicy(why),
            KmsError::Iam(error) => Self::Iam(error),
            error => Self::Kms(error),
        }
    }
}

impl CsmsError {
    /// As records of failed rotations write it.
    pub(super) fn task_code(&self) -> &'static str {
        match self {
            Self::Database(fault) => fault.code(),
            other => other.code().1,
        }
    }

    /// The HTTP status and the code, as the interface has them.
    #[must_use]
    pub fn code(&self) -> (u16, &'static str) {
        use hsm::Error;
        use hsm::vault::VaultError;
        match self {
            Self::Field(_) | Self::Tag(_) | Self::TagPolicy(_) | Self::BadBlob | Self::EventInUse(_) => {
                (400, "CSMS.0002")
            }
            Self::Rotated | Self::NotRotated | Self::Database(_) | Self::DatabaseInUse(_) => {
                (400, "CSMS.0002")
            }
            Self::NoVersion
            | Self::NoStage
            | Self::NoEvent
            | Self::NoGrant
            | Self::NoUser
            | Self::NoDatabase
            | Self::NoAgency(_) => (400, "CSMS.0005"),
            Self::PendingDeletion => (400, "CSMS.0103"),
            Self::BuiltInStage => (400, "CSMS.0105"),
            Self::NoSecret => (400, "CSMS.0106"),
            Self::AlreadyPending => (400, "CSMS.0107"),
            Self::NotPending => (400, "CSMS.0108"),
            Self::Quota(_)
            | Self::VersionQuota(_)
            | Self::EventQuota(_)
            | Self::GrantQuota(_)
            | Self::DatabaseQuota(_) => (400, "CSMS.0202"),
            Self::StageQuota(_) => (400, "CSMS.0204"),
            Self::Key(error) if error.code().0 < 500 => (400, "CSMS.0401"),
            Self::Forbidden(_) | Self::OtherProject => (403, "CSMS.0302"),
            Self::Taken | Self::EventTaken | Self::DatabaseTaken => (409, "CSMS.0101"),
            Self::RotationUnderWay => (409, "CSMS.0102"),
            Self::Hsm(Error::Vault(VaultError::Conflict { .. }))
            | Self::Kms(KmsError::Busy)
            | Self::Talks(_) => (503, "CSMS.0001"),
            Self::StageTaken => (409, "CSMS.0104"),
            Self::Key(_) => (500, "CSMS.0006"),
            Self::Iam(_) | Self::Hsm(_) | Self::Kms(_) | Self::Message(_) | Self::Internal(_) => {
                (500, "CSMS.0001")
            }
        }
    }
}

/// The result of what CSMS does.
pub type Result<T, E = CsmsError> = std::result::Result<T, E>;
