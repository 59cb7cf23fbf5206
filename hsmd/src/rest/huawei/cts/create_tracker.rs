//! Makes a tracker.

use dew::caller::Caller;
use dew::cts::CtsError;
use hyper::Method;
use serde::Deserialize;

use super::tracker_fields::{Fields, Shown};
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Op(Fields);

impl Operation for Op {
    type Reply = Shown;
    type Error = CtsError;
    const NAME: &'static str = "CreateTracker";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/v3/{project_id}/tracker";
    const SUCCESS: u16 = 201;

    fn run(self, caller: &Caller, services: &Services) -> Result<Shown, CtsError> {
        let (kind, name) = (self.0.kind()?, self.0.tracker_name.clone());
        if self.0.status.is_some() {
            return Err(CtsError::Field("status: a tracker that is made is enabled".to_owned()));
        }
        let tracker = services.cts.create_tracker(caller, kind, &name, self.0.change()?)?;
        Ok(Shown::of(tracker, &services.cts))
    }
}
