//! The operations beside the catalogue of the interface: none is at another place, none gets lost, and none takes a trace
//! away.

use dew::cts::{Act, TRACED, traced};

use super::super::catalogue;
use super::{OPERATIONS, SERVICE};

/// Name, method and path of each operation that the vendor's SDKs have.
const CATALOGUE: &str = include_str!("catalogue.txt");

#[test]
fn each_operation_is_where_the_catalogue_has_it_and_those_that_are_not_there_are_named() {
    catalogue::check(OPERATIONS, CATALOGUE, 16);
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
    for (name, catalogue::Listed { method, path, .. }) in catalogue::read(CATALOGUE) {
        assert!(method == "GET" || !path.contains("trace"), "{name} {method} {path}");
    }
}
