//! Traces as records of the audit log, and back.

use audit::{Class, Door, Object, Outcome, Person, Record, Text};
use dew::cts::{Act, Kind, Rating, Trace, User};

/// The details of a record that a trace is made of. Those that are empty are left out; a record has room for these and
/// one more.
mod detail {
    pub(super) const SERVICE: &str = "trace";
    pub(super) const KIND: &str = "kind";
    pub(super) const RESOURCE: &str = "resource";
    pub(super) const CODE: &str = "code";
    pub(super) const VERSION: &str = "version";
    pub(super) const PROJECT: &str = "project";
    pub(super) const ENTERPRISE_PROJECT: &str = "enterprise-project";
    pub(super) const ACCOUNT: &str = "account";
    pub(super) const ACCOUNT_NAME: &str = "account-name";
    pub(super) const USER_ID: &str = "user-id";
    pub(super) const USER_NAME: &str = "user-name";
    pub(super) const AS: &str = "as";
    pub(super) const ACCESS_KEY: &str = "access-key";
    pub(super) const SOURCE: &str = "source";
    pub(super) const OPERATION: &str = "operation";
    pub(super) const MESSAGE: &str = "message";
    pub(super) const REQUEST_ID: &str = "request-id";
    pub(super) const REQUEST: [&str; 3] = ["request", "request-2", "request-3"];
    pub(super) const RESPONSE: [&str; 3] = ["response", "response-2", "response-3"];
}

/// Bytes of a detail.
const DETAIL: usize = 512;

/// A trace with no more of its texts than its record holds. Of request and answer a little stays beyond, by which the
/// record shows that they were cut.
pub(super) fn cut(mut trace: Trace) -> Trace {
    fn to<const N: usize>(text: &mut String) {
        *text = Text::<N>::from(text.as_str()).as_str().to_owned();
    }
    to::<64>(&mut trace.resource_id);
    to::<255>(&mut trace.resource_name);
    to::<DETAIL>(&mut trace.message);
    to::<{ 3 * DETAIL + 8 }>(&mut trace.request);
    to::<{ 3 * DETAIL + 8 }>(&mut trace.response);
    trace
}

/// A trace as a record that has no number yet.
pub(super) fn record(trace: &Trace, act: Act) -> Record {
    let class = match act {
        Act::Change => Class::Lifecycle,
        Act::Use => Class::Use,
    };
    let mut record = Record::new(0, trace.time.saturating_mul(1_000_000), class, trace.name.as_str());
    record.door = match trace.kind {
        Kind::ApiCall => Door::Rest,
        Kind::ConsoleAction => Door::Admin,
        Kind::SystemAction => Door::Internal,
    };
    let user = &trace.user;
    record.person = Some(Person { name: user.name.as_str().into(), id: user.id.as_str().into() });
    if !trace.resource_id.is_empty() || !trace.resource_name.is_empty() {
        let (id, label) = (trace.resource_id.as_str().into(), trace.resource_name.as_str().into());
        record.object = Some(Object { id, label });
    }
    if trace.rating != Rating::Normal {
        record.outcome = Outcome::Failed { code: 0, why: trace.message.as_str().into() };
    }
    record.count = trace.count;
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            record.detail(name, value);
        }
    };
    put(detail::SERVICE, &trace.service);
    put(detail::KIND, trace.kind.name());
    put(detail::RESOURCE, &trace.resource_type);
    put(detail::CODE, &trace.code.to_string());
    put(detail::VERSION, &trace.api_version);
    put(detail::PROJECT, &trace.project.to_string());
    put(detail::ENTERPRISE_PROJECT, &trace.enterprise_project.to_string());
    put(detail::ACCOUNT, &user.account);
    put(detail::ACCOUNT_NAME, &user.account_name);
    put(detail::USER_ID, &user.id);
    put(detail::USER_NAME, &user.name);
    let facts = [(user.kind.as_str(), true), ("root", user.is_root), ("mfa", user.mfa)];
    let facts: Vec<_> = facts.iter().filter(|(_, is)| *is).map(|(fact, _)| *fact).collect();
    put(detail::AS, &facts.join(" "));
    put(detail::ACCESS_KEY, &user.access_key);
    put(detail::SOURCE, &trace.source_ip);
    put(detail::OPERATION, &trace.operation);
    put(detail::MESSAGE, &trace.message);
    put(detail::REQUEST_ID, &trace.request_id);
    for (names, text) in [(detail::REQUEST, &trace.request), (detail::RESPONSE, &trace.response)] {
        let mut rest = text.as_str();
        for (name, last) in names.iter().zip([false, false, true]) {
            // The last takes all that is left, and is cut like every text of a record.
            let end = if last { rest.len() } else { rest.floor_char_boundary(DETAIL) };
            let (now, later) = rest.split_at(end);
            put(name, now);
            rest = later;
        }
    }
    record
}

/// The trace that a record is; none of a record that is no trace.
pub(super) fn trace(record: &Record) -> Option<Trace> {
    let (first, service) = record.details.first()?;
    if first.as_str() != detail::SERVICE {
        return None;
    }
    let get = |name: &str| {
        let found = record.details.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, value)| value.as_str().to_owned()).unwrap_or_default()
    };
    let all = |names: [&str; 3]| names.map(get).concat();
    let facts = get(detail::AS);
    let has = |fact: &str| facts.split(' ').skip(1).any(|one| one == fact);
    let code = get(detail::CODE).parse().ok()?;
    let object = |of: fn(&Object) -> &str| record.object.as_ref().map(of).unwrap_or_default().to_owned();
    Some(Trace {
        request_id: get(detail::REQUEST_ID),
        name: record.action.as_str().to_owned(),
        operation: get(detail::OPERATION),
        rating: Rating::of(code),
        kind: Kind::named(&get(detail::KIND))?,
        time: record.time / 1_000_000,
        request: all(detail::REQUEST),
        response: all(detail::RESPONSE),
        code,
        api_version: get(detail::VERSION),
        message: get(detail::MESSAGE),
        user: User {
            id: get(detail::USER_ID),
            name: get(detail::USER_NAME),
            account: get(detail::ACCOUNT),
            account_name: get(detail::ACCOUNT_NAME),
            access_key: get(detail::ACCESS_KEY),
            kind: facts.split(' ').next().unwrap_or_default().to_owned(),
            is_root: has("root"),
            mfa: has("mfa"),
        },
        service: service.as_str().to_owned(),
        resource_type: get(detail::RESOURCE),
        resource_id: object(|object| Text::as_str(&object.id)),
        resource_name: object(|object| Text::as_str(&object.label)),
        source_ip: get(detail::SOURCE),
        project: get(detail::PROJECT).parse().ok()?,
        enterprise_project: get(detail::ENTERPRISE_PROJECT).parse().ok()?,
        count: record.count,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use dew::iam::{EnterpriseProjectId, ProjectId};

    use super::*;

    /// A trace with everything in it.
    pub(in crate::traces) fn full() -> Trace {
        Trace {
            request_id: "0123456789abcdef0123456789abcdef".into(),
            name: "createKey".into(),
            operation: "CreateKey".into(),
            rating: Rating::Warning,
            kind: Kind::ApiCall,
            time: 1_790_000_000_123,
            request: "ä".repeat(700),
            response: "{}".into(),
            code: 403,
            api_version: "v1.0".into(),
            message: "createKey, Method: POST".into(),
            user: User {
                id: "u".into(),
                name: "alice".into(),
                account: "a".into(),
                account_name: "corp".into(),
                access_key: "AK".into(),
                kind: "User".into(),
                is_root: true,
                mfa: true,
            },
            service: "KMS".into(),
            resource_type: "CMK".into(),
            resource_id: "id".into(),
            resource_name: "name".into(),
            source_ip: "10.0.0.1".into(),
            project: ProjectId([7; 16]),
            enterprise_project: EnterpriseProjectId::DEFAULT,
            count: 3,
        }
    }

    #[test]
    fn a_trace_comes_back_from_the_bytes_of_its_record() {
        for act in [Act::Change, Act::Use] {
            let mut bytes = Vec::new();
            record(&full(), act).encode(&mut bytes);
            assert_eq!(trace(&Record::decode(&bytes).unwrap()), Some(full()));
        }
        let mut long = full();
        (long.request, long.response) = ("x".repeat(5000), "y".repeat(5000));
        let back = trace(&record(&long, Act::Change)).unwrap();
        assert!(back.request.starts_with(&"x".repeat(1500)) && back.request.ends_with('…'));
        assert!(back.response.starts_with(&"y".repeat(1500)) && back.response.len() <= 3 * DETAIL);
        assert_eq!(trace(&Record::new(1, 1, Class::Use, "sign")), None);
    }
}
