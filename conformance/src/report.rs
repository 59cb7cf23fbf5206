//! Tables: for people at a terminal, and in Markdown.

use std::fmt::Write;

/// How a report is printed.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Form {
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print a Markdown table
    #[arg(long)]
    pub markdown: bool,
}

/// Rows in columns as wide as their longest cell, the last one left as it is.
#[must_use]
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(out, "{}", cells.join("  ").trim_end());
    }
    out
}

/// The same as a Markdown table; the first row is its head.
#[must_use]
pub fn markdown(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
        if number == 0 {
            let _ = writeln!(out, "|{}", "---|".repeat(row.len()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_markdown_keeps_a_bar_in_its_cell() {
        let rows = [vec!["a".to_owned(), "b|c".to_owned()], vec!["long".to_owned(), "d".to_owned()]];
        assert_eq!(table(&rows), "a     b|c\nlong  d\n");
        assert_eq!(markdown(&rows), "| a | b\\|c |\n|---|---|\n| long | d |\n");
    }
}
