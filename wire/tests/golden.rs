//! What crosses the socket is what crossed it in every release before.
//!
//! `golden.txt` has the encoding of a sample of everything. If a test here fails, a module of the last release
//! cannot talk to this daemon any more. Give the changed call a new code, or the protocol a new version; a new
//! row is added with `UPDATE_GOLDEN=1 cargo test -p wire --test golden`, and its lines are reviewed.

use std::collections::HashSet;
use std::fmt::Write;

use samples::{codes, rows};

mod samples;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");

#[test]
fn everything_is_encoded_as_it_always_was() {
    let mut now = String::new();
    for (name, bytes) in rows() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(now, "{name}: {hex}").unwrap();
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(FILE, &now).unwrap();
    }
    let golden = std::fs::read_to_string(FILE).unwrap();
    for (line, expected) in now.lines().zip(golden.lines()) {
        assert_eq!(line, expected, "the encoding changed: read the head of this file");
    }
    assert_eq!(
        now.lines().count(),
        golden.lines().count(),
        "rows were added or lost: read the head of this file"
    );
}

#[test]
fn every_call_has_a_sample() {
    let names: HashSet<_> = rows().into_iter().map(|(name, _)| name).collect();
    for (code, name) in codes() {
        assert!(names.contains(&format!("{code:04x} {name} request")), "{name} has no sample");
        assert!(names.contains(&format!("{code:04x} {name} reply 0")), "{name} has no sample of a reply");
    }
}

#[test]
fn no_code_is_given_twice() {
    let codes = codes();
    let different: HashSet<_> = codes.iter().map(|(code, _)| code).collect();
    assert_eq!(different.len(), codes.len());
}
