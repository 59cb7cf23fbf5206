//! New keys for everything while the HSM serves, and with `kill -9` in the middle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use conformance::mechanism::Mechanism;
use conformance::module::Module;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{PIN, Place};

/// Threads that create together, so that one commit serves several.
const THREADS: usize = 16;

/// How many objects: by hand `CLAVIGER_REKEY_OBJECTS=100000`.
fn objects() -> usize {
    std::env::var("CLAVIGER_REKEY_OBJECTS").ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

fn object(number: usize) -> Template {
    Template::new()
        .ulong(ck::CKA_CLASS, ck::CKO_DATA)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, format!("object {number}").as_bytes())
        .bytes(ck::CKA_VALUE, &number.to_be_bytes())
}

/// A partition with many objects.
fn fill(place: &Place, count: usize) -> Session {
    let session = place.user("full");
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (module, slot) = (session.module, session.info().unwrap().slotID);
            scope.spawn(move || {
                let session = Session::open(module, slot).unwrap();
                for number in (thread..count).step_by(THREADS) {
                    session.create(&object(number)).unwrap();
                }
            });
        }
    });
    println!("{count} objects in {:?}", began.elapsed());
    session
}

fn all_are_there(session: &Session, count: usize) {
    let data = Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA);
    assert_eq!(session.find(&data).unwrap().len(), count);
    for number in [0, 1, count / 3, count / 2, count - 1] {
        let label = format!("object {number}");
        let found = session.find(&Template::new().bytes(ck::CKA_LABEL, label.as_bytes())).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(session.get(found[0], ck::CKA_VALUE).unwrap(), number.to_be_bytes());
    }
}

fn key_pair(session: &Session) -> ck::CK_OBJECT_HANDLE {
    let p256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let public = Template::new().bytes(ck::CKA_EC_PARAMS, &p256).bool(ck::CKA_TOKEN, true);
    let private = Template::new().bool(ck::CKA_TOKEN, true).bool(ck::CKA_SIGN, true);
    session.generate_pair(&Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap().1
}

fn p99(times: &mut [Duration]) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// Signs and writes until told to stop; gives how long each took.
fn use_it(
    module: &'static Module,
    slot: u64,
    key: ck::CK_OBJECT_HANDLE,
    stop: &AtomicBool,
) -> [Vec<Duration>; 2] {
    let session = Session::open(module, slot).unwrap();
    let mine = session.create(&object(1_000_000)).unwrap();
    let (mut signing, mut writing) = (Vec::new(), Vec::new());
    let mut round = 0_u64;
    while !stop.load(Ordering::Acquire) || round < 10 {
        round += 1;
        let began = Instant::now();
        session.sign(&Mechanism::plain(ck::CKM_ECDSA), key, &[7; 32]).expect("a signature");
        signing.push(began.elapsed());
        if round.is_multiple_of(10) {
            let began = Instant::now();
            let changed = session.set(mine, &Template::new().bytes(ck::CKA_VALUE, &round.to_be_bytes()));
            changed.ok().expect("a change");
            writing.push(began.elapsed());
        }
    }
    session.destroy(mine).ok().expect("destroyed");
    [signing, writing]
}

#[test]
fn everything_is_sealed_anew_while_a_client_signs_without_an_error() {
    let count = objects();
    let place = Place::new(&format!("[limits]\nobjects = {}\n", count + 100));
    let daemon = place.start();
    daemon.partition("full", "standard");
    let session = fill(&place, count);
    let (key, slot) = (key_pair(&session), session.info().unwrap().slotID);
    let measure = |what: &str, during: &dyn Fn()| {
        let stop = AtomicBool::new(false);
        let [mut signing, mut writing] = thread::scope(|scope| {
            let user = scope.spawn(|| use_it(session.module, slot, key, &stop));
            during();
            stop.store(true, Ordering::Release);
            user.join().expect("a client without an error")
        });
        let signatures = signing.len();
        let ((s50, s99), (w50, w99)) = (p99(&mut signing), p99(&mut writing));
        println!(
            "{what}: {signatures} signatures, p50 {s50:?}, p99 {s99:?}; writes p50 {w50:?}, p99 {w99:?}"
        );
    };
    measure("before", &|| thread::sleep(Duration::from_secs(2)));
    let began = Instant::now();
    measure("while keys change", &|| place.admin("rekey").succeeds().says("new keys").done());
    println!("{count} objects under new keys in {:?}", began.elapsed());
    place.admin("rekey status").succeeds().says("No change").done();
    all_are_there(&session, count);
    daemon.kill();
    let daemon = place.start();
    all_are_there(&place.user("full"), count);
    drop(daemon);
}

#[test]
fn nothing_is_lost_by_kill_nine_in_the_middle() {
    let count = objects();
    let place = Place::new(&format!("[limits]\nobjects = {}\n", count + 100));
    let mut daemon = place.start();
    daemon.partition("full", "standard");
    fill(&place, count);
    let (mut in_the_middle, began) = (0, Instant::now());
    for round in 0..200_u64 {
        if in_the_middle == 10 {
            break;
        }
        // One that is done begins anew; one that a kill cut short goes on by itself.
        if !place.admin("rekey status").succeeds().text().contains("under the new keys") {
            place.admin("rekey --no-wait").succeeds().done();
        }
        thread::sleep(Duration::from_millis(round * 7 % 40));
        let status = place.admin("rekey status").succeeds();
        in_the_middle += u32::from(status.text().contains("under the new keys"));
        daemon.kill();
        daemon = place.start();
    }
    println!("killed in the middle {in_the_middle} times after {:?}", began.elapsed());
    assert_eq!(in_the_middle, 10, "how often it was killed in the middle");
    let until = Instant::now() + Duration::from_secs(120);
    while place.admin("rekey status").succeeds().text().contains("under the new keys") {
        assert!(Instant::now() < until, "it does not go on");
        thread::sleep(Duration::from_millis(50));
    }
    all_are_there(&place.user("full"), count);
    daemon.kill();
    let daemon = place.start();
    let session = place.user("full");
    all_are_there(&session, count);
    assert_eq!(session.login(ck::CKU_USER, PIN).0, ck::CKR_USER_ALREADY_LOGGED_IN);
    drop(daemon);
}
