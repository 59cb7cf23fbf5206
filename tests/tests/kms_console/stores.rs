//! Key stores from the console.

use serde_json::json;
use tests::{Hsm, not_on_stand_in};

use super::Console;

#[test]
fn a_key_store_is_made_disabled_and_deleted_by_commands_of_its_own() {
    let console = console!();
    let store = console.json(&["key", "store", "create", "vault"])["keystore_id"].clone();
    console.run(&["key", "store", "create", "vault"]).fails_with(1).says("KMS.0318").done();
    let key = console.create(&["inside", "--store", "vault"]);
    console.run(&["key", "create", "lost", "--store", "nowhere"]).fails_with(1).done();
    assert_eq!(console.json(&["key", "show", "inside"])["keystore_id"], store);
    console.run(&["key", "show", "inside"]).succeeds().says(store.as_str().expect("an id")).done();
    assert_eq!(console.json(&["key", "store", "list"])[0]["keystore_alias"], "vault");
    let random =
        |key: &str| console.run(&["key", "call", "CreateDatakey", &json!({ "key_id": key }).to_string()]);
    random(&key).succeeds().done();
    console.run(&["key", "store", "disable", "vault"]).succeeds().says("is disabled").done();
    random(&key).fails().says("KMS.0317").done();
    console.run(&["key", "store", "enable", "vault"]).succeeds().says("is enabled").done();
    random(&key).succeeds().done();
    console.run(&["key", "store", "delete", "vault"]).fails_with(2).says("--yes").done();
    console.run(&["key", "store", "delete", "vault", "--yes"]).fails_with(1).says("has keys").done();
    console.run(&["key", "store", "create", "empty"]).succeeds().done();
    console.run(&["key", "store", "delete", "empty", "--yes"]).succeeds().done();
    assert_eq!(console.json(&["key", "store", "list"]).as_array().map(Vec::len), Some(1));
}
