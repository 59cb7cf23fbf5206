//! Lists the trackers of a project.

use dew::caller::Caller;
use dew::cts::{CtsError, TrackerKind};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::tracker_fields::Shown;
use crate::rest::operation::Operation;
use crate::services::Services;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    tracker_name: Option<String>,
    tracker_type: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    trackers: Vec<Shown>,
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListTrackers";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{project_id}/trackers";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        let kind = self.tracker_type.as_deref().map(TrackerKind::named).transpose()?;
        let found = services.cts.list_trackers(caller, kind, self.tracker_name.as_deref())?;
        let trackers = found.into_iter().map(|tracker| Shown::of(tracker, &services.cts));
        Ok(Reply { trackers: trackers.collect() })
    }
}
