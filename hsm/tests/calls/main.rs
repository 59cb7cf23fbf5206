//! The calls of an application, on an HSM in memory: sessions, log-ins, PINs, operations, objects and keys.
#![forbid(unsafe_code)]

mod backup;
mod desk;
mod importing;
mod key_quorum;
mod model;
mod objects;
mod operations;
mod pins;
mod recording;
mod restrictions;
mod roles;
mod sessions;
mod support;
mod users;
mod wrapping;
