//! Authorisations: what the quorums of keys have approved, and how much of it is left.
//!
//! A use is counted, durably, before it happens, so that neither a crash nor many threads give one for nothing. An
//! authorisation travels in no backup: what was used here could be used again.

use std::collections::BTreeMap;

use crypto::Secret;
use serde::{Deserialize, Serialize};

use super::Partition;
use super::identities::Identity;
use super::quorums::random_number;
use crate::error::Error;
use crate::event::Act;
use crate::object::Object;
use crate::ports::Peer;
use crate::quorum::{Authorization, Granted, KeyQuorum, Only, Usages};
use crate::vault::{Batch, Change, RecordId, Vault, Version, kind};

/// The most of a partition.
const MAX: usize = wire::admin::key::MAX_GRANTS;

/// The authorisations of a partition, by the numbers of their records.
#[derive(Default)]
pub(super) struct Grants(BTreeMap<u64, (Grant, Version)>);

#[derive(Clone, Serialize, Deserialize)]
struct Grant {
    identity: Identity,
    /// Of the quorum that approved: under another it is worth nothing.
    generation: u64,
    usages: Usages,
    left: u32,
    /// Seconds since 1970.
    expires: u64,
    only: Only,
}

/// Who wants to use a key, for what, and when.
#[derive(Clone, Copy)]
pub(crate) struct Use {
    pub(crate) usage: Usages,
    pub(crate) peer: Peer,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Grant {
    fn encode(&self) -> Result<Secret, Error> {
        let mut bytes = Vec::new();
        wire::codec::encode(self, &mut bytes)
            .map_err(|_| Error::Internal("an authorisation has an encoding"))?;
        Ok(Secret::new(bytes))
    }

    fn is_for(&self, identity: &Identity, quorum: &KeyQuorum, now: u64) -> bool {
        self.identity == *identity && self.generation == quorum.generation && self.expires > now
    }

    fn allows(&self, Use { usage, peer, .. }: Use) -> bool {
        let by = match self.only {
            Only::Any => true,
            Only::Uid(uid) => peer.uid == uid,
            Only::Pid(pid) => peer.pid == pid,
        };
        by && self.usages.has(usage)
    }

    const fn shown(&self) -> Granted {
        let Self { usages, left, expires, only, .. } = *self;
        Granted { usages, left, expires, only }
    }
}

impl Grants {
    pub(super) fn load(vault: &Vault, domain: u64) -> Result<Self, Error> {
        let mut grants = BTreeMap::new();
        for (number, version, bytes) in vault.records(domain, kind::GRANT)? {
            let grant = wire::codec::decode(bytes.as_bytes())
                .map_err(|_| Error::Internal("the record of an authorisation decodes"))?;
            grants.insert(number, (grant, version));
        }
        Ok(Self(grants))
    }

    /// The one that a use takes from: that which ends first.
    fn fitting(&self, identity: &Identity, quorum: &KeyQuorum, wanted: Use) -> Option<(u64, Grant, Version)> {
        let fits = |grant: &Grant| grant.is_for(identity, quorum, wanted.now) && grant.allows(wanted);
        let found = self.0.iter().filter(|(_, (grant, _))| fits(grant));
        let (number, (grant, version)) = found.min_by_key(|(_, (grant, _))| grant.expires)?;
        Some((*number, grant.clone(), *version))
    }
}

impl Partition {
    const fn grant_id(&self, number: u64) -> RecordId {
        RecordId { domain: self.domain, kind: kind::GRANT, number }
    }

    /// The quorum whose approval a use of the key lacks; none if it has that.
    ///
    /// # Errors
    /// If the library fails.
    pub(crate) fn lacks_approval(&self, object: &Object, wanted: Use) -> Result<Option<KeyQuorum>, Error> {
        if !object.roles().guards(wanted.usage) {
            return Ok(None);
        }
        let Some((identity, quorum)) = self.key_quorum_of(object)? else { return Ok(None) };
        let has = self.grants.lock().fitting(&identity, &quorum, wanted).is_some();
        Ok((!has).then_some(quorum))
    }

    /// Takes one use from what was approved, durably and recorded. Gives the quorum whose approval is lacking, if there
    /// is nothing left to take it from.
    ///
    /// # Errors
    /// What the vault says: then it was not taken.
    pub(crate) fn spend(
        &self,
        vault: &Vault,
        object: &Object,
        wanted: Use,
        act: &Act<'_>,
    ) -> Result<Option<KeyQuorum>, Error> {
        // Held while it is written, so that uses come one after the other.
        let mut grants = self.grants.lock();
        let Some((identity, quorum)) = self.key_quorum_of(object)? else { return Ok(None) };
        let Some((number, grant, version)) = grants.fitting(&identity, &quorum, wanted) else {
            return Ok(Some(quorum));
        };
        let left = grant.left.saturating_sub(1);
        let grant = Grant { left, ..grant };
        let details = [
            ("usage", wanted.usage.names().concat()),
            ("authorisation", format!("{number:016x}")),
            ("left", left.to_string()),
        ];
        let note = act.with_action("use an authorisation", &details).note(Some(object));
        let change = match left {
            0 => Change::delete(self.grant_id(number), version),
            _ => Change::update(self.grant_id(number), version, grant.encode()?),
        };
        let version = vault.commit(Batch::new(vec![change], vec![note]))?;
        match left {
            0 => grants.0.remove(&number),
            _ => grants.0.insert(number, (grant, version)),
        };
        Ok(None)
    }

    /// Takes in what the quorum of a key approved, durably and recorded; `generation` is that of the quorum.
    ///
    /// # Errors
    /// `ActionProhibited` if the key is under no quorum, or another one by now, or there is no room; what the vault
    /// says.
    pub(crate) fn authorize(
        &self,
        vault: &Vault,
        object: &Object,
        generation: Option<u64>,
        (allowed, now): (&Authorization, u64),
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let mut grants = self.grants.lock();
        let (identity, quorum) = self
            .key_quorum_of(object)?
            .ok_or(Error::ActionProhibited("the key is under no quorum, and needs no authorisation"))?;
        if Some(quorum.generation) != generation {
            return Err(Error::ActionProhibited("its quorum has been changed meanwhile"));
        }
        let mut changes = Vec::new();
        let over = |(grant, _): &(Grant, Version)| grant.expires <= now;
        for (number, (_, version)) in grants.0.iter().filter(|(_, grant)| over(grant)) {
            changes.push(Change::delete(self.grant_id(*number), *version));
        }
        if grants.0.len() - changes.len() >= MAX {
            return Err(Error::ActionProhibited("the partition has 1,000 authorisations at the most"));
        }
        let grant = Grant {
            identity,
            generation: quorum.generation,
            usages: allowed.usages,
            left: allowed.uses,
            expires: now.saturating_add(allowed.seconds),
            only: allowed.only,
        };
        let number = random_number()?;
        changes.push(Change::create(self.grant_id(number), grant.encode()?));
        let details = [
            ("usages", allowed.usages.names().join(", ")),
            ("authorisation", format!("{number:016x}")),
            ("uses", allowed.uses.to_string()),
            ("expires", grant.expires.to_string()),
            ("application", allowed.only.to_string()),
        ];
        let note = act.with_action("authorise the use of a key", &details).note(Some(object));
        let version = vault.commit(Batch::new(changes, vec![note]))?;
        grants.0.retain(|_, grant| !over(grant));
        grants.0.insert(number, (grant, version));
        Ok(())
    }

    /// What the key of an object is authorised for.
    ///
    /// # Errors
    /// If the library fails.
    pub(crate) fn granted(&self, object: &Object, now: u64) -> Result<Vec<Granted>, Error> {
        let Some((identity, quorum)) = self.key_quorum_of(object)? else { return Ok(Vec::new()) };
        let grants = self.grants.lock();
        let own = grants.0.values().filter(|(grant, _)| grant.is_for(&identity, &quorum, now));
        Ok(own.map(|(grant, _)| grant.shown()).collect())
    }
}
