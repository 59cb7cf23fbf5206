//! Events on their way to the audit log, and uses of keys that are counted whether they are recorded or not.

use std::sync::Arc;

use hsm::event::{Event, Events};
use hsm::vault::{Kept, Ledger, NotRecorded, Note};
use wire::Rv;

use super::Metrics;
use crate::audit::Audit;

/// The audit log, and the metrics.
pub(crate) struct Counted {
    audit: Arc<Audit>,
    metrics: Arc<Metrics>,
}

impl Counted {
    pub(crate) fn new(audit: Arc<Audit>, metrics: Arc<Metrics>) -> Self {
        Self { audit, metrics }
    }
}

impl Events for Counted {
    fn record(&self, event: &Event<'_>) -> Result<(), NotRecorded> {
        if let (Some(partition), Rv::PIN_INCORRECT) = (event.partition, event.rv) {
            self.metrics.wrong_pin(partition.slot);
        }
        self.audit.record(event)
    }

    fn note(&self, event: &Event<'_>) -> Note {
        self.audit.note(event)
    }

    fn count(&self, slot: u64, action: &'static str, mechanism: &'static str, rv: Rv) {
        self.metrics.used(slot, action, mechanism, rv);
    }
}

impl Ledger for Counted {
    fn ready(&self, makes_room: bool) -> Result<(), NotRecorded> {
        self.audit.ready(makes_room)
    }

    fn take(&self, notes: Vec<(u64, Note)>) {
        self.audit.take(notes);
    }

    fn kept(&self) -> Kept {
        self.audit.kept()
    }
}
