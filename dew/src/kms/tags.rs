//! Tags of keys.

use std::collections::{BTreeMap, BTreeSet};

use super::Kms;
use super::allow::Found;
use super::error::{KmsError, Result};
use super::id::KeyId;
use super::key::Key;
use super::list::Search;
use super::record::Kept;
use crate::caller::Caller;
use crate::iam::{AccountId, Breach, ProjectId};
use crate::tag::{MAX_TAGS, TagError, Tags};

impl Kms {
    /// Gives a custom key tags: one whose key is there gets another value. All of these or none.
    ///
    /// # Errors
    /// `NoTags`, `TooManyTags`, `Tag`; `PendingDeletion`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM
    /// says.
    pub fn tag_key(
        &self,
        caller: &Caller,
        operation: TagCall,
        key: &str,
        tags: &[(String, String)],
    ) -> Result<Kept<Key>> {
        check_amount(tags)?;
        let given = Tags::new(tags)?;
        let found = self.permitted_with(caller, operation.name(), key, Some(&given))?;
        self.check_tag_policy(found.project.account, &given)?;
        self.change_tags(caller, &found, "tag a key", |all| {
            given.iter().try_for_each(|(tag, value)| all.put(tag, value))
        })
    }

    /// Takes tags from a custom key. Those that are not there are no error.
    ///
    /// # Errors
    /// `NoTags`, `TooManyTags`; `PendingDeletion`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn untag_key(&self, caller: &Caller, key: &str, tags: &[String]) -> Result<Kept<Key>> {
        check_amount(tags)?;
        let found = self.permitted(caller, TagCall::BatchDelete.name(), key)?;
        self.change_tags(caller, &found, "take tags from a key", |all| {
            tags.iter().for_each(|tag| drop(all.remove(tag)));
            Ok(())
        })
    }

    /// Takes one tag from a custom key.
    ///
    /// # Errors
    /// `Tag` if it is not there; `PendingDeletion`, `DefaultKey`; `NoKey`, `BadKeyId`, `Forbidden`; what the HSM says.
    pub fn delete_tag(&self, caller: &Caller, key: &str, tag: &str) -> Result<Kept<Key>> {
        let found = self.permitted(caller, "DeleteTag", key)?;
        self.change_tags(caller, &found, "take a tag from a key", |all| all.remove(tag))
    }

    /// The tags of a key.
    ///
    /// # Errors
    /// `NoKey`, `BadKeyId`, `Forbidden`
    pub fn tags_of_key(&self, caller: &Caller, key: &str) -> Result<Tags> {
        Ok(self.permitted(caller, "ShowKmsTags", key)?.key.tags.clone())
    }

    /// All tags of the project's keys, each with its values.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn tags_of_project(&self, caller: &Caller) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for key in self.visible(caller, "ListKmsTags", &Search::default())? {
            for (tag, value) in key.tags.iter() {
                all.entry(tag.to_owned()).or_default().insert(value.to_owned());
            }
        }
        Ok(all)
    }

    /// The custom keys that have all of some tags, and of whose name something is a part.
    ///
    /// # Errors
    /// `TooManyTags`; `Forbidden`
    pub fn keys_by_tags(&self, caller: &Caller, search: Search) -> Result<Vec<Kept<Key>>> {
        if search.tags.len() > MAX_TAGS {
            return Err(KmsError::TooManyTags(MAX_TAGS));
        }
        let search = Search { default: Some(false), ..search };
        self.visible(caller, "ListKmsByTags", &search)
    }

    /// The tags of keys that do not keep to the tag policies of their accounts: of one account's, or of all. So many of them,
    /// and how many there are.
    ///
    /// # Errors
    /// What the HSM says.
    pub fn breaches(&self, of: Option<AccountId>, most: usize) -> Result<(Vec<KeyBreach>, usize)> {
        let (mut first, mut count) = (Vec::new(), 0);
        for (id, account) in
            self.known_projects().into_iter().filter(|(_, account)| of.is_none_or(|of| of == *account))
        {
            let (rules, project) = (self.iam.tag_rules(Some(account)), self.project(id)?);
            let Some(project) = project.filter(|_| !rules.is_empty()) else { continue };
            for key in project.shelf.read().keys.values() {
                let breach = |breach| KeyBreach { project: id, key: key.id, name: key.name.clone(), breach };
                let breaches = rules.breaches(TAGGED, key.tags.iter());
                count += breaches.len();
                first.extend(breaches.into_iter().take(most.saturating_sub(first.len())).map(breach));
            }
        }
        Ok((first, count))
    }

    /// Refuses tags that an enforced tag policy does not let through.
    pub(super) fn check_tag_policy(&self, account: AccountId, given: &Tags) -> Result<()> {
        let breaches = self.iam.tag_rules(Some(account)).breaches(TAGGED, given.iter());
        match breaches.into_iter().find(|breach| breach.enforced) {
            Some(breach) => Err(KmsError::TagPolicy(breach.to_string())),
            None => Ok(()),
        }
    }

    /// Changes the tags of a custom key.
    fn change_tags(
        &self,
        caller: &Caller,
        found: &Found,
        action: &'static str,
        change: impl FnOnce(&mut Tags) -> Result<(), TagError>,
    ) -> Result<Kept<Key>> {
        self.change_words(caller, found, action, |key| Ok(change(&mut key.tags)?))
    }
}

/// What tag policies call keys.
const TAGGED: &str = "kms:key";

/// A tag of a key that does not keep to a tag policy.
#[derive(Clone, Debug)]
pub struct KeyBreach {
    /// The key's project.
    pub project: ProjectId,
    /// The key.
    pub key: KeyId,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub breach: Breach,
}

/// By which operation tags come, for the actions that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagCall {
    /// One.
    Create,
    /// Many.
    BatchCreate,
    /// Many go.
    BatchDelete,
}

impl TagCall {
    /// The operation's name among those that need actions.
    const fn name(self) -> &'static str {
        match self {
            Self::Create => "CreateKmsTag",
            Self::BatchCreate => "BatchCreateKmsTags",
            Self::BatchDelete => "BatchCreateKmsTags:delete",
        }
    }
}

fn check_amount<T>(tags: &[T]) -> Result<()> {
    match tags.len() {
        0 => Err(KmsError::NoTags),
        count if count > MAX_TAGS => Err(KmsError::TooManyTags(MAX_TAGS)),
        _ => Ok(()),
    }
}
