//! The audit log of a [`Place`], as an outsider reads it: verified with its public key, and record by record.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use audit::segment::{Frame, Reader, Signed};
use audit::verify::{Options, Report, Verifier};
use audit::{Outcome, PublicKey, Record};

use crate::Place;

impl Place {
    /// The directory of the audit log.
    #[must_use]
    pub fn audit(&self) -> PathBuf {
        self.path("audit")
    }

    /// Verifies the audit log, and gives its records.
    ///
    /// # Panics
    /// If anything is wrong with it.
    #[track_caller]
    #[must_use]
    pub fn verified(&self) -> Vec<Record> {
        let report = verify(&self.audit());
        assert!(!report.tampered(), "{:#?}", report.findings);
        let records = records(&self.audit());
        assert_eq!(records.len() as u64, report.records);
        records
    }
}

/// What the verifier says of a log with its public key and its head.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn verify(directory: &Path) -> Report {
    let key = fs::read(directory.join("public-key.pem")).expect("a public key");
    let head = fs::read(directory.join(audit::HEAD)).expect("a head");
    let head = Signed::from_head(&head).expect("a head");
    let key = PublicKey::from_pem(&key).expect("a public key");
    let heads = vec![("head".to_owned(), head)];
    let mut verifier =
        Verifier::new(Options { key: Some(key), heads, head_required: true, ..Options::default() });
    for path in segments(directory) {
        let file = BufReader::new(File::open(&path).expect("a segment"));
        verifier.segment(&path.display().to_string(), file).expect("a segment that can be read");
    }
    verifier.finish()
}

/// The segments of a log, in their order.
///
/// # Panics
/// If there is no log.
#[must_use]
pub fn segments(directory: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(directory).expect("an audit log").map(|entry| entry.expect("a file").path());
    let mut segments: Vec<_> = all.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    segments.sort();
    segments
}

/// Every record of a log, without a look at its chain.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn records(directory: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    for path in segments(directory) {
        let mut reader =
            Reader::open(BufReader::new(File::open(path).expect("a segment"))).expect("a segment");
        while let Ok(Some(frame)) = reader.frame() {
            if let Frame::Record { bytes, .. } = frame {
                records.push(Record::decode(bytes).expect("a record"));
            }
        }
    }
    records
}

/// A record in few words: who, what, and why not if it was refused.
#[must_use]
pub fn words(record: &Record) -> String {
    let why = match &record.outcome {
        Outcome::Done => String::new(),
        Outcome::Failed { why, .. } => format!(" {}", why.as_str()),
    };
    let user = if record.user.is_empty() { String::new() } else { format!("{} ", record.user.as_str()) };
    format!("{user}{}{why}", record.action.as_str())
}
