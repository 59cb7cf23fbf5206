//! The audit log, as the daemon writes it.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use hsm::event::Uses;
use wire::admin::audit::{Ask, MAX_RECORDS, Status, Told as Answer};
use wire::admin::{MAX_CHUNK, Told};
use wire::{Bytes, List};

use super::talk::Talk;
use crate::audit::Audit;

/// How long a console waits for records that are not written yet.
const WAIT: Duration = Duration::from_millis(1500);
/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let log = talk.daemon.audit.log().ok_or("hsmd is sealed, and so is its audit log")?;
    let answer = match ask {
        Ask::Status => Answer::Status(status(&log)),
        Ask::Tail { after } => Answer::Records(tail(talk, &log, *after)?),
        Ask::Uses { partition } => Answer::Uses(talk.partition(partition)?.uses().name().into()),
        Ask::SetUses { partition, uses } => {
            let uses = Uses::named(uses)
                .ok_or_else(|| format!("{uses:?} is no level: expected none, sampled or all"))?;
            let partition = talk.partition(partition)?;
            talk.hsm()?.record_uses(&partition, uses, &talk.actor()).map_err(|error| error.to_string())?;
            Answer::Uses(uses.name().into())
        }
    };
    Ok(Told::Audit(answer))
}

fn status(log: &Audit) -> Status {
    let status = log.status();
    Status {
        directory: status.directory,
        segment: status.segment,
        records: status.records,
        signed: status.signed,
        unsent: log.lag(),
        failed: status.failed,
        fingerprint: status.fingerprint,
    }
}

fn tail(talk: &mut Talk<'_>, log: &Arc<Audit>, after: u64) -> Result<List<Bytes, MAX_RECORDS>, String> {
    let text = |error: audit::Error| format!("the audit log cannot be read: {error}");
    // A console that goes on where it was needs no search.
    let mut reading = match talk.reading.take().filter(|reading| reading.follows(after)) {
        Some(reading) => reading,
        None => log.reading(after).map_err(text)?,
    };
    let until = Instant::now() + WAIT;
    let (mut records, mut len) = (Vec::new(), 0);
    while records.len() < MAX_RECORDS && len < MAX_CHUNK {
        match reading.next().map_err(text)? {
            Some(record) => {
                let mut bytes = Vec::new();
                record.encode(&mut bytes);
                len += bytes.len();
                records.push(Bytes::from(bytes));
            }
            None if records.is_empty() && Instant::now() < until => sleep(LOOK),
            None => break,
        }
    }
    talk.reading = Some(reading);
    List::new(records).ok_or_else(|| "the records are more than one answer brings".into())
}
