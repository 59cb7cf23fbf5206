//! The daemon as a whole: each test starts the real program on a state of its own.

mod common;
mod connections;
mod start;
