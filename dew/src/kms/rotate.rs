//! Rotation: another version of the material, under the same id.

use hsm::Work;

use super::allow::Found;
use super::create::material;
use super::error::{KmsError, Result};
use super::key::{Key, Origin, Rotation, State};
use super::project::Project;
use super::record::Kept;
use super::spec::Family;
use super::{Kms, life};
use crate::caller::Caller;

/// Days between rotations.
const DAYS: std::ops::RangeInclusive<u64> = 30..=365;

impl Kms {
    /// Rotates a key by itself from now on, each year unless it is changed.
    ///
    /// # Errors
    /// `AlreadyRotates`; what cannot be rotated; how the key stands; `NoKey`, `Forbidden`; what the HSM says.
    pub fn enable_rotation(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "EnableKeyRotation", key)?;
        let now = self.now();
        self.change_rotation(caller, &found, "enable rotation", |key| {
            if key.rotation.enabled {
                return Err(KmsError::AlreadyRotates);
            }
            Ok(Rotation { enabled: true, days: Rotation::DAYS, since: now, ..key.rotation })
        })
    }

    /// Rotates a key no more.
    ///
    /// # Errors
    /// `DoesNotRotate`; as [`Self::enable_rotation`].
    pub fn disable_rotation(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "DisableKeyRotation", key)?;
        self.change_rotation(caller, &found, "disable rotation", |key| {
            if !key.rotation.enabled {
                return Err(KmsError::DoesNotRotate);
            }
            Ok(Rotation { enabled: false, ..key.rotation })
        })
    }

    /// Rotates a key after another number of days.
    ///
    /// # Errors
    /// `RotationDays`, `DoesNotRotate`; as [`Self::enable_rotation`].
    pub fn change_rotation_interval(&self, caller: &Caller, key: &str, days: u64) -> Result<Kept<Key>> {
        let days = u16::try_from(days).ok().filter(|days| DAYS.contains(&u64::from(*days)));
        let days = days.ok_or(KmsError::RotationDays)?;
        let found = self.permitted(caller, "UpdateKeyRotationInterval", key)?;
        self.change_rotation(caller, &found, "change the rotation interval", |key| {
            if !key.rotation.enabled {
                return Err(KmsError::DoesNotRotate);
            }
            Ok(Rotation { days, ..key.rotation })
        })
    }

    /// How a key is rotated.
    ///
    /// # Errors
    /// What cannot be rotated; `NoKey`, `Forbidden`.
    pub fn rotation(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "ShowKeyRotationStatus", key)?;
        check_rotatable(&found.key)?;
        Ok(found.key)
    }

    /// Rotates a key now.
    ///
    /// # Errors
    /// As [`Self::enable_rotation`].
    pub fn rotate_now(&self, caller: &Caller, key: &str) -> Result<Kept<Key>> {
        let Found { project, key } = self.permitted(caller, "RotateOnDemand", key)?;
        let _turn = project.turn.lock();
        let key = self.standing(&project, key.id)?;
        check_rotatable(&key)?;
        key.check_enabled()?;
        self.rotate(caller, &project, &key)
    }

    /// Makes another version of a key's material. Held by the project's turn.
    pub(super) fn rotate(&self, caller: &Caller, project: &Project, key: &Kept<Key>) -> Result<Kept<Key>> {
        let (now, desk) = (self.now(), self.desk(key.slot, caller)?);
        let number =
            key.current()?.number.checked_add(1).ok_or(KmsError::Internal("versions are counted"))?;
        let (fresh, version) = material(&desk, key, number, now)?;
        let mut changed = (**key).clone();
        changed.versions.push(version);
        changed.rotation.last = Some(now);
        changed.rotation.since = now;
        changed.rotation.count += 1;
        let [about, state, request] = life::about(key.id, &changed, caller);
        let details = [about, state, request, ("version", number.to_string())];
        let work = Work { action: "rotate a key", details: &details, add: vec![fresh], ..Work::default() };
        self.change_key(project, key, changed, caller, work)
    }

    fn change_rotation(
        &self,
        caller: &Caller,
        Found { project, key }: &Found,
        action: &'static str,
        next: impl Fn(&Key) -> Result<Rotation>,
    ) -> Result<Kept<Key>> {
        let _turn = project.turn.lock();
        let key = self.standing(project, key.id)?;
        check_rotatable(&key)?;
        key.check_enabled()?;
        let mut changed = (*key).clone();
        changed.rotation = next(&key)?;
        let details = life::about(key.id, &changed, caller);
        let work = Work { action, details: &details, ..Work::default() };
        self.change_key(project, &key, changed, caller, work)
    }
}

/// Refuses keys that are never rotated.
const fn check_rotatable(key: &Key) -> Result<()> {
    if key.store.is_some() {
        return Err(KmsError::StoreRotates);
    }
    match (key.default, key.origin, key.spec.family(), &key.multi) {
        (true, ..) => Err(KmsError::DefaultKey),
        (_, Origin::External, ..) => Err(KmsError::ExternalRotates),
        (_, _, Family::Mac, _) => Err(KmsError::ForMacs),
        (_, _, Family::Cipher, None) => Ok(()),
        (_, _, Family::Cipher, Some(_)) => Err(KmsError::MultiRotates),
        _ => Err(KmsError::AsymmetricRotates),
    }
}

impl Key {
    /// When something happens to it by itself, if anything does.
    #[must_use]
    pub fn due(&self) -> Option<super::Millis> {
        let expires = self.imported.expires.filter(|_| !self.versions.is_empty());
        match self.state {
            State::PendingDeletion => [self.goes, expires].into_iter().flatten().min(),
            State::Enabled => [self.rotation.due(), expires].into_iter().flatten().min(),
            State::Disabled | State::PendingImport => expires,
        }
    }
}
