//! Log-ins over the wire: what somebody who is nobody learns from them, and whom they keep waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Place, Reply, Rest, free_address};

/// A place whose daemon offers the services, with more of the configuration.
fn place(more: &str) -> (Place, std::net::SocketAddr) {
    let address = free_address();
    (Place::new(&format!("[rest]\nlisten = \"{address}\"\n{more}")), address)
}

/// The bytes of a request that nobody signed.
fn unsigned(rest: &Rest, target: &str, body: &Value) -> Vec<u8> {
    let (host, body) = (rest.host(), body.to_string());
    let length = body.len();
    format!("POST {target} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The bytes of a log-in by a password.
fn by_password(rest: &Rest, account: &str, user: &str, password: &str) -> Vec<u8> {
    let user = json!({ "name": user, "password": password, "domain": { "name": account } });
    let identity = json!({ "methods": ["password"], "password": { "user": user } });
    unsigned(rest, "/v3/auth/tokens", &json!({ "auth": { "identity": identity } }))
}

fn describe(rest: &Rest) -> Reply {
    rest.kms("list-keys", &json!({}))
}

#[test]
fn log_ins_of_nobody_keep_nobody_else_waiting() {
    let (place, address) = place("requests = 2\n");
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let over = AtomicBool::new(false);
    let (crowded, seen) = mpsc::channel();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let flood = || {
            let mut statuses = Vec::new();
            let mut connection = rest.connect().expect("a connection");
            let bytes = by_password(&rest, "acme", "nobody", "Correct-1-horse");
            while !over.load(Ordering::Relaxed) {
                statuses.push(connection.send(&bytes).expect("an answer").status);
                if statuses.last() == Some(&429) {
                    let _ = crowded.send(());
                }
            }
            statuses
        };
        let floods: Vec<_> = (0..24).map(|_| scope.spawn(flood)).collect();
        let first = seen.recv_timeout(Duration::from_secs(60));
        let replies: Vec<_> = (0..40).map(|_| describe(&rest)).collect();
        over.store(true, Ordering::Relaxed);
        first.expect("a log-in that finds no place");
        for (request, reply) in replies.iter().enumerate() {
            assert_eq!(reply.status, 200, "{request}: {}", String::from_utf8_lossy(&reply.body));
        }
        floods.into_iter().flat_map(|flood| flood.join().expect("no panic")).collect()
    });
    assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&401) && statuses.contains(&429), "those who log in have places of their own");
}

#[test]
fn a_locked_user_is_refused_as_one_who_is_not_there() {
    let (place, address) = place("");
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let user = json!({ "user": { "name": "ann", "password": "Correct-1-horse", "domain_id": "" } });
    let domain = rest.send(&rest.signed("GET", "/v3/auth/domains", b"")).expect("an answer").done();
    let mut user = user;
    user["user"]["domain_id"] = domain["domains"][0]["id"].clone();
    let made = rest.signed("POST", "/v3.0/OS-USER/users", user.to_string().as_bytes());
    rest.send(&made).expect("an answer").done();
    let log_in = |name: &str, password: &str| {
        let reply = rest.send(&by_password(&rest, "acme", name, password)).expect("an answer");
        (reply.status, reply.body)
    };
    assert_eq!(log_in("ann", "Correct-1-horse").0, 201);
    let refused = log_in("nobody", "wrong");
    assert_eq!(refused.0, 401);
    for attempt in 0..8 {
        assert_eq!(log_in("ann", "wrong"), refused, "{attempt}");
        assert_eq!(log_in("nobody", "wrong"), refused, "{attempt}");
    }
    assert_eq!(log_in("ann", "Correct-1-horse"), refused, "locked");
    place.logs(&["WARN", "too many log-ins failed"]);
}

/// A password that another set opens nothing but its own change, which needs no key.
#[test]
fn a_user_with_a_temporary_password_changes_it_and_logs_in() {
    let (place, address) = place("");
    let _daemon = place.start();
    let rest = Rest::new_account(&place, address, "acme");
    let domains = rest.send(&rest.signed("GET", "/v3/auth/domains", b"")).expect("an answer").done();
    let user = json!({ "name": "ann", "password": "Correct-1-horse", "pwd_status": false,
        "domain_id": domains["domains"][0]["id"] });
    let new = json!({ "user": user }).to_string();
    let ann =
        rest.send(&rest.signed("POST", "/v3.0/OS-USER/users", new.as_bytes())).expect("an answer").done();
    let ann = ann["user"]["id"].as_str().expect("an id").to_owned();
    let log_in = |password: &str| rest.send(&by_password(&rest, "acme", "ann", password)).expect("an answer");
    let due = log_in("Correct-1-horse");
    assert_eq!(due.status, 401);
    assert!(due.json().to_string().contains(&ann), "it says whose is to be changed: {}", due.json());
    let change = |id: &str, old: &str, new: &str| {
        let body = json!({ "user": { "original_password": old, "password": new } });
        let reply =
            rest.send(&unsigned(&rest, &format!("/v3/users/{id}/password"), &body)).expect("an answer");
        (reply.status, reply.body)
    };
    let refused = change("0", "Correct-1-horse", "Battery-2-staple");
    assert_eq!(refused.0, 401);
    assert_eq!(change(&ann, "wrong", "Battery-2-staple"), refused);
    assert_eq!(change(&ann, "Correct-1-horse", "Battery-2-staple").0, 204);
    assert_eq!(log_in("Battery-2-staple").status, 201);
    assert_eq!(
        change(&ann, "Battery-2-staple", "Another-3-staple"),
        refused,
        "one that is good is the user's own matter"
    );
}
