//! The KMS on an HSM in memory, whose clock a test turns.

mod aliases;
mod counts;
mod explain;
mod grants;
mod keys;
mod leaving;
mod life;
mod lists;
mod lost;
mod office;
mod races;
mod regions;
mod restore;
mod sessions;
mod stores;
mod support;
mod tag_policies;
mod tags;
mod time;
mod trackers;
