//! What a service does with its objects on a partition, together with what it keeps of them.

use std::sync::Arc;

use super::Partition;
use crate::error::Error;
use crate::event::Act;
use crate::object::{Object, encode};
use crate::vault::{Batch, Change, Vault, Version};

/// What is done in one commit.
pub(crate) struct Task {
    /// Objects that come.
    pub(crate) add: Vec<Object>,
    /// Objects in place of those of the same numbers.
    pub(crate) revise: Vec<Object>,
    /// The numbers of objects that go.
    pub(crate) remove: Vec<u64>,
    /// Records that change.
    pub(crate) writes: Vec<Change>,
}

impl Partition {
    /// Does all of a task, durably and recorded, or nothing.
    ///
    /// # Errors
    /// `ObjectCount` at the limit; `ObjectHandleInvalid` if an object to be revised is gone; what the vault says.
    pub(crate) fn perform(
        &self,
        vault: &Vault,
        limit: u64,
        task: Task,
        act: &Act<'_>,
    ) -> Result<Version, Error> {
        let Task { add, revise, remove, writes } = task;
        let limit = self.most_objects(limit);
        if self.object_count().saturating_add(add.len() as u64) > limit {
            return Err(Error::ObjectCount { limit });
        }
        // Changes of objects come one after the other, so that what is shown and what is durable change in one order.
        let _one_at_a_time = self.changes.lock();
        let mut changes = writes;
        for object in &add {
            changes
                .push(Change::create(self.id(object.number), encode::encode(&object.attributes_to_store())?));
        }
        for object in &revise {
            let gone = Error::ObjectHandleInvalid(object.number);
            let version = vault.version(self.id(object.number)).ok_or(gone)?;
            let value = encode::encode(&object.attributes_to_store())?;
            changes.push(Change::update(self.id(object.number), version, value));
        }
        let there = remove.iter().filter_map(|number| Some((*number, vault.version(self.id(*number))?)));
        changes.extend(there.map(|(number, version)| Change::delete(self.id(number), version)));
        let goes = remove.first().and_then(|number| self.object(*number));
        let about = add.first().or(revise.first()).or(goes.as_deref());
        let note = act.note(about);
        let note = if add.is_empty() && !remove.is_empty() { note.making_room() } else { note };
        let version = vault.commit(Batch::new(changes, vec![note]))?;
        for object in add {
            self.show(Arc::new(object))?;
        }
        for object in revise {
            self.objects.write().replace(Arc::new(object));
        }
        for number in remove {
            self.hide(number)?;
        }
        Ok(version)
    }
}
