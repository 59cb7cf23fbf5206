//! `claviger-conformance`: holds any PKCS#11 module to the standard.
//!
//! Exit status: 0 if every check passed or was skipped, 1 otherwise, 2 on wrong usage.

use std::process::ExitCode;

use clap::Parser;
use conformance::options::Target;
use conformance::report::table;
use conformance::rules::{Check, Outcome, checks, run};
use serde_json::json;

/// Holds a PKCS#11 module to the standard, check by check
#[derive(Parser)]
#[command(name = "claviger-conformance", version)]
struct Options {
    #[command(flatten)]
    target: Target,
    /// Run only the checks whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// List the checks and run none
    #[arg(long)]
    list: bool,
    /// Show the checks that passed as well
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let wanted =
        |check: &Check| options.only.is_empty() || options.only.iter().any(|part| check.name.contains(part));
    let checks: Vec<_> = checks().into_iter().filter(wanted).collect();
    if checks.is_empty() {
        eprintln!("no check has such a name");
        return ExitCode::from(2);
    }
    if options.list {
        for check in checks {
            println!("{}", check.name);
        }
        return ExitCode::SUCCESS;
    }
    let results: Vec<_> = checks.iter().map(|check| (check, run(check, &options.target))).collect();
    let count = |of: fn(&Outcome) -> bool| results.iter().filter(|(_, outcome)| of(outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Pass));
    let failed = count(|outcome| matches!(outcome, Outcome::Fail { .. }));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skip { .. }));
    let crashed = count(|outcome| matches!(outcome, Outcome::Crashed { .. }));
    if options.json {
        let list: Vec<_> = results
            .iter()
            .map(|(check, outcome)| json!({ "name": check.name, "outcome": outcome }))
            .collect();
        let module = &options.target.module;
        println!(
            "{}",
            json!({ "module": module, "passed": passed, "failed": failed, "skipped": skipped, "crashed": crashed, "checks": list })
        );
    } else {
        let shown = results.iter().filter(|(_, outcome)| options.all || *outcome != Outcome::Pass);
        table(&shown.map(|(check, outcome)| describe(check, outcome)).collect::<Vec<_>>());
        println!("{passed} passed, {failed} failed, {crashed} crashed, {skipped} skipped");
    }
    ExitCode::from(u8::from(failed + crashed > 0))
}

fn describe(check: &Check, outcome: &Outcome) -> Vec<String> {
    let (verdict, detail) = match outcome {
        Outcome::Pass => ("pass", String::new()),
        Outcome::Fail { expected, got } => ("FAIL", format!("expected {expected}, got {got}")),
        Outcome::Skip { why } => ("skip", why.clone()),
        Outcome::Crashed { how } => ("CRASH", how.clone()),
    };
    vec![verdict.to_owned(), check.name.clone(), detail]
}
