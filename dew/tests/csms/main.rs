//! CSMS on an HSM in memory, whose clock a test turns.

mod agencies;
mod backups;
mod databases;
mod events;
mod grants;
mod permissions;
mod programs;
mod rotation;
mod rotations;
mod secrets;
mod servers;
#[path = "../kms/support.rs"]
#[allow(dead_code)]
mod support;
mod tags;
mod time;
mod versions;
mod world;
