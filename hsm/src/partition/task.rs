//! What a service does with its objects on a partition, together with what it keeps of them.

use std::sync::Arc;

use super::Partition;
use crate::error::Error;
use crate::event::Act;
use crate::object::{Attr, AttributeMap, Object};
use crate::vault::{Batch, Change, Note, Vault, Version};

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// Nobody may use it, or everybody may again.
    Suspended(bool),
    /// `CKA_LABEL`
    Label(String),
}

impl Revision {
    fn of(&self, object: &Object) -> AttributeMap {
        let mut attributes = object.attributes_to_store();
        match self {
            Self::Suspended(true) => attributes.set_flag(Attr::SUSPENDED, true),
            Self::Suspended(false) => drop(attributes.remove(Attr::SUSPENDED)),
            Self::Label(label) => attributes.set_plain(Attr::LABEL, label.as_bytes()),
        }
        attributes
    }
}

/// What is done in one commit.
pub(crate) struct Task {
    /// Objects that come.
    pub(crate) add: Vec<Object>,
    /// Objects that change, by number.
    pub(crate) revise: Vec<(u64, Revision)>,
    /// The numbers of objects that go.
    pub(crate) remove: Vec<u64>,
    /// Records that change.
    pub(crate) writes: Vec<Change>,
}

impl Partition {
    /// Does all of a task, durably and with a record of each object, or nothing.
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
        // Changes of objects come one after the other, so that what is shown and what is durable change in one order.
        let one_at_a_time = self.changes.lock();
        self.check_room(limit, add.len())?;
        let mut changes = writes;
        let (creations, stored) = self.creations(&add)?;
        changes.extend(creations);
        let mut revised = Vec::with_capacity(revise.len());
        for (number, revision) in revise {
            let (change, object) = self.update(vault, number, |object| Ok(revision.of(object)))?;
            changes.push(change);
            revised.push(object);
        }
        let there = remove.iter().filter_map(|number| Some((*number, vault.version(self.id(*number))?)));
        changes.extend(there.map(|(number, version)| Change::delete(self.id(number), version)));
        let gone: Vec<_> = remove.iter().filter_map(|number| self.object(*number)).collect();
        let about = add.iter().chain(&revised).chain(gone.iter().map(|object| &**object));
        let mut notes: Vec<_> = about.map(|object| act.note(Some(object))).collect();
        if notes.is_empty() {
            notes.push(act.note(None));
        }
        if add.is_empty() && !remove.is_empty() {
            notes = notes.into_iter().map(Note::making_room).collect();
        }
        let version = vault.commit(Batch::new(changes, notes))?;
        // It is done, and all of it is shown, whatever fails now.
        let add: Vec<_> = add.into_iter().map(Arc::new).collect();
        let shown = self.show_new(&add);
        for object in revised {
            self.objects.write().replace(Arc::new(object));
        }
        let hidden = remove.into_iter().map(|number| self.hide(number)).fold(Ok(()), Result::and);
        self.keep_early_roles(vault, &add, stored, Some(&one_at_a_time));
        shown.and(hidden).map(|()| version)
    }
}
