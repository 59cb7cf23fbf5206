//! The order of `Init`, `Update` and `Final`: one state machine for every kind of operation, and one rule
//! for output of variable length.
//!
//! An operation is `Idle`, `Begun` or `Fed`. Output that turns out longer than the caller's buffer, where
//! only the operation itself could tell, is `Held` until the caller comes again with room.

use std::mem;
use std::sync::Arc;

use crypto::Secret;
use wire::{MechanismId, Output, Params, Room};

use crate::error::Error;
use crate::mechanism::{Cipher, Digester, Signer, Verifier};
use crate::object::{Material, Object};
use crate::policy::Usage;

/// Whether a key with `CKA_ALWAYS_AUTHENTICATE` has been given its PIN for this operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// The key does not ask.
    NotNeeded,
    /// The key asks, and `C_Login` with `CKU_CONTEXT_SPECIFIC` has not come.
    Missing,
    /// It has come, for this operation.
    Given,
}

/// One operation that is active.
pub(crate) struct Active<T: ?Sized> {
    /// What does the work.
    pub(crate) work: Box<T>,
    /// The mechanism.
    pub(crate) id: MechanismId,
    /// The mechanism's name, for errors.
    pub(crate) mechanism: &'static str,
    /// Whether the key's PIN has been given.
    pub(crate) authentication: Authentication,
    /// The key, if it has one.
    pub(crate) key: Option<Used>,
}

/// A key that an operation uses, and for what.
pub(crate) struct Used {
    pub(crate) key: Arc<Object>,
    pub(crate) usage: Usage,
}

impl<T: ?Sized> Active<T> {
    fn authenticated(self) -> Result<Self, Error> {
        match self.authentication {
            Authentication::Missing => {
                Err(Error::UserNotLoggedIn("the PIN for this one operation (context-specific)"))
            }
            Authentication::NotNeeded | Authentication::Given => Ok(self),
        }
    }
}

/// Which call holds output back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// `C_Decrypt` and its like.
    Whole,
    /// `C_DecryptFinal` and its like.
    Final,
}

/// Output that did not fit, and what it came of.
pub(crate) struct Held {
    by: Call,
    /// A digest of the call's data: the output is that of no other.
    of: Vec<u8>,
    output: Secret,
}

/// The state of one kind of operation in a session.
#[derive(Default)]
pub(crate) enum Slot<T: ?Sized> {
    /// No operation.
    #[default]
    Idle,
    /// Initialised, and no data yet.
    Begun(Active<T>),
    /// In the middle of its data.
    Fed(Active<T>),
    /// Done but for the output, which did not fit.
    Held(Held),
}

impl<T: ?Sized> Slot<T> {
    /// Whether an operation is active.
    pub(crate) const fn is_active(&self) -> bool {
        !matches!(self, Self::Idle)
    }

    /// Begins an operation.
    ///
    /// # Errors
    /// `OperationActive` if one is.
    pub(crate) fn begin(&mut self, operation: Active<T>) -> Result<(), Error> {
        if self.is_active() {
            return Err(Error::OperationActive);
        }
        *self = Self::Begun(operation);
        Ok(())
    }

    /// Whether the operation waits for the key's PIN.
    pub(crate) const fn waits(&self) -> bool {
        match self {
            Self::Begun(active) | Self::Fed(active) => {
                matches!(active.authentication, Authentication::Missing)
            }
            Self::Idle | Self::Held(_) => false,
        }
    }

    /// The mechanism of the operation.
    ///
    /// # Errors
    /// `OperationNotInitialized` if none takes data.
    pub(crate) const fn mechanism(&self) -> Result<MechanismId, Error> {
        match self {
            Self::Begun(active) | Self::Fed(active) => Ok(active.id),
            Self::Idle | Self::Held(_) => Err(Error::OperationNotInitialized),
        }
    }

    /// Ends the operation, whatever it is.
    pub(crate) fn cancel(&mut self) {
        *self = Self::Idle;
    }

    /// Ends the operation if its key may not be used so any more.
    pub(crate) fn cancel_if(&mut self, ends: &impl Fn(&Used) -> bool) {
        if let Self::Begun(active) | Self::Fed(active) = self
            && active.key.as_ref().is_some_and(ends)
        {
            self.cancel();
        }
    }

    /// Notes that the key's PIN was given, if the operation waits for it.
    pub(crate) fn authenticate(&mut self) -> bool {
        match self {
            Self::Begun(active) | Self::Fed(active) if active.authentication == Authentication::Missing => {
                active.authentication = Authentication::Given;
                true
            }
            _ => false,
        }
    }

    /// Takes the operation for a call with all the data; from here on an error leaves `Idle`.
    fn take_begun(&mut self) -> Result<Active<T>, Error> {
        match mem::take(self) {
            Self::Idle => Err(Error::OperationNotInitialized),
            Self::Begun(active) => active.authenticated(),
            Self::Fed(_) | Self::Held(_) => Err(Error::OperationActive),
        }
    }

    /// Takes the operation for an update or a final; from here on an error leaves `Idle`.
    fn take_open(&mut self) -> Result<Active<T>, Error> {
        match mem::take(self) {
            Self::Idle => Err(Error::OperationNotInitialized),
            Self::Begun(active) | Self::Fed(active) => active.authenticated(),
            Self::Held(_) => Err(Error::OperationActive),
        }
    }

    /// Puts back what was taken for a call that turned out to change nothing.
    fn put_back(&mut self, fed: bool, active: Active<T>) {
        *self = if fed { Self::Fed(active) } else { Self::Begun(active) };
    }

    /// The output that an earlier call held back, if this is the same call again.
    ///
    /// # Errors
    /// `DataInvalid` if the call comes with other data; the operation ends.
    fn held(&mut self, call: Call, data: &[u8], room: Room) -> Result<Option<Output>, Error> {
        let held = match mem::take(self) {
            Self::Held(held) if held.by == call => held,
            other => {
                *self = other;
                return Ok(None);
            }
        };
        if held.of != digest(data)? {
            return Err(Error::DataInvalid("not the data whose output did not fit"));
        }
        if let Some(answer) = room.open_answer(held.output.len() as u64) {
            *self = Self::Held(held);
            return Ok(Some(answer));
        }
        Ok(Some(Output::Bytes(held.output.as_bytes().into())))
    }

    /// The output if it fits; else it is held until the caller has room.
    fn hand_over(&mut self, by: Call, data: &[u8], output: Vec<u8>, room: Room) -> Result<Output, Error> {
        let Some(answer) = room.open_answer(output.len() as u64) else {
            return Ok(Output::Bytes(output.into()));
        };
        *self = Self::Held(Held { by, of: digest(data)?, output: Secret::new(output) });
        Ok(answer)
    }
}

fn digest(data: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(crypto::hash::digest(crypto::Hash::Sha256, data)?)
}

/// A signature with recovery: all in one call, by a function of the mechanism's row.
pub(crate) struct Recovery {
    /// The row's function.
    pub(crate) run: fn(&Arc<Material>, &Params, &[u8]) -> Result<Vec<u8>, Error>,
    /// The key.
    pub(crate) key: Arc<Material>,
    /// The mechanism's parameter.
    pub(crate) params: Params,
}

impl Slot<Recovery> {
    /// `C_SignRecover`, `C_VerifyRecover`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn whole(&mut self, data: &[u8], room: Room) -> Result<Output, Error> {
        if let Some(answer) = self.held(Call::Whole, data, room)? {
            return Ok(answer);
        }
        let active = self.take_begun()?;
        let output = (active.work.run)(&active.work.key, &active.work.params, data)?;
        if room == Room::Ask {
            *self = Self::Begun(active);
            return Ok(Output::Length(output.len() as u64));
        }
        self.hand_over(Call::Whole, data, output, room)
    }
}

impl Slot<dyn Signer> {
    /// `C_Sign`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn sign(&mut self, data: &[u8], room: Room) -> Result<Output, Error> {
        let mut active = self.take_begun()?;
        if let Some(answer) = room.open_answer(active.work.len()) {
            *self = Self::Begun(active);
            return Ok(answer);
        }
        active.work.update(data)?;
        active.work.finish().map(|signature| Output::Bytes(signature.into()))
    }

    /// `C_SignUpdate`
    ///
    /// # Errors
    /// As the standard lists; the operation ends.
    pub(crate) fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        let mut active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        active.work.update(data)?;
        *self = Self::Fed(active);
        Ok(())
    }

    /// `C_SignFinal`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn finish(&mut self, room: Room) -> Result<Output, Error> {
        let fed = matches!(self, Self::Fed(_));
        let active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        if let Some(answer) = room.open_answer(active.work.len()) {
            self.put_back(fed, active);
            return Ok(answer);
        }
        active.work.finish().map(|signature| Output::Bytes(signature.into()))
    }
}

impl Slot<dyn Verifier> {
    /// `C_Verify`
    ///
    /// # Errors
    /// As the standard lists; the operation ends in any case.
    pub(crate) fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        let mut active = self.take_begun()?;
        active.work.update(data)?;
        active.work.finish(signature)
    }

    /// `C_VerifyUpdate`
    ///
    /// # Errors
    /// As the standard lists; the operation ends.
    pub(crate) fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        let mut active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        active.work.update(data)?;
        *self = Self::Fed(active);
        Ok(())
    }

    /// `C_VerifyFinal`
    ///
    /// # Errors
    /// As the standard lists; the operation ends in any case.
    pub(crate) fn finish(&mut self, signature: &[u8]) -> Result<(), Error> {
        let active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        active.work.finish(signature)
    }
}

impl Slot<dyn Digester> {
    /// `C_Digest`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn digest(&mut self, data: &[u8], room: Room) -> Result<Output, Error> {
        let mut active = self.take_begun()?;
        if let Some(answer) = room.open_answer(active.work.len()) {
            *self = Self::Begun(active);
            return Ok(answer);
        }
        active.work.update(data)?;
        active.work.finish().map(|digest| Output::Bytes(digest.into()))
    }

    /// `C_DigestUpdate`
    ///
    /// # Errors
    /// As the standard lists; the operation ends.
    pub(crate) fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        let mut active = self.take_open()?;
        active.work.update(data)?;
        *self = Self::Fed(active);
        Ok(())
    }

    /// `C_DigestFinal`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn finish(&mut self, room: Room) -> Result<Output, Error> {
        let fed = matches!(self, Self::Fed(_));
        let active = self.take_open()?;
        if let Some(answer) = room.open_answer(active.work.len()) {
            self.put_back(fed, active);
            return Ok(answer);
        }
        active.work.finish().map(|digest| Output::Bytes(digest.into()))
    }
}

impl Slot<dyn Cipher> {
    /// `C_Encrypt`, `C_Decrypt`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn whole(&mut self, data: &[u8], room: Room) -> Result<Output, Error> {
        if let Some(answer) = self.held(Call::Whole, data, room)? {
            return Ok(answer);
        }
        let active = self.take_begun()?;
        let most = active.work.whole_len(data.len() as u64);
        if room == Room::Ask {
            *self = Self::Begun(active);
            return Ok(Output::Length(most));
        }
        let mut output = with_capacity(most)?;
        active.work.whole(data, &mut output)?;
        self.hand_over(Call::Whole, data, output, room)
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`
    ///
    /// # Errors
    /// As the standard lists; the operation ends.
    pub(crate) fn update(&mut self, data: &[u8], room: Room) -> Result<Output, Error> {
        let fed = matches!(self, Self::Fed(_));
        let mut active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        let most = active.work.update_len(data.len() as u64);
        if let Some(answer) = room.open_answer(most) {
            self.put_back(fed, active);
            return Ok(answer);
        }
        let mut output = with_capacity(most)?;
        active.work.update(data, &mut output)?;
        *self = Self::Fed(active);
        Ok(Output::Bytes(output.into()))
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`. Ends the operation, save for a length query or a short buffer.
    ///
    /// # Errors
    /// As the standard lists.
    pub(crate) fn finish(&mut self, room: Room) -> Result<Output, Error> {
        if let Some(answer) = self.held(Call::Final, &[], room)? {
            return Ok(answer);
        }
        let fed = matches!(self, Self::Fed(_));
        let active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        let most = active.work.final_len();
        if room == Room::Ask {
            self.put_back(fed, active);
            return Ok(Output::Length(most));
        }
        let mut output = with_capacity(most)?;
        active.work.finish(&mut output)?;
        self.hand_over(Call::Final, &[], output, room)
    }
}

/// Room for output: its bound follows from the input's, which the frame bounds.
fn with_capacity(most: u64) -> Result<Vec<u8>, Error> {
    let most = usize::try_from(most).map_err(|_| Error::DataLenRange("longer than memory"))?;
    Ok(Vec::with_capacity(most.min(wire::frame::LIMIT as usize)))
}
