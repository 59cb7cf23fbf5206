//! Why a policy is refused: where, what stands there and what was expected.

use super::document::{MAX_ACTIONS, MAX_BYTES, MAX_CONDITIONS, MAX_RESOURCES, MAX_STATEMENTS, MAX_VALUES};

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum PolicyError {
    #[error("a policy has at most {MAX_BYTES} bytes, this one {0}")]
    TooLong(usize),
    #[error("the policy is not JSON: {0}")]
    NotJson(String),
    #[error("{at}: {problem}")]
    At { at: Place, problem: Problem },
}

/// Where in a policy, such as `Statement[0].Action[2]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub(super) String);

impl std::fmt::Display for Place {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str(if self.0.is_empty() { "the policy" } else { &self.0 })
    }
}

/// What is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each says itself
pub enum Problem {
    #[error("expected {expected}, not {got}")]
    Expected { expected: &'static str, got: String },
    #[error("the field {0} is missing")]
    Missing(&'static str),
    #[error("there is no field {field:?} here: expected {expected}")]
    UnknownField { field: String, expected: &'static str },
    #[error("the field {0:?} stands twice")]
    Twice(String),
    #[error("a policy has 1 to {MAX_STATEMENTS} statements, this one {0}")]
    Statements(usize),
    #[error("a statement has 1 to {MAX_ACTIONS} actions, this one {0}")]
    Actions(usize),
    #[error("a statement has 1 to {MAX_RESOURCES} resources, this one {0}")]
    Resources(usize),
    #[error("a statement has 1 to {MAX_CONDITIONS} conditions, this one {0}")]
    Conditions(usize),
    #[error("a condition has 1 to {MAX_VALUES} values, this one {0}")]
    Values(usize),
    #[error(
        "{0:?} is no action: expected SERVICE:TYPE:ACTION of letters, digits, _, - and *, such as kms:cmk:create or kms:*:get*"
    )]
    Action(String),
    #[error("the action {0:?} is of every service, global and project-level at once: name a service")]
    EveryService(String),
    #[error(
        "{global:?} is an action of a global service and {project:?} of a project-level one: a policy has one kind, so make two"
    )]
    Mixed { global: String, project: String },
    #[error(
        "{0:?} is no resource: expected * or SERVICE:REGION:ACCOUNT:TYPE:PATH, such as kms:*:*:KeyId:ID or csms:*:*:secretName:NAME"
    )]
    Resource(String),
    #[error("{0:?} is no agency's address: expected /iam/agencies/ID")]
    Agency(String),
    #[error(
        "there is no condition operator {0:?}: expected one such as StringEquals, StringLikeIfExists, Bool, NumberLessThan, DateGreaterThan, IpAddress or Null"
    )]
    Operator(String),
    #[error(
        "there is no condition key {0:?} in this service: expected one such as g:UserName, g:MFAPresent, g:CurrentTime, g:SourceIp, g:ResourceTag/KEY or kms:KeySpec"
    )]
    Key(String),
    #[error("the condition key {key} is {is}: the operator {operator} does not compare that")]
    Incomparable { key: String, is: &'static str, operator: String },
    #[error("{got:?} cannot be compared by {operator}: expected {expected}")]
    Value { operator: String, expected: &'static str, got: String },
}
