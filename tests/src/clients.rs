//! What is installed on this machine, and how to build the test programs in C.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Hsm, Run};

/// The first of these programs or files that is not there.
///
/// # Panics
/// If one is missing and `CLAVIGER_REQUIRE_CLIENTS=1` says that none may be.
#[must_use]
pub fn missing(programs: &[&str]) -> Option<String> {
    let missing = programs.iter().find(|program| !is_there(program))?;
    let required = std::env::var("CLAVIGER_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "{missing} is not installed, and CLAVIGER_REQUIRE_CLIENTS=1 (scripts/install-clients)"
    );
    Some((*missing).to_owned())
}

fn is_there(program: &str) -> bool {
    if program.starts_with('/') {
        return Path::new(program).exists();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).exists())
        || Path::new("/usr/sbin").join(program).exists()
}

/// The Python that has Huawei Cloud's SDK; none, with a printed reason, if it is not there.
///
/// # Panics
/// If it is missing and `CLAVIGER_REQUIRE_CLIENTS=1` says that it may not be.
#[must_use]
pub fn huawei_cloud_python() -> Option<PathBuf> {
    Some(foreign("huaweicloud", "python/huaweicloud.txt")?.join("bin/python"))
}

/// The folder that has Huawei Cloud's SDK for Node.js; none, with a printed reason, if it is not there.
///
/// # Panics
/// If it is missing and `CLAVIGER_REQUIRE_CLIENTS=1` says that it may not be.
#[must_use]
pub fn huawei_cloud_node() -> Option<PathBuf> {
    foreign("huaweicloud-node", "node/package.json")
}

/// The Python that has the schemas of Kubernetes, with `kubernetes-validate` beside it; none, with a printed reason, if it is
/// not there.
///
/// # Panics
/// If it is missing and `CLAVIGER_REQUIRE_CLIENTS=1` says that it may not be.
#[must_use]
pub fn kubernetes_python() -> Option<PathBuf> {
    Some(foreign("kubernetes", "python/kubernetes.txt")?.join("bin/python"))
}

/// Kryoptic's module; none, with a printed reason, if it is not there.
///
/// # Panics
/// If it is missing and `CLAVIGER_REQUIRE_CLIENTS=1` says that it may not be.
#[must_use]
pub fn kryoptic() -> Option<PathBuf> {
    Some(foreign("kryoptic", "kryoptic/Cargo.lock")?.join("debug/libkryoptic_pkcs11.so"))
}

/// A Python with `python-pkcs11`, installed into the HSM's directory; none, with a printed reason, if it cannot be had.
///
/// # Panics
/// If it is missing and `CLAVIGER_REQUIRE_CLIENTS` says that it may not be.
#[must_use]
pub fn python_pkcs11(hsm: &Hsm) -> Option<PathBuf> {
    let install = "venv/bin/pip install --quiet --disable-pip-version-check python-pkcs11==0.10.1";
    if hsm.line("python3 -m venv venv").succeeded() && hsm.line(install).succeeded() {
        return Some(hsm.path("venv/bin/python"));
    }
    let required = std::env::var_os("CLAVIGER_REQUIRE_CLIENTS").is_some();
    assert!(!required, "python-pkcs11 could not be installed");
    println!("skipped: python-pkcs11 could not be installed (python3-venv, and a package index in reach)");
    None
}

/// Where `scripts/install-foreign` puts a thing, if it is there in the versions that the list asks for.
fn foreign(name: &str, list: &str) -> Option<PathBuf> {
    let test = std::env::current_exe().expect("this program");
    let target = test.ancestors().nth(3).expect("target/PROFILE/deps/TEST");
    let place = target.join("foreign").join(name);
    let wanted = Path::new(env!("CARGO_MANIFEST_DIR")).join(list);
    let wanted = std::fs::read(wanted).expect("the list of packages");
    if std::fs::read(place.join("installed")).is_ok_and(|installed| installed == wanted) {
        return Some(place);
    }
    let required = std::env::var("CLAVIGER_REQUIRE_CLIENTS").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "{name} is not in {}, and CLAVIGER_REQUIRE_CLIENTS=1 (scripts/install-foreign)",
        place.display()
    );
    println!("skipped: {name} is not in {} (scripts/install-foreign)", place.display());
    None
}

/// The codes that an authenticator with this secret, in base32, shows in the last step, now, and in the next one.
///
/// # Panics
/// If there is no Python.
#[must_use]
pub fn authenticator(secret: &str) -> Vec<String> {
    const CODES: &str = "
import base64, hashlib, hmac, struct, sys, time
key = base64.b32decode(sys.argv[1] + '=' * (-len(sys.argv[1]) % 8))
for step in (-1, 0, 1):
    mac = hmac.new(key, struct.pack('>Q', int(time.time()) // 30 + step), hashlib.sha1).digest()
    at = mac[19] & 15
    print('%06d' % ((struct.unpack('>I', mac[at:at + 4])[0] & 0x7fffffff) % 1000000))
";
    let run = Run::of(Command::new("python3").args(["-c", CODES, secret])).succeeds();
    run.out().lines().map(str::to_owned).collect()
}

/// Where OpenSSL's PKCS#11 engine lies.
#[must_use]
pub fn module_for_engine() -> String {
    let place = |arch: &str| format!("/usr/lib/{arch}-linux-gnu/engines-3/pkcs11.so");
    let places =
        [place(std::env::consts::ARCH), place("x86_64"), "/usr/lib64/engines-3/pkcs11.so".to_owned()];
    let found = places.iter().find(|place| Path::new(place).exists());
    found.unwrap_or(&places[0]).clone()
}

/// Compiles `tests/c/NAME.c` into the HSM's directory and returns the program.
///
/// # Panics
/// If the compiler finds anything to say.
#[must_use]
pub fn compile_c(hsm: &Hsm, name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c");
    let program = hsm.path(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o"]).arg(&program);
    cc.arg(source.join(format!("{name}.c"))).arg("-ldl");
    Run::of(&cc).succeeds().done();
    program
}
