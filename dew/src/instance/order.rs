//! Orders: how many instances, under which names, for how long.

use std::collections::BTreeSet;

use hsm::service::{Deed, Kind, Write};

use super::record::{Id, Instance, Limits};
use super::state::Status;
use super::{COUNTER, Edition, InstanceError, Instances, changed_meanwhile, encoded};
use crate::iam::AccountId;
use crate::tag::Tags;

/// The longest name, in bytes: a partition has it as its label.
pub(super) const MAX_NAME: usize = 32;
/// The most instances of one order.
pub(super) const MAX_QUANTITY: u16 = 20;
/// The longest term.
pub(super) const MAX_MONTHS: u8 = 12;
/// The most instances of an HSM.
pub const MAX_INSTANCES: usize = 1024;
/// The one project.
const PROJECT: &str = "default";

/// An order.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The instance's name; of several, what their names begin with.
    pub name: &'a str,
    /// The edition, by name.
    pub edition: &'a str,
    /// The project, by name.
    pub project: &'a str,
    /// How many.
    pub quantity: u16,
    /// Whether it is for tests alone.
    pub test_only: bool,
    /// For how many months.
    pub months: u8,
    /// The tags of each.
    pub tags: &'a [(String, String)],
    /// The account of the cloud services that they are for, if any.
    pub account: Option<AccountId>,
}

impl Instances<'_> {
    /// Orders instances: they are `Installing` then.
    ///
    /// # Errors
    /// What is wrong with the order; what the vault says.
    pub fn order(self, order: &Order<'_>) -> Result<Vec<Instance>, InstanceError> {
        let edition = checked(order)?;
        let tags = Tags::new(order.tags)?;
        let stored = self.stored()?;
        if stored.len() + usize::from(order.quantity) > MAX_INSTANCES {
            return Err(InstanceError::Full);
        }
        let names = names(order, &stored.into_iter().map(|stored| stored.instance.name).collect())?;
        let counter =
            self.hsm.service_records(Kind::Instance)?.into_iter().find(|(number, ..)| *number == COUNTER);
        let first = counter.as_ref().map_or(Ok(1), |(_, _, value)| {
            value.as_bytes().try_into().map(u64::from_le_bytes).map_err(|_| InstanceError::Malformed)
        })?;
        let (order_id, ordered) = (Id(self.hsm.random()?), self.now());
        let mut made = Vec::new();
        for (number, name) in (first..).zip(names) {
            made.push(Instance {
                number,
                id: Id(self.hsm.random()?),
                name,
                edition,
                order: order_id,
                test_only: order.test_only,
                ordered,
                months: order.months,
                stage: Status::Installing,
                failure: None,
                until: None,
                tags: tags.clone(),
                activation: None,
                limits: Limits::default(),
                initialised: false,
                access: None,
                account: order.account,
            });
        }
        let next = first + made.len() as u64;
        let counted = Some(next.to_le_bytes().to_vec());
        let was = counter.map(|(_, version, _)| version);
        let mut writes = vec![Write { kind: Kind::Instance, number: COUNTER, was, value: counted }];
        for instance in &made {
            let (number, value) = (instance.number, Some(encoded(instance)?));
            writes.push(Write { kind: Kind::Instance, number, was: None, value });
        }
        let names: Vec<_> = made.iter().map(|instance| instance.name.as_str()).collect();
        let details = [
            ("instances", names.join(" ")),
            ("order", order_id.to_string()),
            ("months", order.months.to_string()),
            ("account", order.account.map(|account| account.to_string()).unwrap_or_default()),
        ];
        let deed = Deed { by: self.by, action: "order instances", details: &details };
        self.hsm.service_commit(writes, &[], &[deed]).map_err(changed_meanwhile)?;
        Ok(made)
    }
}

/// The order's edition, if all else of it can be had.
fn checked(order: &Order<'_>) -> Result<Edition, InstanceError> {
    check_name(order.name)?;
    if order.project != PROJECT {
        return Err(InstanceError::Project(order.project.to_owned()));
    }
    match order.quantity {
        0 => return Err(InstanceError::Quantity(0)),
        1 if !order.test_only => return Err(InstanceError::Single),
        many if many > MAX_QUANTITY => return Err(InstanceError::Quantity(many)),
        _ => {}
    }
    check_months(order.months)?;
    Edition::named(order.edition).ok_or_else(|| InstanceError::Edition(order.edition.to_owned()))
}

/// Refuses a term that cannot be had.
pub(super) fn check_months(months: u8) -> Result<(), InstanceError> {
    if (1..=MAX_MONTHS).contains(&months) { Ok(()) } else { Err(InstanceError::Months(months)) }
}

/// Refuses a name with other characters than letters, digits, `_` and `-`.
pub(super) fn check_name(name: &str) -> Result<(), InstanceError> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(is_good) {
        return Ok(());
    }
    Err(InstanceError::Name(name.to_owned()))
}

/// The names of what is ordered: as given for one; for several with a number of four digits, past those in use.
fn names(order: &Order<'_>, taken: &BTreeSet<String>) -> Result<Vec<String>, InstanceError> {
    if order.quantity == 1 {
        return match taken.contains(order.name) {
            true => Err(InstanceError::NameTaken(order.name.to_owned())),
            false => Ok(vec![order.name.to_owned()]),
        };
    }
    let numbered = (1..=9999).map(|number| format!("{}-{number:04}", order.name));
    let names: Vec<_> = numbered.filter(|name| !taken.contains(name)).take(order.quantity.into()).collect();
    if names.len() < usize::from(order.quantity) {
        return Err(InstanceError::NoNameLeft(order.name.to_owned()));
    }
    names.iter().try_for_each(|name| check_name(name))?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(quantity: u16) -> Order<'static> {
        Order {
            name: "dhsm",
            edition: "platinum",
            project: "default",
            quantity,
            test_only: false,
            months: 1,
            tags: &[],
            account: None,
        }
    }

    /// Requirement: DHSM-010
    #[test]
    fn several_get_numbers_of_four_digits_past_those_in_use() {
        let taken = ["dhsm-0001", "dhsm-0003"].map(str::to_owned).into();
        assert_eq!(names(&order(3), &taken).unwrap(), ["dhsm-0002", "dhsm-0004", "dhsm-0005"]);
        assert_eq!(names(&order(1), &taken).unwrap(), ["dhsm"]);
        let taken = ["dhsm".to_owned()].into();
        assert!(matches!(names(&order(1), &taken), Err(InstanceError::NameTaken(_))));
        assert_eq!(names(&order(2), &taken).unwrap(), ["dhsm-0001", "dhsm-0002"]);
        let taken = (1..=9999).map(|number| format!("dhsm-{number:04}")).collect();
        assert!(matches!(names(&order(2), &taken), Err(InstanceError::NoNameLeft(_))));
    }

    /// Requirement: DHSM-009, DHSM-011, DHSM-012, DHSM-013
    #[test]
    fn an_order_is_for_two_to_twenty_instances_for_a_month_to_a_year_in_the_default_project() {
        assert!(checked(&order(2)).is_ok() && checked(&order(20)).is_ok());
        assert!(matches!(checked(&order(21)), Err(InstanceError::Quantity(21))));
        assert!(matches!(checked(&order(0)), Err(InstanceError::Quantity(0))));
        assert!(matches!(checked(&order(1)), Err(InstanceError::Single)));
        assert!(checked(&Order { test_only: true, ..order(1) }).is_ok());
        for (months, fits) in [(0, false), (1, true), (12, true), (13, false)] {
            assert_eq!(checked(&Order { months, ..order(2) }).is_ok(), fits, "{months}");
        }
        let other = checked(&Order { project: "mine", ..order(2) });
        assert!(matches!(other, Err(InstanceError::Project(_))));
        let other = checked(&Order { edition: "gold", ..order(2) });
        assert!(matches!(other, Err(InstanceError::Edition(_))));
    }

    /// Requirement: DHSM-032
    #[test]
    fn a_name_has_letters_digits_underscores_and_hyphens_alone() {
        assert!(check_name("Dedicated_HSM-60071291-0002").is_ok());
        for name in ["", "a b", "a.b", "a/b", "é", "a\n", &"x".repeat(33)] {
            assert!(matches!(check_name(name), Err(InstanceError::Name(_))), "{name:?}");
        }
    }
}
