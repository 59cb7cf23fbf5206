//! What a verifier finds: its kind, where, and in words.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The log is not as it was written.
    Tampered,
    /// Worth knowing; it can be so without anybody's doing.
    Notice,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// The name that the segment (or head) was given by.
    pub file: String,
    /// The number of the segment; 0 if it is not known.
    pub segment: u64,
    /// Where the frame at fault begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// The number of the record at fault, if there is one.
    pub sequence: Option<u64>,
    /// What is wrong, in words.
    pub what: String,
}

/// The table of kinds: each with its word, its severity and what it means.
macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident $word:literal $severity:ident,)+) => {
        /// A kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])+ $kind,)+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// The word that programs know it by.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)+ }
            }

            /// How bad it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)+ }
            }
        }
    };
}

kinds! {
    /// Records that a checkpoint kept elsewhere covers are missing at the end of the log.
    CutAtEnd "cut-at-end" Tampered,
    /// A segment stops before its end although another follows.
    Truncated "truncated" Tampered,
    /// Two histories: two segments or records of one number, or a checkpoint that the log does not hold.
    Fork "fork" Tampered,
    /// A record is not as it was written.
    Edited "edited" Tampered,
    /// Records were changed and the chain made to fit, which only the signature shows.
    Rewritten "rewritten" Tampered,
    /// Records are missing in the middle.
    Deleted "deleted" Tampered,
    /// Records or segments do not stand in their order.
    Reordered "reordered" Tampered,
    /// A record, checkpoint or segment stands a second time.
    Replayed "replayed" Tampered,
    /// A record, checkpoint or segment of another log.
    Foreign "foreign" Tampered,
    /// A record's time lies before its predecessor's, and the log did not note that the clock was set back.
    ClockSetBack "clock-set-back" Tampered,
    /// A signature is wrong, or is another key's.
    BadSignature "bad-signature" Tampered,
    /// A segment is missing.
    MissingSegment "missing-segment" Tampered,
    /// More records, or a longer time, without a checkpoint than allowed.
    CheckpointGap "checkpoint-gap" Tampered,
    /// Bytes that are no frame, or stand where none may.
    Malformed "malformed" Tampered,
    /// A log without its head, so that nobody knows where it ends.
    NoHead "no-head" Tampered,
    /// The last write is incomplete.
    Torn "torn" Notice,
    /// The clock was set back, and the log says so.
    ClockStep "clock-step" Notice,
    /// Reading began at a later segment.
    Partial "partial" Notice,
    /// No key was given.
    OwnKey "own-key" Notice,
    /// Nothing was given to tell where the log ends.
    EndUnknown "end-unknown" Notice,
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, file, segment, offset, sequence, what } = self;
        write!(f, "{}: ", kind.word())?;
        if let Some(sequence) = sequence {
            write!(f, "record {sequence}, ")?;
        }
        match (segment, file.as_str()) {
            (0, "") => {}
            (0, file) => write!(f, "{file}: ")?,
            (segment, "") => write!(f, "segment {segment}: ")?,
            (segment, file) => write!(f, "segment {segment}, byte {offset} of {file}: ")?,
        }
        f.write_str(what)
    }
}
