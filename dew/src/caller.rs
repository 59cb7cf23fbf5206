//! Who asks a service, in which project, and what is known of the request.

use std::net::IpAddr;
use std::sync::Arc;

use hsm::Guest;

use crate::iam::{Iam, Identity, Project, ProjectId};

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

    /// The caller, as records name it.
    #[must_use]
    pub fn guest(&self) -> Guest {
        let name = format!("{}/{}", self.identity.account_name, self.identity.name());
        Guest { name: shortened(name), id: self.identity.id() }
    }
}

/// As many bytes of a name as records have room for.
fn shortened(mut name: String) -> String {
    while name.len() > 64 {
        name.pop();
    }
    name
}
