//! Requests signed by the official SDK of Huawei Cloud, before the daemon's verifier.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crypto::Secret;
use signing::huawei::{Authorization, Error, Payload, Request, verify};
use tests::{Random, Run};

/// How many requests the SDK signs, and each is changed in several ways.
const REQUESTS: &str = "600";

/// As the script names them.
const ALGORITHMS: [&str; 3] = ["sha256", "sm3", "v11"];

/// A request as it arrives.
#[derive(Clone, Debug, Default)]
struct Arrived {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Arrived {
    fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method: method.into(), path: path.into(), query: query.into(), ..Self::default() }
    }

    fn checked(&self, secret: &Secret) -> Result<Authorization, Error> {
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let (method, path, query) = (&self.method, &self.path, &self.query);
        let request = Request { method, path, query, headers: &headers, body: &self.body };
        let authorization = Authorization::of(&request)?;
        verify(&request, &authorization, Payload::MayBeUnsigned, Some(secret), SystemTime::now())?;
        Ok(authorization)
    }

    /// The request with one byte of something that is signed changed, each in its turn.
    fn changed(&self, signed: &Authorization) -> Vec<(String, Self)> {
        let mut all = Vec::new();
        let mut with = |what: &str, change: &dyn Fn(&mut Self)| {
            let mut other = self.clone();
            change(&mut other);
            all.push((what.to_owned(), other));
        };
        with("method", &|it| it.method.push('S'));
        with("path", &|it| it.path.push('x'));
        with("query", &|it| it.query.push_str("&x"));
        let unsigned = self.headers.iter().any(|(_, value)| value == b"UNSIGNED-PAYLOAD");
        if !unsigned || self.body.is_empty() {
            with("body", &|it| it.body.push(b' '));
        }
        for (at, (name, _)) in self.headers.iter().enumerate() {
            if signed.signed().contains(&name.to_lowercase()) {
                with(name, &|it| it.headers[at].1.push(b'x'));
            } else if name == "Authorization" {
                with("signature", &|it| {
                    let last = it.headers[at].1.last_mut().unwrap();
                    *last = if *last == b'0' { b'1' } else { b'0' };
                });
            }
        }
        all
    }
}

/// Bytes of a text that has one character for each.
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
}

#[test]
fn what_the_official_sdk_signs_is_accepted_and_refused_after_one_byte_was_changed() {
    let Some(python) = tests::huawei_cloud_python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/sign.py");
    let seed = Random::seed("CLAVIGER_SIGN_SEED").to_string();
    let run = Run::of(Command::new(python).arg(script).args([REQUESTS, &seed]).args(ALGORITHMS)).succeeds();
    let (mut seen, mut refused) = (0, 0);
    for line in run.out().lines() {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| told[name].as_str().unwrap();
        let mut request = Arrived::new(text("method"), text("target"));
        request.body = bytes(text("body"));
        for (name, value) in told["headers"].as_object().unwrap() {
            request.headers.push((name.clone(), bytes(value.as_str().unwrap())));
        }
        let secret = Secret::new(text("sk").to_owned().into_bytes());
        let signed = request.checked(&secret).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(signed.access_key(), text("ak"));
        for (what, changed) in request.changed(&signed) {
            assert!(changed.checked(&secret).is_err(), "{what} was changed: {changed:?}");
            refused += 1;
        }
        seen += 1;
    }
    assert_eq!(seen.to_string(), REQUESTS);
    assert!(refused > 5 * seen, "{refused} of {seen}");
}

#[test]
fn the_packages_of_the_sdk_are_pinned() {
    let list: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/huaweicloud.txt");
    let list = std::fs::read_to_string(list).unwrap();
    let packages: Vec<_> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(packages.len() >= 4 && packages.iter().all(|line| line.contains("==")), "{packages:?}");
}
