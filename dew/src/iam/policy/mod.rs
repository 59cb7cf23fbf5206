//! Permissions: policies that people write, the system's own, and the one decision that they and all else with a say go
//! into ("Permission Control" of the DEW user guide).
//!
//! A policy is parsed once; a decision by it searches nothing and allocates next to nothing. Nothing here does I/O or reads a
//! clock: the time is one of the request's facts.
//!
//! ```
//! use dew::iam::policy::{Action, Asked, Attached, Context, Holder, Identity, Policy, Request, Resource, Scope, decide};
//!
//! let policy = Policy::parse(
//!     "only this key",
//!     r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:crypto"],
//!         "Resource":["kms:*:*:KeyId:0d0466b0-e727-4d9c-b35d-f84bb474a37f"]}]}"#,
//! )?;
//! let attached = [Attached { policy: &policy, scope: Scope::Project("p1"), to: Holder::Group("apps") }];
//! let context = Context { account_id: "a1", project_id: Some("p1"), ..Context::default() };
//! let action = Action::of_operation("kms", "EncryptData").next().unwrap();
//! let key = Some("0d0466b0-e727-4d9c-b35d-f84bb474a37f");
//! let request =
//!     Request { action: Asked::Known(action), resource: Resource::of(action, "r1", "a1", key), context: &context };
//! let identity = Identity(&attached);
//! let decision = decide(&request, &[&identity]);
//! assert!(decision.is_allowed());
//! assert_eq!(
//!     decision.to_string(),
//!     r#"allowed: Statement[0] of the policy "only this key" of the group apps in the project p1"#
//! );
//! # Ok::<(), dew::iam::policy::PolicyError>(())
//! ```

mod action;
mod condition;
mod decide;
mod document;
mod error;
mod json;
mod key;
mod pattern;
mod request;
mod system;
pub mod vocabulary;

pub use action::{Access, Action, ActionSet, Level};
pub use decide::{
    Allowance, Attached, Decision, Ground, Holder, Identity, Near, Reason, Role, Scope, Source, Stated,
    Verdict, decide,
};
pub use document::{
    Effect, MAX_ACTIONS, MAX_BYTES, MAX_CONDITIONS, MAX_RESOURCES, MAX_STATEMENTS, MAX_VALUES, Policy,
};
pub use error::{Place, PolicyError, Problem};
pub use request::{Asked, Context, Request, Resource};
pub use system::{SYSTEM_POLICIES, Sort, SystemPolicy};
