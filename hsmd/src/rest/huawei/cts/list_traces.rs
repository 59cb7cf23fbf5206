//! Lists traces, the newest first.

use dew::caller::Caller;
use dew::cts::{CtsError, Field, Filter, Rating};
use hyper::Method;
use serde::{Deserialize, Serialize};

use super::shown::Shown;
use crate::rest::operation::{Number, Operation};
use crate::services::Services;

/// The most traces of a page, and how many there are if nothing is asked for.
const MOST: u64 = 200;
const LIMIT: u64 = 10;
/// Milliseconds back from now, if no time is asked for.
const HOUR: u64 = 3600 * 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Op {
    trace_type: String,
    limit: Option<Number>,
    from: Option<Number>,
    to: Option<Number>,
    next: Option<String>,
    tracker_name: Option<String>,
    service_type: Option<String>,
    user: Option<String>,
    resource_id: Option<String>,
    resource_name: Option<String>,
    resource_type: Option<String>,
    trace_id: Option<String>,
    trace_name: Option<String>,
    trace_rating: Option<String>,
    access_key_id: Option<String>,
    enterprise_project_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Reply {
    traces: Vec<Shown>,
    meta_data: Page,
}

/// `MetaData`
#[derive(Serialize)]
struct Page {
    count: usize,
    /// What asks for the next page; none with the last.
    marker: Option<String>,
}

impl Op {
    /// What is wanted, and how many at most.
    fn wanted(&self, now: u64) -> Result<(Filter, usize), CtsError> {
        let field = |text: &str| CtsError::Field(text.to_owned());
        let limit = self.limit.map_or(LIMIT, |Number(limit)| limit);
        if !(1..=MOST).contains(&limit) {
            return Err(CtsError::Field(format!("limit: expected 1 to {MOST}, and not {limit}")));
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let before = self.next.as_deref().map(|marker| {
            u64::from_str_radix(marker, 16).map_err(|_| field("next: expected the marker of a page"))
        });
        let mut filter = Filter { before: before.transpose()?, ..Filter::default() };
        // Whoever knows the id of a trace wants that and nothing else.
        if let Some(id) = &self.trace_id {
            filter.fields.push((Field::Id, vec![id.to_lowercase()]));
            return Ok((filter, limit));
        }
        (filter.from, filter.to) = match (self.from, self.to) {
            (None, None) => (Some(now.saturating_sub(HOUR)), None),
            (Some(Number(from)), Some(Number(to))) if from < to => (Some(from), Some(to)),
            (Some(_), Some(_)) => return Err(field("from: expected a time before that of to")),
            _ => return Err(field("from and to: expected both or neither")),
        };
        if let Some(rating) = &self.trace_rating
            && Rating::named(rating).is_none()
        {
            return Err(field("trace_rating: expected normal, warning or incident"));
        }
        let asked = [
            (Field::Service, &self.service_type),
            (Field::ResourceId, &self.resource_id),
            (Field::ResourceName, &self.resource_name),
            (Field::ResourceType, &self.resource_type),
            (Field::Name, &self.trace_name),
            (Field::Rating, &self.trace_rating),
            (Field::AccessKey, &self.access_key_id),
            (Field::EnterpriseProject, &self.enterprise_project_id),
        ];
        let given = asked.into_iter().filter_map(|(field, value)| Some((field, vec![value.clone()?])));
        filter.fields.extend(given);
        if let Some(users) = &self.user {
            // One or several.
            filter.fields.push((Field::User, users.split(',').map(|user| user.trim().to_owned()).collect()));
        }
        Ok((filter, limit))
    }
}

impl Operation for Op {
    type Reply = Reply;
    type Error = CtsError;
    const NAME: &'static str = "ListTraces";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/v3/{project_id}/traces";

    fn run(self, caller: &Caller, services: &Services) -> Result<Reply, CtsError> {
        let project = services.cts.permitted(caller, Self::NAME)?;
        let now = services.cts.now();
        let (filter, limit) = self.wanted(now)?;
        let of_system = match self.trace_type.as_str() {
            "system" => self.tracker_name.as_deref().is_none_or(|name| name == "system"),
            // Those are of accesses to an object store, which this is not.
            "data" => false,
            _ => return Err(CtsError::Field("trace_type: expected system or data".to_owned())),
        };
        let mut found = match of_system {
            true => services.traces.find(project, &filter, now, limit + 1).map_err(CtsError::Log)?,
            false => Vec::new(),
        };
        let more = found.len() > limit;
        found.truncate(limit);
        let marker = found.last().filter(|_| more).map(|last| format!("{:016x}", last.number));
        let traces: Vec<_> = found.into_iter().map(|found| found.trace.into()).collect();
        Ok(Reply { meta_data: Page { count: traces.len(), marker }, traces })
    }
}
