//! Accounts as a whole: what they use, and how they go.

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
