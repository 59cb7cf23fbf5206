//! Why a request is refused, and how the interface says so.

use crate::iam::IamError;
use crate::kms::KmsError;
use crate::message::MessageError;
use crate::tag::TagError;

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
    #[error("the project has no such tracker")]
    NoTracker,
    #[error("the project has {0} data trackers, and more there cannot be")]
    Quota(usize),
    #[error("the project has a management tracker already: UpdateTracker changes it")]
    SystemThere,
    #[error("tracker_type: expected system or data")]
    Type,
    #[error(
        "tracker_name: expected 1 to 32 letters, digits, - and _, of which the first is a letter or a digit"
    )]
    Name,
    #[error("tracker_name: a management tracker is named system")]
    SystemName,
    #[error("tracker_name: system is the management tracker's name")]
    DataName,
    #[error("status: expected enabled or disabled")]
    Status,
    #[error("data_bucket: a management tracker has none")]
    SystemBucket,
    #[error("the project has a tracker of this name already")]
    Taken,
    #[error("data_event: another tracker has the same events of this bucket")]
    Tracked,
    #[error("data_bucket: a data tracker has one, with READ, WRITE or both as its data_event")]
    NoDataBucket,
    #[error("data_bucket: {0}")]
    NoSuchDataBucket(String),
    #[error("data_bucket: a tracker keeps its bucket")]
    OtherDataBucket,
    #[error("data_bucket: the traces of a bucket are not transferred to it")]
    IntoItself,
    #[error("obs_info: {0}")]
    Bucket(String),
    #[error("bucket_lifecycle: files are kept until somebody takes them away")]
    Lifecycle,
    #[error("file_prefix_name: expected at most 64 letters, digits and . _ -")]
    Prefix,
    #[error(
        "is_organization_tracker: the management tracker alone, of the account that the HSM's security officer names by hsm-admin unit delegate"
    )]
    Organization,
    #[error("the project has no such notification")]
    NoNotification,
    #[error("the project has {0} notifications, and more there cannot be")]
    Notifications(usize),
    #[error("the project has a notification of this name already")]
    NotificationTaken,
    #[error("it cannot be told: {0}")]
    Message(#[from] MessageError),
    #[error("{0}")]
    Tag(#[from] TagError),
    #[error("the directory of accounts cannot be read: {0}")]
    Iam(#[from] IamError),
    #[error("the HSM failed: {0}")]
    Hsm(#[from] hsm::Error),
    #[error("{0}")]
    Kept(KmsError),
    #[error("{0}")]
    Log(String),
}

impl CtsError {
    /// The one table from our errors to HTTP's status and the interface's code.
    #[must_use]
    pub const fn code(&self) -> (u16, &'static str) {
        match self {
            Self::Field(_) | Self::Tag(_) => (400, "CTS.0003"),
            Self::NoTracker | Self::NoNotification => (404, "CTS.0003"),
            Self::Notifications(_) | Self::NotificationTaken => (400, "CTS.0003"),
            Self::Forbidden(_) | Self::OtherProject => (403, "APIGW.0302"),
            Self::Quota(_) => (400, "CTS.0200"),
            Self::SystemThere => (400, "CTS.0201"),
            Self::Type => (400, "CTS.0202"),
            Self::Name => (400, "CTS.0203"),
            Self::SystemName => (400, "CTS.0204"),
            Self::Status => (400, "CTS.0205"),
            Self::SystemBucket => (400, "CTS.0206"),
            Self::DataName => (400, "CTS.0207"),
            Self::Taken => (400, "CTS.0208"),
            Self::Tracked => (400, "CTS.0209"),
            Self::NoDataBucket => (400, "CTS.0210"),
            Self::NoSuchDataBucket(_) => (400, "CTS.0211"),
            Self::OtherDataBucket => (400, "CTS.0212"),
            Self::IntoItself => (400, "CTS.0213"),
            Self::Bucket(_) => (400, "CTS.0001"),
            Self::Lifecycle => (400, "CTS.0217"),
            Self::Prefix => (400, "CTS.0218"),
            Self::Organization => (400, "CTS.0228"),
            Self::Iam(_) | Self::Hsm(_) | Self::Kept(_) | Self::Message(_) | Self::Log(_) => {
                (500, "CTS.0001")
            }
        }
    }
}
