//! Who asks a service, in which project, and what is known of the request.

use std::net::IpAddr;
use std::sync::Arc;

use hsm::Guest;

use crate::iam::{Assumed, Iam, Identity, Principal, Project, ProjectId};

/// A request's caller.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub identity: Arc<Identity>,
    /// The project that the request is made in; none in requests to global services.
    pub project: Option<ProjectId>,
    /// What the request is told from all others by, for the answer, the log and the trace.
    pub request: Box<str>,
    /// From where; none at the console.
    pub source: Option<IpAddr>,
    /// What the client says it is.
    pub agent: Option<Box<str>>,
    /// Whether over TLS.
    pub tls: bool,
}

impl Caller {
    /// The project that the request is made in, if it is one of the caller's account that the caller may work in;
    /// suspended or not.
    #[must_use]
    pub fn own_project(&self, iam: &Iam) -> Option<Arc<Project>> {
        let project = iam.project(self.project?)?;
        let within = self.identity.project.is_none_or(|only| only == project.id);
        (project.account == self.identity.account && within).then_some(project)
    }

    /// Whether the request does not say who sent it.
    #[must_use]
    pub fn is_nobody(&self) -> bool {
        *self.identity == Identity::nobody()
    }

    /// The caller, as records name it. Of whoever acts through an agency it is the user that is told from all others: what
    /// was done is the doing of somebody, and the agency stands in the name.
    #[must_use]
    pub fn guest(&self) -> Guest {
        let identity = &self.identity;
        let account = &*identity.account_name;
        match &identity.principal {
            Principal::Agency { name, by: Assumed::User { account_name, id, name: user, .. }, .. } => {
                Guest { name: joined([account, name, account_name, user]), id: id.to_string() }
            }
            _ => Guest { name: joined([account, &identity.name()]), id: identity.id() },
        }
    }
}

/// The most bytes of a name that records have room for.
const ROOM: usize = 64;

/// Names one behind the other. Where there is no room for all, the longest are cut, so that something is left of each.
fn joined<const N: usize>(mut parts: [&str; N]) -> String {
    while parts.iter().map(|part| part.len() + 1).sum::<usize>() > ROOM + 1 {
        let Some(longest) = parts.iter_mut().max_by_key(|part| part.len()) else { break };
        let mut shorter = longest.chars();
        shorter.next_back();
        *longest = shorter.as_str();
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::{AccountId, AgencyId, UserId};

    fn caller(account: &str, principal: Principal) -> Caller {
        let identity = Arc::new(Identity { account_name: account.into(), principal, ..Identity::nobody() });
        Caller { identity, project: None, request: "r".into(), source: None, agent: None, tls: true }
    }

    #[test]
    fn records_tell_who_acts_also_through_an_agency_and_whatever_the_names() {
        let agency = |account: &str, name: &str, of: &str, user: &str| {
            let (by, of) = (UserId([7; 16]), of.into());
            let by = Assumed::User {
                account: AccountId([1; 16]),
                account_name: of,
                id: by,
                name: user.into(),
                session: None,
            };
            caller(account, Principal::Agency { id: AgencyId([2; 16]), name: name.into(), by }).guest()
        };
        let guest = agency("acme", "ops", "helper", "hal");
        assert_eq!((guest.name.as_str(), guest.id), ("acme/ops/helper/hal", "07".repeat(16)));
        let [account, name, of] = ["a", "密", "h"].map(|letter| letter.repeat(64));
        let guest = agency(&account, &name, &of, "hal");
        let parts: Vec<_> = guest.name.split('/').collect();
        assert!(guest.name.len() <= 64 && parts.len() == 4, "{}", guest.name);
        assert_eq!(parts[3], "hal");
        assert!(parts.iter().take(3).all(|part| part.len() > 15), "{}", guest.name);
        assert_eq!(guest.id, "07".repeat(16));
        let user = Principal::User { id: UserId([3; 16]), name: "ann".into() };
        let guest = caller(&account, user).guest();
        assert_eq!((guest.name, guest.id), (format!("{}/ann", "a".repeat(60)), "03".repeat(16)));
    }
}
