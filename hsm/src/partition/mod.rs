//! A partition: a slot with a token in it, its PINs and its objects.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use wire::SlotId;

use crate::application::Handles;
use crate::error::Error;
use crate::event::{Act, Place};
use crate::object::Index;
use crate::policy::Profile;
use crate::ports::Clock;
use crate::vault::{Batch, Change, Vault, Version};

mod confinement;
mod grants;
mod identities;
mod objects;
mod pins;
mod quorums;
mod record;
mod restore;
mod task;
mod users;
mod uses;

pub use confinement::Confinement;
pub(crate) use grants::Use;
pub(crate) use quorums::Brought;
pub use record::{NewPartition, TokenRecord};
pub use task::Revision;
pub(crate) use task::Task;
pub use users::{MAX_USERS, NamedUser};

/// How long sessions are waited for that may be those of an application that has ended: so many moments, of this length.
const PARTING: (usize, Duration) = (100, Duration::from_micros(2500));

/// A partition.
pub struct Partition {
    /// The number that names it in the vault; also its slot number.
    pub(crate) domain: u64,
    /// The token's serial number, which never changes.
    serial: Box<str>,
    token: RwLock<Token>,
    pins: RwLock<pins::Pins>,
    users: RwLock<users::Users>,
    /// Held while a PIN is checked or set, so that tries come one after the other.
    trying: Mutex<()>,
    objects: RwLock<Index>,
    next_number: AtomicU64,
    sessions: AtomicU64,
    /// Read where a session opens, written where nobody may have one.
    door: RwLock<Door>,
    /// What the handles of its objects begin with, in this run of the daemon.
    pub(crate) tag: u64,
    /// What is known of keys by what they are.
    identities: Mutex<identities::Identities>,
    /// Held while a token object is changed, or the quorum of a key.
    changes: Mutex<()>,
    /// What the quorums of keys have approved.
    grants: Mutex<grants::Grants>,
    /// How uses of its keys are recorded.
    uses: AtomicU8,
    /// To what an instance holds it.
    confined: Option<confinement::Confined>,
}

/// Whether sessions can be opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    /// The partition has been deleted.
    Gone,
}

/// A session's stay on a partition: while one lasts, the token is not initialised and not deleted.
pub(crate) struct Stay {
    partition: Arc<Partition>,
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.partition.sessions.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The token as it stands.
struct Token {
    record: TokenRecord,
    version: Version,
}

impl Partition {
    /// The slot's number, kept for ever.
    #[must_use]
    pub const fn slot(&self) -> SlotId {
        SlotId(self.domain)
    }

    /// The token's label.
    #[must_use]
    pub fn label(&self) -> String {
        self.token.read().record.label.clone()
    }

    /// The token's serial number: 16 hexadecimal digits.
    #[must_use]
    pub fn serial(&self) -> String {
        self.serial.to_string()
    }

    /// The partition as records name it.
    pub(crate) const fn place(&self) -> Place<'_> {
        Place { slot: self.domain, serial: &self.serial }
    }

    /// The key policy.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.token.read().record.profile()
    }

    /// Whether the token is initialised.
    #[must_use]
    pub fn is_initialized(&self) -> bool {
        self.token.read().record.initialized
    }

    /// Whether the user has a PIN.
    #[must_use]
    pub fn has_user_pin(&self) -> bool {
        self.pins.read().has_user_pin()
    }

    /// The sessions open on it, of all applications.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Acquire)
    }

    /// Begins the stay of a session.
    ///
    /// # Errors
    /// `SlotIdInvalid` if the partition has been deleted; `TokenNotInitialized`.
    pub(crate) fn enter(self: &Arc<Self>) -> Result<Stay, Error> {
        let door = self.door.read();
        if *door == Door::Gone {
            return Err(Error::SlotIdInvalid(self.domain));
        }
        if !self.is_initialized() {
            return Err(Error::TokenNotInitialized(self.domain));
        }
        let stay = Stay { partition: Arc::clone(self) };
        let limit = self.most_sessions();
        match self.sessions.fetch_add(1, Ordering::AcqRel) {
            open if open >= limit => Err(Error::SessionCount { limit }),
            _ => Ok(stay),
        }
    }

    /// Gives sessions a moment to end, before something is done that needs that none is open: those of an application
    /// that has just ended may be there a little longer than it.
    pub(crate) fn let_part(partitions: &[&Self], clock: &dyn Clock) {
        let (moments, moment) = PARTING;
        let are_open = || partitions.iter().any(|partition| partition.sessions() > 0);
        (0..moments).take_while(|_| are_open()).for_each(|_| clock.pause(moment));
    }

    /// Does what needs that no session is open, and keeps any from opening meanwhile.
    fn alone<T>(&self, act: impl FnOnce(&mut Door) -> Result<T, Error>) -> Result<T, Error> {
        let mut door = self.door.write();
        match self.sessions() {
            0 => act(&mut door),
            open => Err(Error::SessionExists(open)),
        }
    }

    /// Destroys the partition in the vault, its key first, so that nothing of it can be read again; and in the same commit
    /// makes the changes.
    ///
    /// # Errors
    /// `SessionExists` if a session is open on it; what the vault says.
    pub(crate) fn delete(&self, vault: &Vault, changes: Vec<Change>, act: &Act<'_>) -> Result<(), Error> {
        self.alone(|door| {
            let note = act.note(None).making_room();
            vault.destroy_domain(self.domain, Batch::new(changes, vec![note]))?;
            *door = Door::Gone;
            Ok(())
        })
    }

    /// Keeps sessions from opening for good, or lets them open again.
    pub(crate) fn close_door(&self, closed: bool) {
        *self.door.write() = if closed { Door::Gone } else { Door::Open };
    }

    /// Forgets every object, and what is known of keys.
    pub(crate) fn forget(&self) {
        *self.objects.write() = Index::default();
        self.identities.lock().forget_all_held();
    }

    /// A number for a new object, token or session: never given twice while the daemon runs.
    ///
    /// # Errors
    /// `ObjectCount` if there are no more that a handle has room for.
    fn next_number(&self) -> Result<u64, Error> {
        match self.next_number.fetch_add(1, Ordering::Relaxed) {
            number if number <= Handles::MAX_NUMBER => Ok(number),
            _ => Err(Error::ObjectCount { limit: Handles::MAX_NUMBER }),
        }
    }

    /// The token's `pkcs11:` URI (RFC 7512).
    #[must_use]
    pub fn uri(&self) -> String {
        let token = self.token.read();
        format!(
            "pkcs11:model={};manufacturer={};serial={};token={}",
            escape(crate::MODEL),
            escape(crate::MANUFACTURER),
            escape(&token.record.serial),
            escape(&token.record.label)
        )
    }

    /// Gives the token another label.
    ///
    /// # Errors
    /// `ArgumentsBad` if it is longer than 32 bytes; else what the vault says.
    pub(crate) fn rename(&self, vault: &Vault, label: &str, act: &Act<'_>) -> Result<(), Error> {
        record::check_label(label)?;
        self.change_token(vault, act, |record| record.label = label.to_owned())
    }

    /// Changes the token's record, durably and recorded.
    fn change_token(
        &self,
        vault: &Vault,
        act: &Act<'_>,
        change: impl FnOnce(&mut TokenRecord),
    ) -> Result<(), Error> {
        let mut token = self.token.write();
        let mut record = token.record.clone();
        change(&mut record);
        let change = record.change(self.domain, Some(token.version))?;
        let version = vault.commit(Batch::new(vec![change], vec![act.note(None)]))?;
        *token = Token { record, version };
        Ok(())
    }
}

/// Percent-encodes what RFC 7512 does not let stand as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
