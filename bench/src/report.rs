//! The figures, as a text table, a Markdown table or JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::options::Options;
use crate::worker::Answer;

/// What one token did in one row: a rate for each round, unless something is wrong.
pub(crate) struct Cell {
    pub(crate) rates: Vec<f64>,
    pub(crate) problem: Option<String>,
}

/// One workload with one number of threads.
pub(crate) struct Row {
    pub(crate) workload: &'static str,
    pub(crate) threads: usize,
    pub(crate) cells: Vec<Cell>,
}

/// The whole run.
pub(crate) struct Report {
    pub(crate) tokens: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) notes: Vec<String>,
    /// Peak memory of each worker in KiB, or why it is not known.
    pub(crate) peaks: Vec<Result<u64, String>>,
    pub(crate) daemon_peak: Option<u64>,
}

/// The place of the token that the others are compared with.
const REFERENCE: usize = 1;

impl Cell {
    /// The cell as it stands after the preparation.
    pub(crate) fn before(answer: &Answer) -> Self {
        let problem = match answer {
            Answer::Ready(_) => None,
            Answer::Unsupported => Some("not supported".to_owned()),
            Answer::Failed(why) => Some(why.clone()),
            other => Some(format!("{other:?}")),
        };
        Self { rates: Vec::new(), problem }
    }

    /// Adds a round.
    pub(crate) fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Rate(rate) => self.rates.push(rate),
            Answer::Failed(why) => self.problem = Some(why),
            other => self.problem = Some(format!("{other:?}")),
        }
    }

    pub(crate) fn median(&self) -> Option<f64> {
        if self.problem.is_some() { None } else { median(&self.rates) }
    }

    /// Operations per second, or what is wrong.
    pub(crate) fn show(&self) -> String {
        match (&self.problem, self.median()) {
            (Some(problem), _) => problem.clone(),
            (None, Some(rate)) => format!("{}/s", rounded(rate)),
            (None, None) => "–".to_owned(),
        }
    }
}

impl Row {
    /// The ratios to the reference, round by round: median, least and most.
    fn ratio(&self, place: usize) -> Option<(f64, f64, f64)> {
        let (ours, reference) = (self.cells.get(place)?, self.cells.get(REFERENCE)?);
        if place == REFERENCE || ours.problem.is_some() || reference.problem.is_some() {
            return None;
        }
        let ratios: Vec<f64> = ours.rates.iter().zip(&reference.rates).map(|(a, b)| a / b).collect();
        let least = ratios.iter().copied().reduce(f64::min)?;
        let most = ratios.iter().copied().reduce(f64::max)?;
        Some((median(&ratios)?, least, most))
    }

    /// Microseconds of one operation in one thread, at the median rate.
    fn micros(&self, place: usize) -> Option<f64> {
        self.cells.get(place)?.median().map(|rate| self.threads as f64 * 1e6 / rate)
    }
}

impl Report {
    pub(crate) fn render(&self, options: &Options) -> String {
        if options.json {
            return format!("{:#}\n", self.json());
        }
        let mut out = table(&self.cells(), options.markdown);
        for note in &self.notes {
            let _ = writeln!(out, "\n{note}");
        }
        let memory = self.tokens.iter().zip(&self.peaks).map(|(name, peak)| match peak {
            Ok(kib) => format!("{name} {:.1} MiB", *kib as f64 / 1024.0),
            Err(why) => format!("{name}: {why}"),
        });
        let memory = memory.collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "\nPeak memory of each process that holds a module: {memory}.");
        if let Some(kib) = self.daemon_peak {
            let _ = writeln!(out, "Peak memory of the daemon: {:.1} MiB.", kib as f64 / 1024.0);
        }
        out
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let mut head = vec!["workload".to_owned(), "threads".to_owned()];
        for (place, name) in self.tokens.iter().enumerate() {
            head.extend([format!("{name} ops/s"), "µs/op".to_owned()]);
            if place != REFERENCE && self.tokens.len() > REFERENCE {
                head.push(format!("ratio to {} (least to most)", self.tokens[REFERENCE]));
            }
        }
        let mut lines = vec![head];
        for row in &self.rows {
            let mut line = vec![row.workload.to_owned(), row.threads.to_string()];
            for (place, cell) in row.cells.iter().enumerate() {
                line.push(cell.problem.clone().or_else(|| cell.median().map(rounded)).unwrap_or_default());
                line.push(row.micros(place).map_or("–".to_owned(), |micros| format!("{micros:.1}")));
                if place != REFERENCE && self.tokens.len() > REFERENCE {
                    line.push(row.ratio(place).map_or("–".to_owned(), |(middle, least, most)| {
                        format!("{middle:.2} ({least:.2} to {most:.2})")
                    }));
                }
            }
            lines.push(line);
        }
        lines
    }

    fn json(&self) -> Value {
        let row = |row: &Row| {
            let cells = self.tokens.iter().zip(&row.cells).enumerate().map(|(place, (name, cell))| {
                let ratio = row.ratio(place);
                json!({
                    "token": name,
                    "ops_per_second": cell.median(),
                    "rounds": cell.rates,
                    "problem": cell.problem,
                    "ratio": ratio.map(|(median, min, max)| json!({"median": median, "min": min, "max": max})),
                })
            });
            json!({"workload": row.workload, "threads": row.threads, "tokens": cells.collect::<Vec<_>>()})
        };
        let peaks =
            self.tokens.iter().zip(&self.peaks).map(|(name, peak)| (name.clone(), json!(peak.as_ref().ok())));
        json!({
            "rows": self.rows.iter().map(row).collect::<Vec<_>>(),
            "notes": self.notes,
            "peak_memory_kib": peaks.collect::<serde_json::Map<_, _>>(),
            "daemon_peak_memory_kib": self.daemon_peak,
        })
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted.get(middle).copied()
    } else {
        Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, *sorted.get(middle)?))
    }
}

/// A rate with as many digits as mean something.
pub(crate) fn rounded(rate: f64) -> String {
    if rate >= 100.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

fn table(lines: &[Vec<String>], markdown: bool) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let (start, between, end) = if markdown { ("| ", " | ", " |") } else { ("", "  ", "") };
    let mut out = String::new();
    for (number, line) in lines.iter().enumerate() {
        let padded = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let _ = writeln!(out, "{start}{}{end}", padded.collect::<Vec<_>>().join(between));
        if number == 0 && markdown {
            let rules = widths.iter().enumerate().map(|(column, &width)| {
                let (dashes, colon) = if column == 0 { (width + 2, "") } else { (width + 1, ":") };
                format!("|{}{colon}", "-".repeat(dashes))
            });
            let _ = writeln!(out, "{}|", rules.collect::<String>());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(rates: &[f64]) -> Cell {
        Cell { rates: rates.to_vec(), problem: None }
    }

    #[test]
    fn the_ratio_is_taken_round_by_round() {
        let row = Row {
            workload: "w",
            threads: 1,
            cells: vec![cell(&[10.0, 40.0, 30.0]), cell(&[10.0, 10.0, 10.0])],
        };
        assert_eq!(row.ratio(0), Some((3.0, 1.0, 4.0)));
        assert_eq!(row.ratio(1), None);
    }

    #[test]
    fn a_failed_token_has_no_rate_and_no_ratio() {
        let mut broken = cell(&[1.0]);
        broken.take(Answer::Failed("C_Sign answered 0x5".to_owned()));
        let row = Row { workload: "w", threads: 1, cells: vec![broken, cell(&[10.0])] };
        assert_eq!(row.ratio(0), None);
        assert_eq!(row.cells[0].show(), "C_Sign answered 0x5");
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn latency_counts_the_threads() {
        let row = Row { workload: "w", threads: 8, cells: vec![cell(&[1_000_000.0])] };
        assert_eq!(row.micros(0), Some(8.0));
    }

    #[test]
    fn a_markdown_table_has_a_rule_of_the_same_width() {
        let lines = [vec!["a".to_owned(), "bb".to_owned()], vec!["ccc".to_owned(), "1".to_owned()]];
        assert_eq!(table(&lines, true), "| a   | bb |\n|-----|---:|\n| ccc |  1 |\n");
    }
}
