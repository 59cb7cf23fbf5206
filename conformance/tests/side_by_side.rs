//! Claviger and SoftHSM2 in one run of `scripts/attacks`: what the one withstands, the other gives in to.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ATTACKS: &str = env!("CARGO_BIN_EXE_claviger-attacks");

/// The ways to read a sensitive key with the user's PIN alone.
const EXTRACTION: [&str; 8] = ["T1", "T2", "T3", "T3b", "T4", "T5", "T6", "T9"];

/// The directory of the programs, if all are built and SoftHSM2 is there.
fn programs() -> Option<PathBuf> {
    let built = Path::new(ATTACKS).parent().unwrap();
    let ours = ["hsmd", "hsm-admin", "libclaviger.so"].map(|file| built.join(file));
    let softhsm = PathBuf::from("/usr/bin/softhsm2-util");
    let missing = ours.iter().chain([&softhsm]).find(|file| !file.exists());
    let Some(missing) = missing else { return Some(built.to_owned()) };
    let story =
        format!("there is no {}: build the workspace, run scripts/install-clients", missing.display());
    let required = std::env::var("CLAVIGER_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(!required, "{story}");
    eprintln!("skipped: {story}");
    None
}

fn run(built: &Path, options: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/attacks");
    Command::new(script).args(options).env("CLAVIGER_BIN_DIR", built).output().unwrap()
}

fn verdict<'a>(report: &'a Value, token: &str, id: &str) -> &'a Value {
    let tokens = report["tokens"].as_array().unwrap();
    let attacks = tokens.iter().find(|one| one["name"] == token).unwrap()["attacks"].as_array().unwrap();
    &attacks.iter().find(|attack| attack["id"] == id).unwrap()["result"]["verdict"]
}

#[test]
fn in_one_run_claviger_withstands_what_softhsm_gives_in_to() {
    let Some(built) = programs() else { return };
    let output = run(&built, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for id in EXTRACTION {
        assert_eq!(verdict(&report, "Claviger", id), "withstood", "{id}");
        assert_eq!(verdict(&report, "SoftHSM2", id), "obtained", "{id}");
    }
    let attacks = report["tokens"][0]["attacks"].as_array().unwrap();
    for attack in attacks {
        let verdict = attack["result"]["verdict"].as_str().unwrap();
        assert!(["withstood", "unsupported"].contains(&verdict), "{attack}");
    }
    assert_eq!(output.status.code(), Some(0), "the first token is the one that is judged");
}

#[test]
fn the_token_that_is_judged_decides_on_the_exit_status() {
    let Some(built) = programs() else { return };
    let judged = |name| run(&built, &["--only", "T1", "--judge", name]).status.code();
    assert_eq!(judged("SoftHSM2"), Some(1));
    assert_eq!(judged("nobody"), Some(2));
}

#[test]
fn the_table_has_a_column_for_each_token() {
    let Some(built) = programs() else { return };
    let output = run(&built, &["--only", "T1", "--markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "| attack | tries to | Claviger | SoftHSM2 |");
    assert!(lines[2].starts_with("| T1 | wrap a key and decrypt"), "{text}");
    assert!(lines[2].contains("| withstood 42 variants | **obtained** the victim's value"), "{text}");
}
