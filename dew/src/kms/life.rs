//! The life of a key: shown, named, enabled, disabled, and scheduled for deletion.

use hsm::{Revision, Work};

use super::allow::Found;
use super::error::{KmsError, Result};
use super::key::{Key, State};
use super::name::{check_description, check_name};
use super::record::Kept;
use super::{KeyId, Kms};
use crate::caller::Caller;
use crate::due::{DAY, Millis};
use crate::iam::{AccountId, EnterpriseProjectId};

/// In how many days from now a key can be deleted.
const DELETION_DAYS: std::ops::RangeInclusive<u64> = 7..=1096;

impl Kms {
    /// A key as it stands.
    ///
    /// # Errors
    /// `NoKey`, `BadKeyId`, `Forbidden`
    pub fn describe_key(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        Ok(self.describe_key_with_home(caller, key)?.0)
    }

    /// A key as it stands, the account whose it is, and its region.
    ///
    /// # Errors
    /// As [`Self::describe_key`].
    pub fn describe_key_with_home(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<(Kept<Key>, AccountId, String)> {
        let Found { project, key } = self.permitted(caller, "ListKeyDetail", key)?;
        Ok((key, project.account, self.region(&project)))
    }

    /// Lets a disabled key be used again.
    ///
    /// # Errors
    /// `NotDisabled`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn enable_key(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "EnableKey", key)?;
        self.change_state(caller, &found, "enable a key", |key| match key.state {
            State::Disabled => Ok(Key { state: State::Enabled, ..key }),
            _ => Err(KmsError::NotDisabled),
        })
    }

    /// Keeps a key from being used, through every door.
    ///
    /// # Errors
    /// `NotEnabled`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn disable_key(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "DisableKey", key)?;
        self.change_state(caller, &found, "disable a key", |key| match key.state {
            State::Enabled => Ok(Key { state: State::Disabled, ..key }),
            _ => Err(KmsError::NotEnabled),
        })
    }

    /// Has a key deleted for good in some days, until when it cannot be used.
    ///
    /// # Errors
    /// `BadDays`, `AlreadyPending`, `HasReplicas`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn schedule_deletion(&self, caller: &Caller, key: &str, days: u64) -> Result<Kept<Key>> {
        if !DELETION_DAYS.contains(&days) {
            return Err(KmsError::BadDays);
        }
        let found = self.permitted(caller, "DeleteKey", key)?;
        let goes = self.now().saturating_add(days * DAY);
        let region = self.region(&found.project);
        self.change_state(caller, &found, "schedule the deletion of a key", |key| {
            match (&key.multi, key.state) {
                (_, State::PendingDeletion) => Err(KmsError::AlreadyPending),
                (Some(multi), _) if multi.primary == region && self.is_elsewhere(&found, multi) => {
                    Err(KmsError::HasReplicas)
                }
                _ => Ok(Key { state: State::PendingDeletion, goes: Some(goes), ..key }),
            }
        })
    }

    /// Keeps a key that was to be deleted. It is disabled then, or pending import if it has no material.
    ///
    /// # Errors
    /// `NotPending`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn cancel_deletion(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "CancelKeyDeletion", key)?;
        self.change_state(caller, &found, "cancel the deletion of a key", |key| match key.state {
            State::PendingDeletion if key.versions.is_empty() => {
                Ok(Key { state: State::PendingImport, goes: None, ..key })
            }
            State::PendingDeletion => Ok(Key { state: State::Disabled, goes: None, ..key }),
            _ => Err(KmsError::NotPending),
        })
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// `BadName`, `NameTaken`, `PendingDeletion`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn rename_key(&self, caller: &Caller, key: &str, name: &str) -> Result<Kept<Key>> {
        check_name("key_alias", name)?;
        let found = self.permitted(caller, "UpdateKeyAlias", key)?;
        let _turn = found.project.turn.lock();
        let key = self.changeable(&found)?;
        let taken = found.project.shelf.read().by_name.get(name).copied();
        if taken.is_some_and(|other| other != key.id) {
            return Err(KmsError::NameTaken);
        }
        let changed = Key { name: name.to_owned(), ..(*key).clone() };
        let [id, _, request] = about(key.id, &changed, caller);
        let details = [id, ("name", name.to_owned()), request];
        let label = |number| (number, Revision::Label(name.to_owned()));
        let revise = changed.objects().into_iter().map(label).collect();
        let work = Work { action: "rename a key", details: &details, revise, ..Work::default() };
        self.change_key(&found.project, &key, changed, caller, work)
    }

    /// Says something else of what a key is for.
    ///
    /// # Errors
    /// `BadDescription`, `PendingDeletion`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn describe_anew(&self, caller: &Caller, key: &str, description: &str) -> Result<Kept<Key>> {
        check_description(description)?;
        let found = self.permitted(caller, "UpdateKeyDescription", key)?;
        let change = |key: &mut Key| {
            description.clone_into(&mut key.description);
            Ok(())
        };
        self.change_words(caller, &found, "describe a key", change)
    }

    /// Moves a key to another enterprise project. Who does so may create keys there, and update this one.
    ///
    /// # Errors
    /// `Field` if the account has no such enterprise project in use; `PendingDeletion`, `DefaultKey`; `NoKey`,
    /// `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn move_key(&self, caller: &Caller, key: &str, to: EnterpriseProjectId) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "UpdateKeyDescription", key)?;
        let there = super::allow::About::Some { enterprise_project: Some(to.0), tags: Some(&found.key.tags) };
        let (_, account) = self.permitted_in(caller, "CreateKey", there)?;
        if !self.iam.has_enterprise_project(account, to) {
            return Err(KmsError::Field("enterprise_project_id names no enterprise project".to_owned()));
        }
        let change = |key: &mut Key| {
            key.enterprise_project = to.0;
            Ok(())
        };
        self.change_words(caller, &found, "move a key to an enterprise project", change)
    }

    /// Changes what is said of a custom key, and nothing of its objects.
    pub(super) fn change_words(
        &self,
        caller: &Caller,
        found: &Found,
        action: &'static str,
        change: impl FnOnce(&mut Key) -> Result<()>,
    ) -> Result<Kept<Key>> {
        let _turn = found.project.turn.lock();
        let key = self.changeable(found)?;
        let mut changed = (*key).clone();
        change(&mut changed)?;
        let details = about(key.id, &changed, caller);
        let work = Work { action, details: &details, ..Work::default() };
        self.change_key(&found.project, &key, changed.clone(), caller, work)
    }

    /// Changes how a custom key stands: its objects are suspended in the same commit, or are not any more.
    fn change_state(
        &self,
        caller: &Caller,
        Found { project, key }: &Found,
        action: &'static str,
        next: impl FnOnce(Key) -> Result<Key>,
    ) -> Result<Kept<Key>> {
        let _turn = project.turn.lock();
        let key = self.standing(project, key.id)?;
        key.check_custom()?;
        let changed = next((*key).clone())?;
        if changed.state == State::Enabled {
            self.stores.check_enabled(changed.store)?;
        }
        let details = about(key.id, &changed, caller);
        let work = Work { action, details: &details, revise: suspending(&changed), ..Work::default() };
        self.change_key(project, &key, changed.clone(), caller, work)
    }

    /// The key as it is now, if what is said of it can be changed. The project's turn is held.
    fn changeable(&self, Found { project, key }: &Found) -> Result<Kept<Key>> {
        let key = self.standing(project, key.id)?;
        key.check_custom()?;
        match key.state {
            State::PendingDeletion => Err(KmsError::PendingDeletion),
            _ => Ok(key),
        }
    }
}

impl Key {
    /// Whether its date has come: it is as good as deleted, and will be soon.
    #[must_use]
    pub fn is_gone(&self, now: Millis) -> bool {
        self.state == State::PendingDeletion && self.goes.is_some_and(|goes| goes <= now)
    }
}

/// What records say of a key that changes.
pub(super) fn about(id: KeyId, changed: &Key, caller: &Caller) -> [(&'static str, String); 3] {
    [
        ("key", id.to_string()),
        ("state", changed.state.name().to_owned()),
        ("request", caller.request.to_string()),
    ]
}

/// What becomes of a key's objects by how the key stands.
pub(super) fn suspending(key: &Key) -> Vec<(u64, Revision)> {
    let suspended = key.state != State::Enabled;
    key.objects().into_iter().map(|number| (number, Revision::Suspended(suspended))).collect()
}
