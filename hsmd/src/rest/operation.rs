//! What an operation is: a type with its fields, where it is found, and what it does. One file each, and one word in its
//! service's list.

use std::borrow::Cow;
use std::str::FromStr;

use dew::caller::Caller;
use hyper::Method;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::failure::{Failure, Shape};
use crate::services::Services;
use crate::traces::{Answered, Asked};

/// A service, as far as all its operations are alike.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its name, such as `kms`.
    pub(crate) name: &'static str,
    /// The form of its errors.
    pub(crate) shape: Shape,
    /// The code of a body that is not JSON.
    pub(crate) not_json: &'static str,
    /// The code of a field that must be there and is not.
    pub(crate) missing: &'static str,
    /// The code of a field that is wrong.
    pub(crate) invalid: &'static str,
}

/// An operation: its fields are those of path, query and body together.
pub(crate) trait Operation: DeserializeOwned {
    /// What is answered.
    type Reply: Serialize;
    /// What is answered otherwise.
    type Error: Into<Failure>;
    /// Its name in the SDKs.
    const NAME: &'static str;
    /// How it is asked for.
    const METHOD: Method;
    /// Where: parts in braces are fields, but for `{project_id}`, which is the project of the caller.
    const PATH: &'static str;
    /// The status of success. With 204 there is no body.
    const SUCCESS: u16 = 200;
    /// Whether anyone may ask, unsigned. Who signs all the same is known.
    const PUBLIC: bool = false;
    /// The headers of a request that are fields, by their names in small letters.
    const HEADERS: &'static [&'static str] = &[];
    /// The form of its errors, where it is not its service's.
    const SHAPE: Option<Shape> = None;
    /// Whether it may wait: for the disk, or for a long computation.
    const WAITS: bool = true;

    /// The headers that go with an answer.
    fn headers(_reply: &Self::Reply) -> Vec<(&'static str, &str)> {
        Vec::new()
    }

    /// Does it.
    ///
    /// # Errors
    /// As the service says.
    fn run(self, caller: &Caller, services: &Services) -> Result<Self::Reply, Self::Error>;
}

/// The answer of an operation that says nothing: `{}`, or nothing at all with 204.
#[derive(Serialize)]
pub(crate) struct Nothing {}

/// What came with a request, apart from who sent it.
#[derive(Debug, Default)]
pub(crate) struct Input {
    /// The fields of the path, decoded.
    pub(crate) path: Vec<(&'static str, String)>,
    /// Those of the query, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The headers that the operation wants.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// What an operation answers.
pub(crate) struct Done {
    /// The body; empty with 204.
    pub(crate) body: Vec<u8>,
    /// The headers beside those of every answer.
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// An operation as the table has it.
pub(crate) struct Row {
    pub(crate) service: &'static Service,
    pub(crate) name: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) success: u16,
    pub(crate) public: bool,
    pub(crate) shape: Shape,
    pub(crate) waits: bool,
    pub(crate) headers: &'static [&'static str],
    pub(crate) run: fn(&Row, Input, &Caller, &Services) -> Result<Done, Failure>,
}

impl Row {
    /// Does it, and leaves the trace that is asked for before anybody learns what came of it.
    pub(crate) fn act(
        &self,
        input: Input,
        caller: &Caller,
        services: &Services,
        asked: Option<Asked<'_>>,
    ) -> Result<Done, Failure> {
        let Some(asked) = asked else { return (self.run)(self, input, caller, services) };
        services.traces.check().map_err(|why| self.untraced(&why))?;
        // What goes is not known any more afterwards.
        let before = services.resource(&asked);
        let done = (self.run)(self, input, caller, services);
        let told = match &done {
            Ok(done) => Cow::Borrowed(done.body.as_slice()),
            Err(failure) => Cow::Owned(failure.body(self.shape, &caller.request).to_string().into_bytes()),
        };
        let status = done.as_ref().map_or_else(|failure| failure.status, |_| self.success);
        let answered = Answered { status, body: &told };
        let known = |id: &str| before.or_else(|| services.resource_of_id(&asked, id));
        let left = services.traces.leave(&asked, &answered, services.kms.now(), known);
        left.map_err(|why| self.untraced(&why)).and(done)
    }

    /// The answer of what cannot be done, or must not be told, because no trace of it can be left.
    fn untraced(&self, why: &str) -> Failure {
        tracing::error!("{} leaves no trace: {why}", self.name);
        Failure::gateway(500, "APIGW.0202", "the service failed: see the log of hsmd")
    }

    /// The row of an operation.
    pub(crate) const fn of<O: Operation>(service: &'static Service) -> Self {
        Self {
            service,
            name: O::NAME,
            method: O::METHOD,
            path: O::PATH,
            success: O::SUCCESS,
            public: O::PUBLIC,
            shape: match O::SHAPE {
                Some(shape) => shape,
                None => service.shape,
            },
            waits: O::WAITS,
            headers: O::HEADERS,
            run: run::<O>,
        }
    }
}

/// The table of a service: the modules of its operations, each with its type `Op`.
macro_rules! operations {
    ($service:expr => $($module:ident)*) => {
        $(mod $module;)*

        /// The operations.
        pub(crate) static OPERATIONS: &[$crate::rest::operation::Row] =
            &[$($crate::rest::operation::Row::of::<$module::Op>($service),)*];
    };
}
pub(crate) use operations;

fn run<O: Operation>(row: &Row, input: Input, caller: &Caller, services: &Services) -> Result<Done, Failure> {
    let service = row.service;
    let fields = input.fields(service)?;
    let operation: O = serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let (path, why) = (error.path().to_string(), error.inner().to_string());
        if let Some(field) = why.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            let within = if path == "." { String::new() } else { format!("{path}.") };
            return Failure::new(400, service.missing, format!("{within}{field} is required"));
        }
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        Failure::new(400, service.invalid, format!("{place}{why}"))
    })?;
    let reply = operation.run(caller, services).map_err(Into::into)?;
    let headers = O::headers(&reply).into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    let body = match row.success {
        204 => Ok(Vec::new()),
        _ => serde_json::to_vec(&reply),
    };
    let body = body.map_err(|error| Failure::new(500, service.invalid, error.to_string()))?;
    Ok(Done { body, headers })
}

impl Input {
    /// All fields: what stands in the path counts before headers and the query, and those before the body.
    fn fields(self, service: &Service) -> Result<Map<String, Value>, Failure> {
        let body = Zeroizing::new(self.body); // a password may be in it
        let mut fields = match body.trim_ascii() {
            [] => Map::new(),
            body => match serde_json::from_slice(body) {
                Ok(Value::Object(fields)) => fields,
                Ok(_) => {
                    let text = "the body is not a JSON object";
                    return Err(Failure::new(400, service.not_json, text));
                }
                Err(error) => {
                    let text = format!("the body is not valid JSON: {error}");
                    return Err(Failure::new(400, service.not_json, text));
                }
            },
        };
        // The SDKs leave out what is not given; other clients write null.
        fields.retain(|_, value| !value.is_null());
        check_sequence(&mut fields)?;
        for (name, value) in self.query {
            fields.insert(name, Value::String(value));
        }
        for (name, value) in self.headers {
            fields.insert(name.to_owned(), Value::String(value));
        }
        for (name, value) in self.path.into_iter().filter(|(name, _)| *name != "project_id") {
            fields.insert(name.to_owned(), Value::String(value));
        }
        Ok(fields)
    }
}

/// `sequence` is in every body of KMS: 36 characters by which a client finds its request again.
fn check_sequence(fields: &mut Map<String, Value>) -> Result<(), Failure> {
    match fields.remove("sequence") {
        None => Ok(()),
        Some(Value::String(text)) if is_uuid(&text) => Ok(()),
        Some(_) => Err(dew::kms::KmsError::BadSequence.into()),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A whole number that the interface declares as text or as a number: both are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (text, number) = match Value::deserialize(from)? {
            Value::Number(number) => (number.to_string(), number.as_u64()),
            // No sign, no spaces, nothing else that `parse` would take.
            Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number = u64::from_str(&text).ok();
                (text, number)
            }
            other => (other.to_string(), None),
        };
        number.map(Self).ok_or_else(|| de::Error::custom(format!("expected a whole number, and not {text}")))
    }
}

/// A text that the interface declares as such and that is a number: some clients write it as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// The text of a field that may be left out.
    pub(crate) fn of(field: Option<&Self>) -> Option<&str> {
        field.map(|text| text.0.as_str())
    }

    /// The whole number that it is, without sign or spaces.
    pub(crate) fn number(&self) -> Option<u64> {
        self.0.bytes().all(|byte| byte.is_ascii_digit()).then(|| self.0.parse().ok()).flatten()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) => Ok(Self(number.to_string())),
            other => Err(de::Error::custom(format!("expected a text, and not {other}"))),
        }
    }
}
