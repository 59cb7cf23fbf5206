//! Secrets: made, changed, deleted, and whose they are.

use crypto::Secret as Bytes;
use dew::csms::{CURRENT, NewSecret, SecretChange, State, Value};
use dew::iam::EnterpriseProjectId;
use dew::kms::spec::{Spec, Usage};
use dew::kms::{NewGrant, Scheme};
use hsm::service::{Kind, Write};

use crate::support;
use crate::world::{Secrets, code, new, value};

/// Requirement: CSMS-018, CSMS-020, CSMS-023, CSMS-027, CSMS-031
#[test]
fn a_secret_keeps_its_first_value_under_the_default_key() {
    let here = Secrets::new();
    let text = "{\"user\": \"app\",\n \"password\": \"ä\\u0000 \"}";
    let secret = here.make("db", text).unwrap();
    assert_eq!((secret.state(), secret.kind.name()), (State::Enabled, "COMMON"));
    assert_eq!(here.current("db").unwrap(), text);
    assert_eq!(here.get("db", "v1").unwrap(), text);
    let key = here.world.kms.describe_key(&here.root, &secret.key.to_string()).unwrap();
    assert!(key.default && key.name == "csms/default");
    let bytes: Vec<u8> = (0..=255).collect();
    let binary = Value::Binary(Bytes::new(bytes.clone()));
    here.csms.create_secret(&here.root, new("bytes", &binary)).unwrap();
    let here = here.again();
    assert_eq!(here.current("db").unwrap(), text);
    match here.csms.show_version(&here.root, "bytes", CURRENT).unwrap().2 {
        Value::Binary(back) => assert_eq!(back.as_bytes(), bytes),
        Value::Text(_) => panic!("text"),
    }
}

/// Requirement: CSMS-019, CSMS-025
#[test]
fn there_are_as_many_secrets_as_there_may_be_and_each_has_its_own_name() {
    let here = Secrets::new();
    for number in 0..200 {
        here.make(&format!("s{number}"), "x").unwrap();
    }
    assert_eq!(code(here.make("more", "x")), "CSMS.0202");
    assert_eq!(code(here.make("s7", "x")), "CSMS.0101");
    here.csms.delete_secret(&here.root, "s7").unwrap();
    here.make("more", "x").unwrap();
    // Another project has its own.
    let other = here.world.root(&here.world.account("other"));
    here.csms.create_secret(&other, new("s1", &value("theirs"))).unwrap();
    assert_eq!(here.get_by(&other, "s1", CURRENT).unwrap(), "theirs");
    assert_eq!(here.current("s1").unwrap(), "x");
    assert_eq!(code(here.get_by(&other, "s2", CURRENT)), "CSMS.0106");
}

/// Requirement: CSMS-021, CSMS-022, CSMS-058, CSMS-059
#[test]
fn values_are_under_the_key_that_was_the_secrets_when_they_came() {
    let here = Secrets::new();
    let (kms, root) = (&here.world.kms, &here.root);
    let first = here.world.key(root, support::new("first", Spec::Aes256));
    let second = here.world.key(root, support::new("second", Spec::Aes256));
    let given = value("one");
    kms.create_alias(root, &first, "alias-of-first").unwrap();
    here.csms.create_secret(root, NewSecret { key: Some("alias-of-first"), ..new("db", &given) }).unwrap();
    let change =
        SecretChange { key: Some(&second), description: Some("of the shop"), ..SecretChange::default() };
    let changed = here.csms.update_secret(root, "db", change).unwrap();
    assert_eq!((changed.key.to_string(), changed.description.as_str()), (second.clone(), "of the shop"));
    here.put("db", "two").unwrap();
    let secret = here.csms.show_secret(root, "db").unwrap();
    let keys: Vec<_> = secret.versions.iter().map(|version| version.key.to_string()).collect();
    assert_eq!(keys, [first.clone(), second.clone()]);
    // Rotated keys open what their former versions closed.
    kms.rotate_now(root, &first).unwrap();
    assert_eq!(here.get("db", "v1").unwrap(), "one");
    kms.disable_key(root, &first).unwrap();
    assert_eq!(code(here.get("db", "v1")), "CSMS.0401");
    assert_eq!(here.get("db", "v2").unwrap(), "two");
    kms.disable_key(root, &second).unwrap();
    assert_eq!(code(here.put("db", "three")), "CSMS.0401");
    kms.enable_key(root, &first).unwrap();
    assert_eq!(here.get("db", "v1").unwrap(), "one");
    let pair = here.world.key(root, support::new("pair", Spec::Rsa2048));
    let mac = here.world.key(root, support::used(Usage::Mac, support::new("mac", Spec::Hmac256)));
    for key in [&pair, &mac, "no-such", "0d0466b0-e727-4d9c-b35d-f84bb474a37f"] {
        let refused = NewSecret { key: Some(key), ..new("other", &given) };
        assert_eq!(code(here.csms.create_secret(root, refused)), "CSMS.0401", "{key}");
    }
    assert_eq!(code(here.csms.show_secret(root, "other")), "CSMS.0106");
}

/// Requirement: CSMS-029
#[test]
fn a_key_of_another_account_serves_who_was_granted_it() {
    let here = Secrets::new();
    let (kms, root) = (&here.world.kms, &here.root);
    let lender = here.world.account("lender");
    let owner = here.world.root(&lender);
    let key = here.world.key(&owner, support::new("lent", Spec::Aes256));
    let given = value("one");
    let secret = || here.csms.create_secret(root, NewSecret { key: Some(&key), ..new("db", &given) });
    assert_eq!(code(secret()), "CSMS.0401");
    let operations = ["create-datakey", "decrypt-datakey"].map(String::from);
    let grantee = root.identity.account.to_string();
    let grant = NewGrant {
        grantee: &grantee,
        kind: Some("domain"),
        operations: &operations,
        name: None,
        retiring: None,
    };
    let grant = kms.create_grant(&owner, &key, grant).unwrap();
    secret().unwrap();
    assert_eq!(here.current("db").unwrap(), "one");
    kms.revoke_grant(&owner, &key, &grant.id.to_string()).unwrap();
    assert_eq!(code(here.current("db")), "CSMS.0401");
}

/// Requirement: CSMS-028
#[test]
fn what_csms_encrypted_is_no_data_of_the_kms() {
    let here = Secrets::new();
    let (kms, root) = (&here.world.kms, &here.root);
    here.make("db", "one").unwrap();
    let blob = here.csms.back_up_secret(root, "db").unwrap();
    // The data key of the blob: 9 bytes, a length of two, then what the KMS encrypted.
    let sealed = &blob[11..11 + usize::from(u16::from_be_bytes([blob[9], blob[10]]))];
    let opened = kms.decrypt_data(root, None, Scheme::Symmetric, sealed, b"secret backup");
    assert_eq!(opened.unwrap_err().code().1, "KMS.2201");
}

#[test]
fn a_value_is_of_its_secret_and_its_version_alone() {
    let here = Secrets::new();
    here.make("one", "first").unwrap();
    here.put("one", "second").unwrap();
    here.make("other", "another").unwrap();
    let project = here.root.project.unwrap().to_string();
    let partition = here.world.hsm.partition_named(&project).unwrap();
    let values = || here.world.hsm.service_records_in(&partition, Kind::CsmsValue).unwrap();
    assert_eq!(values().len(), 3);
    // Each value in the place of each other one, as somebody might put it who has the store's keys.
    for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0)] {
        let all = values();
        let ((_, _, taken), (number, was, kept)) = (&all[from], &all[to]);
        let put = |was, bytes: &[u8]| {
            let write =
                Write { kind: Kind::CsmsValue, number: *number, was: Some(was), value: Some(bytes.to_vec()) };
            here.world.hsm.service_keep(&partition, vec![write]).unwrap()
        };
        let now = put(*was, taken.as_bytes());
        let (name, version) = [("one", "v1"), ("one", "v2"), ("other", "v1")][to];
        assert_eq!(code(here.get(name, version)), "CSMS.0401", "{from} in the place of {to}");
        put(now, kept.as_bytes());
    }
    assert_eq!(
        (here.get("one", "v1").unwrap(), here.get("other", "v1").unwrap()),
        ("first".into(), "another".into())
    );
}

/// Requirement: CSMS-055, CSMS-061, CSMS-062, CSMS-063, CSMS-064
#[test]
fn a_secret_that_is_to_go_is_closed_until_it_is_kept_after_all() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    here.make("db", "one").unwrap();
    for days in [0, 6, 31, u64::MAX] {
        assert_eq!(code(csms.schedule_secret_deletion(root, "db", days)), "CSMS.0002");
    }
    assert_eq!(code(csms.cancel_secret_deletion(root, "db")), "CSMS.0108");
    let pending = csms.schedule_secret_deletion(root, "db", 7).unwrap();
    assert_eq!(pending.state().name(), "PENDING_DELETE");
    assert_eq!(code(csms.schedule_secret_deletion(root, "db", 7)), "CSMS.0107");
    for refused in [
        code(here.current("db")),
        code(here.put("db", "two")),
        code(csms.delete_secret(root, "db")),
        code(csms.update_secret(
            root,
            "db",
            SecretChange { description: Some("x"), ..SecretChange::default() },
        )),
        code(csms.put_stage(root, "db", "blue", "v1")),
        code(csms.back_up_secret(root, "db")),
    ] {
        assert_eq!(refused, "CSMS.0103");
    }
    // Its name is its own until it is gone.
    assert_eq!(code(here.make("db", "another")), "CSMS.0101");
    here.world.pass_days(6);
    assert_eq!(here.run_due(), 0);
    csms.cancel_secret_deletion(root, "db").unwrap();
    assert_eq!(here.current("db").unwrap(), "one");
    here.world.pass_days(2);
    assert_eq!(here.run_due(), 0);
    assert_eq!(here.current("db").unwrap(), "one");
}

/// Requirement: CSMS-066
#[test]
fn a_secret_that_is_deleted_is_gone_with_its_values() {
    let here = Secrets::new();
    here.make("db", "one").unwrap();
    here.put("db", "two").unwrap();
    here.csms.delete_secret(&here.root, "db").unwrap();
    assert_eq!(code(here.current("db")), "CSMS.0106");
    assert_eq!(code(here.csms.delete_secret(&here.root, "db")), "CSMS.0106");
    here.make("db", "three").unwrap();
    let here = here.again();
    assert_eq!(here.current("db").unwrap(), "three");
    assert_eq!(here.csms.list_secrets(&here.root, None, &dew::csms::Page::default()).unwrap().items.len(), 1);
}

#[test]
fn a_change_that_cannot_be_kept_is_not_seen() {
    let here = Secrets::new();
    here.make("db", "one").unwrap();
    here.world.fail_after(0);
    assert!(here.put("db", "two").is_err());
    here.world.fail_after(0);
    assert!(here.make("other", "x").is_err());
    here.world.fail_after(0);
    assert!(here.csms.delete_secret(&here.root, "db").is_err());
    let here = here.again();
    assert_eq!(here.current("db").unwrap(), "one");
    assert_eq!(code(here.get("db", "v2")), "CSMS.0005");
    assert_eq!(code(here.current("other")), "CSMS.0106");
    assert_eq!(here.put("db", "two").unwrap(), "v2");
}

#[test]
fn bad_input_says_what_was_expected() {
    let here = Secrets::new();
    let given = value("x");
    for bad in [
        NewSecret { name: "a b", ..new("a", &given) },
        NewSecret { description: &"d".repeat(2049), ..new("a", &given) },
        NewSecret { value: &value(""), ..new("a", &given) },
        NewSecret { value: &value(&"v".repeat(32769)), ..new("a", &given) },
        NewSecret { value: &Value::Binary(Bytes::new(vec![0; 24577])), ..new("a", &given) },
        NewSecret { enterprise_project: EnterpriseProjectId([9; 16]), ..new("a", &given) },
    ] {
        assert_eq!(code(here.csms.create_secret(&here.root, bad)), "CSMS.0002");
    }
    let no_event = NewSecret { event: Some("none"), ..new("a", &given) };
    assert_eq!(code(here.csms.create_secret(&here.root, no_event)), "CSMS.0005");
    let most = value(&"v".repeat(32768));
    here.csms.create_secret(&here.root, new("text", &most)).unwrap();
    let most = Value::Binary(Bytes::new(vec![7; 24576]));
    here.csms.create_secret(&here.root, new("bytes", &most)).unwrap();
    assert_eq!(here.current("text").unwrap().len(), 32768);
}
