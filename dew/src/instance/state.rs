//! The life cycle of an instance: its states, the steps from one to the next, and what comes next where a step is out
//! of order. All of it is one table.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an instance stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It is ordered.
    Installing,
    /// It is allocated, and waits for what it is to be.
    ToBeActivated,
    /// It is being made.
    Creating,
    /// It could not be made.
    CreationFailed,
    /// It serves.
    Running,
    /// Its term has ended: its keys are kept, and nobody uses them.
    Frozen,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Installing,
        Self::ToBeActivated,
        Self::Creating,
        Self::CreationFailed,
        Self::Running,
        Self::Frozen,
    ];

    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Installing => "Installing",
            Self::ToBeActivated => "To be activated",
            Self::Creating => "Creating",
            Self::CreationFailed => "Creation failed",
            Self::Running => "Running",
            Self::Frozen => "Frozen",
        }
    }

    /// What comes next.
    #[must_use]
    pub const fn next(self) -> Next {
        match self {
            Self::Installing => Next::due("the HSM's security officer allocates it: `instance allocate`"),
            Self::ToBeActivated => Next::due("it is activated: `instance activate`"),
            Self::Creating => Next::none("it is being made, which ends by itself"),
            Self::CreationFailed => {
                Next::none("all that is left is to delete it (`instance delete`) and to order another")
            }
            Self::Running => Next::none("it runs"),
            Self::Frozen => Next::due("it is renewed: `instance renew`"),
        }
    }
}

/// What comes next for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// Whether its life goes on with that.
    due: bool,
    /// In words, as under a heading.
    pub words: &'static str,
}

impl Next {
    pub(super) const fn due(words: &'static str) -> Self {
        Self { due: true, words }
    }

    const fn none(words: &'static str) -> Self {
        Self { due: false, words }
    }
}

/// As a part of a sentence.
impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.due { "next, " } else { "" })?;
        f.write_str(self.words)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is done to an instance, or comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is what its name in [`Step::name`] says
pub enum Step {
    Allocate,
    Activate,
    Created,
    Fail,
    Initialise,
    Extend,
    Certify,
    Open,
    Expire,
    Renew,
    Delete,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 11] = [
        Self::Allocate,
        Self::Activate,
        Self::Created,
        Self::Fail,
        Self::Initialise,
        Self::Extend,
        Self::Certify,
        Self::Open,
        Self::Expire,
        Self::Renew,
        Self::Delete,
    ];

    /// What is done, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allocate => "be allocated",
            Self::Activate => "be activated",
            Self::Created => "be made",
            Self::Fail => "fail to be made",
            Self::Initialise => "be initialised",
            Self::Extend => "be given partitions",
            Self::Certify => "give certificates",
            Self::Open => "open or close doors",
            Self::Expire => "expire",
            Self::Renew => "be renewed",
            Self::Delete => "be deleted",
        }
    }
}

/// From where each step goes where. What is not here is out of order.
const TABLE: &[(Step, Status, Option<Status>)] = &[
    (Step::Allocate, Status::Installing, Some(Status::ToBeActivated)),
    (Step::Activate, Status::ToBeActivated, Some(Status::Creating)),
    (Step::Created, Status::Creating, Some(Status::Running)),
    (Step::Fail, Status::Creating, Some(Status::CreationFailed)),
    (Step::Initialise, Status::Running, Some(Status::Running)),
    (Step::Extend, Status::Running, Some(Status::Running)),
    (Step::Certify, Status::Running, Some(Status::Running)),
    (Step::Open, Status::Running, Some(Status::Running)),
    (Step::Expire, Status::Running, Some(Status::Frozen)),
    (Step::Renew, Status::Running, Some(Status::Running)),
    (Step::Renew, Status::Frozen, Some(Status::Running)),
    (Step::Delete, Status::CreationFailed, None),
    (Step::Delete, Status::Frozen, None),
];

/// Why a step cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an instance that is {status} cannot {}: {}", .step.name(), .status.next())]
pub struct OutOfOrder {
    /// Where the instance stands.
    pub status: Status,
    /// What was to be done.
    pub step: Step,
}

/// Where a step leads; none if the instance is gone then.
///
/// # Errors
/// `OutOfOrder`, with what comes next.
pub fn after(status: Status, step: Step) -> Result<Option<Status>, OutOfOrder> {
    let row = TABLE.iter().find(|(by, from, _)| (*by, *from) == (step, status));
    row.map(|(_, _, to)| *to).ok_or(OutOfOrder { status, step })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement: DHSM-008, DHSM-031, DHSM-042
    #[test]
    fn an_instance_is_allocated_activated_and_made_in_this_order_alone() {
        let steps = [Step::Allocate, Step::Activate, Step::Created, Step::Initialise, Step::Certify];
        let mut status = Status::Installing;
        for (done, step) in steps.into_iter().enumerate() {
            for early in &steps[done + 1..] {
                if *early != step && status != Status::Running {
                    assert!(after(status, *early).is_err(), "{status} {early:?}");
                }
            }
            status = after(status, step).unwrap().unwrap();
        }
        assert_eq!(status, Status::Running);
        assert_eq!(after(Status::Creating, Step::Fail), Ok(Some(Status::CreationFailed)));
        for status in Status::ALL {
            assert_eq!(after(status, Step::Activate).is_ok(), status == Status::ToBeActivated, "{status}");
            assert_eq!(after(status, Step::Initialise).is_ok(), status == Status::Running, "{status}");
        }
    }

    #[test]
    fn no_step_has_two_outcomes_and_each_status_can_be_come_to() {
        for step in Step::ALL {
            for status in Status::ALL {
                let rows = TABLE.iter().filter(|(by, from, _)| (*by, *from) == (step, status)).count();
                assert!(rows <= 1, "{status} {step:?}");
            }
        }
        for status in Status::ALL {
            let come_to = TABLE.iter().any(|(_, _, to)| *to == Some(status));
            assert!(come_to || status == Status::Installing, "{status}");
        }
    }

    /// Requirement: DHSM-034
    #[test]
    fn what_failed_or_expired_is_deleted_and_nothing_that_serves() {
        for status in Status::ALL {
            let may = matches!(status, Status::CreationFailed | Status::Frozen);
            assert_eq!(after(status, Step::Delete), if may { Ok(None) } else { after(status, Step::Delete) });
            assert_eq!(after(status, Step::Delete).is_ok(), may, "{status}");
        }
    }

    #[test]
    fn what_is_out_of_order_says_what_comes_next() {
        let says = |status, step| after(status, step).unwrap_err().to_string();
        assert!(says(Status::Installing, Step::Activate).contains("`instance allocate`"));
        assert!(says(Status::ToBeActivated, Step::Initialise).contains("`instance activate`"));
        assert!(says(Status::Frozen, Step::Certify).contains("`instance renew`"));
        assert!(says(Status::CreationFailed, Step::Activate).contains("`instance delete`"));
        assert!(says(Status::Frozen, Step::Certify).ends_with(": next, it is renewed: `instance renew`"));
        assert!(Status::ALL.iter().all(|status| !status.next().words.starts_with("next")), "it says it once");
    }
}
