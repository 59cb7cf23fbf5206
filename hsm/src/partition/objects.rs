//! The token objects of a partition: made, changed and destroyed durably, then shown in the index.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crypto::Secret;
use serde::{Deserialize, Serialize};
use wire::Template;

use super::Partition;
use crate::error::Error;
use crate::object::{Attr, AttributeMap, Class, Index, Object, Origin, Role, Roles, encode, identity};
use crate::vault::{Change, RecordId, Vault, VaultError, kind};

/// In place of an object's number where a whole partition's settings stand.
const IDENTITY_SECRET: u64 = 0;
/// How often a change is tried again when another came first.
const RETRIES: usize = 100;

/// A key by what it is, not by what it is called: the same for all copies and for both halves of a pair.
pub(super) type Identity = [u8; 32];

/// What a partition knows of keys by their identity.
pub(super) struct Identities {
    /// Identities of secret keys are made with it, so that they say nothing to others.
    secret: Secret,
    /// Keys that can come back from outside, and what they were.
    past: HashMap<Identity, Past>,
    /// The keys that some object holds.
    held: HashMap<Identity, Held>,
}

/// A key that some object holds.
struct Held {
    /// What it has been used for; gone with the last object that holds it.
    roles: Weak<Roles>,
    /// The token objects that hold it.
    numbers: Vec<u64>,
}

/// What is known of a key, whether or not an object holds it now.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Past {
    /// How strict it was when it left wrapped, if it did; of several times, the strictest.
    left: Option<Origin>,
    /// What it has been used for.
    roles: u32,
}

impl Past {
    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.into_iter().chain(other.left).reduce(Origin::meet),
            roles: self.roles | other.roles,
        }
    }
}

/// A [`Past`] as it is stored; of several for one key, all hold.
#[derive(Serialize, Deserialize)]
struct Remembered {
    identity: Identity,
    left: bool,
    sensitive: bool,
    extractable: bool,
    wrap_with_trusted: bool,
    roles: u32,
}

impl Remembered {
    const fn new(identity: Identity, past: Past) -> Self {
        let nothing = Origin { sensitive: false, extractable: true, wrap_with_trusted: false };
        let Origin { sensitive, extractable, wrap_with_trusted } = match past.left {
            Some(origin) => origin,
            None => nothing,
        };
        Self {
            identity,
            left: past.left.is_some(),
            sensitive,
            extractable,
            wrap_with_trusted,
            roles: past.roles,
        }
    }

    fn past(&self) -> Past {
        let origin = Origin {
            sensitive: self.sensitive,
            extractable: self.extractable,
            wrap_with_trusted: self.wrap_with_trusted,
        };
        Past { left: self.left.then_some(origin), roles: self.roles }
    }
}

impl Identities {
    /// Of a new partition.
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            secret: Secret::new(crypto::random::bytes(32)?),
            past: HashMap::new(),
            held: HashMap::new(),
        })
    }

    pub(super) fn change(&self, domain: u64) -> Result<Change, Error> {
        let id = RecordId { domain, kind: kind::SETTINGS, number: IDENTITY_SECRET };
        Ok(Change::create(id, self.secret.duplicate()))
    }

    /// Adds to what is known of a key.
    fn remember(&mut self, identity: Identity, more: Past) {
        let known = self.past.entry(identity).or_default();
        *known = known.with(more);
    }

    fn past(&self, identity: &Identity) -> Past {
        self.past.get(identity).copied().unwrap_or_default()
    }

    /// Forgets which objects hold which keys, since there are no objects any more.
    pub(super) fn forget_all_held(&mut self) {
        self.held.clear();
    }

    /// Forgets the keys that no object holds any more, when there are many.
    fn forget_what_nothing_holds(&mut self) {
        if self.held.len().is_power_of_two() && self.held.len() > 512 {
            self.held.retain(|_, held| held.roles.strong_count() > 0);
        }
    }

    pub(super) fn load(vault: &Vault, domain: u64) -> Result<Self, Error> {
        let mut identities = Self::new()?;
        for (number, _, bytes) in vault.records(domain, kind::SETTINGS)? {
            if number == IDENTITY_SECRET {
                identities.secret = bytes;
            } else {
                let kept: Remembered = wire::codec::decode(bytes.as_bytes())
                    .map_err(|_| Error::Internal("a record of a key's past decodes"))?;
                identities.remember(kept.identity, kept.past());
            }
        }
        Ok(identities)
    }
}

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
        let held = Held { roles: Arc::downgrade(&roles), numbers: Vec::new() };
        identities.held.insert(identity, held);
        Ok(roles)
    }

    /// Makes a token object, durably.
    ///
    /// # Errors
    /// `ObjectCount` at the limit; what the vault says.
    pub(crate) fn add(
        &self,
        vault: &Vault,
        limit: u64,
        objects: Vec<Object>,
    ) -> Result<Vec<Arc<Object>>, Error> {
        if self.object_count().saturating_add(objects.len() as u64) > limit {
            return Err(Error::ObjectCount { limit });
        }
        let stored: Vec<_> = objects.iter().map(|object| object.roles().used()).collect();
        let changes = objects.iter().map(|object| {
            Ok(Change::create(self.id(object.number), encode::encode(&object.attributes_to_store())?))
        });
        vault.commit(changes.collect::<Result<_, Error>>()?)?;
        let objects: Vec<_> = objects.into_iter().map(Arc::new).collect();
        for (object, stored) in objects.iter().zip(stored) {
            self.show(Arc::clone(object))?;
            // The key may have been used while its new object was not yet known of.
            let used = object.roles().used();
            if used != stored {
                let _one_at_a_time = self.changes.lock();
                self.keep_roles(vault, object, used, Role::Encrypt)?;
            }
        }
        Ok(objects)
    }

    /// Puts a token object that is durable into the index.
    fn show(&self, object: Arc<Object>) -> Result<(), Error> {
        let mut identities = self.identities.lock();
        if let Some(identity) = identity(object.attributes(), identities.secret.as_bytes())? {
            let held = identities.held.entry(identity);
            let new = || Held { roles: Arc::downgrade(object.roles()), numbers: Vec::new() };
            held.or_insert_with(new).numbers.push(object.number);
        }
        drop(identities);
        self.objects.write().insert(object);
        Ok(())
    }

    /// Takes a token object that is gone out of the index.
    fn hide(&self, number: u64) -> Result<(), Error> {
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
    fn with_key_of(&self, object: &Object) -> Result<Vec<Arc<Object>>, Error> {
        let identities = self.identities.lock();
        let identity = identity(object.attributes(), identities.secret.as_bytes())?;
        let numbers = identity.and_then(|identity| Some(identities.held.get(&identity)?.numbers.clone()));
        drop(identities);
        let index = self.objects.read();
        Ok(numbers.unwrap_or_default().into_iter().filter_map(|number| index.get(number).cloned()).collect())
    }

    /// Changes a token object, durably: `change` makes its attributes anew from those it has.
    ///
    /// # Errors
    /// What `change` says; `ObjectHandleInvalid` if the object is gone; what the vault says.
    pub(crate) fn change(
        &self,
        vault: &Vault,
        number: u64,
        change: impl Fn(&Object) -> Result<AttributeMap, Error>,
    ) -> Result<(), Error> {
        // Changes come one after the other, so that what is shown and what is durable change in one order.
        let _one_at_a_time = self.changes.lock();
        let (Some(version), Some(object)) = (vault.version(self.id(number)), self.object(number)) else {
            return Err(Error::ObjectHandleInvalid(number));
        };
        let changed = object.successor(change(&object)?);
        let update =
            Change::update(self.id(number), version, encode::encode(&changed.attributes_to_store())?);
        match vault.commit(vec![update]) {
            // Only what destroys it can have come between.
            Err(VaultError::Conflict { .. }) => Err(Error::ObjectHandleInvalid(number)),
            Err(error) => Err(error.into()),
            Ok(_) => {
                self.objects.write().replace(Arc::new(changed));
                Ok(())
            }
        }
    }

    /// Destroys a token object, durably.
    ///
    /// # Errors
    /// `ObjectHandleInvalid` if it is gone; what the vault says.
    pub(crate) fn destroy(&self, vault: &Vault, number: u64) -> Result<(), Error> {
        for _ in 0..RETRIES {
            let Some(version) = vault.version(self.id(number)) else {
                return Err(Error::ObjectHandleInvalid(number));
            };
            match vault.commit(vec![Change::delete(self.id(number), version)]) {
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
        if roles.has(role) && !self.must_remember(object, role)? {
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
        roles.claim(role).map(drop)
    }

    /// Whether what a key is used for must be written: an object on the token holds it, or its past is kept.
    fn is_lasting(&self, object: &Object) -> Result<bool, Error> {
        let identities = self.identities.lock();
        let Some(identity) = identity(object.attributes(), identities.secret.as_bytes())? else {
            return Ok(false);
        };
        let held = identities.held.get(&identity).is_some_and(|held| !held.numbers.is_empty());
        Ok(held || identities.past.contains_key(&identity))
    }

    /// Whether a role must outlast every object that holds the key, and is not kept so yet. What the security
    /// officer trusts may wrap sensitive keys although it is known elsewhere: destroyed and brought in again, it
    /// must not decrypt them.
    fn must_remember(&self, object: &Object, role: Role) -> Result<bool, Error> {
        if role != Role::Wrap || !object.flag(Attr::TRUSTED) {
            return Ok(false);
        }
        let identities = self.identities.lock();
        let identity = identity(object.attributes(), identities.secret.as_bytes())?;
        Ok(identity.is_some_and(|identity| identities.past(&identity).roles & role.bit() == 0))
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

    /// The key, and what would be known of its past with `more`, if that is not known already. Of a key without
    /// a past, only if it is to have one.
    fn more_of_past(
        &self,
        object: &Object,
        more: Past,
        begin: bool,
    ) -> Result<Option<(Identity, Past)>, Error> {
        let identities = self.identities.lock();
        let Some(identity) = identity(object.attributes(), identities.secret.as_bytes())? else {
            return Ok(None);
        };
        if !begin && !identities.past.contains_key(&identity) {
            return Ok(None);
        }
        let known = identities.past(&identity);
        let with = known.with(more);
        Ok((with != known).then_some((identity, with)))
    }

    /// The change that writes a key's past.
    fn remembering(&self, identity: Identity, past: Past) -> Result<Change, Error> {
        let mut bytes = Vec::new();
        wire::codec::encode(&Remembered::new(identity, past), &mut bytes)
            .map_err(|_| Error::Internal("a key's past has an encoding"))?;
        let mut number = [0; 8];
        crypto::random::fill(&mut number)?;
        let number = u64::from_le_bytes(number).max(IDENTITY_SECRET + 1);
        let id = RecordId { domain: self.domain, kind: kind::SETTINGS, number };
        Ok(Change::create(id, Secret::new(bytes)))
    }

    /// Notes, durably, that a key leaves the partition wrapped, so that it cannot come back with more rights.
    ///
    /// # Errors
    /// What the vault says.
    pub(crate) fn note_wrapped(&self, vault: &Vault, object: &Object) -> Result<(), Error> {
        let left = Some(Origin::of(object.attributes()));
        // Once more, in case the key was used for the first time while this was written.
        while let Some((identity, past)) =
            self.more_of_past(object, Past { left, roles: object.roles().used() }, true)?
        {
            vault.commit(vec![self.remembering(identity, past)?])?;
            self.identities.lock().remember(identity, past);
        }
        Ok(())
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

    const fn id(&self, number: u64) -> RecordId {
        RecordId { domain: self.domain, kind: kind::OBJECT, number }
    }
}
