//! Log-ins over the wire: what somebody who is nobody learns from them, and whom they keep waiting.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
    let statuses: Vec<u16> = thread::scope(|scope| {
        let flood = || {
            let mut statuses = Vec::new();
            let mut connection = rest.connect().expect("a connection");
            let bytes = by_password(&rest, "acme", "nobody", "Correct-1-horse");
            while !over.load(Ordering::Relaxed) {
                statuses.push(connection.send(&bytes).expect("an answer").status);
            }
            statuses
        };
        let floods: Vec<_> = (0..24).map(|_| scope.spawn(flood)).collect();
        for request in 0..40 {
            let reply = describe(&rest);
            assert_eq!(reply.status, 200, "{request}: {}", String::from_utf8_lossy(&reply.body));
        }
        over.store(true, Ordering::Relaxed);
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
