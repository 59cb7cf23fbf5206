//! OpenSC's `pkcs11-tool` as a client: keys made, imported and used; the openssl command line checks the results.

use tests::{Hsm, export_public, needs, not_on_stand_in};

const RSA_SIZES: [u32; 3] = [2048, 3072, 4096];
const CURVES: [&str; 4] = ["prime256v1", "secp384r1", "secp521r1", "secp256k1"];

/// A SHA-256 DigestInfo of the file `data`, as `info`, and the bare digest as `digest`.
fn digest_info(hsm: &Hsm) {
    hsm.line("openssl dgst -sha256 -binary -out digest data").succeeds().done();
    let head = [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    hsm.write("info", [&head[..], &hsm.read("digest")].concat());
}

#[test]
fn keys_of_every_kind_are_generated() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    for bits in RSA_SIZES {
        hsm.user(&format!("--keypairgen --key-type rsa:{bits} --id {bits} --label rsa")).succeeds().done();
        export_public(&hsm, &bits.to_string());
        hsm.line("openssl pkey -pubin -in pub.pem -noout -text")
            .succeeds()
            .says(&format!("({bits} bit)"))
            .done();
    }
    for (number, curve) in CURVES.iter().enumerate() {
        hsm.user(&format!("--keypairgen --key-type EC:{curve} --id 0{number} --label ec")).succeeds().done();
        export_public(&hsm, &format!("0{number}"));
        hsm.line("openssl pkey -pubin -in pub.pem -noout -text").succeeds().says(curve).done();
    }
    for (number, kind) in ["AES:16", "AES:24", "AES:32", "GENERIC:64"].iter().enumerate() {
        hsm.user(&format!("--keygen --key-type {kind} --id 1{number} --label secret{number}"))
            .succeeds()
            .done();
    }
    hsm.user("--list-objects --type secrkey").succeeds().says("secret3").says("AES length 32").done();
}

#[test]
fn an_ed25519_key_is_generated_and_signs() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type EC:edwards25519 --id 01 --label ed").succeeds().done();
    hsm.write("data", "signed with Ed25519");
    hsm.user("--sign --mechanism EDDSA --id 01 --input-file data --output-file sig").succeeds().done();
    assert_eq!(hsm.read("sig").len(), 64);
    export_public(&hsm, "01");
    hsm.line("openssl pkeyutl -verify -rawin -pubin -inkey pub.pem -in data -sigfile sig").succeeds().done();
}

#[test]
fn rsa_signatures_of_every_mechanism_verify_with_openssl() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-sign").succeeds().done();
    export_public(&hsm, "01");
    hsm.write("data", vec![0x42; 10_000]);
    digest_info(&hsm);

    hsm.user("--sign --mechanism RSA-PKCS --id 01 --input-file info --output-file sig").succeeds().done();
    hsm.line("openssl dgst -sha256 -verify pub.pem -signature sig data").succeeds().done();
    hsm.user("--verify --mechanism RSA-PKCS --id 01 --input-file info --signature-file sig")
        .succeeds()
        .says("Signature is valid")
        .done();

    for hash in ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] {
        let name = hash.to_lowercase();
        hsm.user(&format!("--sign --mechanism {hash}-RSA-PKCS --id 01 --input-file data --output-file sig"))
            .succeeds()
            .done();
        hsm.line(&format!("openssl dgst -{name} -verify pub.pem -signature sig data")).succeeds().done();
        hsm.user(&format!(
            "--verify --mechanism {hash}-RSA-PKCS --id 01 --input-file data --signature-file sig"
        ))
        .succeeds()
        .says("Signature is valid")
        .done();

        hsm.user(&format!(
            "--sign --mechanism {hash}-RSA-PKCS-PSS --id 01 --input-file data --output-file sig"
        ))
        .succeeds()
        .done();
        hsm.line(&format!(
            "openssl dgst -{name} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -verify pub.pem -signature sig data"
        ))
        .succeeds()
        .done();
    }

    hsm.user("--sign --mechanism RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 20 --id 01 --input-file digest --output-file sig")
        .succeeds()
        .done();
    hsm.line("openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 -verify pub.pem -signature sig data")
        .succeeds()
        .done();
}

#[test]
fn an_altered_message_does_not_verify() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-sign").succeeds().done();
    hsm.write("data", "pay 10");
    hsm.user("--sign --mechanism SHA256-RSA-PKCS --id 01 --input-file data --output-file sig")
        .succeeds()
        .done();
    hsm.write("data", "pay 99");
    hsm.user("--verify --mechanism SHA256-RSA-PKCS --id 01 --input-file data --signature-file sig")
        .never_says("Signature is valid")
        .done();
}

#[test]
fn ecdsa_signatures_on_every_curve_verify_with_openssl() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.write("data", "to be signed on every curve");
    digest_info(&hsm);
    for (number, curve) in CURVES.iter().enumerate() {
        let id = format!("0{number}");
        hsm.user(&format!("--keypairgen --key-type EC:{curve} --id {id} --label ec --usage-sign"))
            .succeeds()
            .done();
        export_public(&hsm, &id);
        hsm.user(&format!("--sign --mechanism ECDSA --signature-format openssl --id {id} --input-file digest --output-file sig"))
            .succeeds()
            .done();
        hsm.line("openssl dgst -sha256 -verify pub.pem -signature sig data").succeeds().done();
    }
}

#[test]
fn ecdsa_with_each_hash_verifies_with_openssl() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no ECDSA with a hash");
    hsm.user("--keypairgen --key-type EC:secp384r1 --id 01 --label ec --usage-sign").succeeds().done();
    export_public(&hsm, "01");
    hsm.write("data", vec![0x17; 5000]);
    for hash in ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] {
        hsm.user(&format!(
            "--sign --mechanism ECDSA-{hash} --signature-format openssl --id 01 --input-file data --output-file sig"
        ))
        .succeeds()
        .done();
        hsm.line(&format!("openssl dgst -{} -verify pub.pem -signature sig data", hash.to_lowercase()))
            .succeeds()
            .done();
    }
}

#[test]
fn what_openssl_encrypts_to_an_rsa_key_the_token_decrypts() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-decrypt").succeeds().done();
    export_public(&hsm, "01");
    hsm.write("secret", "for the token only");
    let mut ways = vec![
        ("--mechanism RSA-PKCS", "-pkeyopt rsa_padding_mode:pkcs1"),
        (
            "--mechanism RSA-PKCS-OAEP --hash-algorithm SHA-1 --mgf MGF1-SHA1",
            "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1",
        ),
    ];
    if !hsm.is_stand_in() {
        ways.push((
            "--mechanism RSA-PKCS-OAEP --hash-algorithm SHA256 --mgf MGF1-SHA256",
            "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256",
        ));
    }
    for (mechanism, padding) in ways {
        hsm.line(&format!("openssl pkeyutl -encrypt -pubin -inkey pub.pem -in secret -out sealed {padding}"))
            .succeeds()
            .done();
        hsm.user(&format!("--decrypt {mechanism} --id 01 --input-file sealed --output-file opened"))
            .succeeds()
            .done();
        assert_eq!(hsm.read("opened"), b"for the token only", "{mechanism}");
    }
}

#[test]
fn what_the_token_encrypts_with_an_imported_aes_key_openssl_decrypts() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.write("aes.key", [0x31; 32]);
    hsm.user("--write-object aes.key --type secrkey --key-type AES:32 --id 01 --label aes --usage-decrypt")
        .succeeds()
        .done();
    hsm.write("plain", vec![0x6b; 4096]);
    let key = "31".repeat(32);
    let iv = "000102030405060708090a0b0c0d0e0f";
    for (mechanism, cipher, iv_option) in [
        ("AES-CBC-PAD", "aes-256-cbc", true),
        ("AES-CBC", "aes-256-cbc -nopad", true),
        ("AES-ECB", "aes-256-ecb -nopad", false),
    ] {
        let (ours, theirs) =
            if iv_option { (format!("--iv {iv}"), format!("-iv {iv}")) } else { Default::default() };
        hsm.user(&format!(
            "--encrypt --mechanism {mechanism} --id 01 {ours} --input-file plain --output-file sealed"
        ))
        .succeeds()
        .done();
        assert_ne!(hsm.read("sealed"), hsm.read("plain"));
        hsm.line(&format!("openssl enc -d -{cipher} -K {key} {theirs} -in sealed -out opened"))
            .succeeds()
            .done();
        assert_eq!(hsm.read("opened"), hsm.read("plain"), "{mechanism}");
        hsm.user(&format!(
            "--decrypt --mechanism {mechanism} --id 01 {ours} --input-file sealed --output-file back"
        ))
        .succeeds()
        .done();
        assert_eq!(hsm.read("back"), hsm.read("plain"), "{mechanism}");
    }
}

#[test]
fn private_keys_from_pem_and_der_files_are_imported_and_sign() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.write("data", "signed with an imported key");
    digest_info(&hsm);
    for (id, algorithm, sign) in [
        ("01", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "SHA256-RSA-PKCS --input-file data"),
        (
            "02",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "ECDSA --signature-format openssl --input-file digest",
        ),
        (
            "03",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "ECDSA --signature-format openssl --input-file digest",
        ),
    ] {
        hsm.line(&format!("openssl genpkey {algorithm} -out key.pem")).succeeds().done();
        hsm.line("openssl pkey -in key.pem -outform DER -out key.der").succeeds().done();
        hsm.line("openssl pkey -in key.pem -pubout -out pub.pem").succeeds().done();
        hsm.line("openssl pkey -in key.pem -pubout -outform DER -out pub.der").succeeds().done();
        for file in ["key.pem", "key.der"] {
            hsm.user(&format!(
                "--write-object {file} --type privkey --id {id} --label imported --usage-sign"
            ))
            .succeeds()
            .done();
            hsm.user(&format!("--sign --mechanism {sign} --id {id} --output-file sig")).succeeds().done();
            hsm.line("openssl dgst -sha256 -verify pub.pem -signature sig data").succeeds().done();
            hsm.user(&format!("--delete-object --type privkey --id {id}")).succeeds().done();
        }
        hsm.user(&format!("--write-object pub.der --type pubkey --id {id} --label imported --usage-sign"))
            .succeeds()
            .done();
        let written = hsm.read("pub.der");
        export_public(&hsm, id);
        assert_eq!(hsm.read("pub.der"), written, "{algorithm}");
    }
}

#[test]
fn a_certificate_is_imported_and_read_back() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.line("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=imported -out c.pem")
        .succeeds()
        .done();
    hsm.line("openssl x509 -in c.pem -outform DER -out c.der").succeeds().done();
    for (id, file) in [("01", "c.pem"), ("02", "c.der")] {
        hsm.user(&format!("--write-object {file} --type cert --id {id} --label certificate"))
            .succeeds()
            .done();
        hsm.tool(&format!("--read-object --type cert --id {id} --output-file back.der")).succeeds().done();
        assert_eq!(hsm.read("back.der"), hsm.read("c.der"));
    }
    hsm.tool("--list-objects --type cert").succeeds().says("imported").done();
}

#[test]
fn a_shared_secret_is_the_one_that_openssl_derives() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    for (id, curve) in [("01", "prime256v1"), ("02", "secp384r1"), ("03", "secp521r1")] {
        hsm.user(&format!("--keypairgen --key-type EC:{curve} --id {id} --label ecdh --usage-derive"))
            .succeeds()
            .done();
        export_public(&hsm, id);
        hsm.line(&format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out peer.pem"))
            .succeeds()
            .done();
        hsm.line("openssl pkey -in peer.pem -pubout -outform DER -out peer.der").succeeds().done();
        hsm.user(&format!(
            "--derive --mechanism ECDH1-DERIVE --id {id} --label derived --input-file peer.der --output-file ours"
        ))
        .succeeds()
        .done();
        hsm.line("openssl pkeyutl -derive -inkey peer.pem -peerkey pub.pem -out theirs").succeeds().done();
        let (ours, theirs) = (hsm.read("ours"), hsm.read("theirs"));
        assert!(!ours.is_empty() && theirs.starts_with(&ours), "{curve}: {ours:02x?} {theirs:02x?}");
    }
}

#[test]
fn an_aes_key_is_wrapped_for_an_rsa_key_and_unwrapped_again() {
    needs!("pkcs11-tool", "openssl");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label wrapper --usage-wrap").succeeds().done();
    hsm.user("--keygen --key-type AES:32 --id 02 --label original --extractable --usage-decrypt")
        .succeeds()
        .done();
    hsm.write("plain", [0x77; 64]);
    let encrypt =
        "--encrypt --mechanism AES-CBC-PAD --iv 00000000000000000000000000000000 --input-file plain";
    hsm.user(&format!("{encrypt} --id 02 --output-file one")).succeeds().done();

    hsm.user("--wrap --mechanism RSA-PKCS --id 01 --application-id 02 --output-file blob").succeeds().done();
    hsm.user("--unwrap --mechanism RSA-PKCS --id 01 --input-file blob --key-type AES: --application-id 03 --application-label again --usage-decrypt")
        .succeeds()
        .done();
    hsm.user(&format!("{encrypt} --id 03 --output-file two")).succeeds().done();
    assert_eq!(hsm.read("one"), hsm.read("two"), "the unwrapped key encrypts as the original");
}

#[test]
fn a_private_key_never_leaves_the_token() {
    needs!("pkcs11-tool");
    let hsm = Hsm::start();
    hsm.user("--keypairgen --key-type rsa:2048 --id 01 --label rsa --usage-sign").succeeds().done();
    hsm.user("--list-objects --type privkey")
        .succeeds()
        .says("sensitive, always sensitive, never extractable")
        .done();
    hsm.user("--keygen --key-type AES:32 --id 02 --label aes --sensitive").succeeds().done();
    hsm.user("--read-object --type secrkey --id 02").fails().done();
}
