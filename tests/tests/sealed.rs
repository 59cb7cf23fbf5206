//! A daemon whose root key comes from a passphrase: sealed at the start, and open once it was told.

use std::fs;

use conformance::names::Rv;
use conformance::session::Session;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{PIN, Place};

const PASSPHRASE: &str = "[root_key]\npassphrase = true\n";

/// Runs `hsm-admin unseal` with a passphrase.
fn unseal(place: &Place, passphrase: &str) -> tests::Run {
    let file = place.path("passphrase");
    fs::write(&file, passphrase).unwrap();
    let run = place.admin(&format!("unseal --passphrase-file {}", file.display()));
    fs::remove_file(file).unwrap();
    run
}

#[test]
fn a_sealed_daemon_says_so_to_every_caller_and_opens_with_its_passphrase() {
    let place = Place::new(PASSPHRASE);
    let daemon = place.start();
    place.logs(&["WARN", "hsmd is sealed", "hsm-admin unseal"]);
    unseal(&place, "correct horse battery staple\n").succeeds().done();
    daemon.partition("kept", "standard");
    let session = place.user("kept");
    let data = Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA).bool(ck::CKA_TOKEN, true);
    session.create(&data.bytes(ck::CKA_LABEL, b"kept as well")).unwrap();
    daemon.kill();

    let daemon = place.start();
    let from = place.log().len();
    // The module that had a session, and one that is new.
    let fresh = place.application();
    for module in [session.module, fresh] {
        assert_eq!(module.slots(true).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
        assert_eq!(module.slots(false).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
        assert_eq!(module.token_info(1).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
        assert_eq!(module.mechanisms(1).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
        assert_eq!(Session::open(module, 1).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
    }
    place.logs_after(from, &["WARN", "hsmd is sealed", "waits for its passphrase", "pid="]);
    let listed = place.admin("partition list").fails();
    assert!(listed.text().contains("sealed"), "{}", listed.story());
    place.admin("status").succeeds().says("sealed").done();

    let refused = unseal(&place, "wrong horse battery staple\n").fails();
    assert!(refused.text().contains("not the one"), "{}", refused.story());
    place.logs_after(from, &["WARN", "unseal", "not the one"]);
    assert_eq!(fresh.slots(true).err(), Some(Rv(ck::CKR_DEVICE_ERROR)), "a wrong passphrase opens nothing");

    unseal(&place, "correct horse battery staple\n").succeeds().done();
    let slot = fresh.slot_of("kept").unwrap();
    let session = Session::open(fresh, slot).unwrap();
    assert_eq!(session.login(ck::CKU_USER, PIN), Rv::OK);
    assert_eq!(session.find(&Template::new().bytes(ck::CKA_LABEL, b"kept as well")).unwrap().len(), 1);
    unseal(&place, "correct horse battery staple\n").fails().says("not sealed").done();
    assert!(!place.log().contains("horse"), "a passphrase is in the log");
    drop(daemon);
}

#[test]
fn what_was_asked_of_a_sealed_daemon_is_in_the_log_once_though_kill_9_came_between() {
    let place = Place::new(PASSPHRASE);
    let daemon = place.start();
    unseal(&place, "correct horse battery staple\n").succeeds().done();
    daemon.kill();

    let daemon = place.start();
    let spool = place.audit().join("sealed.spool");
    assert!(!spool.exists());
    unseal(&place, "first wrong horse\n").fails().done();
    unseal(&place, "second wrong horse\n").fails().done();
    daemon.kill();
    assert!(spool.exists());
    let daemon = place.start();
    unseal(&place, "third wrong horse\n").fails().done();
    unseal(&place, "correct horse battery staple\n").succeeds().done();
    assert!(!spool.exists(), "the log has it");
    daemon.kill();
    let daemon = place.start();
    unseal(&place, "correct horse battery staple\n").succeeds().done();
    daemon.stop();

    let records = place.verified();
    let failed: Vec<_> = records
        .iter()
        .filter(|record| record.action.as_str() == "unseal" && record.outcome != audit::Outcome::Done)
        .collect();
    let marks: Vec<_> = failed.iter().map(|record| record.details[0].clone()).collect();
    assert_eq!(marks.len(), 3, "{records:#?}");
    assert!(marks.iter().all(|(name, _)| name.as_str() == "while-sealed"), "{marks:?}");
    let of =
        |mark: &(audit::Text<32>, audit::Text<512>)| mark.1.as_str().split_once(' ').unwrap().0.to_owned();
    assert!(marks.iter().all(|mark| of(mark) == of(&marks[0])), "the second process went on: {marks:?}");
    assert!(failed.iter().all(|record| record.peer.is_some()), "it is known who asked");
    assert!(!records.iter().any(|record| record.action.as_str() == audit::record::CLOCK_SET_BACK));
}

#[test]
fn a_root_key_file_that_others_can_read_keeps_the_daemon_sealed_and_says_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("");
    fs::set_permissions(place.path("root.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let daemon = place.start();
    place.logs(&["WARN", "hsmd is sealed", "root.key", "0644", "expected 0600"]);
    assert_eq!(place.application().slots(true).err(), Some(Rv(ck::CKR_DEVICE_ERROR)));
    drop(daemon);
}
