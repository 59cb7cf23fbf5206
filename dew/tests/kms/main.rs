//! The KMS on an HSM in memory, whose clock a test turns.

mod doors;
mod keys;
mod regions;
mod support;
mod time;
