//! What a partition knows of keys by what they are: which objects hold a key, and the past of keys that can come
//! back from outside.

use std::collections::HashMap;
use std::sync::Weak;

use crypto::Secret;
use serde::{Deserialize, Serialize};

use super::Partition;
use super::quorums::Quorums;
use crate::error::Error;
use crate::object::{Attr, Object, Origin, Role, Roles, identity};
use crate::vault::{Change, RecordId, Vault, kind};

/// In place of an object's number where a whole partition's settings stand.
const IDENTITY_SECRET: u64 = 0;
/// A key by what it is, not by what it is called: the same for all copies and for both halves of a pair.
pub(super) type Identity = [u8; 32];

/// What a partition knows of keys by their identity.
pub(super) struct Identities {
    /// Identities of secret keys are made with it, so that they say nothing to others.
    pub(super) secret: Secret,
    /// Keys that can come back from outside, and what they were.
    pub(super) past: HashMap<Identity, Past>,
    /// The keys that some object holds.
    pub(super) held: HashMap<Identity, Held>,
    /// The quorums of keys.
    pub(super) quorums: Quorums,
}

/// A key that some object holds.
pub(super) struct Held {
    /// What it has been used for; gone with the last object that holds it.
    pub(super) roles: Weak<Roles>,
    /// The token objects that hold it.
    pub(super) numbers: Vec<u64>,
}

/// What is known of a key, whether or not an object holds it now.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// How strict it was when it left wrapped, if it did; of several times, the strictest.
    pub(super) left: Option<Origin>,
    /// What it has been used for.
    pub(super) roles: u32,
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
            quorums: Quorums::default(),
        })
    }

    pub(super) fn change(&self, domain: u64) -> Result<Change, Error> {
        let id = RecordId { domain, kind: kind::SETTINGS, number: IDENTITY_SECRET };
        Ok(Change::create(id, self.secret.duplicate()))
    }

    /// Adds to what is known of a key.
    pub(super) fn remember(&mut self, identity: Identity, more: Past) {
        let known = self.past.entry(identity).or_default();
        *known = known.with(more);
    }

    pub(super) fn past(&self, identity: &Identity) -> Past {
        self.past.get(identity).copied().unwrap_or_default()
    }

    /// Forgets which objects hold which keys, since there are no objects any more.
    pub(super) fn forget_all_held(&mut self) {
        self.held.clear();
    }

    /// Forgets the keys that no object holds any more, when there are many.
    pub(super) fn forget_what_nothing_holds(&mut self) {
        if self.held.len().is_power_of_two() && self.held.len() > 512 {
            self.held.retain(|_, held| held.roles.strong_count() > 0);
        }
    }

    /// Whether a record is one that [`Self::load`] reads.
    pub(super) fn reads(number: u64, record: &Secret) -> bool {
        number == IDENTITY_SECRET || wire::codec::decode::<Remembered>(record.as_bytes()).is_ok()
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
        identities.quorums = Quorums::load(vault, domain)?;
        Ok(identities)
    }
}

impl Partition {
    /// Whether what a key is used for must be written: an object on the token holds it, or its past is kept.
    pub(super) fn is_lasting(&self, object: &Object) -> Result<bool, Error> {
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
    pub(super) fn must_remember(&self, object: &Object, role: Role) -> Result<bool, Error> {
        if role != Role::Wrap || !object.flag(Attr::TRUSTED) {
            return Ok(false);
        }
        let identities = self.identities.lock();
        let identity = identity(object.attributes(), identities.secret.as_bytes())?;
        Ok(identity.is_some_and(|identity| identities.past(&identity).roles & role.bit() == 0))
    }

    /// The key, and what would be known of its past with `more`, if that is not known already. Of a key without
    /// a past, only if it is to have one.
    pub(super) fn more_of_past(
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
    pub(super) fn remembering(&self, identity: Identity, past: Past) -> Result<Change, Error> {
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
}
