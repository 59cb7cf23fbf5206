//! Whether a command may be given: the one place where the console's commands are let through.
//!
//! First the roles of who has logged in, then the approvals of others. Whoever gets here could open the socket; that
//! alone, root or not, gives no right on an HSM that has security officers.

use hsm::Hsm;
use hsm::people::{Given, Scope};
use wire::admin::Act;
use wire::admin::command::Who;

use super::talk::Talk;

/// Lets the command through, and uses up the approvals that it needs.
///
/// # Errors
/// Why it may not be given, and by whom it may.
pub(super) fn check(talk: &mut Talk<'_>, act: &Act<'_>) -> Result<(), String> {
    if act.command.who() == Who::Anyone {
        return Ok(());
    }
    let hsm = talk.hsm()?;
    let given = given(&hsm, act);
    let people = hsm.people_by(talk.actor());
    let outcome = people.may(given.command, given.scope, talk.by());
    if let Err(error) = &outcome {
        people.record_refusal(&given, error);
    }
    outcome.map_err(|error| error.to_string())?;
    if people.rule(given.command).is_none() {
        return Ok(());
    }
    let used = people.approved(&given, &talk.approvals).map_err(|error| error.to_string());
    talk.approvals.clear(); // presented once, they are gone, whatever came of it
    used
}

/// A command as it is approved. A partition is named so that no other can come to have the same name.
pub(super) fn given(hsm: &Hsm, act: &Act<'_>) -> Given {
    let named = act.partition.or(act.object);
    let partition = named.and_then(|name| match act.command.is_of_instances() {
        // Its security officers are those of its first partition.
        true => hsm.partition_of_instance_named(name),
        false => hsm.partition_named(name),
    });
    let scope = match (named, &partition) {
        (None, _) => Scope::Open,
        (_, Some(partition)) => Scope::Partition(partition.slot().0),
        (_, None) => Scope::Other,
    };
    let there = partition
        .map(|partition| format!("partition {:?} (serial number {})", partition.label(), partition.serial()));
    let target = match (act.object, act.partition, there) {
        (Some(object), Some(_), Some(there)) => format!("{object:?} of {there}"),
        (Some(object), Some(partition), None) => format!("{object:?} of {partition:?}"),
        (_, _, Some(there)) => there,
        (Some(name), None, None) | (None, Some(name), None) => format!("{name:?}"),
        (None, None, None) => "the HSM".into(),
    };
    let details = act.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Given { command: act.command, scope, target, details }
}
