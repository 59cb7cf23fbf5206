//! `libclaviger.so`: the PKCS#11 module. It forwards each call to the daemon and decides nothing.
//!
//! A C function of [`c_api`] turns the caller's pointers into values through `memory`, asks the daemon
//! through the process's one `client`, and writes the answer back. The module starts no thread, registers
//! no handler, keeps nothing in thread-local storage and knows no mechanism.
#![deny(unsafe_code)]

pub mod c_api;
mod client;
#[allow(unsafe_code)]
mod memory;
mod process;
