//! Backups of secrets.

use dew::csms::{CURRENT, NewSecret, PREVIOUS, SecretChange};
use dew::kms::spec::Spec;

use crate::support;
use crate::world::{Secrets, code, new, value};

/// Requirement: CSMS-067, CSMS-068, CSMS-069, CSMS-070, CSMS-071, CSMS-073
#[test]
fn a_secret_comes_back_from_its_backup_with_its_versions_under_another_id() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let given = value("first-value");
    let made = NewSecret { key: None, description: "of the shop", ..new("db", &given) };
    let before = csms.create_secret(root, made).unwrap();
    here.put("db", "second-value").unwrap();
    csms.put_stage(root, "db", "blue", "v1").unwrap();
    let other = here.world.key(root, support::new("other", Spec::Aes256));
    csms.update_secret(root, "db", SecretChange { key: Some(&other), ..SecretChange::default() }).unwrap();
    here.put("db", "third-value").unwrap();
    let blob = csms.back_up_secret(root, "db").unwrap();
    for clear in ["first-value", "third-value", "of the shop"] {
        assert!(!blob.windows(clear.len()).any(|part| part == clear.as_bytes()), "{clear}");
    }
    assert_eq!(code(csms.restore_secret(root, &blob)), "CSMS.0101");
    csms.delete_secret(root, "db").unwrap();
    let after = csms.restore_secret(root, &blob).unwrap();
    assert_ne!(after.id, before.id);
    assert_eq!((after.description.as_str(), after.created), ("of the shop", before.created));
    for (version, text) in [
        ("v1", "first-value"),
        ("v2", "second-value"),
        ("v3", "third-value"),
        ("blue", "first-value"),
        (CURRENT, "third-value"),
        (PREVIOUS, "second-value"),
    ] {
        assert_eq!(here.get("db", version).unwrap(), text, "{version}");
    }
    assert_eq!(here.put("db", "fourth").unwrap(), "v4");
    // Twice from one blob is one too many.
    assert_eq!(code(csms.restore_secret(root, &blob)), "CSMS.0101");
    let here = here.again();
    assert_eq!(here.get("db", "v2").unwrap(), "second-value");
}

/// Requirement: CSMS-072
#[test]
fn a_damaged_or_foreign_blob_is_refused() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    here.make("db", "one").unwrap();
    let blob = csms.back_up_secret(root, "db").unwrap();
    csms.delete_secret(root, "db").unwrap();
    let there = Secrets::new();
    assert_eq!(code(there.csms.restore_secret(&there.root, &blob)), "CSMS.0002");
    for at in 0..blob.len() {
        let mut damaged = blob.clone();
        damaged[at] ^= 1;
        assert_eq!(code(csms.restore_secret(root, &damaged)), "CSMS.0002", "byte {at}");
    }
    for short in [0, 1, 8, 9, 11, 40, blob.len() - 1] {
        assert_eq!(code(csms.restore_secret(root, &blob[..short])), "CSMS.0002", "{short} bytes");
    }
    let long = [blob.as_slice(), &[0]].concat();
    assert_eq!(code(csms.restore_secret(root, &long)), "CSMS.0002");
    assert_eq!(code(csms.restore_secret(root, &vec![0; 3 << 20])), "CSMS.0002");
    assert_eq!(code(here.current("db")), "CSMS.0106");
    // Of another account, whose keys are not its own.
    let other = here.world.root(&here.world.account("other"));
    assert!(csms.restore_secret(&other, &blob).is_err());
    csms.restore_secret(root, &blob).unwrap();
    assert_eq!(here.current("db").unwrap(), "one");
}
