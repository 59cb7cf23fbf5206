//! The Python package `python-pkcs11` as a client; it comes from PyPI into a place of its own.

use std::path::Path;

use tests::{Hsm, Run, needs, python_pkcs11};

/// Runs a script there; false if the package cannot be had.
fn runs(hsm: &Hsm, script: &str) -> bool {
    let Some(python) = python_pkcs11(hsm) else { return false };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    Run::of(hsm.command(python).arg(script)).succeeds().says("passed").done();
    true
}

/// Requirement: DHSM-018, DHSM-020
#[test]
fn python_makes_dsa_and_diffie_hellman_keys_and_openssl_verifies_and_agrees() {
    needs!("python3", "openssl");
    let hsm = Hsm::start();
    if !runs(&hsm, "groups.py") {
        return;
    }
    // By the token's own CKA_PUBLIC_KEY_INFO.
    let label = hsm.label();
    let export = |name: &str| {
        let mut command = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
        let line = format!("export public {label} {name} --class public --out {name}.pem");
        Run::of(command.args(line.split_whitespace())).succeeds().done();
    };
    export("signer");
    let verify = "openssl dgst -sha256 -verify signer.pem -signature";
    hsm.line(&format!("{verify} data.sig data")).succeeds().says("Verified OK").done();
    hsm.write("data", b"something else");
    hsm.line(&format!("{verify} data.sig data")).fails().done();
    // OpenSSL agrees with the token's key on what the token agreed on with OpenSSL's.
    export("agreer");
    hsm.line("openssl pkeyutl -derive -inkey theirs.pem -peerkey agreer.pem -pkeyopt dh_pad:1 -out shared")
        .succeeds()
        .done();
    assert_eq!(hsm.read("shared").len(), 256);
    assert_eq!(hsm.read("shared"), hsm.read("agreed"));
}

#[test]
fn python_generates_signs_seals_wraps_and_finds() {
    needs!("python3");
    let hsm = Hsm::start();
    runs(&hsm, "client.py");
}
