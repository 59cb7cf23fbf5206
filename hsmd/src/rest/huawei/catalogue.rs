//! What the vendor's SDKs have, as each service has it in its `catalogue.txt`: a line for an operation, with name, method
//! and path, behind a `-` if it is not offered.

use std::collections::BTreeMap;

use crate::rest::operation::Row;

/// An operation of the SDKs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) offered: bool,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
}

/// The operations of a catalogue, by name.
pub(super) fn read(text: &'static str) -> BTreeMap<&'static str, Listed> {
    let line = |line: &'static str| {
        let offered = !line.starts_with('-');
        let mut words = line.trim_start_matches('-').split_whitespace();
        Some((words.next()?, Listed { offered, method: words.next()?, path: words.next()? }))
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

/// Whether each operation is where a catalogue of so many has it, and none of those that it says are offered is lost.
pub(super) fn check(operations: &[Row], text: &'static str, count: usize) {
    let mut catalogue = read(text);
    assert_eq!(catalogue.len(), count);
    for row in operations {
        let listed = catalogue.remove(row.name).unwrap_or_else(|| panic!("{} is unknown", row.name));
        let is = (listed.offered, listed.method, listed.path);
        assert_eq!(is, (true, row.method.as_str(), row.path), "{}", row.name);
    }
    let lost: Vec<_> = catalogue.iter().filter(|(_, listed)| listed.offered).map(|(name, _)| name).collect();
    assert!(lost.is_empty(), "not offered any more, or marked with `-` in the catalogue: {lost:?}");
}
