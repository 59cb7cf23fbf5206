//! The verifier: reads a log's segments in order, with nothing but the public key, and names what is wrong.
//!
//! It goes on after what it finds, so that one changed record is one finding. What it holds in memory does not
//! grow with the log.

mod finding;
mod frames;
mod heads;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read;

pub use finding::{Finding, Kind, Severity};

use crate::key::HsmId;
use crate::record::CLOCK_TOLERANCE;
use crate::segment::{Checkpoint, Frame, Header, Reader, Signed, chain_header};
use crate::{Digest, Error, LogId, PublicKey, Writer, sha256};
use frames::{Gap, Recent, Tail};

/// The most findings that are kept; of further ones the number is.
const FINDINGS: usize = 1000;

/// What is known beforehand, and what is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that signs the first segment given. Without it the log's own is taken, and the report says so.
    pub key: Option<PublicKey>,
    /// Checkpoints that the log must hold, each with the name it is reported by: its own head, and any that
    /// somebody kept.
    pub heads: Vec<(String, Signed<Checkpoint>)>,
    /// Whether a log without a head is at fault.
    pub head_required: bool,
    /// The number of the first segment: 1, unless older ones were put away. Without it, any will do.
    pub from: Option<u64>,
    /// The most records that a checkpoint may be the first to cover.
    pub max_records: Option<u64>,
    /// The longest time in nanoseconds from a record to the checkpoint that covers it.
    pub max_wait: Option<u64>,
    /// How far a record's time may lie before its predecessor's, in nanoseconds.
    pub clock_tolerance: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            key: None,
            heads: Vec::new(),
            head_required: false,
            from: Some(1),
            max_records: None,
            max_wait: None,
            clock_tolerance: CLOCK_TOLERANCE,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was found, in the order of the log.
    pub findings: Vec<Finding>,
    /// How many more findings there were.
    pub more: u64,
    /// The log.
    pub log: Option<LogId>,
    /// The HSM whose log it is, as its header says.
    pub hsm: Option<HsmId>,
    /// The fingerprint of the key that the last segment is signed by.
    pub key: Option<String>,
    /// How many segments were read.
    pub segments: u64,
    /// How many records were read.
    pub records: u64,
    /// The number of the first record read.
    pub first: Option<u64>,
    /// The number of the last record read.
    pub last: Option<u64>,
    /// The number of the last record that a good signature covers.
    pub signed: Option<u64>,
    /// Whether the log ends with the checkpoint of a daemon that stopped in order.
    pub closed: bool,
}

impl Report {
    /// Whether anything was found that is not merely worth knowing.
    pub fn tampered(&self) -> bool {
        self.more > 0 || self.findings.iter().any(|finding| finding.kind.severity() == Severity::Tampered)
    }
}

/// A segment that was read.
#[derive(Debug, Clone, Copy)]
struct Seen {
    header: Digest,
    chain: Digest,
}

/// Checks a log. Give it every segment in order, then ask for the report.
pub struct Verifier {
    options: Options,
    report: Report,
    /// Which heads were found in the log, and which are not signed by the log's key.
    heads: Vec<heads::Head>,
    seen: BTreeMap<u64, Seen>,
    /// The key that signs the next segment.
    key: Option<PublicKey>,
    /// The number that the next segment must have.
    next: Option<u64>,
    /// The chain's hash here; nothing where it was lost, and the next hash that is stored must be believed.
    chain: Option<Digest>,
    /// What the hash may be as well, after a record that was changed: it, or its stored hash, may be at fault.
    other: Option<Digest>,
    /// The number of the last record.
    last: u64,
    /// The number of the last record that is signed for.
    signed: u64,
    /// The time of the first record that is not signed for.
    waiting_since: Option<u64>,
    /// The time of the last record.
    time: u64,
    gaps: Vec<Gap>,
    recent: Recent,
    /// Where and how the segment that was read last stops, if it has no end.
    tail: Option<Tail>,
    scratch: Vec<u8>,
}

/// Where something stands.
#[derive(Debug, Clone, Default)]
struct Place {
    file: String,
    segment: u64,
    offset: u64,
    sequence: Option<u64>,
}

impl Verifier {
    /// Begins.
    pub fn new(options: Options) -> Self {
        Self {
            report: Report::default(),
            heads: options.heads.iter().cloned().map(heads::Head::new).collect(),
            seen: BTreeMap::new(),
            key: options.key.clone(),
            next: options.from,
            chain: None,
            other: None,
            last: 0,
            signed: 0,
            waiting_since: None,
            time: 0,
            gaps: Vec::new(),
            recent: Recent::default(),
            tail: None,
            scratch: Vec::new(),
            options,
        }
    }

    fn find(&mut self, kind: Kind, place: Place, what: impl Into<String>) {
        if self.report.findings.len() < FINDINGS {
            let Place { file, segment, offset, sequence } = place;
            self.report.findings.push(Finding { kind, file, segment, offset, sequence, what: what.into() });
        } else if kind.severity() == Severity::Tampered {
            self.report.more += 1;
        }
    }

    /// Reads a segment. `file` is the name it is reported by; give it a buffered reader.
    ///
    /// # Errors
    /// `Io` if reading fails, `Crypto` if the library does. What is wrong with the log is a finding.
    pub fn segment<R: Read>(&mut self, file: &str, from: R) -> Result<(), Error> {
        let place = Place { file: file.to_owned(), segment: self.next.unwrap_or(0), ..Place::default() };
        let reader = match Reader::open(from) {
            Ok(reader) => reader,
            Err(error @ (Error::Io(_) | Error::Crypto(_))) => return Err(error),
            Err(Error::TornHeader) => {
                self.stops_in_the_middle();
                self.tail = Some(Tail { place, torn: true });
                self.lost();
                return Ok(());
            }
            Err(error) => {
                self.stops_in_the_middle();
                self.find(Kind::Malformed, place, format!("the header: {error}"));
                self.lost();
                return Ok(());
            }
        };
        self.report.segments += 1;
        let header = reader.header().clone();
        let place = Place { segment: header.body.segment, ..place };
        if self.is_someone_elses(&header, &place) {
            return Ok(());
        }
        if let Some(seen) = self.seen.get(&header.body.segment).copied() {
            return self.came_before(seen, &header, place, reader);
        }
        self.stops_in_the_middle();
        if !self.is_signed(&header, &place)? {
            self.lost();
            return Ok(());
        }
        self.begin(&header, &place)?;
        let whole = self.frames(reader, &place)?;
        if !whole {
            self.next = Some(header.body.segment.saturating_add(1));
        }
        let chain = self.chain.unwrap_or_default();
        self.seen.insert(header.body.segment, Seen { header: sha256(&header.bytes)?, chain });
        Ok(())
    }

    /// The report, when all segments were given.
    pub fn finish(mut self) -> Report {
        if let Some(Tail { place, torn: true }) = self.tail.take() {
            let what = "the last write is incomplete, as a crash leaves it; nothing of it was acknowledged";
            self.find(Kind::Torn, place, what);
        }
        self.check_heads();
        if self.report.segments == 0 {
            self.find(Kind::MissingSegment, Place::default(), "there is no segment");
        }
        self.report.last = Some(self.last).filter(|_| self.report.records > 0);
        self.report.signed = Some(self.signed).filter(|_| self.report.segments > 0);
        self.report
    }

    /// What was read of this segment cannot be followed: the next one is taken as it is.
    fn lost(&mut self) {
        self.next = self.next.map(|next| next.saturating_add(1));
        (self.chain, self.other) = (None, None);
    }

    /// Another segment follows one that has no end.
    fn stops_in_the_middle(&mut self) {
        if let Some(Tail { place, .. }) = self.tail.take() {
            let what = match place.sequence {
                Some(last) => format!("the segment stops after record {last}, without its end"),
                None => "the segment stops before its first record, without its end".to_owned(),
            };
            self.find(Kind::Truncated, place, what);
            (self.chain, self.other) = (None, None);
        }
    }

    fn is_someone_elses(&mut self, header: &Signed<Header>, place: &Place) -> bool {
        if self.report.log.is_none_or(|log| log == header.body.log) {
            return false;
        }
        let what = format!("a segment of the log {}", crate::hex(&header.body.log));
        self.find(Kind::Foreign, place.clone(), what);
        true
    }

    /// A segment of a number that was read before: the same again, or another history.
    fn came_before<R: Read>(
        &mut self,
        seen: Seen,
        header: &Signed<Header>,
        place: Place,
        mut reader: Reader<R>,
    ) -> Result<(), Error> {
        let same = sha256(&header.bytes)? == seen.header;
        let mut writer = Writer::after(header)?;
        let mut differs = None;
        while let Ok(Some(frame)) = reader.frame() {
            if let Frame::Record { hash, .. } = &frame {
                let sequence = writer.next_sequence();
                let other = self.recent.of(sequence).is_some_and(|first| first != hash);
                differs = differs.or(other.then_some(sequence));
            }
            if writer.follow(frame).is_err() {
                break;
            }
        }
        let number = header.body.segment;
        if same && writer.chain() == seen.chain {
            self.find(Kind::Replayed, place, format!("segment {number} stands here again"));
        } else {
            let what = format!(
                "a second segment {number}, with the records {} to {}",
                header.body.first,
                writer.last()
            );
            self.find(Kind::Fork, Place { sequence: differs, ..place }, what);
        }
        Ok(())
    }

    fn is_signed(&mut self, header: &Signed<Header>, place: &Place) -> Result<bool, Error> {
        let key = match &self.key {
            Some(key) => key.clone(),
            None => {
                let fingerprint = header.body.key.fingerprint()?;
                let what = format!("no key was given: the log's own was taken, {fingerprint}. Compare it");
                self.find(Kind::OwnKey, place.clone(), what);
                header.body.key.clone()
            }
        };
        if header.verify(&key).is_err() {
            let what = if header.body.key != key && header.verify(&header.body.key).is_ok() {
                format!("it is signed by another key, {}", header.body.key.fingerprint()?)
            } else {
                "the header's signature is wrong".to_owned()
            };
            self.find(Kind::BadSignature, place.clone(), what);
            return Ok(false);
        }
        self.key = Some(key);
        Ok(true)
    }

    /// Whether the segment is the next one, and goes on where the one before stopped.
    fn begin(&mut self, header: &Signed<Header>, place: &Place) -> Result<(), Error> {
        let Header { segment, first, previous, .. } = header.body;
        let expected = self.next.unwrap_or(segment);
        if segment > expected {
            let which = match segment - expected {
                1 => format!("segment {expected} is missing"),
                _ => format!("the segments {expected} to {} are missing", segment - 1),
            };
            let records = match first.saturating_sub(self.last.saturating_add(1)) {
                0 => String::new(),
                _ => format!(", with the records {} to {}", self.last.saturating_add(1), first - 1),
            };
            let place =
                Place { segment: expected, sequence: Some(self.last.saturating_add(1)), ..place.clone() };
            self.find(Kind::MissingSegment, place, which + &records);
            (self.chain, self.other) = (None, None);
        } else if segment < expected {
            self.report.findings.retain(|one| one.kind != Kind::MissingSegment || one.segment != segment);
            let what = format!("segment {segment} stands where segment {expected} belongs");
            self.find(Kind::Reordered, place.clone(), what);
            (self.chain, self.other) = (None, None);
        } else if self.report.first.is_none() && segment > 1 {
            let what = format!("the log is read from segment {segment} on; what came before was not checked");
            self.find(Kind::Partial, place.clone(), what);
        } else if segment == 1 && (first != 1 || previous != [0; 32]) {
            self.find(Kind::Fork, place.clone(), "the first segment says that something came before it");
        }
        if let Some(chain) = self.chain
            && (chain != previous || first != self.last.saturating_add(1))
        {
            let what = format!(
                "it does not go on where segment {} stopped, after record {}",
                segment - 1,
                self.last
            );
            self.find(Kind::Fork, Place { sequence: Some(first), ..place.clone() }, what);
        }
        self.report.log = Some(header.body.log);
        self.report.hsm = Some(header.body.hsm.clone());
        self.report.key = Some(header.body.key.fingerprint()?);
        self.report.first.get_or_insert(first);
        self.chain = Some(chain_header(&header.bytes)?);
        (self.other, self.waiting_since) = (None, None);
        self.last = first.saturating_sub(1);
        self.signed = self.last;
        self.next = Some(segment.saturating_add(1));
        Ok(())
    }
}
