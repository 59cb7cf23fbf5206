//! `verify`: checks a log, and names what is wrong by record.

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use audit::text::printable;
use audit::verify::{Kind, Options, Report, Severity, Verifier};
use audit::{HEAD, hex};
use clap::Args;
use serde_json::json;

use crate::files::{self, Log};
use crate::progress::Progress;
use crate::{Ending, Failure};

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    log: Log,
    /// The public key that signs the log, in PEM. Without it the log's own is
    /// taken, and its fingerprint shown
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A head that the log must hold: of a folder its own, and any copy that was
    /// kept elsewhere. May be given more than once
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// The log begins at this segment; older ones were put away
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: u64,
    /// Find more than this many records without a checkpoint
    #[arg(long, value_name = "RECORDS")]
    max_records: Option<u64>,
    /// Find records that waited longer than this for their checkpoint
    #[arg(long, value_name = "SECONDS")]
    max_wait: Option<u64>,
}

impl Verify {
    pub(crate) fn run(&self, json: bool, out: &mut impl Write) -> Result<Ending, Failure> {
        let report = self.report()?;
        let tampered = report.tampered();
        if json {
            let text = serde_json::to_string_pretty(&machine(&report)).map_err(std::io::Error::from)?;
            writeln!(out, "{text}")?;
        } else {
            print(&report, out)?;
        }
        Ok(if tampered { Ending::Tampered } else { Ending::Fine })
    }

    fn report(&self) -> Result<Report, Failure> {
        let files = self.log.files()?;
        let mut heads = Vec::new();
        let mut own = None;
        for path in &self.head {
            heads.push((name(path), files::head(path)?));
        }
        if let Some(path) = files.head.as_ref().filter(|path| path.exists()) {
            match files::head(path) {
                Ok(head) => heads.push((HEAD.to_owned(), head)),
                // A damaged head is a finding and no reason not to look at the rest.
                Err(Failure::File {
                    cause: audit::Error::Malformed(_) | audit::Error::Version(_), ..
                }) => {
                    own = Some("it is damaged");
                }
                Err(other) => return Err(other),
            }
        } else if files.head.is_some() {
            own = Some("it is missing");
        }
        let options = Options {
            key: self.key.as_deref().map(files::key).transpose()?,
            heads,
            head_required: own.is_some(),
            from: if files.head.is_some() || self.from > 1 { Some(self.from) } else { None },
            max_records: self.max_records,
            max_wait: self.max_wait.map(|seconds| seconds.saturating_mul(1_000_000_000)),
            ..Options::default()
        };
        let heads_given = !options.heads.is_empty();
        let size = |path: &PathBuf| fs::metadata(path).map(|file| file.len()).unwrap_or_default();
        let progress = Progress::new(files.segments.iter().map(size).sum());
        let mut verifier = Verifier::new(options);
        for path in &files.segments {
            let file = File::open(path).map_err(|error| Failure::file(path)(error.into()))?;
            let from = BufReader::with_capacity(256 * 1024, progress.of(file));
            verifier.segment(&name(path), from).map_err(Failure::file(path))?;
        }
        progress.end();
        let mut report = verifier.finish();
        if let Some(what) = own.filter(|_| heads_given) {
            report.findings.push(audit::verify::Finding {
                kind: Kind::NoHead,
                file: HEAD.to_owned(),
                segment: 0,
                offset: 0,
                sequence: None,
                what: what.to_owned(),
            });
        }
        Ok(report)
    }
}

/// The last part of a path: what people know the file by.
fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn print(report: &Report, out: &mut impl Write) -> Result<(), Failure> {
    for finding in &report.findings {
        let word = match finding.kind.severity() {
            Severity::Tampered => "TAMPERED",
            Severity::Notice => "note",
        };
        writeln!(out, "{word} {}", printable(&finding.to_string()))?;
    }
    if report.more > 0 {
        writeln!(out, "TAMPERED and {} findings more", report.more)?;
    }
    if let Some(log) = report.log {
        let hsm = report.hsm.as_ref().map_or("", audit::Text::as_str);
        writeln!(out, "log {} of {}", hex(&log), printable(hsm))?;
    }
    if let Some(key) = &report.key {
        writeln!(out, "signed by {key}")?;
    }
    let range = match (report.first, report.last) {
        (Some(first), Some(last)) if report.records > 0 => format!(", {first} to {last}"),
        _ => String::new(),
    };
    let unsigned = report.last.unwrap_or(0).saturating_sub(report.signed.unwrap_or(0));
    let end = match (report.closed, unsigned) {
        (true, _) => "the daemon stopped in order".to_owned(),
        (false, 0) => "the daemon runs, or was killed".to_owned(),
        (false, 1) => "the last record is not signed for yet".to_owned(),
        (false, some) => format!("the last {some} records are not signed for yet"),
    };
    let many = |number: u64, noun| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    let (records, segments) = (many(report.records, "record"), many(report.segments, "segment"));
    writeln!(out, "{records}{range}, in {segments}; {end}")?;
    writeln!(out, "{}", if report.tampered() { "NOT as it was written" } else { "as it was written" })?;
    Ok(())
}

fn machine(report: &Report) -> serde_json::Value {
    json!({
        "tampered": report.tampered(),
        "findings": report.findings,
        "more": report.more,
        "log": report.log.map(|log| hex(&log)),
        "hsm": report.hsm.as_ref().map(audit::Text::as_str),
        "key": report.key,
        "segments": report.segments,
        "records": report.records,
        "first": report.first,
        "last": report.last,
        "signed": report.signed,
        "closed": report.closed,
    })
}
