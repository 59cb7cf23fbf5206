//! Where the value of a secret is: encrypted on the disk, and in the daemon's memory as long as somebody is served with it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::process::{is_root, places};
use tests::{Hsm, Rest, Staff, not_on_stand_in};

/// How long a connection's memory may outlast it.
const PATIENCE: Duration = Duration::from_secs(5);

fn value() -> String {
    let bytes = fs::read("/proc/sys/kernel/random/uuid").expect("random bytes");
    format!("a value that is {} and no other", String::from_utf8(bytes).expect("text").trim())
}

/// The files below a folder that have this in them.
fn files_with(folder: &Path, wanted: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            found.extend(files_with(&entry, wanted));
        } else if entry.is_file()
            && fs::read(&entry).is_ok_and(|bytes| bytes.windows(wanted.len()).any(|part| part == wanted))
        {
            found.push(entry.display().to_string());
        }
    }
    found
}

/// Requirement: CSMS-028
#[test]
fn a_value_is_on_no_disk_and_leaves_the_memory_with_the_connections_that_carried_it() {
    if !is_root() {
        println!("skipped: only root reads the memory of a process that guards it");
        return;
    }
    let hsm = Hsm::start();
    not_on_stand_in!(hsm, "it has no CSMS");
    let pid = hsm.var("HSMD_PID").parse().expect("a process");
    let (text, again) = (value(), value());
    let base = format!("/v1/{}/secrets", hsm.var("PROJECT_ID"));
    {
        let rest = Rest::of(&hsm);
        let mut connection = rest.connect().expect("a connection");
        let mut ask = |method: &str, target: &str, body: Value| {
            let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            connection.send(&rest.signed(method, target, &bytes)).expect("an answer")
        };
        assert_eq!(ask("POST", &base, json!({ "name": "db", "secret_string": text })).status, 200);
        let version = json!({ "secret_string": again });
        assert_eq!(ask("POST", &format!("{base}/db/versions"), version).status, 200);
        for (version, expected) in [("v1", &text), ("SYSCURRENT", &again)] {
            let shown = ask("GET", &format!("{base}/db/versions/{version}"), Value::Null).json();
            assert_eq!(shown["version"]["secret_string"], **expected);
        }
        let blob = ask("POST", &format!("{base}/db/backup"), json!({})).json();
        assert_eq!(ask("DELETE", &format!("{base}/db"), Value::Null).status, 200);
        assert_eq!(ask("POST", &format!("{base}/restore"), blob).status, 200);
    }
    let console = Staff::new(&hsm, &[]);
    assert_eq!(console.nobody(&["secret", "get", "db"]).succeeds().out(), again);
    hsm.write("value", &text);
    console.nobody(&["secret", "put", "db", "--file", "value"]).succeeds().done();

    let wanted =
        [("the first", text.as_bytes()[16..].to_vec()), ("the second", again.as_bytes()[16..].to_vec())];
    let end = Instant::now() + PATIENCE;
    let left = loop {
        let left: Vec<_> = places(pid, &wanted).into_iter().filter(|(_, count)| *count > 0).collect();
        if left.is_empty() || Instant::now() > end {
            break left;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(left.is_empty(), "in the daemon's memory are {left:?}");
    fs::remove_file(hsm.path("value")).expect("ours");
    for (name, part) in &wanted {
        assert_eq!(files_with(&hsm.path(""), part), [""; 0], "{name}");
    }
    // It is all there all the same.
    assert_eq!(console.nobody(&["secret", "get", "db:v2"]).succeeds().out(), again);
}
