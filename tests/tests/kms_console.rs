//! Keys of the KMS from the console of a daemon, and at the same time through the PKCS#11 door of their project's partition.

use serde_json::{Value, json};
use tests::{Hsm, Rest, Run, Staff, authenticator, needs, not_on_stand_in};

struct Console {
    hsm: Hsm,
}

impl Console {
    fn run(&self, words: &[&str]) -> Run {
        Staff::new(&self.hsm, &[]).nobody(words)
    }

    fn json(&self, words: &[&str]) -> Value {
        let run = self.run(&[words, &["--json"]].concat()).succeeds();
        serde_json::from_str(&run.out()).expect("JSON")
    }

    /// Makes a key, and gives its id.
    fn create(&self, words: &[&str]) -> String {
        let made = self.json(&[&["key", "create"], words].concat());
        made["key_id"].as_str().expect("an id").to_owned()
    }

    fn state(&self, key: &str) -> String {
        self.json(&["key", "show", key])["key_state"].as_str().expect("a state").to_owned()
    }
}

macro_rules! console {
    () => {{
        let hsm = Hsm::start();
        not_on_stand_in!(hsm, "it has no KMS");
        Console { hsm }
    }};
}

#[path = "kms_console/dialogs.rs"]
mod dialogs;
#[path = "kms_console/stores.rs"]
mod stores;

/// Requirement: KMS-116, KMS-121, KMS-134, KMS-140
#[test]
fn several_keys_are_enabled_disabled_and_deleted_at_once_and_each_gets_its_result() {
    let console = console!();
    let (a, b) = (console.create(&["a"]), console.create(&["b"]));
    let missing = "0d0466b0-e727-4d9c-b35d-f84bb474a37f";
    console.run(&["key", "disable", &a, &b, "--yes"]).succeeds().done();
    assert_eq!([console.state(&a), console.state(&b)], ["3", "3"]);
    // By name, and with one that is not there.
    console.run(&["key", "enable", "a", missing]).fails_with(5).says("1 of 2").done();
    assert_eq!([console.state(&a), console.state(&b)], ["2", "3"]);
    console.run(&["key", "enable", missing]).fails_with(1).done();
    console.run(&["key", "delete", &a, &b, "--days", "7", "--yes"]).succeeds().done();
    assert_eq!([console.state(&a), console.state(&b)], ["4", "4"]);
    console.run(&["key", "cancel-deletion", &a, &b, missing]).fails_with(5).says("1 of 3").done();
    assert_eq!([console.state(&a), console.state(&b)], ["3", "3"]);
}

/// Requirement: KMS-122, KMS-131, KMS-232
#[test]
fn what_nobody_confirms_is_not_done() {
    let console = console!();
    let key = console.create(&["a"]);
    console.run(&["key", "delete", &key, "--days", "7"]).fails_with(2).says("--yes").done();
    console.run(&["key", "call", "DeleteKey", "{}"]).fails_with(2).done();
    console.run(&["key", "disable", &key]).fails_with(2).says("--yes").done();
    assert_eq!(console.state(&key), "2");
    let to = [console.hsm.var("DOMAIN_ID"), "--account", "--operation", "encrypt-data"];
    let made = console.json(&[&["key", "grant", "create", &key], &to[..]].concat());
    let grant = made["grant_id"].as_str().expect("an id");
    console.run(&["key", "grant", "revoke", &key, grant]).fails_with(2).says("--yes").done();
    let grants = || console.json(&["key", "grant", "list", &key]).as_array().map(Vec::len);
    assert_eq!(grants(), Some(1));
    console.run(&["key", "grant", "revoke", &key, grant, "--yes"]).succeeds().done();
    assert_eq!(grants(), Some(0));
}

/// Requirement: KMS-160, KMS-162, KMS-164, KMS-165, KMS-167, KMS-168
#[test]
fn the_tool_for_small_data_encrypts_its_base64_text_and_takes_no_other() {
    let console = console!();
    let key = console.create(&["notes"]);
    console.hsm.write("data", b"a small secret\0\xff");
    let cipher = console.run(&["key", "encrypt", "notes", "--input", "data"]).succeeds().out();
    console.hsm.write("cipher", &cipher);
    console.run(&["key", "decrypt", "--input", "cipher", "--output", "opened"]).succeeds().done();
    assert_eq!(console.hsm.read("opened"), b"a small secret\0\xff");
    // The interface sees the text that was encrypted.
    let call =
        |operation: &str, fields: Value| console.json(&["key", "call", operation, &fields.to_string()]);
    let opened = call("DecryptData", json!({ "cipher_text": cipher.trim() }));
    assert_eq!(opened["plain_text"], "YSBzbWFsbCBzZWNyZXQA/w==");
    let by_api = call("EncryptData", json!({ "key_id": key, "plain_text": "not base64" }));
    console.hsm.write("cipher-2", by_api["cipher_text"].as_str().expect("a ciphertext"));
    console.run(&["key", "decrypt", "--input", "cipher-2"]).fails().says("was not encrypted by").done();
    console.hsm.write("large", vec![7; 3073]);
    console.run(&["key", "encrypt", "notes", "--input", "large"]).fails().says("more than 3072 bytes").done();
    let pair = console.create(&["pair", "--spec", "RSA_2048", "--usage", "ENCRYPT_DECRYPT"]);
    console.run(&["key", "encrypt", &pair, "--input", "data"]).fails().says("symmetric").done();
    console.run(&["key", "disable", &key, "--yes"]).succeeds().done();
    console.run(&["key", "encrypt", &key, "--input", "data"]).fails().says("enabled").done();
    console.run(&["key", "decrypt", "--input", "cipher"]).fails().done();
}

/// Requirement: KMS-079, KMS-081, KMS-093, KMS-108
#[test]
fn material_is_imported_in_steps_with_openssl_and_all_in_one() {
    needs!("openssl");
    let console = console!();
    let hsm = &console.hsm;
    let by_steps = console.create(&["steps", "--origin", "external"]);
    hsm.line("openssl rand -out material 32").succeeds().done();
    console.run(&["key", "import", "steps", "--download", "."]).succeeds().done();
    let (wrapping, token) = (format!("wrappingKey_{by_steps}"), format!("importToken_{by_steps}"));
    hsm.line(&format!(
        "openssl pkeyutl -in material -inkey {wrapping} -keyform DER -pubin -encrypt -pkeyopt rsa_padding_mode:oaep \
         -pkeyopt rsa_oaep_md:sha256 -out wrapped"
    ))
    .succeeds()
    .done();
    console.run(&["key", "import", "steps", "--wrapped", "wrapped", "--token", &token]).succeeds().done();
    let shown = console.json(&["key", "show", "steps"]);
    assert_eq!((&shown["key_state"], &shown["expiration_time"]), (&"2".into(), &"".into()));

    console.run(&["key", "show", "steps"]).succeeds().says("External").done();
    console.create(&["made-here"]);
    console.run(&["key", "show", "made-here"]).succeeds().says("Key Management Service").done();

    console.create(&["at-once", "--origin", "external"]);
    console.run(&["key", "import", "at-once", "--material", "material", "--expires"]).succeeds().done();
    let shown = console.json(&["key", "show", "at-once"]);
    assert_eq!(shown["key_state"], "2");
    let time = |field: &str| shown[field].as_str().and_then(|text| text.parse::<i64>().ok()).expect(field);
    let hours = (time("expiration_time") - time("creation_date")) / 3_600_000;
    assert!((23..=24).contains(&hours), "{hours}");
    console.run(&["key", "delete-material", "at-once"]).fails_with(2).says("--yes").done();
    let gone = ["key", "delete-material", "at-once", "--yes"];
    console.run(&gone).succeeds().done();
    assert_eq!(console.state("at-once"), "5");
    console.run(&gone).fails_with(1).says("KMS.2701").done();
    console.run(&["key", "import", "at-once", "--material", "material"]).succeeds().done();

    let pair =
        console.create(&["pair", "--origin", "external", "--spec", "EC_P256", "--usage", "SIGN_VERIFY"]);
    hsm.line("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out pair.pem")
        .succeeds()
        .done();
    console.run(&["key", "import", &pair, "--material", "pair.pem"]).succeeds().done();
    hsm.line("openssl pkey -in pair.pem -pubout -out public.pem").succeeds().done();
    let public = console.run(&["key", "public", &pair]).succeeds().out();
    assert_eq!(public, hsm.line("cat public.pem").succeeds().out());
    console.run(&["key", "public", "at-once"]).fails_with(1).says("KMS.0331").done();
    hsm.write("message", "signed by an imported key");
    let sign = ["key", "sign", &pair, "--algorithm", "ECDSA_SHA_256", "--input", "message"];
    let signature = console.run(&sign).succeeds().out();
    hsm.write("signature.b64", signature.trim());
    hsm.line("openssl base64 -d -A -in signature.b64 -out signature").succeeds().done();
    hsm.line("openssl dgst -sha256 -verify public.pem -signature signature message").succeeds().done();
    let verify = ["key", "verify", &pair, "--algorithm", "ECDSA_SHA_256", "--signature", signature.trim()];
    console.run(&[&verify[..], &["--input", "message"]].concat()).succeeds().says("good").done();
    hsm.write("message", "signed by somebody else");
    console.run(&[&verify[..], &["--input", "message"]].concat()).fails_with(1).done();
}

#[test]
fn a_key_signs_through_pkcs11_while_it_is_enabled_and_no_longer() {
    needs!("pkcs11-tool", "openssl");
    let console = console!();
    let hsm = &console.hsm;
    let key = console.create(&["invoices", "--spec", "EC_P256", "--usage", "SIGN_VERIFY"]);
    let project = hsm.var("PROJECT_ID");
    hsm.write("user.pin", "87654321\n");
    console.run(&["user", "pin", project, "user", "--pin-file", "user.pin"]).succeeds().done();
    hsm.write("message", "signed in two ways");
    let id: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let sign = || {
        hsm.run(
            "pkcs11-tool",
            [
                "--module",
                hsm.module(),
                "--token-label",
                project,
                "--login",
                "--pin",
                "87654321",
                "--sign",
                "--mechanism",
                "ECDSA-SHA256",
                "--signature-format",
                "openssl",
                "--id",
                &id,
                "--input-file",
                "message",
                "--output-file",
                "signature",
            ],
        )
    };
    sign().succeeds().done();
    let public = console.json(&["key", "call", "ShowPublicKey", &format!("{{\"key_id\": \"{key}\"}}")]);
    hsm.write("public.pem", public["public_key"].as_str().expect("a public key"));
    hsm.line("openssl dgst -sha256 -verify public.pem -signature signature message").succeeds().done();
    console.run(&["key", "disable", "invoices", "--yes"]).succeeds().done();
    sign().fails().done();
    console.run(&["key", "enable", "invoices"]).succeeds().done();
    sign().succeeds().done();
    console.run(&["key", "delete", "invoices", "--days", "7", "--yes"]).succeeds().done();
    sign().fails().done();
}

/// Requirement: KMS-132, KMS-178, IAM-090, IAM-091, IAM-092, IAM-095, IAM-096, IAM-097, IAM-098
#[test]
fn with_operation_protection_on_each_deletion_takes_a_code_that_is_good_once() {
    needs!("python3");
    let console = console!();
    let (a, b) = (console.create(&["a"]), console.create(&["b"]));
    console.run(&["key", "alias", "add", "a", "alias/of-a"]).succeeds().done();
    console.run(&["account", "protect", "dev", "on"]).fails().says("account mfa").done();
    let bind = ["account", "mfa", "bind", "dev", "000000", "111111"];
    console.run(&bind).fails().says("`account mfa create` makes one").done();
    let secret =
        console.json(&["account", "mfa", "create", "dev"])["secret"].as_str().expect("it").to_owned();
    console.run(&["account", "protect", "dev", "on"]).fails().says("account mfa").done();
    let codes = authenticator(&secret);
    console.run(&["account", "mfa", "bind", "dev", &codes[0], &codes[0]]).fails().done();
    console.run(&["account", "mfa", "bind", "dev", &codes[0], &codes[1]]).succeeds().done();
    console.run(&["account", "protect", "dev", "on"]).succeeds().says("is on").done();

    let delete =
        |key: &str, more: &[&str]| console.run(&[&["key", "delete", key, "--days", "7"], more].concat());
    delete(&a, &["--yes"]).fails().says("--code").done();
    delete(&a, &["--code", &codes[1]]).fails().says("used before").done();
    let alias = ["key", "alias", "remove", "a", "alias/of-a"];
    console.run(&[&alias[..], &["--yes"]].concat()).fails().says("--code").done();
    console.run(&["account", "protect", "dev", "off"]).fails().says("needs a code").done();
    assert_eq!([console.state(&a), console.state(&b)], ["2", "2"]);
    // Requests of programs are decided by policies alone.
    let deleted =
        Rest::of(&console.hsm).kms("schedule-key-deletion", &json!({"key_id": b, "pending_days": "7"}));
    assert_eq!((deleted.status, console.state(&b).as_str()), (200, "4"));
    console.run(&["key", "cancel-deletion", &b]).succeeds().done();
    console.run(&["key", "enable", &b]).succeeds().done();
    // What can be undone is not protected.
    console.run(&["key", "disable", &b, "--yes"]).succeeds().done();
    delete(&a, &["--code", &codes[2]]).succeeds().done();
    assert_eq!(console.state(&a), "4");
    delete(&b, &["--code", &codes[2]]).fails().says("used before").done();
    assert_eq!(console.state(&b), "3");
}

#[test]
fn the_partitions_of_the_kms_are_not_taken_from_it() {
    let mut console = console!();
    let key = console.create(&["kept"]);
    let store = json!({ "keystore_alias": "vault", "keystore_type": "DEFAULT" });
    let store = console.json(&["key", "call", "CreateKeyStore", &store.to_string()]);
    let store = store["keystore"]["keystore_id"].as_str().expect("an id").to_owned();
    let of_project = console.hsm.var("PROJECT_ID").to_owned();
    let of_store = store.replace('-', "");
    console.hsm.write("so-pin", "87654321\n");
    let pin = console.hsm.path("so-pin").display().to_string();
    for (partition, instead) in [(&of_project, "key delete"), (&of_store, "DeleteKeyStore")] {
        for line in [
            &["partition", "delete", partition, "--yes"][..],
            &["partition", "init", partition, "--yes", "--no-user-pin", "--so-pin-file", &pin],
            &["partition", "reset-so-pin", partition, "--so-pin-file", &pin],
        ] {
            console.run(line).fails().says(instead).done();
        }
    }
    // Nor are they lost under another name.
    console.run(&["partition", "rename", &of_project, "renamed"]).succeeds().done();
    console.hsm.kill_and_start_again();
    Rest::of(&console.hsm).kms("encrypt-data", &json!({ "key_id": key, "plain_text": "x" })).done();
    let delete = json!({ "keystore_id": store }).to_string();
    console.run(&["key", "call", "DeleteKeyStore", &delete, "--yes"]).succeeds().done();
}

/// Requirement: KMS-144
#[test]
fn the_console_edits_grants_moves_keys_and_shows_what_they_were_asked_for() {
    let console = console!();
    let (key, rest) = (console.create(&["shared"]), Rest::of(&console.hsm));
    let call =
        |operation: &str, fields: Value| console.json(&["key", "call", operation, &fields.to_string()]);
    let user = rest.kms("list-grants", &json!({ "key_id": key })).done();
    assert_eq!(user["total"], 0);
    let issuer =
        rest.kms("create-key", &json!({ "key_alias": "other" })).done()["key_info"]["domain_id"].clone();
    let grant = json!({
        "key_id": key, "grantee_principal": issuer, "grantee_principal_type": "domain",
        "operations": ["encrypt-data"],
    });
    let grant = call("CreateGrant", grant)["grant_id"].clone();
    call(
        "EditGrant",
        json!({ "key_id": key, "grant_id": grant, "operations": ["decrypt-data", "describe-key"] }),
    );
    let grants = rest.kms("list-grants", &json!({ "key_id": key })).done();
    assert_eq!(grants["grants"][0]["operations"], json!(["describe-key", "decrypt-data"]));

    let nowhere = r#"{"key_id":"shared","enterprise_project_id":"00000000-0000-4000-8000-000000000000"}"#;
    let nowhere = nowhere.replace("shared", &key);
    console.run(&["key", "call", "MoveKey", &nowhere]).fails().says("KMS.0308").done();
    call("MoveKey", json!({ "key_id": key, "enterprise_project_id": "0" }));

    rest.kms("encrypt-data", &json!({ "key_id": key, "plain_text": "x" })).done();
    let counts = call("ShowKeyCounts", json!({ "key_id": key }))["counts"].clone();
    assert_eq!((&counts[0]["billable"], &counts[0]["requests"]["EncryptData"]), (&json!(1), &json!(1)));
    let before = call("ShowKeyCounts", json!({ "key_id": key, "to": "2020-01" }));
    assert_eq!(before["counts"], json!([]));

    // It leaves the traces that the interface would leave, as its own.
    let target = format!("/v3/{{project_id}}/traces?trace_type=system&resource_id={key}");
    let traces = rest.send(&rest.signed("GET", &target, b"")).expect("an answer").done();
    let traces: Vec<_> = traces["traces"].as_array().expect("traces").iter().collect();
    let of = |name: &str| traces.iter().find(|trace| trace["trace_name"] == name).expect(name);
    for (name, kind) in [
        ("createKey", "ConsoleAction"),
        ("createGrant", "ConsoleAction"),
        ("editGrant", "ConsoleAction"),
        ("moveKey", "ConsoleAction"),
        ("encryptData", "ApiCall"),
    ] {
        assert_eq!(of(name)["trace_type"], kind, "{name}");
    }
    // The interface has no such operation, and so no address and no version of one.
    let (own, other) = (of("editGrant"), of("createGrant"));
    assert_eq!((&own["api_version"], &other["api_version"]), (&json!(""), &json!("v1.0")));
    assert!(!own["message"].as_str().expect("a text").contains("Url"), "{own}");
    assert!(!traces.iter().any(|trace| trace["trace_name"] == "showKeyCounts"));
}

/// Requirement: KMS-227, KMS-228, KMS-233
#[test]
fn grants_are_listed_shown_and_edited_and_keys_are_moved_and_found_by_tags() {
    let console = console!();
    let key = console.create(&["shared", "--tag", "team=blue"]);
    let other = console.create(&["other", "--tag", "team=red"]);
    let to = console.hsm.var("DOMAIN_ID").to_owned();
    let grant = ["key", "grant", "create", "shared", &to, "--account", "--operation", "encrypt-data"];
    let made = console.json(&[&grant[..], &["--name", "for-apps"]].concat());
    let grant = made["grant_id"].as_str().expect("an id");
    let listed = console.run(&["key", "grant", "list", "shared"]).succeeds().out();
    for shown in ["for-apps", "account", "encrypt-data", "20"] {
        assert!(listed.contains(shown), "{listed}");
    }
    console.run(&["key", "grant", "edit", "shared", grant]).fails().done();
    let edit = ["key", "grant", "edit", "shared", grant, "--operation", "decrypt-data"];
    console.run(&edit).succeeds().says("Changed").done();
    let shown = console.run(&["key", "grant", "show", "shared", grant]).succeeds().out();
    for word in [&key, grant, &format!("account {to}"), "for-apps", "decrypt-data"] {
        assert!(shown.contains(word), "{shown}");
    }
    assert!(!shown.contains("encrypt-data"), "{shown}");
    console.run(&["key", "grant", "show", "other", grant]).fails().says("no grant").done();

    let found = |words: &[&str]| {
        let found = console.json(&[&["key", "list"], words].concat());
        let ids = found.as_array().expect("keys").iter().map(|key| key["key_id"].clone());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(found(&["--tag", "team"]), [&*key, &other]);
    assert_eq!(found(&["--tag", "team=red"]), [&*other]);
    assert_eq!(found(&["--tag", "team=blue", "--tag", "more"]), [""; 0]);

    let nowhere = "00000000-0000-4000-8000-000000000000";
    console.run(&["key", "set", "shared", "--enterprise-project", nowhere]).fails().says("KMS.0308").done();
    console.run(&["key", "set", "shared", "--enterprise-project", "0"]).succeeds().done();
}

#[test]
fn a_name_that_is_another_keys_alias_names_neither() {
    let console = console!();
    let meant = console.create(&["billing"]);
    console.run(&["key", "alias", "add", "billing", "prod"]).succeeds().done();
    assert_eq!(console.json(&["key", "show", "prod"])["key_id"], meant.as_str());
    let other = console.create(&["prod"]);
    for words in
        [&["key", "show", "prod"][..], &["key", "disable", "prod", "--yes"], &["key", "encrypt", "prod"]]
    {
        console.run(words).fails_with(1).says(&meant).says(&other).done();
    }
    assert_eq!((console.state(&meant).as_str(), console.state(&other).as_str()), ("2", "2"));
    // Its own alias may be what it is called.
    console.run(&["key", "alias", "move", "prod", &other]).succeeds().done();
    assert_eq!(console.json(&["key", "show", "prod"])["key_id"], other.as_str());
}

#[test]
fn what_is_refused_changes_nothing_and_says_why_in_full() {
    let console = console!();
    let key = console.create(&["one"]);
    let rotated = || console.json(&["key", "show", "one"])["rotation"]["key_rotation_enabled"].clone();
    for days in ["29", "366", "-1", "x"] {
        console.run(&["key", "rotate", "one", "--every", days]).fails_with(2).done();
        assert!(rotated() == false || rotated() == "false", "{days}");
    }
    console.run(&["key", "rotate", "one", "--every", "365"]).succeeds().done();
    console.run(&["key", "alias", "add", "one", "app"]).succeeds().done();
    let done = console.json(&["key", "disable", "app", "--yes"]);
    assert_eq!((&done[0]["key_id"], &done[0]["done"]), (&json!(key), &json!(true)), "{done}");
    console.run(&["key", "enable", "app", "nobodys"]).fails_with(5).says("of the project (KMS.0207)").done();
}

/// Requirement: KMS-148
#[test]
fn counts_of_several_keys_are_shown_and_written_to_a_file() {
    let console = console!();
    let (one, two, gone) = (console.create(&["one"]), console.create(&["two"]), console.create(&["gone"]));
    let rest = Rest::of(&console.hsm);
    for key in [&one, &one, &two, &gone] {
        rest.kms("encrypt-data", &json!({ "key_id": key, "plain_text": "x" })).done();
    }
    rest.kms("create-datakey", &json!({ "key_id": two })).done();
    console.run(&["key", "delete", &gone, "--days", "7", "--yes"]).succeeds().done();

    let rows = |told: Value| -> Vec<(String, String, u64)> {
        let row = |row: &Value| {
            let word = |field: &str| row[field].as_str().expect("a word").to_owned();
            (word("key_id"), word("operation"), row["requests"].as_u64().expect("a number"))
        };
        let mut rows: Vec<_> = told.as_array().expect("rows").iter().map(row).collect();
        rows.sort();
        rows
    };
    let encrypted = |key: &str, count: u64| (key.to_owned(), "EncryptData".to_owned(), count);
    let mut expected =
        vec![encrypted(&one, 2), encrypted(&two, 1), (two.clone(), "CreateDatakey".to_owned(), 1)];
    expected.sort();
    let uses = |told: Value| {
        rows(told).into_iter().filter(|(_, operation, _)| operation != "ListKeyDetail").collect::<Vec<_>>()
    };
    assert_eq!(uses(console.json(&["key", "counts"])), expected);
    assert_eq!(uses(console.json(&["key", "counts", "one"])), [encrypted(&one, 2)]);
    assert_eq!(console.json(&["key", "counts", "--to", "2020-01"]), json!([]));
    console.run(&["key", "counts", "--from", "today"]).fails().done();
    console.run(&["key", "counts", &gone]).fails().done();
    let shown = console.run(&["key", "counts"]).succeeds().says("REQUESTS").out();
    assert!(shown.lines().all(|line| line.len() <= 80), "{shown}");

    let file = console.hsm.path("counts.csv");
    let csv = ["key", "counts", "--csv", file.to_str().expect("a path")];
    console.run(&csv).succeeds().says("counts.csv").done();
    let text = std::fs::read_to_string(&file).expect("the file");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], r#""key_id","name","month","operation","requests""#);
    let line = |key: &str, name: &str| {
        let begins = format!("\"{key}\",\"{name}\",\"20");
        lines.iter().find(|line| line.starts_with(&begins) && line.contains(r#","EncryptData","#)).copied()
    };
    assert!(line(&one, "one").expect("of one").ends_with(r#","EncryptData","2""#), "{text}");
    assert!(line(&two, "two").expect("of two").ends_with(r#","EncryptData","1""#), "{text}");
    assert!(!text.contains(&gone), "{text}");
    // What is there is not written over.
    console.run(&csv).fails().says("counts.csv").done();
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), text);
}

/// Requirement: KMS-161
#[test]
fn the_tool_for_small_data_takes_no_default_key() {
    let console = console!();
    let body = json!({ "key_id": "kms/default", "plain_text": "x" });
    let made = Rest::of(&console.hsm).kms("encrypt-data", &body).done();
    let key = made["key_id"].as_str().expect("an id");
    console.hsm.write("data", "x");
    console.hsm.write("cipher", made["cipher_text"].as_str().expect("text"));
    let [data, cipher] = ["data", "cipher"].map(|file| console.hsm.path(file).display().to_string());
    for named in [key, "kms/default"] {
        let encrypt = ["key", "encrypt", named, "--input", &data];
        console.run(&encrypt).fails().says("does not take default keys").done();
    }
    console.run(&["key", "decrypt", "--input", &cipher]).fails().done();
    // The interface does.
    assert_eq!(console.json(&["key", "call", "EncryptData", &body.to_string()])["key_id"], key);
}
