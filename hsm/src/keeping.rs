//! What is done to the HSM as a whole while it is in use: its keys are changed, its sessions ended, parts of it
//! destroyed for good.

use crate::error::Error;
use crate::event::Actor;
use crate::hsm::Hsm;
use crate::partition::Partition;
use crate::vault::{Batch, Progress, RootKey, VaultError};

impl Hsm {
    /// Has the store opened by another root key, and notes in the store who keeps it.
    ///
    /// # Errors
    /// What the vault says.
    pub fn change_root(&self, root: &RootKey, custody: Vec<u8>) -> Result<(), VaultError> {
        self.vault.change_root(root, custody).map(drop)
    }

    /// Gives the store and every partition new keys. [`Self::rekey_step`] does the rest.
    ///
    /// # Errors
    /// `RekeyUnderWay`; what the vault says.
    pub fn begin_rekey(&self) -> Result<(), VaultError> {
        self.vault.begin_rekey().map(drop)
    }

    /// Seals some more records under the new keys; none once all is done and the old keys are destroyed.
    ///
    /// # Errors
    /// What the vault says.
    pub fn rekey_step(&self, limit: usize) -> Result<Option<Progress>, VaultError> {
        self.vault.rekey_step(limit)
    }

    /// How far the change of keys is; none if there is none under way.
    #[must_use]
    pub fn rekey_progress(&self) -> Option<Progress> {
        self.vault.rekey_progress()
    }

    /// Whether somebody waits for a commit.
    #[must_use]
    pub fn is_in_demand(&self) -> bool {
        self.vault.is_in_demand()
    }

    /// Ends every application: its sessions, log-ins and session objects.
    pub fn end_all(&self) {
        for application in self.applications() {
            application.end();
        }
    }

    /// Destroys a partition for good, with sessions open on it or not: its key first, then its records, then what
    /// they left behind in the store.
    ///
    /// # Errors
    /// What the vault says. If only the overwriting failed, the partition is gone all the same.
    pub fn zeroize_partition(&self, partition: &Partition, by: &Actor<'_>) -> Result<(), Error> {
        let details = [("label", partition.label())];
        let act = self.act(by, Some(partition), "zeroize the partition", &details);
        partition.close_door(true);
        for application in self.applications() {
            application.expel(partition.domain);
        }
        let note = act.note(None).making_room();
        let done = self.vault.zeroize_domain(partition.domain, Batch::new(Vec::new(), vec![note]));
        if self.vault.domains().contains(&partition.domain) {
            partition.close_door(false);
            return act.unless_done(None, done.map(drop).map_err(Error::from));
        }
        partition.forget();
        self.partitions.write().remove(&partition.slot());
        // What the vault does not forget now means nothing: no other partition gets the number.
        let _ = self.people().forget_partition(partition.domain);
        Ok(done.map(drop)?)
    }

    /// Overwrites what was destroyed or replaced and has not been overwritten yet. Tells whether there was anything.
    ///
    /// # Errors
    /// What the vault says.
    pub fn finish_zeroizing(&self) -> Result<bool, VaultError> {
        self.vault.finish_zeroizing()
    }
}
