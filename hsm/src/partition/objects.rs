//! The token objects of a partition: made, changed and destroyed durably, then shown in the index.

use std::sync::Arc;

use crypto::Secret;
use parking_lot::MutexGuard;
use wire::Template;

use super::Partition;
use super::identities::{Held, Past};
use super::quorums::Brought;
use crate::error::Error;
use crate::event::Act;
use crate::object::{Attr, AttributeMap, Class, Index, Object, Origin, Role, Roles, encode, identity};
use crate::vault::{Batch, Change, Note, RecordId, Vault, VaultError, kind};

/// How often a change is tried again when another came first.
const RETRIES: usize = 100;

impl Partition {
    /// Token objects.
    #[must_use]
    pub fn object_count(&self) -> u64 {
        self.objects.read().len() as u64
    }

    /// The token object of this number.
    pub(crate) fn object(&self, number: u64) -> Option<Arc<Object>> {
        self.objects.read().get(number).cloned()
    }

    /// The numbers of the token objects that fit a template.
    pub(crate) fn find(&self, template: &Template, sees_private: bool) -> Result<Vec<u64>, Error> {
        self.objects.read().find(template, sees_private)
    }

    /// A page of the token objects, for the console.
    pub(crate) fn objects_after(&self, after: u64, limit: usize) -> Vec<Arc<Object>> {
        self.objects.read().after(after, limit)
    }

    /// An object of these attributes with a number of its own, sharing the history of its key. It is not yet
    /// among the objects of the partition or of an application.
    ///
    /// # Errors
    /// If the library fails.
    pub(crate) fn new_object(&self, attributes: AttributeMap) -> Result<Object, Error> {
        let roles = self.roles_of(&attributes)?;
        Ok(Object::with_roles(self.next_number()?, attributes, roles))
    }

    /// The one history of a key that all objects with it share.
    fn roles_of(&self, attributes: &AttributeMap) -> Result<Arc<Roles>, Error> {
        let used = attributes.ulong(Attr::ROLES_USED).and_then(|used| u32::try_from(used).ok()).unwrap_or(0);
        let profile = self.profile();
        let mut identities = self.identities.lock();
        let Some(identity) = identity(attributes, identities.secret.as_bytes())? else {
            return Ok(Arc::new(Roles::new(used, profile)));
        };
        let used = used | identities.past(&identity).roles;
        if let Some(roles) = identities.held.get(&identity).and_then(|held| held.roles.upgrade()) {
            roles.merge(used);
            return Ok(roles);
        }
        identities.forget_what_nothing_holds();
        let roles = Arc::new(Roles::new(used, profile));
        if let Some(quorum) = identities.quorums.of(&identity) {
            roles.guard(quorum.guarded());
        }
        let held = Held { roles: Arc::downgrade(&roles), numbers: Vec::new() };
        identities.held.insert(identity, held);
        Ok(roles)
    }

    /// Makes token objects, durably and recorded.
    ///
    /// # Errors
    /// `ObjectCount` at the limit; what the vault says.
    pub(crate) fn add(
        &self,
        vault: &Vault,
        limit: u64,
        objects: Vec<Object>,
        act: &Act<'_>,
    ) -> Result<Vec<Arc<Object>>, Error> {
        self.add_with_quorums(vault, limit, objects, Vec::new(), act)
    }

    /// Makes token objects whose keys are under these quorums from then on, each with the record of it.
    ///
    /// # Errors
    /// As [`Self::add`]; `ActionProhibited` if the key of one came under another quorum meanwhile.
    pub(crate) fn add_with_quorums(
        &self,
        vault: &Vault,
        limit: u64,
        objects: Vec<Object>,
        quorums: Vec<(Brought, Note)>,
        act: &Act<'_>,
    ) -> Result<Vec<Arc<Object>>, Error> {
        self.check_room(limit, objects.len())?;
        let (mut changes, stored) = self.creations(&objects)?;
        let mut notes: Vec<_> = objects.iter().map(|object| act.note(Some(object))).collect();
        let (brought, set): (Vec<_>, Vec<_>) = quorums.into_iter().unzip();
        notes.extend(set);
        // Nobody sets a quorum meanwhile.
        let one_at_a_time = (!brought.is_empty()).then(|| self.changes.lock());
        let (numbers, adoptions): (Vec<_>, Vec<_>) = self.adoptions(&brought)?.into_iter().unzip();
        changes.extend(adoptions);
        vault.commit(Batch::new(changes, notes))?;
        numbers.into_iter().zip(brought).for_each(|(number, brought)| self.adopt(number, brought));
        let objects: Vec<_> = objects.into_iter().map(Arc::new).collect();
        let shown = self.show_new(&objects);
        self.keep_early_roles(vault, &objects, stored, one_at_a_time.as_ref());
        shown.map(|()| objects)
    }

    /// Refuses so many more objects than there is room for.
    pub(super) fn check_room(&self, limit: u64, more: usize) -> Result<(), Error> {
        let limit = self.most_objects(limit);
        match self.object_count().saturating_add(more as u64) > limit {
            true => Err(Error::ObjectCount { limit }),
            false => Ok(()),
        }
    }

    /// The changes that write new objects, and what each tells of the use of its key.
    pub(super) fn creations(&self, objects: &[Object]) -> Result<(Vec<Change>, Vec<u32>), Error> {
        let stored = objects.iter().map(|object| object.roles().used()).collect();
        let creation = |object: &Object| {
            Ok(Change::create(self.id(object.number), encode::encode(&object.attributes_to_store())?))
        };
        Ok((objects.iter().map(creation).collect::<Result<_, Error>>()?, stored))
    }

    /// Shows new objects that are durable.
    ///
    /// # Errors
    /// If the library fails; all are shown then too.
    pub(super) fn show_new(&self, objects: &[Arc<Object>]) -> Result<(), Error> {
        let shown = objects.iter().map(|object| self.show(Arc::clone(object)));
        shown.fold(Ok(()), Result::and)
    }

    /// Writes what the keys of new objects were used for while those were not yet known of, if they told of less.
    /// `changes` is held here, unless the caller does.
    ///
    /// The objects are there, whatever comes of this: what cannot be written now is with the next use of the key.
    pub(super) fn keep_early_roles(
        &self,
        vault: &Vault,
        objects: &[Arc<Object>],
        stored: Vec<u32>,
        held: Option<&MutexGuard<'_, ()>>,
    ) {
        for (object, stored) in objects.iter().zip(stored) {
            let used = object.roles().used();
            if used != stored {
                let _one_at_a_time = held.is_none().then(|| self.changes.lock());
                let kept = self.keep_roles(vault, object, used, Role::Encrypt);
                object.roles().set_written(kept.is_ok());
            }
        }
    }

    /// Puts a token object that is durable into the index.
    pub(super) fn show(&self, object: Arc<Object>) -> Result<(), Error> {
        let mut identities = self.identities.lock();
        let identity = identity(object.attributes(), identities.secret.as_bytes());
        if let Ok(Some(identity)) = identity {
            let held = identities.held.entry(identity);
            let new = || Held { roles: Arc::downgrade(object.roles()), numbers: Vec::new() };
            held.or_insert_with(new).numbers.push(object.number);
        }
        drop(identities);
        self.objects.write().insert(object);
        identity.map(drop)
    }

    /// Takes a token object that is gone out of the index.
    pub(super) fn hide(&self, number: u64) -> Result<(), Error> {
        let Some(object) = self.objects.write().remove(number) else { return Ok(()) };
        let mut identities = self.identities.lock();
        if let Some(identity) = identity(object.attributes(), identities.secret.as_bytes())?
            && let Some(held) = identities.held.get_mut(&identity)
        {
            held.numbers.retain(|other| *other != number);
        }
        Ok(())
    }

    /// The token objects that hold the same key as this one.
    pub(super) fn with_key_of(&self, object: &Object) -> Result<Vec<Arc<Object>>, Error> {
        let identities = self.identities.lock();
        let identity = identity(object.attributes(), identities.secret.as_bytes())?;
        let numbers = identity.and_then(|identity| Some(identities.held.get(&identity)?.numbers.clone()));
        drop(identities);
        let index = self.objects.read();
        Ok(numbers.unwrap_or_default().into_iter().filter_map(|number| index.get(number).cloned()).collect())
    }

    /// Changes a token object, durably and recorded: `change` makes its attributes anew from those it has.
    ///
    /// # Errors
    /// What `change` says; `ObjectHandleInvalid` if the object is gone; what the vault says.
    pub(crate) fn change(
        &self,
        vault: &Vault,
        number: u64,
        act: &Act<'_>,
        change: impl Fn(&Object) -> Result<AttributeMap, Error>,
    ) -> Result<(), Error> {
        // Changes come one after the other, so that what is shown and what is durable change in one order.
        let _one_at_a_time = self.changes.lock();
        let (update, changed) = self.update(vault, number, change)?;
        let note = act.note(Some(&changed));
        match vault.commit(Batch::new(vec![update], vec![note])) {
            // Only what destroys it can have come between.
            Err(VaultError::Conflict { .. }) => Err(Error::ObjectHandleInvalid(number)),
            Err(error) => Err(error.into()),
            Ok(_) => {
                self.objects.write().replace(Arc::new(changed));
                Ok(())
            }
        }
    }

    /// The change to a token object as it is now, and the object as it is to be. `changes` is held until it is shown.
    ///
    /// # Errors
    /// What `change` says; `ObjectHandleInvalid` if the object is gone.
    pub(super) fn update(
        &self,
        vault: &Vault,
        number: u64,
        change: impl Fn(&Object) -> Result<AttributeMap, Error>,
    ) -> Result<(Change, Object), Error> {
        let (Some(version), Some(object)) = (vault.version(self.id(number)), self.object(number)) else {
            return Err(Error::ObjectHandleInvalid(number));
        };
        let changed = object.successor(change(&object)?);
        let value = encode::encode(&changed.attributes_to_store())?;
        Ok((Change::update(self.id(number), version, value), changed))
    }

    /// Destroys a token object, durably and recorded.
    ///
    /// # Errors
    /// `ObjectHandleInvalid` if it is gone; what the vault says.
    pub(crate) fn destroy(&self, vault: &Vault, object: &Object, act: &Act<'_>) -> Result<(), Error> {
        let number = object.number;
        for _ in 0..RETRIES {
            let Some(version) = vault.version(self.id(number)) else {
                return Err(Error::ObjectHandleInvalid(number));
            };
            let note = act.note(Some(object)).making_room();
            match vault.commit(Batch::new(vec![Change::delete(self.id(number), version)], vec![note])) {
                Err(VaultError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return self.hide(number),
            }
        }
        Err(Error::Internal("an object changes faster than it can be destroyed"))
    }

    /// Notes, durably for keys on the token, that a key is used in a role; roles that conflict with it are
    /// closed to that key for good.
    ///
    /// # Errors
    /// `KeyFunctionNotPermitted` if the key has been used in a conflicting role; what the vault says.
    pub(crate) fn claim_role(&self, vault: &Vault, object: &Object, role: Role) -> Result<(), Error> {
        let roles = object.roles();
        if roles.has(role) && roles.are_written() && !self.must_remember(object, role)? {
            return Ok(());
        }
        if !self.is_lasting(object)? && !self.must_remember(object, role)? {
            roles.claim(role)?;
            // Unless the key came to be kept just now, there is nothing to write.
            if !self.is_lasting(object)? {
                return Ok(());
            }
        }
        let _one_at_a_time = self.changes.lock();
        roles.check(role)?;
        // In memory it counts only once it is durable, so that nobody goes by what may be forgotten.
        self.keep_roles(vault, object, roles.used() | role.bit(), role)?;
        roles.set_written(true);
        roles.claim(role).map(drop)
    }

    /// Writes what a key has been used for to all token objects that hold it, and to its past.
    fn keep_roles(&self, vault: &Vault, object: &Object, used: u32, role: Role) -> Result<(), Error> {
        let remember = self.must_remember(object, role)?;
        for _ in 0..RETRIES {
            let mut changes = Vec::new();
            for kept in self.with_key_of(object)? {
                if let Some(version) = vault.version(self.id(kept.number)) {
                    let mut attributes = kept.attributes().duplicate();
                    attributes.set_ulong(Attr::ROLES_USED, used.into());
                    changes.push(Change::update(self.id(kept.number), version, encode::encode(&attributes)?));
                }
            }
            let past = self.more_of_past(object, Past { left: None, roles: used }, remember)?;
            changes.extend(past.map(|(identity, past)| self.remembering(identity, past)).transpose()?);
            if changes.is_empty() {
                return Ok(());
            }
            match vault.commit(changes) {
                // One of the objects has been destroyed meanwhile.
                Err(VaultError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => {
                    if let Some((identity, past)) = past {
                        self.identities.lock().remember(identity, past);
                    }
                    return Ok(());
                }
            }
        }
        Err(Error::Internal("objects change faster than the use of their key can be written"))
    }

    /// How strict a key is that is here, or has left here wrapped; of one that is not known, nothing.
    ///
    /// # Errors
    /// If the library fails.
    pub(crate) fn origin_of(&self, attributes: &AttributeMap) -> Result<Option<Origin>, Error> {
        let identities = self.identities.lock();
        let Some(identity) = identity(attributes, identities.secret.as_bytes())? else { return Ok(None) };
        let left = identities.past(&identity).left;
        let numbers = identities.held.get(&identity).map(|held| held.numbers.clone()).unwrap_or_default();
        drop(identities);
        let index = self.objects.read();
        let here = numbers.into_iter().filter_map(|number| index.get(number));
        let secret = here.filter(|object| object.class() != Class::PUBLIC_KEY);
        Ok(secret.map(|object| Origin::of(object.attributes())).chain(left).reduce(Origin::meet))
    }

    /// Bytes that stand for what a blob would have held: the same for the same blob, and unforeseeable.
    ///
    /// # Errors
    /// If the library fails.
    pub(crate) fn stand_in(&self, blob: &[u8], len: usize) -> Result<Secret, Error> {
        let identities = self.identities.lock();
        let key = crypto::kdf::hkdf_extract(crypto::Hash::Sha256, b"stand-in", &identities.secret)?;
        Ok(crypto::kdf::hkdf_expand(
            crypto::Hash::Sha256,
            &key,
            &crypto::hash::digest(crypto::Hash::Sha256, blob)?,
            len,
        )?)
    }

    /// The token object that is the private half of a public key, if it is here.
    ///
    /// # Errors
    /// If the library fails.
    pub(crate) fn private_half(&self, public: &Object) -> Result<Option<Arc<Object>>, Error> {
        Ok(self.with_key_of(public)?.into_iter().find(|kept| kept.class() == Class::PRIVATE_KEY))
    }

    /// Reads all objects from the vault into the index.
    pub(super) fn load_objects(&self, vault: &Vault) -> Result<(), Error> {
        let mut last = 0;
        for (number, _, bytes) in vault.records(self.domain, kind::OBJECT)? {
            let attributes = encode::decode(&bytes)?;
            let roles = self.roles_of(&attributes)?;
            self.show(Arc::new(Object::with_roles(number, attributes, roles)))?;
            last = last.max(number);
        }
        self.next_number.store(last + 1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// The changes that delete all objects.
    pub(super) fn deletions(vault: &Vault, domain: u64, index: &Index) -> Vec<Change> {
        let id = |object: &Arc<Object>| RecordId { domain, kind: kind::OBJECT, number: object.number };
        let numbers = index.iter().map(id);
        numbers.filter_map(|id| Some(Change::delete(id, vault.version(id)?))).collect()
    }

    pub(super) const fn id(&self, number: u64) -> RecordId {
        RecordId { domain: self.domain, kind: kind::OBJECT, number }
    }
}
