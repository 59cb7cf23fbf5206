//! What the services tell topics of: what happens to secrets, and traces.

use std::fs;

use serde_json::Value;
use tests::{Place, Rest, free_address, needs};

use super::{MAIL_SERVER, Receiver, add, came, json, mail_server, messages, place, started, wait_for};

/// Requirement: CSMS-112, CSMS-117, CSMS-118, CSMS-126
#[test]
fn what_happens_to_secrets_arrives_in_its_order_and_the_records_tell_what_became_of_it() {
    needs!("/usr/bin/python3");
    let place = place("");
    let daemon = started(&place);
    let (at, file) = (free_address(), place.path("came"));
    let secret = add(&place, "alerts", &format!("http://{at}/"));
    let put = |text: &str, more: &str| {
        fs::write(place.path("value"), text).unwrap();
        let value = place.path("value");
        place.admin(&format!("secret put db --file {} {more}", value.display())).succeeds().done();
    };
    place.admin("secret event create ops --topic alerts").succeeds().done();
    place.admin("secret event create lost --topic nowhere").succeeds().done();
    put("a value", "--event ops");
    wait_for("a try fails", || {
        messages(&place, "").last().filter(|first| first["tries"].as_u64() > Some(0)).cloned()
    });
    put("another value", "");
    // The receiver was away, and then the daemon was.
    daemon.kill();
    let daemon = place.start();
    put("a third value", "");
    let receiver = Receiver::hook(at, &file, &secret, &[]);
    came(&file, 2);
    daemon.kill();
    let _daemon = place.start();
    place.admin("secret delete db --now --yes").succeeds().done();
    let mut got = came(&file, 4);
    got.dedup_by_key(|one| one["id"].as_str().unwrap().to_owned());
    let of = |one: &Value| {
        let body = &one["body"];
        assert!(one["good"] == true && body["secret_name"] == "db" && body["event_name"] == "ops", "{one}");
        assert!(!one.to_string().contains("value\""), "{one}");
        [&body["event_type"], &body["event_level"], &body["version_id"]]
            .map(|text| text.as_str().unwrap().to_owned())
    };
    let got: Vec<_> = got.iter().map(of).collect();
    let created = |version: &str| ["SECRET_VERSION_CREATED", "normal", version].map(str::to_owned);
    let deleted = ["SECRET_DELETED", "warning", "v3"].map(str::to_owned);
    assert_eq!(got, [created("v1"), created("v2"), created("v3"), deleted]);
    // A topic that is not there.
    put("a fourth value", "--event lost");
    let records = || {
        let told = json(place.admin("secret call ListNotificationRecords --json"));
        told["records"].as_array().unwrap().clone()
    };
    let records = wait_for("a record says that it is invalid", || {
        let all = records();
        (all[0]["notification_status"] == "INVALID" && all[1]["notification_status"] == "SUCCESS")
            .then_some(all)
    });
    assert_eq!(records.len(), 5);
    let newest = &records[0];
    assert_eq!(
        [
            &newest["event_name"],
            &newest["secret_name"],
            &newest["notification_target_name"],
            &newest["secret_type"]
        ],
        ["lost", "db", "nowhere", "COMMON"]
    );
    drop(receiver);
}

/// Requirement: CSMS-117
#[test]
fn what_happens_to_secrets_reaches_a_mailbox() {
    needs!("/usr/bin/python3", "openssl", MAIL_SERVER);
    let place = Place::new("");
    let file = place.path("came");
    let _receiver = mail_server(&place, &file);
    let _daemon = started(&place);
    place.admin("topic add people --mail ops@example.org").succeeds().done();
    place.admin("secret event create ops --topic people --type SECRET_DELETED").succeeds().done();
    fs::write(place.path("value"), "a value").unwrap();
    let value = place.path("value");
    place.admin(&format!("secret put db --event ops --file {}", value.display())).succeeds().done();
    place.admin("secret delete db --now --yes").succeeds().done();
    let came = came(&file, 1);
    assert_eq!(came.len(), 1, "{came:?}");
    assert_eq!(came[0]["headers"]["Subject"], "SECRET_DELETED: secret db");
    let body: Value = serde_json::from_str(came[0]["body"].as_str().unwrap()).expect("JSON in the mail");
    assert_eq!((&body["secret_name"], &body["version_id"]), (&"db".into(), &"v1".into()));
}

#[test]
fn traces_that_somebody_wants_to_know_of_arrive_once_whatever_happens_to_the_daemon() {
    needs!("/usr/bin/python3");
    let rest_at = free_address();
    let place = place(&format!("[rest]\nlisten = \"{rest_at}\"\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, rest_at, "acme");
    let create = |name: &str| rest.kms("create-key", &serde_json::json!({ "key_alias": name })).done();
    create("before");
    let (at, file) = (free_address(), place.path("came"));
    let secret = add(&place, "alerts", &format!("http://{at}/"));
    let notify = |name: &str, names: &[&str], rule: &str, topic: &str| {
        let body = serde_json::json!({
            "notification_name": name, "operation_type": "customized", "topic_id": topic,
            "operations": [{ "service_type": "KMS", "resource_type": "CMK", "trace_names": names }],
            "filter": { "condition": "AND", "is_support_filter": true, "rule": [rule] },
        });
        let target = format!("/v3/{}/notifications", rest.project);
        let made = rest.send(&rest.signed("POST", &target, body.to_string().as_bytes())).expect("an answer");
        assert_eq!(made.status, 201, "{}", made.json());
    };
    notify("keys", &["createKey", "disableKey"], "resource_name != quiet", "alerts");
    notify("failures", &["createKey"], "trace_rating = warning", "alerts");
    let one = create("one")["key_info"]["key_id"].clone();
    create("quiet");
    daemon.kill();
    let daemon = place.start();
    let receiver = Receiver::hook(at, &file, &secret, &[]);
    assert_eq!(rest.kms("create-key", &serde_json::json!({ "key_alias": "one" })).status, 400);
    came(&file, 2);
    daemon.kill();
    let _daemon = place.start();
    rest.kms("disable-key", &serde_json::json!({ "key_id": one })).done();
    create("last");
    let told = |one: &Value| {
        assert_eq!(one["good"], true, "{one}");
        ["notification_name", "trace_name", "resource_name", "trace_rating"]
            .map(|name| one["body"][name].as_str().unwrap().to_owned())
    };
    let all = wait_for("the last comes", || {
        let all: Vec<_> = came(&file, 5).iter().map(|one| (one["id"].to_string(), told(one))).collect();
        all.iter().any(|(_, told)| told[2] == "last").then_some(all)
    });
    // One that was under way when the daemon was killed may come twice, and is known by its id.
    let (mut seen, mut once) = (std::collections::BTreeSet::new(), Vec::new());
    once.extend(all.into_iter().filter(|(id, _)| seen.insert(id.clone())).map(|(_, told)| told));
    let of = |wanted: &str| -> Vec<_> { once.iter().filter(|told| told[0] == wanted).cloned().collect() };
    let row = |words: [&str; 4]| words.map(str::to_owned);
    assert_eq!(
        of("keys"),
        [
            row(["keys", "createKey", "one", "normal"]),
            row(["keys", "createKey", "one", "warning"]),
            row(["keys", "disableKey", "one", "normal"]),
            row(["keys", "createKey", "last", "normal"]),
        ]
    );
    assert_eq!(of("failures"), [row(["failures", "createKey", "one", "warning"])]);
    drop(receiver);
}
