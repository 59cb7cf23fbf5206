//! Takes a tracker away, or all data trackers.

use dew::caller::Caller;
use dew::cts::{CtsError, TrackerKind};
use hyper::Method;
use serde::Deserialize;

use crate::rest::operation::{Nothing, Operation};
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    tracker_name: Option<String>,
    tracker_type: Option<String>,
}

impl Operation for Op {
    type Reply = Nothing;
    type Error = CtsError;
    const NAME: &'static str = "DeleteTracker";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/v3/{project_id}/trackers";
    const SUCCESS: u16 = 204;

    fn run(self, caller: &Caller, services: &Services) -> Result<Nothing, CtsError> {
        let kind = self.tracker_type.as_deref().map_or(Ok(TrackerKind::Data), TrackerKind::named)?;
        services.cts.delete_tracker(caller, kind, self.tracker_name.as_deref())?;
        Ok(Nothing {})
    }
}
