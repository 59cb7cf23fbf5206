//! Identity and access management: who may do what.

pub mod policy;
