//! The attacks and the rules against Claviger itself, on a daemon started for each.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const ATTACKS: &str = env!("CARGO_BIN_EXE_claviger-attacks");
const RULES: &str = env!("CARGO_BIN_EXE_claviger-conformance");

/// A daemon with two partitions, stopped when dropped.
struct Daemon {
    dir: TempDir,
    exports: Vec<(String, String)>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Daemon {
    /// Starts a daemon, if one was built beside this test.
    fn start(policy: &str) -> Option<Self> {
        let built = Path::new(ATTACKS).parent().unwrap();
        if !["hsmd", "hsm-admin", "libclaviger.so"].iter().all(|file| built.join(file).exists()) {
            eprintln!(
                "skipped: no hsmd, hsm-admin and libclaviger.so in {}; build the workspace first",
                built.display()
            );
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let started = Command::new(root().join("scripts/dev-up"))
            .arg(dir.path())
            .args(["--partitions", "2", "--policy", policy])
            .env("CLAVIGER_BIN_DIR", built)
            .output()
            .unwrap();
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        let text = String::from_utf8(started.stdout).unwrap();
        let exports = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let exports =
            exports.map(|(name, value)| (name.to_owned(), value.trim_matches(['\'', '"']).to_owned()));
        let exports = exports.collect();
        Some(Self { dir, exports })
    }

    fn run(&self, program: &str, more: &[&str]) -> Output {
        Command::new(program).envs(self.exports.iter().cloned()).arg("--json").args(more).output().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new(root().join("scripts/dev-down")).arg(self.dir.path()).output();
    }
}

/// What was not withstood, attack by attack.
fn lost(output: &Output) -> Vec<String> {
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let safe = |result: &&Value| {
        !["withstood", "unsupported"].contains(&result["result"]["verdict"].as_str().unwrap())
    };
    let attacks = report["tokens"][0]["attacks"].as_array().unwrap();
    attacks.iter().filter(safe).map(Value::to_string).collect()
}

#[test]
fn no_attack_obtains_anything_under_the_standard_policy() {
    let Some(daemon) = Daemon::start("standard") else { return };
    let output = daemon.run(ATTACKS, &["--victim-label", "dev-2", "--thorough"]);
    assert_eq!(lost(&output), Vec::<String>::new());
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_rule_of_the_standard_is_kept() {
    let Some(daemon) = Daemon::start("standard") else { return };
    let output = daemon.run(RULES, &[]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let broken = |check: &&Value| !["pass", "skip"].contains(&check["outcome"]["result"].as_str().unwrap());
    let broken: Vec<_> = report["tokens"][0]["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(broken)
        .map(Value::to_string)
        .collect();
    assert_eq!(broken, Vec::<String>::new());
    assert_eq!(output.status.code(), Some(0));
}
