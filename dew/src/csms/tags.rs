//! Tags of secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::Csms;
use super::allow::{Found, Named};
use super::error::{CsmsError, Result};
use super::secret::Secret;
use crate::caller::Caller;
use crate::iam::AccountId;
use crate::kms::record::Kept;
use crate::tag::{MAX_TAGS, TagError, Tags};

/// What tag policies call secrets.
const TAGGED: &str = "csms:secret";

impl Csms {
    /// Gives a secret tags: one whose key is there gets another value. All of these or none.
    ///
    /// # Errors
    /// `Tag`, `Field`, `TagPolicy`; `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn tag_secret(
        &self,
        caller: &Caller,
        id: &str,
        tags: &[(String, String)],
        many: bool,
    ) -> Result<Kept<Secret>> {
        check_amount(tags.len())?;
        let given = Tags::new(tags)?;
        let operation = if many { "BatchCreateOrDeleteTags" } else { "CreateSecretTag" };
        let found = self.permitted_with(caller, operation, Named::Id(id), Some(&given))?;
        self.check_tag_policy(found.project.account, &given)?;
        self.change_tags(caller, &found, "tag a secret", |all| {
            given.iter().try_for_each(|(key, value)| all.put(key, value))
        })
    }

    /// Takes tags from a secret. Those that are not there are no error.
    ///
    /// # Errors
    /// `Field`; `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn untag_secret(&self, caller: &Caller, id: &str, tags: &[String]) -> Result<Kept<Secret>> {
        check_amount(tags.len())?;
        let found = self.permitted_with(caller, "BatchCreateOrDeleteTags:delete", Named::Id(id), None)?;
        self.change_tags(caller, &found, "take tags from a secret", |all| {
            tags.iter().for_each(|tag| drop(all.remove(tag)));
            Ok(())
        })
    }

    /// Takes one tag from a secret.
    ///
    /// # Errors
    /// `Tag` if it is not there; `PendingDeletion`; `NoSecret`, `Forbidden`; what the HSM says.
    pub fn delete_secret_tag(&self, caller: &Caller, id: &str, tag: &str) -> Result<Kept<Secret>> {
        let found = self.permitted_with(caller, "DeleteSecretTag", Named::Id(id), None)?;
        self.change_tags(caller, &found, "take a tag from a secret", |all| all.remove(tag))
    }

    /// The tags of a secret.
    ///
    /// # Errors
    /// `NoSecret`, `Forbidden`
    pub fn tags_of_secret(&self, caller: &Caller, id: &str) -> Result<Tags> {
        Ok(self.permitted_with(caller, "ListSecretTags", Named::Id(id), None)?.secret.tags.clone())
    }

    /// All tags of the project's secrets, each with its values.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn tags_of_secrets(&self, caller: &Caller) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for secret in self.visible(caller, "ListProjectSecretsTags", |_| true)? {
            for (key, value) in secret.tags.iter() {
                all.entry(key.to_owned()).or_default().insert(value.to_owned());
            }
        }
        Ok(all)
    }

    /// The secrets that have all of some tags, each with one of some values or with any if none is named, and of whose
    /// name something is a part.
    ///
    /// # Errors
    /// `Field`; `Forbidden`
    pub fn secrets_by_tags(
        &self,
        caller: &Caller,
        tags: &[(String, Vec<String>)],
        name: Option<&str>,
    ) -> Result<Vec<Kept<Secret>>> {
        if tags.len() > MAX_TAGS {
            return Err(CsmsError::Field(format!("tags: at most {MAX_TAGS}")));
        }
        let name = name.map(str::to_lowercase);
        let has = |secret: &Secret, (key, values): &(String, Vec<String>)| match values.as_slice() {
            [] => secret.tags.has(key, None),
            values => values.iter().any(|value| secret.tags.has(key, Some(value))),
        };
        self.visible(caller, "ListResourceInstances", |secret| {
            name.as_ref().is_none_or(|part| secret.name.to_lowercase().contains(part))
                && tags.iter().all(|tag| has(secret, tag))
        })
    }

    /// Refuses tags that an enforced tag policy does not let through.
    pub(super) fn check_tag_policy(&self, account: AccountId, given: &Tags) -> Result<()> {
        let breaches = self.iam.tag_rules(Some(account)).breaches(TAGGED, given.iter());
        match breaches.into_iter().find(|breach| breach.enforced) {
            Some(breach) => Err(CsmsError::TagPolicy(breach.to_string())),
            None => Ok(()),
        }
    }

    fn change_tags(
        &self,
        caller: &Caller,
        found: &Found,
        action: &'static str,
        change: impl FnOnce(&mut Tags) -> Result<(), TagError>,
    ) -> Result<Kept<Secret>> {
        self.revise(caller, found, action, |_, secret| {
            secret.check_enabled()?;
            Ok(change(&mut secret.tags)?)
        })
    }
}

fn check_amount(count: usize) -> Result<()> {
    match count {
        0 => Err(CsmsError::Field("there are no tags".to_owned())),
        1..=MAX_TAGS => Ok(()),
        _ => Err(CsmsError::Field(format!("there are at most {MAX_TAGS} tags in a request"))),
    }
}
