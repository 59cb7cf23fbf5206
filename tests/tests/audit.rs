//! The audit log of a daemon that works: what each act leaves, how a cut log is noticed, and what a full disk stops.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use audit::{Class, Outcome};
use conformance::mechanism::Mechanism;
use conformance::names::Rv;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::trail::{records, segments, verify, words};
use tests::{Daemon, Disk, PIN, Place, Run};
use wire::admin::audit::{Ask as Audit, Told as Answer};
use wire::admin::{Ask, Told};

fn level(daemon: &Daemon<'_>, partition: &str, uses: &str) {
    let ask = Audit::SetUses { partition: partition.into(), uses: uses.into() };
    assert_eq!(daemon.ask(&Ask::Audit(ask)), Told::Audit(Answer::Uses(uses.into())));
}

fn tool(place: &Place, line: &str) -> Run {
    let mut command = Command::new("pkcs11-tool");
    command.env("CLAVIGER_SOCKET", place.path("hsmd.sock")).current_dir(place.path(""));
    command.arg("--module").arg(place.program("libclaviger.so")).args(["--token-label", "keys"]);
    Run::of(command.args(line.split_whitespace()))
}

#[test]
fn every_act_of_pkcs11_tool_leaves_its_record() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    level(&daemon, "keys", "all");
    fs::write(place.path("data"), b"data").unwrap();
    tool(&place, &format!("--login --pin {PIN} --keypairgen --key-type EC:prime256v1 --label pair --id 01"))
        .succeeds()
        .done();
    let sign = format!("--login --pin {PIN} --sign -m ECDSA-SHA256 --id 01 -i data -o signature");
    tool(&place, &sign).succeeds().done();
    tool(&place, "--login --pin 00000000 --list-objects").fails().done();
    tool(&place, &format!("--login --pin {PIN} --delete-object --type privkey --id 01")).succeeds().done();
    tool(&place, &format!("--login --pin {PIN} --change-pin --new-pin 87654321")).succeeds().done();
    daemon.stop();

    let all = place.verified();
    let at = all.iter().position(|record| record.action.as_str() == "audit set-level").unwrap();
    let said: Vec<_> = all.iter().skip(at + 1).map(words).collect();
    let login = ["USER count a try", "USER login"];
    let expected = [
        &login[..],
        &["USER generate", "USER generate", "USER logout"],
        &login,
        &["USER sign", "USER logout"],
        &["USER count a try", "USER login CKR_PIN_INCORRECT"],
        &login,
        &["USER destroy", "USER logout"],
        &login,
        &["USER count a try", "USER change a PIN", "USER logout"],
        &["stop"],
    ]
    .concat();
    let logouts = |lines: &[&str]| -> Vec<String> {
        lines.iter().filter(|line| **line != "USER logout").map(ToString::to_string).collect()
    };
    // Whether the tool logs out before it ends is its own affair.
    let lines: Vec<_> = said.iter().map(String::as_str).collect();
    assert_eq!(logouts(&lines), logouts(&expected));

    let sign = all.iter().find(|record| record.action.as_str() == "sign").unwrap();
    assert_eq!((sign.class, sign.mechanism.as_str()), (Class::Use, "CKM_ECDSA_SHA256"));
    let (object, partition) = (sign.object.as_ref().unwrap(), sign.partition.as_ref().unwrap());
    assert_eq!((object.label.as_str(), partition.slot), ("pair", 1));
    assert_eq!(sign.peer.unwrap().uid, nix::unistd::getuid().as_raw());
    let made: Vec<_> = all.iter().filter(|record| record.action.as_str() == "generate").collect();
    assert!(made.iter().all(|record| record.commit > 0 && record.class == Class::Lifecycle));
}

#[test]
fn commands_of_the_console_are_recorded_and_so_are_refusals() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    let again = Ask::PartitionRename { partition: "nowhere".into(), label: "x".into() };
    assert!(matches!(daemon.ask(&again), Told::Failed { .. }));
    assert!(matches!(daemon.ask(&Ask::PartitionList), Told::Partitions(_)));
    daemon.stop();
    let said: Vec<_> = place.verified().iter().map(words).collect();
    assert_eq!(&said[..3], ["open", "create the partition", "partition create"]);
    assert!(said[3].starts_with("partition rename there is no partition"), "{said:?}");
    assert_eq!(&said[4..], ["stop"], "what only looks is not recorded");
}

#[test]
fn counted_uses_are_recorded_at_the_end_and_none_are_without() {
    let place = Place::new("");
    let daemon = place.start();
    for (label, uses) in [("counted", "sampled"), ("quiet", "none")] {
        daemon.partition(label, "standard");
        level(&daemon, label, uses);
        let session = place.user(label);
        let key = session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &aes()).unwrap();
        let ecb = Mechanism::plain(ck::CKM_AES_ECB);
        for _ in 0..25 {
            session.encrypt(&ecb, key, &[0; 16]).unwrap();
        }
    }
    daemon.stop();
    let all = place.verified();
    let uses: Vec<_> = all.iter().filter(|record| record.class == Class::Use).collect();
    assert_eq!(uses.len(), 1, "{uses:?}");
    assert_eq!((uses[0].action.as_str(), uses[0].count), ("encrypt", 25));
}

fn aes() -> Template {
    Template::new()
        .ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .ulong(ck::CKA_KEY_TYPE, ck::CKK_AES)
        .ulong(ck::CKA_VALUE_LEN, 16)
        .bool(ck::CKA_ENCRYPT, true)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, b"aes")
}

#[test]
fn a_log_that_was_cut_is_named_at_the_start_and_given_up_only_on_demand() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    daemon.stop();
    let count = records(&place.audit()).len();
    let segment = segments(&place.audit()).pop().unwrap();
    let whole = fs::read(&segment).unwrap();
    fs::write(&segment, &whole[..whole.len() - 300]).unwrap();
    let said = place.hsmd(&[]).fails();
    assert!(said.text().contains("was cut or changed") && said.text().contains("--accept-audit-loss"));
    // A whole log that is gone is no better.
    fs::remove_file(&segment).unwrap();
    assert!(place.hsmd(&[]).fails().text().contains("the log is gone"));
    // Put back, it is as good as before.
    fs::write(&segment, &whole).unwrap();
    place.start().stop();
    assert!(records(&place.audit()).len() > count);

    fs::write(&segment, &whole[..whole.len() / 2]).unwrap();
    let daemon = place.spawn(&["--accept-audit-loss"]);
    place.logs(&["ERROR", "was cut or changed, and that was accepted"]);
    let until = Instant::now() + Duration::from_secs(60);
    while !place.path("hsmd.sock").exists()
        || std::os::unix::net::UnixStream::connect(place.path("hsmd.sock")).is_err()
    {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(10));
    }
    daemon.stop();
    let first = &place.verified()[0];
    assert_eq!(words(first), "accept audit loss");
    assert!(first.details.iter().any(|(name, _)| name.as_str() == "lost"));
    let aside = fs::read_dir(place.audit()).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap();
    assert_eq!(segments(&aside.path()).len(), 1, "what was left of the old one is kept");
    place.start().stop();
}

/// What the verifier says, which is given the log and the public key alone.
fn verified_by(place: &Place, key: &str) -> Run {
    let mut command = Command::new(place.program("hsm-admin"));
    command
        .args(["audit", "verify", "--key"])
        .env("NO_COLOR", "1")
        .arg(place.audit().join(key))
        .arg(place.audit());
    Run::of(&command)
}

#[test]
fn the_log_is_signed_by_the_algorithm_that_was_chosen_and_a_change_of_it_is_signed_by_the_old_key() {
    let place = Place::new("[audit]\nsigning = \"sm2\"\n");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    daemon.stop();
    let sm2 = fs::read_to_string(place.audit().join("public-key.pem")).unwrap();
    verified_by(&place, "public-key.pem").succeeds().says("signed by SM2:").says("as it was written").done();

    place.configure("[audit]\nsigning = \"ml-dsa-65\"\n");
    let daemon = place.start();
    daemon.partition("more", "standard");
    daemon.stop();
    // A verifier begins with the key of the oldest segment, and is told of the other one by the log itself.
    assert_eq!(fs::read_to_string(place.audit().join("public-key.pem")).unwrap(), sm2);
    verified_by(&place, "public-key.pem")
        .succeeds()
        .says("signed by ML-DSA-65:")
        .says("in 2 segments")
        .done();
    let all = place.verified();
    let change = all.iter().find(|record| record.action.as_str() == "change audit key").unwrap();
    let said: Vec<_> = change.details.iter().map(|(_, value)| value.as_str()).collect();
    assert!(said[0].starts_with("SM2:") && said[1].starts_with("ML-DSA-65:"), "{said:?}");
    verified_by(&place, "public-key-ml-dsa-65.pem").fails().says("signed by another key").done();

    // Back to the first, and with the one that is there without a word in the configuration.
    place.configure("");
    place.start().stop();
    verified_by(&place, "public-key.pem").succeeds().says("signed by Ed25519:").says("in 3 segments").done();
    place.start().stop();
    assert_eq!(segments(&place.audit()).len(), 3, "nothing changed, so no segment ended");

    // A bit of a record, of the old key's last signature and of the new key's name are each found.
    let paths = segments(&place.audit());
    let whole: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    for (segment, at) in
        [(0, whole[0].len() - 3), (0, whole[0].len() - 200), (1, 900), (1, whole[1].len() - 3), (2, 300)]
    {
        let mut bytes = whole[segment].clone();
        bytes[at] ^= 1;
        fs::write(&paths[segment], bytes).unwrap();
        verified_by(&place, "public-key.pem").fails().says("TAMPERED").done();
        fs::write(&paths[segment], &whole[segment]).unwrap();
    }
    verified_by(&place, "public-key.pem").succeeds().done();
}

#[test]
fn an_algorithm_that_is_none_is_named() {
    let place = Place::new("");
    place.configure("[audit]\nsigning = \"rsa\"\n");
    place.hsmd(&[]).fails().says("ed25519").says("ml-dsa-65").done();
}

#[test]
fn an_edited_record_is_found_at_the_start() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("keys", "standard");
    daemon.stop();
    let segment = segments(&place.audit()).pop().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(4).position(|window| window == b"open").unwrap();
    bytes[at] = b'O';
    fs::write(&segment, &bytes).unwrap();
    assert!(verify(&place.audit()).tampered());
    assert!(place.hsmd(&[]).fails().text().contains("was cut or changed"));
}

#[test]
fn a_full_disk_stops_what_must_be_recorded_and_loses_nothing() {
    let Some(disk) = Disk::of(4) else { return };
    let audit = disk.path().join("audit");
    let place = Place::new(&format!("[audit]\ndirectory = {:?}\n", audit.display().to_string()));
    let daemon = place.start();
    daemon.partition("keys", "standard");
    level(&daemon, "keys", "all");
    let session = place.user("keys");
    let key = session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &aes()).unwrap();
    // All that the log has not taken ahead.
    let filler = disk.path().join("filler");
    let _ =
        Run::of(Command::new("dd").args(["if=/dev/zero", "bs=4096"]).arg(format!("of={}", filler.display())));
    let ecb = Mechanism::plain(ck::CKM_AES_ECB);
    let mut used = 0;
    let refused = loop {
        match session.encrypt(&ecb, key, &[0; 16]) {
            Ok(_) => used += 1,
            Err(rv) => break rv,
        }
        assert!(used < 100_000, "a disk of 4 MiB is never full");
    };
    assert_eq!(refused, Rv(ck::CKR_DEVICE_MEMORY));
    assert_eq!(session.create(&aes_object()).err(), Some(Rv(ck::CKR_DEVICE_MEMORY)));
    let renamed = daemon.ask(&Ask::PartitionRename { partition: "keys".into(), label: "x".into() });
    assert!(matches!(&renamed, Told::Failed { reason } if reason.contains("full")), "{renamed:?}");
    assert_eq!(session.destroy(key), Rv::OK, "what makes room goes on");
    fs::remove_file(&filler).unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while session.create(&aes_object()).is_err() {
        assert!(Instant::now() < until, "there is room again");
    }
    daemon.stop();

    assert!(!verify(&audit).tampered(), "{:?}", verify(&audit).findings);
    let all = records(&audit);
    let count = |action: &str| {
        all.iter()
            .filter(|record| record.action.as_str() == action && record.outcome == Outcome::Done)
            .count()
    };
    assert_eq!((count("encrypt"), count("destroy"), count("create")), (used, 1, 1));
    assert_eq!(count("partition rename"), 0);
}

fn aes_object() -> Template {
    Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA).bool(ck::CKA_TOKEN, true).bytes(ck::CKA_VALUE, b"data")
}
