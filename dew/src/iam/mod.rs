//! Identity and access management: the directory of accounts beneath every service. Accounts with their projects, users,
//! groups, policies, agencies and access keys; who a request comes from; and which policies apply to it.
//!
//! Each thing is a record of the HSM's own domain. All of it is in memory too, behind one lock that is held for
//! writing only while something that is durable is shown: a change is drafted and checked, committed together with its
//! record in the audit log, then shown. So a kill leaves a change whole or not there, and whoever looks up a key never
//! waits for the disk.
//!
//! Tokens and keys that expire are not kept. They say themselves what they are, with a MAC by the directory's key, and
//! are good for as long as what they were given for is: the user, its password, the agency.

use std::collections::HashMap;
use std::sync::Arc;

use hsm::event::Actor;
use hsm::pin::Verifier;
use hsm::service::Deed;
use hsm::{Error, Hsm, vault};
use parking_lot::{Mutex, RwLock};

mod access_key;
mod account;
mod agency;
mod applied;
mod code;
mod device;
mod directory;
mod error;
mod explain;
mod group;
mod id;
mod identity;
mod login;
mod name;
mod organization;
mod permission;
pub mod policy;
mod project;
mod quota;
mod record;
mod role;
mod settings;
mod table;
mod token;
mod user;
mod when;

pub use access_key::NewAccessKey;
pub use account::{CreatedAccount, NewAccount};
pub use agency::AgencyChange;
pub use applied::Applied;
pub use code::{CODE_SECONDS, Reach, Way};
pub use error::IamError;
pub use explain::{Explained, Known};
pub use id::{
    AccessKeyId, AccountId, AgencyId, EnterpriseProjectId, GroupId, NoId, ProjectId, RoleId, TagPolicyId,
    UnitId, UserId,
};
pub use identity::{Assumed, Credential, Identity, Principal};
pub use login::LoggedIn;
pub(crate) use name::is_mail_address;
pub use organization::{Breach, Rules, TagPolicyChange};
pub use permission::{Policies, Question};
pub use quota::Quota;
pub(crate) use record::Hidden;
pub use record::{
    AccessKey, AccessMode, Account, Agency, Assignment, Device, EnterpriseProject, Group, Level,
    LoginProtection, Password, Project, Role, Scope, Subject, TagPolicy, Target, Trust, Unit, User,
};
pub use role::RoleChange;
pub use settings::{LoginPolicy, MAX_PASSWORD, PasswordPolicy, ProtectPolicy, Verifier as SecondFactorGiver};
pub use token::{Issued, Method, TemporaryKey, Token, TokenScope};
pub use user::{NewUser, UserChange};
pub use when::when;

use applied::Cache;
use code::Codes;
use directory::{Directory, Draft};
use login::Tries;

/// The directory of accounts of an HSM.
pub struct Iam {
    hsm: Arc<Hsm>,
    directory: RwLock<Directory>,
    /// Held by whoever changes something, from the first look to when it is shown.
    turn: Mutex<()>,
    /// Held by whoever checks a password: each takes much memory, and no more than one.
    checking: Mutex<()>,
    /// Wrong tries of log-ins.
    tries: Mutex<HashMap<UserId, Tries>>,
    /// What the password of who is not there is checked with, so that it takes as long.
    nobody: Verifier,
    /// Which policies apply to whom.
    cache: Cache,
    /// Codes that were sent.
    codes: Codes,
}

/// The directory, as somebody changes it.
#[derive(Clone, Copy)]
pub struct Acting<'a> {
    iam: &'a Iam,
    by: Actor<'a>,
}

impl Iam {
    /// Reads the directory of an HSM.
    ///
    /// # Errors
    /// `Malformed` if it is of a later release; what the vault says.
    pub fn open(hsm: Arc<Hsm>) -> Result<Self, IamError> {
        let directory = RwLock::new(Directory::read(&hsm)?);
        let nobody = hsm.keep_password(&hsm.random::<16>()?)?;
        Ok(Self {
            hsm,
            directory,
            turn: Mutex::default(),
            checking: Mutex::default(),
            tries: Mutex::default(),
            nobody,
            cache: Cache::default(),
            codes: Codes::default(),
        })
    }

    /// Reads the directory anew, after it was restored from a backup.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reload(&self) -> Result<(), IamError> {
        let _turn = self.turn.lock();
        let mut read = Directory::read(&self.hsm)?;
        let mut directory = self.directory.write();
        read.generation = directory.generation + 1;
        *directory = read;
        Ok(())
    }

    /// The directory as this actor changes it: each change is recorded as done by it.
    #[must_use]
    pub const fn by<'a>(&'a self, by: Actor<'a>) -> Acting<'a> {
        Acting { iam: self, by }
    }

    /// The HSM that it belongs to.
    #[must_use]
    pub fn hsm(&self) -> &Arc<Hsm> {
        &self.hsm
    }
}

impl Acting<'_> {
    /// Makes a change: drafts it on what is there, commits it with its record in the audit log, and shows it.
    fn change<T>(
        self,
        action: &'static str,
        draft: impl FnOnce(&mut Draft<'_>) -> Result<T, IamError>,
    ) -> Result<T, IamError> {
        let _turn = self.iam.turn.lock();
        let (made, mut drafted) = {
            let directory = self.iam.directory.read();
            let mut change = Draft::new(&directory, &self.iam.hsm);
            let made = draft(&mut change)?;
            (made, change.done())
        };
        let details = std::mem::take(&mut drafted.details);
        let deeds: Vec<_> = details.iter().map(|details| Deed { by: self.by, action, details }).collect();
        let writes = std::mem::take(&mut drafted.writes);
        let version = self.iam.hsm.service_commit(writes, &[], &deeds).map_err(changed_meanwhile)?;
        drafted.show(&mut self.iam.directory.write(), version);
        Ok(made)
    }
}

/// Somebody else was faster.
fn changed_meanwhile(error: Error) -> IamError {
    match error {
        Error::Vault(vault::VaultError::Conflict { .. }) => IamError::ChangedMeanwhile,
        error => error.into(),
    }
}
