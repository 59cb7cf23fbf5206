//! Heads: checkpoints that somebody kept, which the log must hold.

use super::{Kind, Place, Verifier};
use crate::segment::{Checkpoint, Signed};

/// A head, and what the log said of it.
#[derive(Debug)]
pub(super) struct Head {
    name: String,
    signed: Signed<Checkpoint>,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Its segment did not come yet.
    Awaited,
    /// Its segment came, and was signed by the same key; the checkpoint itself was not there yet.
    Genuine,
    /// Its segment came, and was signed by another key.
    Forged,
    /// It is in the log.
    Held,
}

impl Head {
    pub(super) fn new((name, signed): (String, Signed<Checkpoint>)) -> Self {
        Self { name, signed, state: State::Awaited }
    }
}

impl Verifier {
    /// The segment of this number begins, under the key that is in force.
    pub(super) fn heads_begin(&mut self, segment: u64) {
        let key = self.key.as_ref();
        for head in self.heads.iter_mut().filter(|head| head.signed.body.segment == segment) {
            let genuine = key.is_some_and(|key| head.signed.verify(key).is_ok());
            head.state = if genuine { State::Genuine } else { State::Forged };
        }
    }

    /// This checkpoint is in the log.
    pub(super) fn heads_hold(&mut self, checkpoint: &Signed<Checkpoint>) {
        let held = |head: &&mut Head| head.state == State::Genuine && head.signed.bytes == checkpoint.bytes;
        self.heads.iter_mut().filter(held).for_each(|head| head.state = State::Held);
    }

    /// What is left to say of heads at the end of the log.
    pub(super) fn check_heads(&mut self) {
        if self.heads.is_empty() && self.options.head_required {
            let what = "the head is missing: nobody can tell whether the end was cut off";
            self.find(Kind::NoHead, Place::default(), what);
        } else if self.heads.is_empty() {
            let what = "there was no head to compare with: if the end was cut off, that does not show";
            self.find(Kind::EndUnknown, Place::default(), what);
        }
        for head in std::mem::take(&mut self.heads) {
            if head.state != State::Held {
                self.not_held(&head);
            }
        }
    }

    fn not_held(&mut self, head: &Head) {
        let Checkpoint { log, segment, sequence, .. } = head.signed.body;
        let place = |sequence| Place { file: head.name.clone(), segment, offset: 0, sequence };
        let genuine = match head.state {
            // Of a segment that is not there, the key of the last one is the best guess.
            State::Awaited => self.key.as_ref().is_some_and(|key| head.signed.verify(key).is_ok()),
            State::Genuine => true,
            State::Forged | State::Held => false,
        };
        if self.report.log.is_some_and(|ours| ours != log) {
            self.find(Kind::Foreign, place(None), "it is the head of another log");
        } else if !genuine {
            self.find(Kind::BadSignature, place(None), "the head's signature is wrong");
        } else if sequence > self.last {
            let missing = match sequence - self.last {
                1 => format!("record {sequence} is missing"),
                _ => format!("the records {} to {sequence} are missing", self.last.saturating_add(1)),
            };
            self.find(
                Kind::CutAtEnd,
                place(Some(self.last.saturating_add(1))),
                format!("{missing}: the head was signed after them"),
            );
        } else if sequence == self.last {
            let what = format!("the checkpoint after record {sequence} is missing, which the head holds");
            self.find(Kind::CutAtEnd, place(Some(sequence)), what);
        } else {
            let what = format!("the head says another history up to record {sequence} than the log");
            self.find(Kind::Fork, place(Some(sequence)), what);
        }
    }
}
