//! The stores a daemon can keep its records in.

pub(crate) mod damage;
pub(crate) mod lock;
pub(crate) mod redb;
