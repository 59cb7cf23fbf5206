//! The life of a key: shown, enabled, disabled.

use hsm::{Revision, Work};

use super::allow::Found;
use super::error::{KmsError, Result};
use super::key::{Key, State};
use super::record::Kept;
use super::{KeyId, Kms};
use crate::caller::Caller;

impl Kms {
    /// A key as it stands.
    ///
    /// # Errors
    /// `NoKey`, `BadKeyId`, `Forbidden`
    pub fn describe_key(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        Ok(self.permitted(caller, "ListKeyDetail", key)?.key)
    }

    /// Lets a disabled key be used again.
    ///
    /// # Errors
    /// `NotDisabled`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn enable_key(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "EnableKey", key)?;
        self.change_state(caller, &found, "enable a key", |key| match key.state {
            State::Disabled => Ok(State::Enabled),
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
            State::Enabled => Ok(State::Disabled),
            _ => Err(KmsError::NotEnabled),
        })
    }

    /// Changes how a custom key stands: its objects are suspended in the same commit, or are not any more.
    fn change_state(
        &self,
        caller: &Caller,
        Found { project, key }: &Found,
        action: &'static str,
        next: impl Fn(&Key) -> Result<State>,
    ) -> Result<Kept<Key>> {
        let _turn = project.turn.lock();
        let key = project.shelf.read().key(key.id)?;
        key.check_custom()?;
        let changed = Key { state: next(&key)?, ..(*key).clone() };
        let details = about(key.id, &changed, caller);
        let work = Work { action, details: &details, revise: suspending(&changed), ..Work::default() };
        self.change_key(project, &key, changed.clone(), caller, work)
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
