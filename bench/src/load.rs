//! Puts a workload on a token from several threads, each with a session, and counts what succeeds.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::CK_SLOT_ID;

use crate::p11::{Module, Result};
use crate::workload::{Ready, Workload};

/// Repeats the workload for `time` and returns operations per second of all threads together.
///
/// Each thread counts its own operations over its own time, so that the last slow operation of a round
/// is neither lost nor counted against less time than it took.
pub(crate) fn measure(
    module: &Module,
    slot: CK_SLOT_ID,
    workload: &Workload,
    ready: &Ready,
    threads: usize,
    time: Duration,
) -> Result<f64> {
    let (start, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
    let one = || -> Result<f64> {
        let prepared = module.open(slot).and_then(|session| {
            let mut step = workload.step(module, slot, session, ready);
            let mut made = Vec::new();
            step(&mut made)?;
            Ok((session, step, made))
        });
        // Also after a failure, or the others wait for ever.
        start.wait();
        let (session, mut step, mut made) = prepared?;
        let (begin, mut count) = (Instant::now(), 0_u64);
        while !stop.load(Ordering::Relaxed) {
            step(&mut made)?;
            count += 1;
        }
        let elapsed = begin.elapsed();
        drop(step);
        for object in made {
            session.destroy(object)?;
        }
        session.close()?;
        Ok(count as f64 / elapsed.as_secs_f64())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        start.wait();
        thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .sum()
    })
}
