//! Agencies: an account lets another account's users, or a service, act in it.

use std::sync::Arc;

use super::directory::Draft;
use super::id::{AccountId, AgencyId};
use super::record::{Agency, Subject, Trust};
use super::{Acting, Iam, IamError, Quota, name};

/// What changes of an agency: what is none stays.
#[derive(Clone, Debug, Default)]
pub struct AgencyChange<'a> {
    /// What it is for.
    pub description: Option<&'a str>,
    /// Whom it lets act.
    pub trust: Option<Trust>,
    /// For how many days since it was made; the inner none for ever.
    pub days: Option<Option<u32>>,
}

/// The most days that an agency is for, if not for ever.
const MOST_DAYS: u32 = 36_500;

impl Iam {
    /// The agencies of an account, in the order in which they were made.
    #[must_use]
    pub fn agencies(&self, account: AccountId) -> Vec<Arc<Agency>> {
        self.directory.read().agencies.of(account).cloned().collect()
    }

    /// An agency of an account.
    #[must_use]
    pub fn agency(&self, account: AccountId, id: AgencyId) -> Option<Arc<Agency>> {
        self.directory.read().agencies.get(id).filter(|agency| agency.account == account).cloned()
    }

    /// The agency of this name of an account.
    #[must_use]
    pub fn agency_named(&self, account: AccountId, name: &str) -> Option<Arc<Agency>> {
        self.directory.read().agencies.named(account, name).cloned()
    }

    /// The agency of this name of an account, if it lets users of this account act now.
    #[must_use]
    pub fn agency_for(&self, account: AccountId, name: &str, of: AccountId) -> Option<Arc<Agency>> {
        self.agency_named(account, name).filter(|agency| agency.trusts(of, self.hsm.time()))
    }
}

impl Agency {
    /// Whether it lets users of an account act.
    pub(super) fn trusts(&self, account: AccountId, now: u64) -> bool {
        self.trust == Trust::Account(account) && self.expires().is_none_or(|expires| now < expires)
    }
}

impl Acting<'_> {
    /// Makes an agency, which may do nothing yet.
    ///
    /// # Errors
    /// `Name`, `Description`, `Range`, `Invalid`, `Taken`, `Quota`, `Unknown`; what the vault says.
    pub fn create_agency(
        self,
        account: AccountId,
        name: &str,
        description: &str,
        trust: Trust,
        days: Option<u32>,
    ) -> Result<Arc<Agency>, IamError> {
        name::AGENCY.check(name)?;
        self.change("create an agency", |draft| {
            if draft.directory.accounts.get(account).is_none() {
                return Err(IamError::Unknown("account"));
            }
            Quota::Agency.check(draft.directory.agencies.count(account))?;
            let agency = Agency {
                id: draft.id()?,
                account,
                name: name.to_owned(),
                description: description.to_owned(),
                trust,
                days,
                epoch: draft.epoch()?,
                created: draft.now,
            };
            draft.put_agency(agency)
        })
    }

    /// Changes an agency. Whoever acts through it must ask again if it trusts somebody else.
    ///
    /// # Errors
    /// `Description`, `Range`, `Invalid`, `Unknown`; what the vault says.
    pub fn change_agency(
        self,
        account: AccountId,
        id: AgencyId,
        change: AgencyChange<'_>,
    ) -> Result<Arc<Agency>, IamError> {
        self.change("change an agency", |draft| {
            let mut agency = draft.agency(account, id)?;
            change.description.into_iter().for_each(|text| text.clone_into(&mut agency.description));
            if let Some(trust) = change.trust.filter(|trust| *trust != agency.trust) {
                agency.trust = trust;
                agency.epoch = draft.epoch()?;
            }
            agency.days = change.days.unwrap_or(agency.days);
            draft.put_agency(agency)
        })
    }

    /// Deletes an agency, with what was given to it.
    ///
    /// # Errors
    /// `Unknown`; what the vault says.
    pub fn delete_agency(self, account: AccountId, id: AgencyId) -> Result<(), IamError> {
        self.change("delete an agency", |draft| {
            let agency = draft.agency(account, id)?;
            draft.note("account", account);
            draft.note("agency", id);
            draft.note("name", agency.name);
            draft.take_all_from(Subject::Agency(id))?;
            draft.delete::<Agency>(id)
        })
    }
}

impl Draft<'_> {
    /// An agency of an account.
    pub(super) fn agency(&self, account: AccountId, id: AgencyId) -> Result<Agency, IamError> {
        let agency = self.directory.agencies.get(id).filter(|agency| agency.account == account);
        agency.map(|agency| Agency::clone(agency)).ok_or(IamError::Unknown("agency"))
    }

    fn put_agency(&mut self, agency: Agency) -> Result<Arc<Agency>, IamError> {
        name::check_description(&agency.description)?;
        let max = MOST_DAYS.into();
        if agency.days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            return Err(IamError::Range { field: "duration", min: 1, max });
        }
        match &agency.trust {
            Trust::Account(trusted) if *trusted == agency.account => {
                return Err(IamError::Invalid("an agency is for another account or a service"));
            }
            Trust::Account(trusted) if self.directory.accounts.get(*trusted).is_none() => {
                return Err(IamError::Unknown("account"));
            }
            Trust::Service(service) => name::check_service(service)?,
            Trust::Account(_) => {}
        }
        self.note("account", agency.account);
        self.note("agency", agency.id);
        self.note("name", &agency.name);
        self.note(
            "trusts",
            match &agency.trust {
                Trust::Account(account) => account.to_string(),
                Trust::Service(service) => service.clone(),
            },
        );
        self.put(agency.clone())?;
        Ok(Arc::new(agency))
    }
}
