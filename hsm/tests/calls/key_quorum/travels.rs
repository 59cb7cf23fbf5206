//! The quorum of a key goes where the key goes: into backups, and into clones.

use backup::{DomainSecret, Opener, Recipients};
use crypto::Secret;
use hsm::backup::How;
use wire::SlotId;

use super::*;

fn secret() -> DomainSecret {
    DomainSecret { id: [3; 16], secret: Secret::new(vec![5; 32]) }
}

fn back_up(world: &World, slot: SlotId) -> Vec<u8> {
    let mut file = Vec::new();
    let partition = world.partition(slot);
    world.hsm.back_up(Some(&partition), &Recipients::Domain(secret()), &mut file, &BY).unwrap();
    file
}

fn restore(world: &World, file: &[u8]) {
    let how = How { replace: true, older: true, limit: 1 << 30, file: None, services: |_, _| None };
    world.hsm.restore(file, &Opener::Domain(secret()), how, &BY).unwrap();
}

#[test]
fn a_restore_brings_the_quorum_back_and_nothing_that_was_authorised() {
    let world = world();
    let without = back_up(&world, STANDARD);
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    authorize(&world, &key(&world, b"key"), "decrypt", 5, Only::Any).unwrap();
    let with = back_up(&world, STANDARD);
    let refuses = |world: &World, why: &str| {
        let user = world.user(STANDARD);
        assert_eq!(decrypt(user.on(), labelled(&user, b"key")), Rv::FUNCTION_REJECTED, "{why}");
    };
    let elsewhere = World::clean();
    restore(&elsewhere, &with);
    refuses(&elsewhere, "on another HSM");
    refuses(&elsewhere.restart(), "there after a restart");
    restore(&world, &without);
    refuses(&world, "a backup from before does not take the quorum away");
    // What its own quorum took away is not brought back as it was before.
    world.hsm.people().remove_key_quorum(&key(&world, b"key"), Some(1)).unwrap();
    restore(&world, &with);
    let world = world.restart();
    let user = world.user(STANDARD);
    assert_eq!(decrypt(user.on(), labelled(&user, b"key")), Rv::OK);
}

/// An HSM with people and a key, and another one in its cloning domain.
fn kin() -> (World, World) {
    let (world, elsewhere) = (world(), World::new());
    let passphrase = || Secret::new(b"correct horse battery".to_vec());
    world.hsm.create_cloning_domain(false, &BY).unwrap();
    let mut domain = Vec::new();
    world.hsm.export_cloning_domain(&Recipients::Passphrase(passphrase()), &mut domain, &BY).unwrap();
    let opener = Opener::Passphrase(passphrase());
    elsewhere.hsm.import_cloning_domain(&domain[..], &opener, None, false, &BY).unwrap();
    // The key has taken a side, so that it may be cloned.
    takes_a_side(&world, b"key");
    (world, elsewhere)
}

fn takes_a_side(world: &World, label: &[u8]) {
    let user = world.user(STANDARD);
    assert_eq!(rv(user.on().encrypt(mechanism(AES_ECB), labelled(&user, label), &[0; 16])), Rv::OK);
}

fn export(world: &World, labels: &[&str]) -> Vec<u8> {
    let (mut file, labels) = (Vec::new(), words(labels));
    world.hsm.export_keys(&world.partition(STANDARD), &labels, &mut file, &BY).unwrap();
    file
}

fn import(world: &World, file: &[u8]) -> Result<u64, String> {
    let come = world.hsm.import_keys(&world.partition(STANDARD), file, None, &BY);
    come.map(|(_, count)| count).map_err(|error| error.to_string())
}

/// What becomes of a decryption with each object of this label.
fn decrypts(world: &World, label: &[u8]) -> Vec<Rv> {
    let user = world.user(STANDARD);
    let objects = user.on().find(&[(Attr::LABEL, label)]);
    objects.into_iter().map(|object| decrypt(user.on(), object)).collect()
}

#[test]
fn a_clone_is_under_the_quorum_of_its_key() {
    let (world, elsewhere) = kin();
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let file = export(&world, &["key"]);
    elsewhere.recorded();
    assert_eq!(import(&elsewhere, &file), Ok(1));
    let said: Vec<_> =
        elsewhere.lines().into_iter().map(|(_, action, object, _, rv)| (action, object, rv)).collect();
    let id = Some(key(&elsewhere, b"key").object.unique_id().to_owned());
    let expected = ["clone in", "set the quorum of a key"];
    assert_eq!(said, expected.map(|action| (action.to_owned(), id.clone(), Rv::OK)));
    assert_eq!(decrypts(&elsewhere, b"key"), [Rv::FUNCTION_REJECTED]);
    assert_eq!(decrypts(&elsewhere.restart(), b"key"), [Rv::FUNCTION_REJECTED]);
}

#[test]
fn what_holds_the_key_of_a_clone_already_comes_under_its_quorum_and_what_was_begun_ends() {
    use wire::calls::decrypt::{Decrypt, DecryptCalls, DecryptInit};
    let (world, elsewhere) = kin();
    made(&elsewhere, b"old");
    let user = elsewhere.user(STANDARD);
    let (session, mechanism, key_here) = (user.session, Some(mechanism(AES_ECB)), labelled(&user, b"old"));
    user.app.decrypt_init(DecryptInit { session, mechanism, key: key_here }).unwrap();
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let file = export(&world, &["key"]);
    // What cannot be recorded does not come, and nothing of it holds.
    *elsewhere.events.refuses.lock() = Some(hsm::vault::NotRecorded::Full("no room".into()));
    import(&elsewhere, &file).unwrap_err();
    *elsewhere.events.refuses.lock() = None;
    assert_eq!(decrypts(&elsewhere, b"old"), [Rv::OK]);
    import(&elsewhere, &file).unwrap();
    let goes_on = user.app.decrypt(Decrypt { session, data: wire::Slice(&[0; 16]), room: ROOM });
    assert_eq!(rv(goes_on), Rv::OPERATION_NOT_INITIALIZED);
    for label in [b"old", b"key"] {
        assert_eq!(decrypts(&elsewhere, label), [Rv::FUNCTION_REJECTED]);
    }
}

#[test]
fn an_import_that_is_refused_brings_no_quorum() {
    let (world, elsewhere) = kin();
    made(&elsewhere, b"old");
    let user = world.user(STANDARD);
    user.on().known(&[8; 16], &[(Attr::TOKEN, YES), (Attr::LABEL, b"other")]).unwrap();
    takes_a_side(&world, b"other");
    import(&elsewhere, &export(&world, &["other"])).unwrap();
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let why = import(&elsewhere, &export(&world, &["key", "other"])).unwrap_err();
    assert!(why.contains("is in this partition already"), "{why}");
    assert_eq!(decrypts(&elsewhere, b"old"), [Rv::OK]);
    assert_eq!(decrypts(&elsewhere.restart(), b"old"), [Rv::OK]);
}

#[test]
fn a_clone_does_not_change_the_quorum_that_its_key_is_under_where_it_comes() {
    let (world, elsewhere) = kin();
    let file = |usages: &[&str]| {
        guard(&world, &key(&world, b"key"), usages);
        export(&world, &["key"])
    };
    let (once, twice) = (file(&["decrypt"]), file(&["decrypt"]));
    owned(&elsewhere, &PEOPLE);
    made(&elsewhere, b"old");
    guard(&elsewhere, &key(&elsewhere, b"old"), &["wrap"]);
    for file in [&once, &twice] {
        let why = import(&elsewhere, file).unwrap_err();
        assert!(why.contains("another one is in force for its key here"), "{why}");
        assert_eq!(decrypts(&elsewhere, b"old"), [Rv::OK]);
    }
    let old = key(&elsewhere, b"old");
    assert_eq!(old.quorum().unwrap().unwrap().usages().names(), ["wrap"]);
    // Its own approvers took it away here, which the file's does not take back unless it was set later.
    elsewhere.hsm.people().remove_key_quorum(&old, Some(1)).unwrap();
    import(&elsewhere, &once).unwrap();
    assert_eq!(decrypts(&elsewhere, b"key"), [Rv::OK]);
}

#[test]
fn a_clone_under_a_quorum_does_not_come_beside_an_object_of_its_key_that_can_leave() {
    let (world, elsewhere) = kin();
    let user = elsewhere.user(STANDARD);
    let open = [(Attr::TOKEN, YES), (Attr::SENSITIVE, NO), (Attr::LABEL, b"open")];
    user.on().known(VALUE, &open).unwrap();
    guard(&world, &key(&world, b"key"), &["decrypt"]);
    let why = import(&elsewhere, &export(&world, &["key"])).unwrap_err();
    assert!(why.contains("must be sensitive and not extractable"), "{why}");
    assert_eq!(decrypts(&elsewhere, b"open"), [Rv::OK]);
}

#[test]
fn a_service_takes_no_key_under_a_quorum_to_another_partition() {
    let world = world();
    let guest = || hsm::Guest { name: "acme".into(), id: "1".into() };
    let desk = |slot: SlotId| world.hsm.desk(slot.0, guest()).unwrap();
    let (from, to) = (desk(STANDARD), desk(STRICT));
    let guarded = key(&world, b"key");
    let copies = || to.copies(&from, &[guarded.object.number]);
    copies().unwrap();
    guard(&world, &guarded, &["decrypt"]);
    assert_eq!(copies().unwrap_err().rv(), Rv::KEY_UNEXTRACTABLE);
    world.hsm.people().remove_key_quorum(&guarded, Some(1)).unwrap();
    copies().unwrap();
}
