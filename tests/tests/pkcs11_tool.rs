//! OpenSC's `pkcs11-tool` as a client: the token, its people, its objects, and the tool's own tests.

use tests::{Hsm, needs, not_on_stand_in};

#[test]
fn the_slot_the_token_and_its_mechanisms_are_listed() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.tool("--show-info").succeeds().says("Cryptoki version").done();
    hsm.tool("--list-slots").succeeds().says(hsm.label()).says("token initialized").done();
    hsm.tool("--list-token-slots").succeeds().says("PIN initialized").done();
    let list = hsm.tool("--list-mechanisms").succeeds();
    for mechanism in ["RSA-PKCS, ", "SHA256-RSA-PKCS", "RSA-PKCS-OAEP", "ECDSA, ", "ECDH1-DERIVE", "AES-GCM"]
    {
        assert!(list.out().contains(mechanism), "{mechanism}: {}", list.story());
    }
    hsm.tool("--list-objects").succeeds().done();
}

#[test]
fn the_version_3_interfaces_are_listed() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it knows 2.40 only");
    hsm.tool("--list-interfaces").succeeds().says("PKCS 11").says("3.").done();
}

#[test]
fn the_tools_own_test_passes_on_an_empty_token() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.user("--test").succeeds().says("No errors").done();
}

#[test]
fn the_tools_own_test_passes_with_keys_of_every_kind() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no OAEP with SHA-256");
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label rsa").succeeds().done();
    hsm.user("--keypairgen --key-type EC:prime256v1 --id 02 --label ec").succeeds().done();
    hsm.line(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=imported -outform DER -out c.der",
    )
    .succeeds()
    .done();
    hsm.line("openssl pkey -in k.pem -outform DER -out k.der").succeeds().done();
    hsm.user("--write-object k.der --type privkey --id 03 --label imported --usage-sign --usage-decrypt")
        .succeeds()
        .done();
    hsm.user("--write-object c.der --type cert --id 03 --label imported").succeeds().done();
    // The test signs with each private key, verifies, and decrypts what it encrypted. Without `--allow-sw`
    // it leaves out the signatures of a token whose mechanisms do not bear CKF_HW.
    hsm.user("--test").succeeds().says("No errors").never_says("ERR:").done();
    hsm.user("--test --allow-sw").succeeds().says("No errors").says("RSA-PKCS: OK").never_says("ERR:").done();
}

#[test]
fn the_tools_test_of_elliptic_curves_passes() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no ECDSA with a hash");
    for curve in ["EC:prime256v1", "EC:secp384r1", "EC:secp521r1"] {
        let line = format!("--session-rw --test-ec --id 0a --key-type {curve}");
        hsm.user(&line).succeeds().says("==> OK").never_says("ERR:").done();
        hsm.user("--delete-object --type privkey --id 0a").done();
        hsm.user("--delete-object --type pubkey --id 0a").done();
    }
}

#[test]
fn the_tools_test_of_threads_passes() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "threads that initialise it at once crash it now and then");
    // Each thread calls C_Initialize with locks (IL), then lists slots (GISLT, slot 0's token).
    let thread = "--test-threads ILGISLT0";
    hsm.tool(&format!("--use-locking {thread} {thread} {thread} {thread} --list-token-slots"))
        .succeeds()
        .done();
}

#[test]
fn the_tools_test_of_fork_passes() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "a child's C_Initialize answers CKR_CRYPTOKI_ALREADY_INITIALIZED");
    hsm.tool("--test-fork").succeeds().never_says("failed").done();
}

#[test]
fn the_user_changes_the_pin_and_the_old_one_is_refused() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.user("--change-pin --new-pin 24682468").succeeds().done();
    hsm.user("--list-objects").fails().says("CKR_PIN_INCORRECT").done();
    hsm.tool("--login --pin 24682468 --list-objects").succeeds().done();
}

#[test]
fn the_so_changes_their_own_pin() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    let so = format!("--login --login-type so --so-pin {}", hsm.so_pin());
    hsm.tool(&format!("{so} --change-pin --new-pin 98769876")).succeeds().done();
    hsm.tool(&format!("{so} --init-pin --new-pin 13571357")).fails().says("CKR_PIN_INCORRECT").done();
    hsm.tool("--login --login-type so --so-pin 98769876 --init-pin --new-pin 13571357").succeeds().done();
    hsm.tool("--login --pin 13571357 --list-objects").succeeds().done();
}

#[test]
fn the_so_unlocks_a_user_who_forgot_the_pin() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    let mut locked = false;
    for _ in 0..20 {
        locked = hsm.tool("--login --pin 00000000 --list-objects").fails().text().contains("CKR_PIN_LOCKED");
        if locked {
            break;
        }
    }
    if !hsm.is_stand_in() {
        assert!(locked, "twenty wrong PINs should lock the user out");
        hsm.user("--list-objects").fails().says("CKR_PIN_LOCKED").done();
        hsm.tool("--list-token-slots").succeeds().says("user PIN locked").done();
    }
    hsm.tool(&format!("--login --login-type so --so-pin {} --init-pin --new-pin 11223344", hsm.so_pin()))
        .succeeds()
        .done();
    hsm.tool("--login --pin 11223344 --list-objects").succeeds().done();
}

#[test]
fn a_token_is_initialised_and_given_a_pin() {
    needs!("pkcs11-tool");
    let hsm = Hsm::with(&["--blank", "1"]);
    not_on_stand_in!(hsm, "slots change their numbers when a token is initialised");
    let slots = hsm.tool("--list-slots").succeeds();
    let blank = slots
        .out()
        .lines()
        .take_while(|line| !line.contains("uninitialized"))
        .filter(|line| line.starts_with("Slot "))
        .count();
    let on = format!("--module {} --slot-index {}", hsm.module(), blank - 1);
    let tool = |line: &str| hsm.line(&format!("pkcs11-tool {on} {line}"));
    tool("--init-token --label fresh --so-pin 44444444").succeeds().says("successfully").done();
    tool("--login --login-type so --so-pin 44444444 --init-pin --new-pin 55555555").succeeds().done();
    hsm.line(&format!(
        "pkcs11-tool --module {} --token-label fresh --login --pin 55555555 --list-objects",
        hsm.module()
    ))
    .succeeds()
    .done();
}

#[test]
fn initialising_a_token_again_needs_the_so_and_destroys_all_objects() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.user("--keygen --key-type AES:32 --id 01 --label gone").succeeds().done();
    let init = format!("--init-token --label {} --so-pin", hsm.label());
    hsm.tool(&format!("{init} 00000000")).fails().says("CKR_PIN_INCORRECT").done();
    hsm.user("--list-objects").succeeds().says("gone").done();
    hsm.tool(&format!("{init} {}", hsm.so_pin())).succeeds().done();
    let so = format!("--login --login-type so --so-pin {}", hsm.so_pin());
    hsm.tool(&format!("{so} --init-pin --new-pin 11112222")).succeeds().done();
    hsm.tool("--login --pin 11112222 --list-objects").succeeds().never_says("gone").done();
}

#[test]
fn a_data_object_is_written_read_and_deleted() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.write("note", "remember the milk");
    hsm.user("--write-object note --type data --label note --application-label test --private")
        .succeeds()
        .done();
    hsm.tool("--list-objects --type data").succeeds().never_says("note").done();
    hsm.user("--list-objects --type data").succeeds().says("note").done();
    hsm.user("--read-object --type data --label note --output-file back").succeeds().done();
    assert_eq!(hsm.read("back"), b"remember the milk");
    hsm.user("--delete-object --type data --label note").succeeds().done();
    hsm.user("--read-object --type data --label note").fails().done();
}

#[test]
fn a_key_is_given_another_id_and_then_deleted() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type EC:prime256v1 --id 01 --label moved").succeeds().done();
    hsm.user("--type privkey --id 01 --set-id 77").succeeds().done();
    hsm.user("--list-objects --type privkey").succeeds().says("77").done();
    hsm.user("--delete-object --type privkey --id 01").fails().done();
    hsm.user("--delete-object --type privkey --id 77").succeeds().done();
    hsm.user("--list-objects --type privkey").succeeds().never_says("moved").done();
    hsm.user("--list-objects --type pubkey").succeeds().says("moved").done();
}

#[test]
fn random_bytes_differ_each_time() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.tool("--generate-random 64 --output-file one").succeeds().done();
    hsm.tool("--generate-random 64 --output-file two").succeeds().done();
    assert_eq!((hsm.read("one").len(), hsm.read("two").len()), (64, 64));
    assert_ne!(hsm.read("one"), hsm.read("two"));
}

#[test]
fn a_hash_made_in_the_token_is_the_one_of_openssl() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.write("data", vec![0xa5; 100_000]);
    for (mechanism, name) in [
        ("SHA-1", "sha1"),
        ("SHA224", "sha224"),
        ("SHA256", "sha256"),
        ("SHA384", "sha384"),
        ("SHA512", "sha512"),
    ] {
        hsm.tool(&format!("--hash --mechanism {mechanism} --input-file data --output-file ours"))
            .succeeds()
            .done();
        hsm.line(&format!("openssl dgst -{name} -binary -out theirs data")).succeeds().done();
        assert_eq!(hsm.read("ours"), hsm.read("theirs"), "{name}");
    }
}
