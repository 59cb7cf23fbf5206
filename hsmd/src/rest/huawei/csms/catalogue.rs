//! The operations beside the catalogue of the interface: none is at another place, and none gets lost.

use dew::cts::{Act, TRACED, traced};
use wire::admin::kms::{CSMS, Kind, kind};

use super::super::catalogue;
use super::{OPERATIONS, SERVICE};
use crate::rest::databases;

/// Name, method and path of each operation that the vendor's SDKs have.
const CATALOGUE: &str = include_str!("catalogue.txt");

#[test]
fn each_operation_is_where_the_catalogue_has_it_and_those_that_are_not_there_are_named() {
    catalogue::check(OPERATIONS, CATALOGUE, 46);
}

#[test]
fn what_changes_something_or_gives_a_value_out_leaves_a_trace_and_what_only_looks_leaves_none() {
    let operations = || OPERATIONS.iter().chain(databases::OPERATIONS);
    for row in operations() {
        let looks = ["List", "Show", "Check", "Generate"].iter().any(|word| row.name.starts_with(word));
        let expected = match (row.name, looks) {
            ("ShowSecretVersion", _) => Some(Act::Use),
            (_, looks) => (!looks).then_some(Act::Change),
        };
        assert_eq!(traced(SERVICE.name, row.name).map(|row| row.act), expected, "{}", row.name);
    }
    for row in operations() {
        let act = traced(SERVICE.name, row.name).map(|row| row.act);
        let fits = match kind(&format!("{CSMS}{}", row.name)) {
            Kind::Look => act.is_none(),
            Kind::Use => act != Some(Act::Use),
            Kind::Reveal => act == Some(Act::Use),
            Kind::Change | Kind::Delete => act == Some(Act::Change),
        };
        assert!(fits, "{} is something else to the console", row.name);
    }
    for traced in TRACED.iter().filter(|traced| traced.service == "CSMS") {
        assert!(operations().any(|row| row.name == traced.operation), "{} is unknown", traced.operation);
    }
}
