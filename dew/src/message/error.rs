//! Why a topic or a message is refused.

use crate::kms::KmsError;

/// Why.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum MessageError {
    #[error("a topic's name has 1 to 64 letters, digits, - and _, and begins with a letter or a digit")]
    Name,
    #[error("{0:?} is no address of mail")]
    Address(String),
    #[error("expected 1 to {0} addresses, each once")]
    Addresses(usize),
    #[error("there is no such project")]
    NoProject,
    #[error("the project has no topic {0:?}")]
    NoTopic(String),
    #[error("the project has a topic {0:?} already")]
    Taken(String),
    #[error("the project has {0} topics, and more there cannot be")]
    Quota(usize),
    #[error("a message has at most {0} bytes")]
    TooLong(usize),
    #[error("the HSM failed: {0}")]
    Hsm(#[from] hsm::Error),
    #[error("what is kept of messages cannot be read: {0}")]
    Kept(KmsError),
}
