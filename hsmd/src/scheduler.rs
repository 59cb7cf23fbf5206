//! Makes happen what the services have due: one thread, which looks again when the next thing is due, and at the latest
//! after ten seconds, so that a clock that is set does no harm.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::daemon::Daemon;

/// How often it looks, if nothing is due before.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(10);
/// How often counts are written: what a crash loses of them.
const COUNTS: Duration = Duration::from_secs(60);

/// Starts it. It lasts as long as the daemon.
///
/// # Errors
/// If there is no thread for it.
pub(crate) fn start(daemon: &Arc<Daemon>) -> io::Result<()> {
    let daemon = Arc::downgrade(daemon);
    thread::Builder::new().name("scheduler".into()).stack_size(1 << 20).spawn(move || {
        let mut counted = Instant::now();
        while let Some(daemon) = daemon.upgrade() {
            let wait = run(&daemon);
            if counted.elapsed() >= COUNTS {
                daemon.keep_counts();
                counted = Instant::now();
            }
            drop(daemon);
            thread::sleep(wait);
        }
    })?;
    Ok(())
}

/// Does what is due, and tells when to look again.
fn run(daemon: &Daemon) -> Duration {
    let Some(_under_way) = daemon.begin_call() else { return OFTEN };
    let Ok(services) = daemon.services() else {
        daemon.look_after_zeroizing();
        return OFTEN;
    };
    let mut next = None;
    for (what, run) in [("keys", services.kms.run_due()), ("secrets", services.csms.run_due())] {
        if run.done > 0 {
            info!(done = run.done, "what was due of {what} is done");
        }
        for why in &run.failed {
            warn!("what is due of {what} cannot be done: {why}");
        }
        next = [next, run.next].into_iter().flatten().min();
    }
    let until = next.map(|next| Duration::from_millis(next.saturating_sub(services.kms.now())));
    until.unwrap_or(SELDOM).clamp(OFTEN, SELDOM)
}
