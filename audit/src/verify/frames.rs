//! The frames of one segment: each is held to what stands before it.

use std::collections::VecDeque;
use std::io::Read;

use super::{FINDINGS, Kind, Place, Severity, Verifier};
use crate::merkle::Tree;
use crate::record::CLOCK_SET_BACK;
use crate::segment::{
    Broken, Checkpoint, End, Frame, Reader, Signed, State, chain_checkpoint, chain_end, chain_record,
};
use crate::{Digest, Error, Record};

/// How many records back a second one of the same number is compared with the first.
const RECENT: usize = 4096;

/// The segment that was read last has no end: it stops here.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) place: Place,
    /// Within a frame.
    pub(super) torn: bool,
}

/// Records that were not where they belong: they are missing, or stand elsewhere.
#[derive(Debug)]
pub(super) struct Gap {
    from: u64,
    to: u64,
    /// The finding that says so.
    finding: usize,
}

/// The hashes of the last records.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(u64, Digest)>);

impl Recent {
    fn push(&mut self, sequence: u64, hash: Digest) {
        if self.0.len() == RECENT {
            self.0.pop_front();
        }
        self.0.push_back((sequence, hash));
    }

    /// They are pushed with rising numbers.
    pub(super) fn of(&self, sequence: u64) -> Option<&Digest> {
        let at = self.0.binary_search_by_key(&sequence, |(one, _)| *one).ok()?;
        self.0.get(at).map(|(_, hash)| hash)
    }
}

/// What was read of the segment.
struct SoFar {
    tree: Tree,
    /// The number of its first record.
    first: u64,
    /// How many findings there were before it.
    findings: usize,
}

/// What a frame was.
enum Fit {
    /// Dealt with.
    Good,
    /// None, for this reason.
    Not(String),
    /// None, of an impossible length.
    Lost(u32),
    /// The end of the segment.
    Ended,
}

impl Verifier {
    /// Reads all frames of a segment. Whether it has its end.
    pub(super) fn frames<R: Read>(&mut self, mut reader: Reader<R>, segment: &Place) -> Result<bool, Error> {
        let mut so_far = SoFar {
            tree: Tree::default(),
            first: self.last.saturating_add(1),
            findings: self.report.findings.len(),
        };
        self.heads_begin(segment.segment);
        loop {
            let place = Place { offset: reader.offset(), ..segment.clone() };
            let last = Some(self.last).filter(|last| *last >= so_far.first);
            let here = |torn| Some(Tail { place: Place { sequence: last, ..place.clone() }, torn });
            let (fit, suspect) = match reader.frame() {
                Ok(Some(frame)) if self.looks_torn(&frame)? => (None, true),
                Ok(Some(frame)) => (Some(self.frame(frame, &mut so_far, &place)?), false),
                Err(Broken::Malformed(error)) => (Some(Fit::Not(error.to_string())), true),
                Err(Broken::Length(len)) => (Some(Fit::Lost(len)), true),
                Err(Broken::Io(error)) => return Err(error.into()),
                Ok(None) => {
                    self.tail = here(false);
                    return Ok(false);
                }
                Err(Broken::Torn) => {
                    self.tail = here(true);
                    return Ok(false);
                }
            };
            if suspect && reader.ends_in_zeros()? {
                self.tail = here(true);
                return Ok(false);
            }
            let fit = match fit {
                Some(fit) => fit,
                None => self.frame(reader.again()?, &mut so_far, &place)?,
            };
            let next = Place { sequence: Some(self.last.saturating_add(1)), ..place.clone() };
            match fit {
                Fit::Good => {}
                Fit::Ended => return self.nothing_follows(&mut reader, segment),
                Fit::Not(what) => {
                    self.find(Kind::Malformed, next, what);
                    (self.chain, self.other) = (None, None);
                }
                Fit::Lost(len) => {
                    let what = format!("a frame of {len} bytes, so that what follows cannot be read");
                    self.find(Kind::Malformed, next, what);
                    (self.chain, self.other) = (None, None);
                    return Ok(false);
                }
            }
        }
    }

    /// Whether a frame does not fit, and its end is a zero: a torn write, if only zeros follow.
    fn looks_torn(&mut self, frame: &Frame<'_>) -> Result<bool, Error> {
        let wrong = |verified: Option<Result<(), Error>>| verified.is_none_or(|result| result.is_err());
        let key = self.key.as_ref();
        Ok(match frame {
            Frame::Record { bytes, hash: hash @ [.., 0], .. } => !self.follows(bytes, hash)?,
            Frame::Checkpoint(signed) if signed.signature.ends_with(&[0]) => {
                wrong(key.map(|key| signed.verify(key)))
            }
            Frame::End(signed) if signed.signature.ends_with(&[0]) => {
                wrong(key.map(|key| signed.verify(key)))
            }
            _ => false,
        })
    }

    /// Whether a record has the hash that it must have here, as far as that is known.
    fn follows(&mut self, bytes: &[u8], hash: &Digest) -> Result<bool, Error> {
        let log = self.report.log.unwrap_or_default();
        let mut follows = self.chain.is_none();
        for chain in [self.chain, self.other].into_iter().flatten() {
            follows = follows || chain_record(&chain, &log, bytes, &mut self.scratch)? == *hash;
        }
        Ok(follows)
    }

    fn nothing_follows<R: Read>(&mut self, reader: &mut Reader<R>, segment: &Place) -> Result<bool, Error> {
        let place = Place { offset: reader.offset(), ..segment.clone() };
        match reader.frame() {
            Ok(None) => {}
            Err(Broken::Io(error)) => return Err(error.into()),
            _ => self.find(Kind::Malformed, place, "something follows the end of the segment"),
        }
        Ok(true)
    }

    fn frame(&mut self, frame: Frame<'_>, so_far: &mut SoFar, place: &Place) -> Result<Fit, Error> {
        match frame {
            Frame::Record { log, bytes, hash } if Some(log) == self.report.log => {
                so_far.tree.push(&hash)?;
                self.record(bytes, hash, place)
            }
            Frame::Record { log, bytes, .. } => {
                let sequence = Record::decode(bytes).ok().map(|record| record.sequence);
                let what = format!("a record of the log {}", crate::hex(&log));
                self.find(Kind::Foreign, Place { sequence, ..place.clone() }, what);
                Ok(Fit::Good)
            }
            Frame::Checkpoint(signed) => self.checkpoint(&signed, place),
            Frame::End(signed) => self.end(&signed, so_far, place),
        }
    }

    fn record(&mut self, bytes: &[u8], hash: Digest, place: &Place) -> Result<Fit, Error> {
        let expected = self.last.saturating_add(1);
        let followed = self.follows(bytes, &hash)?;
        let log = self.report.log.unwrap_or_default();
        self.report.records += 1;
        self.report.closed = false;
        let record = Record::decode(bytes);
        let sequence = record.as_ref().map_or(expected, |record| record.sequence);
        let at = Place { sequence: Some(sequence), ..place.clone() };
        let computed = match self.chain {
            Some(chain) if !followed => Some(chain_record(&chain, &log, bytes, &mut self.scratch)?),
            _ => None,
        };
        if sequence < expected {
            self.stands_late(sequence, &hash, at);
            self.other = Some(hash);
            return Ok(Fit::Good);
        }
        match &record {
            Err(error) => self.find(Kind::Edited, at.clone(), format!("the record is damaged: {error}")),
            Ok(_) if sequence > expected && !self.is_next_but_one(sequence) => {
                self.leaves_out(expected, sequence, at.clone());
            }
            Ok(_) if !followed => {
                let what = "its hash does not fit: the record, or what stands just before it, was changed";
                self.find(Kind::Edited, at.clone(), what);
            }
            Ok(record) => self.tick(record, at),
        }
        self.recent.push(sequence, hash);
        (self.chain, self.other, self.last) = (Some(hash), computed, sequence);
        Ok(Fit::Good)
    }

    /// Whether what was found damaged just before may have been the record between.
    fn is_next_but_one(&self, sequence: u64) -> bool {
        self.chain.is_none() && sequence - self.last == 2
    }

    /// Records are missing before this one.
    fn leaves_out(&mut self, expected: u64, sequence: u64, at: Place) {
        let which = match sequence - expected {
            1 => format!("record {expected} is missing before it"),
            _ => format!("the records {expected} to {} are missing before it", sequence - 1),
        };
        if self.report.findings.len() < FINDINGS {
            self.gaps.push(Gap { from: expected, to: sequence - 1, finding: self.report.findings.len() });
        }
        self.find(Kind::Deleted, at, which);
    }

    /// A record with a number that has gone by.
    fn stands_late(&mut self, sequence: u64, hash: &Digest, at: Place) {
        let last = self.last;
        if let Some(gap) = self.gaps.iter().find(|gap| (gap.from..=gap.to).contains(&sequence)) {
            if let Some(finding) = self.report.findings.get_mut(gap.finding) {
                finding.kind = Kind::Reordered;
                finding.what = format!("it stands before record {sequence}, which comes after record {last}");
            }
        } else if self.recent.of(sequence) == Some(hash) {
            self.find(Kind::Replayed, at, format!("the record stands again, after record {last}"));
        } else {
            self.find(Kind::Fork, at, format!("another record of this number, after record {last}"));
        }
    }

    /// The clock, by a record that is as it was written.
    fn tick(&mut self, record: &Record, at: Place) {
        if record.time.saturating_add(self.options.clock_tolerance) < self.time {
            let back = self.time - record.time;
            let what =
                format!("the clock went back by {}.{:03} s", back / 1_000_000_000, back / 1_000_000 % 1000);
            if record.action.as_str() == CLOCK_SET_BACK {
                self.find(Kind::ClockStep, at, format!("{what}, as the log itself notes"));
            } else {
                self.find(Kind::ClockSetBack, at, format!("{what}, and the log does not note it"));
            }
        }
        self.time = record.time;
        self.waiting_since.get_or_insert(record.time);
    }

    fn checkpoint(&mut self, signed: &Signed<Checkpoint>, place: &Place) -> Result<Fit, Error> {
        let Checkpoint { log, segment, sequence, chain, time, state } = signed.body;
        let at = Place { sequence: Some(sequence), ..place.clone() };
        if Some(log) != self.report.log {
            self.find(Kind::Foreign, at, format!("a checkpoint of the log {}", crate::hex(&log)));
            return Ok(Fit::Good);
        }
        let good = self.key.as_ref().is_some_and(|key| signed.verify(key).is_ok());
        if !good {
            self.find(Kind::BadSignature, at, "the checkpoint's signature is wrong");
            (self.chain, self.other) = (None, None);
            return Ok(Fit::Good);
        }
        if segment != place.segment || sequence < self.last {
            let what = format!("a checkpoint of segment {segment} after record {}", self.last);
            self.find(Kind::Replayed, at, what);
            self.other = Some(chain_checkpoint(&chain, &signed.bytes)?);
            return Ok(Fit::Good);
        }
        self.arrive(sequence, &chain, &at);
        self.wait_is_over(sequence, time, at);
        self.heads_hold(signed);
        self.report.closed = state == State::Closed;
        (self.chain, self.other) = (Some(chain_checkpoint(&chain, &signed.bytes)?), None);
        (self.last, self.signed) = (sequence, sequence);
        Ok(Fit::Good)
    }

    /// Something with a good signature says that the chain came to `chain` with record `sequence`.
    fn arrive(&mut self, sequence: u64, chain: &Digest, at: &Place) {
        if sequence > self.last && !(self.chain.is_none() && sequence - self.last == 1) {
            self.leaves_out_at_end(sequence, at);
        } else if self.chain.is_some() && self.chain != Some(*chain) && self.other != Some(*chain) {
            let (from, to) = (self.signed.saturating_add(1), self.last);
            let (from, what) = match to.cmp(&from) {
                std::cmp::Ordering::Less => (to, "something was put in or taken out here".to_owned()),
                std::cmp::Ordering::Equal => (from, "it was changed and the chain made to fit".to_owned()),
                std::cmp::Ordering::Greater => {
                    (from, format!("one of the records {from} to {to} was changed and the chain made to fit"))
                }
            };
            self.find(Kind::Rewritten, Place { sequence: Some(from), ..at.clone() }, what);
        }
    }

    fn leaves_out_at_end(&mut self, sequence: u64, at: &Place) {
        let which = match sequence - self.last {
            1 => format!("record {sequence} is missing before its checkpoint"),
            _ => format!(
                "the records {} to {sequence} are missing before their checkpoint",
                self.last.saturating_add(1)
            ),
        };
        self.find(Kind::Deleted, Place { sequence: Some(self.last.saturating_add(1)), ..at.clone() }, which);
    }

    /// Whether the records since the last checkpoint had to wait too long for this one.
    fn wait_is_over(&mut self, sequence: u64, time: u64, at: Place) {
        let records = sequence - self.signed;
        if self.options.max_records.is_some_and(|most| records > most) {
            self.find(Kind::CheckpointGap, at.clone(), format!("{records} records without a checkpoint"));
        }
        if let (Some(most), Some(since)) = (self.options.max_wait, self.waiting_since.take())
            && time.saturating_sub(since) > most
        {
            let millis = (time - since) / 1_000_000;
            let what = format!("a record waited {}.{:03} s for its checkpoint", millis / 1000, millis % 1000);
            self.find(Kind::CheckpointGap, at, what);
        }
        self.waiting_since = None;
    }

    fn end(&mut self, signed: &Signed<End>, so_far: &SoFar, place: &Place) -> Result<Fit, Error> {
        let End { log, segment, first, last, chain, root, time, ref next } = signed.body;
        let at = Place { sequence: Some(last), ..place.clone() };
        if Some(log) != self.report.log {
            self.find(Kind::Foreign, at, format!("an end of the log {}", crate::hex(&log)));
            return Ok(Fit::Good);
        }
        let good = self.key.as_ref().is_some_and(|key| signed.verify(key).is_ok());
        if !good {
            self.find(Kind::BadSignature, at, "the signature of the segment's end is wrong");
            (self.chain, self.other) = (None, None);
            return Ok(Fit::Ended);
        }
        if segment != place.segment || first != so_far.first || last < self.last {
            self.find(Kind::Replayed, at, format!("the end of segment {segment} after record {}", self.last));
            return Ok(Fit::Good);
        }
        self.arrive(last, &chain, &at);
        self.wait_is_over(last, time, at.clone());
        // After other findings the root cannot fit, and says nothing new.
        let clean = !self.report.findings.iter().skip(so_far.findings).any(is_tampering);
        if clean && so_far.tree.root()? != root {
            self.find(Kind::Rewritten, at, "the root of the segment is not that of its records");
        }
        (self.chain, self.other) = (Some(chain_end(&chain, &signed.bytes)?), None);
        (self.last, self.signed, self.key) = (last, last, Some(next.clone()));
        self.report.closed = false;
        Ok(Fit::Ended)
    }
}

fn is_tampering(finding: &super::Finding) -> bool {
    finding.kind.severity() == Severity::Tampered
}
