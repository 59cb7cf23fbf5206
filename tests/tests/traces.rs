//! Traces beyond the list: transferred once and for all whatever happens to the daemon, and sent to a receiver of logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Place, Random, Rest, free_address};

const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon's place whose services are at an address, and which transfers traces each second.
fn place(more: &str) -> (Place, std::net::SocketAddr) {
    place_with(1, more)
}

/// The same, where so many seconds are between transfers.
fn place_with(seconds: u64, more: &str) -> (Place, std::net::SocketAddr) {
    let address = free_address();
    let rest = format!("[rest]\nlisten = \"{address}\"\nkey_quota = 1000\n[transfer]\nseconds = {seconds}\n");
    let place = Place::new(&format!("{rest}{more}"));
    let folder = place.path("buckets");
    fs::create_dir(&folder).unwrap();
    place.configure(&format!("{rest}folder = {folder:?}\n{more}"));
    (place, address)
}

fn asks(rest: &Rest, method: &str, path: &str, body: &Value) -> tests::Reply {
    let path = format!("/v3/{}/{path}", rest.project);
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    rest.send(&rest.signed(method, &path, &body)).expect("an answer")
}

fn into(bucket: &str) -> Value {
    let to = json!({ "bucket_name": bucket, "is_obs_created": true, "compress_type": "json" });
    json!({ "tracker_type": "system", "tracker_name": "system", "obs_info": to })
}

/// The files of traces below a folder that are there whole.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let is_file = path.extension().is_some_and(|extension| extension == "json");
        if path.is_dir() {
            found.extend(files(&path));
        } else if is_file {
            found.push(path);
        }
    }
    found
}

/// The names of the keys whose making was transferred, one for each time.
fn transferred(place: &Place) -> Vec<String> {
    let traces = files(&place.path("buckets")).into_iter().flat_map(|path| {
        let traces: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).expect("a whole file");
        traces
    });
    let made = traces.filter(|trace| trace["trace_name"] == "createKey");
    made.map(|trace| trace["resource_name"].as_str().unwrap().to_owned()).collect()
}

/// Requirement: CTS-062
#[test]
fn each_trace_is_transferred_once_whenever_the_daemon_is_killed() {
    const ROUNDS: usize = 8;
    let mut random = Random::of(Random::seed("TRANSFER_SEED"));
    let (place, address) = place("");
    let mut daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    asks(&rest, "PUT", "tracker", &into("kept")).done();
    let mut made = BTreeSet::new();
    for round in 0..ROUNDS {
        for number in 0..20 {
            let name = format!("key-{round}-{number}");
            rest.kms("create-key", &json!({ "key_alias": name })).done();
            made.insert(name);
        }
        sleep(random.time(Duration::from_millis(2500)));
        daemon.kill();
        daemon = place.start();
    }
    let end = Instant::now() + PATIENCE;
    while transferred(&place).len() < made.len() && Instant::now() < end {
        sleep(Duration::from_millis(50));
    }
    daemon.stop();
    let names = transferred(&place);
    let once: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!((once.len(), names.len()), (made.len(), made.len()), "a trace is missing, or there twice");
    assert_eq!(once, made);
}

/// Waits until the making of a key is transferred, and gives the names of all of which it is.
fn transferred_until(place: &Place, name: &str) -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let names = transferred(place);
        if names.iter().any(|one| one == name) {
            return names;
        }
        assert!(Instant::now() < end, "{name} is not transferred: {names:?}");
        sleep(Duration::from_millis(50));
    }
}

/// Requirement: CTS-061, CTS-064
#[test]
fn the_tracker_of_the_organization_gathers_what_all_accounts_do_from_then_on() {
    let (place, address) = place("");
    let daemon = place.start();
    let [security, acme] = ["security", "acme"].map(|name| Rest::new_account(&place, address, name));
    let make = |rest: &Rest, name: &str| rest.kms("create-key", &json!({ "key_alias": name })).done();
    make(&acme, "before");
    let mut gathering = into("all");
    gathering["is_organization_tracker"] = true.into();
    let refused = asks(&security, "PUT", "tracker", &gathering);
    assert_eq!((refused.status, refused.json()["error_code"].as_str()), (400, Some("CTS.0228")));
    place.admin("unit delegate").succeeds().says("for nobody").done();
    place.admin("unit delegate security").fails().done();
    place.admin("unit delegate security --yes").succeeds().done();
    place.admin("unit delegate").succeeds().says("security").done();
    assert_eq!(asks(&acme, "PUT", "tracker", &gathering).status, 400, "an account that is not it");
    asks(&security, "PUT", "tracker", &gathering).done();
    let shown = asks(&security, "GET", "trackers?tracker_type=system", &Value::Null).done();
    assert_eq!(shown["trackers"][0]["is_organization_tracker"], true, "{shown}");
    make(&acme, "one");
    make(&security, "two");
    let names = transferred_until(&place, "two");
    assert_eq!(BTreeSet::from_iter(names), BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    // It stays so, whatever else is said of the tracker, over a start and a kill.
    asks(&security, "PUT", "tracker", &into("all")).done();
    daemon.kill();
    let daemon = place.start();
    make(&acme, "three");
    transferred_until(&place, "three");
    place.admin("unit delegate --nobody").succeeds().done();
    let shown = asks(&security, "GET", "trackers?tracker_type=system", &Value::Null).done();
    assert_eq!(shown["trackers"][0]["is_organization_tracker"], false, "{shown}");
    make(&acme, "late");
    make(&security, "end");
    let names = transferred_until(&place, "end");
    assert!(!names.iter().any(|name| name == "late" || name == "before"), "{names:?}");
    // An account that goes is not it any more.
    place.admin("account create idle").succeeds().done();
    place.admin("unit delegate idle --yes").succeeds().done();
    place.admin("account delete idle --yes").succeeds().done();
    place.admin("unit delegate").succeeds().says("for nobody").done();
    daemon.stop();
}

/// Has a daemon do what a plan says, and gives what is in the files then.
fn carry_out(place: &Place, mark: &Path, plan: &Value) -> BTreeMap<PathBuf, Vec<u8>> {
    fs::write(mark, json!({ "done": 0, "plan": plan }).to_string()).unwrap();
    let daemon = place.start();
    let end = Instant::now() + PATIENCE;
    while !is_done(mark) {
        assert!(Instant::now() < end, "the plan is not carried out: {:?}", fs::read_to_string(mark));
        sleep(Duration::from_millis(20));
    }
    daemon.stop();
    let files = files(&place.path("buckets")).into_iter();
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Whether a mark says that nothing is begun.
fn is_done(mark: &Path) -> bool {
    let mark: Value = serde_json::from_slice(&fs::read(mark).unwrap()).unwrap();
    mark["plan"].is_null()
}

/// Requirement: CTS-062
#[test]
fn a_transfer_that_was_begun_is_done_again_to_the_same_files() {
    let (place, address) = place("");
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    asks(&rest, "PUT", "tracker", &into("kept")).done();
    for name in ["one", "two"] {
        rest.kms("create-key", &json!({ "key_alias": name })).done();
    }
    let mark = marked(&place, 2);
    daemon.stop();
    let upto = serde_json::from_slice::<Value>(&fs::read(&mark).unwrap()).unwrap()["done"].clone();
    let target = json!({ "bucket": "kept", "prefix": "", "gzip": false, "by_service": true, "made": true });
    let plan = json!({
        "upto": upto, "time": 1_790_000_000_000_i64, "target": target, "since": 0, "without_data_keys": false,
    });
    for path in files(&place.path("buckets")) {
        fs::remove_file(path).unwrap();
    }
    let all = carry_out(&place, &mark, &plan);
    let paths: Vec<_> = all.keys().collect();
    let [one, two] = paths.as_slice() else { panic!("expected a file for each service: {paths:?}") };
    assert_eq!(transferred(&place).len(), 2);
    // What a crash can leave of them: both, the second, half of that beside its name, and nothing.
    let beside = two.with_file_name(format!(".{}.new", two.file_name().unwrap().to_str().unwrap()));
    for left in 0..4 {
        if left > 0 {
            fs::remove_file(one).unwrap();
        }
        if left > 1 {
            fs::remove_file(two).unwrap();
        }
        if left == 2 {
            fs::write(&beside, &all[*two][..all[*two].len() / 2]).unwrap();
        }
        assert!(carry_out(&place, &mark, &plan) == all, "after a crash that left case {left}");
        assert!(!beside.exists());
    }
}

/// Waits until the making of so many keys is transferred and marked, and gives the file of the mark.
fn marked(place: &Place, keys: usize) -> PathBuf {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let mark = files(&place.path("audit/transferred")).pop();
        if let Some(mark) = mark.filter(|mark| transferred(place).len() == keys && is_done(mark)) {
            return mark;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("transferred are {:?}", transferred(place));
}

/// Requirement: CTS-062
#[test]
fn nothing_is_transferred_by_a_plan_that_is_not_on_the_disk() {
    let (place, address) = place("");
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    asks(&rest, "PUT", "tracker", &into("kept")).done();
    rest.kms("create-key", &json!({ "key_alias": "one" })).done();
    let mark = marked(&place, 1);
    // Where a mark is written before it is renamed, nothing can be.
    let beside = mark.with_file_name(format!(".{}.new", mark.file_name().unwrap().to_str().unwrap()));
    fs::create_dir(&beside).unwrap();
    let before = place.log().len();
    rest.kms("create-key", &json!({ "key_alias": "two" })).done();
    let end = Instant::now() + PATIENCE;
    while place.log()[before..].matches("traces are not transferred").count() < 3 {
        assert!(Instant::now() < end, "the mark is written");
        sleep(Duration::from_millis(20));
    }
    daemon.kill();
    fs::remove_dir(&beside).unwrap();
    let daemon = place.start();
    rest.kms("create-key", &json!({ "key_alias": "three" })).done();
    let end = Instant::now() + PATIENCE;
    while !transferred(&place).contains(&"three".to_owned()) && Instant::now() < end {
        sleep(Duration::from_millis(20));
    }
    daemon.stop();
    let mut names = transferred(&place);
    names.sort();
    assert_eq!(names, ["one", "three", "two"]);
}

#[test]
fn a_disk_that_keeps_the_transfer_waiting_keeps_nobody_else() {
    let (place, address) = place("");
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    asks(&rest, "PUT", "tracker", &into("kept")).done();
    rest.kms("create-key", &json!({ "key_alias": "one" })).done();
    let mark = marked(&place, 1);
    // What is written to first is a pipe that nobody reads.
    let beside = mark.with_file_name(format!(".{}.new", mark.file_name().unwrap().to_str().unwrap()));
    assert!(Command::new("mkfifo").arg(&beside).status().unwrap().success());
    rest.kms("create-key", &json!({ "key_alias": "two" })).done();
    // Nobody tells that the transfer waits. It comes each second.
    sleep(Duration::from_secs(4));
    assert_eq!(transferred(&place).len(), 1);
    place.admin("seal").succeeds().done();
    daemon.kill();
    fs::remove_file(&beside).unwrap();
    let daemon = place.start();
    rest.kms("create-key", &json!({ "key_alias": "three" })).done();
    let end = Instant::now() + PATIENCE;
    while transferred(&place).len() < 3 {
        assert!(Instant::now() < end, "transferred are {:?}", transferred(&place));
        sleep(Duration::from_millis(50));
    }
    daemon.stop();
}

/// Requirement: CTS-062
#[test]
fn what_waits_when_a_tracker_is_disabled_is_transferred_all_the_same() {
    // So seldom that what follows comes between two transfers.
    let (place, address) = place_with(3, "");
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    asks(&rest, "PUT", "tracker", &into("kept")).done();
    let turn = |status: &str| {
        let body = json!({ "tracker_type": "system", "tracker_name": "system", "status": status });
        asks(&rest, "PUT", "tracker", &body).done();
    };
    let make = |name: &str| drop(rest.kms("create-key", &json!({ "key_alias": name })).done());
    make("seen");
    turn("disabled");
    make("unseen");
    let end = Instant::now() + PATIENCE;
    while transferred(&place) != ["seen"] {
        assert!(Instant::now() < end, "transferred are {:?}", transferred(&place));
        sleep(Duration::from_millis(50));
    }
    make("unseen-too");
    turn("enabled");
    make("again");
    let end = Instant::now() + PATIENCE;
    while transferred(&place).len() < 2 {
        assert!(Instant::now() < end, "transferred are {:?}", transferred(&place));
        sleep(Duration::from_millis(50));
    }
    daemon.stop();
    let mut names = transferred(&place);
    names.sort();
    assert_eq!(names, ["again", "seen"]);
}

/// Requirement: CTS-063
#[test]
fn a_tracker_says_that_traces_go_to_a_receiver_of_logs_where_they_do() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let (place, address) = place(&format!("[audit.forward]\nto = \"tcp://{to}\"\nformat = \"syslog\"\n"));
    let _daemon = place.start();
    let (socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let rest = Rest::new_account(&place, address, "acme");
    let on = json!({ "tracker_type": "system", "tracker_name": "system", "is_lts_enabled": true });
    asks(&rest, "PUT", "tracker", &on).done();
    let shown = asks(&rest, "GET", "trackers", &Value::Null).done();
    assert_eq!(shown["trackers"][0]["lts"]["is_lts_enabled"], true);
    rest.kms("create-key", &json!({ "key_alias": "kept-for-years" })).done();
    let (mut socket, mut sent, mut more) = (socket, String::new(), [0; 4096]);
    while !(sent.contains("createKey") && sent.contains("kept-for-years")) {
        let read = socket.read(&mut more).expect("more records");
        assert!(read > 0, "the daemon hung up after {sent}");
        sent.push_str(&String::from_utf8_lossy(&more[..read]));
    }
}

/// Makes a key, and gives its id.
fn key(rest: &Rest, name: &str) -> String {
    let made = rest.kms("create-key", &json!({ "key_alias": name })).done();
    made["key_info"]["key_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_trace_is_of_what_was_changed_and_of_where_that_came_from() {
    let any = std::net::SocketAddr::from(([0u16; 8], free_address().port()));
    let place = Place::new(&format!("[rest]\nlisten = \"{any}\"\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, ([127, 0, 0, 1], any.port()).into(), "acme");
    let (changed, other) = (key(&rest, "changed"), key(&rest, "other"));
    let target = format!("/v1.0/{{project_id}}/kms/{changed}/tags?key_id={other}");
    let tag = json!({ "tag": { "key": "team", "value": "blue" } }).to_string();
    assert_eq!(rest.send(&rest.signed("POST", &target, tag.as_bytes())).unwrap().status, 204);
    let of = |key: &str| rest.send(&rest.signed("GET", &format!("/v1.0/{{project_id}}/kms/{key}/tags"), b""));
    assert_eq!(of(&other).unwrap().done()["tags"], json!([]));
    assert_eq!(of(&changed).unwrap().done()["tags"][0]["key"], "team");
    let traces = "traces?trace_type=system&trace_name=dealUnifiedTags";
    let found = asks(&rest, "GET", traces, &Value::Null).done();
    let trace = &found["traces"][0];
    assert_eq!(
        (&trace["resource_id"], &trace["resource_name"]),
        (&json!(changed), &json!("changed")),
        "{trace}"
    );
    assert!(!trace["request"].as_str().unwrap().contains(&other), "{trace}");
    assert_eq!((&trace["source_ip"], &trace["response"]), (&json!("127.0.0.1"), &json!("")), "{trace}");
    daemon.stop();
}
