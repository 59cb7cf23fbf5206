//! `claviger-conformance`: holds any PKCS#11 modules to the standard, side by side.
//!
//! Exit status, of the token that is judged: 0 if every check passed or was skipped, 1 otherwise, 2 on wrong
//! usage.

use std::process::ExitCode;

use clap::Parser;
use conformance::options::{Target, Targets};
use conformance::report::{Form, markdown, table};
use conformance::rules::{Check, Outcome, checks, run};
use serde_json::{Value, json};

/// Holds PKCS#11 modules to the standard, check by check
#[derive(Parser)]
#[command(name = "claviger-conformance", version)]
struct Options {
    #[command(flatten)]
    targets: Targets,
    /// Run only the checks whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// List the checks and run none
    #[arg(long)]
    list: bool,
    /// Show the checks that passed as well
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    form: Form,
}

/// What the checks came to on one token.
struct Column {
    token: Target,
    outcomes: Vec<Outcome>,
}

impl Column {
    fn count(&self, of: fn(&Outcome) -> bool) -> usize {
        self.outcomes.iter().filter(|outcome| of(outcome)).count()
    }

    /// Passed, failed, crashed, skipped.
    fn counts(&self) -> [usize; 4] {
        [
            self.count(|outcome| matches!(outcome, Outcome::Pass)),
            self.count(|outcome| matches!(outcome, Outcome::Fail { .. })),
            self.count(|outcome| matches!(outcome, Outcome::Crashed { .. })),
            self.count(|outcome| matches!(outcome, Outcome::Skip { .. })),
        ]
    }
}

fn main() -> ExitCode {
    let Options { targets, only, list, all, form } = Options::parse();
    let wanted = |check: &Check| only.is_empty() || only.iter().any(|part| check.name.contains(part));
    let checks: Vec<_> = checks().into_iter().filter(wanted).collect();
    if checks.is_empty() {
        return wrong_usage("no check has such a name");
    }
    if list {
        for check in checks {
            println!("{}", check.name);
        }
        return ExitCode::SUCCESS;
    }
    let (tokens, judged) = match targets.resolve() {
        Ok(resolved) => resolved,
        Err(why) => return wrong_usage(&why),
    };
    let hold = |token: Target| {
        let outcomes = checks.iter().map(|check| run(check, &token)).collect();
        Column { token, outcomes }
    };
    let columns: Vec<_> = tokens.into_iter().map(hold).collect();
    if form.json {
        println!("{}", json(&checks, &columns, judged));
    } else if form.markdown {
        print!("{}", markdown(&summary(&columns)));
    } else {
        print!("{}", details(&checks, &columns, all));
        print!("{}", table(&summary(&columns)));
    }
    let kept = columns.get(judged).is_some_and(|column| {
        let [_, failed, crashed, _] = column.counts();
        failed + crashed == 0
    });
    ExitCode::from(u8::from(!kept))
}

fn wrong_usage(why: &str) -> ExitCode {
    eprintln!("claviger-conformance: {why}");
    ExitCode::from(2)
}

fn json(checks: &[Check], columns: &[Column], judged: usize) -> Value {
    let tokens: Vec<_> = columns
        .iter()
        .map(|column| {
            let list: Vec<_> = checks
                .iter()
                .zip(&column.outcomes)
                .map(|(check, outcome)| json!({ "name": check.name, "outcome": outcome }))
                .collect();
            let [passed, failed, crashed, skipped] = column.counts();
            json!({
                "name": column.token.name, "module": column.token.module, "passed": passed, "failed": failed,
                "crashed": crashed, "skipped": skipped, "checks": list,
            })
        })
        .collect();
    json!({ "judged": columns.get(judged).map(|column| &column.token.name), "tokens": tokens })
}

fn summary(columns: &[Column]) -> Vec<Vec<String>> {
    let head = ["module", "passed", "failed", "crashed or hung", "skipped"].map(str::to_owned).to_vec();
    let line = |column: &Column| {
        let counts = column.counts().map(|count| count.to_string());
        [column.token.name.clone()].into_iter().chain(counts).collect()
    };
    [head].into_iter().chain(columns.iter().map(line)).collect()
}

/// A line for each check that did not pass, token by token.
fn details(checks: &[Check], columns: &[Column], all: bool) -> String {
    let mut lines = Vec::new();
    for column in columns {
        for (check, outcome) in checks.iter().zip(&column.outcomes) {
            if all || *outcome != Outcome::Pass {
                let (verdict, detail) = describe(outcome);
                let (name, verdict) = (column.token.name.clone(), verdict.to_owned());
                lines.push(vec![name, verdict, check.name.clone(), detail]);
            }
        }
    }
    if columns.len() == 1 {
        lines.iter_mut().for_each(|line| drop(line.remove(0)));
    }
    let gap = if lines.is_empty() { "" } else { "\n" };
    table(&lines) + gap
}

fn describe(outcome: &Outcome) -> (&'static str, String) {
    match outcome {
        Outcome::Pass => ("pass", String::new()),
        Outcome::Fail { expected, got } => ("FAIL", format!("expected {expected}, got {got}")),
        Outcome::Skip { why } => ("skip", why.clone()),
        Outcome::Crashed { how } => ("CRASH", how.clone()),
    }
}
