//! The PINs of a token: kept, checked, counted.
//!
//! A try is counted, durably, before the PIN is looked at, so that neither a crash nor a second connection
//! gives a try for nothing.

use crypto::Secret;
use parking_lot::MutexGuard;
use serde::{Deserialize, Serialize};

use super::users::Users;
use super::{Partition, Token};
use crate::error::Error;
use crate::event::Act;
use crate::pin::{Tries, Verifier, Which};
use crate::settings::Settings;
use crate::vault::{Batch, Change, Note, RecordId, Vault, Version, kind};

/// The PINs of a token, and the record they stand in.
pub(super) struct Pins {
    kept: Kept,
    version: Version,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Kept {
    so: Option<Verifier>,
    user: Option<Verifier>,
    tries: Tries,
}

impl Pins {
    pub(super) fn new(so: Option<Verifier>, user: Option<Verifier>) -> Self {
        Self { kept: Kept { so, user, tries: Tries::default() }, version: Version(0) }
    }

    pub(super) fn at(self, version: Version) -> Self {
        Self { version, ..self }
    }

    pub(super) fn load(vault: &Vault, domain: u64) -> Result<Self, Error> {
        let (version, bytes) =
            vault.get(id(domain))?.ok_or(Error::Internal("a partition has a PIN record"))?;
        let kept =
            wire::codec::decode(bytes.as_bytes()).map_err(|_| Error::Internal("a PIN record decodes"))?;
        Ok(Self { kept, version })
    }

    pub(super) fn change(&self, domain: u64, version: Option<Version>) -> Result<Change, Error> {
        self.kept.change(domain, version)
    }

    /// A record of PINs, with no fewer tries than these.
    pub(super) fn with_tries(record: &Secret, tries: Tries) -> Result<Secret, Error> {
        let mut kept: Kept =
            wire::codec::decode(record.as_bytes()).map_err(|_| Error::Internal("a PIN record decodes"))?;
        kept.tries = Tries { so: kept.tries.so.max(tries.so), user: kept.tries.user.max(tries.user) };
        let mut bytes = Vec::new();
        wire::codec::encode(&kept, &mut bytes).map_err(|_| Error::Internal("PINs have an encoding"))?;
        Ok(Secret::new(bytes))
    }

    pub(super) const fn has_user_pin(&self) -> bool {
        self.kept.user.is_some()
    }
}

/// A try of a PIN.
pub(super) struct Attempt<'a> {
    /// Whose PIN it is, for records.
    pub(super) of: &'a str,
    /// Wrong tries so far.
    pub(super) tries: u8,
    /// How many lock it.
    pub(super) limit: u8,
    /// What is kept of the PIN.
    pub(super) verifier: &'a Verifier,
    /// What was given for it.
    pub(super) pin: &'a [u8],
}

impl Attempt<'_> {
    /// Counts the try, durably, and only then looks at the PIN: `keep` writes a count and what is recorded of it.
    /// `right` is recorded if the PIN is.
    pub(super) fn make(
        self,
        act: &Act<'_>,
        right: Option<Note>,
        keep: impl Fn(u8, Option<Note>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self { of, tries, limit, verifier, pin } = self;
        if tries >= limit {
            return Err(Error::PinLocked { tries });
        }
        let tries = tries + 1;
        let details = [("pin", of.to_owned()), ("try", tries.to_string())];
        keep(tries, Some(act.with_action("count a try", &details).note(None)))?;
        if verifier.matches(pin)? {
            return keep(0, right);
        }
        match limit - tries {
            0 => Err(Error::PinLocked { tries }),
            left => Err(Error::PinIncorrect { left }),
        }
    }
}

impl Kept {
    fn change(&self, domain: u64, version: Option<Version>) -> Result<Change, Error> {
        let mut bytes = Vec::new();
        wire::codec::encode(self, &mut bytes).map_err(|_| Error::Internal("PINs have an encoding"))?;
        Ok(match version {
            None => Change::create(id(domain), Secret::new(bytes)),
            Some(version) => Change::update(id(domain), version, Secret::new(bytes)),
        })
    }

    const fn verifier(&self, which: Which) -> Option<&Verifier> {
        match which {
            Which::So => self.so.as_ref(),
            Which::User => self.user.as_ref(),
        }
    }

    fn with_verifier(mut self, which: Which, verifier: Verifier) -> Self {
        match which {
            Which::So => self.so = Some(verifier),
            Which::User => self.user = Some(verifier),
        }
        self
    }
}

const fn id(domain: u64) -> RecordId {
    RecordId { domain, kind: kind::PINS, number: 0 }
}

const fn allowed(which: Which, settings: &Settings) -> u8 {
    match which {
        Which::So => settings.so_pin_tries,
        Which::User => settings.user_pin_tries,
    }
}

impl Partition {
    /// Wrong tries since the last right one.
    #[must_use]
    pub fn tries(&self) -> Tries {
        self.pins.read().kept.tries
    }

    /// Checks a PIN: the try is counted first, and forgotten if the PIN is right. Recorded are the count, and
    /// that the PIN was right.
    ///
    /// # Errors
    /// `PinLocked` without a look at the PIN; `PinIncorrect`, or `PinLocked` if that was the last try;
    /// `UserPinNotInitialized` if there is none; what the vault says.
    pub(crate) fn check_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        which: Which,
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        self.check_pin_in_turn(&self.trying.lock(), vault, settings, (which, pin), act, Some(act.note(None)))
    }

    /// Makes `kept` what is kept, durably and with what is recorded of it. Others can read what was kept before
    /// meanwhile.
    fn keep(
        &self,
        _turn: &MutexGuard<'_, ()>,
        vault: &Vault,
        kept: Kept,
        note: Option<Note>,
    ) -> Result<(), Error> {
        let before = self.pins.read().version;
        let change = kept.change(self.domain, Some(before))?;
        let version = vault.commit(Batch::new(vec![change], note.into_iter().collect()))?;
        *self.pins.write() = Pins { kept, version };
        Ok(())
    }

    fn check_pin_in_turn(
        &self,
        turn: &MutexGuard<'_, ()>,
        vault: &Vault,
        settings: &Settings,
        (which, pin): (Which, &[u8]),
        act: &Act<'_>,
        right: Option<Note>,
    ) -> Result<(), Error> {
        let limit = allowed(which, settings);
        let kept = self.pins.read().kept.clone();
        let tries = kept.tries.of(which);
        let verifier = kept.verifier(which).ok_or_else(|| self.no_pin(which))?;
        let counting = |count| Kept { tries: kept.tries.with(which, count), ..kept.clone() };
        let attempt = Attempt { of: which.name(), tries, limit, verifier, pin };
        attempt.make(act, right, |tries, note| self.keep(turn, vault, counting(tries), note))
    }

    /// Forgets the wrong tries of a PIN.
    ///
    /// # Errors
    /// `UserPinNotInitialized`, `TokenNotInitialized`; what the vault says.
    pub(crate) fn unlock_pin(&self, vault: &Vault, which: Which, act: &Act<'_>) -> Result<(), Error> {
        let turn = self.trying.lock();
        let mut kept = self.pins.read().kept.clone();
        kept.verifier(which).ok_or_else(|| self.no_pin(which))?;
        kept.tries = kept.tries.with(which, 0);
        self.keep(&turn, vault, kept, Some(act.note(None)))
    }

    /// Gives the security officer another PIN, which also unlocks it.
    ///
    /// # Errors
    /// `PinLenRange`; what the vault says.
    pub(crate) fn reset_so_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let verifier = Verifier::new(pin, settings)?;
        let turn = self.trying.lock();
        let mut kept = self.pins.read().kept.clone().with_verifier(Which::So, verifier);
        kept.tries = kept.tries.with(Which::So, 0);
        self.keep(&turn, vault, kept, Some(act.note(None)))
    }

    const fn no_pin(&self, which: Which) -> Error {
        match which {
            Which::User => Error::UserPinNotInitialized,
            Which::So => Error::TokenNotInitialized(self.domain),
        }
    }

    /// `C_SetPIN`: another PIN in place of the one that is right now.
    ///
    /// # Errors
    /// As [`Partition::check_pin`] for the old PIN; `PinLenRange` for the new one, before the old is tried.
    pub(crate) fn set_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        which: Which,
        old: &[u8],
        new: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let verifier = Verifier::new(new, settings)?;
        let turn = self.trying.lock();
        self.check_pin_in_turn(&turn, vault, settings, (which, old), act, None)?;
        let kept = self.pins.read().kept.clone().with_verifier(which, verifier);
        self.keep(&turn, vault, kept, Some(act.note(None)))
    }

    /// `C_InitPIN`: the user's PIN by the security officer, which also unlocks it.
    ///
    /// # Errors
    /// `PinLenRange`; what the vault says.
    pub(crate) fn init_pin(
        &self,
        vault: &Vault,
        settings: &Settings,
        pin: &[u8],
        act: &Act<'_>,
    ) -> Result<(), Error> {
        let verifier = Verifier::new(pin, settings)?;
        let turn = self.trying.lock();
        let mut kept = self.pins.read().kept.clone().with_verifier(Which::User, verifier);
        kept.tries = kept.tries.with(Which::User, 0);
        self.keep(&turn, vault, kept, Some(act.note(None)))
    }

    /// `C_InitToken`: a first security officer's PIN, or the one it has; all objects go, the user's PIN and the named
    /// users.
    ///
    /// # Errors
    /// As [`Partition::check_pin`] on an initialised token; `SessionExists` if a session is open on it;
    /// `PinLenRange`, `ArgumentsBad` for a bad label; what the vault says.
    pub(crate) fn init_token(
        &self,
        vault: &Vault,
        settings: &Settings,
        label: Option<&str>,
        so_pin: &[u8],
        user_pin: Option<&[u8]>,
        act: &Act<'_>,
    ) -> Result<(), Error> {
        if let Some(label) = label {
            super::record::check_label(label)?;
        }
        let user = user_pin.map(|pin| Verifier::new(pin, settings)).transpose()?;
        self.alone(|_| {
            let turn = self.trying.lock();
            let so = if self.is_initialized() {
                self.check_pin_in_turn(&turn, vault, settings, (Which::So, so_pin), act, None)?;
                self.pins.read().kept.so.clone()
            } else {
                Some(Verifier::new(so_pin, settings)?)
            };
            self.begin_anew(&turn, vault, label, Kept { so, user, tries: Tries::default() }, act.note(None))
        })
    }

    /// Makes the token a new one, with these PINs. What is known of keys that have left it stays known, so that
    /// none comes back with more rights.
    fn begin_anew(
        &self,
        _turn: &MutexGuard<'_, ()>,
        vault: &Vault,
        label: Option<&str>,
        kept: Kept,
        note: Note,
    ) -> Result<(), Error> {
        let mut objects = self.objects.write();
        let mut token = self.token.write();
        let mut record = token.record.clone();
        record.initialized = true;
        if let Some(label) = label {
            record.label = label.to_owned();
        }
        let mut changes = vec![
            record.change(self.domain, Some(token.version))?,
            kept.change(self.domain, Some(self.pins.read().version))?,
        ];
        changes.extend(Self::deletions(vault, self.domain, &objects));
        changes.extend(self.users.read().deletions(self.domain));
        let version = vault.commit(Batch::new(changes, vec![note.making_room()]))?;
        *token = Token { record, version };
        *self.pins.write() = Pins { kept, version };
        *self.users.write() = Users::default();
        *objects = crate::object::Index::default();
        self.identities.lock().forget_all_held();
        Ok(())
    }
}
