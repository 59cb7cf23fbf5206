//! The operations beside the catalogue of the interface: none is at another place, none gets lost, and none takes a trace
//! away.

use std::collections::BTreeMap;

use dew::cts::{Act, TRACED, traced};

use super::{OPERATIONS, SERVICE};

/// Name, method and path of each operation that the vendor's SDKs have.
const CATALOGUE: &str = include_str!("catalogue.txt");

/// By name: whether it is offered, by which method and where.
fn catalogue() -> BTreeMap<&'static str, (bool, &'static str, &'static str)> {
    let line = |line: &'static str| {
        let offered = !line.starts_with('-');
        let mut words = line.trim_start_matches('-').split_whitespace();
        Some((words.next()?, (offered, words.next()?, words.next()?)))
    };
    CATALOGUE.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

#[test]
fn each_operation_is_where_the_catalogue_has_it_and_those_that_are_not_there_are_named() {
    let mut catalogue = catalogue();
    assert_eq!(catalogue.len(), 16);
    for row in OPERATIONS {
        let (offered, method, path) =
            catalogue.remove(row.name).unwrap_or_else(|| panic!("{} is unknown", row.name));
        assert_eq!((offered, row.method.as_str(), row.path), (true, method, path), "{}", row.name);
    }
    let lost: Vec<_> = catalogue.iter().filter(|(_, (offered, ..))| *offered).map(|(name, _)| name).collect();
    assert!(lost.is_empty(), "not offered any more, or marked with `-` in the catalogue: {lost:?}");
}

#[test]
fn what_changes_something_leaves_a_trace_and_what_only_looks_leaves_none() {
    for row in OPERATIONS {
        let looks = ["List", "Check"].iter().any(|word| row.name.starts_with(word));
        let act = traced(SERVICE.name, row.name).map(|row| row.act);
        assert_eq!(act, (!looks).then_some(Act::Change), "{}", row.name);
    }
    for traced in TRACED.iter().filter(|traced| traced.service == "CTS") {
        assert!(OPERATIONS.iter().any(|row| row.name == traced.operation), "{} is unknown", traced.operation);
    }
}

/// Requirement: CTS-058
#[test]
fn nothing_takes_a_trace_away_or_changes_one() {
    for (name, (_, method, path)) in catalogue() {
        assert!(method == "GET" || !path.contains("trace"), "{name} {method} {path}");
    }
}
