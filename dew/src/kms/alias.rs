//! Aliases: other names of keys, which stand for a key's id in every request of its project.

use std::collections::HashSet;
use std::str::FromStr;

use hsm::Work;
use hsm::service::{Kind, Write};
use serde::{Deserialize, Serialize};

use super::allow::Found;
use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::{Key, State};
use super::list::{Page, Search};
use super::name::check_name;
use super::project::{Project, Shelf};
use super::record::{Kept, creation};
use super::{Kms, Paged};
use crate::caller::Caller;
use crate::due::Millis;

/// Another name of a key. It never changes; which key it names may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The name.
    pub name: String,
    /// Whose it is.
    pub key: KeyId,
    /// When it was made.
    pub created: Millis,
    /// When it was given to this key.
    pub updated: Millis,
}

impl Kms {
    /// Gives a key an alias.
    ///
    /// # Errors
    /// `BadName`; `NameTaken` if it is another key's, or this one's already; `Quota`; `PendingDeletion`, `DefaultKey`;
    /// `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn create_alias(&self, caller: &Caller, key: &str, alias: &str) -> Result<Kept<Alias>> {
        check_alias(alias)?;
        let Found { project, key } = self.permitted(caller, "CreateAlias", key)?;
        // Two projects of a region may not get the same at once.
        let _region = self.aliasing.lock();
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        check_nameable(&key)?;
        if self.is_alias(&project, alias)? {
            return Err(KmsError::NameTaken);
        }
        self.check_room(&project, key.id)?;
        let (now, number) = (self.now(), project.shelf.read().next_alias);
        let alias = Alias { name: alias.to_owned(), key: key.id, created: now, updated: now };
        let write = creation(Kind::KmsAlias, number, &alias)?;
        let version = self.commit_alias(caller, &project, "create an alias", &alias, vec![write])?;
        let alias = Kept { number, version, value: std::sync::Arc::new(alias) };
        project.shelf.write().show_alias(alias.clone());
        Ok(alias)
    }

    /// Gives an alias to another key of the project, from one moment to the next. Who does so may for both keys.
    ///
    /// # Errors
    /// `NoSuch`; `Quota`; `PendingDeletion`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn associate_alias(&self, caller: &Caller, alias: &str, key: &str) -> Result<Kept<Alias>> {
        let Found { project, key } = self.permitted(caller, "AssociateAlias", key)?;
        let seen = project.shelf.read().alias(alias)?;
        self.permitted(caller, "AssociateAlias", &seen.key.to_string())?;
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        check_nameable(&key)?;
        let old = project.shelf.read().alias(&seen.name)?;
        if old.key != seen.key {
            // Another key's meanwhile, for which nobody has asked whether the caller may take it.
            return Err(KmsError::Busy);
        }
        if old.key == key.id {
            return Ok(old);
        }
        self.check_room(&project, key.id)?;
        let changed = Alias { key: key.id, updated: self.now(), ..(*old).clone() };
        let write = old.update(Kind::KmsAlias, &changed)?;
        let version = self.commit_alias(caller, &project, "associate an alias", &changed, vec![write])?;
        let changed = old.updated(version, changed);
        project.shelf.write().show_alias(changed.clone());
        Ok(changed)
    }

    /// Takes aliases from a key: all of these or none.
    ///
    /// # Errors
    /// `Missing` without any; `NoSuch` if one is not the key's; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn delete_aliases(&self, caller: &Caller, key: &str, aliases: &[String]) -> Result<()> {
        if aliases.is_empty() {
            return Err(KmsError::Missing("aliases"));
        }
        let Found { project, key } = self.permitted(caller, "DeleteAlias", key)?;
        let _turn = project.turn.lock();
        let mut going = std::collections::BTreeMap::new();
        for name in aliases {
            let alias = project.shelf.read().alias(name)?;
            if alias.key != key.id {
                return Err(KmsError::NoSuch("alias"));
            }
            going.insert(alias.number, alias);
        }
        let names: Vec<_> = going.values().map(|alias| alias.name.as_str()).collect();
        let shown = Alias { name: names.join(" "), key: key.id, created: 0, updated: 0 };
        let writes = going.values().map(|alias| alias.deletion(Kind::KmsAlias)).collect();
        self.commit_alias(caller, &project, "delete aliases", &shown, writes)?;
        let mut shelf = project.shelf.write();
        going.values().for_each(|alias| shelf.hide_alias(&alias.name));
        Ok(())
    }

    /// The aliases of a key, or of all keys of the project that are in enterprise projects where the caller may list them; in the
    /// order in which they were made.
    ///
    /// # Errors
    /// `BadLimit`, `BadMarker`; `NoKey`, `BadKeyId`, `Forbidden`
    pub fn list_aliases(
        &self,
        caller: &Caller,
        key: Option<&str>,
        page: &Page<'_>,
    ) -> Result<Paged<Kept<Alias>>> {
        let (project, of): (_, HashSet<_>) = match key {
            Some(key) => {
                let Found { project, key } = self.permitted(caller, "ListAliases", key)?;
                (Some(project), [key.id].into())
            }
            None => {
                let keys = self.visible(caller, "ListAliases", &Search::default())?;
                (self.project(self.own(caller)?.0)?, keys.iter().map(|key| key.id).collect())
            }
        };
        let mut aliases: Vec<_> = match project {
            Some(project) => project.shelf.read().aliases.values().cloned().collect(),
            None => Vec::new(),
        };
        aliases.retain(|alias| of.contains(&alias.key));
        aliases.sort_by_key(|alias| alias.number);
        page.of(aliases, |alias| alias.number)
    }

    /// Whether some key of the account has this alias in the region of a project.
    fn is_alias(&self, project: &Project, alias: &str) -> Result<bool> {
        let region = self.region(project);
        for other in self.iam.projects(project.account) {
            if other.region() != region {
                continue;
            }
            let Some(other) = self.project(other.id)? else { continue };
            if other.shelf.read().aliases.contains_key(alias) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The region of a project.
    pub(super) fn region(&self, project: &Project) -> String {
        let project = self.iam.project(project.id);
        project.map(|project| project.region().to_owned()).unwrap_or_default()
    }

    fn check_room(&self, project: &Project, key: KeyId) -> Result<()> {
        let most = self.quotas.aliases;
        if project.shelf.read().aliases_of(key).count() >= most {
            return Err(KmsError::Quota(format!("the key has {most} aliases, and more there cannot be")));
        }
        Ok(())
    }

    fn commit_alias(
        &self,
        caller: &Caller,
        project: &Project,
        action: &'static str,
        alias: &Alias,
        writes: Vec<Write>,
    ) -> Result<hsm::vault::Version> {
        let slot = project.partition.slot().0;
        let details = [
            ("key", alias.key.to_string()),
            ("alias", alias.name.clone()),
            ("request", caller.request.to_string()),
        ];
        let writes = writes.into_iter().map(|write| (slot, write)).collect();
        let work = Work { action, details: &details, writes, ..Work::default() };
        Ok(self.desk(slot, caller)?.commit(work)?)
    }
}

impl Shelf {
    /// The alias of this name.
    pub(super) fn alias(&self, name: &str) -> Result<Kept<Alias>> {
        self.aliases.get(name).cloned().ok_or(KmsError::NoSuch("alias"))
    }

    /// Those of a key.
    pub(super) fn aliases_of(&self, key: KeyId) -> impl Iterator<Item = &Kept<Alias>> {
        self.aliases.values().filter(move |alias| alias.key == key)
    }

    /// Shows an alias as it was committed, in place of what was there.
    pub(super) fn show_alias(&mut self, alias: Kept<Alias>) {
        self.next_alias = self.next_alias.max(alias.number + 1);
        self.aliases.insert(alias.name.clone(), alias);
    }

    /// Takes an alias away that is gone.
    pub(super) fn hide_alias(&mut self, name: &str) {
        self.aliases.remove(name);
    }
}

/// Refuses what cannot be an alias: one could be taken for a key's id.
fn check_alias(alias: &str) -> Result<()> {
    check_name("alias", alias)?;
    match KeyId::from_str(alias) {
        Ok(_) => Err(KmsError::BadName("alias has the form of a key's id".to_owned())),
        Err(_) => Ok(()),
    }
}

/// Refuses a key that gets no alias.
fn check_nameable(key: &Key) -> Result<()> {
    key.check_custom()?;
    match key.state {
        State::PendingDeletion => Err(KmsError::PendingDeletion),
        _ => Ok(()),
    }
}
