//! `export`: which of several objects of one name is meant, and where the PIN is read from.

#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared by test programs that use part of it each"
)]
mod common;

use common::{FakeDaemon, object, text};
use wire::List;
use wire::admin::import::{Ask as Exports, Public, Told as Exported};
use wire::admin::{Ask, Object, Told};

/// A daemon with a pair and its certificate of one name, two pairs of another, and a wrapping key.
fn daemon() -> FakeDaemon {
    let named = |number: u64, class: &str, label: &str| Object {
        class: format!("CKO_{class}"),
        label: label.into(),
        private: class.starts_with("PRIVATE"),
        ..object(number)
    };
    let all = [
        named(1, "PRIVATE_KEY", "server"),
        named(2, "CERTIFICATE", "server"),
        named(3, "PUBLIC_KEY", "server"),
        named(4, "PRIVATE_KEY", "twice"),
        named(5, "PUBLIC_KEY", "twice"),
        named(6, "PUBLIC_KEY", "twice"),
        named(7, "SECRET_KEY", "kek"),
        named(8, "SECRET_KEY", "server key"),
        named(9, "PRIVATE_KEY", "server key"),
        named(10, "PUBLIC_KEY", "server key"),
    ];
    FakeDaemon::start(move |ask| match ask {
        Ask::ObjectList { after, .. } => Told::Objects(
            List::new(all.iter().filter(|object| object.number > *after).cloned().collect()).unwrap(),
        ),
        Ask::Import(Exports::Public { .. }) => {
            let public = Public::Key { der: b"0".as_slice().into(), label: "server".into() };
            Told::Import(Exported::Public(public))
        }
        Ask::Import(Exports::Wrapped { .. }) => Told::Import(Exported::Wrapped(b"blob".as_slice().into())),
        other => Told::Failed { reason: format!("the stand-in does not know {other:?}") },
    })
}

#[test]
fn of_a_pair_and_its_certificate_the_public_key_is_exported_and_the_private_one_wrapped() {
    let daemon = daemon();
    let out = daemon.run(&["export", "public", "payments", "server", "--form", "der"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let out =
        daemon.run(&["export", "public", "payments", "server", "--class", "certificate", "--form", "der"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let (pin, to) = (daemon.file("pin", "1234\n"), daemon.dir.path().join("blob"));
    let words = ["export", "wrapped", "payments", "server", "--under", "kek", "--pin-file", &pin, "--out"];
    let out = daemon.run(&[&words[..], &[to.to_str().unwrap()]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let asked: Vec<_> = daemon
        .asked()
        .into_iter()
        .filter_map(|ask| match ask {
            Ask::Import(Exports::Public { number, .. }) => Some((number, 0)),
            Ask::Import(Exports::Wrapped { number, under, pin, .. }) => {
                assert_eq!(*pin, *b"1234");
                Some((number, under))
            }
            _ => None,
        })
        .collect();
    assert_eq!(asked, [(3, 0), (2, 0), (1, 7)]);
}

#[test]
fn of_two_pairs_of_one_name_the_public_keys_are_told_to_choose_from() {
    let out = daemon().run(&["export", "public", "payments", "twice"]);
    assert_eq!(out.status.code(), Some(1));
    let told = text(&out.stderr);
    assert!(told.contains("2 objects") && told.contains("unique-5") && told.contains("unique-6"), "{told}");
    assert!(!told.contains("unique-4"), "{told}");
}

#[test]
fn of_a_secret_and_a_private_key_of_one_name_neither_is_wrapped_and_neither_wraps() {
    let daemon = daemon();
    let (pin, to) = (daemon.file("pin", "1234\n"), daemon.dir.path().join("blob"));
    let wrapped = |words: &[&str]| {
        let fixed = ["export", "wrapped", "payments", "--pin-file", &pin, "--out", to.to_str().unwrap()];
        daemon.run(&[&fixed[..], words].concat())
    };
    for (words, option, numbers) in [
        (["server key", "--under", "kek"], "(--class)", ["unique-8", "unique-9"]),
        (["server", "--under", "server key"], "(--under-class)", ["unique-8", "unique-10"]),
    ] {
        let out = wrapped(&words);
        assert_eq!(out.status.code(), Some(1));
        let told = text(&out.stderr);
        assert!(told.contains(option) && numbers.iter().all(|number| told.contains(number)), "{told}");
    }
    assert!(!daemon.asked().iter().any(|ask| matches!(ask, Ask::Import(_))), "nothing is wrapped");
    let words = ["server key", "--class", "private", "--under", "server key", "--under-class", "public"];
    let out = wrapped(&words);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let asked = daemon.asked();
    assert!(matches!(asked.last(), Some(Ask::Import(Exports::Wrapped { number: 9, under: 10, .. }))));
}
