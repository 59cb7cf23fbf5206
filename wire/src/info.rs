//! The information structures of the standard, without their padding: the module pads.

use serde::{Deserialize, Serialize};

/// `CK_SLOT_INFO`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotInfo {
    /// At most 64 bytes.
    pub description: String,
    /// At most 32 bytes.
    pub manufacturer: String,
    /// `CKF_TOKEN_PRESENT` and its like.
    pub flags: u64,
    /// Major and minor.
    pub hardware_version: (u8, u8),
    /// Major and minor.
    pub firmware_version: (u8, u8),
}

/// `CK_TOKEN_INFO`; a number that is not known is `u64::MAX` (`CK_UNAVAILABLE_INFORMATION`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// At most 32 bytes.
    pub label: String,
    /// At most 32 bytes.
    pub manufacturer: String,
    /// At most 16 bytes.
    pub model: String,
    /// At most 16 bytes.
    pub serial: String,
    /// `CKF_RNG` and its like.
    pub flags: u64,
    /// The most sessions one application may have open; 0 is no limit.
    pub max_sessions: u64,
    /// Sessions this application has open.
    pub sessions: u64,
    /// The most read/write sessions.
    pub max_rw_sessions: u64,
    /// Read/write sessions this application has open.
    pub rw_sessions: u64,
    /// Bytes.
    pub max_pin_len: u64,
    /// Bytes.
    pub min_pin_len: u64,
    /// Bytes.
    pub total_public_memory: u64,
    /// Bytes.
    pub free_public_memory: u64,
    /// Bytes.
    pub total_private_memory: u64,
    /// Bytes.
    pub free_private_memory: u64,
    /// Major and minor.
    pub hardware_version: (u8, u8),
    /// Major and minor.
    pub firmware_version: (u8, u8),
    /// `YYYYMMDDhhmmss00`, or empty.
    pub utc_time: String,
}

/// `CK_SESSION_INFO`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// `CK_SESSION_INFO.slotID`
    pub slot: u64,
    /// `CKS_*`
    pub state: u64,
    /// `CKF_*`
    pub flags: u64,
    /// `CK_SESSION_INFO.ulDeviceError`
    pub device_error: u64,
}

/// `CK_MECHANISM_INFO`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MechanismInfo {
    /// In the mechanism's unit: bits or bytes.
    pub min_key_size: u64,
    /// In the mechanism's unit: bits or bytes.
    pub max_key_size: u64,
    /// `CKF_*`
    pub flags: u64,
}
