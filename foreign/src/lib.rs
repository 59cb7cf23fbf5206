//! Another maker's PKCS#11 module, as far as bringing its objects over needs: its tokens, every object of one, the
//! bytes of any attribute, and keys wrapped by the token itself.
//!
//! It calls the C functions and not the crate `cryptoki`, for four reasons: a string for `C_Initialize` (NSS and
//! Kryoptic want one) is `unsafe` there; an attribute that it does not know fails the whole object; what it copies of a
//! secret is not wiped; and a wrapped key is as long as the module first guessed. Sessions are read-only, so that
//! nothing that is done here changes a token.
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

use std::path::Path;

use crypto::Secret;
use wire::Rv;

mod error;
#[allow(unsafe_code)]
mod ffi;

pub use error::Error;

use ffi::Library;

/// The longest attribute that is read, in bytes.
pub const LONGEST: usize = 1 << 20;

/// A module that is loaded and initialised. It is finalised when this is dropped.
pub struct Module(Library);

/// A token in a slot of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The slot's number.
    pub slot: u64,
    /// Its label, without the blanks at the end.
    pub label: String,
    /// Its serial number, without the blanks at the end.
    pub serial: String,
    /// Whether its private objects want a PIN.
    pub needs_login: bool,
}

/// An object of a token, in one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object(u64);

impl Module {
    /// Loads a module and initialises it, with the string that it wants, if it wants one.
    ///
    /// Whoever names a module trusts it: it runs in this program.
    ///
    /// # Errors
    /// `Load` and `Missing` if it is no module; `InUse` if this program has initialised it, and with what is not
    /// known; what it says itself.
    pub fn open(path: &Path, parameters: Option<&str>) -> Result<Self, Error> {
        Library::open(path, parameters).map(Self)
    }

    /// The tokens that are there and were initialised.
    ///
    /// # Errors
    /// What the module says. A slot that does not tell of its token is passed over.
    pub fn tokens(&self) -> Result<Vec<Token>, Error> {
        let slots = self.0.slots()?;
        Ok(slots.into_iter().filter_map(|slot| self.0.token(slot).ok().flatten()).collect())
    }

    /// Whether the token in a slot wraps keys by a mechanism.
    ///
    /// # Errors
    /// What the module says.
    pub fn wraps_by(&self, slot: u64, mechanism: u64) -> Result<bool, Error> {
        match self.0.mechanism_flags(slot, mechanism) {
            Ok(flags) => Ok(flags & ffi::WRAP != 0),
            Err(Error::Failed { code: Rv::MECHANISM_INVALID, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens a read-only session with the token in a slot.
    ///
    /// # Errors
    /// What the module says.
    pub fn session(&self, slot: u64) -> Result<Session<'_>, Error> {
        Ok(Session { library: &self.0, handle: self.0.open_session(slot)? })
    }
}

/// A session. It is closed when this is dropped.
pub struct Session<'a> {
    library: &'a Library,
    handle: u64,
}

impl Session<'_> {
    /// Logs in as the token's user.
    ///
    /// # Errors
    /// What the module says: it counts wrong PINs.
    pub fn log_in(&self, pin: &[u8]) -> Result<(), Error> {
        self.library.log_in(self.handle, pin)
    }

    /// Every object of the token that this session sees.
    ///
    /// # Errors
    /// What the module says.
    pub fn objects(&self) -> Result<Vec<Object>, Error> {
        Ok(self.library.token_objects(self.handle)?.into_iter().map(Object).collect())
    }

    /// An attribute's bytes; none if the object has no such attribute, or does not tell it.
    ///
    /// # Errors
    /// `TooLong`; what the module says.
    pub fn attribute(&self, object: Object, kind: u64) -> Result<Option<Secret>, Error> {
        self.library.attribute(self.handle, object.0, kind)
    }

    /// An attribute's length in bytes; none if the object has no such attribute, or does not tell it.
    ///
    /// # Errors
    /// `TooLong`; what the module says.
    pub fn attribute_len(&self, object: Object, kind: u64) -> Result<Option<usize>, Error> {
        self.library.attribute_len(self.handle, object.0, kind)
    }

    /// Makes an object with these attributes. In a read-only session it cannot be one that stays.
    ///
    /// # Errors
    /// What the module says.
    pub fn create(&self, attributes: &[(u64, &[u8])]) -> Result<Object, Error> {
        self.library.create(self.handle, attributes).map(Object)
    }

    /// A key, wrapped under another by a mechanism with this parameter.
    ///
    /// # Errors
    /// What the module says.
    pub fn wrap(
        &self,
        mechanism: u64,
        parameter: &[u8],
        under: Object,
        key: Object,
    ) -> Result<Vec<u8>, Error> {
        self.library.wrap(self.handle, mechanism, parameter, under.0, key.0)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // There is nothing more to do where that fails.
        let _ = self.library.close_session(self.handle);
    }
}
