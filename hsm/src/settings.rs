//! What an operator may set of the HSM.

/// Limits and costs; [`Settings::default`] is what the daemon runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most sessions of one application on one token.
    pub max_sessions: u64,
    /// The most token objects in a partition.
    pub max_token_objects: u64,
    /// The most session objects of one application on one token.
    pub max_session_objects: u64,
    /// The shortest PIN, in bytes.
    pub min_pin_len: usize,
    /// The longest PIN, in bytes.
    pub max_pin_len: usize,
    /// Wrong tries in a row that lock a security officer's PIN.
    pub so_pin_tries: u8,
    /// Wrong tries in a row that lock a user's PIN.
    pub user_pin_tries: u8,
    /// Memory that checking a PIN costs, in KiB (Argon2id).
    pub pin_memory: u32,
    /// Passes that checking a PIN costs (Argon2id).
    pub pin_passes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_sessions: 4096,
            max_token_objects: 1_000_000,
            max_session_objects: 100_000,
            min_pin_len: 4,
            max_pin_len: 255,
            so_pin_tries: 10,
            user_pin_tries: 10,
            pin_memory: 19 * 1024,
            pin_passes: 2,
        }
    }
}
