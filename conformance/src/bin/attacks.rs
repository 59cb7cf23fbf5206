//! `claviger-attacks`: attacks the keys of tokens, on any PKCS#11 modules, side by side.
//!
//! Exit status, of the token that is judged: 0 if nothing was obtained, 1 if something was or an attack could
//! not run, 2 on wrong usage.

use std::process::ExitCode;

use clap::Parser;
use conformance::attacks::{ATTACKS, Attack, Verdict, run};
use conformance::options::{Target, Targets};
use conformance::report::{Form, markdown, table};
use serde_json::json;

/// Attacks the keys of tokens, and says which it obtained
#[derive(Parser)]
#[command(name = "claviger-attacks", version)]
struct Options {
    #[command(flatten)]
    targets: Targets,
    /// Run these attacks only, as in T1,T9
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Run every variant of an attack, even after one has succeeded
    #[arg(long)]
    thorough: bool,
    /// List the attacks and run none
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    form: Form,
}

/// One attack, and what it came to on each token.
struct Row {
    attack: &'static Attack,
    verdicts: Vec<Verdict>,
}

fn main() -> ExitCode {
    let Options { targets, only, thorough, list, form } = Options::parse();
    if list {
        for attack in ATTACKS {
            println!("{} | {}", attack.id, attack.about);
        }
        return ExitCode::SUCCESS;
    }
    let (tokens, judged) = match targets.resolve() {
        Ok(resolved) => resolved,
        Err(why) => return wrong_usage(&why),
    };
    if let Some(id) = only.iter().find(|id| !ATTACKS.iter().any(|attack| same(attack.id, id))) {
        return wrong_usage(&format!("there is no attack {id}"));
    }
    let wanted = |attack: &&Attack| only.is_empty() || only.iter().any(|id| same(attack.id, id));
    let on_each =
        |attack| Row { attack, verdicts: tokens.iter().map(|token| run(attack, token, thorough)).collect() };
    let rows: Vec<_> = ATTACKS.iter().filter(wanted).map(on_each).collect();
    print!("{}", render(&rows, &tokens, judged, form));
    let safe = |row: &Row| row.verdicts.get(judged).is_some_and(Verdict::is_safe);
    ExitCode::from(u8::from(!rows.iter().all(safe)))
}

fn wrong_usage(why: &str) -> ExitCode {
    eprintln!("claviger-attacks: {why}");
    ExitCode::from(2)
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn render(rows: &[Row], tokens: &[Target], judged: usize, form: Form) -> String {
    if form.json {
        return json(rows, tokens, judged) + "\n";
    }
    let describe = if form.markdown { in_short } else { in_full };
    let title = |text: &str| text.to_owned();
    let mut lines = vec![[title("attack"), title("tries to")].to_vec()];
    lines[0].extend(tokens.iter().map(|token| token.name.clone()));
    if form.markdown || tokens.len() == 1 {
        for Row { attack, verdicts } in rows {
            let mut line = vec![attack.id.to_owned(), attack.about.to_owned()];
            line.extend(verdicts.iter().map(describe));
            lines.push(line);
        }
        return if form.markdown { markdown(&lines) } else { table(&lines) };
    }
    // At a terminal, a word for each token, and below what is behind the words.
    let mut details = Vec::new();
    for Row { attack, verdicts } in rows {
        let mut line = vec![attack.id.to_owned(), attack.about.to_owned()];
        line.extend(verdicts.iter().map(|verdict| word(verdict).to_owned()));
        lines.push(line);
        for (token, verdict) in tokens.iter().zip(verdicts) {
            details.push(vec![attack.id.to_owned(), token.name.clone(), in_full(verdict)]);
        }
    }
    format!("{}\n{}", table(&lines), table(&details))
}

fn json(rows: &[Row], tokens: &[Target], judged: usize) -> String {
    let list = |place: usize| -> Vec<_> {
        let result = |row: &Row| json!({ "id": row.attack.id, "about": row.attack.about, "result": row.verdicts.get(place) });
        rows.iter().map(result).collect()
    };
    let tokens: Vec<_> = tokens
        .iter()
        .enumerate()
        .map(|(place, token)| json!({ "name": token.name, "module": token.module, "attacks": list(place) }))
        .collect();
    json!({ "judged": tokens.get(judged).map(|token| &token["name"]), "tokens": tokens }).to_string()
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Obtained { .. } => "OBTAINED",
        Verdict::Withstood { .. } => "withstood",
        Verdict::Unsupported { .. } => "unsupported",
        Verdict::Broken { .. } => "BROKEN",
    }
}

/// A verdict with every answer that was got.
fn in_full(verdict: &Verdict) -> String {
    let word = word(verdict);
    match verdict {
        Verdict::Obtained { what, how, others, .. } if others.is_empty() => {
            format!("{word} {what} by: {how}")
        }
        Verdict::Obtained { what, how, others, tried } => {
            let (count, others) = (others.len(), others.join("; "));
            format!("{word} {what} by: {how} (and {count} other variants of {tried}: {others})")
        }
        Verdict::Withstood { why, .. } | Verdict::Unsupported { why } | Verdict::Broken { why } => {
            format!("{word}: {why}")
        }
    }
}

/// A verdict as it fits the cell of a Markdown table.
fn in_short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Obtained { what, how, .. } => format!("**obtained** {what}: {how}"),
        Verdict::Withstood { tried: 1, .. } => "withstood 1 variant".to_owned(),
        Verdict::Withstood { tried, .. } => format!("withstood {tried} variants"),
        Verdict::Unsupported { .. } => "not offered".to_owned(),
        Verdict::Broken { why } => format!("**broken**: {why}"),
    }
}
