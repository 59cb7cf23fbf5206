//! `prove` and `check-proof`: one record, for somebody who has not the log.

use std::io::Write;
use std::path::PathBuf;

use audit::segment::Reader;
use audit::text::printable;
use audit::{Error, export, hex, prove};
use clap::Args;
use serde_json::json;

use crate::files::{self, Log};
use crate::{Ending, Failure};

#[derive(Debug, Args)]
pub struct Prove {
    /// The record's number
    record: u64,
    #[command(flatten)]
    log: Log,
}

#[derive(Debug, Args)]
pub struct CheckProof {
    /// The public key that signs the log, in PEM
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The proof
    proof: PathBuf,
}

impl Prove {
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<Ending, Failure> {
        let mut found = None;
        for path in self.log.files()?.segments {
            match Reader::open(files::open(&path)?) {
                Ok(reader) if reader.header().body.first <= self.record => found = Some(path),
                Ok(_) | Err(Error::TornHeader) => {}
                Err(error) => return Err(Failure::file(&path)(error)),
            }
        }
        let path = found.ok_or_else(|| Failure::Usage(format!("record {} is in no segment", self.record)))?;
        let proof = prove::prove(files::open(&path)?, self.record).map_err(Failure::file(&path))?;
        writeln!(out, "{}", serde_json::to_string_pretty(&proof).map_err(std::io::Error::from)?)?;
        Ok(Ending::Fine)
    }
}

impl CheckProof {
    pub(crate) fn run(&self, json: bool, out: &mut impl Write) -> Result<Ending, Failure> {
        let (key, proof) = (files::key(&self.key)?, files::proof(&self.proof)?);
        match proof.check(&key) {
            Ok(proven) => {
                let (record, end) = (export::json(&proven.record), &proven.end);
                if json {
                    writeln!(out, "{record}")?;
                } else {
                    writeln!(out, "{record}")?;
                    let (log, segment) = (hex(&end.log), end.segment);
                    writeln!(out, "this is record {} of the log {log}", proven.record.sequence)?;
                    writeln!(out, "in segment {segment}, sealed at {}", export::time(end.time))?;
                    writeln!(out, "signed by {}", key.fingerprint().map_err(Failure::file(&self.key))?)?;
                }
                Ok(Ending::Fine)
            }
            Err(error @ (Error::Signature | Error::Malformed(_) | Error::Key(_))) => {
                if json {
                    writeln!(out, "{}", json!({"proven": false, "why": error.to_string()}))?;
                } else {
                    writeln!(out, "NOT proven: {}", printable(&error.to_string()))?;
                }
                Ok(Ending::Tampered)
            }
            Err(error) => Err(Failure::file(&self.proof)(error)),
        }
    }
}
