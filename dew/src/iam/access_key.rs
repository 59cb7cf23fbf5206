//! Access keys that stay: at most two of a user, each with a secret half that is shown once.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crypto::Secret;
use zeroize::Zeroizing;

use super::directory::Draft;
use super::id::{AccessKeyId, AccountId, SECRET_KEY_RANDOM, UserId, secret_key};
use super::identity::Credential;
use super::record::{AccessKey, Hidden};
use super::{Acting, Iam, IamError, Quota, name};

/// When keys are used is told to within their next use.
pub(super) const RELAXED: Ordering = Ordering::Relaxed;

/// By how many seconds the last use of a key may be later than what is kept of it.
const KEPT_EVERY: u64 = 3600;

/// An access key that was made: its secret half is shown this once.
#[derive(Debug)]
pub struct NewAccessKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half.
    pub secret: Arc<Secret>,
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub description: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
}

impl AccessKey {
    /// The state, as the interface writes it.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        if self.active { "active" } else { "inactive" }
    }
}

impl Iam {
    /// What a signature by this key is checked with, and who signs; none if the key is not good: there is none, it or
    /// its user or account is disabled, it has expired, or the security token is not that which it came with.
    #[must_use]
    pub fn access_key(&self, key: &str, security_token: Option<&str>) -> Option<Credential> {
        let key: AccessKeyId = key.parse().ok()?;
        if let Some(token) = security_token {
            return self.temporary_credential(key, token);
        }
        let directory = self.directory.read();
        let signer = directory.signer(key).filter(|signer| signer.active)?;
        let known = directory.known(signer.user).filter(|known| known.by_key)?;
        Some(Credential { secret: Arc::clone(&signer.secret), identity: Arc::clone(&known.identity) })
    }

    /// Takes down that a key was used, after a signature by it was right.
    pub fn used(&self, key: &str) {
        let key = key.parse().ok();
        let directory = self.directory.read();
        if let Some(signer) = key.and_then(|key| directory.signer(key)) {
            signer.used.store(self.hsm.time(), RELAXED);
        }
    }

    /// The keys of a user of an account, in the order in which they were made.
    #[must_use]
    pub fn access_keys(&self, account: AccountId, user: UserId) -> Vec<Arc<AccessKey>> {
        let directory = self.directory.read();
        match directory.users.get(user).filter(|user| user.account == account) {
            Some(_) => directory.access_keys.of(user).cloned().collect(),
            None => Vec::new(),
        }
    }

    /// A key of a user of an account.
    #[must_use]
    pub fn access_key_of(&self, account: AccountId, key: AccessKeyId) -> Option<Arc<AccessKey>> {
        let directory = self.directory.read();
        let key = directory.access_keys.get(key)?;
        directory.users.get(key.user).filter(|user| user.account == account)?;
        Some(Arc::clone(key))
    }

    /// When a key was last used, in seconds since 1970; none for never.
    #[must_use]
    pub fn last_use(&self, key: AccessKeyId) -> Option<u64> {
        self.directory.read().signer(key).map(|signer| signer.used.load(RELAXED)).filter(|used| *used > 0)
    }
}

impl Acting<'_> {
    /// Makes an access key for a user.
    ///
    /// # Errors
    /// `Description`, `Quota`, `Unknown`; what the vault says.
    pub fn create_access_key(
        self,
        account: AccountId,
        user: UserId,
        description: &str,
    ) -> Result<NewAccessKey, IamError> {
        name::check_description(description)?;
        self.change("create an access key", |draft| {
            draft.user(account, user)?;
            Quota::AccessKey.check(draft.directory.access_keys.count(user))?;
            draft.note("account", account);
            draft.access_key(user, description)
        })
    }

    /// Lets requests be signed with a key or no more, or says what it is for.
    ///
    /// # Errors
    /// `Description`, `Unknown`; what the vault says.
    pub fn change_access_key(
        self,
        account: AccountId,
        key: AccessKeyId,
        active: Option<bool>,
        description: Option<&str>,
    ) -> Result<Arc<AccessKey>, IamError> {
        description.map_or(Ok(()), name::check_description)?;
        self.change("change an access key", |draft| {
            let mut key = draft.key_of(account, key)?;
            if let Some(active) = active {
                key.active = active;
                draft.note("active", active);
            }
            description.into_iter().for_each(|text| text.clone_into(&mut key.description));
            draft.put(key.clone())?;
            Ok(Arc::new(key))
        })
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn delete_access_key(self, account: AccountId, key: AccessKeyId) -> Result<(), IamError> {
        self.change("delete an access key", |draft| {
            let key = draft.key_of(account, key)?;
            draft.delete::<AccessKey>(key.id)
        })
    }

    /// Keeps when keys were last used, of those where that is more than an hour after what is kept. Gives how many.
    ///
    /// # Errors
    /// What the vault says.
    pub fn keep_uses(self) -> Result<usize, IamError> {
        let is_due = |key: &AccessKey, used: u64| used >= key.used.unwrap_or(0).saturating_add(KEPT_EVERY);
        let due = |directory: &super::directory::Directory| -> Vec<AccessKey> {
            let keys = directory.signers().filter_map(|(id, signer)| {
                let (key, used) = (directory.access_keys.get(*id)?, signer.used.load(RELAXED));
                is_due(key, used).then(|| AccessKey { used: Some(used), ..AccessKey::clone(key) })
            });
            keys.collect()
        };
        if due(&self.iam.directory.read()).is_empty() {
            return Ok(0);
        }
        self.change("keep when access keys were last used", |draft| {
            let keys = due(draft.directory);
            let count = keys.len();
            draft.note("keys", count);
            keys.into_iter().try_for_each(|key| draft.put(key))?;
            Ok(count)
        })
    }
}

impl Draft<'_> {
    /// Makes an access key that nobody has.
    pub(super) fn access_key(&mut self, user: UserId, description: &str) -> Result<NewAccessKey, IamError> {
        let mut id = AccessKeyId::permanent(self.hsm.random()?);
        while self.directory.access_keys.get(id).is_some() {
            id = AccessKeyId::permanent(self.hsm.random()?);
        }
        let random = Zeroizing::new(self.hsm.random::<SECRET_KEY_RANDOM>()?);
        let secret = Arc::new(secret_key(&*random));
        let description = description.to_owned();
        self.note("user", user);
        self.note("access_key", id);
        self.put(AccessKey {
            id,
            user,
            secret: Hidden(Arc::clone(&secret)),
            active: true,
            description: description.clone(),
            created: self.now,
            used: None,
        })?;
        Ok(NewAccessKey { id, secret, user, description, created: self.now })
    }

    fn key_of(&mut self, account: AccountId, key: AccessKeyId) -> Result<AccessKey, IamError> {
        let key = self.directory.access_keys.get(key).ok_or(IamError::Unknown("access key"))?;
        self.user(account, key.user).map_err(|_| IamError::Unknown("access key"))?;
        self.note("account", account);
        self.note("user", key.user);
        self.note("access_key", key.id);
        Ok(AccessKey::clone(key))
    }
}
