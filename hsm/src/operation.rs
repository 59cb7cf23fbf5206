//! The order of `Init`, `Update` and `Final`: one state machine for every kind of operation, and one rule
//! for output of variable length.
//!
//! An operation is `Idle`, `Begun` or `Fed`. Output that turns out longer than the caller's buffer, where
//! only the operation itself could tell, is `Held` until the caller comes again with room.

use std::mem;
use std::sync::Arc;

use crypto::Secret;
use wire::{Output, Params, Room};

use crate::error::Error;
use crate::mechanism::{Cipher, Digester, Signer, Verifier};
use crate::object::Material;

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
    /// The mechanism's name, for errors.
    pub(crate) mechanism: &'static str,
    /// Whether the key's PIN has been given.
    pub(crate) authentication: Authentication,
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
    Held(Call, Secret),
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

    /// Ends the operation, whatever it is.
    pub(crate) fn cancel(&mut self) {
        *self = Self::Idle;
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
            Self::Fed(_) | Self::Held(..) => Err(Error::OperationActive),
        }
    }

    /// Takes the operation for an update or a final; from here on an error leaves `Idle`.
    fn take_open(&mut self) -> Result<Active<T>, Error> {
        match mem::take(self) {
            Self::Idle => Err(Error::OperationNotInitialized),
            Self::Begun(active) | Self::Fed(active) => active.authenticated(),
            Self::Held(..) => Err(Error::OperationActive),
        }
    }

    /// The output that an earlier call held back, if this is the same call again.
    fn held(&mut self, call: Call, room: Room) -> Option<Output> {
        let Self::Held(by, output) = self else { return None };
        if *by != call {
            return None;
        }
        let answer = room.open_answer(output.len() as u64);
        Some(answer.unwrap_or_else(|| {
            let output = mem::take(self);
            match output {
                Self::Held(_, output) => Output::Bytes(output.as_bytes().into()),
                _ => Output::Length(0),
            }
        }))
    }

    /// The output if it fits; else it is held until the caller has room.
    fn hand_over(&mut self, call: Call, output: Vec<u8>, room: Room) -> Output {
        match room.open_answer(output.len() as u64) {
            None => Output::Bytes(output.into()),
            Some(answer) => {
                *self = Self::Held(call, Secret::new(output));
                answer
            }
        }
    }
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
        if let Some(answer) = self.held(Call::Whole, room) {
            return Ok(answer);
        }
        let active = self.take_begun()?;
        let output = (active.work.run)(&active.work.key, &active.work.params, data)?;
        if room == Room::Ask {
            *self = Self::Begun(active);
            return Ok(Output::Length(output.len() as u64));
        }
        Ok(self.hand_over(Call::Whole, output, room))
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
        let active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        if let Some(answer) = room.open_answer(active.work.len()) {
            *self = Self::Fed(active);
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
        let active = self.take_open()?;
        if let Some(answer) = room.open_answer(active.work.len()) {
            *self = Self::Fed(active);
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
        if let Some(answer) = self.held(Call::Whole, room) {
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
        Ok(self.hand_over(Call::Whole, output, room))
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
            *self = if fed { Self::Fed(active) } else { Self::Begun(active) };
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
        if let Some(answer) = self.held(Call::Final, room) {
            return Ok(answer);
        }
        let active = self.take_open()?;
        if active.work.single_part() {
            return Err(Error::SinglePartOnly(active.mechanism));
        }
        let most = active.work.final_len();
        if room == Room::Ask {
            *self = Self::Fed(active);
            return Ok(Output::Length(most));
        }
        let mut output = with_capacity(most)?;
        active.work.finish(&mut output)?;
        Ok(self.hand_over(Call::Final, output, room))
    }
}

/// Room for output: its bound follows from the input's, which the frame bounds.
fn with_capacity(most: u64) -> Result<Vec<u8>, Error> {
    let most = usize::try_from(most).map_err(|_| Error::DataLenRange("longer than memory"))?;
    Ok(Vec::with_capacity(most.min(wire::frame::LIMIT as usize)))
}
