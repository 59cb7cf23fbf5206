//! The actions: what each operation of the services needs, and by which names policies know it.
//!
//! The guide has two vocabularies: that of "Creating a Custom DEW Policy", in which `kms:cmk:crypto` stands for encryption
//! and decryption, and that of "Sharing" and "Tenant Guest Roles", in which they are `kms:cmk:encryptData` and
//! `kms:cmk:decryptData`; and so do CSMS and KPS. An action's first name is of the finer vocabulary; those that follow
//! are of the other. A policy that names an action by any of them names it.

mod csms;
mod cts;
mod database;
mod iam;
mod kms;
mod kps;
mod ram;

/// What an action does to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Lists things.
    List,
    /// Shows something.
    Read,
    /// Makes, changes, deletes or uses something.
    Write,
}

/// Where a service is: policies are about services of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Once for all regions.
    Global,
    /// In projects, each in a region.
    Project,
    /// Of a system policy that is about services of each level.
    Both,
}

/// The global services that are known; all others are project-level.
const GLOBAL: &[&str] =
    &["bss", "cdn", "eps", "iam", "identitycenter", "obs", "organizations", "ram", "rms", "sts", "tms"];

impl Level {
    /// The level of a service.
    #[must_use]
    pub fn of(service: &str) -> Self {
        match GLOBAL.iter().any(|global| global.eq_ignore_ascii_case(service)) {
            true => Self::Global,
            false => Self::Project,
        }
    }
}

/// A row of the table.
struct Row {
    /// By which policies know it, the first name first.
    names: &'static [&'static str],
    access: Access,
    /// The type of the resources it is done to.
    resource: &'static str,
    /// The operations of the API that it stands for, by their names in the SDKs.
    operations: &'static [&'static str],
}

const fn row(
    names: &'static [&'static str],
    access: Access,
    resource: &'static str,
    operations: &'static [&'static str],
) -> Row {
    Row { names, access, resource, operations }
}

/// The table, by service.
static TABLE: &[(&str, &[Row])] = &[
    ("kms", kms::ACTIONS),
    ("csms", csms::ACTIONS),
    ("kps", kps::ACTIONS),
    ("cts", cts::ACTIONS),
    ("iam", iam::ACTIONS),
    ("ram", ram::ACTIONS),
    ("rds", database::RDS),
    ("gaussdb", database::TAURUS_DB),
];

/// The most services and actions of one that [`ActionSet`] has room for.
const SERVICES: usize = 8;
const WORDS: usize = 4;

/// An action of ours: a row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Action {
    service: u8,
    row: u8,
}

impl Action {
    /// Every action.
    pub fn all() -> impl Iterator<Item = Self> {
        let services = (0u8..).zip(TABLE);
        services
            .flat_map(|(service, (_, rows))| (0u8..).zip(*rows).map(move |(row, _)| Self { service, row }))
    }

    /// The actions that a name stands for: one for a first name, any number for one that groups several.
    pub fn named(name: &str) -> impl Iterator<Item = Self> {
        Self::all().filter(move |action| action.names().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The actions that an operation needs, such as `CreateKey` of `kms`: most need one. What re-encrypts needs one for
    /// each key, and what does a batch of either kind needs the one that fits what is asked.
    pub fn of_operation<'a>(service: &'a str, operation: &'a str) -> impl Iterator<Item = Self> + 'a {
        Self::all().filter(move |action| {
            action.service() == service && action.row().is_some_and(|row| row.operations.contains(&operation))
        })
    }

    /// The operations that it stands for, by their names in the SDKs.
    pub fn operations(self) -> impl Iterator<Item = &'static str> {
        self.row().map_or::<&[_], _>(&[], |row| row.operations).iter().copied()
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get(usize::from(self.service))?.1.get(usize::from(self.row))
    }

    /// The service whose it is.
    #[must_use]
    pub fn service(self) -> &'static str {
        TABLE.get(usize::from(self.service)).map_or("", |(service, _)| *service)
    }

    /// Its first name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.names().next().unwrap_or_default()
    }

    /// By which policies know it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.row().map_or::<&[_], _>(&[], |row| row.names).iter().copied()
    }

    /// What it does to what is there.
    #[must_use]
    pub fn access(self) -> Access {
        self.row().map_or(Access::Write, |row| row.access)
    }

    /// The type of the resources it is done to, such as `KeyId`.
    #[must_use]
    pub fn resource(self) -> &'static str {
        self.row().map_or("", |row| row.resource)
    }

    /// The level of its service.
    #[must_use]
    pub fn level(self) -> Level {
        Level::of(self.service())
    }
}

/// Services of others, of whose actions a few alone are in the table.
const OF_OTHERS: &[&str] = &["rds", "gaussdb"];

/// Whether a service's actions are in the table, all of them.
pub(super) fn is_ours(service: &str) -> bool {
    let mut ours = TABLE.iter().filter(|(name, _)| !OF_OTHERS.contains(name));
    ours.any(|(ours, _)| ours.eq_ignore_ascii_case(service))
}

/// A set of actions, in which one is found without a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActionSet([[u64; WORDS]; SERVICES]);

impl ActionSet {
    /// Whether an action is in it.
    #[must_use]
    pub fn contains(&self, action: Action) -> bool {
        let word =
            self.0.get(usize::from(action.service)).and_then(|words| words.get(usize::from(action.row / 64)));
        word.is_some_and(|word| word >> (action.row % 64) & 1 == 1)
    }

    fn insert(&mut self, action: Action) {
        let words = self.0.get_mut(usize::from(action.service));
        if let Some(word) = words.and_then(|words| words.get_mut(usize::from(action.row / 64))) {
            *word |= 1 << (action.row % 64);
        }
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        let mut set = Self::default();
        actions.into_iter().for_each(|action| set.insert(action));
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_action_has_a_first_name_of_its_own_service_and_form_and_a_place_in_sets() {
        let all: Vec<_> = Action::all().collect();
        let first: BTreeSet<_> = all.iter().map(|action| action.name().to_lowercase()).collect();
        assert_eq!(first.len(), all.len(), "two actions have one first name");
        assert!(TABLE.len() <= SERVICES && TABLE.iter().all(|(_, rows)| rows.len() <= WORDS * 64));
        for action in &all {
            assert!(action.name().starts_with(action.service()), "{}", action.name());
            assert!(!action.resource().is_empty());
            for name in action.names() {
                assert_eq!(name.split(':').count(), 3, "{name}");
            }
            let set: ActionSet = [*action].into_iter().collect();
            assert_eq!(all.iter().filter(|other| set.contains(**other)).count(), 1);
        }
    }

    /// A first name that another action has as its second would let one in by the other.
    #[test]
    fn no_first_name_stands_for_more_than_its_action() {
        for action in Action::all() {
            let named: Vec<_> = Action::named(action.name()).map(Action::name).collect();
            // The names by which the older vocabulary groups actions are first names nowhere, save that of an action
            // which includes finer ones.
            if named.len() > 1 {
                assert!(GROUPS.contains(&action.name()), "{} is also {named:?}", action.name());
            }
        }
    }

    /// First names that include finer actions too.
    const GROUPS: &[&str] =
        &["kms:cmk:list", "kms:cmk:updateRotation", "csms:secret:delete", "csms:secret:create"];

    #[test]
    fn an_operation_has_the_actions_it_needs() {
        let of = |service, operation| {
            Action::of_operation(service, operation).map(Action::name).collect::<Vec<_>>()
        };
        assert_eq!(of("kms", "CreateKey"), ["kms:cmk:create"]);
        assert_eq!(of("kms", "ReEncrypt"), ["kms:cmk:encryptData", "kms:cmk:decryptData"]);
        assert_eq!(of("csms", "ListGrants"), ["csms:grant:list"], "each service has operations of its own");
        assert_eq!(of("kms", "ListGrants"), ["kms:cmk:listGrants"]);
        assert_eq!(of("kms", "Nothing"), [""; 0]);
    }
}
