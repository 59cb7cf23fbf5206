//! Why a request is refused, and the one table from that to what the cloud's gateway answers.

/// Why a signed request is not taken, or cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header that the scheme needs is not there.
    #[error("the request has no header {0}")]
    Missing(&'static str),
    /// A header that is signed, or that the scheme needs, is there twice: which of them was signed?
    #[error("the header {0} occurs more than once")]
    Repeated(String),
    /// A header that must be signed is not.
    #[error("the header {0} is not among the SignedHeaders")]
    NotSigned(&'static str),
    /// A listed header is not in the request.
    #[error("the header {0} is among the SignedHeaders and not in the request")]
    Absent(String),
    /// `Authorization` begins with another word than a known algorithm.
    #[error(
        "the algorithm {0:?} in Authorization is not known; known are SDK-HMAC-SHA256, SDK-HMAC-SM3 and V11-HMAC-SHA256"
    )]
    Algorithm(String),
    /// `Authorization` is not as the algorithm has it.
    #[error("the header Authorization is malformed: {0}")]
    Authorization(&'static str),
    /// `X-Sdk-Date` is no time.
    #[error("X-Sdk-Date is not a time of the form YYYYMMDDTHHMMSSZ")]
    Date,
    /// `X-Sdk-Date` is too far from the clock.
    #[error("X-Sdk-Date is {seconds} s from the server's clock; at most {} s are allowed", super::WINDOW.as_secs())]
    Clock {
        /// How far, in whole seconds.
        seconds: u64,
    },
    /// The derived key's date is not the request's.
    #[error("the date in Credential is not that of X-Sdk-Date")]
    ScopeDate,
    /// The derived key is for another region or service than the request.
    #[error("Credential is for another region or service than the request")]
    ForeignScope,
    /// The header that repeats the body's hash says another one.
    #[error("the hash of the body is not the one in {0}")]
    Body(&'static str),
    /// The body is not signed where it must be.
    #[error("UNSIGNED-PAYLOAD is not accepted here: the body must be signed")]
    UnsignedPayload,
    /// The access key is not known, or the signature is not what it should be. Which of them is not told.
    #[error("the access key is unknown or the signature is wrong")]
    Signature,
    /// The library failed, through no fault of the request.
    #[error("the signature could not be computed: {0}")]
    Crypto(#[from] crypto::Error),
}

/// What the cloud's gateway answers to a request that it does not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The field `error_code`.
    pub code: &'static str,
}

impl Error {
    /// The gateway's answer; none where the fault is ours.
    pub const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Crypto(_) => None,
            Self::Clock { .. } => Some(Refusal { status: 401, code: "APIGW.0303" }),
            _ => Some(Refusal { status: 401, code: "APIGW.0301" }),
        }
    }
}
