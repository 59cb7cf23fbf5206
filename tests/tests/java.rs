//! Java's SunPKCS11 as a client: the program `tests/java/Client.java`, and `keytool`.

use std::path::Path;

use tests::{Hsm, Run, needs, not_on_stand_in};

fn start() -> Hsm {
    let hsm = Hsm::start();
    hsm.write("sun.cfg", format!("name = Token\nlibrary = {}\nslotListIndex = 0\n", hsm.module()));
    hsm
}

fn client(hsm: &Hsm, scenario: &str) -> Run {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/Client.java");
    let mut java = hsm.command("java");
    java.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]).arg(source);
    Run::of(java.args(["sun.cfg", hsm.pin(), scenario]))
}

fn keytool(hsm: &Hsm, line: &str) -> Run {
    hsm.line(&format!(
        "keytool -keystore NONE -storetype PKCS11 -providerClass sun.security.pkcs11.SunPKCS11 -providerArg sun.cfg -storepass {} {line}",
        hsm.pin()
    ))
}

fn run(scenario: &str) {
    needs!("javac");
    let hsm = start();
    client(&hsm, scenario).succeeds().says("passed").done();
}

#[test]
fn the_provider_offers_what_the_token_can_do() {
    run("list");
}

#[test]
fn rsa_signs_and_decrypts_as_the_jdk_expects() {
    run("rsa");
}

#[test]
fn ec_keys_sign_and_agree_as_the_jdk_expects() {
    needs!("javac");
    let hsm = start();
    not_on_stand_in!(hsm, "P-521 through Java fails to verify now and then");
    client(&hsm, "ec").succeeds().says("passed").done();
}

#[test]
fn aes_in_every_mode_makes_the_ciphertext_of_the_jdk() {
    run("aes");
}

#[test]
fn macs_are_those_of_the_jdk() {
    run("mac");
}

#[test]
fn digests_are_those_of_the_jdk() {
    run("digest");
}

#[test]
fn eight_threads_sign_at_once() {
    run("threads");
}

#[test]
fn keytool_makes_lists_and_deletes_a_key_that_java_uses() {
    needs!("javac", "keytool", "openssl");
    let hsm = start();
    keytool(&hsm, "-genkeypair -alias made -keyalg RSA -keysize 2048 -dname CN=made").succeeds().done();
    keytool(&hsm, "-list").succeeds().says("made, PrivateKeyEntry").done();
    client(&hsm, "store").succeeds().says("passed").done();
    keytool(&hsm, "-certreq -alias made -file request.pem").succeeds().done();
    hsm.line("openssl req -in request.pem -verify -noout").succeeds().says("verify OK").done();
    keytool(&hsm, "-delete -alias made").succeeds().done();
    keytool(&hsm, "-list").succeeds().says("0 entries").done();
}
