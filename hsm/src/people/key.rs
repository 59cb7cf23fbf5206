//! The quorums of keys: who sets them, and what is authorised.

use std::sync::Arc;

use ukey::Id;
use wire::admin::Role;
use wire::admin::key::{Approver, MAX_APPROVERS};

use super::{People, PeopleError};
use crate::error::Error;
use crate::object::Object;
use crate::partition::Partition;
use crate::quorum::{Authorization, Granted, KeyQuorum, LASTS, MAX_USES, Usages};

/// What it is called in records to put a key under a quorum.
pub(crate) const SET_KEY_QUORUM: &str = "set the quorum of a key";

/// A key of a partition, by one of the objects that hold it.
#[derive(Clone)]
pub struct Key {
    /// The partition.
    pub partition: Arc<Partition>,
    /// The object.
    pub object: Arc<Object>,
}

impl Key {
    /// The token object of this `CKA_UNIQUE_ID`, if it is a key that has something to hide.
    #[must_use]
    pub fn named(partition: &Arc<Partition>, id: &str) -> Option<Self> {
        let object = partition.guardable(id)?;
        Some(Self { partition: Arc::clone(partition), object })
    }

    /// The quorum that it is under.
    ///
    /// # Errors
    /// If the library fails.
    pub fn quorum(&self) -> Result<Option<KeyQuorum>, Error> {
        self.partition.key_quorum(&self.object)
    }
}

impl People<'_> {
    /// Puts a key under a quorum, or changes it; `was` is the generation of the quorum whose approval there is.
    ///
    /// # Errors
    /// `Usage`, `KeyApprovals`, `NoPerson`, `OtherUKey`, `AuditorApproves`, `NamedTwice`; of the HSM if the key can leave,
    /// or its quorum is another by now; what the vault says.
    pub fn set_key_quorum(
        self,
        key: &Key,
        was: Option<u64>,
        usages: &[String],
        (needed, approvers): (u8, &[Approver]),
    ) -> Result<KeyQuorum, PeopleError> {
        let usages = usages_of(key, usages)?.closed(&key.object);
        let of = approvers.len();
        if !(1..=MAX_APPROVERS).contains(&of) || needed == 0 || usize::from(needed) > of {
            return Err(PeopleError::KeyApprovals { needed, of });
        }
        let mut ukeys = Vec::new();
        for Approver { name, ukey } in approvers {
            let person = self.named(name)?;
            if *person.id().as_bytes() != *ukey {
                return Err(PeopleError::OtherUKey(name.clone()));
            }
            if person.has(Role::Auditor, None) {
                return Err(PeopleError::AuditorApproves(name.clone()));
            }
            if ukeys.contains(ukey) {
                return Err(PeopleError::NamedTwice(name.clone()));
            }
            ukeys.push(*ukey);
        }
        self.keep_key_quorum(key, was, KeyQuorum { generation: 0, usages, needed, approvers: ukeys })
    }

    /// Takes the quorum of a key away; `was` is the generation of the quorum whose approval there is.
    ///
    /// # Errors
    /// `NoKeyQuorum` if it is under none; of the HSM if its quorum is another by now; what the vault says.
    pub fn remove_key_quorum(self, key: &Key, was: Option<u64>) -> Result<(), PeopleError> {
        was.ok_or(PeopleError::NoKeyQuorum)?;
        let none = KeyQuorum { generation: 0, usages: Usages::default(), needed: 0, approvers: Vec::new() };
        self.keep_key_quorum(key, was, none).map(drop)
    }

    fn keep_key_quorum(
        self,
        Key { partition, object }: &Key,
        was: Option<u64>,
        quorum: KeyQuorum,
    ) -> Result<KeyQuorum, PeopleError> {
        let details = self.told_of(&quorum);
        let action = if quorum.is_in_force() { SET_KEY_QUORUM } else { "remove the quorum of a key" };
        let act = self.hsm.act(&self.by, Some(partition), action, &details);
        // What applications have begun once for all holds no more, nor what they have begun.
        let _changing = self.hsm.changing(partition);
        let kept = partition.set_key_quorum(&self.hsm.vault, object, was, quorum, &act);
        if let Ok(quorum) = &kept {
            self.hsm.end_operations_without_approval(partition, object.roles(), quorum);
        }
        act.unless_done(Some(object), kept).map_err(hsm)
    }

    /// Has a key used as its quorum approved; `was` is the generation of that quorum.
    ///
    /// # Errors
    /// `Usage`, `NotGuarded`, `Extent`, `NoKeyQuorum`; of the HSM if the quorum is another by now, or there is no room; what
    /// the vault says.
    pub fn authorize(
        self,
        key: &Key,
        was: Option<u64>,
        usages: &[String],
        allowed: Authorization,
    ) -> Result<(), PeopleError> {
        let Key { partition, object } = key;
        let usages = usages_of(key, usages)?;
        let guarded = key.quorum().map_err(hsm)?.ok_or(PeopleError::NoKeyQuorum)?.usages();
        if usages.is_empty() || !guarded.has(usages) {
            let (usages, guarded) = (usages.names().join(", "), guarded.names().join(", "));
            return Err(PeopleError::NotGuarded { usages, guarded });
        }
        if !(1..=MAX_USES).contains(&allowed.uses) || !LASTS.contains(&allowed.seconds) {
            return Err(PeopleError::Extent);
        }
        let act = self.hsm.act(&self.by, Some(partition), "authorise the use of a key", &[]);
        let allowed = (&Authorization { usages, ..allowed }, self.hsm.time());
        let taken = partition.authorize(&self.hsm.vault, object, was, allowed, &act);
        act.unless_done(Some(object), taken).map_err(hsm)
    }

    /// What a key is authorised for.
    ///
    /// # Errors
    /// If the library fails.
    pub fn granted(self, key: &Key) -> Result<Vec<Granted>, PeopleError> {
        key.partition.granted(&key.object, self.hsm.time()).map_err(hsm)
    }

    /// A quorum as it is recorded.
    pub(crate) fn told_of(self, quorum: &KeyQuorum) -> [(&'static str, String); 3] {
        [
            ("usages", quorum.usages.names().join(", ")),
            ("approvals", quorum.needed.to_string()),
            ("approvers", self.with_ukeys(quorum)),
        ]
    }

    fn with_ukeys(self, quorum: &KeyQuorum) -> String {
        let shown = |ukey: Id| match self.of_ukey(ukey) {
            Some(person) => format!("{} {ukey}", person.name),
            None => ukey.to_string(),
        };
        quorum.approvers().map(shown).collect::<Vec<_>>().join(", ")
    }
}

fn usages_of(key: &Key, names: &[String]) -> Result<Usages, PeopleError> {
    let possible = Usages::possible(&key.object);
    let wrong = || PeopleError::Usage(names.join(", "), possible.names().join(", "));
    Usages::named(names).filter(|usages| !usages.is_empty() && possible.has(*usages)).ok_or_else(wrong)
}

fn hsm(error: Error) -> PeopleError {
    PeopleError::Hsm(Box::new(error))
}
