//! Starting and stopping: configuration, root key, store, sockets, signals.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};

use crate::common::{Client, Place, USER_PIN, copy};
use wire::admin::{Ask, Told};
use wire::calls::object::{CreateObject, DestroyObject};
use wire::calls::random::GenerateRandom;
use wire::calls::session::Login;
use wire::calls::slot::GetTokenInfo;
use wire::template::AttributeValue;
use wire::{Attribute, AttributeType, List, Rv, Slice, Template};

#[test]
fn a_daemon_serves_stops_on_a_signal_and_goes_on_where_it_was() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("first");
    let mut client = daemon.client();
    let session = client.session(slot);
    assert_eq!(client.call(&GenerateRandom { session, len: 16 }).unwrap().len(), 16);
    assert!(daemon.stop().success());
    assert!(!place.path("hsmd.sock").exists() && !place.path("admin.sock").exists());
    assert!(client.try_call(&GenerateRandom { session, len: 16 }).is_err());

    let daemon = place.start();
    let mut client = daemon.client();
    assert_eq!(client.call(&GetTokenInfo { slot }).unwrap().label, "first");
    let stale = client.call(&GenerateRandom { session, len: 16 });
    assert_eq!(stale.unwrap_err(), Rv::SESSION_HANDLE_INVALID);
}

#[test]
fn after_kill_9_the_socket_is_replaced_and_all_is_there() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("kept");
    daemon.kill();
    assert!(place.path("hsmd.sock").exists());
    let daemon = place.start();
    assert_eq!(daemon.client().call(&GetTokenInfo { slot }).unwrap().label, "kept");
}

#[test]
fn a_second_daemon_on_the_same_store_is_refused_and_the_first_undisturbed() {
    let place = Place::new("");
    let daemon = place.start();
    let second = place.run(&[]);
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains(&format!("another hsmd (process {})", daemon.pid())), "{message}");
    daemon.client();
}

#[test]
fn a_socket_where_somebody_else_listens_is_left_alone() {
    let place = Place::new("");
    let _other = UnixListener::bind(place.path("hsmd.sock")).unwrap();
    let refused = place.run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("another hsmd listens there"));
    assert!(place.path("hsmd.sock").exists());
}

#[test]
fn a_bad_configuration_is_refused_with_file_and_line() {
    let place = Place::new("");
    assert!(place.run(&["--check-config"]).status.success());
    let config = fs::read_to_string(place.config()).unwrap();
    fs::write(place.config(), config.replace("memory = 8", "memroy = 8")).unwrap();
    for arguments in [&["--check-config"][..], &[]] {
        let refused = place.run(arguments);
        assert_eq!(refused.status.code(), Some(2));
        let message = String::from_utf8(refused.stderr).unwrap();
        assert!(message.contains("hsmd.toml:") && message.contains("memroy") && message.contains("`memory`"));
    }
}

#[test]
fn a_root_key_file_is_never_made_over_another() {
    let place = Place::new("");
    let key = fs::read(place.path("root.key")).unwrap();
    assert_eq!(place.run(&["--make-root-key"]).status.code(), Some(1));
    assert_eq!(fs::read(place.path("root.key")).unwrap(), key);
}

#[test]
fn without_its_root_key_the_daemon_runs_sealed_and_every_call_says_so() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("waiting");
    assert!(daemon.stop().success());
    fs::set_permissions(place.path("root.key"), fs::Permissions::from_mode(0o644)).unwrap();

    let daemon = place.start();
    let (rv, reason) = Client::over(daemon.raw(), None).err().unwrap();
    assert_eq!(rv, Rv::DEVICE_ERROR);
    assert!(reason.contains("sealed") && reason.contains("0644"), "{reason}");
    daemon.logs("hsmd is sealed");
    assert!(matches!(daemon.ask(&Ask::Status), Told::Status(status) if status.sealed));
    let refused = daemon.ask(&Ask::PartitionList);
    assert!(matches!(&refused, Told::Failed { reason } if reason.contains("sealed")), "{refused:?}");

    // Once the key is as it should be, unsealing needs no restart.
    fs::set_permissions(place.path("root.key"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(daemon.ask(&Ask::Unseal { passphrase: Vec::new().into() }), Told::Done);
    assert_eq!(daemon.client().call(&GetTokenInfo { slot }).unwrap().label, "waiting");
}

#[test]
fn a_passphrase_unseals_the_daemon_and_a_wrong_one_does_not() {
    let place = Place::without_root_key("[root_key]\npassphrase = true\n");
    let unseal = |passphrase: &str| Ask::Unseal { passphrase: passphrase.as_bytes().into() };
    let daemon = place.start();
    assert!(Client::over(daemon.raw(), None).is_err());
    assert!(matches!(daemon.ask(&unseal("short")), Told::Failed { reason } if reason.contains("8 bytes")));
    assert_eq!(daemon.ask(&unseal("correct horse")), Told::Done);
    let slot = daemon.partition("secret");
    assert!(matches!(daemon.ask(&unseal("correct horse")), Told::Failed { .. }));
    daemon.kill();

    let daemon = place.start();
    assert!(Client::over(daemon.raw(), None).is_err());
    let refused = daemon.ask(&unseal("wrong horse"));
    assert!(matches!(&refused, Told::Failed { reason } if reason.contains("not the one")), "{refused:?}");
    assert!(Client::over(daemon.raw(), None).is_err());
    assert_eq!(daemon.ask(&unseal("correct horse")), Told::Done);
    assert_eq!(daemon.client().call(&GetTokenInfo { slot }).unwrap().label, "secret");
    assert!(!place.log().contains("horse"));
}

#[test]
fn another_root_key_is_refused_in_words() {
    let place = Place::new("");
    assert!(place.start().stop().success());
    fs::remove_file(place.path("root.key")).unwrap();
    assert!(place.run(&["--make-root-key"]).status.success());
    let refused = place.run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("the root key is not the one that this store was made with"), "{message}");
}

#[test]
fn yesterdays_store_is_refused_and_can_be_trusted_on_purpose() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("before");
    assert!(daemon.stop().success());
    copy(&place.path("store"), &place.path("yesterday"));
    let daemon = place.start();
    let slot = daemon.partition("after");
    assert!(daemon.stop().success());
    fs::remove_dir_all(place.path("store")).unwrap();
    copy(&place.path("yesterday"), &place.path("store"));

    let refused = place.run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("an older copy of the store was put back"), "{message}");

    let daemon = place.start_with(|command| command.arg("--trust-store"));
    assert_eq!(daemon.client().call(&GetTokenInfo { slot }).unwrap_err(), Rv::SLOT_ID_INVALID);
    assert!(daemon.stop().success());
    place.start();
}

#[test]
fn a_lost_anchor_is_named_with_what_to_do() {
    let place = Place::new("");
    assert!(place.start().stop().success());
    fs::remove_dir_all(place.path("anchor")).unwrap();
    let message = String::from_utf8(place.run(&[]).stderr).unwrap();
    assert!(message.contains("the anchor is missing") && message.contains("--trust-store"), "{message}");
}

#[test]
fn a_read_only_store_serves_and_refuses_changes() {
    let place = Place::new("");
    let daemon = place.start();
    let slot = daemon.partition("fixed");
    assert!(daemon.stop().success());
    let config = fs::read_to_string(place.config()).unwrap();
    fs::write(place.config(), config.replace("[store]\n", "[store]\nread_only = true\n")).unwrap();
    let daemon = place.start();
    daemon.logs("is read-only: nothing can be changed");
    let mut client = daemon.client();
    assert_eq!(client.call(&GetTokenInfo { slot }).unwrap().label, "fixed");
    let session = client.session(slot);
    let created = client.call(&CreateObject { session, template: data(&[1; 10]) });
    assert_eq!(created.unwrap_err(), Rv::TOKEN_WRITE_PROTECTED);
    // A try that cannot be counted is not made.
    let login = Login { session, user: 1, pin: Some(Slice(USER_PIN)) };
    assert_eq!(client.call(&login).unwrap_err(), Rv::TOKEN_WRITE_PROTECTED);
    daemon.logs("CKR_TOKEN_WRITE_PROTECTED");
    let refused = daemon.ask(&Ask::PartitionRename { partition: "fixed".into(), label: "other".into() });
    assert!(matches!(&refused, Told::Failed { reason } if reason.contains("read-only")), "{refused:?}");
}

#[test]
fn a_full_store_says_so_and_goes_on_when_objects_are_destroyed() {
    let place = Place::new("[limits]\nbytes = 16777216\n");
    let daemon = place.start();
    let slot = daemon.partition("full");
    let mut client = daemon.client();
    let session = client.session(slot);
    let large = CreateObject { session, template: data(&[7; 1 << 20]) };
    let mut made = Vec::new();
    let refused = loop {
        match client.call(&large) {
            Ok(object) => made.push(object),
            Err(rv) => break rv,
        }
    };
    assert_eq!(refused, Rv::DEVICE_MEMORY);
    assert!((1..16).contains(&made.len()));
    daemon.logs("the store is full");
    for object in &made {
        client.call(&DestroyObject { session, object: *object }).unwrap();
    }
    client.call(&large).unwrap();
    drop(client);
    daemon.kill();
    let daemon = place.start();
    assert!(matches!(daemon.ask(&Ask::Status), Told::Status(status) if status.objects == 1));
}

/// A template of a public data object of the token.
fn data(value: &[u8]) -> Template {
    let attribute = |kind, value: &[u8]| Attribute {
        kind: AttributeType(kind),
        value: AttributeValue::Bytes(value.into()),
    };
    let class = attribute(0, &0_u64.to_le_bytes());
    let (token, private) = (attribute(1, &[1]), attribute(2, &[0]));
    List::new(vec![class, token, private, attribute(0x11, value)]).unwrap()
}

#[test]
fn the_service_manager_is_told_when_the_daemon_is_ready() {
    let place = Place::new("");
    let manager = UnixDatagram::bind(place.path("notify")).unwrap();
    let daemon = place.start_with(|command| command.env("NOTIFY_SOCKET", place.path("notify")));
    let mut told = [0; 100];
    let len = manager.recv(&mut told).unwrap();
    assert!(told[..len].starts_with(b"READY=1\n"));
    assert!(daemon.stop().success());
    let len = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..len], b"STOPPING=1");
}

/// Requirement: DHSM-030
#[test]
fn a_self_test_that_fails_stops_the_start_and_the_document_names_every_test() {
    let place = Place::new("");
    for test in crypto::self_test::TESTS {
        let ended = place.run_with_fault(test.name);
        assert_eq!(ended.status.code(), Some(1), "{}", test.name);
        let message = String::from_utf8(ended.stderr).unwrap();
        assert!(message.contains(&format!("the self-test of {} failed", test.name)), "{message}");
        assert!(!place.path("hsmd.sock").exists());
    }
    place.start().client();
    let document = include_str!("../../../SECURITY.md");
    let section = document.split("## Self-tests and FIPS 140").nth(1).unwrap().split("\n## ").next().unwrap();
    for said in ["FIPS 140-2 Level 3 certifies hardware", "does not claim it", "software boundary"] {
        assert!(section.contains(said), "{said}");
    }
    let (_, tested) = section.split_once("Tested are ").unwrap();
    let (tested, _) = tested.split_once(". Not tested").unwrap();
    let named: Vec<&str> = tested
        .split(',')
        .flat_map(|part| part.split(" and "))
        .map(|name| name.trim().trim_end_matches(" (a verification)"))
        .collect();
    let run: Vec<&str> = crypto::self_test::TESTS.iter().map(|test| test.name).collect();
    assert_eq!(named, run);
}
