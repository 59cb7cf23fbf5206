//! A disk that is full or read-only, and a second daemon on one store: the standard's code for the program, and a
//! line in the log for the person who is asked.

use conformance::module::Room;
use conformance::names::Rv;
use conformance::template::Template;
use cryptoki_sys as ck;
use tests::{Disk, PIN, Place};

fn data(bytes: usize) -> Template {
    Template::new()
        .ulong(ck::CKA_CLASS, ck::CKO_DATA)
        .bool(ck::CKA_TOKEN, true)
        .bytes(ck::CKA_LABEL, b"much")
        .bytes(ck::CKA_VALUE, &vec![0x5a; bytes])
}

/// The configuration of a store on the disk, with its anchor elsewhere.
fn store_on(disk: &Disk) -> String {
    format!("[store]\npath = {:?}\n", disk.path().join("store").display().to_string())
}

#[test]
fn a_full_disk_is_said_in_words_loses_nothing_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::of(8) else { return };
    let place = Place::new(&store_on(&disk));
    let daemon = place.start();
    daemon.partition("full", "standard");
    let session = place.user("full");
    let kept = session.create(&data(1000)).unwrap();
    let mut made = Vec::new();
    let from = place.log().len();
    let rv = loop {
        match session.create(&data(200_000)) {
            Ok(object) => made.push(object),
            Err(rv) => break rv,
        }
        assert!(made.len() < 100, "a disk of 8 MiB holds 20 MB");
    };
    assert_eq!(rv, Rv(ck::CKR_DEVICE_MEMORY));
    place.logs_after(from, &["ERROR", "C_CreateObject", "CKR_DEVICE_MEMORY", "the store is full"]);
    // What was there is there and can be used; what is destroyed makes room.
    assert_eq!(session.get(kept, ck::CKA_VALUE).unwrap().len(), 1000);
    assert!(!made.is_empty());
    for object in &made {
        let (rv, value) = session.get_all(*object, &[(ck::CKA_VALUE, Room::Bytes(200_000))]);
        assert_eq!((rv, &*value[0].bytes), (Rv::OK, &[0x5a; 200_000][..]));
    }
    disk.remount("size=32m");
    let more = session.create(&data(200_000)).expect("there is room again");
    session.destroy(more).ok().unwrap();
    let count = session.find(&Template::new()).unwrap().len();
    daemon.kill();
    let _daemon = place.start();
    assert_eq!(place.user("full").find(&Template::new()).unwrap().len(), count);
    assert_eq!(count, made.len() + 1);
}

#[test]
fn on_a_full_disk_objects_can_be_destroyed_and_pins_are_still_counted() {
    let Some(disk) = Disk::of(8) else { return };
    let place = Place::new(&store_on(&disk));
    let daemon = place.start();
    daemon.partition("full", "standard");
    let session = place.user("full");
    let mut made = Vec::new();
    while let Ok(object) = session.create(&data(100_000)) {
        made.push(object);
    }
    let before = daemon.show("full").user_pin_failures;
    let module = place.application();
    let other = conformance::session::Session::open(module, session.info().unwrap().slotID).unwrap();
    // Counted, or not tried at all: never tried and not counted.
    let wrong = other.login(ck::CKU_USER, "00000000");
    let counted = daemon.show("full").user_pin_failures - before;
    let refused = wrong == Rv(ck::CKR_DEVICE_MEMORY) && counted == 0;
    assert!(refused || (wrong == Rv(ck::CKR_PIN_INCORRECT) && counted == 1), "{wrong}, {counted} counted");
    println!("on a full disk a wrong PIN got {wrong}");
    let mut destroyed = 0;
    for object in made.iter().rev() {
        destroyed += usize::from(session.destroy(*object) == Rv::OK);
    }
    println!("on a full disk {destroyed} of {} objects could be destroyed", made.len());
    assert!(destroyed > 0, "what is full can never be emptied");
    session.create(&data(1000)).unwrap();
    assert_eq!(other.login(ck::CKU_USER, PIN), Rv::OK);
}

#[test]
fn a_read_only_disk_serves_what_it_has_and_says_what_it_cannot_do() {
    let Some(disk) = Disk::of(16) else { return };
    let place = Place::new(&store_on(&disk));
    let daemon = place.start();
    let slot = daemon.partition("fixed", "standard");
    let public = data(100).bool(ck::CKA_PRIVATE, false);
    place.user("fixed").create(&public).unwrap();
    daemon.stop();
    disk.remount("ro");

    let _daemon = place.start();
    place.logs(&["WARN", "is read-only: nothing can be changed"]);
    let session = conformance::session::Session::open(place.application(), slot).unwrap();
    let found = session.find(&Template::new()).unwrap();
    assert_eq!(session.get(found[0], ck::CKA_VALUE).unwrap().len(), 100);
    let from = place.log().len();
    assert_eq!(session.create(&public).err(), Some(Rv(ck::CKR_TOKEN_WRITE_PROTECTED)));
    place.logs_after(from, &["ERROR", "C_CreateObject", "CKR_TOKEN_WRITE_PROTECTED", "is read-only"]);
    // A try that cannot be counted is not made, right or wrong.
    for pin in [PIN, "00000000"] {
        let from = place.log().len();
        assert_eq!(session.login(ck::CKU_USER, pin), Rv(ck::CKR_TOKEN_WRITE_PROTECTED));
        place.logs_after(from, &["ERROR", "C_Login", "CKR_TOKEN_WRITE_PROTECTED", "is read-only"]);
    }
    disk.remount("rw");
}

#[test]
fn a_second_daemon_on_one_store_is_refused_with_the_firsts_process_number() {
    let place = Place::new("");
    let daemon = place.start();
    daemon.partition("held", "standard");
    let session = place.user("held");
    let refused = place.hsmd(&[]).fails();
    let first = format!("another hsmd (process {})", daemon.pid());
    let text = refused.text();
    let line = text.lines().find(|line| line.contains("ERROR")).unwrap_or_default();
    assert!(line.contains(&first) && line.contains("holds the store"), "{}", refused.story());
    // Nor does a configuration with other sockets let it in, and the first is undisturbed.
    let sockets = ["[socket]", "path = \"", "admin = \""];
    let path = |name: &str| place.path(name).display().to_string();
    place.configure(&format!(
        "{}\n{}{}\"\n{}{}\"\n",
        sockets[0],
        sockets[1],
        path("other.sock"),
        sockets[2],
        path("other-admin.sock")
    ));
    place.hsmd(&[]).fails().says(&first).done();
    session.create(&data(100)).unwrap();
    daemon.stop();
}
