//! GnuTLS's `p11tool` and `certtool` as clients.

use tests::{Hsm, Run, needs};

fn p11tool(hsm: &Hsm, line: &str) -> Run {
    let token = format!("pkcs11:token={}", hsm.label());
    hsm.line(&format!(
        "p11tool --provider {} --batch --login --set-pin={} {line} {token}",
        hsm.module(),
        hsm.pin()
    ))
}

/// The same, on the object of this name and type.
fn on_object(hsm: &Hsm, line: &str, name: &str, kind: &str) -> Run {
    let uri = format!("pkcs11:token={};object={name};type={kind}", hsm.label());
    hsm.line(&format!(
        "p11tool --provider {} --batch --login --set-pin={} {line} {uri}",
        hsm.module(),
        hsm.pin()
    ))
}

#[test]
fn the_token_and_its_mechanisms_are_listed() {
    needs!("p11tool");
    let hsm = Hsm::start();
    hsm.line(&format!("p11tool --provider {} --list-tokens", hsm.module()))
        .succeeds()
        .says(hsm.label())
        .done();
    p11tool(&hsm, "--list-mechanisms").succeeds().says("CKM_AES_GCM").says("CKM_SHA256_RSA_PKCS").done();
}

#[test]
fn keys_are_generated_listed_and_pass_the_tools_test_signature() {
    needs!("p11tool");
    let hsm = Hsm::start();
    p11tool(&hsm, "--generate-privkey=rsa --bits 2048 --label grsa --outfile rsa.pem").succeeds().done();
    p11tool(&hsm, "--generate-privkey=ecdsa --curve secp256r1 --label gec --outfile ec.pem")
        .succeeds()
        .done();
    p11tool(&hsm, "--generate-privkey=ecdsa --curve secp384r1 --label gec384 --outfile ec384.pem")
        .succeeds()
        .done();
    let list = p11tool(&hsm, "--list-all").succeeds();
    for word in
        ["object=grsa;type=private", "object=grsa;type=public", "Private key (RSA-2048)", "object=gec384"]
    {
        assert!(list.out().contains(word), "{word}: {}", list.story());
    }
    for name in ["grsa", "gec", "gec384"] {
        // It verifies with the private key's own parameters and with the public key in the token.
        on_object(&hsm, "--test-sign", name, "private").succeeds().says("ok").done();
    }
}

#[test]
fn a_certificate_signed_in_the_token_is_written_to_it_and_read_back() {
    needs!("p11tool", "certtool", "openssl");
    let hsm = Hsm::start();
    p11tool(&hsm, "--generate-privkey=ecdsa --curve secp256r1 --label ca --outfile ca.pub").succeeds().done();
    hsm.write("ca.tmpl", "cn = \"GnuTLS authority\"\nca\ncert_signing_key\nexpiration_days = 30\n");
    let uri = format!("pkcs11:token={};object=ca;type=private", hsm.label());
    let mut certtool = hsm.command("certtool");
    certtool.args(["--generate-self-signed", "--template", "ca.tmpl", "--outfile", "ca.pem"]);
    certtool.args(["--provider", hsm.module(), "--load-privkey", &uri]).env("GNUTLS_PIN", hsm.pin());
    Run::of(&certtool).succeeds().done();
    hsm.line("openssl verify -CAfile ca.pem ca.pem").succeeds().says("OK").done();

    p11tool(&hsm, "--write --load-certificate ca.pem --label ca").succeeds().done();
    on_object(&hsm, "--export --outfile back.pem", "ca", "cert").succeeds().done();
    assert_eq!(hsm.read("back.pem").trim_ascii(), hsm.read("ca.pem").trim_ascii());
}

#[test]
fn objects_are_deleted() {
    needs!("p11tool");
    let hsm = Hsm::start();
    p11tool(&hsm, "--generate-privkey=rsa --bits 2048 --label doomed --outfile k.pem").succeeds().done();
    on_object(&hsm, "--delete", "doomed", "private").succeeds().done();
    p11tool(&hsm, "--list-all").succeeds().never_says("object=doomed;type=private").done();
}
