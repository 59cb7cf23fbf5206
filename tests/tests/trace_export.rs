//! Traces by the console: listed, shown, and exported for other programs.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rexpect::session::spawn_command;
use serde_json::{Value, json};
use tests::{Place, Rest, Run, free_address};

/// Requirement: CTS-078
#[test]
fn the_console_lists_and_exports_what_the_filters_take() {
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let mut last = Value::Null;
    for name in ["one", "two", "three"] {
        last = rest.kms("create-key", &json!({ "key_alias": name })).done()["key_info"]["key_id"].clone();
    }
    rest.kms("disable-key", &json!({ "key_id": last })).done();
    // A refused name that a spreadsheet would take for a formula.
    assert_eq!(rest.kms("create-key", &json!({ "key_alias": "=1+1" })).status, 400);
    let listed = place.admin("trace list --json --name createKey --status normal").succeeds().out();
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    let names: Vec<_> = listed.iter().map(|trace| trace["resource_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["three", "two", "one"]);
    let id = listed[0]["trace_id"].as_str().unwrap();
    place.admin(&format!("trace show {id}")).succeeds().says("createKey").says("three").done();
    place.admin("trace show 01234567-89ab-cdef-0123-456789abcdef").fails().done();
    let path = |name: &str| place.path(name).display().to_string();
    let (csv, xlsx) = (path("all.csv"), path("all.xlsx"));
    place.admin(&format!("trace export {csv} --last week")).succeeds().says("5 traces").done();
    place.admin(&format!("trace export {csv} --last week")).fails().done();
    let export = format!("trace export {xlsx} --format xlsx --name createKey --json");
    let told: Value = serde_json::from_str(&place.admin(&export).succeeds().out()).unwrap();
    assert_eq!(told["traces"], 4);
    let text = fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().count(), 6);
    assert!(text.contains("\"'=1+1\"") && !text.contains(",\"=1+1\""), "{text}");
    // Read by another program: the values as CSV, the spreadsheet as the XML within it, without a formula.
    let read = "import csv, sys, zipfile\n\
        from xml.etree import ElementTree\n\
        rows = list(csv.DictReader(open(sys.argv[1], newline='')))\n\
        assert [row['trace_name'] for row in rows] == ['createKey', 'disableKey'] + ['createKey'] * 3, rows\n\
        assert rows[0]['trace_rating'] == 'warning' and rows[4]['resource_name'] == 'one', rows\n\
        book = zipfile.ZipFile(sys.argv[2])\n\
        assert book.testzip() is None\n\
        n = '{http://schemas.openxmlformats.org/spreadsheetml/2006/main}'\n\
        part = lambda name: ElementTree.fromstring(book.read(name))\n\
        words = [''.join(item.itertext()) for item in part('xl/sharedStrings.xml').iter(n + 'si')]\n\
        sheet = part('xl/worksheets/sheet1.xml')\n\
        assert not list(sheet.iter(n + 'f')), 'a formula'\n\
        def value(cell):\n\
        \x20   assert cell.get('t') in ('s', None), cell.attrib\n\
        \x20   return words[int(cell.find(n + 'v').text)] if cell.get('t') else ''\n\
        cells = [[value(cell) for cell in row.iter(n + 'c')] for row in sheet.iter(n + 'row')]\n\
        assert cells[0][:2] == ['time', 'trace_name'] and len(cells) == 5, cells\n\
        names = [row[cells[0].index('resource_name')] for row in cells[1:]]\n\
        assert names == ['=1+1', 'three', 'two', 'one'], names\n";
    let mut command = Command::new("python3");
    Run::of(command.args(["-c", read, &csv, &xlsx])).succeeds().done();
}

/// Requirement: CTS-078
#[test]
fn an_export_has_the_newest_five_thousand_each_once() {
    const MOST: usize = 5000;
    const THREADS: usize = 8;
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let key = rest.kms("create-key", &json!({ "key_alias": "one" })).done()["key_info"]["key_id"].clone();
    // What changes something is told one by one, however often it is done.
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (rest, key) = (&rest, &key);
            scope.spawn(move || {
                let mut connection = rest.connect().unwrap();
                for number in 0..MOST / THREADS {
                    let new = json!({ "key_id": key, "key_description": format!("{thread}-{number}") });
                    connection.send(&rest.kms_bytes("update-key-description", &new)).unwrap().done();
                }
            });
        }
    });
    let csv = place.path("all.csv").display().to_string();
    place.admin(&format!("trace export {csv} --last week")).succeeds().says("5000 traces").done();
    let read = "import csv, sys\n\
        rows = list(csv.DictReader(open(sys.argv[1], newline='')))\n\
        assert len(rows) == len({row['trace_id'] for row in rows}) == 5000, len(rows)\n\
        assert {row['trace_name'] for row in rows} == {'updateKeyDescription'}\n\
        assert len({row['request'] for row in rows}) == 5000\n";
    let mut command = Command::new("python3");
    Run::of(command.args(["-c", read, &csv])).succeeds().done();
}

/// Requirement: CTS-013, KMS-133
#[test]
fn who_is_to_delete_a_key_is_told_what_depends_on_it_and_that_leaves_a_trace() {
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let key = rest.kms("create-key", &json!({ "key_alias": "one" })).done()["key_info"]["key_id"].clone();
    for text in ["a", "b", "c"] {
        rest.kms("encrypt-data", &json!({ "key_id": key, "plain_text": text })).done();
    }
    let value = place.path("value");
    fs::write(&value, "a value").unwrap();
    let put =
        |more: &str| place.admin(&format!("secret put {more} --file {}", value.display())).succeeds().done();
    put(&format!("db --key {}", key.as_str().unwrap()));
    put("other");
    let traces = |name: &str| -> Vec<Value> {
        let listed = place.admin(&format!("trace list --json --name {name}")).succeeds().out();
        serde_json::from_str(&listed).unwrap()
    };
    let mut command = Command::new(place.program("hsm-admin"));
    command.arg("--socket").arg(place.path("admin.sock")).args(["key", "delete", "one", "--days", "7"]);
    let mut person = spawn_command(command, Some(60_000)).unwrap();
    person.exp_regex("grants 0, aliases 0, requests since last month [1-9]").unwrap();
    person.exp_string("Secrets that nobody can read then: db.").unwrap();
    person.exp_string("(DELETE): ").unwrap();
    person.send_line("better not").unwrap();
    person.exp_eof().unwrap();
    let [told] = traces("deleteKeyRiskTips").try_into().expect("one trace");
    assert_eq!((&told["resource_id"], told["resource_name"].as_str()), (&key, Some("one")));
    assert_eq!(
        (told["resource_type"].as_str(), told["trace_type"].as_str()),
        (Some("CMK"), Some("ConsoleAction"))
    );
    assert!(traces("scheduleKeyDeletion").is_empty());
    // Who is sure already is told nothing.
    place.admin("key delete one --days 7 --yes").succeeds().done();
    assert_eq!((traces("deleteKeyRiskTips").len(), traces("scheduleKeyDeletion").len()), (1, 1));
}

/// Requirement: CTS-052, CTS-053, CTS-054, CTS-079
#[test]
fn an_account_sees_what_is_done_to_the_instances_that_are_for_it() {
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let _other = Rest::new_account(&place, address, "other");
    place.admin("instance order x --quantity 1 --test-only --months 1 --account nobody").fails().done();
    let order = "instance order far --quantity 1 --test-only --months 1";
    let made = place.admin(&format!("{order} --account acme --json")).succeeds().out();
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = made[0]["id"].clone();
    assert_eq!(made[0]["account"], "acme");
    place.admin("instance order alone --quantity 1 --test-only --months 1").succeeds().done();
    place.admin("instance order a.b --months 1 --account acme").fails().done();
    place.admin("instance allocate far").succeeds().done();
    // Of addresses that this machine has not, so that it cannot be made, and may be deleted.
    let activate = "instance activate far --type server --vpc v --subnet 192.0.2.0/24 --allow 127.0.0.0/8";
    place.admin(activate).succeeds().done();
    let end = Instant::now() + Duration::from_secs(60);
    while !place.admin("instance show far --json").succeeds().out().contains("Creation failed") {
        assert!(Instant::now() < end, "it is made");
        sleep(Duration::from_millis(50));
    }
    place.admin("instance delete far --yes").succeeds().done();
    let traces = |of: &str| -> Vec<Value> {
        let listed = place.admin(&format!("trace list --json --source DHSM --project {of}")).succeeds().out();
        serde_json::from_str(&listed).unwrap()
    };
    let left = traces(&rest.project);
    let told = |trace: &Value| {
        ["trace_name", "trace_rating", "resource_id", "resource_name"].map(|name| trace[name].clone())
    };
    let (normal, warning, far) = (json!("normal"), json!("warning"), json!("far"));
    assert_eq!(
        left.iter().map(told).collect::<Vec<_>>(),
        [
            [json!("deleteHsm"), normal.clone(), id.clone(), far.clone()],
            [json!("createHsm"), normal.clone(), id.clone(), far.clone()],
            [json!("purchaseHsm"), warning, json!(""), json!("a.b")],
            [json!("purchaseHsm"), normal, id, far],
        ]
    );
    for trace in &left {
        assert_eq!((&trace["resource_type"], &trace["trace_type"]), (&json!("HSM"), &json!("ConsoleAction")));
    }
    assert!(traces("other/local-1").is_empty());
}
