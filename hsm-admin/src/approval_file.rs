//! Requests and approvals as files: JSON that people can read, of which every word is signed.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ukey::Id;
use wire::Bytes;
use wire::admin::approval::{APPROVE, Approval, Request};
use wire::admin::people::hex;

use crate::caller::sign;
use crate::error::Error;
use crate::table::{Cell, facts};
use crate::whole::{self, Readers};

/// The most bytes of such a file.
const LONGEST: u64 = 1 << 20;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// What the file is, and of which format.
    claviger: String,
    /// The HSM's identity.
    hsm: String,
    command: String,
    target: String,
    /// Names and values, in the order that is signed.
    details: Vec<(String, String)>,
    /// RFC 3339, whole seconds.
    expires: String,
    nonce: String,
    approvals_needed: u8,
    approvers: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Signed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// The holder's name for the UKey: for people, and not signed.
    by: String,
    ukey: String,
    signature: String,
}

const REQUEST: &str = "approval request 1";
const APPROVAL: &str = "approval 1";

/// A request as JSON.
pub(crate) fn request_to_json(request: &Request) -> Result<String, Error> {
    to_json(&written(request, REQUEST)?)
}

/// Writes a request to a file, which must not be there yet.
pub(crate) fn write_request(path: &Path, request: &Request) -> Result<(), Error> {
    create(path, &request_to_json(request)?)
}

/// Writes an approval to a file, which must not be there yet. `by` is the holder's name for the UKey.
pub(crate) fn write_approval(path: &Path, approval: &Approval, by: &str) -> Result<(), Error> {
    let signed = Signed { by: by.to_owned(), ukey: hex(&approval.ukey), signature: hex(&approval.signature) };
    create(path, &to_json(&Written { approval: Some(signed), ..written(&approval.request, APPROVAL)? })?)
}

/// The request in a file, be it one to be approved or approved already.
pub(crate) fn read_request(path: &Path) -> Result<Request, Error> {
    request(&read(path)?).ok_or_else(|| malformed(path, "a field has a value that it cannot have"))
}

/// The approval in a file.
pub(crate) fn read_approval(path: &Path) -> Result<Approval, Error> {
    let written = read(path)?;
    let Some(signed) = &written.approval else {
        return Err(malformed(path, "it is a request that nobody has signed: see `approval sign`"));
    };
    let approval = || {
        Some(Approval {
            request: request(&written)?,
            ukey: bytes(&signed.ukey)?.try_into().ok()?,
            signature: Bytes::from(bytes(&signed.signature)?),
        })
    };
    approval().ok_or_else(|| malformed(path, "a field has a value that it cannot have"))
}

/// Signs a request.
pub(crate) fn approve(request: &Request, key: &dyn ukey::Holder) -> Result<Approval, Error> {
    let details = sha256(&request.details())?;
    Ok(Approval {
        request: request.clone(),
        ukey: *key.public().id().as_bytes(),
        signature: sign(key, APPROVE, &request.message(&details))?,
    })
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Result<[u8; 32], Error> {
    let digest = crypto::hash::digest(crypto::Hash::Sha256, bytes).ok();
    digest.and_then(|digest| digest.try_into().ok()).ok_or(Error::Unknown)
}

/// What a request asks for, for people.
pub(crate) fn shown(request: &Request) -> String {
    let needed = format!("{} of those who are {}", request.needed, request.role);
    let mut rows = vec![("command", Cell::from(&request.command)), ("about", Cell::from(&request.target))];
    rows.extend(request.details.iter().map(|(name, value)| (name.as_str(), Cell::from(value))));
    rows.extend([
        ("approval by", Cell::from(needed)),
        ("good until", Cell::from(moment(request.expires))),
        ("on the HSM", Cell::from(Id::from_bytes(request.hsm))),
        ("request", Cell::from(Id::from_bytes(request.nonce))),
    ]);
    facts(rows)
}

/// RFC 3339.
pub(crate) fn moment(seconds: u64) -> String {
    let known = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    known.map_or_else(|| format!("{seconds} s after 1970"), |moment| moment.to_string())
}

fn written(request: &Request, what: &str) -> Result<Written, Error> {
    Ok(Written {
        claviger: what.to_owned(),
        hsm: hex(&request.hsm),
        command: request.command.clone(),
        target: request.target.clone(),
        details: request.details.clone(),
        expires: moment(request.expires),
        nonce: hex(&request.nonce),
        approvals_needed: request.needed,
        approvers: request.role.clone(),
        approval: None,
    })
}

fn request(written: &Written) -> Option<Request> {
    let expires: Timestamp = written.expires.parse().ok()?;
    Some(Request {
        hsm: bytes(&written.hsm)?.try_into().ok()?,
        command: written.command.clone(),
        target: written.target.clone(),
        details: written.details.clone(),
        nonce: bytes(&written.nonce)?.try_into().ok()?,
        expires: expires.as_second().try_into().ok()?,
        needed: written.approvals_needed,
        role: written.approvers.clone(),
    })
}

/// The bytes that are written in hexadecimal.
pub(crate) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    };
    digits.map(byte).collect()
}

fn to_json(written: &Written) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(written).map_err(|error| Error::Print(error.into()))?;
    Ok(text + "\n")
}

fn create(path: &Path, text: &str) -> Result<(), Error> {
    whole::create(path, text.as_bytes(), Readers::All)
        .map_err(|cause| Error::File { path: path.to_owned(), why: format!("cannot make it: {cause}") })
}

fn read(path: &Path) -> Result<Written, Error> {
    let unreadable = |cause| Error::File { path: path.to_owned(), why: format!("cannot read it: {cause}") };
    let len = path.metadata().map_err(unreadable)?.len();
    if len > LONGEST {
        return Err(malformed(path, "it is too long"));
    }
    let text = std::fs::read(path).map_err(unreadable)?;
    let written: Written =
        // What it holds is not told: it may be another file than was meant, such as one with a PIN.
        serde_json::from_slice(&text).map_err(|error| {
            malformed(path, &format!("line {}, column {} is not as expected", error.line(), error.column()))
        })?;
    let expected = if written.approval.is_some() { APPROVAL } else { REQUEST };
    if written.claviger != expected {
        return Err(malformed(path, &format!("it says {:?} where {expected:?} is known", written.claviger)));
    }
    Ok(written)
}

fn malformed(path: &Path, why: &str) -> Error {
    Error::File { path: path.to_owned(), why: format!("this is no approval that can be used: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Request {
        Request {
            hsm: [1; 32],
            command: "partition delete".into(),
            target: "partition \"p1\"".into(),
            details: vec![("policy".into(), "legacy".into()), ("policy".into(), "twice".into())],
            nonce: [0xab; 32],
            expires: 1_800_000_000,
            needed: 3,
            role: "hsm-so".into(),
        }
    }

    #[test]
    fn a_request_and_an_approval_come_back_from_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let (asked, signed) = (folder.path().join("r"), folder.path().join("a"));
        write_request(&asked, &example()).unwrap();
        assert_eq!(read_request(&asked).unwrap(), example());
        let approval = Approval { request: example(), ukey: [7; 32], signature: Bytes::from(&b"signed"[..]) };
        write_approval(&signed, &approval, "Ada").unwrap();
        assert_eq!(read_approval(&signed).unwrap(), approval);
        assert_eq!(read_request(&signed).unwrap(), example());
        assert!(read_approval(&asked).unwrap_err().to_string().contains("nobody has signed"));
        assert!(write_request(&asked, &example()).is_err(), "a file that is there is kept");
    }

    #[test]
    fn a_file_that_says_more_or_less_than_is_known_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        let text = request_to_json(&example()).unwrap();
        for (from, to) in [
            ("request 1", "request 2"),
            ("\"nonce\": \"ab", "\"nonce\": \"xx"),
            ("\"nonce\": \"ab", "\"nonce\": \""),
            ("\"approvers\"", "\"aprovers\""),
            ("2027-", "27-"),
            ("{", "{\"also\": 1,"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            std::fs::write(&path, changed).unwrap();
            assert!(read_request(&path).is_err(), "{from} as {to}");
        }
    }

    #[test]
    fn of_a_file_that_is_none_nothing_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        for secret in ["31415926\n", "\"hunter2hunter2\"", "{\"hunter2\": 1}", "[\"hunter2\"]"] {
            std::fs::write(&path, secret).unwrap();
            let error = read_request(&path).unwrap_err().to_string();
            assert!(error.contains("no approval") && error.contains("line 1"), "{error}");
            assert!(!error.contains("3141") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_asked_for_is_shown_in_full() {
        let text = anstream::adapter::strip_str(&shown(&example())).to_string();
        for part in ["partition delete", "partition \"p1\"", "legacy", "3 of those", "2027-01-15T08:00:00Z"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
