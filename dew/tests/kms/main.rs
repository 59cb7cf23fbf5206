//! The KMS on an HSM in memory, whose clock a test turns.

mod doors;
mod keys;
mod support;
mod time;
