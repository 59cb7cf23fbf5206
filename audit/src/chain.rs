//! The writer of a log: it chains, signs and frames, and appends bytes to what it is given.
//!
//! Where the bytes go is the caller's affair, with these rules:
//!
//! - What one call appended is written in one piece and in order. It is durable before the caller answers whoever
//!   waits for the record, and before a head that was signed after it.
//! - [`Writer::create`] and [`Writer::next`] give the first bytes of a *new* file; [`Writer::end`] gives the last
//!   ones of the old. The old file is durable before the new one is made.
//! - The `head` is replaced (written beside, then renamed) after each checkpoint, by [`Signed::to_head`].
//! - After an error of a call nothing was appended, and the writer is as before.
//!
//! At start, [`Writer::resume`] reads the newest segment. If that is an [`Error::TornHeader`], the file was begun and
//! nothing written to it: remove it and resume from the one before.

use std::io::Read;

use crate::key::HsmId;
use crate::merkle::Tree;
use crate::segment::{
    self, Broken, Checkpoint, End, Frame, Header, Reader, Signed, State, chain_checkpoint, chain_end,
    chain_header, chain_record, kind, put_frame,
};
use crate::{Digest, Error, LogId, PublicKey, Record, Signer};

/// Where a log stands: all that is needed to write on.
#[derive(Debug, Clone)]
pub struct Writer {
    log: LogId,
    hsm: HsmId,
    segment: u64,
    first: u64,
    /// The number of the newest record.
    last: u64,
    /// The time of the newest record, or of the header.
    time: u64,
    chain: Digest,
    tree: Tree,
    key: PublicKey,
    /// The newest record that is signed for.
    signed: u64,
    ended: bool,
    scratch: Vec<u8>,
}

/// A writer that goes on where a file stops.
#[derive(Debug)]
pub struct Resumed {
    /// The writer.
    pub writer: Writer,
    /// The file's length up to its last whole frame, in bytes: cut it here before writing on.
    pub length: u64,
    /// Whether there is anything behind that: a write that a crash cut short. Nobody was told that it succeeded.
    pub torn: bool,
    /// Whether the last thing in the file is the checkpoint of a daemon that stopped in order.
    pub closed: bool,
    /// The newest checkpoint of this segment.
    pub checkpoint: Option<Signed<Checkpoint>>,
}

impl Writer {
    /// Begins a log: `out` gets the first bytes of its first segment. Sign a checkpoint next, so that there is
    /// a head.
    ///
    /// # Errors
    /// Those of the signer.
    pub fn create(
        log: LogId,
        hsm: HsmId,
        signer: &dyn Signer,
        now: u64,
        out: &mut Vec<u8>,
    ) -> Result<Self, Error> {
        let header =
            Header { log, segment: 1, first: 1, previous: [0; 32], time: now, hsm, key: signer.public() };
        Self::begin(header, signer, out)
    }

    fn begin(header: Header, signer: &dyn Signer, out: &mut Vec<u8>) -> Result<Self, Error> {
        let header = Signed::new(header, signer)?;
        let writer = Self::after(&header)?;
        out.extend(segment::opening(segment::MAGIC));
        header.frame(out);
        Ok(writer)
    }

    /// The state after a header.
    pub(crate) fn after(header: &Signed<Header>) -> Result<Self, Error> {
        let Header { log, segment, first, time, hsm, key, .. } = header.body.clone();
        let last = first.checked_sub(1).ok_or(Error::Malformed("the first record has the number 0"))?;
        let chain = chain_header(&header.bytes)?;
        let (tree, scratch) = (Tree::default(), Vec::new());
        Ok(Self {
            log,
            hsm,
            segment,
            first,
            last,
            time,
            chain,
            tree,
            key,
            signed: last,
            ended: false,
            scratch,
        })
    }

    /// The number of the next record.
    pub fn next_sequence(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// The number of the newest record; 0 if there is none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The time of the newest record in nanoseconds since 1970. If the next one's lies more than
    /// [`crate::record::CLOCK_TOLERANCE`] before it, append a [`crate::record::CLOCK_SET_BACK`] first.
    pub fn last_time(&self) -> u64 {
        self.time
    }

    /// The number of the segment.
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// How many records this segment holds.
    pub fn records(&self) -> u64 {
        self.tree.size()
    }

    /// How many records no checkpoint covers yet.
    pub fn unsigned(&self) -> u64 {
        self.last - self.signed
    }

    /// Whether the segment has its end, so that [`Writer::next`] must come next.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The log's id.
    pub fn log(&self) -> LogId {
        self.log
    }

    /// The key that signs what comes next: this segment, or the one after it if this has ended.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The chain's hash now.
    pub fn chain(&self) -> Digest {
        self.chain
    }

    /// Appends a record; the answer is its hash.
    ///
    /// # Errors
    /// `Sequence` if its number is not the next one; `Ended`.
    pub fn append(&mut self, record: &Record, out: &mut Vec<u8>) -> Result<Digest, Error> {
        self.open()?;
        let expected = self.next_sequence();
        if record.sequence != expected {
            return Err(Error::Sequence { expected, got: record.sequence });
        }
        let mut bytes = Vec::with_capacity(256);
        record.encode(&mut bytes);
        let hash = chain_record(&self.chain, &self.log, &bytes, &mut self.scratch)?;
        self.take(record, hash)?;
        put_frame(kind::RECORD, &[&self.log, &bytes, &hash], out);
        Ok(hash)
    }

    fn take(&mut self, record: &Record, hash: Digest) -> Result<(), Error> {
        self.tree.push(&hash)?;
        self.chain = hash;
        self.last = record.sequence;
        self.time = record.time;
        Ok(())
    }

    /// Signs for everything so far. The checkpoint that is returned is the new head.
    ///
    /// # Errors
    /// Those of the signer; `OtherKey`; `Ended`.
    pub fn checkpoint(
        &mut self,
        state: State,
        signer: &dyn Signer,
        now: u64,
        out: &mut Vec<u8>,
    ) -> Result<Signed<Checkpoint>, Error> {
        self.open()?;
        self.same_key(signer)?;
        let Self { log, segment, last: sequence, chain, .. } = *self;
        let checkpoint = Signed::new(Checkpoint { log, segment, sequence, chain, time: now, state }, signer)?;
        self.chain = chain_checkpoint(&chain, &checkpoint.bytes)?;
        self.signed = sequence;
        checkpoint.frame(out);
        Ok(checkpoint)
    }

    /// Ends the segment, and says which key signs the next one.
    ///
    /// # Errors
    /// Those of the signer; `OtherKey`; `Ended`.
    pub fn end(
        &mut self,
        signer: &dyn Signer,
        next: PublicKey,
        now: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.open()?;
        self.same_key(signer)?;
        let Self { log, segment, first, last, chain, .. } = *self;
        let end =
            End { log, segment, first, last, chain, root: self.tree.root()?, time: now, next: next.clone() };
        let end = Signed::new(end, signer)?;
        self.chain = chain_end(&chain, &end.bytes)?;
        (self.key, self.signed, self.ended) = (next, last, true);
        end.frame(out);
        Ok(())
    }

    /// Begins the next segment: `out` gets the first bytes of a new file.
    ///
    /// # Errors
    /// `Malformed` if the segment has not ended; `OtherKey` unless it is the one that the end named; the signer's.
    pub fn next(&mut self, signer: &dyn Signer, now: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        if !self.ended {
            return Err(Error::Malformed("the segment has not ended"));
        }
        self.same_key(signer)?;
        let header = Header {
            log: self.log,
            segment: self.segment.saturating_add(1),
            first: self.next_sequence(),
            previous: self.chain,
            time: now,
            hsm: self.hsm.clone(),
            key: signer.public(),
        };
        let time = self.time;
        *self = Self::begin(header, signer, out)?;
        self.time = time;
        Ok(())
    }

    /// Ends the segment and begins the next one: the last bytes of the old file, and the first of the new one. `next`
    /// signs the new one, and may be the same key.
    ///
    /// # Errors
    /// As [`Writer::end`] and [`Writer::next`].
    pub fn roll(
        &mut self,
        signer: &dyn Signer,
        next: &dyn Signer,
        now: u64,
        old: &mut Vec<u8>,
        new: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let (mut writer, mut last, mut first) = (self.clone(), Vec::new(), Vec::new());
        writer.end(signer, next.public(), now, &mut last)?;
        writer.next(next, now, &mut first)?;
        old.append(&mut last);
        new.append(&mut first);
        *self = writer;
        Ok(())
    }

    /// Reads the newest segment, checks all of it, and goes on from there. If `ended`, call [`Writer::next`].
    ///
    /// A file that stops within a frame after its last checkpoint (or whose end is zeros, which a file system may
    /// leave) was torn by a crash; anything else that is wrong was done to it.
    ///
    /// With `head`, that checkpoint must be in the file if it is of this segment.
    ///
    /// # Errors
    /// `Tampered`; `TornHeader`; `OtherKey` if the segment is signed by another key than `key`; `Io`.
    pub fn resume<R: Read>(
        from: R,
        key: &PublicKey,
        head: Option<&Signed<Checkpoint>>,
    ) -> Result<Resumed, Error> {
        let mut reader = Reader::open(from)?;
        let header = reader.header().clone();
        if header.body.key != *key {
            return Err(Error::OtherKey);
        }
        let segment = header.body.segment;
        let tampered = |offset, what: &str| Error::Tampered { segment, offset, what: what.to_owned() };
        header.verify(key).map_err(|_| tampered(0, "the signature of the header is wrong"))?;
        let head = head.filter(|head| head.body.segment >= segment);
        let mut resumed = Resumed {
            writer: Self::after(&header)?,
            length: reader.offset(),
            torn: false,
            closed: false,
            checkpoint: None,
        };
        let mut head_seen = false;
        loop {
            let offset = resumed.length;
            let followed = match reader.frame() {
                Ok(Some(frame)) => resumed.writer.follow(frame).map_err(|error| error.to_string()),
                Ok(None) => break,
                Err(Broken::Io(error)) => return Err(error.into()),
                Err(Broken::Torn) => {
                    resumed.torn = true;
                    break;
                }
                Err(Broken::Length(_)) => Err("a frame has an impossible length".to_owned()),
                Err(Broken::Malformed(error)) => Err(error.to_string()),
            };
            match followed {
                Ok(checkpoint) => {
                    resumed.closed = checkpoint.as_ref().is_some_and(|one| one.body.state == State::Closed);
                    head_seen |= head.is_some() && checkpoint.as_ref() == head;
                    resumed.checkpoint = checkpoint.or(resumed.checkpoint);
                    resumed.length = reader.offset();
                }
                Err(_) if reader.ends_in_zeros()? => {
                    resumed.torn = true;
                    break;
                }
                Err(what) => return Err(tampered(offset, &what)),
            }
        }
        match head {
            Some(_) if !head_seen => {
                Err(tampered(resumed.length, "it stops before the checkpoint that the head holds"))
            }
            _ => Ok(resumed),
        }
    }

    /// Takes a frame that was written before, if it is the right one here.
    pub(crate) fn follow(&mut self, frame: Frame<'_>) -> Result<Option<Signed<Checkpoint>>, Error> {
        const CHAIN: Error = Error::Malformed("a frame does not fit what stands before it");
        self.open()?;
        match frame {
            Frame::Record { log, bytes, hash } => {
                let computed = chain_record(&self.chain, &self.log, bytes, &mut self.scratch)?;
                let record = Record::decode(bytes)?;
                if log != self.log || computed != hash || record.sequence != self.next_sequence() {
                    return Err(CHAIN);
                }
                self.take(&record, hash)?;
                Ok(None)
            }
            Frame::Checkpoint(signed) => {
                signed.verify(&self.key)?;
                let Checkpoint { log, segment, sequence, chain, .. } = signed.body;
                if (log, segment, sequence, chain) != (self.log, self.segment, self.last, self.chain) {
                    return Err(CHAIN);
                }
                self.chain = chain_checkpoint(&chain, &signed.bytes)?;
                self.signed = sequence;
                Ok(Some(signed))
            }
            Frame::End(signed) => {
                signed.verify(&self.key)?;
                let End { log, segment, first, last, chain, root, time: _, next } = signed.body;
                let here = (self.log, self.segment, self.first, self.last, self.chain, self.tree.root()?);
                if (log, segment, first, last, chain, root) != here {
                    return Err(CHAIN);
                }
                self.chain = chain_end(&chain, &signed.bytes)?;
                (self.key, self.signed, self.ended) = (next, last, true);
                Ok(None)
            }
        }
    }

    fn open(&self) -> Result<(), Error> {
        if self.ended { Err(Error::Ended) } else { Ok(()) }
    }

    fn same_key(&self, signer: &dyn Signer) -> Result<(), Error> {
        if signer.public() == self.key { Ok(()) } else { Err(Error::OtherKey) }
    }
}

#[cfg(test)]
mod tests;
