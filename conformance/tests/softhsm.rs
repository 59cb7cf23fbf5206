//! The attacks against SoftHSM2: they succeed there, so that "withstood" elsewhere means something.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A fresh SoftHSM2 with two tokens, or nothing if it is not installed.
struct SoftHsm(TempDir);

impl SoftHsm {
    fn start() -> Option<Self> {
        if !Path::new(MODULE).exists() {
            eprintln!("skipped: {MODULE} is not installed (Debian package softhsm2)");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let tokens = dir.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let text = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
        std::fs::write(dir.path().join("softhsm2.conf"), text).unwrap();
        let hsm = Self(dir);
        for label in ["attacked", "victim"] {
            let arguments =
                ["--init-token", "--free", "--label", label, "--pin", "1234", "--so-pin", "12345678"];
            let made = hsm.command("softhsm2-util").args(arguments).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        Some(hsm)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.0.path().join("softhsm2.conf"));
        command
    }

    fn run(&self, program: &str, more: &[&str]) -> Output {
        let target =
            ["--module", MODULE, "--label", "attacked", "--pin", "1234", "--so-pin", "12345678", "--json"];
        self.command(program).args(target).args(more).output().unwrap()
    }
}

#[test]
fn the_key_extraction_classes_obtain_the_key_on_softhsm() {
    let Some(hsm) = SoftHsm::start() else { return };
    let output = hsm.run(env!("CARGO_BIN_EXE_claviger-attacks"), &["--only", "T0,T1,T2,T3,T3b,T4,T5,T6,T9"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let results = report["tokens"][0]["attacks"].as_array().unwrap();
    assert_eq!(results.len(), 9);
    for result in results {
        assert_eq!(result["result"]["verdict"], "obtained", "{result}");
        assert_eq!(result["result"]["what"], "the victim's value, 256 bits", "{result}");
    }
}

#[test]
fn an_attack_that_softhsm_withstands_is_not_claimed() {
    let Some(hsm) = SoftHsm::start() else { return };
    let output = hsm.run(env!("CARGO_BIN_EXE_claviger-attacks"), &["--only", "T7,T8,T13"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{report}");
}

#[test]
fn wrong_usage_is_told_from_a_key_obtained() {
    let program = env!("CARGO_BIN_EXE_claviger-attacks");
    let target = ["--module", MODULE, "--label", "x", "--pin", "x", "--so-pin", "x"];
    let unknown = Command::new(program).args(target).args(["--only", "T999"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    let missing = Command::new(program).env_clear().output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn the_suite_of_rules_runs_to_its_end_and_a_crash_is_one_result_of_many() {
    let Some(hsm) = SoftHsm::start() else { return };
    let output = hsm.run(env!("CARGO_BIN_EXE_claviger-conformance"), &[]);
    assert_eq!(output.status.code(), Some(1), "SoftHSM2 fails some");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let report = &report["tokens"][0];
    assert!(report["passed"].as_u64().unwrap() > 400, "{}", report["passed"]);
    let result = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("no check {name}"))["outcome"]["result"].clone()
    };
    // What SoftHSM2 is known for, and what it is known to do well.
    assert_eq!(result("parameter: AES-GCM with null data of 10 bytes"), "crashed");
    assert_eq!(result("login: logout with nobody logged in"), "fail");
    assert_eq!(result("attribute: one attribute refused: none changed"), "fail");
    assert_eq!(result("fork: a child calls C_Initialize"), "fail");
    assert_eq!(result("attribute: a sensitive value"), "pass");
    assert_eq!(result("session: a read-only session makes no token object"), "pass");
    assert_eq!(result("buffer: C_Sign ECDSA with too little room"), "pass");
}

#[test]
fn a_name_that_no_check_has_is_wrong_usage() {
    let program = env!("CARGO_BIN_EXE_claviger-conformance");
    let target = ["--module", MODULE, "--label", "x", "--pin", "x", "--so-pin", "x"];
    let output = Command::new(program).args(target).args(["--only", "no such check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
