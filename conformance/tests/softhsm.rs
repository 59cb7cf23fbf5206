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
    let results = report["attacks"].as_array().unwrap();
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
