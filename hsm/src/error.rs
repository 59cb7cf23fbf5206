//! What can go wrong in the HSM, and the one table from that to `CK_RV`.

use wire::{MechanismId, Rv};

use crate::object::Attr;
use crate::user::BadName;
use crate::vault::{NotRecorded, VaultError};

/// Why a call failed. The text says what happened and what was expected, for the daemon's log; a caller
/// sees [`Error::rv`].
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum Error {
    // Callers and sessions.
    #[error("an argument is not as the call expects it: {0}")]
    ArgumentsBad(&'static str),
    #[error("slot {0} does not exist, or this caller may not open it")]
    SlotIdInvalid(u64),
    #[error("the token of slot {0} is not initialised")]
    TokenNotInitialized(u64),
    #[error("session {0:#x} is not open")]
    SessionHandleInvalid(u64),
    #[error("sessions are open on this token: {0}")]
    SessionExists(u64),
    #[error("the session is read-only")]
    SessionReadOnly,
    #[error("a read-only session is open, and the security officer needs all to be read/write")]
    SessionReadOnlyExists,
    #[error("the security officer is logged in, and its sessions are all read/write")]
    SessionReadWriteSoExists,
    #[error("CKF_SERIAL_SESSION was not set")]
    SessionParallelNotSupported,
    #[error("the limit of {limit} sessions is reached")]
    SessionCount { limit: u64 },
    #[error("the term of instance {0} has ended, and it is frozen: `instance renew` takes it on")]
    Frozen(String),
    #[error("the partition is of instance {0}, whose own commands do that")]
    OfInstance(String),
    #[error("there is no slot event to report")]
    NoEvent,
    #[error("the call is not supported: {0}")]
    FunctionNotSupported(&'static str),

    // People.
    #[error("nobody is logged in, and the call needs {0}")]
    UserNotLoggedIn(&'static str),
    #[error("the user is logged in already")]
    UserAlreadyLoggedIn,
    #[error("another user is logged in")]
    UserAnotherAlreadyLoggedIn,
    #[error("user type {0} does not exist")]
    UserTypeInvalid(u64),
    #[error("there is no user {0:?} of this kind")]
    UserUnknown(String),
    #[error("there is a user {0:?} already")]
    UserExists(String),
    #[error("{0}")]
    UserName(#[from] BadName),
    #[error("the user has no PIN yet: the security officer sets it with C_InitPIN")]
    UserPinNotInitialized,
    #[error("the PIN is wrong; {left} tries are left")]
    PinIncorrect { left: u8 },
    #[error("the PIN is locked after {tries} wrong tries")]
    PinLocked { tries: u8 },
    #[error("a PIN has {min} to {max} bytes, this one {len}")]
    PinLenRange { len: usize, min: usize, max: usize },
    #[error("the PIN is not UTF-8")]
    PinInvalid,

    // Objects and templates.
    #[error("object {0:#x} does not exist, or is not visible to this session")]
    ObjectHandleInvalid(u64),
    #[error("key {0:#x} does not exist, or is not visible to this session")]
    KeyHandleInvalid(u64),
    #[error("wrapping key {0:#x} does not exist, or is not visible to this session")]
    WrappingKeyHandleInvalid(u64),
    #[error("unwrapping key {0:#x} does not exist, or is not visible to this session")]
    UnwrappingKeyHandleInvalid(u64),
    #[error("the template lacks {0}")]
    TemplateIncomplete(Attr),
    #[error("the template contradicts itself or the policy: {0}")]
    TemplateInconsistent(String),
    #[error("attribute {0} does not exist, or not for this class of object")]
    AttributeTypeInvalid(Attr),
    #[error("attribute {attribute} has a value that is not valid: {reason}")]
    AttributeValueInvalid { attribute: Attr, reason: String },
    #[error("attribute {attribute} cannot be set: {reason}")]
    AttributeReadOnly { attribute: Attr, reason: &'static str },
    #[error("the object does not allow it: {0}")]
    ActionProhibited(&'static str),
    #[error("the limit of {limit} objects is reached")]
    ObjectCount { limit: u64 },
    #[error("operations under way hold all the {limit} bytes that they may have together")]
    NoMemory { limit: u64 },
    #[error("the domain parameters are not valid: {0}")]
    DomainParamsInvalid(&'static str),
    #[error("the curve is not supported")]
    CurveNotSupported,
    #[error("the public key is not valid: {0}")]
    PublicKeyInvalid(&'static str),

    // Mechanisms and their use.
    #[error("mechanism {:#x} does not exist, or not for this call or key", .0.0)]
    MechanismInvalid(MechanismId),
    #[error("the mechanism's parameter is not valid: {0}")]
    MechanismParamInvalid(&'static str),
    #[error("a key of this type or class is not one that {0} uses")]
    KeyTypeInconsistent(&'static str),
    #[error("the key may not be used to {0}")]
    KeyFunctionNotPermitted(&'static str),
    #[error("the service whose key it is has disabled it")]
    KeySuspended,
    #[error(
        "to {usage} with this key takes the approval of {needed} of {of}, and there is none, or it is used up, has \
         expired or is for another application: `approval request -- key authorize` asks for it"
    )]
    ApprovalMissing { usage: &'static str, needed: u8, of: String },
    #[error("{bits} bits are not a size of key that {mechanism} uses")]
    KeySizeRange { mechanism: &'static str, bits: u64 },
    #[error("the key cannot be wrapped: {0}")]
    KeyNotWrappable(&'static str),
    #[error("the key may not leave: {0}")]
    KeyUnextractable(&'static str),
    #[error("the key cannot be digested: {0}")]
    KeyIndigestible(&'static str),
    #[error("the wrapping key cannot wrap this: {0}")]
    WrappingKeyTypeInconsistent(&'static str),
    #[error("the unwrapping key cannot unwrap this: {0}")]
    UnwrappingKeyTypeInconsistent(&'static str),
    #[error("the wrapped key does not open")]
    WrappedKeyInvalid,
    #[error("the wrapped key has a length that cannot be")]
    WrappedKeyLenRange,

    // Operations.
    #[error("an operation of this kind is active")]
    OperationActive,
    #[error("no operation of this kind is active")]
    OperationNotInitialized,
    #[error("{0} takes all its data in one call")]
    SinglePartOnly(&'static str),
    #[error("the state of this operation cannot be saved")]
    StateUnsaveable,
    #[error("the saved state is not one of this session")]
    SavedStateInvalid,
    #[error("the data is not valid: {0}")]
    DataInvalid(&'static str),
    #[error("the data has a length that cannot be: {0}")]
    DataLenRange(&'static str),
    #[error("the encrypted data is not valid")]
    EncryptedDataInvalid,
    #[error("the encrypted data has a length that cannot be")]
    EncryptedDataLenRange,
    #[error("the signature is not right")]
    SignatureInvalid,
    #[error("the signature has a length that cannot be")]
    SignatureLenRange,

    // Below.
    #[error("{0}")]
    Vault(#[from] VaultError),
    #[error("{0}")]
    NotRecorded(#[from] NotRecorded),
    #[error("the cryptographic library failed: {0}")]
    Crypto(#[from] crypto::Error),
    #[error("an internal rule does not hold: {0}")]
    Internal(&'static str),
}

impl Error {
    /// The one table from our errors to `CK_RV`.
    #[must_use]
    pub fn rv(&self) -> Rv {
        match self {
            Self::ArgumentsBad(_) => Rv::ARGUMENTS_BAD,
            Self::SlotIdInvalid(_) => Rv::SLOT_ID_INVALID,
            Self::TokenNotInitialized(_) => Rv::TOKEN_NOT_RECOGNIZED,
            Self::SessionHandleInvalid(_) => Rv::SESSION_HANDLE_INVALID,
            Self::SessionExists(_) => Rv::SESSION_EXISTS,
            Self::SessionReadOnly => Rv::SESSION_READ_ONLY,
            Self::SessionReadOnlyExists => Rv::SESSION_READ_ONLY_EXISTS,
            Self::SessionReadWriteSoExists => Rv::SESSION_READ_WRITE_SO_EXISTS,
            Self::SessionParallelNotSupported => Rv::SESSION_PARALLEL_NOT_SUPPORTED,
            Self::SessionCount { .. } => Rv::SESSION_COUNT,
            Self::Frozen(_) | Self::OfInstance(_) => Rv::FUNCTION_REJECTED,
            Self::NoEvent => Rv::NO_EVENT,
            Self::FunctionNotSupported(_) | Self::SinglePartOnly(_) => Rv::FUNCTION_NOT_SUPPORTED,
            Self::UserNotLoggedIn(_) => Rv::USER_NOT_LOGGED_IN,
            Self::UserAlreadyLoggedIn => Rv::USER_ALREADY_LOGGED_IN,
            Self::UserAnotherAlreadyLoggedIn => Rv::USER_ANOTHER_ALREADY_LOGGED_IN,
            Self::UserTypeInvalid(_) => Rv::USER_TYPE_INVALID,
            Self::UserPinNotInitialized => Rv::USER_PIN_NOT_INITIALIZED,
            // Whether a user is there is not for everybody to know.
            Self::UserUnknown(_) => Rv::PIN_INCORRECT,
            Self::UserExists(_) | Self::UserName(_) => Rv::ARGUMENTS_BAD,
            Self::PinIncorrect { .. } => Rv::PIN_INCORRECT,
            Self::PinLocked { .. } => Rv::PIN_LOCKED,
            Self::PinLenRange { .. } => Rv::PIN_LEN_RANGE,
            Self::PinInvalid => Rv::PIN_INVALID,
            Self::ObjectHandleInvalid(_) => Rv::OBJECT_HANDLE_INVALID,
            Self::KeyHandleInvalid(_) => Rv::KEY_HANDLE_INVALID,
            Self::WrappingKeyHandleInvalid(_) => Rv::WRAPPING_KEY_HANDLE_INVALID,
            Self::UnwrappingKeyHandleInvalid(_) => Rv::UNWRAPPING_KEY_HANDLE_INVALID,
            Self::TemplateIncomplete(_) => Rv::TEMPLATE_INCOMPLETE,
            Self::TemplateInconsistent(_) => Rv::TEMPLATE_INCONSISTENT,
            Self::AttributeTypeInvalid(_) => Rv::ATTRIBUTE_TYPE_INVALID,
            Self::AttributeValueInvalid { .. } => Rv::ATTRIBUTE_VALUE_INVALID,
            Self::AttributeReadOnly { .. } => Rv::ATTRIBUTE_READ_ONLY,
            Self::ActionProhibited(_) => Rv::ACTION_PROHIBITED,
            Self::ObjectCount { .. } | Self::NoMemory { .. } => Rv::DEVICE_MEMORY,
            Self::DomainParamsInvalid(_) => Rv::DOMAIN_PARAMS_INVALID,
            Self::CurveNotSupported => Rv::CURVE_NOT_SUPPORTED,
            Self::PublicKeyInvalid(_) => Rv::PUBLIC_KEY_INVALID,
            Self::MechanismInvalid(_) => Rv::MECHANISM_INVALID,
            Self::MechanismParamInvalid(_) => Rv::MECHANISM_PARAM_INVALID,
            Self::KeyTypeInconsistent(_) => Rv::KEY_TYPE_INCONSISTENT,
            Self::KeyFunctionNotPermitted(_) | Self::KeySuspended => Rv::KEY_FUNCTION_NOT_PERMITTED,
            // "The signature request is rejected by the user": what lacks is people's consent. The key's attributes allow
            // it, so that it is no `KEY_FUNCTION_NOT_PERMITTED`; to log in does not help, as `USER_NOT_LOGGED_IN` would
            // have a client try; and `ACTION_PROHIBITED` is for objects.
            Self::ApprovalMissing { .. } => Rv::FUNCTION_REJECTED,
            Self::KeySizeRange { .. } => Rv::KEY_SIZE_RANGE,
            Self::KeyNotWrappable(_) => Rv::KEY_NOT_WRAPPABLE,
            Self::KeyUnextractable(_) => Rv::KEY_UNEXTRACTABLE,
            Self::KeyIndigestible(_) => Rv::KEY_INDIGESTIBLE,
            Self::WrappingKeyTypeInconsistent(_) => Rv::WRAPPING_KEY_TYPE_INCONSISTENT,
            Self::UnwrappingKeyTypeInconsistent(_) => Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT,
            Self::WrappedKeyInvalid => Rv::WRAPPED_KEY_INVALID,
            Self::WrappedKeyLenRange => Rv::WRAPPED_KEY_LEN_RANGE,
            Self::OperationActive => Rv::OPERATION_ACTIVE,
            Self::OperationNotInitialized => Rv::OPERATION_NOT_INITIALIZED,
            Self::StateUnsaveable => Rv::STATE_UNSAVEABLE,
            Self::SavedStateInvalid => Rv::SAVED_STATE_INVALID,
            Self::DataInvalid(_) => Rv::DATA_INVALID,
            Self::DataLenRange(_) => Rv::DATA_LEN_RANGE,
            Self::EncryptedDataInvalid => Rv::ENCRYPTED_DATA_INVALID,
            Self::EncryptedDataLenRange => Rv::ENCRYPTED_DATA_LEN_RANGE,
            Self::SignatureInvalid => Rv::SIGNATURE_INVALID,
            Self::SignatureLenRange => Rv::SIGNATURE_LEN_RANGE,
            Self::Vault(error) => error.rv(),
            Self::NotRecorded(why) => why.rv(),
            Self::Crypto(error) => crypto_rv(error),
            Self::Internal(_) => Rv::GENERAL_ERROR,
        }
    }
}

/// What the library refused without the mechanism saying it better.
const fn crypto_rv(error: &crypto::Error) -> Rv {
    match error {
        crypto::Error::InvalidKey(_) => Rv::KEY_SIZE_RANGE,
        crypto::Error::InvalidParameter(_) => Rv::MECHANISM_PARAM_INVALID,
        crypto::Error::InvalidData(_) => Rv::DATA_INVALID,
        crypto::Error::TooLong => Rv::DATA_LEN_RANGE,
        crypto::Error::Failed(_) => Rv::FUNCTION_FAILED,
    }
}
