//! `token.object`, and what its PINs open: one key, under which every byte string of a private object stands.

use std::collections::BTreeMap;

use crypto::aes::{self, Cipher, Mode};
use crypto::{Hash, Secret};

use crate::{Attribute, Class, Error, Stored, Value};

/// Whose PIN opens the token. Both open the same key, so that either reads every object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The user.
    User,
    /// The security officer.
    Officer,
}

/// A token, closed.
#[derive(Debug)]
pub struct Token {
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    officer: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
}

/// A token that a PIN has opened.
#[derive(Debug)]
pub struct Opened {
    key: aes::Key,
}

/// Length in bytes of the salt before a key under a PIN.
const SALT: usize = 8;
/// Length in bytes of a key under a PIN: salt, IV, and the encryption of [`MAGIC`] and a key.
const PIN_BLOB: usize = SALT + aes::BLOCK + 48;
/// What stands before the key, to tell a right PIN (`SecureDataManager::initObject`).
const MAGIC: &[u8] = b"RJR";
/// Length of the token's key in bytes.
const KEY: usize = 32;
/// Rounds of hashing that a PIN gets at least (`RFC4880.h`); the salt's last byte adds to it.
const ROUNDS: u32 = 1500;

impl Token {
    /// Reads `token.object`.
    ///
    /// # Errors
    /// As [`Stored::read`]; `NoToken` if it is another object.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let stored = Stored::read(bytes)?;
        let text = |attribute| {
            let bytes = stored.bytes(attribute).map_err(|_| Error::NoToken(attribute))?;
            Ok::<_, Error>(String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned())
        };
        stored.number(Attribute::TOKEN_FLAGS).map_err(|_| Error::NoToken(Attribute::TOKEN_FLAGS))?;
        let blob = |attribute| stored.bytes(attribute).ok().map(<[u8]>::to_vec);
        Ok(Self {
            label: text(Attribute::TOKEN_LABEL)?,
            serial: text(Attribute::TOKEN_SERIAL)?,
            officer: blob(Attribute::SO_PIN),
            user: blob(Attribute::USER_PIN),
        })
    }

    /// Opens the token.
    ///
    /// # Errors
    /// `WrongPin`; `NoPin` if nobody has set one; `UnknownPinForm` for what another SoftHSM2 wrote.
    pub fn open(&self, who: Who, pin: &[u8]) -> Result<Opened, Error> {
        let (blob, name) = match who {
            Who::User => (&self.user, "user"),
            Who::Officer => (&self.officer, "security officer"),
        };
        let blob = blob.as_deref().filter(|blob| !blob.is_empty()).ok_or(Error::NoPin(name))?;
        let (Some((salt, sealed)), PIN_BLOB) = (blob.split_at_checked(SALT), blob.len()) else {
            return Err(Error::UnknownPinForm(blob.len()));
        };
        let under = aes::Key::new(pin_key(pin, salt)?.as_bytes())?;
        let opened = decrypt(&under, sealed).ok_or(Error::WrongPin)?;
        match opened.as_bytes().strip_prefix(MAGIC) {
            Some(key) if key.len() == KEY => Ok(Opened { key: aes::Key::new(key)? }),
            _ => Err(Error::WrongPin),
        }
    }
}

impl Opened {
    /// The attributes of an object, in the clear.
    ///
    /// # Errors
    /// `Incomplete` if the file was cut off; `Altered` for what does not decrypt. What was altered in the bytes
    /// of a value alone decrypts to something else: only the check value and the public half tell.
    pub fn object(&self, stored: Stored) -> Result<BTreeMap<Attribute, Value>, Error> {
        stored.check_complete()?;
        let private = stored.flag(Attribute::PRIVATE)?;
        if matches!(stored.class()?, Class::SecretKey | Class::PrivateKey) {
            stored.number(Attribute::KEY_TYPE)?;
        }
        let mut attributes = stored.into_attributes();
        for (attribute, value) in &mut attributes {
            if let Value::Bytes(bytes) = value
                && private
                && !bytes.is_empty()
            {
                *bytes = decrypt(&self.key, bytes.as_bytes()).ok_or(Error::Altered(*attribute))?;
            }
        }
        Ok(attributes)
    }
}

/// The key of a PIN (`RFC4880::PBEDeriveKey`).
fn pin_key(pin: &[u8], salt: &[u8]) -> Result<Secret, Error> {
    let rounds = ROUNDS + u32::from(salt.last().copied().unwrap_or(0));
    let salted = Secret::new([salt, pin].concat());
    let mut key = Secret::new(crypto::hash::digest(Hash::Sha256, salted.as_bytes())?);
    for _ in 1..rounds {
        key = Secret::new(crypto::hash::digest(Hash::Sha256, key.as_bytes())?);
    }
    Ok(key)
}

/// Decrypts what stands behind its IV; none if it is no encryption under this key.
fn decrypt(key: &aes::Key, sealed: &[u8]) -> Option<Secret> {
    let (iv, body) = sealed.split_at_checked(aes::BLOCK)?;
    if body.is_empty() {
        return None;
    }
    let mut cipher = Cipher::decrypt(Mode::CbcPad, key, iv).ok()?;
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut clear = Vec::with_capacity(body.len() + aes::BLOCK);
    let done = cipher.update(body, &mut clear).and_then(|()| cipher.finish(&mut clear));
    let clear = Secret::new(clear);
    done.is_ok().then_some(clear)
}
