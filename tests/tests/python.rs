//! The Python package `python-pkcs11` as a client; it comes from PyPI into a place of its own.

use std::path::Path;

use tests::{Hsm, Run, needs};

#[test]
fn python_generates_signs_seals_wraps_and_finds() {
    needs!("python3");
    let hsm = Hsm::start();
    let installed = hsm.line("python3 -m venv venv").succeeded()
        && hsm
            .line("venv/bin/pip install --quiet --disable-pip-version-check python-pkcs11==0.10.1")
            .succeeded();
    if !installed {
        assert!(
            std::env::var_os("CLAVIGER_REQUIRE_CLIENTS").is_none(),
            "python-pkcs11 could not be installed"
        );
        println!(
            "skipped: python-pkcs11 could not be installed (python3-venv, and a package index in reach)"
        );
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/client.py");
    Run::of(hsm.command(hsm.path("venv/bin/python")).arg(script)).succeeds().says("passed").done();
}
