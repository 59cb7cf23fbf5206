//! The audit log of a daemon that is killed in the middle of its work: nothing that was acknowledged lacks its
//! record, and nothing is recorded twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use audit::Outcome;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{PIN, Place};

/// How often the daemon is killed.
const KILLS: usize = 20;
/// Applications that work at once.
const WORKERS: usize = 3;

fn data(label: &str) -> Template {
    Template::new()
        .ulong(ck::CKA_CLASS, ck::CKO_DATA)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, label.as_bytes())
        .bytes(ck::CKA_VALUE, b"value")
}

/// Makes and destroys objects until a call fails. Gives what was acknowledged: each label, and whether its object
/// was destroyed again.
fn work(session: &Session, name: &str, over: &AtomicBool) -> BTreeMap<String, bool> {
    let mut done = BTreeMap::new();
    for number in 0.. {
        let label = format!("{name}-{number}");
        let Ok(object) = session.create(&data(&label)) else { break };
        done.insert(label.clone(), false);
        if number % 3 == 0 {
            if session.destroy(object).ok().is_err() {
                break;
            }
            done.insert(label, true);
        }
    }
    assert!(over.load(Ordering::SeqCst), "{name}: a call failed on a living daemon");
    done
}

#[test]
fn what_was_acknowledged_is_recorded_exactly_once_however_often_the_daemon_is_killed() {
    let place = Place::new("[audit]\nsegment_bytes = 65536\n");
    let mut daemon = place.start();
    daemon.partition("work", "standard");
    let (mut made, mut destroyed) = (BTreeSet::new(), BTreeSet::new());
    let modules: Vec<_> = (0..WORKERS).map(|_| place.application()).collect();
    let slot = modules[0].slot_of("work").unwrap();
    for round in 0..KILLS {
        let over = AtomicBool::new(false);
        let done: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = modules
                .iter()
                .enumerate()
                .map(|(worker, module)| {
                    let session = Session::open(module, slot).expect("a session");
                    session.login(ck::CKU_USER, PIN).ok().expect("C_Login");
                    let over = &over;
                    scope.spawn(move || work(&session, &format!("{round}-{worker}"), over))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(30 + 23 * (round as u64 % 7)));
            over.store(true, Ordering::SeqCst);
            daemon.kill();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        for (label, gone) in done.into_iter().flatten() {
            if gone {
                destroyed.insert(label.clone());
            }
            made.insert(label);
        }
        daemon = place.start();
    }
    daemon.stop();

    let all = place.verified();
    let mut numbers = BTreeSet::new();
    for record in all.iter().filter(|record| record.commit > 0) {
        assert!(numbers.insert(record.commit), "note {} is recorded twice", record.commit);
    }
    let last = numbers.last().copied().unwrap_or(0);
    assert_eq!(numbers.len() as u64, last, "notes {last} were given, and some are not in the log");
    for (action, acknowledged) in [("create", &made), ("destroy", &destroyed)] {
        let mut recorded = BTreeSet::new();
        for record in all.iter().filter(|record| record.action.as_str() == action) {
            if record.outcome == Outcome::Done {
                let label = record.object.as_ref().map(|object| object.label.as_str().to_owned());
                assert!(recorded.insert(label.clone().unwrap()), "{action} of {label:?} is recorded twice");
            }
        }
        let lacking: Vec<_> = acknowledged.difference(&recorded).collect();
        assert!(lacking.is_empty(), "{action} of {lacking:?} was acknowledged and is not recorded");
    }
    println!("{} objects made, {} destroyed, {} records", made.len(), destroyed.len(), all.len());
    assert!(made.len() > KILLS, "there was too little work to prove anything: {}", made.len());
}
