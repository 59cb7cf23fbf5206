//! Changes a tracker: what is not said stays as it is.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::Deserialize;

use super::tracker_fields::Fields;
use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(Fields);

impl Operation for Op {
    type Reply = Nothing;
    type Error = CtsError;
    const NAME: &'static str = "UpdateTracker";
    const METHOD: Method = Method::PUT;
    const PATH: &'static str = "/v3/{project_id}/tracker";

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CtsError> {
        let (kind, name) = (self.0.kind()?, self.0.tracker_name.clone());
        services.cts.update_tracker(caller, kind, &name, self.0.change()?)?;
        Ok(Nothing {})
    }
}
