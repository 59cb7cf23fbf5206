//! What a project has switched on, and how strong values have to be then.

use std::sync::Arc;

use hsm::service::Kind;
use serde::{Deserialize, Serialize};

use super::allow::About;
use super::error::{CsmsError, Result};
use super::password::Strength;
use super::value::Value;
use super::{Csms, Project};
use crate::caller::Caller;
use crate::kms::record::{Kept, creation};

/// What a project has switched on: a record in its partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// Whether weak values are refused.
    pub(super) strong_values: bool,
}

/// The number of the record.
const NUMBER: u64 = 1;

impl Csms {
    /// Whether weak values are refused in the project.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn refuses_weak_values(&self, caller: &Caller) -> Result<bool> {
        let (project, account) = self.permitted_in(caller, "ShowSecretsConfig", About::default())?;
        let project = self.project(project, account)?;
        Ok(project.is_some_and(|project| refuses(&project)))
    }

    /// Has weak values refused in the project, or not.
    ///
    /// # Errors
    /// `Forbidden`; what the HSM says.
    pub fn refuse_weak_values(&self, caller: &Caller, strong_values: bool) -> Result<()> {
        let (project, account) = self.permitted_in(caller, "UpdateSecretsConfig", About::default())?;
        let project = self.project_or_new(project, account)?;
        let _turn = project.turn.lock();
        let (there, settings) = (project.shelf.read().settings.clone(), Settings { strong_values });
        let write = match &there {
            Some(there) => there.update(Kind::CsmsSettings, &settings)?,
            None => creation(Kind::CsmsSettings, NUMBER, &settings)?,
        };
        let details = [("strong-values", strong_values.to_string())];
        let version = self.commit(caller, &project, "set how strong secrets are", &details, vec![write])?;
        project.shelf.write().settings = Some(Kept { number: NUMBER, version, value: Arc::new(settings) });
        Ok(())
    }

    /// How strong each of some values is.
    ///
    /// # Errors
    /// `Forbidden`
    pub fn strengths<'a>(
        &self,
        caller: &Caller,
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Vec<(&'a str, Strength)>> {
        self.permitted_in(caller, "CheckSecrets", About::default())?;
        Ok(values.map(|(name, value)| (name, Strength::of(value))).collect())
    }

    /// Refuses a weak value where the project has that switched on.
    pub(super) fn check_strength(&self, project: &Project, value: &Value) -> Result<()> {
        let Value::Text(text) = value else { return Ok(()) };
        match std::str::from_utf8(text.as_bytes()).map(Strength::of) {
            Ok(Strength::Weak) if refuses(project) => Err(CsmsError::Field(format!(
                "secret_string is weak, which the project refuses: expected {}",
                Strength::EXPECTED
            ))),
            _ => Ok(()),
        }
    }
}

fn refuses(project: &Project) -> bool {
    project.shelf.read().settings.as_ref().is_some_and(|settings| settings.strong_values)
}
