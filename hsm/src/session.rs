//! A session: what an application has under way on a partition.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use wire::SessionHandle;

use crate::error::Error;
use crate::mechanism::{Cipher, Digester, Signer, Verifier};
use crate::operation::{Authentication, Recovery, Slot, Used};
use crate::partition::{Partition, Stay};
use crate::user::User;

/// A session.
pub(crate) struct Session {
    /// Its handle: never one of an earlier session, nor of an earlier start of the daemon.
    pub(crate) handle: SessionHandle,
    /// Where it is.
    pub(crate) partition: Arc<Partition>,
    /// Ends when the session is closed and the last call on it has returned.
    pub(crate) _stay: Stay,
    /// Whether it is read/write.
    pub(crate) rw: bool,
    /// What is under way. A session does one thing at a time.
    pub(crate) operations: Mutex<Operations>,
}

/// The operations of a session, one of each kind at the most.
#[derive(Default)]
#[allow(missing_docs)] // each is the operation of its name
pub(crate) struct Operations {
    pub(crate) encrypt: Slot<dyn Cipher>,
    pub(crate) decrypt: Slot<dyn Cipher>,
    pub(crate) digest: Slot<dyn Digester>,
    pub(crate) sign: Slot<dyn Signer>,
    pub(crate) verify: Slot<dyn Verifier>,
    pub(crate) sign_recover: Slot<Recovery>,
    pub(crate) verify_recover: Slot<Recovery>,
    pub(crate) find: Option<VecDeque<u64>>,
    /// The last operation that was begun with a key that asks for its PIN each time.
    pub(crate) waits: Option<Waits>,
}

/// An operation that can wait for a context-specific log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the operation of its name
pub(crate) enum Waits {
    Decrypt,
    Encrypt,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
}

impl Waits {
    const ALL: [Self; 6] =
        [Self::Decrypt, Self::Encrypt, Self::Sign, Self::SignRecover, Self::Verify, Self::VerifyRecover];
}

impl Operations {
    /// The operation that a context-specific log-in is for: the last that was begun of those that wait.
    #[must_use]
    pub(crate) fn waiting(&self) -> Option<Waits> {
        let waits = |operation: Waits| match operation {
            Waits::Decrypt => self.decrypt.waits(),
            Waits::Encrypt => self.encrypt.waits(),
            Waits::Sign => self.sign.waits(),
            Waits::SignRecover => self.sign_recover.waits(),
            Waits::Verify => self.verify.waits(),
            Waits::VerifyRecover => self.verify_recover.waits(),
        };
        self.waits.into_iter().chain(Waits::ALL).find(|operation| waits(*operation))
    }

    /// `C_Login` with `CKU_CONTEXT_SPECIFIC` was right: the operation that waits goes on.
    ///
    /// # Errors
    /// `OperationNotInitialized` if none waits.
    pub(crate) fn authenticate(&mut self) -> Result<(), Error> {
        let done = match self.waiting() {
            None => false,
            Some(Waits::Decrypt) => self.decrypt.authenticate(),
            Some(Waits::Encrypt) => self.encrypt.authenticate(),
            Some(Waits::Sign) => self.sign.authenticate(),
            Some(Waits::SignRecover) => self.sign_recover.authenticate(),
            Some(Waits::Verify) => self.verify.authenticate(),
            Some(Waits::VerifyRecover) => self.verify_recover.authenticate(),
        };
        if done { Ok(()) } else { Err(Error::OperationNotInitialized) }
    }

    /// Notes that an operation was begun, which may wait for a context-specific log-in.
    pub(crate) fn wait_for(&mut self, operation: Waits, authentication: Authentication) {
        if authentication == Authentication::Missing {
            self.waits = Some(operation);
        }
    }

    /// Whether any cryptographic operation is active.
    #[must_use]
    pub(crate) const fn any_active(&self) -> bool {
        self.encrypt.is_active()
            || self.decrypt.is_active()
            || self.digest.is_active()
            || self.sign.is_active()
            || self.verify.is_active()
            || self.sign_recover.is_active()
            || self.verify_recover.is_active()
    }

    /// `C_SessionCancel`: ends the operations that the flags name (`CKF_ENCRYPT` and their like).
    pub(crate) fn cancel(&mut self, flags: u64) {
        let named = |flag: u64| flags & flag != 0;
        if named(0x40) {
            self.find = None;
        }
        if named(0x100) {
            self.encrypt.cancel();
        }
        if named(0x200) {
            self.decrypt.cancel();
        }
        if named(0x400) {
            self.digest.cancel();
        }
        if named(0x800) {
            self.sign.cancel();
        }
        if named(0x1000) {
            self.sign_recover.cancel();
        }
        if named(0x2000) {
            self.verify.cancel();
        }
        if named(0x4000) {
            self.verify_recover.cancel();
        }
    }

    /// Ends the operations whose keys may not be used so any more.
    pub(crate) fn cancel_if(&mut self, ends: &impl Fn(&Used) -> bool) {
        self.encrypt.cancel_if(ends);
        self.decrypt.cancel_if(ends);
        self.sign.cancel_if(ends);
        self.verify.cancel_if(ends);
        self.sign_recover.cancel_if(ends);
        self.verify_recover.cancel_if(ends);
    }

    /// Ends what is under way: the keys it uses may not be used by whoever comes next.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// `CKS_*`: computed from the session and who is logged in, and never stored.
#[must_use]
pub(crate) const fn state(rw: bool, user: User) -> u64 {
    match (rw, user) {
        (false, User::Nobody | User::So) => 0,
        (false, User::User | User::CryptoUser) => 1,
        (true, User::Nobody) => 2,
        (true, User::User | User::CryptoUser) => 3,
        (true, User::So) => 4,
    }
}
