//! New keys.

use hsm::service::Kind;
use hsm::{Desk, Fresh, Work};

use super::allow::About;
use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::{Imported, Key, Origin, Rotation, State, Version};
use super::name::{check_description, check_name, is_default};
use super::project::Project;
use super::record::{Kept, creation};
use super::spec::{Spec, Usage, closed, open, sized};
use super::{Kms, Millis};
use crate::caller::Caller;
use crate::iam::{AccountId, EnterpriseProjectId, ProjectId};
use crate::tag::Tags;

/// A key that is asked for.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its name.
    pub name: String,
    /// Its type.
    pub spec: Spec,
    /// What it is for; what is usual for its type if nothing is said.
    pub usage: Option<Usage>,
    /// What it is for, in words.
    pub description: String,
    /// Where its material comes from.
    pub origin: Origin,
    /// Its enterprise project.
    pub enterprise_project: EnterpriseProjectId,
    /// Its tags.
    pub tags: Tags,
}

impl Kms {
    /// Makes a key. With material from elsewhere it has none yet.
    ///
    /// # Errors
    /// `BadName`, `BadDescription`, `BadSpec`, `Field`; `NameTaken`, `KeyQuota`; `Forbidden`; what the HSM says.
    pub fn create_key(&self, caller: &Caller, new: NewKey) -> Result<Kept<Key>> {
        self.create_key_in(caller, None, new)
    }

    /// Makes a key in a key store, by its id; `0` is none.
    ///
    /// # Errors
    /// As [`Self::create_key`]; `NoKeyStore`, `StoreDisabled`, `StoreImports`.
    pub fn create_key_in(&self, caller: &Caller, store: Option<&str>, new: NewKey) -> Result<Kept<Key>> {
        check_name("key_alias", &new.name)?;
        check_description(&new.description)?;
        let usage = new.spec.usage(new.usage)?;
        if new.origin == Origin::External && usage == Usage::Mac {
            return Err(KmsError::Field("an HMAC key cannot have material of origin external".to_owned()));
        }
        let about = About::Some { enterprise_project: Some(new.enterprise_project.0), tags: Some(&new.tags) };
        let (project, account) = self.permitted_in(caller, "CreateKey", about)?;
        if !self.iam.has_enterprise_project(account, new.enterprise_project) {
            return Err(KmsError::Field("enterprise_project_id names no enterprise project".to_owned()));
        }
        self.check_tag_policy(account, &new.tags)?;
        // Before the project gets a partition, and again when nothing changes any more.
        self.store_of(project, store)?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        if project.shelf.read().count(false) >= self.quotas.keys {
            return Err(KmsError::KeyQuota(self.quotas.keys));
        }
        let place = self.place_of(&project, store)?;
        if place.1.is_some() && new.origin == Origin::External {
            return Err(KmsError::StoreImports);
        }
        self.add_key(caller, &project, place, new, usage, false)
    }

    /// The id of a service's default key in a project, which is made now if it is not there yet.
    pub(super) fn default_key(
        &self,
        project: ProjectId,
        account: AccountId,
        name: &str,
        caller: &Caller,
    ) -> Result<KeyId> {
        let project = self.project_or_new(project, account)?;
        if let Some(id) = project.shelf.read().by_name.get(name) {
            return Ok(*id);
        }
        let _turn = project.turn.lock();
        if let Some(id) = project.shelf.read().by_name.get(name) {
            return Ok(*id);
        }
        let place = self.place_of(&project, None)?;
        Ok(self.add_key(caller, &project, place, default(name), Usage::EncryptDecrypt, true)?.id)
    }

    /// A default key as it would be made, if this is the name of one that is not there yet.
    pub(super) fn default_to_be(
        &self,
        project: ProjectId,
        name: &str,
        caller: &Caller,
    ) -> Result<Option<Key>> {
        let is_there = |project: &Project| project.shelf.read().by_name.contains_key(name);
        if !is_default(name) || self.project(project)?.is_some_and(|project| is_there(&project)) {
            return Ok(None);
        }
        let id = KeyId(self.hsm.random()?);
        Ok(Some(self.unmade(caller, id, default(name), Usage::EncryptDecrypt, true)))
    }

    /// A key without material, in no place.
    fn unmade(&self, caller: &Caller, id: KeyId, new: NewKey, usage: Usage, default: bool) -> Key {
        let now = self.now();
        Key {
            id,
            name: new.name,
            description: new.description,
            spec: new.spec,
            usage,
            origin: new.origin,
            state: State::Enabled,
            default,
            created: now,
            creator: caller.identity.id(),
            goes: None,
            slot: 0,
            store: None,
            versions: Vec::new(),
            rotation: Rotation { enabled: false, days: Rotation::DAYS, last: None, count: 0, since: now },
            imported: Imported::default(),
            enterprise_project: new.enterprise_project.0,
            tags: new.tags,
            multi: None,
        }
    }

    fn add_key(
        &self,
        caller: &Caller,
        project: &Project,
        (slot, store): (u64, Option<[u8; 16]>),
        new: NewKey,
        usage: Usage,
        default: bool,
    ) -> Result<Kept<Key>> {
        let number = {
            let shelf = project.shelf.read();
            if shelf.by_name.contains_key(&new.name) {
                return Err(KmsError::NameTaken);
            }
            shelf.next_key
        };
        let id = KeyId::new(project.number, self.hsm.random()?);
        let desk = self.desk(slot, caller)?;
        let mut key = Key { slot, store, ..self.unmade(caller, id, new, usage, default) };
        let details = [
            ("key", id.to_string()),
            ("name", key.name.clone()),
            ("spec", key.spec.name().to_owned()),
            ("request", caller.request.to_string()),
        ];
        let mut work = Work { action: "create a key", details: &details, ..Work::default() };
        match key.origin {
            Origin::External => key.state = State::PendingImport,
            Origin::Kms => {
                let (fresh, version) = material(&desk, &key, 1, key.created)?;
                key.versions.push(version);
                work.add.push(fresh);
            }
        }
        // What is known of it is kept with all keys of the project.
        work.writes.push((project.partition.slot().0, creation(Kind::KmsKey, number, &key)?));
        let version = desk.commit(work)?;
        let key = Kept { number, version, value: std::sync::Arc::new(key) };
        project.shelf.write().show_key(key.clone());
        Ok(key)
    }
}

/// A service's default key.
fn default(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        spec: Spec::Aes256,
        usage: None,
        description: String::new(),
        origin: Origin::Kms,
        enterprise_project: EnterpriseProjectId::DEFAULT,
        tags: Tags::default(),
    }
}

/// New material for a key, made in the HSM; not there before it is committed.
pub(super) fn material(desk: &Desk, key: &Key, number: u32, now: Millis) -> Result<(Fresh, Version)> {
    let (spec, usage, id) = (key.spec, key.usage, key.id.to_string());
    let (mechanism, closed) = (spec.generation(), closed(spec, usage, &key.name, id.as_bytes()));
    let fresh = if spec.family().is_pair() {
        let open = open(spec, usage, &key.name, id.as_bytes()).and(sized(spec));
        desk.generate_pair(&mechanism, &open.template()?, &closed.template()?)?
    } else {
        desk.generate(&mechanism, &closed.and(sized(spec)).template()?)?
    };
    let version = version(&fresh, number, now)?;
    Ok((fresh, version))
}

/// The version that these objects are.
pub(super) fn version(fresh: &Fresh, number: u32, created: Millis) -> Result<Version> {
    match fresh.numbers().as_slice() {
        [closed] => Ok(Version { number, closed: *closed, open: None, created }),
        [open, closed] => Ok(Version { number, closed: *closed, open: Some(*open), created }),
        _ => Err(KmsError::Internal("a key is one object or two")),
    }
}
