//! The directory of accounts on an HSM in memory, whose clock a test turns.

mod credentials;
mod durable;
mod log_ins;
mod messages;
mod permissions;
mod world;
