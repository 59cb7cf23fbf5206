//! Makes the process a harder target: no core dumps, no tracing, no new privileges, and no swap where it may.

use std::fs;

use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use tracing::warn;

use crate::config::Hardening;

/// `CAP_IPC_LOCK`, as [`holds`] takes it.
const CAP_IPC_LOCK: u64 = 1 << 14;

/// Hardens the process. What cannot be done is warned of once.
pub(crate) fn harden(config: &Hardening) {
    umask(Mode::from_bits_truncate(0o077));
    let warn_of = |what: &str, result: nix::Result<()>| {
        if let Err(error) = result {
            warn!("hardening: {what}: {error}");
        }
    };
    warn_of("core dumps cannot be turned off", setrlimit(Resource::RLIMIT_CORE, 0, 0));
    warn_of("the process can be traced", prctl::set_dumpable(false));
    warn_of("new privileges cannot be ruled out", prctl::set_no_new_privs());
    if config.lock_memory {
        lock_memory();
    }
    raise_file_limit();
}

/// Pages are locked as they come into use, so that the unused part of thousands of stacks costs nothing.
fn lock_memory() {
    if !may_lock_memory() {
        warn!(
            "hardening: memory is not locked, so that keys may be written to swap: grant CAP_IPC_LOCK or \
             LimitMEMLOCK=infinity, or set lock_memory = false under [hardening]"
        );
        return;
    }
    if let Err(error) = lock_all() {
        warn!("hardening: memory is not locked, so that keys may be written to swap: {error}");
    }
}

/// Locks the memory of a process of the daemon's, if that may be: if not, the daemon has said so.
pub(crate) fn lock_quietly() {
    if may_lock_memory() {
        let _ = lock_all();
    }
}

fn lock_all() -> nix::Result<()> {
    let on_fault = MlockAllFlags::from_bits_retain(libc::MCL_ONFAULT);
    mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_fault)
}

/// Whether this process holds all of these capabilities: bits of the sets in `/proc/self/status`.
pub(crate) fn holds(capabilities: u64) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = held.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0);
    held & capabilities == capabilities
}

/// With a limit, a lock on all memory to come would make the daemon fail once the limit is reached.
fn may_lock_memory() -> bool {
    if holds(CAP_IPC_LOCK) {
        return true;
    }
    match getrlimit(Resource::RLIMIT_MEMLOCK) {
        Ok((_, RLIM_INFINITY)) => setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY).is_ok(),
        _ => false,
    }
}

/// A connection is a file: the soft limit of 1,024 that most systems have would be too few.
fn raise_file_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        warn!("the limit of open files cannot be raised: {error}");
    }
}
