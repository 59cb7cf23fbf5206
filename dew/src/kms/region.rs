//! Keys in several regions: the same id and the same material in a project of each, one of them the primary.

use std::sync::Arc;

use hsm::Work;
use hsm::service::Kind;
use hsm::vault::Version;

use super::allow::{About, Found};
use super::create::version;
use super::error::{KmsError, Result};
use super::key::{Key, Multi, Rotation, State};
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
        if target.region() != replica.region || replica.region == home {
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
        self.check_tag_policy(account, &replica.tags)?;
        // Before the other project gets a partition, and again when nothing changes any more.
        self.check_replicable(&found.key, &home)?;
        let other = self.project_or_new(target.id, account)?;
        self.in_turn(&found.project, found.key.id, Some(&other), |source| {
            let source = &self.standing(&found.project, source.id)?;
            self.check_replicable(source, &home)?;
            let mut multi = source.multi.clone().unwrap_or_else(|| Multi {
                primary: home.clone(),
                regions: vec![(home.clone(), found.project.id.0)],
            });
            multi.regions.retain(|(_, project)| self.is_in(ProjectId(*project), source.id));
            // In whichever of the region's projects.
            let is_there = multi.regions.iter().any(|(region, _)| region == replica.region);
            if is_there || other.shelf.read().keys.contains_key(&source.id) {
                return Err(KmsError::Field("the key is in that region already".to_owned()));
            }
            self.check_room_in(&other, replica)?;
            multi.regions.push((replica.region.to_owned(), target.id.0));
            self.copy_key(caller, source, &other, &multi, replica)
        })
    }

    /// Refuses a key that does not go to another region.
    fn check_replicable(&self, key: &Kept<Key>, home: &str) -> Result<()> {
        key.check_enabled()?;
        if key.store.is_some() {
            return Err(KmsError::Field("a key in a key store stays in its region".to_owned()));
        }
        if key.rotation.enabled {
            return Err(KmsError::Field(
                "disable the rotation of the key first: in several regions it is not rotated".to_owned(),
            ));
        }
        match &key.multi {
            Some(multi) if multi.primary != home => Err(KmsError::NotPrimary),
            _ => Ok(()),
        }
    }

    /// Whether a project still has a key: it has not if its partition was destroyed.
    fn is_in(&self, project: ProjectId, key: KeyId) -> bool {
        // Who cannot tell is careful.
        self.project(project).map_or(true, |project| {
            project.is_some_and(|project| project.shelf.read().keys.contains_key(&key))
        })
    }

    /// Whether a key is in another region too. The turn of its own project is held.
    pub(super) fn is_elsewhere(&self, found: &Found, multi: &Multi) -> bool {
        let others = multi.regions.iter().filter(|(_, project)| *project != found.project.id.0);
        others.into_iter().any(|(_, project)| self.is_in(ProjectId(*project), found.key.id))
    }

    fn check_room_in(&self, other: &Project, replica: &Replica<'_>) -> Result<()> {
        let shelf = other.shelf.read();
        if shelf.by_name.contains_key(replica.name) {
            return Err(KmsError::NameTaken);
        }
        if shelf.count(false) >= self.quotas.keys {
            return Err(KmsError::KeyQuota(self.quotas.keys));
        }
        Ok(())
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
        show_everywhere(everywhere, version);
        Ok(key)
    }

    /// Makes another region's key the primary one.
    ///
    /// # Errors
    /// `Field` if the key is not there; `NotPrimary`; how the key stands; `NoKey`, `Forbidden`; what the HSM says.
    pub fn update_primary_region(&self, caller: &Caller, key: &str, region: &str) -> Result<KeyId> {
        let found = self.permitted(caller, "UpdatePrimaryRegion", key)?;
        let home = self.region(&found.project);
        self.in_turn(&found.project, found.key.id, None, |source| {
            let source = self.standing(&found.project, source.id)?;
            source.check_enabled()?;
            let mut multi = source
                .multi
                .clone()
                .ok_or_else(|| KmsError::Field("the key is in one region only".to_owned()))?;
            multi.regions.retain(|(_, project)| self.is_in(ProjectId(*project), source.id));
            // Where the primary key went with its partition, each of the others may be the next, and says so itself.
            let is_there = multi.regions.iter().any(|(name, _)| *name == multi.primary);
            if is_there && multi.primary != home {
                return Err(KmsError::NotPrimary);
            }
            let may_be = |name: &str| name == region && (!is_there || region != home);
            let other = multi.regions.iter().find(|(name, _)| may_be(name));
            let other = other.map(|(_, id)| self.project(ProjectId(*id))).transpose()?.flatten();
            let other = other.ok_or_else(|| {
                KmsError::Field(format!("primary_region: the key is in no other region {region:?}"))
            })?;
            if self.standing(&other, source.id)?.state == State::PendingDeletion {
                return Err(KmsError::PendingDeletion);
            }
            let multi = Multi { primary: region.to_owned(), ..multi };
            let details = life::about(source.id, &source, caller);
            let mut work = Work { action: "change the primary region", details: &details, ..Work::default() };
            let everywhere = self.writes_of(source.id, &multi, &mut work)?;
            show_everywhere(everywhere, self.desk(source.slot, caller)?.commit(work)?);
            Ok(source.id)
        })
    }

    /// Does something with a key while nothing of it changes in any of its regions, nor anything in one more project.
    pub(super) fn in_turn<T>(
        &self,
        project: &Arc<Project>,
        id: KeyId,
        more: Option<&Arc<Project>>,
        act: impl FnOnce(&Kept<Key>) -> Result<T>,
    ) -> Result<T> {
        loop {
            let seen = project.shelf.read().key(id)?.multi.clone();
            let mut projects =
                seen.as_ref().map(|multi| self.projects_of(multi)).transpose()?.unwrap_or_default();
            projects.extend([project].into_iter().chain(more).map(Arc::clone));
            let _turns = turns(&mut projects);
            let key = project.shelf.read().key(id)?;
            // If it went to another region meanwhile, there is one more turn to wait for.
            if key.multi == seen {
                return act(&key);
            }
        }
    }

    /// The changes that tell a key's records in all regions where it is there in which it is.
    pub(super) fn writes_of(&self, id: KeyId, multi: &Multi, work: &mut Work<'_>) -> Result<Vec<InRegion>> {
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

/// A key in the project of a region, as it was and as it is to be.
pub(super) type InRegion = (Arc<Project>, Kept<Key>, Key);

/// Shows a key in all its regions as it was committed.
pub(super) fn show_everywhere(everywhere: Vec<InRegion>, version: Version) {
    for (project, key, changed) in everywhere {
        project.shelf.write().show_key(key.updated(version, changed));
    }
}

/// The turns of several projects, taken in one order, so that nobody waits for another who waits for him.
fn turns(projects: &mut Vec<Arc<Project>>) -> Vec<parking_lot::MutexGuard<'_, ()>> {
    projects.sort_by_key(|project| project.number);
    projects.dedup_by_key(|project| project.number);
    projects.iter().map(|project| project.turn.lock()).collect()
}

impl Multi {
    /// The same without a project.
    pub(super) fn without(&self, project: ProjectId) -> Self {
        let mut multi = self.clone();
        multi.regions.retain(|(_, id)| *id != project.0);
        multi
    }
}
