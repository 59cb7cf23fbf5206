//! What a trace says.

use crate::iam::{EnterpriseProjectId, ProjectId};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rating {
    /// It was done.
    Normal,
    /// It was refused.
    Warning,
    /// It failed within, and may have done harm beyond itself.
    Incident,
}

impl Rating {
    /// By the status of HTTP.
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            0..400 => Self::Normal,
            400..500 => Self::Warning,
            500.. => Self::Incident,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Warning => "warning",
            Self::Incident => "incident",
        }
    }

    /// Of its word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Normal, Self::Warning, Self::Incident].into_iter().find(|rating| rating.name() == name)
    }
}

/// How it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By a call of the interface.
    ApiCall,
    /// By the console.
    ConsoleAction,
    /// By the service itself.
    SystemAction,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiCall => "ApiCall",
            Self::ConsoleAction => "ConsoleAction",
            Self::SystemAction => "SystemAction",
        }
    }

    /// Of its word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::ApiCall, Self::ConsoleAction, Self::SystemAction].into_iter().find(|kind| kind.name() == name)
    }
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The user's or agency's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The account.
    pub account: String,
    /// Its name.
    pub account_name: String,
    /// The access key that signed; empty with a token.
    pub access_key: String,
    /// `User`, `AssumedAgency` or `Service`.
    pub kind: String,
    /// Whether it is the account's root user.
    pub is_root: bool,
    /// Whether a second factor was shown.
    pub mfa: bool,
}

/// A trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The id of the request that left it: 32 hexadecimal digits.
    pub request_id: String,
    /// Its name, such as `createKey`.
    pub name: String,
    /// The operation, as the SDKs name it.
    pub operation: String,
    /// How it ended.
    pub rating: Rating,
    /// How it came.
    pub kind: Kind,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// What was asked, in JSON, with what is nobody's business masked.
    pub request: String,
    /// What was answered, likewise.
    pub response: String,
    /// The status of HTTP.
    pub code: u16,
    /// The version of the interface.
    pub api_version: String,
    /// In words.
    pub message: String,
    /// Who.
    pub user: User,
    /// The service, such as `KMS`.
    pub service: String,
    /// The type of the resource.
    pub resource_type: String,
    /// Its id; empty if there is none.
    pub resource_id: String,
    /// Its name; empty if there is none.
    pub resource_name: String,
    /// From where.
    pub source_ip: String,
    /// In which project.
    pub project: ProjectId,
    /// The enterprise project of the resource.
    pub enterprise_project: EnterpriseProjectId,
    /// How many calls alike it stands for.
    pub count: u64,
}

impl Trace {
    /// Its id: that of its request, in the form of a UUID.
    #[must_use]
    pub fn id(&self) -> String {
        trace_id(&self.request_id)
    }
}

/// The id of the trace that a request left.
#[must_use]
pub fn trace_id(request: &str) -> String {
    let mut id = String::with_capacity(36);
    for (place, digit) in request.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: CTS-077
    #[test]
    fn what_is_refused_is_a_warning_and_what_fails_within_an_incident() {
        let names = [200, 204, 400, 403, 404, 429, 500, 503].map(|status| Rating::of(status).name());
        let (normal, warning, incident) = ("normal", "warning", "incident");
        assert_eq!(names, [normal, normal, warning, warning, warning, warning, incident, incident]);
    }

    #[test]
    fn a_traces_id_is_its_requests_as_a_uuid() {
        assert_eq!(trace_id("0123456789abcdef0123456789abcdef"), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
