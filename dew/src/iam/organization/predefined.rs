//! Predefined tags: what is offered where tags are given. Nobody is held to them; that is for tag policies.

use super::super::record::PredefinedTags;
use super::super::{Acting, Iam, IamError};
use crate::tag::{check_key, check_value};

/// The most of them.
const MOST: usize = 500;

impl Iam {
    /// The predefined tags, keys and values, in order.
    #[must_use]
    pub fn predefined_tags(&self) -> Vec<(String, String)> {
        let directory = self.directory.read();
        let there = directory.predefined_tags.get(());
        there.into_iter().flat_map(|all| all.tags.iter().cloned()).collect()
    }
}

impl Acting<'_> {
    /// Puts a tag among the predefined ones.
    ///
    /// # Errors
    /// `Name` if it can be no tag; `Invalid` if it is there, or there are 500; what the vault says.
    pub fn predefine_tag(self, key: &str, value: &str) -> Result<(), IamError> {
        check_key(key)
            .and_then(|()| check_value(value))
            .map_err(|error| IamError::Name(error.to_string()))?;
        self.change_predefined("predefine a tag", key, value, |all| {
            if all.tags.len() >= MOST {
                return Err(IamError::Invalid(
                    "there are 500 predefined tags already, and more there cannot be",
                ));
            }
            match all.tags.insert((key.to_owned(), value.to_owned())) {
                true => Ok(()),
                false => Err(IamError::Invalid("the tag is predefined already")),
            }
        })
    }

    /// Takes a tag from the predefined ones. What has the tag keeps it.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn forget_predefined_tag(self, key: &str, value: &str) -> Result<(), IamError> {
        self.change_predefined("take a predefined tag away", key, value, |all| {
            match all.tags.remove(&(key.to_owned(), value.to_owned())) {
                true => Ok(()),
                false => Err(IamError::Unknown("predefined tag")),
            }
        })
    }

    fn change_predefined(
        self,
        action: &'static str,
        key: &str,
        value: &str,
        change: impl FnOnce(&mut PredefinedTags) -> Result<(), IamError>,
    ) -> Result<(), IamError> {
        self.change(action, |draft| {
            let there = draft.directory.predefined_tags.get(());
            let mut all = there.map(|all| PredefinedTags::clone(all)).unwrap_or_default();
            change(&mut all)?;
            draft.note("key", key);
            draft.note("value", value);
            draft.put(all)
        })
    }
}
