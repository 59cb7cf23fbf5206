//! Accounts as a whole: what they use, and how they go.

use std::cell::Cell;

use serde_json::{Value, json};
use tests::Rest;

use super::console::{Console, READ_KEYS};

#[test]
fn an_account_goes_with_all_that_is_in_it_and_not_while_something_is_in_the_way() {
    let console = Console::new();
    let daemon = console.place.start();
    let acme = console.account("acme");
    let other = console.account("other");
    for user in ["ann", "bob"] {
        console.done(&["user", "create", &format!("acme/{user}")]);
    }
    console.done(&["group", "create", "acme/team"]);
    console.done(&["group", "add", "acme/team", "ann"]);
    console.write("read.json", READ_KEYS);
    console.done(&["policy", "create", "acme/read", "read.json"]);
    console.done(&["policy", "attach", "acme/read", "--group", "team", "--all-projects"]);
    let ann = console.key(&acme, "acme/ann");
    let trust = json!({ "agency": { "name": "ops", "domain_id": console.json(&["account", "show", "other"])["id"],
        "trust_domain_name": "acme" } });
    let made = other.send(&other.signed("POST", "/v3.0/OS-AGENCY/agencies", trust.to_string().as_bytes()));
    assert_eq!(made.expect("an answer").status, 201);
    console.done(&["key", "create", "one", "--project", "acme/local-1"]);

    let before = console.all("acme", &["acme/ann"]);
    let delete = ["account", "delete", "acme"];
    console.run(&delete).fails_with(2).says("--yes").done();
    let sure = ["account", "delete", "acme", "--yes"];
    console
        .run(&sure)
        .fails_with(1)
        .says("has keys: 1")
        .says("the agency \"ops\" of the account \"other\"")
        .done();
    console.run(&["account", "delete", "nobody", "--yes"]).fails_with(1).says("there is no account").done();
    assert_eq!(console.all("acme", &["acme/ann"]), before);

    // What is in the way goes, and then all the rest.
    console.done(&["zeroize", "partition", &acme.project, "--yes"]);
    let agency = console.json(&["agency", "show", "other/ops"])["id"].as_str().expect("an id").to_owned();
    let target = format!("/v3.0/OS-AGENCY/agencies/{agency}");
    assert_eq!(other.send(&other.signed("DELETE", &target, b"")).expect("an answer").status, 204);
    console.done(&sure);
    console.run(&sure).fails_with(1).says("there is no account").done();
    let names = |all: &Value| all.as_array().map_or(0, Vec::len);
    assert_eq!(names(&console.json(&["account", "list"])), 1);
    let refused = |key: &Rest| {
        let reply = key.kms("list-keys", &json!({}));
        let mut said = reply.json().clone();
        said.as_object_mut().expect("an object").remove("request_id");
        (reply.status, said.to_string().replace(&key.access_key, "AK"))
    };
    let nobody = acme.with_key("HST3AAAAAAAAAAAAAAAA".to_owned(), "x".repeat(40));
    assert_eq!(refused(&acme), refused(&nobody));
    assert_eq!(refused(&ann), refused(&nobody));
    let records = console.place.verified();
    let done = |action: &str| records.iter().any(|record| record.action.as_str() == action);
    assert!(done("account delete") && done("delete an account"));
    drop(daemon);
    let _daemon = console.place.start();
    assert_eq!(names(&console.json(&["account", "list"])), 1);
    console.account("acme").kms("create-key", &json!({ "key_alias": "new" })).done();
}

/// Requirement: KMS-045, KMS-142
#[test]
fn where_an_account_uses_no_enterprise_projects_they_are_not_shown_and_none_is_taken() {
    let console = Console::new();
    let _daemon = console.place.start();
    let root = console.account("acme");
    console.done(&["group", "create", "acme/team"]);
    console.write("read.json", READ_KEYS);
    console.done(&["policy", "create", "acme/read", "read.json"]);
    console.done(&["key", "create", "one"]);
    let attach = ["policy", "attach", "acme/read", "--group", "team", "--enterprise-project", "default"];
    let made = Cell::new(0);
    let create = |project: Option<&str>| {
        made.set(made.get() + 1);
        let name = format!("key-{}", made.get());
        root.kms("create-key", &json!({ "key_alias": name, "enterprise_project_id": project })).status
    };
    console.run(&["key", "show", "one"]).succeeds().says("enterprise project").done();
    assert_eq!(create(Some("0")), 200);
    console.done(&attach);

    let off = ["account", "set", "acme", "--enterprise-projects", "off"];
    console.run(&off).fails_with(1).says("policies are given in an enterprise project").done();
    let detach = [&["policy", "detach"], &attach[2..]].concat();
    console.done(&detach);
    console.done(&off);
    console.done(&off);
    assert_eq!(console.json(&["account", "show", "acme"])["enterprise_projects"], false);
    assert!(!console.run(&["key", "show", "one"]).succeeds().out().contains("enterprise"));
    assert_eq!((create(None), create(Some("0")), create(Some("all"))), (200, 400, 400));
    let refused = "does not use enterprise projects";
    console.run(&["key", "create", "two", "--enterprise-project", "0"]).fails_with(1).says(refused).done();
    console.run(&attach).fails_with(1).says(refused).done();
    assert_eq!(root.kms("list-keys", &json!({ "enterprise_project_id": "0" })).status, 400);
    assert_eq!(root.kms("list-keys", &json!({})).status, 200);

    console.done(&["account", "set", "acme", "--enterprise-projects", "on"]);
    assert_eq!(create(Some("0")), 200);
    console.run(&["account", "set", "nobody", "--enterprise-projects", "on"]).fails_with(1).done();
}

#[test]
fn what_the_console_does_in_iam_leaves_the_traces_that_the_interface_leaves_as_its_own() {
    let console = Console::new();
    let _daemon = console.place.start();
    let acme = console.account("acme");
    console.write("word", "Correct-1-horse");
    console.done(&["user", "create", "acme/ann", "--password-file", "word"]);
    console.run(&["user", "create", "acme/ann"]).fails_with(1).done();
    console.key(&acme, "acme/ann");
    console.done(&["user", "delete", "acme/ann", "--yes"]);
    console.json(&["user", "list", "--account", "acme"]);
    let traces = console.json(&["trace", "list", "--project", "acme/local-1"]);
    let traces: Vec<_> = traces.as_array().expect("traces").iter().collect();
    let told = |trace: &&Value| {
        let word = |name: &str| trace[name].as_str().unwrap_or_default().to_owned();
        [word("trace_name"), word("trace_rating"), word("resource_name"), word("trace_type")].join(" ")
    };
    let told: Vec<_> = traces.iter().map(told).collect();
    let expected = [
        "deleteUser normal ann ConsoleAction",
        "addCredential normal ann ConsoleAction",
        "createUser warning ann ConsoleAction",
        "createUser normal ann ConsoleAction",
    ];
    assert_eq!(told, expected);
    assert!(!json!(traces).to_string().contains("Correct-1-horse"), "{traces:?}");
}

#[test]
fn whoever_misspells_an_action_in_a_policy_is_told() {
    let console = Console::new();
    let _daemon = console.place.start();
    console.account("acme");
    console.write("read.json", READ_KEYS);
    console.write("typo.json", &READ_KEYS.replace("kms:cmk:get", "kms:cmk:gett\", \"ecs:any:thing"));
    let warned = |words: &[&str]| {
        let run = console.run(words).succeeds();
        run.text().lines().filter(|line| line.contains("there is no action")).count()
    };
    assert_eq!(warned(&["policy", "create", "acme/read", "read.json"]), 0);
    assert_eq!(warned(&["policy", "create", "acme/typo", "typo.json"]), 1);
    assert_eq!(warned(&["policy", "update", "acme/read", "--description", "x"]), 0);
    console.run(&["policy", "update", "acme/read", "typo.json"]).succeeds().says("kms:cmk:gett").done();
}
