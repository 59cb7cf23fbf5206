//! Brute force of a PIN loses, whichever PIN it is: by connections at the same time, by `kill -9` between the try and
//! its outcome, and by putting an old store back.

use std::fs;
use std::thread;
use std::time::Duration;

use conformance::module::Module;
use conformance::names::Rv;
use conformance::session::Session;
use cryptoki_sys as ck;
use tests::{Daemon, PIN, Place, Random, SO_PIN};
use wire::admin::user::{Ask as Users, Told as Answer};
use wire::admin::{Ask, Role, Told};

/// Wrong tries that lock a PIN.
const LIMIT: u8 = 10;
/// A PIN's check takes a while, so that a kill comes in the middle of one.
const SLOW: &str = "[pins]\nmemory = 65536\npasses = 2\n";
const NAME: &str = "web-1";
const WRONG: &str = "no PIN of theirs";

/// Whose PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    So,
    User,
    Named,
}

impl Whose {
    const ALL: [Self; 3] = [Self::So, Self::User, Self::Named];

    fn try_pin(self, session: &Session, pin: &str) -> Rv {
        match self {
            Self::So => session.login(ck::CKU_SO, pin),
            Self::User => session.login(ck::CKU_USER, pin),
            Self::Named => session.login_user(ck::CKU_USER, pin, NAME),
        }
    }

    const fn right(self) -> &'static str {
        match self {
            Self::So => SO_PIN,
            Self::User | Self::Named => PIN,
        }
    }

    /// Wrong tries that are counted.
    fn counted(self, daemon: &Daemon<'_>) -> u8 {
        let shown = daemon.show("guarded");
        match self {
            Self::So => shown.so_pin_failures,
            Self::User => shown.user_pin_failures,
            Self::Named => match daemon.ask(&Ask::User(Users::List { partition: "guarded".into() })) {
                Told::User(Answer::Users(users)) => {
                    users.iter().find(|user| user.name == NAME).expect("a named user").pin_failures
                }
                other => panic!("{other:?}"),
            },
        }
    }
}

/// A place with one partition that has all three PINs.
fn place(more: &str) -> Place {
    let place = Place::new(more);
    let daemon = place.start();
    daemon.partition("guarded", "standard");
    let add = Users::Add {
        partition: "guarded".into(),
        name: NAME.into(),
        role: Role::CryptoUser,
        pin: PIN.as_bytes().into(),
    };
    assert!(matches!(daemon.ask(&Ask::User(add)), Told::User(_)));
    daemon.stop();
    place
}

fn session(module: &'static Module) -> Session {
    Session::open(module, module.slot_of("guarded").expect("the partition")).expect("a session")
}

/// One try of one more application.
fn one_try(place: &Place, whose: Whose, pin: &str) -> Rv {
    whose.try_pin(&session(place.application()), pin)
}

#[test]
fn connections_at_the_same_time_have_the_tries_of_one() {
    const APPLICATIONS: usize = 6;
    const TRIES: usize = 5;
    let place = place("");
    let daemon = place.start();
    for whose in Whose::ALL {
        let modules: Vec<_> = (0..APPLICATIONS).map(|_| place.application()).collect();
        let answers: Vec<Rv> = thread::scope(|scope| {
            let tries = |module| {
                scope.spawn(move || {
                    let session = session(module);
                    (0..TRIES).map(|_| whose.try_pin(&session, WRONG)).collect::<Vec<_>>()
                })
            };
            let threads: Vec<_> = modules.into_iter().map(tries).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no thread fails")).collect()
        });
        let wrong = answers.iter().filter(|rv| **rv == Rv(ck::CKR_PIN_INCORRECT)).count();
        let locked = answers.iter().filter(|rv| **rv == Rv(ck::CKR_PIN_LOCKED)).count();
        // The last of the tries says that the PIN is locked.
        assert_eq!((wrong, wrong + locked), (usize::from(LIMIT) - 1, APPLICATIONS * TRIES), "{whose:?}");
        assert_eq!(whose.counted(&daemon), LIMIT, "{whose:?}");
        assert_eq!(one_try(&place, whose, whose.right()), Rv(ck::CKR_PIN_LOCKED), "{whose:?}");
    }
    daemon.kill();
    let _daemon = place.start();
    for whose in Whose::ALL {
        assert_eq!(one_try(&place, whose, whose.right()), Rv(ck::CKR_PIN_LOCKED), "{whose:?}");
    }
}

/// The most time that a kill waits after a try began.
const LONGEST: Duration = Duration::from_millis(250);

#[test]
fn whoever_kills_the_daemon_between_the_try_and_its_outcome_has_used_the_try_up() {
    let place = place(SLOW);
    let mut random = Random::of(Random::seed("CLAVIGER_TRIES_SEED"));
    for whose in Whose::ALL {
        let (mut told, mut counted, mut cut_off) = (0, 0, 0);
        // Within which time the kill comes: sooner after each answer, later where nothing had begun.
        let (mut within, mut answered) = (LONGEST, true);
        for round in 0.. {
            assert!(round < 200, "{whose:?} is not locked by {counted} tries");
            let daemon = place.start();
            let now = whose.counted(&daemon);
            assert!(now >= counted, "{whose:?}: {counted} tries were counted, and now {now}");
            if now > counted {
                cut_off += 1;
            } else if !answered {
                within = (within * 3 / 2).min(LONGEST);
            }
            counted = now;
            if counted == LIMIT {
                break;
            }
            let module = place.application();
            let session = session(module);
            let answer = thread::scope(|scope| {
                let try_ = scope.spawn(|| whose.try_pin(&session, WRONG));
                thread::sleep(random.time(within));
                daemon.kill();
                try_.join().expect("no thread fails")
            });
            answered = [Rv(ck::CKR_PIN_INCORRECT), Rv(ck::CKR_PIN_LOCKED)].contains(&answer);
            if answered {
                told += 1;
                counted += 1;
                within = within * 2 / 3;
            }
        }
        println!("{whose:?}: {told} tries were answered, {cut_off} cut off and counted all the same");
        assert!(told + cut_off <= LIMIT, "{whose:?}: {told} answers, {cut_off} without");
        assert!(cut_off > 0, "{whose:?}: no kill came between a try and its answer");
        let daemon = place.start();
        assert_eq!(one_try(&place, whose, whose.right()), Rv(ck::CKR_PIN_LOCKED), "{whose:?}");
        daemon.kill();
    }
}

#[test]
fn an_old_store_brings_no_try_back() {
    let place = place("");
    for whose in Whose::ALL {
        let fresh = fs::read(place.store()).unwrap();
        let daemon = place.start();
        let session = session(place.application());
        let answers: Vec<_> = (0..LIMIT).map(|_| whose.try_pin(&session, WRONG)).collect();
        assert_eq!(answers.last(), Some(&Rv(ck::CKR_PIN_LOCKED)), "{whose:?}");
        daemon.stop();
        let locked = fs::read(place.store()).unwrap();

        fs::write(place.store(), &fresh).unwrap();
        let said = place.hsmd(&[]).fails().text();
        assert!(said.contains("an older copy of the store was put back"), "{whose:?}: {said}");

        fs::write(place.store(), &locked).unwrap();
        let daemon = place.start();
        assert_eq!(whose.counted(&daemon), LIMIT, "{whose:?}");
        assert_eq!(one_try(&place, whose, whose.right()), Rv(ck::CKR_PIN_LOCKED), "{whose:?}");
        daemon.stop();
    }
}
