//! Partitions: made, shown, initialised, renamed, destroyed; and what is in them.

use std::sync::Arc;

use dew::kms::Owner;
use hsm::partition::{NewPartition, Partition};
use hsm::policy::Profile;
use tracing::warn;
use wire::List;
use wire::admin::{Ask, MAX_OBJECTS, Told};

use super::talk::Talk;
use super::words;
use crate::daemon::Daemon;
use crate::server::describe;

/// The answer, or why there is none.
pub(super) fn answer(talk: &mut Talk<'_>, ask: &Ask) -> Result<Told, String> {
    let (daemon, hsm, by) = (talk.daemon, talk.hsm()?, talk.actor());
    match ask {
        Ask::PartitionCreate { label, policy, so_pin, user_pin } => {
            let new = NewPartition {
                label,
                profile: profile(policy)?,
                so_pin: so_pin.as_deref(),
                user_pin: user_pin.as_deref(),
            };
            if new.profile == Profile::Legacy {
                warn!(
                    "partition {label:?} has the legacy policy: its keys can be extracted by known attacks"
                );
            }
            Ok(shown(daemon, &*hsm.create_partition(&new, &by).map_err(words)?))
        }
        Ask::PartitionList => {
            let sees = hsm.people().sees(talk.by());
            let all = hsm
                .partitions()
                .iter()
                .filter(|partition| sees.as_ref().is_none_or(|sees| sees.contains(&partition.slot().0)))
                .map(|partition| describe::partition(partition, &daemon.config.pins))
                .collect();
            Ok(Told::Partitions(List::new(all).ok_or("there are more partitions than one list brings")?))
        }
        Ask::PartitionShow { partition } => Ok(shown(daemon, &*talk.partition(partition)?)),
        Ask::PartitionInit { partition, label, so_pin, user_pin } => {
            let partition = of_no_instance(of_no_service(talk, partition)?, "initialise")?;
            hsm.init_partition(&partition, label.as_deref(), so_pin, user_pin.as_deref(), &by)
                .map_err(words)?;
            Ok(shown(daemon, &partition))
        }
        Ask::PartitionRename { partition, label } => {
            let partition = talk.partition(partition)?;
            hsm.rename_partition(&partition, label, &by).map_err(words)?;
            Ok(shown(daemon, &partition))
        }
        Ask::PartitionDelete { partition } => {
            let partition = of_no_instance(of_no_service(talk, partition)?, "delete")?;
            hsm.delete_partition(&partition, &by).map_err(words)?;
            Ok(Told::Done)
        }
        Ask::ObjectList { partition, after } => {
            let page = hsm.objects(&*talk.partition(partition)?, *after, MAX_OBJECTS);
            let page = page.iter().map(|object| describe::object(object)).collect();
            Ok(Told::Objects(List::new(page).ok_or("a page is longer than it may be")?))
        }
        _ => Err("this is no command about a partition".into()),
    }
}

/// The partition of this label, serial number or slot number, if it is not the KMS that decides what becomes of it.
pub(super) fn of_no_service(talk: &Talk<'_>, name: &str) -> Result<Arc<Partition>, String> {
    let partition = talk.partition(name)?;
    match talk.daemon.services()?.kms.owner_of(&partition) {
        None => Ok(partition),
        Some(Owner::Project(id)) => Err(format!(
            "the partition has the keys of project {id}: `key delete` takes them away, and the partition stays"
        )),
        Some(Owner::KeyStore(id)) => Err(format!(
            "the partition is key store {id} of the KMS: `key call DeleteKeyStore` takes it away when it has no keys"
        )),
    }
}

/// The partition, if it is not an instance that decides this.
fn of_no_instance(partition: Arc<Partition>, command: &str) -> Result<Arc<Partition>, String> {
    match partition.confinement() {
        None => Ok(partition),
        Some(of) => {
            Err(format!("the partition is of instance {0}: `instance {command} {0}` does that", of.name))
        }
    }
}

fn shown(daemon: &Daemon, partition: &Partition) -> Told {
    Told::Partition(Box::new(describe::partition(partition, &daemon.config.pins)))
}

fn profile(policy: &str) -> Result<Profile, String> {
    match policy {
        "strict" => Ok(Profile::Strict),
        "standard" => Ok(Profile::Standard),
        "legacy" => Ok(Profile::Legacy),
        other => Err(format!("{other:?} is no key policy: expected strict, standard or legacy")),
    }
}
