//! What policies can say, for who writes one without knowing their syntax.

use super::action::{Access, Action, Level};
use super::{condition, key};

/// An action, as it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its name.
    pub name: &'static str,
    /// The service whose it is.
    pub service: &'static str,
    /// What it does: `list`, `read` or `write`.
    pub access: &'static str,
    /// The type of the resources it is done to.
    pub resource: &'static str,
    /// Whether its service is a global one.
    pub global: bool,
}

/// Every action, by service.
pub fn actions() -> impl Iterator<Item = Offered> {
    Action::all().map(|action| Offered {
        name: action.name(),
        service: action.service(),
        access: match action.access() {
            Access::List => "list",
            Access::Read => "read",
            Access::Write => "write",
        },
        resource: action.resource(),
        global: action.level() == Level::Global,
    })
}

/// The keys that conditions compare, each with what its values are. Of tags, which have keys of their own, there is the beginning.
pub fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    key::all().map(|(name, kind)| (name, kind.name()))
}

/// The operators of conditions, each with what it compares; those for any value have nothing there.
pub fn operators() -> impl Iterator<Item = (&'static str, &'static str)> {
    condition::operators().map(|(name, kind)| (name, kind.map_or("", key::Kind::name)))
}
