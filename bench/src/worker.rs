//! The process that holds one module: it obeys orders from its standard input, a line of JSON each.

use std::io::{self, BufRead, Write};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::load;
use crate::objects::Objects;
use crate::options::{Keys, TokenOption};
use crate::p11::{Module, Session};
use crate::workload::{Ready, WORKLOADS, Workload};

/// The first line: what to load. The PIN travels here, not in the arguments that every user can read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) token: TokenOption,
    pub(crate) keys: Keys,
    pub(crate) objects: u32,
    /// Leave on the token what was made.
    pub(crate) leave: bool,
}

/// Each further line.
#[derive(Serialize, Deserialize)]
pub(crate) enum Order {
    /// Makes what the workload (by its place in the table) needs, and verifies one result.
    Prepare(usize),
    Measure {
        threads: usize,
        seconds: f64,
    },
    /// Destroys what was made, and ends.
    Finish,
}

/// The answer to a line.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(crate) enum Answer {
    /// Ready after this many seconds.
    Ready(f64),
    /// The token has no such mechanism.
    Unsupported,
    /// Operations per second.
    Rate(f64),
    /// The most memory that the process ever had resident, in KiB.
    Finished {
        peak: u64,
    },
    Failed(String),
}

struct Worker<'a> {
    module: &'a Module,
    slot: u64,
    session: Session<'a>,
    objects: Objects,
    count: u32,
    leave: bool,
    current: Option<(&'static Workload, Ready)>,
}

/// Runs until the order to finish, or until the parent is gone.
pub(crate) fn serve() -> Result<(), String> {
    let mut lines = io::stdin().lock().lines();
    let mut next = || lines.next().transpose().map_err(|e| e.to_string());
    let hello: Hello = parse(&next()?.ok_or("no token was named")?)?;
    let module = match Module::load(&hello.token.module) {
        Ok(module) => module,
        Err(error) => return say(&Answer::Failed(error.to_string())),
    };
    let mut worker = match Worker::log_in(&module, &hello) {
        Ok(worker) => worker,
        Err(error) => return say(&Answer::Failed(error.to_string())),
    };
    say(&Answer::Ready(0.0))?;
    while let Some(line) = next()? {
        let order = parse(&line)?;
        say(&worker.obey(&order))?;
        if matches!(order, Order::Finish) {
            break;
        }
    }
    Ok(())
}

impl<'a> Worker<'a> {
    fn log_in(module: &'a Module, hello: &Hello) -> crate::p11::Result<Self> {
        let slot = module.slot(&hello.token.label)?;
        let session = module.open(slot)?;
        session.login(&hello.token.pin)?;
        let objects = Objects::new(hello.keys);
        Ok(Self { module, slot, session, objects, count: hello.objects, leave: hello.leave, current: None })
    }

    fn obey(&mut self, order: &Order) -> Answer {
        let done = match *order {
            Order::Prepare(index) => self.prepare(index),
            Order::Measure { threads, seconds } => self.measure(threads, seconds),
            Order::Finish => {
                let cleared = if self.leave { Ok(()) } else { self.objects.clear(self.session) };
                cleared.map(|()| Answer::Finished { peak: peak_memory("self") })
            }
        };
        done.unwrap_or_else(|error| Answer::Failed(error.to_string()))
    }

    fn prepare(&mut self, index: usize) -> crate::p11::Result<Answer> {
        let begin = Instant::now();
        let workload = &WORKLOADS[index];
        self.current = None;
        if workload.mechanism.is_some_and(|mechanism| !self.module.has_mechanism(self.slot, mechanism)) {
            return Ok(Answer::Unsupported);
        }
        let ready = workload.prepare(self.session, &mut self.objects, self.count)?;
        workload.check(self.session, &ready)?;
        self.current = Some((workload, ready));
        Ok(Answer::Ready(begin.elapsed().as_secs_f64()))
    }

    fn measure(&mut self, threads: usize, seconds: f64) -> crate::p11::Result<Answer> {
        let Some((workload, ready)) = &self.current else { return Ok(Answer::Unsupported) };
        let time = Duration::from_secs_f64(seconds);
        load::measure(self.module, self.slot, workload, ready, threads, time).map(Answer::Rate)
    }
}

fn parse<T: for<'de> Deserialize<'de>>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|e| format!("not an order: {e}"))
}

fn say(answer: &Answer) -> Result<(), String> {
    let mut line = serde_json::to_string(answer).map_err(|e| e.to_string())?;
    line.push('\n');
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|e| e.to_string())
}

/// The most memory that a process ever had resident, in KiB; 0 if it cannot be read.
pub(crate) fn peak_memory(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_peak_memory_can_be_read() {
        assert!(peak_memory("self") > 100);
        assert_eq!(peak_memory("no-such-process"), 0);
    }
}
