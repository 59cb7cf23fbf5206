//! Tags of secrets.

use crate::world::{Secrets, code};

fn tags(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Requirement: CSMS-104, CSMS-105
#[test]
fn secrets_are_found_by_all_of_their_tags() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let ids: Vec<_> = (0..3).map(|n| here.make(&format!("s{n}"), "x").unwrap().id.to_string()).collect();
    csms.tag_secret(root, &ids[0], &tags(&[("env", "prod")]), false).unwrap();
    csms.tag_secret(root, &ids[0], &tags(&[("team", "a"), ("env", "prod")]), true).unwrap();
    csms.tag_secret(root, &ids[1], &tags(&[("env", "test"), ("team", "a")]), true).unwrap();
    let found = |wanted: &[(&str, &[&str])], name: Option<&str>| -> Vec<String> {
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(key, values)| ((*key).to_owned(), values.iter().map(ToString::to_string).collect()))
            .collect();
        let found = csms.secrets_by_tags(root, &wanted, name).unwrap();
        found.iter().map(|secret| secret.name.clone()).collect()
    };
    assert_eq!(found(&[], None), ["s0", "s1", "s2"]);
    assert_eq!(found(&[("env", &["prod", "test"])], None), ["s0", "s1"]);
    assert_eq!(found(&[("env", &["prod"]), ("team", &["a"])], None), ["s0"]);
    assert_eq!(found(&[("team", &[])], Some("S1")), ["s1"]);
    let all = csms.tags_of_secrets(root).unwrap();
    assert_eq!(all["env"].iter().collect::<Vec<_>>(), ["prod", "test"]);
    csms.delete_secret_tag(root, &ids[0], "env").unwrap();
    assert!(csms.delete_secret_tag(root, &ids[0], "env").is_err());
    csms.untag_secret(root, &ids[1], &["team".into(), "none".into()]).unwrap();
    assert_eq!(found(&[("team", &[])], None), ["s0"]);
    let here = here.again();
    let left = here.csms.tags_of_secret(&here.root, &ids[1]).unwrap();
    assert_eq!(left.iter().collect::<Vec<_>>(), [("env", "test")]);
    let many: Vec<_> = (0..21).map(|n| (format!("k{n}"), String::new())).collect();
    assert_eq!(code(here.csms.tag_secret(&here.root, &ids[2], &many, true)), "CSMS.0002");
    here.csms.tag_secret(&here.root, &ids[2], &many[..20], true).unwrap();
    assert_eq!(code(here.csms.tag_secret(&here.root, &ids[2], &many[20..], true)), "CSMS.0002");
    assert_eq!(code(here.csms.tag_secret(&here.root, "no-id", &many[..1], true)), "CSMS.0106");
}
