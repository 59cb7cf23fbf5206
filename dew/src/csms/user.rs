//! The vault's users: those of the caller's account in IAM, which stays the one place where they are kept. Policies of IAM
//! are asked too: who may read secrets does not thereby learn who works here.

use std::sync::Arc;

use super::allow::About;
use super::error::{CsmsError, Result};
use super::{Csms, actor};
use crate::caller::Caller;
use crate::iam::{AccountId, IamError, User, UserId};
use crate::kms::KmsError;

/// How many users a page has.
const PAGE: std::ops::RangeInclusive<u64> = 10..=100;

impl Csms {
    /// A page of the users whose names contain a text, and how many there are.
    ///
    /// # Errors
    /// `Field`; `Forbidden`, `OtherProject`.
    pub fn list_users(
        &self,
        caller: &Caller,
        account: Option<&str>,
        part: Option<&str>,
        (offset, limit): (u64, u64),
    ) -> Result<(usize, Vec<Arc<User>>)> {
        let (_, own) = self.permitted_in(caller, "ListUsers", About::default())?;
        self.iam.permit(caller, "KeystoneListUsers", None).map_err(refusal)?;
        if account.is_some_and(|id| id != own.to_string()) {
            return Err(CsmsError::Field(format!("org_id: there is one, {own}")));
        }
        if !PAGE.contains(&limit) {
            return Err(CsmsError::Field(format!(
                "limit {limit}: expected {} to {}",
                PAGE.start(),
                PAGE.end()
            )));
        }
        if part.is_some_and(|part| part.chars().count() > 64) {
            return Err(CsmsError::Field("user_info has at most 64 characters".to_owned()));
        }
        let mut users = self.iam.users(own);
        users.retain(|user| part.is_none_or(|part| user.name.contains(part)));
        let size = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let total = users.len();
        Ok((total, users.into_iter().skip(size(offset)).take(size(limit)).collect()))
    }

    /// A user.
    ///
    /// # Errors
    /// `NoUser`; `Forbidden`, `OtherProject`.
    pub fn show_user(&self, caller: &Caller, id: &str) -> Result<Arc<User>> {
        let (_, account) = self.permitted_in(caller, "ShowUserDetail", About::name(id))?;
        self.iam.permit(caller, "ShowUser", Some(id)).map_err(refusal)?;
        let user = id.parse().ok().and_then(|id| self.iam.user(account, id));
        user.ok_or(CsmsError::NoUser)
    }

    /// Changes the caller's own password, which it knows.
    ///
    /// # Errors
    /// `Field` for a password that cannot be; `Forbidden`, also if the old one is wrong, or for who is no user; what the HSM
    /// says.
    pub fn change_own_password(&self, caller: &Caller, old: &str, new: &str) -> Result<UserId> {
        let (_, account): (_, AccountId) =
            self.permitted_in(caller, "UpdateUserPassword", About::default())?;
        let id = caller.identity.user().ok_or(IamError::NeedsUser).map_err(refusal)?;
        self.iam.permit(caller, "KeystoneUpdateUserPassword", Some(&id.to_string())).map_err(refusal)?;
        let guest = caller.guest();
        self.iam.by(actor(&guest)).change_own_password(account, id, old, new).map_err(refusal)?;
        Ok(id)
    }
}

/// What IAM refuses, as CSMS says it.
fn refusal(error: IamError) -> CsmsError {
    match error {
        IamError::WrongLogin => CsmsError::Forbidden("old_password is wrong".to_owned()),
        IamError::Forbidden(why) => CsmsError::Forbidden(why),
        IamError::Locked { .. } | IamError::NeedsUser => CsmsError::Forbidden(error.to_string()),
        IamError::Password(why) => CsmsError::Field(format!("password: {why}")),
        IamError::ChangedMeanwhile => CsmsError::Kms(KmsError::Busy),
        error => error.into(),
    }
}
