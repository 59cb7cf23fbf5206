//! The traces of the services: each operation that the table of CTS names leaves one in the audit log before it is
//! answered, and from there they are read again for who asks. The act itself is in the log too, as the HSM tells it;
//! the trace is how the interface tells it.
//!
//! The trace of a change is on the disk before the answer goes out. Those of uses and refusals are in the hands of the
//! kernel, and beyond a measure they are counted (`tally`). What must be traced is refused while nothing can be.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use audit::Record;
use dew::caller::Caller;
use dew::cts::{self, Act, Cts, Filter, Found, Index, Kind, Masked, Rating, Trace, Traced, User};
use dew::iam::policy::SystemPolicy;
use dew::iam::{EnterpriseProjectId, Iam, ProjectId, UserId};
use dew::kms::Did;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use tracing::{error, warn};

use crate::audit::{Audit, Place, Places, Reading};
use crate::rest::request_id;

mod form;
mod tally;

use tally::Tally;

/// How often what was written is taken into the index, if nobody asks.
const TICK: Duration = Duration::from_secs(1);

/// The traces.
pub(crate) struct Traces {
    audit: Arc<Audit>,
    tally: Tally,
    followed: Mutex<Followed>,
}

/// How far the log was read.
#[derive(Default)]
struct Followed {
    reading: Option<Reading>,
    index: Index<Place>,
}

/// What is known of a request before it is done.
pub(crate) struct Asked<'a> {
    pub(crate) traced: &'static Traced,
    /// How it came.
    pub(crate) kind: Kind,
    pub(crate) caller: &'a Caller,
    pub(crate) project: ProjectId,
    /// Whether the caller only says who it is.
    pub(crate) unproven: bool,
    pub(crate) access_key: Option<String>,
    pub(crate) method: &'a str,
    /// Empty for what the interface does not have.
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    /// The fields of path and query.
    pub(crate) fields: Vec<(&'a str, String)>,
}

impl Asked<'_> {
    /// All fields, but for the project, which each trace has.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let mut fields = match serde_json::from_slice(self.body) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        for (name, value) in self.fields.iter().filter(|(name, _)| *name != "project_id") {
            fields.insert((*name).to_owned(), Value::String(value.clone()));
        }
        fields
    }

    /// Id and name of what it is about in the directory of the account that the caller acts in: to be asked before it is
    /// done, for then it may be gone.
    pub(crate) fn in_directory(&self, iam: &Iam) -> Option<(String, String)> {
        let (fields, account) = (self.fields(), self.caller.identity.account);
        let get = |name: &str| {
            let within = fields.get(self.traced.object).and_then(|object| object.get(name));
            fields.get(name).or(within).and_then(Value::as_str)
        };
        let user = |id: UserId| iam.user(account, id).map(|user| (user.id.to_string(), user.name.clone()));
        let id = get(self.traced.id);
        match self.traced.resource {
            "token" => self.unproven.then(|| (self.caller.identity.id(), self.caller.identity.name())),
            "user" => match (get("access_key"), id) {
                (Some(key), _) => user(iam.access_key_of(account, key.parse().ok()?)?.user),
                (None, Some(id)) => user(id.parse().ok()?),
                (None, None) => None,
            },
            "userGroup" => {
                let group = iam.group(account, id?.parse().ok()?)?;
                Some((group.id.to_string(), group.name.clone()))
            }
            "agency" => {
                let agency = iam.agency(account, id?.parse().ok()?)?;
                Some((agency.id.to_string(), agency.name.clone()))
            }
            "project" if self.traced.operation != "KeystoneCreateProject" => {
                let project = iam.project(self.project)?;
                Some((project.id.to_string(), project.name.clone()))
            }
            "domain" => Some((account.to_string(), self.caller.identity.account_name.to_string())),
            resource if resource.starts_with("role") => {
                let own = id?.parse().ok().and_then(|id| iam.role(account, id));
                let name = own.map(|role| role.name.clone());
                let of_system = || SystemPolicy::find(id?).map(|policy| policy.display_name.to_owned());
                Some((id?.to_owned(), name.or_else(of_system)?))
            }
            _ => None,
        }
    }

    /// As [`Self::in_directory`], the tracker.
    pub(crate) fn tracker(&self, cts: &Cts) -> Option<(String, String)> {
        if self.traced.resource != "tracker" || self.traced.operation == "CreateTracker" {
            return None;
        }
        let fields = self.fields();
        let get = |name: &str| fields.get(name).and_then(Value::as_str);
        let name = get("tracker_name").or(get("tracker_type").filter(|kind| *kind == cts::SYSTEM));
        cts.tracker_about(self.project, get("resource_id"), name)
    }
}

/// What a request was about, as its service knows it.
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) enterprise_project: EnterpriseProjectId,
}

/// What came of it.
pub(crate) struct Answered<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Traces {
    /// The traces in a log. A thread follows it from here on, as long as they last.
    ///
    /// # Errors
    /// If there is no thread.
    pub(crate) fn start(audit: Arc<Audit>) -> std::io::Result<Arc<Self>> {
        let followed = Mutex::default();
        let traces = Arc::new(Self { audit, tally: Tally::default(), followed });
        let weak = Arc::downgrade(&traces);
        thread::Builder::new().name("traces".into()).stack_size(1 << 20).spawn(move || {
            while let Some(traces) = weak.upgrade() {
                traces.tick();
                drop(traces);
                thread::sleep(TICK);
            }
        })?;
        Ok(traces)
    }

    fn tick(&self) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.flush(false);
        let mut followed = self.followed.lock();
        if let Err(why) = self.follow(&mut followed, now) {
            warn!("the audit log cannot be read for traces: {why}");
        }
        followed.index.forget(now);
    }

    /// Whether a trace can be written: to be asked before what leaves one is done.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.audit.check().map_err(|why| why.to_string())
    }

    /// Writes the trace of a request.
    ///
    /// # Errors
    /// If it is not written: then the request must not be answered with what it made.
    pub(crate) fn leave(
        &self,
        asked: &Asked<'_>,
        answered: &Answered<'_>,
        time: u64,
        known: impl FnOnce(&str) -> Option<Resource>,
    ) -> Result<(), String> {
        let trace = trace(asked, answered, time, known);
        let (act, done) = (asked.traced.act, trace.rating == Rating::Normal);
        let (records, durably) = match (act, done) {
            (Act::Change, true) => (vec![form::record(&trace, act)], true),
            _ => (records(&self.tally.take(trace, act, asked.unproven && !done)), false),
        };
        if records.is_empty() {
            return Ok(());
        }
        self.audit.write(records, durably).map_err(|why| why.to_string())
    }

    /// Writes the trace of what the KMS did by itself.
    ///
    /// # Errors
    /// If it is not written.
    pub(crate) fn leave_of_itself(&self, did: &Did, time: u64) -> Result<(), String> {
        let record = form::record(&of_itself(did, time), Act::Change);
        self.audit.write(vec![record], true).map_err(|why| why.to_string())
    }

    /// Writes what was counted.
    pub(crate) fn flush(&self, all: bool) {
        let records = records(&self.tally.flush(all));
        if !records.is_empty()
            && let Err(why) = self.audit.write(records, false)
        {
            error!("counts of traces are lost: {why}");
        }
    }

    /// The newest traces of a project that a filter takes.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn find(
        &self,
        project: ProjectId,
        filter: &Filter,
        now: u64,
        limit: usize,
    ) -> Result<Vec<Found>, String> {
        let mut places: Places = self.audit.places();
        let read = |place| places.read(place).ok().as_ref().and_then(form::trace);
        self.index(now, |index| index.find(project, filter, now, limit, read))
    }

    /// Looks at the index, with all in it that is written.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(crate) fn index<T>(&self, now: u64, look: impl FnOnce(&Index<Place>) -> T) -> Result<T, String> {
        self.flush(false);
        let mut followed = self.followed.lock();
        self.follow(&mut followed, now).map_err(|why| why.to_string())?;
        Ok(look(&followed.index))
    }

    /// Takes into the index what was written since the last time.
    fn follow(&self, followed: &mut Followed, now: u64) -> Result<(), audit::Error> {
        let Followed { reading, index } = followed;
        let reading = match reading {
            Some(reading) => reading,
            None => {
                let oldest = now.saturating_sub(cts::DAYS * 24 * 3600 * 1000);
                reading.insert(self.audit.reading_since(oldest.saturating_mul(1_000_000))?)
            }
        };
        while let Some((place, record)) = reading.next_with_place()? {
            if let Some(trace) = form::trace(&record) {
                index.add(record.sequence, place, &trace);
            }
        }
        Ok(())
    }
}

/// The trace that a record of the log is; none of one that is no trace.
pub(crate) fn of_record(record: &Record) -> Option<Trace> {
    form::trace(record)
}

fn records(due: &[(Trace, Act)]) -> Vec<Record> {
    due.iter().map(|(trace, act)| form::record(trace, *act)).collect()
}

/// What a request leaves: no more of it than its record holds, for traces may wait to be counted.
fn trace(
    asked: &Asked<'_>,
    answered: &Answered<'_>,
    time: u64,
    known: impl FnOnce(&str) -> Option<Resource>,
) -> Trace {
    let Asked { traced, kind, caller, path, method, .. } = *asked;
    let fields = asked.fields();
    let answer: Value = serde_json::from_slice(answered.body).unwrap_or(Value::Null);
    let rating = Rating::of(answered.status);
    let resource_id = resource_of(traced, &fields, &answer);
    let asked_name = || {
        let within = fields.get(traced.object).and_then(|object| object.get(traced.label));
        fields.get(traced.label).or(within).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let Resource { id: resource_id, name: resource_name, enterprise_project } = match known(&resource_id) {
        Some(known) => known,
        None => {
            Resource { id: resource_id, name: asked_name(), enterprise_project: EnterpriseProjectId::DEFAULT }
        }
    };
    let mut masks = Masked::default();
    let (request, response) = (masks.request(&fields), masks.answer(&answer));
    let reason = answer.pointer("/error/error_msg").or(answer.get("error_msg")).and_then(Value::as_str);
    let (name, reason) = (traced.name_of(&fields), masks.message(reason.unwrap_or_default()));
    let trace = Trace {
        request_id: caller.request.to_string(),
        name: name.to_owned(),
        operation: traced.operation.to_owned(),
        rating,
        kind,
        time,
        request,
        response,
        code: answered.status,
        api_version: path.split('/').nth(1).unwrap_or_default().to_owned(),
        message: match path {
            "" => format!("{name}, Reason:{reason}"),
            path => format!("{name}, Method: {method} Url={path}, Reason:{reason}"),
        },
        user: User::of(caller, asked.access_key.as_deref()),
        service: traced.service.to_owned(),
        resource_type: traced.resource.to_owned(),
        resource_id,
        resource_name,
        source_ip: caller.source.map(|source| source.to_string()).unwrap_or_default(),
        project: asked.project,
        enterprise_project,
        count: 1,
    };
    form::cut(trace)
}

/// What the KMS leaves of what it did by itself.
fn of_itself(did: &Did, time: u64) -> Trace {
    let traced = cts::by_itself(did.what);
    form::cut(Trace {
        request_id: request_id(),
        name: traced.name.to_owned(),
        operation: traced.operation.to_owned(),
        rating: Rating::Normal,
        kind: Kind::SystemAction,
        time,
        request: String::new(),
        response: String::new(),
        code: 200,
        api_version: String::new(),
        message: format!("{}, by the service itself", traced.name),
        user: User::of(&did.by, None),
        service: traced.service.to_owned(),
        resource_type: traced.resource.to_owned(),
        resource_id: did.key.id.to_string(),
        resource_name: did.key.name.clone(),
        source_ip: String::new(),
        project: did.project,
        enterprise_project: EnterpriseProjectId(did.key.enterprise_project),
        count: 1,
    })
}

/// The id of what it was about: as the answer has it, or else as it was asked for.
fn resource_of(traced: &Traced, fields: &Map<String, Value>, answer: &Value) -> String {
    let objects = ["key_info", "keystore", "secret", "event", traced.object];
    let within = objects.into_iter().filter_map(|name| answer.get(name));
    let answered = [answer].into_iter().chain(within).find_map(|answer| answer.get(traced.id));
    let made = || answer.get(traced.object)?.get("id");
    answered
        .or_else(|| fields.get(traced.id))
        .or_else(made)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use dew::iam::Identity;

    use super::*;

    /// A request whose body has this text wherever a text can be.
    fn left_by(text: &str) -> Trace {
        let caller = Caller {
            identity: Arc::new(Identity::nobody()),
            project: None,
            request: "0123456789abcdef0123456789abcdef".into(),
            source: None,
            agent: None,
            tls: true,
        };
        let body = serde_json::json!({ "key_id": text, "key_alias": text }).to_string();
        let answer =
            serde_json::json!({ "error": { "error_code": "KMS.0205", "error_msg": text } }).to_string();
        let asked = Asked {
            traced: cts::traced("KMS", "EncryptData").unwrap(),
            kind: Kind::ApiCall,
            caller: &caller,
            project: ProjectId([7; 16]),
            unproven: false,
            access_key: None,
            method: "POST",
            path: "/v1.0/p/kms/encrypt-data",
            body: body.as_bytes(),
            fields: Vec::new(),
        };
        trace(&asked, &Answered { status: 400, body: answer.as_bytes() }, 1, |_| None)
    }

    #[test]
    fn a_trace_holds_no_more_of_a_request_than_its_record() {
        let trace = left_by(&"x".repeat(1 << 20));
        let texts =
            [&trace.request, &trace.response, &trace.message, &trace.resource_id, &trace.resource_name];
        let held: usize = texts.iter().map(|text| text.capacity()).sum();
        assert!(held <= 6 << 10, "{held} bytes");
        let read = form::trace(&form::record(&trace, Act::Use)).unwrap();
        assert!(read.resource_id.ends_with('…') && read.request.ends_with('…'));
        assert_eq!(read, form::trace(&form::record(&left_by(&"x".repeat(1 << 19)), Act::Use)).unwrap());
        assert_eq!(left_by("short").resource_id, "short");
    }
}
