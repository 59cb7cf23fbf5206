//! The operations beside the catalogue of the interface: none is at another place, and none gets lost.

use std::collections::BTreeSet;

use dew::cts::{Act, TRACED, traced};
use wire::admin::kms::{Kind, kind};

use super::super::catalogue;
use super::{OPERATIONS, SERVICE};
use crate::rest::own;

/// Name, method and path of each operation that the vendor's SDKs have.
const CATALOGUE: &str = include_str!("catalogue.txt");

#[test]
fn each_operation_is_where_the_catalogue_has_it_and_those_that_are_not_there_are_named() {
    catalogue::check(OPERATIONS, CATALOGUE, 75);
}

#[test]
fn the_console_knows_what_each_operation_does() {
    for (name, catalogue::Listed { method, .. }) in catalogue::read(CATALOGUE) {
        let known = kind(name);
        let looks = ["List", "Show"].iter().any(|word| name.starts_with(word));
        assert_eq!(known == Kind::Look, looks, "{name}");
        assert!(!looks || ["GET", "POST"].contains(&method), "{name}");
        let takes_away = ["Delete", "Cancel"].iter().any(|word| name.starts_with(word));
        let harmless = ["CancelKeyDeletion", "DeleteTag"].contains(&name);
        assert_eq!(known == Kind::Delete, takes_away && !harmless, "{name}");
    }
}

/// Requirement: CTS-001
#[test]
fn each_operation_that_does_something_leaves_a_trace_and_what_only_looks_leaves_none() {
    let mut names: BTreeSet<_> = catalogue::read(CATALOGUE).into_keys().collect();
    names.extend(own::OPERATIONS.iter().map(|row| row.name));
    for name in &names {
        let act = traced(SERVICE.name, name).map(|row| row.act);
        let expected = match kind(name) {
            // That somebody was told what a deletion does is worth a trace.
            Kind::Look if *name == "TellDeletionRisk" => Some(Act::Use),
            Kind::Look => None,
            Kind::Use | Kind::Reveal => Some(Act::Use),
            Kind::Change | Kind::Delete => Some(Act::Change),
        };
        assert_eq!(act, expected, "{name}");
    }
    for row in TRACED.iter().filter(|row| row.service == "KMS") {
        assert!(names.contains(row.operation), "{} is unknown", row.operation);
    }
}
