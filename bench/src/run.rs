//! The parent: starts a worker for each token, lets their rounds alternate, and gathers the figures.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::options::{Options, TokenOption};
use crate::report::{Cell, Report, Row};
use crate::worker::{Answer, Hello, Order, peak_memory};
use crate::workload::WORKLOADS;

/// The hidden first argument that makes this program a worker.
pub(crate) const WORKER: &str = "__worker";

struct Peer {
    name: String,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    dead: Option<String>,
}

/// Runs the whole benchmark and prints the report.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if options.list {
        for workload in WORKLOADS {
            println!("{}", workload.name);
        }
        return Ok(());
    }
    let mut peers = Vec::new();
    for token in &options.tokens {
        peers.push(Peer::start(token, options)?);
    }
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for (index, workload) in WORKLOADS.iter().enumerate() {
        if options.only.is_empty() || options.only.iter().any(|word| workload.name.contains(word.as_str())) {
            let ready: Vec<Answer> =
                peers.iter_mut().map(|peer| peer.order(&Order::Prepare(index))).collect();
            notes.extend(preparation(&peers, &ready, workload.name));
            rows.extend(measure_workload(&mut peers, options, &ready, workload.name));
        }
    }
    let daemon_peak = options.daemon_pid.map(|pid| peak_memory(&pid.to_string()));
    let names = peers.iter().map(|peer| peer.name.clone()).collect();
    let peaks = peers.into_iter().map(Peer::finish).collect();
    notes.extend(crate::guide::compared(&rows));
    let report = Report { tokens: names, rows, notes, peaks, daemon_peak };
    print!("{}", report.render(options));
    Ok(())
}

/// All rounds of one workload; a row for each number of threads.
fn measure_workload(peers: &mut [Peer], options: &Options, ready: &[Answer], name: &'static str) -> Vec<Row> {
    let mut rows = Vec::new();
    for &threads in &options.threads {
        let mut cells: Vec<Cell> = ready.iter().map(Cell::before).collect();
        for round in 0..options.rounds {
            // Forth and back, so that none is always first.
            let places: Vec<usize> =
                if round % 2 == 0 { (0..peers.len()).collect() } else { (0..peers.len()).rev().collect() };
            for place in places {
                if cells[place].problem.is_none() {
                    let order = Order::Measure { threads, seconds: options.seconds };
                    cells[place].take(peers[place].order(&order));
                }
            }
        }
        eprintln!("{name}, {threads} thread(s): {}", summary(peers, &cells));
        rows.push(Row { workload: name, threads, cells });
    }
    rows
}

/// A note on how long each token took to get ready, where that is long enough to matter.
fn preparation(peers: &[Peer], ready: &[Answer], name: &str) -> Option<String> {
    let seconds = |answer: &Answer| if let Answer::Ready(seconds) = answer { *seconds } else { 0.0 };
    if ready.iter().map(seconds).fold(0.0, f64::max) < 5.0 {
        return None;
    }
    let each =
        peers.iter().zip(ready).map(|(peer, answer)| format!("{} {:.1} s", peer.name, seconds(answer)));
    Some(format!("Preparation of {name}: {}.", each.collect::<Vec<_>>().join(", ")))
}

fn summary(peers: &[Peer], cells: &[Cell]) -> String {
    let each = peers.iter().zip(cells).map(|(peer, cell)| format!("{} {}", peer.name, cell.show()));
    each.collect::<Vec<_>>().join(", ")
}

impl Peer {
    fn start(token: &TokenOption, options: &Options) -> Result<Self, String> {
        let this = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut child = Command::new(this)
            .arg(WORKER)
            .envs(&token.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start a worker: {e}"))?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a worker without pipes".to_owned());
        };
        let mut peer =
            Self { name: token.name.clone(), child, orders, answers: BufReader::new(answers), dead: None };
        let hello = Hello {
            token: token.clone(),
            keys: options.keys,
            objects: options.objects,
            leave: options.leave,
        };
        match peer.send(&hello) {
            Answer::Ready(_) => Ok(peer),
            Answer::Failed(why) => Err(format!("{}: {why}", token.name)),
            other => Err(format!("{}: {other:?}", token.name)),
        }
    }

    fn order(&mut self, order: &Order) -> Answer {
        match &self.dead {
            Some(why) => Answer::Failed(why.clone()),
            None => self.send(order),
        }
    }

    /// Sends a line and waits for the answer. A worker that died says so from then on.
    fn send(&mut self, message: &impl serde::Serialize) -> Answer {
        let mut exchange = || -> Result<Answer, String> {
            let mut line = serde_json::to_string(message).map_err(|e| e.to_string())?;
            line.push('\n');
            self.orders.write_all(line.as_bytes()).map_err(|e| e.to_string())?;
            let mut answer = String::new();
            match self.answers.read_line(&mut answer) {
                Ok(1..) => serde_json::from_str(&answer).map_err(|e| format!("{answer:?}: {e}")),
                Ok(0) => Err("it ended".to_owned()),
                Err(e) => Err(e.to_string()),
            }
        };
        exchange().unwrap_or_else(|why| {
            let status = self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string());
            let why = format!("the worker died: {why}, {status}");
            self.dead = Some(why.clone());
            Answer::Failed(why)
        })
    }

    /// Peak memory in KiB, or what went wrong.
    fn finish(mut self) -> Result<u64, String> {
        let answer = self.order(&Order::Finish);
        drop(self.orders);
        let _ = self.child.wait();
        match answer {
            Answer::Finished { peak } => Ok(peak),
            Answer::Failed(why) => Err(why),
            other => Err(format!("{other:?}")),
        }
    }
}
