//! Signed requests of Huawei Cloud's SDKs: the SDK's own vectors, and requests that nobody signed.

mod decoders;
mod mutations;
mod rules;
mod vectors;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crypto::Secret;
use serde::Deserialize;
use signing::huawei::{Authorization, Error, Payload, Request, verify};

/// `tests/data/huawei.json`: requests that the official SDK signed.
#[derive(Deserialize)]
struct Vectors {
    access_key: String,
    secret_key: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    method: String,
    headers: std::collections::BTreeMap<String, String>,
    body: Option<String>,
    canonical_request: String,
    string_to_sign: String,
    signature: String,
    authorization: String,
    request_target: String,
}

/// A request that can be changed.
#[derive(Clone, Debug)]
struct Owned {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Vectors {
    fn read() -> Self {
        serde_json::from_str(include_str!("../data/huawei.json")).unwrap()
    }

    fn secret(&self) -> Secret {
        Secret::new(self.secret_key.clone().into_bytes())
    }

    fn named(&self, name: &str) -> &Vector {
        self.vectors.iter().find(|vector| vector.name == name).unwrap()
    }
}

impl Vector {
    /// The request as it arrives: with `Authorization`.
    fn request(&self) -> Owned {
        let (path, query) = self.request_target.split_once('?').unwrap_or((&self.request_target, ""));
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
        let signature = ("Authorization".to_owned(), self.authorization.clone().into_bytes());
        Owned {
            method: self.method.clone(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: headers.chain([signature]).collect(),
            body: self.body.clone().unwrap_or_default().into_bytes(),
        }
    }

    /// Whether its body is signed.
    fn payload(&self) -> Payload {
        if self.name == "form-unsigned-payload" { Payload::MayBeUnsigned } else { Payload::Signed }
    }
}

impl Owned {
    /// Has `look` see it as a request.
    fn seen<T>(&self, look: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        look(&Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    /// Checks it as a server does that knows one access key.
    fn checked(&self, known: &Vectors, payload: Payload, now: SystemTime) -> Result<(), Error> {
        self.seen(|request| {
            let authorization = Authorization::of(request)?;
            let secret = (authorization.access_key() == known.access_key).then(|| known.secret());
            verify(request, &authorization, payload, secret.as_ref(), now)
        })
    }

    fn header(&mut self, name: &str) -> &mut Vec<u8> {
        let found = self.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name));
        &mut found.unwrap().1
    }
}

/// The second that the vectors were signed in, 2026-06-01 12:00:00 UTC.
fn then() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_780_315_200)
}
