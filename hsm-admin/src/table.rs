//! Tables for people: columns as wide as what they hold, cut to fit the terminal.

use std::fmt::Write;

use anstyle::Style;
use audit_cli::cut;
use unicode_width::UnicodeWidthStr;

/// Spaces between two columns.
const GAP: usize = 2;

/// A column: its title, and how it may be narrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    right: bool,
    least: usize,
    whole: bool,
}

impl Column {
    /// Text, which is cut to no less than `least` columns if the table is too wide.
    pub(crate) const fn text(title: &'static str, least: usize) -> Self {
        Self { title, right: false, least, whole: false }
    }

    /// Text that is of no use if it is cut, such as what to do: the last column, which goes on in the next line.
    pub(crate) const fn whole(title: &'static str) -> Self {
        Self { title, right: false, least: usize::MAX, whole: true }
    }

    /// A number: stands on the right, and is never cut.
    pub(crate) const fn number(title: &'static str) -> Self {
        Self { title, right: true, least: usize::MAX, whole: false }
    }
}

/// A cell: text with a style.
#[derive(Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// The same in another style.
    pub(crate) const fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: printable(&text.to_string()), style: Style::new() }
    }
}

/// Rows under titles.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    empty: &'static str,
}

impl Table {
    /// A table that says `empty` where it has no rows.
    pub(crate) fn new(columns: &[Column], empty: &'static str) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), empty }
    }

    /// Adds a row: a cell a column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// The table in at most `width` columns, if its columns may be narrowed so far.
    pub(crate) fn render(&self, width: usize) -> String {
        if self.rows.is_empty() {
            return format!("{}\n", self.empty);
        }
        let widths = self.widths(width);
        let bold = Style::new().bold();
        let titles: Vec<_> = self.columns.iter().map(|c| Cell::from(c.title).styled(bold)).collect();
        let mut text = String::new();
        self.line(&titles, &widths, &mut text);
        for row in &self.rows {
            self.line(row, &widths, &mut text);
        }
        text
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<_> = self.columns.iter().map(|column| column.title.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let counted = widths.iter().zip(&self.columns).filter(|(_, column)| !column.whole);
        let mut over = (counted.map(|(width, _)| width).sum::<usize>() + gaps).saturating_sub(width);
        while over > 0 {
            let may_shrink = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(width, column)| **width > column.least.max(column.title.width()))
                .max_by_key(|(width, _)| **width);
            let Some((widest, _)) = may_shrink else { break };
            *widest -= 1;
            over -= 1;
        }
        widths
    }

    fn line(&self, cells: &[Cell], widths: &[usize], text: &mut String) {
        let mut behind = 0; // spaces owed to the columns so far: none ends a line
        for ((cell, &width), column) in cells.iter().zip(widths).zip(&self.columns) {
            let shown = cut(&cell.text, width);
            let pad = width.saturating_sub(shown.width());
            let (before, after) = if column.right { (pad, 0) } else { (0, pad) };
            let style = cell.style;
            if !shown.is_empty() {
                let _ = write!(text, "{:1$}{style}{shown}{style:#}", "", behind + before);
                behind = after + GAP;
            } else {
                behind += width + GAP;
            }
        }
        text.push('\n');
    }
}

/// Names and values below each other. The values are never cut, since people copy them from here.
pub(crate) fn facts(facts: Vec<(&str, Cell)>) -> String {
    let width = facts.iter().map(|(name, _)| name.width()).max().unwrap_or(0) + GAP;
    let bold = Style::new().bold();
    let mut text = String::new();
    for (name, Cell { text: value, style }) in facts {
        let pad = width.saturating_sub(name.width());
        let _ = writeln!(text, "{bold}{name}{bold:#}{:pad$}{style}{value}{style:#}", "");
    }
    text
}

/// `text` without what would move the cursor, change colours or turn the direction of writing: a label
/// is whatever a client made it.
pub(crate) fn printable(text: &str) -> String {
    let unsafe_to_show = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    text.chars().map(|c| if unsafe_to_show(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    fn sample(label: &str) -> Table {
        let mut table =
            Table::new(&[Column::number("SLOT"), Column::text("LABEL", 8), Column::text("STATE", 6)], "none");
        table.row(vec![Cell::from(3), Cell::from(label), Cell::from("ready").styled(Style::new().bold())]);
        table.row(vec![Cell::from(12), Cell::from("b"), Cell::from("")]);
        table
    }

    fn plain(table: &Table, width: usize) -> String {
        strip_str(&table.render(width)).to_string()
    }

    #[test]
    fn columns_are_as_wide_as_what_they_hold() {
        let text = plain(&sample("payments"), 80);
        assert_eq!(text, "SLOT  LABEL     STATE\n   3  payments  ready\n  12  b\n");
    }

    #[test]
    fn the_widest_text_is_cut_to_fit() {
        let text = plain(&sample("a label that is as long as labels get"), 30);
        assert_eq!(text, "SLOT  LABEL              STATE\n   3  a label that is …  ready\n  12  b\n");
        assert!(text.lines().all(|line| line.width() <= 30));
    }

    #[test]
    fn numbers_and_the_least_of_a_text_are_kept_however_narrow_the_terminal_is() {
        let text = plain(&sample("abcdefghijkl"), 5);
        assert_eq!(text, "SLOT  LABEL     STATE\n   3  abcdefg…  ready\n  12  b\n");
    }

    #[test]
    fn wide_characters_count_twice() {
        let text = plain(&sample("鍵鍵鍵鍵鍵鍵"), 5);
        assert_eq!(text, "SLOT  LABEL     STATE\n   3  鍵鍵鍵…   ready\n  12  b\n");
    }

    #[test]
    fn a_label_cannot_drive_the_terminal() {
        let text = sample("x\x1b[2J\x07\u{202e}y\n").render(80);
        assert!(!text.contains('\x07') && !text.contains("[2J\x07") && !text.contains('\u{202e}'));
        assert!(strip_str(&text).to_string().contains("x\u{fffd}[2J\u{fffd}\u{fffd}y\u{fffd}"));
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(Table::new(&[Column::text("LABEL", 8)], "no partitions").render(80), "no partitions\n");
    }

    #[test]
    fn what_is_to_be_read_whole_is_not_cut_and_takes_no_room_from_the_rest() {
        let mut table = Table::new(&[Column::text("LABEL", 3), Column::whole("WHY")], "none");
        table.row(vec![Cell::from("a label"), Cell::from("it does not answer: check its address")]);
        let text = strip_str(&table.render(12)).to_string();
        assert_eq!(text, "LABEL    WHY\na label  it does not answer: check its address\n");
    }

    #[test]
    fn facts_line_up_and_are_not_cut() {
        let text = facts(vec![("label", Cell::from("a")), ("serial number", Cell::from("b".repeat(90)))]);
        let text = strip_str(&text).to_string();
        assert_eq!(text, format!("label          a\nserial number  {}\n", "b".repeat(90)));
    }
}
