//! What the user guide of the service promises of an instance (Dedicated HSM, "Edition parameters"), and how far a
//! run came.

use crate::report::{Row, rounded};

/// Workloads, what they are to the guide, and operations per second that it promises.
const PROMISED: &[(&str, &str, f64)] = &[
    ("rsa2048-sign", "RSA-2048 signatures", 1_500.0),
    ("rsa2048-verify", "RSA-2048 verifications", 25_000.0),
    ("p256-sign", "ECDSA-256 signatures", 23_000.0),
    ("p256-verify", "ECDSA-256 verifications", 9_000.0),
    ("dsa2048-sign", "DSA-2048 signatures", 2_800.0),
    ("dsa2048-verify", "DSA-2048 verifications", 3_000.0),
];

/// A line for each promise that the run measured: the first token's best over the numbers of threads, against it.
pub(crate) fn compared(rows: &[Row]) -> Vec<String> {
    PROMISED.iter().filter_map(|(workload, what, promised)| line(rows, workload, what, *promised)).collect()
}

fn line(rows: &[Row], workload: &str, what: &str, promised: f64) -> Option<String> {
    let rows = rows.iter().filter(|row| row.workload == workload);
    let rates = rows.filter_map(|row| Some((row.cells.first()?.median()?, row.threads)));
    let (rate, threads) = rates.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let plural = if threads == 1 { "" } else { "s" };
    Some(format!(
        "{what} a second: {} with {threads} thread{plural}, against {promised:.0} of the guide ({:.2} times).",
        rounded(rate),
        rate / promised
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Cell;
    use crate::workload::WORKLOADS;

    fn row(workload: &'static str, threads: usize, rate: f64) -> Row {
        Row { workload, threads, cells: vec![Cell { rates: vec![rate], problem: None }] }
    }

    /// Requirement: DHSM-024, DHSM-025, DHSM-026, DHSM-027, DHSM-028, DHSM-029
    #[test]
    fn each_figure_of_the_guide_is_measured_and_told_beside_it() {
        for (workload, what, promised) in PROMISED {
            assert!(WORKLOADS.iter().any(|known| known.name == *workload), "{workload} is not run");
            let lines = compared(&[row(workload, 1, promised / 2.0), row(workload, 8, promised * 3.0)]);
            let [line] = lines.as_slice() else { panic!("{lines:?}") };
            assert!(line.starts_with(what) && line.ends_with("of the guide (3.00 times)."), "{line}");
            assert!(line.contains("with 8 threads, against"), "{line}");
        }
        let promised: Vec<_> = PROMISED.iter().map(|(_, _, promised)| *promised).collect();
        assert_eq!(promised, [1500.0, 25_000.0, 23_000.0, 9000.0, 2800.0, 3000.0]);
    }

    #[test]
    fn what_was_not_measured_is_not_told_of() {
        let failed = Row {
            workload: "p256-sign",
            threads: 1,
            cells: vec![Cell { rates: vec![1.0], problem: Some("C_Sign answered 0x5".into()) }],
        };
        assert_eq!(compared(&[failed, row("sha256-64B", 1, 1.0)]), Vec::<String>::new());
    }
}
