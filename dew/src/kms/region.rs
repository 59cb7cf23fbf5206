//! Keys in several regions: the same id and the same material in a project of each, one of them the primary.

use std::sync::Arc;

use hsm::Work;
use hsm::service::Kind;

use super::alias::region_of;
use super::allow::About;
use super::create::version;
use super::error::{KmsError, Result};
use super::key::{Key, Multi, Rotation};
use super::name::{check_description, check_name};
use super::project::Project;
use super::record::{Kept, creation};
use super::{KeyId, Kms, life};
use crate::caller::Caller;
use crate::iam::{EnterpriseProjectId, ProjectId};
use crate::tag::Tags;

/// A key as it is to be in another region.
#[derive(Clone, Debug)]
pub struct Replica<'a> {
    /// The region.
    pub region: &'a str,
    /// The project of that region.
    pub project: ProjectId,
    /// Its name there.
    pub name: &'a str,
    /// What it is for, in words.
    pub description: &'a str,
    /// Its enterprise project.
    pub enterprise_project: EnterpriseProjectId,
    /// Its tags.
    pub tags: Tags,
}

impl Kms {
    /// The regions in which an account has a project, in order.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn regions(&self, caller: &Caller) -> Result<Vec<String>> {
        let (_, account) = self.permitted_in(caller, "ListSupportRegions", About::NOTHING)?;
        let projects = self.iam.projects(account);
        let mut regions: Vec<_> = projects
            .iter()
            .filter(|project| project.parent.is_none())
            .map(|project| project.name.clone())
            .collect();
        regions.sort_unstable();
        regions.dedup();
        Ok(regions)
    }

    /// Puts a key into another region: one more key with its id and material, and a name of its own.
    ///
    /// # Errors
    /// `Field`, `BadName`, `NotPrimary`, `NameTaken`, `KeyQuota`; how the key stands; `NoKey`, `Forbidden`; what the HSM
    /// says.
    pub fn replicate_key(&self, caller: &Caller, key: &str, replica: &Replica<'_>) -> Result<Kept<Key>> {
        check_name("key_alias", replica.name)?;
        check_description(replica.description)?;
        let found = self.permitted(caller, "ReplicateKey", key)?;
        let (home, account) = (self.region(&found.project), found.project.account);
        found.key.check_custom()?;
        let target = self.iam.project(replica.project).filter(|project| project.account == account);
        let target =
            target.ok_or_else(|| KmsError::Field("replica_project_id names no project".to_owned()))?;
        if region_of(&target.name) != replica.region || replica.region == home {
            let text =
                "replica_region: expected the region of replica_project_id, and another than the key's";
            return Err(KmsError::Field(text.to_owned()));
        }
        if !self.iam.has_enterprise_project(account, replica.enterprise_project) {
            return Err(KmsError::Field("enterprise_project_id names no enterprise project".to_owned()));
        }
        let there = Caller { project: Some(target.id), ..caller.clone() };
        let about =
            About::Some { enterprise_project: Some(replica.enterprise_project.0), tags: Some(&replica.tags) };
        self.permitted_in(&there, "CreateKey", about)?;
        let other = self.project_or_new(target.id, account)?;
        let _turns = turns(&[&found.project, &other]);

        let source = found.project.shelf.read().key(found.key.id)?;
        source.check_enabled()?;
        if source.store.is_some() {
            return Err(KmsError::Field("a key in a key store stays in its region".to_owned()));
        }
        if source.rotation.enabled {
            return Err(KmsError::Field(
                "disable the rotation of the key first: in several regions it is not rotated".to_owned(),
            ));
        }
        let mut multi = source.multi.clone().unwrap_or_else(|| Multi {
            primary: home.clone(),
            regions: vec![(home.clone(), found.project.id.0)],
        });
        if multi.primary != home {
            return Err(KmsError::NotPrimary);
        }
        {
            let shelf = other.shelf.read();
            if shelf.keys.contains_key(&source.id) {
                return Err(KmsError::Field("the key is in that region already".to_owned()));
            }
            if shelf.by_name.contains_key(replica.name) {
                return Err(KmsError::NameTaken);
            }
            if shelf.count(false) >= self.quotas.keys {
                return Err(KmsError::KeyQuota(self.quotas.keys));
            }
        }
        multi.regions.push((replica.region.to_owned(), target.id.0));
        self.copy_key(caller, &source, &other, &multi, replica)
    }

    fn copy_key(
        &self,
        caller: &Caller,
        source: &Kept<Key>,
        other: &Project,
        multi: &Multi,
        replica: &Replica<'_>,
    ) -> Result<Kept<Key>> {
        let (now, slot) = (self.now(), other.partition.slot().0);
        let (from, to) = (self.desk(source.slot, caller)?, self.desk(slot, caller)?);
        let (mut fresh, mut versions) = (Vec::new(), Vec::new());
        for old in &source.versions {
            // The public half comes first, as in a pair that is made.
            let numbers: Vec<_> = old.open.into_iter().chain([old.closed]).collect();
            let copies = to.copies(&from, &numbers)?;
            versions.push(version(&copies, old.number, old.created)?);
            fresh.push(copies);
        }
        let mut key = (**source).clone();
        key.name = replica.name.to_owned();
        key.description = replica.description.to_owned();
        key.created = now;
        key.creator = caller.identity.id();
        key.slot = slot;
        key.versions = versions;
        key.rotation = Rotation { enabled: false, days: Rotation::DAYS, last: None, count: 0, since: now };
        key.enterprise_project = replica.enterprise_project.0;
        key.tags = replica.tags.clone();
        key.multi = Some(multi.clone());
        let number = other.shelf.read().next_key;
        let details = [
            ("key", key.id.to_string()),
            ("region", replica.region.to_owned()),
            ("request", caller.request.to_string()),
        ];
        let mut work = Work { action: "replicate a key", details: &details, add: fresh, ..Work::default() };
        work.writes.push((slot, creation(Kind::KmsKey, number, &key)?));
        let everywhere = self.writes_of(key.id, multi, &mut work)?;
        let version = to.commit(work)?;
        let key = Kept { number, version, value: Arc::new(key) };
        other.shelf.write().show_key(key.clone());
        for (project, key, changed) in everywhere {
            project.shelf.write().show_key(key.updated(version, changed));
        }
        Ok(key)
    }

    /// Makes another region's key the primary one.
    ///
    /// # Errors
    /// `Field` if the key is not there; `NotPrimary`; how the key stands; `NoKey`, `Forbidden`; what the HSM says.
    pub fn update_primary_region(&self, caller: &Caller, key: &str, region: &str) -> Result<KeyId> {
        let found = self.permitted(caller, "UpdatePrimaryRegion", key)?;
        let home = self.region(&found.project);
        let source = found.project.shelf.read().key(found.key.id)?;
        source.check_enabled()?;
        let multi = source
            .multi
            .clone()
            .ok_or_else(|| KmsError::Field("the key is in one region only".to_owned()))?;
        if multi.primary != home {
            return Err(KmsError::NotPrimary);
        }
        if region == home || !multi.regions.iter().any(|(name, _)| name == region) {
            return Err(KmsError::Field(format!("primary_region: the key is in no other region {region:?}")));
        }
        let multi = Multi { primary: region.to_owned(), ..multi };
        self.change_everywhere(caller, &found.project, source.id, &multi, "change the primary region")?;
        Ok(source.id)
    }

    /// A key is gone from one region: the others know it. Held by no turn.
    pub(super) fn gone_from(&self, caller: &Caller, project: &Project, key: &Key) -> Result<()> {
        let Some(multi) = &key.multi else { return Ok(()) };
        let mut multi = multi.clone();
        multi.regions.retain(|(_, id)| *id != project.id.0);
        let Some((_, first)) = multi.regions.first() else { return Ok(()) };
        let Some(other) = self.project(ProjectId(*first))? else { return Ok(()) };
        self.change_everywhere(caller, &other, key.id, &multi, "a key is gone from a region")
    }

    fn change_everywhere(
        &self,
        caller: &Caller,
        project: &Arc<Project>,
        id: KeyId,
        multi: &Multi,
        action: &'static str,
    ) -> Result<()> {
        let projects = self.projects_of(multi)?;
        let all: Vec<&Arc<Project>> = projects.iter().collect();
        let _turns = turns(&all);
        let key = project.shelf.read().key(id)?;
        let details = life::about(id, &key, caller);
        let mut work = Work { action, details: &details, ..Work::default() };
        let mut everywhere = self.writes_of(id, multi, &mut work)?;
        if !everywhere.iter().any(|(one, ..)| one.id == project.id) {
            return Err(KmsError::Internal("a key is in its own region"));
        }
        let version = self.desk(key.slot, caller)?.commit(work)?;
        for (project, key, changed) in everywhere.drain(..) {
            project.shelf.write().show_key(key.updated(version, changed));
        }
        Ok(())
    }

    /// The changes that tell a key's records in all regions where it is there in which it is.
    fn writes_of(
        &self,
        id: KeyId,
        multi: &Multi,
        work: &mut Work<'_>,
    ) -> Result<Vec<(Arc<Project>, Kept<Key>, Key)>> {
        let mut everywhere = Vec::new();
        for project in self.projects_of(multi)? {
            let Ok(key) = project.shelf.read().key(id) else { continue };
            let mut changed = (*key).clone();
            changed.multi = (multi.regions.len() > 1).then(|| multi.clone());
            work.writes.push((project.partition.slot().0, key.update(Kind::KmsKey, &changed)?));
            everywhere.push((project, key, changed));
        }
        Ok(everywhere)
    }

    fn projects_of(&self, multi: &Multi) -> Result<Vec<Arc<Project>>> {
        let projects = multi.regions.iter().map(|(_, id)| self.project(ProjectId(*id)));
        Ok(projects.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

/// The turns of several projects, taken in one order, so that nobody waits for another who waits for him.
fn turns<'a>(projects: &[&'a Arc<Project>]) -> Vec<parking_lot::MutexGuard<'a, ()>> {
    let mut projects = projects.to_vec();
    projects.sort_by_key(|project| project.number);
    projects.dedup_by_key(|project| project.number);
    projects.into_iter().map(|project| project.turn.lock()).collect()
}
