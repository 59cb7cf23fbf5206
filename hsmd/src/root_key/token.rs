//! The root key kept by another PKCS#11 token: encrypted under a key that never leaves it.
//!
//! Under an AES key by CBC, one IV for the one message; under an RSA key by OAEP with SHA-1, which is what every
//! token has. That what comes back is the right key, the store's header tells.

use std::path::PathBuf;

use crypto::{Secret, random};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use hsm::vault::RootKey;
use serde::{Deserialize, Serialize};

use super::RootKeyError;
use crate::modules::Module;

/// Where the key is that the root key is under, and the root key under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    /// The PKCS#11 module.
    pub(crate) module: PathBuf,
    /// The token's label.
    pub(crate) token: String,
    /// The key's label.
    pub(crate) key: String,
    iv: [u8; 16],
    encrypted: Vec<u8>,
}

impl Token {
    /// A new root key, encrypted by the token.
    ///
    /// # Errors
    /// `Token`.
    pub(crate) fn make(
        module: PathBuf,
        token: String,
        key: String,
        pin: &[u8],
    ) -> Result<(Self, RootKey), RootKeyError> {
        let root = Secret::new(random::bytes(RootKey::LEN)?);
        let mut iv = [0; 16];
        random::fill(&mut iv)?;
        let mut made = Self { module, token, key, iv, encrypted: Vec::new() };
        made.encrypted = made.with_session(pin, |session| {
            let (way, encrypting, _) = made.find(session)?;
            session.encrypt(&way, encrypting, root.as_bytes()).map_err(|error| made.failed(&error))
        })?;
        // What the token cannot decrypt must not come to be the only copy.
        let root = RootKey::new(root).ok_or(RootKeyError::Derive("a key of a wrong length".into()))?;
        made.root_key(pin)?;
        Ok((made, root))
    }

    /// The root key, which the token decrypts.
    ///
    /// # Errors
    /// `Token`.
    pub(crate) fn root_key(&self, pin: &[u8]) -> Result<RootKey, RootKeyError> {
        let root = self.with_session(pin, |session| {
            let (way, _, decrypting) = self.find(session)?;
            let root = session.decrypt(&way, decrypting, &self.encrypted);
            root.map(Secret::new).map_err(|error| self.failed(&error))
        })?;
        RootKey::new(root).ok_or_else(|| self.refuse("what it decrypted is no root key".into()))
    }

    /// How the key encrypts; the object that does, and the one that decrypts.
    fn find(
        &self,
        session: &Session,
    ) -> Result<(Mechanism<'static>, ObjectHandle, ObjectHandle), RootKeyError> {
        let find = |class| {
            let template = [Attribute::Class(class), Attribute::Label(self.key.clone().into_bytes())];
            let found = session.find_objects(&template).map_err(|error| self.failed(&error))?;
            match found.as_slice() {
                [one] => Ok(Some(*one)),
                [] => Ok(None),
                _ => Err(self.refuse(format!("several keys have the label {:?}", self.key))),
            }
        };
        if let Some(key) = find(ObjectClass::SECRET_KEY)? {
            return Ok((Mechanism::AesCbc(self.iv), key, key));
        }
        match (find(ObjectClass::PUBLIC_KEY)?, find(ObjectClass::PRIVATE_KEY)?) {
            (Some(public), Some(private)) => {
                let oaep =
                    PkcsOaepParams::new(MechanismType::SHA1, PkcsMgfType::MGF1_SHA1, PkcsOaepSource::empty());
                Ok((Mechanism::RsaPkcsOaep(oaep), public, private))
            }
            _ => Err(self.refuse(format!("there is no AES or RSA key with the label {:?}", self.key))),
        }
    }

    /// Does something in a session of the user.
    fn with_session<T>(
        &self,
        pin: &[u8],
        act: impl FnOnce(&Session) -> Result<T, RootKeyError>,
    ) -> Result<T, RootKeyError> {
        let failed = |error: Error| self.failed(&error);
        let pin = String::from_utf8(pin.to_vec()).map_err(|_| self.refuse("its PIN is UTF-8".into()))?;
        let module = Module::of(&self.module).map_err(failed)?;
        let slot = module.slot_of(&self.token).map_err(failed)?;
        let slot = slot.ok_or_else(|| self.refuse("there is no token of this label".into()))?;
        let session = module.open_ro_session(slot).map_err(failed)?;
        match session.login(UserType::User, Some(&AuthPin::from(pin))) {
            // Then nobody has shown that this PIN is the right one.
            Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Err(self.refuse(
                "its user is logged in for HTTPS: keep the root key and the key of HTTPS on different tokens"
                    .into(),
            )),
            logged_in => logged_in.map_err(failed).and_then(|()| act(&session)),
        }
    }

    fn failed(&self, error: &Error) -> RootKeyError {
        self.refuse(error.to_string())
    }

    fn refuse(&self, why: String) -> RootKeyError {
        RootKeyError::Token { token: self.token.clone(), why }
    }
}
