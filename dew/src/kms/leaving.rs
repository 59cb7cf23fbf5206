//! What the KMS keeps of the projects of an account that goes.

use hsm::event::Actor;
use hsm::partition::Partition;
use hsm::service::{Deed, Kind, Write};

use super::Kms;
use super::error::{KmsError, Result};
use super::project::Home;
use super::record::Kept;
use crate::iam::AccountId;
use crate::leaving::Staying;

impl Kms {
    /// What must go before an account can: keys, key stores and secrets of its projects, in words.
    ///
    /// # Errors
    /// What the HSM says.
    pub(crate) fn in_the_way_of(&self, account: AccountId) -> Result<Vec<String>> {
        let mut all = Vec::new();
        for home in self.homes_of(account)? {
            let id = home.project;
            match self.stores.all_of(id).len() {
                0 => {}
                stores => all.push(format!("project {id} has key stores: {stores}")),
            }
            let Some(partition) = self.partition_of(&home) else { continue };
            match self.secrets_in(&partition)? {
                0 => {}
                secrets => all.push(format!("project {id} has secrets: {secrets}")),
            }
            let Some(project) = self.project(id)? else { continue };
            let (custom, default) = {
                let shelf = project.shelf.read();
                (shelf.count(false), shelf.count(true))
            };
            if custom > 0 {
                all.push(format!("project {id} has keys: {custom}, with those that wait for their deletion"));
            }
            if default > 0 {
                all.push(format!(
                    "project {id} has default keys: {default}, which go with its partition, by `zeroize partition`"
                ));
            }
        }
        Ok(all)
    }

    /// Destroys the partitions of an account's projects, which have no keys.
    ///
    /// # Errors
    /// `Internal` if one has a key meanwhile; what the HSM says, as if an application has a session there.
    pub(crate) fn clear(&self, account: AccountId, by: Actor<'_>) -> Result<()> {
        for home in self.homes_of(account)? {
            let Some(partition) = self.partition_of(&home) else { continue };
            let Some(project) = self.project(home.project)? else { continue };
            let _turn = project.turn.lock();
            if !project.shelf.read().keys.is_empty()
                || !self.stores.all_of(home.project).is_empty()
                || self.secrets_in(&partition)? > 0
            {
                return Err(KmsError::Internal("the account's projects have no keys"));
            }
            let deed = Deed { by, action: "destroy the partition", details: &[] };
            self.hsm.delete_for_service(&partition, vec![(0, home.deletion(Kind::Kms))], deed)?;
            self.forget(&home);
        }
        Ok(())
    }

    /// Has the homes of an account's projects go with what `then` commits, and no project of it get one meanwhile.
    ///
    /// # Errors
    /// `InTheWay` if a project has a partition again; what the HSM and `then` say.
    pub(crate) fn without(
        &self,
        account: AccountId,
        then: impl FnOnce(Vec<Write>) -> Result<(), Staying>,
    ) -> Result<(), Staying> {
        let _nobody_gets_a_partition = self.making.lock();
        let homes = self.homes_of(account)?;
        if homes
            .iter()
            .any(|home| self.partition_of(home).is_some() || !self.stores.all_of(home.project).is_empty())
        {
            return Err(Staying::InTheWay(vec!["somebody made a key meanwhile".to_owned()]));
        }
        then(homes.iter().map(|home| home.deletion(Kind::Kms)).collect())?;
        homes.iter().for_each(|home| self.forget(home));
        Ok(())
    }

    /// How many secrets CSMS keeps with the keys of a project.
    fn secrets_in(&self, partition: &Partition) -> Result<usize> {
        Ok(self.hsm.service_records_in(partition, Kind::CsmsSecret)?.len())
    }

    fn homes_of(&self, account: AccountId) -> Result<Vec<Kept<Home>>> {
        let homes = self.hsm.service_records(Kind::Kms)?.into_iter().map(Kept::<Home>::read);
        homes.filter(|home| home.as_ref().map_or(true, |home| home.account == account)).collect()
    }

    fn forget(&self, home: &Home) {
        let mut homes = self.homes.write();
        homes.forget_what_was_read(home.project);
        homes.by_project.remove(&home.project);
        homes.by_number.retain(|_, project| *project != home.project);
    }
}
