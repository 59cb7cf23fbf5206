//! Whether a command may be given: the one place where the console's commands are let through.
//!
//! First the roles of who has logged in, then the approvals of others. Whoever gets here could open the socket; that
//! alone, root or not, gives no right on an HSM that has security officers.

use hsm::Hsm;
use hsm::people::{Given, Key, Scope};
use hsm::quorum::KeyQuorum;
use wire::admin::Act;
use wire::admin::command::Who;

use super::talk::Talk;
use crate::server::describe;

/// Lets the command through, and uses up the approvals that it needs.
///
/// # Errors
/// Why it may not be given, and by whom it may.
pub(super) fn check(talk: &mut Talk<'_>, act: &Act<'_>) -> Result<(), String> {
    if act.command.who() == Who::Anyone {
        return Ok(());
    }
    let hsm = talk.hsm()?;
    let given = given(&hsm, act)?;
    talk.approved_by = given.of_key.as_ref().map(KeyQuorum::generation);
    let people = hsm.people_by(talk.actor());
    let outcome = people.may(given.command, given.scope, talk.by());
    if let Err(error) = &outcome {
        people.record_refusal(&given, error);
    }
    outcome.map_err(|error| error.to_string())?;
    if !people.needs_approval(&given) {
        return Ok(());
    }
    let used = people.approved(&given, &talk.approvals).map_err(|error| error.to_string());
    talk.approvals.clear(); // presented once, they are gone, whatever came of it
    used
}

/// A command as it is approved. A partition is named so that no other can come to have the same name, and so is a key,
/// with the label that it has.
pub(super) fn given(hsm: &Hsm, act: &Act<'_>) -> Result<Given, String> {
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
        .as_ref()
        .map(|partition| format!("partition {:?} (serial number {})", partition.label(), partition.serial()));
    let key = match (&partition, act.object) {
        (Some(partition), Some(id)) if act.command.is_of_keys() => Key::named(partition, id),
        _ => None,
    };
    let of_key = key.as_ref().map(Key::quorum).transpose().map_err(|error| error.to_string())?.flatten();
    let target = match (act.object, act.partition, there) {
        (Some(id), Some(_), Some(there)) if let Some(key) = &key => {
            format!("key {:?} (unique id {id}) of {there}", describe::label(&key.object))
        }
        (Some(object), Some(_), Some(there)) => format!("{object:?} of {there}"),
        (Some(object), Some(partition), None) => format!("{object:?} of {partition:?}"),
        (_, _, Some(there)) => there,
        (Some(name), None, None) | (None, Some(name), None) => format!("{name:?}"),
        (None, None, None) => "the HSM".into(),
    };
    let details = act.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Ok(Given { command: act.command, scope, target, details, of_key })
}
