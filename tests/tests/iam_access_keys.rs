//! Access keys over the wire: what a key that was derived from one signs, and when one was last used.

use std::time::SystemTime;

use crypto::Secret;
use serde_json::{Value, json};
use signing::huawei::{Credentials, Date, Message, Scheme, Scope};
use tests::{Place, Rest, free_address};

#[test]
fn a_derived_key_signs_for_its_region_and_service_alone() {
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let projects = rest.send(&rest.signed("GET", "/v3/projects", b"")).expect("an answer").done();
    let home = projects["projects"][0]["name"].as_str().expect("a name").to_owned();
    let secret = Secret::from(rest.secret.clone().into_bytes());
    let credentials = Credentials { access_key: &rest.access_key, secret: &secret };
    let sign = |method: &str, target: &str, body: &[u8], region: &str, service: &str| {
        let now = SystemTime::now();
        let scope = Scope::new(Date::of(now).expect("a date"), region, service).expect("a scope");
        let message = Message { method, target, host: &rest.host(), headers: &[], body };
        let bytes = message.signed_as(&Scheme::Derived(scope), &credentials, now).expect("a signature");
        let reply = rest.send(&bytes).expect("an answer");
        let told: Value = reply.json();
        (reply.status, told["error_code"].as_str().unwrap_or_default().to_owned())
    };
    let keys = format!("/v1.0/{}/kms/list-keys", rest.project);
    let done = (200, String::new());
    let refused = (401, "APIGW.0301".to_owned());
    for (region, service, expected) in [
        (&*home, "kms", &done),
        (&home, "KMS", &done),
        (&home, "iam", &refused),
        ("elsewhere-1", "kms", &refused),
        ("globe", "kms", &refused),
    ] {
        assert_eq!(&sign("POST", &keys, b"{}", region, service), expected, "{region} {service}");
    }
    for (region, service, expected) in [
        (&*home, "iam", &done),
        ("globe", "iam", &done),
        ("elsewhere-1", "iam", &refused),
        (&home, "kms", &refused),
    ] {
        for target in ["/v3/projects", &format!("/v3/projects/{}", rest.project)] {
            let told = sign("GET", target, b"", region, service);
            assert_eq!(&told, expected, "{target} {region} {service}");
        }
    }
}

#[test]
fn when_a_key_was_last_used_outlasts_the_daemon() {
    let address = free_address();
    let place = Place::new(&format!("[rest]\nlisten = \"{address}\"\n"));
    let daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let ask = |who: &Rest, method: &str, target: &str, body: &str| {
        who.send(&who.signed(method, target, body.as_bytes())).expect("an answer").done()
    };
    let account = ask(&rest, "GET", "/v3/auth/domains", "")["domains"][0]["id"].clone();
    let new = json!({ "user": { "name": "ann", "domain_id": account } }).to_string();
    let ann = ask(&rest, "POST", "/v3.0/OS-USER/users", &new)["user"]["id"].clone();
    let key = json!({ "credential": { "user_id": ann } }).to_string();
    let key = ask(&rest, "POST", "/v3.0/OS-CREDENTIAL/credentials", &key)["credential"].clone();
    let word = |name: &str| key[name].as_str().expect("a word").to_owned();
    let hers = rest.with_key(word("access"), word("secret"));
    let target = format!("/v3.0/OS-CREDENTIAL/credentials/{}", hers.access_key);
    let show = || ask(&rest, "GET", &target, "")["credential"]["last_use_time"].clone();
    assert_eq!(show(), "");
    ask(&hers, "GET", "/v3.0/OS-CREDENTIAL/credentials", "");
    let used = show();
    assert_ne!(used, "");
    daemon.stop();
    let _daemon = place.start();
    assert_eq!(show(), used);
}
