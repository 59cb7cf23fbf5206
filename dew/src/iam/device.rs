//! Virtual MFA devices: programs on a telephone that show a code each half minute (RFC 6238).

use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::id::{AccountId, UserId};
use super::record::{Device, Hidden, LoginProtection, User};
use super::{Acting, IamError, name};

/// How long a code is good for, in seconds.
const STEP: u64 = 30;

impl Device {
    /// The codes: six digits of HMAC-SHA-1, as every such program shows them; the one before and the one after are
    /// taken too.
    fn codes(&self) -> Result<Totp, IamError> {
        let secret = self.secret.0.as_bytes().to_vec();
        Builder::new().with_secret(secret).with_step_duration(STEP).build().map_err(|_| IamError::Malformed)
    }

    /// The step that a code is of, if it is one of now that was not taken before.
    pub(super) fn step_of(&self, code: &str, now: u64) -> Result<Option<u64>, IamError> {
        if code.len() != 6 || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            return Ok(None);
        }
        let step = self.codes()?.check(code, now);
        Ok(step.filter(|step| *step > self.step))
    }

    /// The secret as programs take it: base32.
    #[must_use]
    pub fn seed(&self) -> String {
        BASE32_NOPAD.encode(self.secret.0.as_bytes())
    }
}

impl Acting<'_> {
    /// Makes a device for a user, which does nothing before it is bound; one that is not bound is replaced.
    ///
    /// # Errors
    /// `Name`, `InUse` if the user has bound one, `Unknown`; what the vault says.
    pub fn create_device(self, account: AccountId, user: UserId, name: &str) -> Result<Arc<User>, IamError> {
        name::DEVICE.check(name)?;
        self.change("create a virtual MFA device", |draft| {
            let mut user = draft.user(account, user)?;
            if user.has_device() {
                return Err(IamError::InUse { what: "the virtual MFA device", by: "the user has bound one" });
            }
            let random = Zeroizing::new(draft.hsm.random::<20>()?);
            let secret = Hidden(Arc::new(crypto::Secret::new(random.to_vec())));
            user.device = Some(Device { name: name.to_owned(), secret, bound: false, step: 0 });
            draft.note("device", name);
            draft.put_user(user)
        })
    }

    /// Binds a user's device: two codes in a row show that it is set up.
    ///
    /// # Errors
    /// `WrongLogin` if they are not that, `Unknown` without a device; `InUse` if it is bound; what the vault says.
    pub fn bind_device(
        self,
        account: AccountId,
        user: UserId,
        first: &str,
        second: &str,
    ) -> Result<(), IamError> {
        self.guarded(account, user, |acting| {
            acting.change("bind a virtual MFA device", |draft| {
                let mut user = draft.user(account, user)?;
                let device = user.device.as_mut().ok_or(IamError::Unknown("virtual MFA device"))?;
                if device.bound {
                    return Err(IamError::InUse {
                        what: "the virtual MFA device",
                        by: "the user has bound it",
                    });
                }
                // The first may be of the step before now's, so that the second may be of the step after it.
                let (one, two) = (device.step_of(first, draft.now)?, device.step_of(second, draft.now)?);
                match (one, two) {
                    (Some(one), Some(two)) if two == one + 1 => device.step = two,
                    _ => return Err(IamError::WrongLogin),
                }
                device.bound = true;
                draft.put_user(user).map(drop)
            })
        })
    }

    /// Takes the device from a user, who shows a code of it.
    ///
    /// # Errors
    /// `WrongLogin`, `Locked`, `Unknown` without a bound device; what the vault says.
    pub fn unbind_device(self, account: AccountId, user: UserId, code: &str) -> Result<(), IamError> {
        self.guarded(account, user, |acting| {
            acting.change("unbind a virtual MFA device", |draft| {
                let mut user = draft.user(account, user)?;
                let device = user.device.take_if(|device| device.bound);
                let device = device.ok_or(IamError::Unknown("virtual MFA device"))?;
                if device.step_of(code, draft.now)?.is_none() {
                    return Err(IamError::WrongLogin);
                }
                user.protection = LoginProtection::Off;
                user.epoch = draft.epoch()?;
                draft.put_user(user).map(drop)
            })
        })
    }

    /// Deletes a user's device for an administrator: the user has lost it.
    ///
    /// # Errors
    /// `Unknown` without a device; what the vault says.
    pub fn delete_device(self, account: AccountId, user: UserId) -> Result<(), IamError> {
        self.change("delete a virtual MFA device", |draft| {
            let mut user = draft.user(account, user)?;
            user.device.take().ok_or(IamError::Unknown("virtual MFA device"))?;
            user.protection = LoginProtection::Off;
            user.epoch = draft.epoch()?;
            draft.put_user(user).map(drop)
        })
    }

    /// Takes a code that was sent to a user, or one of its device, once: for operations that ask for a second factor.
    ///
    /// # Errors
    /// `WrongLogin`, `Locked`, `NeedsSecondFactor` if there is no code and no bound device, `Unknown`; what the vault says.
    pub fn take_code(self, account: AccountId, user: UserId, code: &str) -> Result<(), IamError> {
        self.guarded(account, user, |acting| match acting.take_sent(user, code) {
            Some(true) => acting.change("take a code that was sent", |draft| {
                let user = draft.user(account, user)?;
                draft.put_user(user).map(drop)
            }),
            // It may be one of the device, which the user has as well.
            Some(false) => match acting.use_code(account, user, code) {
                Err(IamError::NeedsSecondFactor) => Err(IamError::WrongLogin),
                done => done,
            },
            None => acting.use_code(account, user, code),
        })
    }

    /// As [`Self::take_code`], for a try that is counted.
    pub(super) fn use_code(self, account: AccountId, user: UserId, code: &str) -> Result<(), IamError> {
        self.change("take a code of a virtual MFA device", |draft| {
            let mut user = draft.user(account, user)?;
            let now = draft.now;
            let device = user.device.as_mut().filter(|device| device.bound);
            let device = device.ok_or(IamError::NeedsSecondFactor)?;
            device.step = device.step_of(code, now)?.ok_or(IamError::WrongLogin)?;
            draft.put_user(user).map(drop)
        })
    }
}
