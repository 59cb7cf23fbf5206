//! Versions and stages.

use std::sync::Arc;
use std::thread;

use dew::csms::{CURRENT, NewVersion, PENDING, PREVIOUS, Page};

use crate::world::{Secrets, code, value};

fn stages(here: &Secrets, name: &str) -> Vec<(String, String)> {
    let secret = here.csms.show_secret(&here.root, name).unwrap();
    let mut all: Vec<_> =
        secret.stages.iter().map(|stage| (stage.name.clone(), stage.version.to_string())).collect();
    all.sort();
    all
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    all.sort();
    all
}

/// Requirement: CSMS-074, CSMS-076, CSMS-081, CSMS-083, CSMS-084, CSMS-085, CSMS-089
#[test]
fn stages_say_which_version_is_which() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    here.make("db", "one").unwrap();
    assert_eq!(stages(&here, "db"), pairs(&[(CURRENT, "v1")]));
    assert_eq!(here.put("db", "two").unwrap(), "v2");
    assert_eq!(stages(&here, "db"), pairs(&[(CURRENT, "v2"), (PREVIOUS, "v1")]));
    assert_eq!(here.put_at("db", "three", &[PENDING, "blue"]).unwrap(), "v3");
    assert_eq!(
        stages(&here, "db"),
        pairs(&[(CURRENT, "v2"), (PREVIOUS, "v1"), (PENDING, "v3"), ("blue", "v3")])
    );
    assert_eq!(here.get("db", "blue").unwrap(), "three");
    csms.put_stage(root, "db", "blue", "v1").unwrap();
    assert_eq!(here.get("db", "blue").unwrap(), "one");
    csms.put_stage(root, "db", CURRENT, "v3").unwrap();
    csms.delete_stage(root, "db", PENDING).unwrap();
    assert_eq!(stages(&here, "db"), pairs(&[(CURRENT, "v3"), (PREVIOUS, "v2"), ("blue", "v1")]));
    let here = here.again();
    assert_eq!(here.current("db").unwrap(), "three");
    assert_eq!(here.get("db", PREVIOUS).unwrap(), "two");
}

/// Requirement: CSMS-086, CSMS-087, CSMS-088
#[test]
fn stages_have_names_and_a_number_and_those_of_the_system_stay() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    here.make("db", "one").unwrap();
    here.put("db", "two").unwrap();
    for built_in in [CURRENT, PREVIOUS] {
        assert_eq!(code(csms.delete_stage(root, "db", built_in)), "CSMS.0105");
    }
    for number in 0..10 {
        csms.put_stage(root, "db", &format!("stage-{number}"), "v1").unwrap();
    }
    assert_eq!(code(csms.put_stage(root, "db", "one-more", "v1")), "CSMS.0204");
    assert_eq!(code(here.put_at("db", "three", &["one-more"])), "CSMS.0204");
    csms.put_stage(root, "db", "stage-3", "v2").unwrap();
    csms.delete_stage(root, "db", "stage-4").unwrap();
    csms.put_stage(root, "db", "one-more", "v1").unwrap();
    for (stage, version, expected) in [
        ("", "v1", "CSMS.0002"),
        ("a b", "v1", "CSMS.0002"),
        (&"s".repeat(65), "v1", "CSMS.0002"),
        ("SYSOTHER", "v1", "CSMS.0002"),
        ("v1", "v1", "CSMS.0002"),
        ("blue", "v9", "CSMS.0005"),
        ("blue", CURRENT, "CSMS.0005"),
        ("blue", "1", "CSMS.0005"),
    ] {
        assert_eq!(code(csms.put_stage(root, "db", stage, version)), expected, "{stage} {version}");
    }
    assert_eq!(code(csms.delete_stage(root, "db", "none")), "CSMS.0005");
    assert_eq!(code(here.put_at("db", "x", &[])), "CSMS.0002");
}

/// Requirement: CSMS-075, CSMS-082
#[test]
fn deprecated_versions_go_when_there_is_no_more_room() {
    let here = Secrets::new();
    here.make("db", "text 1").unwrap();
    here.csms.put_stage(&here.root, "db", "kept", "v1").unwrap();
    for number in 2..=20 {
        here.put("db", &format!("text {number}")).unwrap();
    }
    assert_eq!(here.get("db", "v2").unwrap(), "text 2");
    assert_eq!(here.put("db", "text 21").unwrap(), "v21");
    assert_eq!(code(here.get("db", "v2")), "CSMS.0005");
    assert_eq!(here.get("db", "v1").unwrap(), "text 1");
    assert_eq!(here.get("db", "v3").unwrap(), "text 3");
    let page = Page { limit: Some("7"), marker: None };
    let (_, first) = here.csms.list_versions(&here.root, "db", &page).unwrap();
    assert_eq!(first.items.len(), 7);
    let page = Page { limit: Some("50"), marker: first.next.as_deref() };
    let (_, rest) = here.csms.list_versions(&here.root, "db", &page).unwrap();
    let ids: Vec<_> = first.items.iter().chain(&rest.items).map(|version| version.id.0).collect();
    assert_eq!(ids, [vec![1], (3..=21).collect()].concat());
}

#[test]
fn writers_at_once_lose_no_version_and_leave_one_current() {
    let here = Arc::new(Secrets::new());
    here.make("db", "0").unwrap();
    let writers: Vec<_> = (1..=8)
        .map(|writer| {
            let here = Arc::clone(&here);
            thread::spawn(move || {
                (0..8).map(|n| here.put("db", &format!("{writer}.{n}")).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut ids: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    ids.sort_by_key(|id| id[1..].parse::<u32>().unwrap());
    assert_eq!(ids, (2..=65).map(|n| format!("v{n}")).collect::<Vec<_>>());
    assert_eq!(stages(&here, "db"), pairs(&[(CURRENT, "v65"), (PREVIOUS, "v64")]));
}

/// Requirement: CSMS-078, CSMS-079, CSMS-090, CSMS-091
#[test]
fn a_version_expires_when_it_is_told_to() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    here.make("db", "one").unwrap();
    let soon = csms.now() + 1000;
    let new = NewVersion { value: &value("two"), stages: None, expires: Some(soon) };
    assert_eq!(csms.create_version(root, "db", &new).unwrap().1.expires, Some(soon));
    let past = NewVersion { value: &value("three"), stages: None, expires: Some(csms.now()) };
    assert_eq!(code(csms.create_version(root, "db", &past)), "CSMS.0002");
    assert_eq!(code(csms.expire_version(root, "db", "v1", csms.now())), "CSMS.0002");
    assert_eq!(code(csms.expire_version(root, "db", "v7", soon)), "CSMS.0005");
    csms.expire_version(root, "db", "v1", soon + 1).unwrap();
    let (_, listed) = csms.list_versions(root, "db", &Page::default()).unwrap();
    let expiries: Vec<_> = listed.items.iter().map(|version| version.expires).collect();
    assert_eq!(expiries, [Some(soon + 1), Some(soon)]);
}
