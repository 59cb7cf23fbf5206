//! NSS (Firefox, Chromium, certutil) as a client: the module is added to a database, and `certutil` makes and
//! uses keys in the token.

use tests::{Hsm, Run, needs};

/// A token that a fresh NSS database knows of; `pin` is a file with the user's PIN.
fn start() -> Hsm {
    let hsm = Hsm::start();
    hsm.write("pin", hsm.pin());
    hsm.write("noise", [0x5a; 64]);
    std::fs::create_dir(hsm.path("nss")).unwrap();
    hsm.line("certutil -N -d sql:nss --empty-password").succeeds().done();
    let module = hsm.module().to_owned();
    hsm.run("modutil", ["-force", "-dbdir", "sql:nss", "-add", "hsm", "-libfile", &module])
        .succeeds()
        .says("Module \"hsm\" added to database.")
        .done();
    hsm
}

/// Runs `certutil` on the token with the user's PIN.
fn certutil(hsm: &Hsm, line: &str) -> Run {
    hsm.line(&format!("certutil -d sql:nss -h {} -f pin {line}", hsm.label()))
}

#[test]
fn modutil_shows_the_token() {
    needs!("modutil", "certutil");
    let hsm = start();
    hsm.line("modutil -dbdir sql:nss -list hsm").succeeds().says(hsm.label()).says("Status: Enabled").done();
}

#[test]
fn certutil_lists_a_key_that_another_program_made() {
    needs!("modutil", "certutil", "pkcs11-tool");
    let hsm = start();
    hsm.user("--keypairgen --key-type EC:prime256v1 --id 01 --label web --usage-sign").succeeds().done();
    certutil(&hsm, "-K").succeeds().says("web").done();
}

#[test]
fn a_request_is_signed_by_an_rsa_key_that_certutil_makes_in_the_token() {
    needs!("modutil", "certutil", "openssl");
    let hsm = start();
    certutil(&hsm, "-R -k rsa -g 2048 -s CN=nss -z noise -a -o nss.csr").succeeds().done();
    hsm.line("openssl req -in nss.csr -verify -noout").succeeds().done();
    certutil(&hsm, "-K").succeeds().says("rsa").done();
    hsm.user("--list-objects --type privkey").succeeds().says("RSA").says("never extractable").done();
}

#[test]
fn a_certificate_with_its_key_in_the_token_is_made_listed_and_found_again() {
    needs!("modutil", "certutil", "openssl", "pkcs11-tool");
    let hsm = start();
    certutil(&hsm, "-S -k ec -q nistp256 -s CN=Authority -n authority -x -t CT,, -v 12 -z noise")
        .succeeds()
        .done();
    certutil(&hsm, "-L").succeeds().says(&format!("{}:authority", hsm.label())).done();
    certutil(&hsm, "-K").succeeds().says("ec").done();
    hsm.user("--read-object --type cert --label authority --output-file ca.der").succeeds().done();
    hsm.line("openssl x509 -inform DER -in ca.der -out ca.pem").succeeds().done();
    hsm.line("openssl verify -CAfile ca.pem ca.pem").succeeds().says("ca.pem: OK").done();
}

#[test]
fn a_key_that_certutil_deletes_is_gone() {
    needs!("modutil", "certutil", "pkcs11-tool");
    let hsm = start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 0a0b --label short-lived --usage-sign").succeeds().done();
    certutil(&hsm, "-F -k 0a0b").succeeds().done();
    certutil(&hsm, "-K").never_says("short-lived").done();
    hsm.user("--list-objects --type privkey").succeeds().never_says("short-lived").done();
}

#[test]
fn a_wrong_pin_is_told_as_such() {
    needs!("modutil", "certutil");
    let hsm = start();
    hsm.write("pin", "no such PIN");
    // It ends with 255, which counts as a crash elsewhere.
    certutil(&hsm, "-K").says("Incorrect password/PIN").never_says("< 0>").done();
    hsm.user("--list-objects").succeeds().done();
}
