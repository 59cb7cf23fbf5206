//! Where an operation of IAM is done: who asks, whether that one may, and the directory as it changes it.

use std::sync::Arc;

use dew::caller::Caller;
use dew::iam::{AccountId, Acting, Iam, IamError, Project, Subject, UserId};
use hsm::Guest;
use hsm::event::{Actor, Door, Person};

use crate::rest::operation::Operation;
use crate::services::Services;

/// The directory, for whoever asks.
pub(super) struct Desk<'a> {
    /// The directory.
    pub(super) iam: &'a Iam,
    /// The account that is asked in.
    pub(super) account: AccountId,
    guest: Guest,
}

impl<'a> Desk<'a> {
    /// For anybody: what is asked needs no permission.
    pub(super) fn open(caller: &'a Caller, services: &'a Services) -> Self {
        Self { iam: &services.iam, account: caller.identity.account, guest: caller.guest() }
    }

    /// For whoever may do an operation to a thing; without one, to whatever there is.
    ///
    /// # Errors
    /// `Forbidden`
    pub(super) fn permitted<O: Operation>(
        caller: &'a Caller,
        services: &'a Services,
        thing: Option<&str>,
    ) -> Result<Self, IamError> {
        services.iam.permit(caller, O::NAME, thing)?;
        Ok(Self::open(caller, services))
    }

    /// For whoever may do an operation to the project that the path names.
    ///
    /// # Errors
    /// `Forbidden`; `Unknown` if it is not one of the caller's account.
    pub(super) fn about_project<O: Operation>(
        caller: &'a Caller,
        services: &'a Services,
    ) -> Result<(Self, Arc<Project>), IamError> {
        let thing = caller.project.map(|id| id.to_string());
        let desk = Self::permitted::<O>(caller, services, thing.as_deref())?;
        let project = caller.project.and_then(|id| desk.iam.project(id));
        let project = project.filter(|project| project.account == desk.account);
        Ok((desk, project.ok_or(IamError::Unknown("project"))?))
    }

    /// For a user that does something to itself, and for whoever may do it to the user.
    ///
    /// # Errors
    /// `Unknown` for what is no id of a user, `Forbidden`.
    pub(super) fn about_user<O: Operation>(
        caller: &'a Caller,
        services: &'a Services,
        user: &str,
    ) -> Result<(Self, UserId), IamError> {
        let id = user.parse().map_err(|_| IamError::Unknown("user"))?;
        Ok((Self::permitted::<O>(caller, services, Some(user))?, id))
    }

    /// For whoever may make ways in that last, or widen them: users, passwords of others, access keys, second factors, agencies.
    /// Who holds something for a while makes none, or would have it for good.
    ///
    /// # Errors
    /// `Forbidden` with a key that expires, or a token for one project.
    pub(super) fn check_lasting(caller: &Caller) -> Result<(), IamError> {
        if caller.identity.makes_what_lasts() {
            return Ok(());
        }
        Err(IamError::Forbidden(
            "a key that expires, or a token for one project, makes no way in that lasts".to_owned(),
        ))
    }

    /// Refuses somebody who is not of the account.
    ///
    /// # Errors
    /// `Unknown`
    pub(super) fn known(&self, subject: Subject) -> Result<(), IamError> {
        let (account, iam) = (self.account, self.iam);
        match subject {
            Subject::Group(id) => iam.group(account, id).map(drop).ok_or(IamError::Unknown("group")),
            Subject::Agency(id) => iam.agency(account, id).map(drop).ok_or(IamError::Unknown("agency")),
            Subject::User(id) => iam.user(account, id).map(drop).ok_or(IamError::Unknown("user")),
        }
    }

    /// The directory, as the caller changes it.
    pub(super) fn acting(&self) -> Acting<'_> {
        let person = Person { name: &self.guest.name, id: &self.guest.id };
        self.iam.by(Actor { door: Door::Rest, peer: None, user: "account user", person: Some(person) })
    }

    /// Refuses the id of an account that is not the caller's; none is the caller's.
    ///
    /// # Errors
    /// `Forbidden`
    pub(super) fn in_account(&self, id: Option<&str>) -> Result<(), IamError> {
        match id.filter(|id| *id != self.account.to_string()) {
            None => Ok(()),
            Some(_) => Err(IamError::Forbidden("that is not the account of who asks".to_owned())),
        }
    }
}
