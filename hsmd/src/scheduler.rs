//! Makes happen what the services have due: one thread, which looks again when the next thing is due, and at the latest
//! after ten seconds, so that a clock that is set does no harm.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dew::due::Run;
use dew::kms::Millis;
use tracing::{info, warn};

use crate::daemon::Daemon;

/// How often it looks, if nothing is due before.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(10);
/// How often counts are written: what a crash loses of them.
const COUNTS: Duration = Duration::from_secs(60);

/// Starts it. It lasts as long as the daemon. What waits for others, such as servers of databases, has a thread of its own.
///
/// # Errors
/// If there is no thread for it.
pub(crate) fn start(daemon: &Arc<Daemon>) -> io::Result<()> {
    let mut counted = Instant::now();
    spawn(daemon, "scheduler", move |daemon| {
        let wait = run(daemon);
        if counted.elapsed() >= COUNTS {
            daemon.keep_counts();
            counted = Instant::now();
        }
        wait
    })?;
    spawn(daemon, "rotation", rotate)
}

fn spawn(
    daemon: &Arc<Daemon>,
    name: &str,
    mut run: impl FnMut(&Daemon) -> Duration + Send + 'static,
) -> io::Result<()> {
    let daemon = Arc::downgrade(daemon);
    thread::Builder::new().name(name.into()).stack_size(1 << 20).spawn(move || {
        while let Some(daemon) = daemon.upgrade() {
            let wait = run(&daemon);
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
    let next = [report("keys", &services.kms.run_due()), report("secrets", &services.csms.run_due())];
    wait(next.into_iter().flatten().min(), services.kms.now())
}

/// Rotates what is due.
fn rotate(daemon: &Daemon) -> Duration {
    let Some(_under_way) = daemon.begin_call() else { return OFTEN };
    let Ok(services) = daemon.services() else { return OFTEN };
    wait(report("rotations", &services.csms.run_rotations()), services.kms.now())
}

/// Says what came of it, and when the next thing is due.
fn report(what: &str, run: &Run) -> Option<Millis> {
    if run.done > 0 {
        info!(done = run.done, "what was due of {what} is done");
    }
    for why in &run.failed {
        warn!("what is due of {what} cannot be done: {why}");
    }
    run.next
}

fn wait(next: Option<Millis>, now: Millis) -> Duration {
    let until = next.map(|next| Duration::from_millis(next.saturating_sub(now)));
    until.unwrap_or(SELDOM).clamp(OFTEN, SELDOM)
}
