//! The scripts that users run first: the demo, and the tables of the README that follow from the programs.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{Run, needs};

fn script(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join("scripts").join(name));
    command.current_dir(root).env("NO_COLOR", "1").env("LC_ALL", "C");
    if let Some(built) = built() {
        command.env("CLAVIGER_BIN_DIR", built);
    }
    command
}

/// Where the programs lie, if they are built: as `CLAVIGER_BIN_DIR` says, else beside this test's directory.
fn built() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("CLAVIGER_BIN_DIR") {
        return Some(dir.into());
    }
    let dir = std::env::current_exe().ok()?.parent()?.parent()?.to_owned();
    dir.join("hsmd").exists().then_some(dir)
}

#[test]
fn the_demo_goes_from_an_empty_directory_to_tls_over_a_daemon_that_was_killed() {
    needs!("pkcs11-tool", "openssl", "p11tool", "softhsm2-util");
    let run = Run::of(&script("demo")).succeeds();
    let out = run.out();
    // In this order.
    let landmarks = [
        "hsm-admin status",
        "dev-1",
        "never extractable",
        "CKR_ATTRIBUTE_SENSITIVE",
        "server.pem: OK",
        "Protocol version: TLSv1.3",
        "Verification: OK",
        "kill -9",
        "--again",
        "private key",
        "Protocol version: TLSv1.3",
        "Verification: OK",
        "To go on by hand",
    ];
    let mut rest = out.as_str();
    for landmark in landmarks {
        let Some((_, after)) = rest.split_once(landmark) else {
            panic!("the demo does not come to {landmark:?}: {}", run.story());
        };
        rest = after;
    }
    assert!(!out.contains("PRIVATE KEY"), "{out}");
}

/// As on a fresh machine: no variable of ours is set, and the demo builds first. What the build would give lies ready,
/// and a stand-in for cargo says that it was asked for a release.
#[test]
fn the_demo_builds_first_where_nothing_is_said_to_be_built() {
    needs!("pkcs11-tool", "openssl", "p11tool", "softhsm2-util");
    let Some(built) = built() else { panic!("the programs are not built") };
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(std::fs::canonicalize(built).unwrap(), place.path().join("release")).unwrap();
    let (cargo, asked) = (place.path().join("cargo"), place.path().join("asked"));
    std::fs::write(&cargo, format!("#!/bin/sh\necho \"$@\" >>{}\n", asked.display())).unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths(
        [place.path().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut demo = script("demo");
    demo.env("PATH", path.unwrap()).env("CARGO_TARGET_DIR", place.path());
    for ours in
        ["CLAVIGER_BIN_DIR", "CLAVIGER_PROFILE", "CLAVIGER_SOCKET", "P11_MODULE", "P11_LABEL", "P11_PIN"]
    {
        demo.env_remove(ours);
    }
    let run = Run::of(&demo).succeeds();
    run.says("cargo build --release").says("To go on by hand").never_says("unbound variable").done();
    assert!(std::fs::read_to_string(asked).unwrap().starts_with("build --release"));
}

#[test]
fn the_demo_leaves_nothing_behind() {
    needs!("pkcs11-tool", "openssl", "p11tool", "softhsm2-util");
    let place = tempfile::tempdir().unwrap();
    let mut demo = script("demo");
    demo.env("TMPDIR", place.path());
    Run::of(&demo).succeeds().done();
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().flatten().map(|file| file.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_tables_of_the_readme_are_up_to_date() {
    Run::of(script("readme-tables").arg("--check")).succeeds().done();
}
