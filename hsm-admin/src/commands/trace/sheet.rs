//! Traces in rows, as files for other programs. What a cell holds is text in each of them, whatever it looks like.

use rust_xlsxwriter::{Workbook, XlsxError};
use serde_json::Value;

use crate::csv;

/// The columns: fields of a trace, some within another.
const COLUMNS: [(&str, &str); 22] = [
    ("time", "/time"),
    ("trace_name", "/trace_name"),
    ("trace_rating", "/trace_rating"),
    ("trace_type", "/trace_type"),
    ("service_type", "/service_type"),
    ("resource_type", "/resource_type"),
    ("resource_name", "/resource_name"),
    ("resource_id", "/resource_id"),
    ("user", "/user/name"),
    ("access_key_id", "/user/access_key_id"),
    ("source_ip", "/source_ip"),
    ("enterprise_project_id", "/enterprise_project_id"),
    ("code", "/code"),
    ("trace_id", "/trace_id"),
    ("request", "/request"),
    ("response", "/response"),
    ("message", "/message"),
    ("api_version", "/api_version"),
    ("request_id", "/request_id"),
    ("tracker_name", "/tracker_name"),
    ("project_id", "/project_id"),
    ("domain_id", "/domain_id"),
];

/// The fields of a trace, in the order of the columns.
pub(super) fn facts_of(trace: &Value) -> Vec<(&'static str, String)> {
    let value = |at: &str| match trace.pointer(at) {
        Some(Value::Number(time)) if at == "/time" => rfc3339(time.as_i64()),
        Some(Value::String(text)) => escaped(text),
        None | Some(Value::Null) => String::new(),
        Some(other) => escaped(&other.to_string()),
    };
    COLUMNS.iter().map(|(name, at)| (*name, value(at))).collect()
}

/// Comma-separated values.
pub(super) fn csv(traces: &[Value]) -> Vec<u8> {
    let row = |trace| csv::row(facts_of(trace).into_iter().map(|(_, value)| value));
    let rows: String = traces.iter().map(row).collect();
    (csv::row(COLUMNS.map(|(name, _)| name)) + &rows).into_bytes()
}

/// A spreadsheet, all of whose cells are text.
///
/// # Errors
/// If it cannot be made.
pub(super) fn xlsx(traces: &[Value]) -> Result<Vec<u8>, String> {
    let make = || -> Result<Vec<u8>, XlsxError> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        sheet.set_name("traces")?;
        for (column, (name, _)) in (0u16..).zip(COLUMNS) {
            sheet.write_string(0, column, name)?;
        }
        for (row, trace) in (1u32..).zip(traces) {
            for (column, (_, value)) in (0u16..).zip(facts_of(trace)) {
                sheet.write_string(row, column, value)?;
            }
        }
        book.save_to_buffer()
    };
    make().map_err(|error| format!("there is no spreadsheet: {error}"))
}

fn rfc3339(time: Option<i64>) -> String {
    let time = time.and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// A text whose control characters, and those that turn the direction of a line, are written as what they are.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut text, c| {
        if audit::text::is_unsafe(c) {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_no_text_breaks_out_of_its_cell() {
        for (text, cell) in [
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(1)", "\"'@SUM(1)\""),
            ("＝1", "\"'＝1\""),
            (" =1", "\"' =1\""),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
            ("plain", "\"plain\""),
            ("\t=1", "\"\\t=1\""),
            ("a\r\nb\0\u{1b}[2J\u{202e}", "\"a\\r\\nb\\u{0}\\u{1b}[2J\\u{202e}\""),
            ("a\u{200b}b\u{2028}\u{feff}", "\"a\\u{200b}b\\u{2028}\\u{feff}\""),
        ] {
            let rows = String::from_utf8(csv(&[json!({ "time": 0, "trace_name": text })])).unwrap();
            let row = rows.lines().nth(1).unwrap();
            let second = row.split_once(',').unwrap().1;
            assert!(
                second.strip_prefix(cell).is_some_and(|rest| rest.starts_with(",\"\"")),
                "{text:?}: {row}"
            );
            assert_eq!(rows.lines().count(), 2);
        }
    }

    #[test]
    fn a_trace_has_a_cell_for_each_column_and_its_time_is_one() {
        let facts =
            facts_of(&json!({ "time": 1_790_000_000_123_i64, "user": { "name": "ann" }, "code": 200 }));
        assert_eq!(facts.len(), COLUMNS.len());
        assert_eq!(facts[0].1, "2026-09-21T14:13:20.123Z");
        assert!(facts.contains(&("user", "ann".into())) && facts.contains(&("code", "200".into())));
    }
}
