//! Databases that are registered: how one is known, and who sets passwords there.

use dew::csms::{Accounts, CsmsError, DatabaseChange, Fault};
use serde_json::Value as Json;

use crate::rotation::{logs_in, make, rotate, world};
use crate::world::{Secrets, code};

#[test]
fn who_sets_passwords_in_a_database_can_change_while_secrets_are_rotated_there() {
    let here = world();
    make(&here, Accounts::Dual, None).unwrap();
    rotate(&here).unwrap();
    here.servers.account("admin", "another");
    assert!(matches!(rotate(&here), Err(CsmsError::Database(Fault::Login(_)))));
    let set = |here: &Secrets, admin: Option<&str>, password: &str| {
        let change = DatabaseChange { ca: None, admin, password: password.to_owned().into() };
        here.csms.update_database(&here.root, "orders", change)
    };
    assert!(matches!(set(&here, None, "wrong"), Err(CsmsError::Database(Fault::Login(_)))));
    set(&here, None, "another").unwrap();
    rotate(&here).unwrap();
    here.servers.account("dba", "dba's");
    let changed = set(&here, Some("dba"), "dba's").unwrap();
    here.servers.forget("admin");
    let here = here.again();
    assert_eq!(here.csms.databases(&here.root).unwrap()[0].admin, changed.admin);
    rotate(&here).unwrap();
    assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some("app_clone"));
    // An account that is rotated there cannot be the one that does it.
    let value: Json = serde_json::from_str(&here.get("db", "SYSPREVIOUS").unwrap()).unwrap();
    set(&here, Some("app"), value["password"].as_str().unwrap()).unwrap();
    let refused = rotate(&here).unwrap_err().to_string();
    assert!(refused.contains("sets passwords"), "{refused}");
    assert_eq!(logs_in(&here, "SYSCURRENT").as_deref(), Some("app_clone"));
    let none = DatabaseChange { ca: None, admin: None, password: "another".to_owned().into() };
    assert_eq!(code(here.csms.update_database(&here.root, "none", none)), "CSMS.0005");
}
