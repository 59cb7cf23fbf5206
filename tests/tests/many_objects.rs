//! A token with many objects: all are there after a restart, and the log says how long that took.

use std::thread;
use std::time::Instant;

use conformance::template::Template;
use cryptoki_sys as ck;
use tests::Place;

const OBJECTS: usize = 10_000;
/// Threads that create together, so that one commit serves several.
const THREADS: usize = 16;

#[test]
fn ten_thousand_token_objects_are_there_after_a_restart() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("full", "standard");
    let session = place.user("full");
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let session =
                    conformance::session::Session::open(session.module, session.info().unwrap().slotID);
                let session = session.unwrap();
                for number in (thread..OBJECTS).step_by(THREADS) {
                    session.create(&key(number)).unwrap();
                }
            });
        }
    });
    println!("{OBJECTS} objects in {:?}", began.elapsed());
    daemon.stop();

    let from = place.log().len();
    let daemon = place.start();
    let opened = place.logs_after(from, &["the HSM is open", &format!("objects={OBJECTS}"), "took="]);
    let took = opened.split("took=").nth(1).unwrap_or_default();
    println!("the daemon opened with {OBJECTS} objects in {took}");
    let session = place.user("full");
    assert_eq!(session.find(&Template::new()).unwrap().len(), OBJECTS);
    for number in [0, 1, OBJECTS / 2, OBJECTS - 1] {
        let found = session.find(&Template::new().bytes(ck::CKA_LABEL, label(number).as_bytes())).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(session.get(found[0], ck::CKA_ID).unwrap(), number.to_be_bytes());
    }
    drop(daemon);
}

fn label(number: usize) -> String {
    format!("key number {number}")
}

fn key(number: usize) -> Template {
    let mut value = [0x5a; 32];
    value[..8].copy_from_slice(&number.to_be_bytes());
    Template::secret(ck::CKK_AES)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, label(number).as_bytes())
        .bytes(ck::CKA_ID, &number.to_be_bytes())
        .bytes(ck::CKA_VALUE, &value)
}
