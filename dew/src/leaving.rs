//! An account that goes, with all that the services keep of it.

use hsm::event::Actor;

use crate::cts::Cts;
use crate::iam::{AccountId, Iam, IamError};
use crate::kms::{Kms, KmsError};

/// Why an account stays.
#[derive(Debug, thiserror::Error)]
pub enum Staying {
    /// Something must go first.
    #[error("the account stays: {}", .0.join("; "))]
    InTheWay(Vec<String>),
    /// What the directory says.
    #[error(transparent)]
    Iam(#[from] IamError),
    /// What the KMS says.
    #[error(transparent)]
    Kms(#[from] KmsError),
}

/// Deletes an account that has no keys and that nothing else names: users, groups, access keys, policies and to whom they are
/// given, agencies, projects, trackers and settings go in one commit. Before that, empty partitions of its projects go one by
/// one: without one a project is what it was.
///
/// # Errors
/// `InTheWay`; what the services say. The account is whole then.
pub fn delete_account(iam: &Iam, kms: &Kms, cts: &Cts, id: AccountId, by: Actor<'_>) -> Result<(), Staying> {
    let mut in_the_way = kms.in_the_way_of(id)?;
    in_the_way.extend(iam.in_the_way_of(id));
    if !in_the_way.is_empty() {
        return Err(Staying::InTheWay(in_the_way));
    }
    kms.clear(id, by)?;
    cts.without(id, |trackers| {
        kms.without(id, |homes| {
            let more = trackers.into_iter().chain(homes).collect();
            iam.by(by).delete_account(id, more).map_err(Staying::from)
        })
    })
}
