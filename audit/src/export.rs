//! Records as lines for other programs: JSON, CEF and syslog. What a record holds came from outside, so nothing in it
//! may end a line or a field.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::text::{is_unsafe, printable};
use crate::{Class, Outcome, Record};

/// The version of the device in CEF and of the keys in JSON.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The name of our structured data in syslog. 32473 is the enterprise number kept for examples (RFC 5612); we have
/// none of our own.
pub const SD_ID: &str = "claviger@32473";
const SD_DETAILS: &str = "claviger-details@32473";

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// [`json`].
    Json,
    /// [`cef`].
    Cef,
    /// [`syslog`].
    Syslog,
}

/// One line, without its end, in a format. `host` is the machine that the log is of, for syslog.
pub fn line(format: Format, record: &Record, host: &str) -> String {
    match format {
        Format::Json => json(record),
        Format::Cef => cef(record),
        Format::Syslog => syslog(record, host),
    }
}

/// A time in nanoseconds since 1970 by RFC 3339, in UTC with nine digits.
pub fn time(nanoseconds: u64) -> String {
    with_digits(nanoseconds, 9)
}

fn with_digits(nanoseconds: u64, digits: usize) -> String {
    match Timestamp::from_nanosecond(nanoseconds.into()) {
        Ok(time) => format!("{time:.digits$}"),
        // Not reached: 64 bits of nanoseconds end in 2554.
        Err(_) => "-".to_owned(),
    }
}

/// A time by RFC 3339 in nanoseconds since 1970; nothing if it is none, or lies before.
pub fn parse_time(text: &str) -> Option<u64> {
    let time: Timestamp = text.parse().ok()?;
    u64::try_from(time.as_nanosecond()).ok()
}

/// `done`, or the reason with its code.
pub fn outcome(record: &Record) -> String {
    match &record.outcome {
        Outcome::Done => "done".to_owned(),
        Outcome::Failed { code: 0, why } => why.as_str().to_owned(),
        Outcome::Failed { code, why } if why.is_empty() => format!("0x{code:08x}"),
        Outcome::Failed { code, why } => format!("{} (0x{code:08x})", why.as_str()),
    }
}

/// A JSON object on one line. The keys are the same for every record and do not change; what a record has not is null.
/// Letters that could drive a terminal are escaped as well.
pub fn json(record: &Record) -> String {
    let details: Map<_, _> = record
        .details
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), json!(value.as_str())))
        .collect();
    let text = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
    let (code, why) = match &record.outcome {
        Outcome::Done => (Value::Null, Value::Null),
        Outcome::Failed { code, why } => (json!(code), json!(why.as_str())),
    };
    let value = json!({
        "sequence": record.sequence,
        "time": time(record.time),
        "class": record.class.word(),
        "door": record.door.word(),
        "peer": record.peer.map(|peer| json!({"uid": peer.uid, "gid": peer.gid, "pid": peer.pid})),
        "user": text(record.user.as_str()),
        "person": record.person.as_ref().map(|one| json!({"name": one.name.as_str(), "id": one.id.as_str()})),
        "action": record.action.as_str(),
        "partition": record.partition.as_ref()
            .map(|one| json!({"slot": one.slot, "serial": one.serial.as_str()})),
        "object": record.object.as_ref().map(|one| json!({"id": one.id.as_str(), "label": one.label.as_str()})),
        "mechanism": text(record.mechanism.as_str()),
        "outcome": if record.outcome == Outcome::Done { "done" } else { "failed" },
        "code": code,
        "why": why,
        "count": record.count,
        "commit": record.commit,
        "details": details,
    });
    let mut line = String::new();
    for c in value.to_string().chars() {
        // Outside strings JSON is ASCII, so that this is inside one.
        if is_unsafe(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}

/// The names and values of a record, as CEF and syslog have them; what it has not is left out.
fn fields(record: &Record) -> Vec<(&'static str, String)> {
    let mut fields = vec![
        ("sequence", record.sequence.to_string()),
        ("class", record.class.word().to_owned()),
        ("door", record.door.word().to_owned()),
    ];
    let mut add = |name, value: &dyn ToString| fields.push((name, value.to_string()));
    if let Some(peer) = record.peer {
        add("uid", &peer.uid);
        add("gid", &peer.gid);
        add("pid", &peer.pid);
    }
    if let Some(person) = &record.person {
        add("person", &person.name.as_str());
        add("personId", &person.id.as_str());
    }
    if let Some(partition) = &record.partition {
        add("slot", &partition.slot);
        add("serial", &partition.serial.as_str());
    }
    if let Some(object) = &record.object {
        add("object", &object.id.as_str());
        add("label", &object.label.as_str());
    }
    for (name, text) in [("user", record.user.as_str()), ("mechanism", record.mechanism.as_str())] {
        if !text.is_empty() {
            add(name, &text);
        }
    }
    if let Outcome::Failed { code, why } = &record.outcome {
        add("code", &format!("0x{code:08x}"));
        add("why", &why.as_str());
    }
    add("count", &record.count);
    add("commit", &record.commit);
    fields
}

/// A line of ArcSight's Common Event Format, version 0. In values, `\`, `=` and the ends of lines are escaped; in
/// the header `\` and `|`; whatever else could drive a terminal is written `\\u{…}`.
pub fn cef(record: &Record) -> String {
    let failed = record.outcome != Outcome::Done;
    let severity = match (record.class, failed) {
        (_, true) => 6,
        (Class::Admin, false) => 4,
        (Class::Lifecycle, false) => 3,
        (Class::Use, false) => 1,
    };
    let header = |text: &str| printable(text).replace('|', "\\|");
    let action = header(record.action.as_str());
    let mut line =
        format!("CEF:0|Claviger|hsmd|{VERSION}|{action}|{action}|{severity}|rt={}", record.time / 1_000_000);
    let _ = write!(
        line,
        " externalId={} outcome={}",
        record.sequence,
        if failed { "failure" } else { "success" }
    );
    for (name, value) in fields(record) {
        let name = match name {
            "uid" => "suid",
            "user" => "suser",
            "pid" => "spid",
            "why" => "reason",
            "count" => "cnt",
            // It is the external id.
            "sequence" => continue,
            other => other,
        };
        let _ = write!(line, " {name}={}", cef_value(&value));
    }
    for (name, value) in &record.details {
        let _ = write!(line, " detail_{}={}", word(name.as_str()), cef_value(value.as_str()));
    }
    line
}

fn cef_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | '=' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if is_unsafe(c) => {
                out.push('\\');
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// A name that is letters, digits and `_` only.
fn word(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

/// A message of syslog (RFC 5424): facility 13 (log audit), severity 6 or, of what failed, 4.
pub fn syslog(record: &Record, host: &str) -> String {
    let severity = if record.outcome == Outcome::Done { 6 } else { 4 };
    let (host, action) = (syslog_name(host, 255), syslog_name(record.action.as_str(), 32));
    let mut line =
        format!("<{}>1 {} {host} hsmd - {action} [{SD_ID}", 13 * 8 + severity, with_digits(record.time, 6));
    for (name, value) in fields(record) {
        let _ = write!(line, " {name}=\"{}\"", sd_value(&value));
    }
    line.push(']');
    if !record.details.is_empty() {
        let _ = write!(line, "[{SD_DETAILS}");
        for (name, value) in &record.details {
            let _ = write!(line, " {}=\"{}\"", syslog_name(name.as_str(), 32), sd_value(value.as_str()));
        }
        line.push(']');
    }
    let _ = write!(line, " {action} {}", if severity == 6 { "done" } else { "failed" });
    line
}

/// What may stand for a name: printable ASCII that neither ends nor quotes anything, or `-` (RFC 5424, "Syslog Message
/// Format", `SD-NAME` and `NILVALUE`).
fn syslog_name(name: &str, most: usize) -> String {
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    let name: String = name.chars().take(most).map(|c| if allowed(c) { c } else { '_' }).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// A parameter's value: `"`, `\` and `]` are escaped (RFC 5424, "SD-PARAM"). What could drive a terminal is written
/// `\\u{…}`: an escaped backslash, so that a reader sees `\u{…}`.
fn sd_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' | ']' => out.extend(['\\', c]),
            c if is_unsafe(c) => {
                out.push('\\');
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Door, Object, Partition, Peer, Person};

    fn record() -> Record {
        let mut record = Record::new(17, 1_700_000_000_123_456_789, Class::Use, "key.sign");
        record.door = Door::Pkcs11;
        record.peer = Some(Peer { uid: 1000, gid: 100, pid: 4242 });
        record.user = "USER".into();
        record.person = Some(Person { name: "Ada \"L\"".into(), id: "u1".into() });
        record.partition = Some(Partition { slot: 3, serial: "00ff".into() });
        record.object = Some(Object { id: "o1".into(), label: "a=b]\\c\nd".into() });
        record.mechanism = "CKM_ECDSA".into();
        record.outcome = Outcome::Failed { code: 0xa0, why: "CKR_PIN_INCORRECT".into() };
        record.detail("bytes", "32");
        record
    }

    #[test]
    fn a_line_of_json_has_every_key_and_utc_time() {
        let value: Value = serde_json::from_str(&json(&record())).unwrap();
        assert_eq!(value["time"], "2023-11-14T22:13:20.123456789Z");
        assert_eq!(value["object"]["label"], "a=b]\\c\nd");
        assert_eq!((&value["code"], &value["outcome"]), (&json!(160), &json!("failed")));
        let bare: Value = serde_json::from_str(&json(&Record::new(1, 0, Class::Admin, "x"))).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&bare), keys(&value));
        assert_eq!((&bare["peer"], &bare["user"], &bare["code"]), (&Value::Null, &Value::Null, &Value::Null));
    }

    #[test]
    fn cef_escapes_what_ends_a_field() {
        assert_eq!(
            cef(&record()),
            "CEF:0|Claviger|hsmd|0.1.0|key.sign|key.sign|6|rt=1700000000123 externalId=17 outcome=failure \
             class=use door=pkcs11 suid=1000 gid=100 spid=4242 person=Ada \"L\" personId=u1 slot=3 serial=00ff \
             object=o1 label=a\\=b]\\\\c\\nd suser=USER mechanism=CKM_ECDSA code=0x000000a0 reason=CKR_PIN_INCORRECT \
             cnt=1 commit=0 detail_bytes=32"
        );
        assert!(cef(&Record::new(1, 0, Class::Admin, "a|b\\")).contains("|a\\|b\\\\|"));
    }

    #[test]
    fn syslog_is_structured_and_escaped_as_rfc_5424_says() {
        assert_eq!(
            syslog(&record(), "hsm 1"),
            "<108>1 2023-11-14T22:13:20.123456Z hsm_1 hsmd - key.sign [claviger@32473 sequence=\"17\" class=\"use\" \
             door=\"pkcs11\" uid=\"1000\" gid=\"100\" pid=\"4242\" person=\"Ada \\\"L\\\"\" personId=\"u1\" slot=\"3\" \
             serial=\"00ff\" object=\"o1\" label=\"a=b\\]\\\\c\\u{a}d\" user=\"USER\" mechanism=\"CKM_ECDSA\" \
             code=\"0x000000a0\" why=\"CKR_PIN_INCORRECT\" count=\"1\" commit=\"0\"][claviger-details@32473 \
             bytes=\"32\"] key.sign failed"
                .replace("\\u{a}", "\\\\u{a}")
        );
        assert!(syslog(&Record::new(1, 0, Class::Admin, "x"), "").contains("Z - hsmd - x ["));
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        for nanoseconds in [0, 1_700_000_000_123_456_789, u64::MAX] {
            assert_eq!(parse_time(&time(nanoseconds)), Some(nanoseconds));
        }
        assert_eq!(parse_time("yesterday"), None);
        assert_eq!(parse_time("1969-12-31T23:59:59Z"), None);
    }

    proptest! {
        #[test]
        fn no_text_from_outside_ends_a_line_or_drives_a_terminal(text: String, other: String) {
            let mut record = record();
            record.action = text.as_str().into();
            record.user = text.as_str().into();
            record.outcome = Outcome::Failed { code: 0, why: text.as_str().into() };
            record.detail(text.as_str(), other.as_str());
            for format in [Format::Json, Format::Cef, Format::Syslog] {
                let line = line(format, &record, &text);
                prop_assert!(!line.chars().any(is_unsafe), "{line:?}");
            }
            let value: Value = serde_json::from_str(&json(&record)).unwrap();
            prop_assert_eq!(value["user"].as_str().unwrap_or_default(), record.user.as_str());
        }
    }
}
