//! The process's one client: made by `C_Initialize`, ended by `C_Finalize`, and not inherited by `fork`.
//!
//! One word says whose the client is and how far it has come. A child finds its parent's number there before
//! it touches anything else, so that no lock which some thread of the parent held at the fork is waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::id;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread::yield_now;

use cryptoki_sys::CK_RV;
use wire::Rv;

use crate::client::Client;
use crate::memory::shared::Shared;

/// The phase in the upper half, the process in the lower. Phases of another process count as none.
static OWNER: AtomicU64 = AtomicU64::new(0);
/// Threads that are between looking at [`OWNER`] and holding the client.
static VISITORS: AtomicU64 = AtomicU64::new(0);
static CLIENT: Shared<Client> = Shared::new();

const STARTING: u64 = 1 << 32;
const READY: u64 = 2 << 32;
const ENDING: u64 = 3 << 32;
const PROCESS: u64 = STARTING - 1;

fn me() -> u64 {
    u64::from(id())
}

/// The client, if this process has called `C_Initialize`.
pub(crate) fn client() -> Option<Arc<Client>> {
    let ready = READY | me();
    if OWNER.load(SeqCst) != ready {
        return None;
    }
    VISITORS.fetch_add(1, SeqCst);
    // From here to the end of the visit, `finish` waits.
    let client = if OWNER.load(SeqCst) == ready { CLIENT.get() } else { None };
    VISITORS.fetch_sub(1, SeqCst);
    client
}

/// Whether `C_Initialize` holds in this process.
pub(crate) fn is_initialized() -> bool {
    OWNER.load(SeqCst) == READY | me()
}

/// Installs the client that `make` makes.
///
/// # Errors
/// `CRYPTOKI_ALREADY_INITIALIZED`, or what `make` says.
pub(crate) fn start(make: impl FnOnce() -> Result<Client, Rv>) -> Result<(), Rv> {
    let me = me();
    let before = loop {
        let owner = OWNER.load(SeqCst);
        match (owner & PROCESS == me, owner & !PROCESS) {
            (true, READY) => return Err(Rv::CRYPTOKI_ALREADY_INITIALIZED),
            (true, STARTING | ENDING) => yield_now(),
            _ if OWNER.compare_exchange(owner, STARTING | me, SeqCst, SeqCst).is_ok() => break owner,
            _ => {}
        }
    };
    if before != 0 {
        // A fork: the counts and the client are the parent's. Its memory is left as it is, since a thread of
        // the parent may have been changing it; its sockets are closed, which the parent does not notice.
        VISITORS.store(0, SeqCst);
        if let Some(inherited) = CLIENT.forget()
            && before & !PROCESS == READY
        {
            inherited.close_inherited();
        }
    }
    let starting = Starting;
    CLIENT.put(make()?);
    std::mem::forget(starting);
    OWNER.store(READY | me, SeqCst);
    Ok(())
}

/// What goes wrong at the start, a panic too, leaves the process without a client and free to try again.
struct Starting;

impl Drop for Starting {
    fn drop(&mut self) {
        OWNER.store(0, SeqCst);
    }
}

/// Ends the client and its connections. Calls still under way end as the daemon answers them.
///
/// # Errors
/// `CRYPTOKI_NOT_INITIALIZED`
pub(crate) fn finish() -> Result<(), Rv> {
    let me = me();
    OWNER
        .compare_exchange(READY | me, ENDING | me, SeqCst, SeqCst)
        .map_err(|_| Rv::CRYPTOKI_NOT_INITIALIZED)?;
    while VISITORS.load(SeqCst) != 0 {
        yield_now();
    }
    if let Some(client) = CLIENT.take() {
        client.close();
    }
    OWNER.store(0, SeqCst);
    Ok(())
}

/// Runs a C function that needs the client.
pub(crate) fn enter(function: impl FnOnce(&Client) -> Result<(), Rv>) -> CK_RV {
    guard(|| function(&*client().ok_or(Rv::CRYPTOKI_NOT_INITIALIZED)?))
}

/// Runs a C function: a panic ends here, as `CKR_GENERAL_ERROR`.
pub(crate) fn guard(function: impl FnOnce() -> Result<(), Rv>) -> CK_RV {
    let rv = match catch_unwind(AssertUnwindSafe(function)) {
        Ok(Ok(())) => Rv::OK,
        Ok(Err(rv)) => rv,
        Err(_) => Rv::GENERAL_ERROR,
    };
    rv.0 as CK_RV
}
