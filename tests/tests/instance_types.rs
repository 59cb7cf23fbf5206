//! What each type of instance offers, seen and used by a client on another machine.

use std::collections::BTreeSet;

use tests::{Hsm, Reach, needs};

#[path = "instance/site.rs"]
#[allow(dead_code, reason = "what other tests of instances need is there too")]
mod site;

use site::Site;

/// The mechanisms that `pkcs11-tool -M` lists.
fn mechanisms(site: &Site<'_>, socket: &std::path::Path) -> BTreeSet<String> {
    let listed = site.tool(socket, "-M").succeeds().out();
    let names = listed.lines().skip(1).filter_map(|line| line.trim().split(',').next());
    names.map(|name| name.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

fn reached(site: &Site<'_>) -> std::path::PathBuf {
    site.certificate("web", "web");
    site.tunnel(&Reach::read(&site.hsm.path("web")))
}

/// Requirement: DHSM-016, DHSM-017, DHSM-019, DHSM-021, DHSM-022, DHSM-037
#[test]
fn a_server_offers_and_does_all_that_the_hsm_can() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "server", &[]);
    let socket = reached(&site);
    let all = mechanisms(&site, &socket);
    for name in [
        "AES-GCM",
        "AES-CBC-PAD",
        "AES-KEY-GEN",
        "RSA-PKCS",
        "RSA-PKCS-KEY-PAIR-GEN",
        "ECDSA",
        "ECDH1-DERIVE",
        "SHA-1",
        "SHA224",
        "SHA256",
        "SHA384",
        "SHA512",
        "SHA3-224",
        "SHA3-256",
        "SHA3-384",
        "SHA3-512",
    ] {
        assert!(all.contains(name), "{name} is not among {all:?}");
    }
    hsm.write("data", "0123456789abcdef");
    let user = |line: &str| site.user(&socket, line);
    user("--keygen --key-type AES:32 --label aes --id 01").succeeds().done();
    let iv = "--iv 000102030405060708090a0b0c0d0e0f";
    user(&format!("--encrypt --mechanism AES-CBC-PAD --id 01 {iv} -i data -o sealed")).succeeds().done();
    user(&format!("--decrypt --mechanism AES-CBC-PAD --id 01 {iv} -i sealed -o opened")).succeeds().done();
    assert_eq!(hsm.read("opened"), b"0123456789abcdef");
    assert_ne!(hsm.read("sealed"), b"0123456789abcdef");
    for (kind, id, mechanism) in
        [("rsa:2048", "02", "SHA256-RSA-PKCS"), ("EC:prime256v1", "03", "ECDSA-SHA256")]
    {
        user(&format!("--keypairgen --key-type {kind} --id {id} --label k{id}")).succeeds().done();
        user(&format!("--sign --mechanism {mechanism} --id {id} -i data -o sig")).succeeds().done();
        user(&format!("--verify --mechanism {mechanism} --id {id} -i data --signature-file sig"))
            .succeeds()
            .says("Signature is valid")
            .done();
    }
    for (mechanism, known) in [
        ("SHA-1", "fe5567e8d769550852182cdf69d74bb16dff8e29"),
        ("SHA256", "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"),
    ] {
        user(&format!("--hash --mechanism {mechanism} -i data -o digest")).succeeds().done();
        let digest: String = hsm.read("digest").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, known, "{mechanism}");
    }
    user("--hash --mechanism SHA384 -i data -o digest").succeeds().done();
    assert_eq!(hsm.read("digest").len(), 48);
    // Two keys agree on a secret, each with the other's public half.
    user("--keypairgen --key-type EC:prime256v1 --id 05 --label one --usage-derive").succeeds().done();
    user("--keypairgen --key-type EC:prime256v1 --id 06 --label two --usage-derive").succeeds().done();
    for (own, other) in [("05", "06"), ("06", "05")] {
        user(&format!("--read-object --type pubkey --id {other} -o {other}.der")).succeeds().done();
        user(&format!("--derive --mechanism ECDH1-DERIVE --id {own} -i {other}.der -o secret{own}"))
            .succeeds()
            .done();
    }
    assert_eq!(hsm.read("secret05"), hsm.read("secret06"));
    assert!(hsm.read("secret05").len() >= 32);
}

/// Requirement: DHSM-038
#[test]
fn a_signature_server_offers_signatures_digests_and_envelopes_and_refuses_the_rest() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "signature", &[]);
    let socket = reached(&site);
    let offered = mechanisms(&site, &socket);
    for name in ["SHA256", "ECDSA", "ECDSA-SHA256", "SHA256-RSA-PKCS", "RSA-PKCS-OAEP", "AES-GCM"] {
        assert!(offered.contains(name), "{name} is not among {offered:?}");
    }
    for name in ["AES-ECB", "AES-CTR", "AES-CMAC", "SHA256-HMAC", "ECDH1-DERIVE", "AES-KEY-WRAP"] {
        assert!(!offered.contains(name), "{name} is among {offered:?}");
    }
    hsm.write("data", "0123456789abcdef");
    let user = |line: &str| site.user(&socket, line);
    user("--keypairgen --key-type EC:prime256v1 --id 01 --label signer").succeeds().done();
    user("--sign --mechanism ECDSA-SHA256 --id 01 -i data -o sig").succeeds().done();
    user("--verify --mechanism ECDSA-SHA256 --id 01 -i data --signature-file sig").says("is valid").done();
    user("--hash --mechanism SHA256 -i data -o digest").succeeds().done();
    // An envelope: to a public key, and back with the private one.
    user("--keypairgen --key-type rsa:2048 --id 02 --label opener").succeeds().done();
    user("--read-object --type pubkey --id 02 -o opener.der").succeeds().done();
    hsm.line("openssl pkeyutl -encrypt -pubin -keyform DER -inkey opener.der -in data -out envelope")
        .succeeds()
        .done();
    user("--decrypt --mechanism RSA-PKCS --id 02 -i envelope -o opened").succeeds().done();
    assert_eq!(hsm.read("opened"), b"0123456789abcdef");
    // What it does not offer is refused at the HSM, not only left out of the list.
    user("--keygen --key-type AES:16 --id 03 --label content").succeeds().done();
    let iv = "--iv 000102030405060708090a0b0c0d0e0f";
    user(&format!("--encrypt --mechanism AES-CBC-PAD --id 03 {iv} -i data -o x")).succeeds().done();
    user(&format!("--encrypt --mechanism AES-CBC --id 03 {iv} -i data -o x"))
        .fails()
        .says("CKR_MECHANISM_INVALID")
        .done();
}

/// Requirement: DHSM-035, DHSM-036
#[test]
fn a_finance_server_offers_what_banks_do_and_stays_one() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    let site = Site::start(&hsm, "finance", &[]);
    let services = site.show()["active"]["services"].to_string();
    for service in ["IC card issuing", "transaction verification", "dynamic password authentication"] {
        assert!(services.contains(service), "{services}");
    }
    let socket = reached(&site);
    let offered = mechanisms(&site, &socket);
    for name in ["AES-CMAC", "SHA256-HMAC", "AES-KEY-WRAP", "RSA-PKCS", "ECDSA", "SHA-1-HMAC"] {
        assert!(offered.contains(name), "{name} is not among {offered:?}");
    }
    for name in ["EDDSA", "EC-MONTGOMERY-KEY-PAIR-GEN"] {
        assert!(!offered.contains(name), "{name} is among {offered:?}");
    }
    let user = |line: &str| site.user(&socket, line);
    // A card's key from a master key and the card's number.
    user("--keygen --key-type AES:16 --id 01 --label master").succeeds().done();
    hsm.write("card", "5413330000000001");
    let iv = "--iv 000102030405060708090a0b0c0d0e0f";
    user(&format!("--encrypt --mechanism AES-CBC --id 01 {iv} -i card -o card.key")).succeeds().done();
    assert_eq!(hsm.read("card.key").len(), 16);
    // A dynamic password: HMAC of the counter (RFC 4226).
    user("--keygen --key-type GENERIC:32 --id 02 --label codes").succeeds().done();
    hsm.write("counter", [0, 0, 0, 0, 0, 0, 0, 7]);
    user("--sign --mechanism SHA256-HMAC --id 02 -i counter -o code").succeeds().done();
    assert_eq!(hsm.read("code").len(), 32);
    user("--keypairgen --key-type EC:edwards25519 --id 03 --label no").fails().done();

    let again = ["instance", "activate", &site.name, "--type", "server", "--vpc", "v", "--subnet"];
    let again = [&again[..], &["127.0.77.0/24", "--allow", "127.0.0.0/8"]].concat();
    site.staff.by("Ada", &again).fails_with(1).says("Running cannot be activated").done();
    assert_eq!(site.show()["active"]["kind"], "Finance");
}
