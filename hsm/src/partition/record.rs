//! What the vault keeps of a token, and how a partition comes to be.

use std::sync::atomic::{AtomicU8, AtomicU64};

use crypto::Secret;
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};

use super::confinement::Confined;
use super::grants::Grants;
use super::identities::Identities;
use super::pins::Pins;
use super::users::Users;
use super::{Door, Partition, Token, uses};
use crate::application::Handles;
use crate::error::Error;
use crate::event::{Act, Place, Uses};
use crate::object::Index;
use crate::pin::Verifier;
use crate::policy::Profile;
use crate::settings::Settings;
use crate::vault::{Batch, Change, RecordId, Vault, Version, kind};

/// The longest label of a token, in bytes (`CK_TOKEN_INFO.label`).
const MAX_LABEL: usize = 32;

/// What is kept of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenRecord {
    /// At most 32 bytes.
    pub label: String,
    /// 16 hexadecimal digits, random.
    pub serial: String,
    /// See [`TokenRecord::profile`].
    profile: u8,
    /// Whether `C_InitToken` or the console has initialised it.
    pub initialized: bool,
}

impl TokenRecord {
    /// The key policy; what is not known is the strictest.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        match self.profile {
            1 => Profile::Standard,
            2 => Profile::Legacy,
            _ => Profile::Strict,
        }
    }

    /// The token whose record this is.
    pub(crate) fn decode(record: &Secret) -> Result<Self, Error> {
        wire::codec::decode(record.as_bytes()).map_err(|_| Error::Internal("a token record decodes"))
    }

    /// The change that writes it.
    pub(super) fn change(&self, domain: u64, version: Option<Version>) -> Result<Change, Error> {
        let mut bytes = Vec::new();
        wire::codec::encode(self, &mut bytes).map_err(|_| Error::Internal("a token has an encoding"))?;
        let id = RecordId { domain, kind: kind::TOKEN, number: 0 };
        Ok(match version {
            None => Change::create(id, Secret::new(bytes)),
            Some(version) => Change::update(id, version, Secret::new(bytes)),
        })
    }
}

/// Refuses a label that does not fit.
pub(super) fn check_label(label: &str) -> Result<(), Error> {
    if label.is_empty() || label.len() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(Error::ArgumentsBad("a label has 1 to 32 bytes of UTF-8 without control characters"));
    }
    Ok(())
}

/// A new partition, as the console asks for it.
pub struct NewPartition<'a> {
    /// The token's label.
    pub label: &'a str,
    /// The key policy.
    pub profile: Profile,
    /// The security officer's PIN; without it the token is not initialised.
    pub so_pin: Option<&'a [u8]>,
    /// The user's PIN; it needs the security officer's.
    pub user_pin: Option<&'a [u8]>,
}

impl Partition {
    /// Makes a partition, durably and recorded, and in the same commit makes the changes `with` it, which may name its
    /// serial number.
    ///
    /// # Errors
    /// `ArgumentsBad` for a bad label, or a user's PIN without the security officer's; `PinLenRange`; what the
    /// vault says.
    pub(crate) fn create(
        vault: &Vault,
        settings: &Settings,
        domain: u64,
        new: &NewPartition<'_>,
        with: impl FnOnce(&str) -> Result<Vec<Change>, Error>,
        act: &Act<'_>,
    ) -> Result<Self, Error> {
        check_label(new.label)?;
        if new.user_pin.is_some() && new.so_pin.is_none() {
            return Err(Error::ArgumentsBad("a user PIN needs a security officer's PIN"));
        }
        let verifier = |pin: &[u8]| Verifier::new(pin, settings);
        let pins = Pins::new(new.so_pin.map(verifier).transpose()?, new.user_pin.map(verifier).transpose()?);
        let profile = match new.profile {
            Profile::Strict => 0,
            Profile::Standard => 1,
            Profile::Legacy => 2,
        };
        let serial: String = crypto::random::bytes(8)?.iter().map(|byte| format!("{byte:02x}")).collect();
        let record =
            TokenRecord { label: new.label.to_owned(), serial, profile, initialized: new.so_pin.is_some() };
        let identities = Identities::new()?;
        let mut changes = with(&record.serial)?;
        changes.extend([
            record.change(domain, None)?,
            pins.change(domain, None)?,
            identities.change(domain)?,
        ]);
        let note = act.at(Place { slot: domain, serial: &record.serial }).note(None);
        let version = vault.create_domain(domain, Batch::new(changes, vec![note]))?;
        Self::of(domain, Token { record, version }, pins.at(version), identities, Uses::default(), None)
    }

    /// Reads a partition from the vault, with all its objects.
    ///
    /// # Errors
    /// What the vault says; `Internal` if a record does not decode.
    pub fn load(vault: &Vault, domain: u64) -> Result<Self, Error> {
        let id = RecordId { domain, kind: kind::TOKEN, number: 0 };
        let (version, bytes) = vault.get(id)?.ok_or(Error::Internal("a partition has a token record"))?;
        let record =
            wire::codec::decode(bytes.as_bytes()).map_err(|_| Error::Internal("a token record decodes"))?;
        let pins = Pins::load(vault, domain)?;
        let identities = Identities::load(vault, domain)?;
        let uses = uses::load(vault, domain)?;
        let confined = Confined::load(vault, domain)?;
        let partition = Self::of(domain, Token { record, version }, pins, identities, uses, confined)?;
        *partition.users.write() = Users::load(vault, domain)?;
        *partition.grants.lock() = Grants::load(vault, domain)?;
        partition.load_objects(vault)?;
        Ok(partition)
    }

    fn of(
        domain: u64,
        token: Token,
        pins: Pins,
        identities: Identities,
        uses: Uses,
        confined: Option<Confined>,
    ) -> Result<Self, Error> {
        Ok(Self {
            domain,
            serial: token.record.serial.as_str().into(),
            token: RwLock::new(token),
            pins: RwLock::new(pins),
            users: RwLock::default(),
            trying: Mutex::new(()),
            objects: RwLock::new(Index::default()),
            next_number: AtomicU64::new(1),
            sessions: AtomicU64::new(0),
            door: RwLock::new(Door::Open),
            tag: Handles::random_tag()?,
            identities: Mutex::new(identities),
            changes: Mutex::new(()),
            grants: Mutex::default(),
            uses: AtomicU8::new(uses.code()),
            confined,
        })
    }
}
