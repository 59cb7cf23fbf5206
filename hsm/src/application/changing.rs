//! Changes that may make an `Init` fail that succeeded before: applications are told of them, so that none
//! goes by an answer that does not hold any more.
//!
//! What an `Init` depends on is what [`super::permit`] reads: the session, who is logged in, the key's object,
//! and what the key has been used for. Whatever changes one of these holds a [`Changing`] meanwhile.

use std::sync::Arc;

use super::Application;
use crate::hsm::Hsm;
use crate::object::Roles;
use crate::operation::Used;
use crate::partition::Partition;
use crate::ports::Watch;
use crate::quorum::{KeyQuorum, Usages};

/// A change under way, for as long as it lasts.
pub(crate) struct Changing<'a> {
    told: Vec<Arc<dyn Watch>>,
    /// Who else to tell at the end: those that came meanwhile may have been answered before the change.
    on: Option<(&'a Hsm, &'a Partition)>,
}

impl Hsm {
    /// Something changes for all applications that have had a session on a partition.
    pub(crate) fn changing<'a>(&'a self, partition: &'a Partition) -> Changing<'a> {
        let told = self.watches(partition);
        told.iter().for_each(|watch| watch.begin());
        Changing { told, on: Some((self, partition)) }
    }

    /// Ends the operations with these objects of a partition, which may not be used any more.
    pub(crate) fn end_operations_with(&self, partition: &Partition, objects: &[u64]) {
        self.end_operations(partition, &|used| objects.contains(&used.key.number));
    }

    /// Ends the operations with a key of a partition that need the approval of its quorum from now on, whichever
    /// object holds the key: they were begun without.
    pub(crate) fn end_operations_without_approval(
        &self,
        partition: &Partition,
        roles: &Arc<Roles>,
        quorum: &KeyQuorum,
    ) {
        self.end_operations(partition, &|used| {
            Arc::ptr_eq(used.key.roles(), roles) && quorum.guarded().meets(Usages::of(used.usage))
        });
    }

    /// Ends operations in all sessions on a partition. What began an operation before its key changed has it in its
    /// session by now: a session's operations are held from the look at the key on.
    fn end_operations(&self, partition: &Partition, ends: &impl Fn(&Used) -> bool) {
        for application in self.applications() {
            let sessions: Vec<_> = application.sessions.read().values().cloned().collect();
            for session in sessions.iter().filter(|session| session.partition.domain == partition.domain) {
                session.operations.lock().cancel_if(ends);
            }
        }
    }

    fn watches(&self, partition: &Partition) -> Vec<Arc<dyn Watch>> {
        let here = |application: &Arc<Application>| application.has_place(partition);
        self.applications().iter().filter(|other| here(other)).filter_map(|other| other.watch()).collect()
    }
}

impl Application {
    /// Something changes for this application alone.
    pub(crate) fn changing(&self) -> Changing<'_> {
        let told: Vec<_> = self.watch().into_iter().collect();
        told.iter().for_each(|watch| watch.begin());
        Changing { told, on: None }
    }

    /// The application's watch; one is made with `make` if it has none yet and that can be had.
    pub fn watched(&self, make: impl FnOnce() -> Option<Arc<dyn Watch>>) -> Option<Arc<dyn Watch>> {
        let mut watch = self.watch.lock();
        if watch.is_none() {
            *watch = make();
        }
        watch.clone()
    }

    fn watch(&self) -> Option<Arc<dyn Watch>> {
        self.watch.lock().clone()
    }

    fn has_place(&self, partition: &Partition) -> bool {
        self.places.read().contains_key(&partition.domain)
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        if let Some((hsm, partition)) = self.on {
            for came in hsm.watches(partition) {
                if !self.told.iter().any(|told| Arc::ptr_eq(told, &came)) {
                    came.begin();
                    came.end();
                }
            }
        }
        self.told.iter().for_each(|watch| watch.end());
    }
}
