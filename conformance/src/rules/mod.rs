//! The standard's rules, as checks that run on any module.
