//! `claviger-attacks`: attacks the keys of a token, on any PKCS#11 module.
//!
//! Exit status: 0 if nothing was obtained, 1 if something was or an attack could not run, 2 on wrong usage.

use std::process::ExitCode;

use clap::Parser;
use conformance::attacks::{ATTACKS, Attack, Verdict, run};
use conformance::options::Target;
use conformance::report::table;
use serde_json::json;

/// Attacks the keys of a token, and says which it obtained
#[derive(Parser)]
#[command(name = "claviger-attacks", version)]
struct Options {
    #[command(flatten)]
    target: Target,
    /// Label of a second token with the same PINs, for attacks that lock a PIN or cross tokens
    #[arg(long, env = "P11_VICTIM_LABEL")]
    victim_label: Option<String>,
    /// Run these attacks only, as in T1,T9
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Run every variant of an attack, even after one has succeeded
    #[arg(long)]
    thorough: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(id) = options.only.iter().find(|id| !ATTACKS.iter().any(|attack| same(attack.id, id))) {
        eprintln!("there is no attack {id}");
        return ExitCode::from(2);
    }
    let wanted =
        |attack: &&Attack| options.only.is_empty() || options.only.iter().any(|id| same(attack.id, id));
    let results: Vec<_> = ATTACKS
        .iter()
        .filter(wanted)
        .map(|attack| {
            (attack, run(attack, &options.target, options.victim_label.as_deref(), options.thorough))
        })
        .collect();
    if options.json {
        let list: Vec<_> = results
            .iter()
            .map(|(attack, verdict)| json!({ "id": attack.id, "about": attack.about, "result": verdict }))
            .collect();
        println!("{}", json!({ "module": options.target.module, "attacks": list }));
    } else {
        let rows: Vec<_> = results
            .iter()
            .map(|(attack, verdict)| vec![attack.id.to_owned(), attack.about.to_owned(), describe(verdict)])
            .collect();
        table(&rows);
    }
    let safe = |verdict: &Verdict| matches!(verdict, Verdict::Withstood { .. } | Verdict::Unsupported { .. });
    ExitCode::from(u8::from(!results.iter().all(|(_, verdict)| safe(verdict))))
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Obtained { what, how, others, .. } if others.is_empty() => {
            format!("OBTAINED {what} by: {how}")
        }
        Verdict::Obtained { what, how, others, tried } => {
            format!(
                "OBTAINED {what} by: {how} (and {} other variants of {tried}: {})",
                others.len(),
                others.join("; ")
            )
        }
        Verdict::Withstood { why } => format!("withstood: {why}"),
        Verdict::Unsupported { why } => format!("unsupported: {why}"),
        Verdict::Broken { why } => format!("BROKEN: {why}"),
    }
}
