//! The organization of all accounts: its units, and the tag policies that are attached to them.

use serde::{Deserialize, Serialize};

use super::{Act, Command, listed};
use crate::List;

/// The most units, policies, targets or breaches that one answer brings.
pub const MAX_ROWS: usize = 1_000;
/// The most tags of a policy.
pub const MAX_TAGS: usize = 20;

/// Keys and values.
pub type Tags = List<(String, String), MAX_TAGS>;

/// What the console asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Every unit, with the accounts in it.
    Units,
    /// Makes a unit.
    CreateUnit {
        /// Its name.
        name: String,
        /// The unit that it is to be in; none is the root.
        parent: Option<String>,
    },
    /// Deletes a unit that nothing is in.
    DeleteUnit {
        /// Its name.
        name: String,
    },
    /// Moves an account.
    Move {
        /// Its name or id.
        account: String,
        /// The unit that it is to be in; none is the root.
        unit: Option<String>,
    },
    /// Has the traces of all accounts be gathered for one, if it asks for that.
    Delegate {
        /// Its name or id; none is for nobody any more.
        account: Option<String>,
    },
    /// The account that traces are gathered for.
    Delegated,
    /// Lets tag policies be made and bind, or no more.
    Switch {
        /// Whether they do.
        on: bool,
    },
    /// Every tag policy.
    Policies,
    /// Makes a tag policy, or gives one another form: what is none stays.
    Put {
        /// The policy, by its name.
        policy: String,
        /// Whether it is a new one.
        new: bool,
        /// Its new name.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
        /// What it says: JSON.
        document: Option<String>,
        /// Its own tags.
        tags: Option<Tags>,
    },
    /// Deletes a tag policy that is attached to nothing.
    Delete {
        /// Its name.
        policy: String,
    },
    /// Attaches a tag policy, or detaches it.
    Attach {
        /// Its name.
        policy: String,
        /// To what, or from what.
        target: Target,
        /// Whether it is attached from now on.
        on: bool,
    },
    /// What tag policies come to.
    Rules {
        /// For which account, by name or id; none is for what belongs to no account.
        account: Option<String>,
    },
    /// Tags that do not keep to the tag policies.
    Breaches {
        /// Of which account, by name or id; none is of all there is.
        account: Option<String>,
    },
    /// The tags that are offered where some are given.
    Predefined,
    /// Puts a tag among those, or takes it from them.
    Predefine {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
        /// Whether it is one of them from now on.
        on: bool,
    },
}

/// What a tag policy is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// All accounts.
    Root,
    /// A unit, by its name.
    Unit(String),
    /// An account, by its name or id.
    Account(String),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Unit(name) => write!(f, "unit {name}"),
            Self::Account(name) => write!(f, "account {name}"),
        }
    }
}

impl Ask {
    /// What the command is to roles, approvals and the audit log.
    pub(super) fn act(&self) -> Act<'_> {
        let or_root = |unit: &Option<String>| unit.clone().unwrap_or_else(|| "root".into());
        match self {
            Self::Units | Self::Delegated => Act::new(Command::UnitList),
            Self::Delegate { account } => {
                Act::new(Command::UnitDelegate).on(account.as_deref().unwrap_or("nobody"))
            }
            Self::CreateUnit { name, parent } => {
                Act::new(Command::UnitCreate).on(name).with("parent", or_root(parent))
            }
            Self::DeleteUnit { name } => Act::new(Command::UnitDelete).on(name),
            Self::Move { account, unit } => {
                Act::new(Command::UnitMove).on(account).with("unit", or_root(unit))
            }
            Self::Switch { on: true } => Act::new(Command::TagPolicyEnable),
            Self::Switch { on: false } => Act::new(Command::TagPolicyDisable),
            Self::Policies | Self::Rules { .. } | Self::Breaches { .. } => Act::new(Command::TagPolicyList),
            Self::Put { policy, new, name, description, document, tags } => {
                let command = if *new { Command::TagPolicyCreate } else { Command::TagPolicyUpdate };
                let given = [("name", name), ("description", description), ("document", document)];
                let given = given.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?)));
                let act =
                    given.fold(Act::new(command).on(policy), |act, (what, value)| act.with(what, value));
                match tags {
                    Some(tags) => act.with("tags", listed(tags)),
                    None => act,
                }
            }
            Self::Predefined => Act::new(Command::TagPredefinedList),
            Self::Predefine { key, value, on } => {
                let command = if *on { Command::TagPredefinedAdd } else { Command::TagPredefinedDelete };
                Act::new(command).with("key", key).with("value", value)
            }
            Self::Delete { policy } => Act::new(Command::TagPolicyDelete).on(policy),
            Self::Attach { policy, target, on } => {
                let command = if *on { Command::TagPolicyAttach } else { Command::TagPolicyDetach };
                Act::new(command).on(policy).with("target", target)
            }
        }
    }
}

/// What the daemon tells the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// To [`Ask::Units`].
    Units(List<Unit, MAX_ROWS>),
    /// It is done.
    Done,
    /// To [`Ask::Delegated`]: its name.
    Delegated(Option<String>),
    /// To [`Ask::Policies`].
    Policies {
        /// Whether they bind.
        on: bool,
        /// All of them.
        policies: List<Policy, MAX_ROWS>,
    },
    /// To [`Ask::Rules`]: JSON.
    Rules(String),
    /// To [`Ask::Breaches`].
    Breaches {
        /// The first of them.
        breaches: List<Breach, MAX_ROWS>,
        /// How many there are.
        count: u64,
    },
    /// To [`Ask::Predefined`]: keys and values, in order.
    Predefined(List<(String, String), MAX_ROWS>),
}

/// A unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// The unit that it is in.
    pub parent: Option<String>,
    /// The accounts in it, by name.
    pub accounts: List<String, MAX_ROWS>,
}

/// A tag policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it says: JSON.
    pub document: String,
    /// Its own tags.
    pub tags: Tags,
    /// What it is attached to.
    pub attached: List<Target, MAX_ROWS>,
    /// When it was last changed, in seconds since 1970.
    pub updated: u64,
}

/// A tag that does not keep to the tag policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// The type of the resource, such as `kms:key`.
    pub kind: String,
    /// The project that it is in, if it is in one.
    pub project: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    pub value: String,
    /// What was expected.
    pub expected: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_a_policy_is_to_lose_are_recorded_and_those_that_it_keeps_are_not() {
        let recorded = |tags: Option<&[(&str, &str)]>| {
            let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            let tags = tags.map(|tags| List::new(tags.iter().map(own).collect()).unwrap());
            let (policy, name, description, document) = ("cost".to_owned(), None, None, None);
            let ask = Ask::Put { policy, new: false, name, description, document, tags };
            ask.act().details
        };
        assert_eq!(recorded(None), []);
        assert_eq!(recorded(Some(&[])), [("tags", "none".to_owned())]);
        assert_eq!(recorded(Some(&[("a", "1"), ("b", "")])), [("tags", "a=1, b=".to_owned())]);
    }
}
