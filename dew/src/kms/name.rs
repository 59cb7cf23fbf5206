//! Names and descriptions: what they may be.

use super::error::{KmsError, Result};

/// The most characters of a name.
const MAX_NAME: usize = 255;
/// The most characters of a description.
const MAX_DESCRIPTION: usize = 255;

/// The services whose default keys there are, made when they are first used.
pub(super) const SERVICES: &[&str] =
    &["kms", "csms", "kps", "obs", "evs", "ims", "sfs", "rds", "dds", "dws", "swr", "ecs"];

/// Whether this is the name of a service's default key.
pub(super) fn is_default(name: &str) -> bool {
    name.strip_suffix("/default").is_some_and(|service| SERVICES.contains(&service))
}

/// Refuses what cannot be the name of a custom key, or an alias.
pub(super) fn check_name(field: &'static str, name: &str) -> Result<()> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(KmsError::BadName(format!("{field} has 1 to {MAX_NAME} characters")));
    }
    if let Some(other) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "_-:/".contains(*c))) {
        return Err(KmsError::BadName(format!(
            "{other:?} cannot be in {field}: allowed are digits, letters, _ - : and /"
        )));
    }
    if name.ends_with("/default") {
        return Err(KmsError::BadName(format!("{field} ends with /default, as only default keys' do")));
    }
    Ok(())
}

/// Refuses what cannot be a description.
pub(super) fn check_description(description: &str) -> Result<()> {
    if description.chars().count() > MAX_DESCRIPTION { Err(KmsError::BadDescription) } else { Ok(()) }
}
