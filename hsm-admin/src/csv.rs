//! Comma-separated values (RFC 4180), for spreadsheets and programs. What a cell holds is text, whatever it looks like.

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// A row, each cell quoted. One that a spreadsheet would take for a formula has a `'` in front.
pub(crate) fn row<T: AsRef<str>>(cells: impl IntoIterator<Item = T>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|cell| quoted(cell.as_ref())).collect();
    cells.join(",") + "\r\n"
}

fn quoted(text: &str) -> String {
    let shield = if text.trim_start().starts_with(FORMULA) { "'" } else { "" };
    format!("\"{shield}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_breaks_out() {
        for (cell, quoted) in [
            ("=1", "\"'=1\""),
            (" @SUM(1)", "\"' @SUM(1)\""),
            ("－1", "\"'－1\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("1-1", "\"1-1\""),
            ("", "\"\""),
        ] {
            assert_eq!(row([cell, "plain"]), format!("{quoted},\"plain\"\r\n"));
        }
    }
}
