//! What happens now: counters, for `hsm-admin top`.

use wire::List;
use wire::admin::Told;
use wire::admin::live::{self, Ask, Now};

use super::talk::Talk;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    match ask {
        Ask::Look => look(talk),
    }
}

fn look(talk: &Talk<'_>) -> Result<Told, String> {
    let (daemon, hsm) = (talk.daemon, talk.hsm()?);
    let partitions = hsm.partitions().into_iter().map(|partition| {
        let slot = partition.slot().0;
        let (done, failed) = daemon.metrics.tally(slot).counts();
        let (label, sessions) = (partition.label(), partition.sessions());
        let applications = hsm.applications_on(&partition);
        live::Partition { slot, label, done, failed, sessions, applications }
    });
    let partitions =
        List::new(partitions.collect()).ok_or("there are more partitions than one list brings")?;
    Ok(Told::Live(live::Told::Now(Now {
        elapsed: daemon.elapsed(),
        connections: daemon.connections.taken() as u64,
        max_connections: daemon.config.limits.connections as u64,
        partitions,
    })))
}
