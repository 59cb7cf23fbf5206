//! What `import` shows: what became of each object, and why.

use serde::Serialize;
use wire::admin::import::{Arrived, Checked};

use crate::screen::{BAD, GOOD, WARN};
use crate::source::Thing;
use crate::source::number::attribute;
use crate::table::{Cell, Column, Table};

/// What became of one object.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    label: String,
    class: String,
    #[serde(rename = "type")]
    kind: String,
    id: String,
    pub(super) result: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    checked: Vec<&'static str>,
    notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Imported,
    WouldBeImported,
    AlreadyThere,
    Refused,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::WouldBeImported => "would come",
            Self::AlreadyThere => "already there",
            Self::Refused => "refused",
        }
    }
}

/// A row for each thing; `outcomes` are those of the things that were sent.
pub(super) fn rows(things: &[Thing], outcomes: Vec<Arrived>, dry_run: bool) -> Vec<Row> {
    let mut outcomes = outcomes.into_iter();
    things
        .iter()
        .map(|thing| {
            let (result, reason, checked) = match &thing.arrival {
                Err(why) => (Outcome::Refused, Some(why.clone()), Vec::new()),
                Ok(_) => match outcomes.next() {
                    Some(Arrived::New { checked }) if dry_run => {
                        (Outcome::WouldBeImported, None, words(checked))
                    }
                    Some(Arrived::New { checked }) => (Outcome::Imported, None, words(checked)),
                    Some(Arrived::Already { .. }) => (Outcome::AlreadyThere, None, Vec::new()),
                    Some(Arrived::Refused { reason }) => (Outcome::Refused, Some(reason), Vec::new()),
                    None => (Outcome::Refused, Some("the daemon did not tell".into()), Vec::new()),
                },
            };
            Row {
                label: thing.name.clone(),
                class: thing.class.clone(),
                kind: thing.kind.clone(),
                id: thing.id.clone(),
                result,
                reason,
                checked,
                notes: thing.notes.clone(),
            }
        })
        .collect()
}

fn words(checked: Checked) -> Vec<&'static str> {
    let all =
        [(checked.check_value, "check value"), (checked.public, "public key"), (checked.used, "signature")];
    all.into_iter().filter(|(done, _)| *done).map(|(_, word)| word).collect()
}

/// The rows as a table.
pub(super) fn table(rows: &[Row]) -> Table {
    let columns = [
        Column::text("LABEL", 8),
        Column::text("CLASS", 11),
        Column::text("TYPE", 6),
        Column::text("ID", 6),
        Column::text("RESULT", 13),
        Column::text("CHECKED", 8),
    ];
    let mut table = Table::new(&columns, "There is nothing to bring in.");
    for row in rows {
        let style = match row.result {
            Outcome::Imported | Outcome::WouldBeImported => GOOD,
            Outcome::AlreadyThere => WARN,
            Outcome::Refused => BAD,
        };
        table.row(vec![
            Cell::from(&row.label),
            Cell::from(&row.class),
            Cell::from(&row.kind),
            Cell::from(&row.id),
            Cell::from(row.result.word()).styled(style),
            Cell::from(row.checked.join(", ")),
        ]);
    }
    table
}

/// What stands below the table: why objects were refused, what was not taken over, what the policy will do.
pub(super) fn remarks(rows: &[Row], things: &[Thing], policy: &str) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push('\n');
        text.push_str(&folded(&crate::table::printable(&line), crate::screen::width()));
    };
    for row in rows {
        let name = format!("{} {:?}", if row.class.is_empty() { "file" } else { &row.class }, row.label);
        if let Some(reason) = &row.reason {
            say(format!("{name}: refused: {reason}"));
        }
        for note in &row.notes {
            say(format!("{name}: {note}"));
        }
    }
    let here = |row: &Row| row.result != Outcome::Refused;
    let kept: Vec<_> = rows.iter().zip(things).filter(|(row, _)| here(row)).map(|(_, thing)| thing).collect();
    if policy != "legacy" {
        let both = |one, other| kept.iter().filter(|thing| may(thing, one) && may(thing, other)).count();
        let conflicts =
            both(attribute::WRAP, attribute::DECRYPT).max(both(attribute::UNWRAP, attribute::ENCRYPT));
        if conflicts > 0 {
            say(format!(
                "{conflicts} keys may do what one key should not (wrap and decrypt, unwrap and encrypt): under the \
                 policy {policy:?}, the first of the two that is used shuts the other out for good."
            ));
        }
        let wrapping = kept.iter().filter(|thing| may(thing, attribute::WRAP)).count();
        if wrapping > 0 {
            say(format!(
                "{wrapping} keys may wrap: they were not made here, so that sensitive keys leave under them only \
                 once the security officer marks them CKA_TRUSTED."
            ));
        }
    }
    if text.is_empty() { text } else { text + "\n" }
}

/// A sentence in lines of at most `width` letters; those after the first begin with two spaces.
fn folded(sentence: &str, width: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in sentence.split(' ') {
        let len = word.chars().count();
        if column > 0 && column + 1 + len > width {
            text.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += len;
    }
    text
}

/// Whether an object's template grants a usage.
fn may(thing: &Thing, usage: u64) -> bool {
    let Ok(arrival) = &thing.arrival else { return false };
    arrival.template.iter().any(|given| {
        given.kind.0 == usage
            && matches!(&given.value, wire::template::AttributeValue::Bytes(flag) if flag.contains(&1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sentence_is_folded_between_words() {
        assert_eq!(folded("one two three four", 9), "one two\n  three\n  four");
        assert_eq!(folded("short", 80), "short");
        assert_eq!(folded("unbreakable", 4), "unbreakable");
    }

    #[test]
    fn a_refusal_is_told_with_the_objects_name_and_the_reason() {
        let things = [Thing::unreadable("a.object".into(), "it is cut off".into())];
        let rows = rows(&things, Vec::new(), false);
        assert_eq!(rows[0].result, Outcome::Refused);
        let text = remarks(&rows, &things, "standard");
        assert_eq!(text, "\nfile \"a.object\": refused: it is cut off\n");
    }
}
