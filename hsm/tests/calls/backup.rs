//! Backups and clones, between two HSMs in memory: what comes back, what is refused, and what is not forgotten.

use std::sync::atomic::{AtomicBool, Ordering};

use backup::{DomainSecret, Facts, Name, Opener, Partition, Recipients, What, Writer, record_len};
use crypto::Secret;
use hsm::backup::{BackupError, How, Restored};
use hsm::event::Actor;
use hsm::object::Attr;
use hsm::pin::Tries;
use hsm::service::{Deed, Kind, Write};
use hsm::store::StoreError;
use hsm::store::memory::Fault;
use wire::{Rv, SlotId};

use crate::support::*;

const BY: &Actor<'static> = &Actor::DAEMON;
const MEANT: How = How { replace: true, older: false, limit: 1 << 30, file: None, services: |_, _| None };
const NEW: How = How { replace: false, ..MEANT };
const OLDER: How = How { older: true, ..MEANT };

fn domain() -> DomainSecret {
    DomainSecret { id: [3; 16], secret: Secret::new(vec![5; 32]) }
}

fn opener() -> Opener {
    Opener::Domain(domain())
}

fn back_up(world: &World, slot: Option<SlotId>) -> Vec<u8> {
    let partition = slot.map(|slot| world.partition(slot));
    let mut file = Vec::new();
    world.hsm.back_up(partition.as_deref(), &Recipients::Domain(domain()), &mut file, BY).unwrap();
    file
}

fn restore(world: &World, file: &[u8], how: How) -> Result<Restored, BackupError> {
    world.hsm.restore(file, &opener(), how, BY)
}

fn refusal(world: &World, file: &[u8], how: How) -> String {
    let before = state(world);
    let why = restore(world, file, how).err().expect("the backup was restored").to_string();
    assert_eq!(state(world), before, "{why}");
    why
}

/// What a restore that is refused must leave as it is.
fn state(world: &World) -> Vec<(u64, String, u64, Tries)> {
    let all = world.hsm.partitions();
    all.iter().map(|one| (one.slot().0, one.serial(), one.object_count(), one.tries())).collect()
}

/// A key on the token with a label of its own.
fn labelled(on: On<'_>, label: &[u8], more: &[(Attr, &[u8])]) -> wire::ObjectHandle {
    let key = on.generate(&[&[(Attr::TOKEN, YES)], more].concat()).unwrap();
    on.set(key, &[(Attr::LABEL, label)]).unwrap();
    key
}

fn wrong_pins(world: &World, slot: SlotId, count: usize) {
    let app = world.app();
    let session = app.open(slot, RO).unwrap();
    for _ in 0..count {
        app.login(session, CKU_USER, WRONG).unwrap_err();
    }
}

#[test]
fn a_partition_comes_back_on_a_clean_hsm_as_it_was() {
    let (a, b) = (World::new(), World::clean());
    let (serial, uri) = (a.partition(STANDARD).serial(), a.partition(STANDARD).uri());
    let blob = {
        let user = a.user(STANDARD);
        let key = user.on().generate(&[(Attr::TOKEN, YES), (Attr::WRAP, YES), (Attr::DECRYPT, YES)]).unwrap();
        let leaving = labelled(user.on(), b"leaving", &[(Attr::EXTRACTABLE, YES)]);
        user.on().wrap(key, leaving).unwrap()
    };
    wrong_pins(&a, STANDARD, 2);
    let file = back_up(&a, Some(STANDARD));
    a.recorded();
    let restored = restore(&b, &file, NEW).unwrap();
    assert_eq!(restored.partitions[0].partition.slot(), STANDARD, "the slot number was free");
    assert_eq!(b.recorded().last().unwrap().1, "restore a backup");
    let b = b.restart();
    let partition = b.partition(STANDARD);
    assert_eq!((partition.serial(), partition.uri()), (serial, uri));
    assert_eq!(partition.tries().user, 2);
    let user = b.user(STANDARD);
    let key = user.on().find(&[(Attr::LABEL, b"key")])[0];
    assert_eq!(rv(user.on().decrypt(mechanism(AES_ECB), key, &[0; 16])), Rv::KEY_FUNCTION_NOT_PERMITTED);
    let leaving = user.on().find(&[(Attr::LABEL, b"leaving")])[0];
    assert_eq!(user.on().wrap(key, leaving).unwrap(), blob, "both keys are what they were");
    let next = b.hsm.create_partition(&new_partition("next"), BY).unwrap();
    assert_eq!(next.slot().0, STANDARD.0 + 1, "the number that came from elsewhere is not given again");
}

#[test]
fn a_pin_that_was_locked_stays_locked() {
    let (a, b) = (World::new(), World::clean());
    wrong_pins(&a, STANDARD, usize::from(TRIES));
    restore(&b, &back_up(&a, Some(STANDARD)), NEW).unwrap();
    let app = b.app();
    let session = app.open(STANDARD, RW).unwrap();
    assert_eq!(rv(app.login(session, CKU_USER, PIN)), Rv::PIN_LOCKED);
    app.login(session, CKU_SO, SO_PIN).unwrap();
}

#[test]
fn a_partition_that_is_there_is_overwritten_only_if_that_is_said() {
    let a = World::new();
    let file = back_up(&a, Some(STANDARD));
    let why = refusal(&a, &file, NEW);
    assert!(why.contains("is there already") && why.contains("--replace"), "{why}");
    restore(&a, &file, MEANT).unwrap();
}

#[test]
fn nothing_is_taken_back_unless_that_is_said() {
    type Change = fn(&World);
    let changes: [(&str, Change); 4] = [
        ("a new key", |a| {
            a.user(STANDARD).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
        }),
        ("a key that is gone", |a| {
            let user = a.user(STANDARD);
            user.on().destroy(user.on().find(&[(Attr::LABEL, b"first")])[0]).unwrap();
        }),
        ("a wrong PIN", |a| wrong_pins(a, STANDARD, 1)),
        ("another label", |a| a.hsm.rename_partition(&a.partition(STANDARD), "other", BY).unwrap()),
    ];
    for (what, change) in changes {
        let a = World::new();
        labelled(a.user(STANDARD).on(), b"first", &[]);
        let file = back_up(&a, Some(STANDARD));
        change(&a);
        let why = refusal(&a, &file, MEANT);
        assert!(why.contains("has changed since the backup was made"), "{what}: {why}");
        let restored = restore(&a, &file, OLDER).unwrap();
        assert_eq!(restored.older.len(), 1, "{what}");
        assert_eq!(a.user(STANDARD).on().find(&[(Attr::LABEL, b"first")]).len(), 1, "{what}");
    }
}

#[test]
fn wrong_pins_since_the_backup_are_not_forgotten() {
    let a = World::new();
    let file = back_up(&a, Some(STANDARD));
    wrong_pins(&a, STANDARD, 2);
    restore(&a, &file, OLDER).unwrap();
    assert_eq!(a.partition(STANDARD).tries().user, 2);
    assert_eq!(a.restart().partition(STANDARD).tries().user, 2);
}

#[test]
fn what_keys_were_used_for_since_the_backup_is_not_forgotten() {
    let a = World::new();
    let user = a.user(STANDARD);
    let both = [(Attr::TOKEN, YES), (Attr::WRAP, YES), (Attr::DECRYPT, YES), (Attr::UNWRAP, YES)];
    let key = user.on().generate(&both).unwrap();
    let file = back_up(&a, Some(STANDARD));
    let target = user.on().generate(&[(Attr::EXTRACTABLE, YES)]).unwrap();
    let blob = user.on().wrap(key, target).unwrap();
    drop(user);
    restore(&a, &file, OLDER).unwrap();
    let still_known = |a: &World| {
        let user = a.user(STANDARD);
        let key = user.on().find(&[(Attr::LABEL, b"key")])[0];
        assert_eq!(rv(user.on().decrypt(mechanism(AES_ECB), key, &[0; 16])), Rv::KEY_FUNCTION_NOT_PERMITTED);
        user.on().unwrap(key, &blob, &[]).unwrap();
    };
    still_known(&a);
    still_known(&a.restart());
}

#[test]
fn a_copy_on_another_hsm_is_not_taken_back_either() {
    let (a, b) = (World::new(), World::clean());
    let old = back_up(&a, Some(STANDARD));
    a.user(STANDARD).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    let new = back_up(&a, Some(STANDARD));
    restore(&b, &new, NEW).unwrap();
    restore(&b, &new, MEANT).unwrap();
    let why = refusal(&b, &old, MEANT);
    assert!(why.contains("was restored from a backup of commit"), "{why}");
    a.user(STANDARD).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    restore(&b, &back_up(&a, Some(STANDARD)), MEANT).unwrap();
    b.user(STANDARD).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    let newest = back_up(&a, Some(STANDARD));
    let why = refusal(&b, &newest, MEANT);
    assert!(why.contains("has changed here since it was restored"), "{why}");
    let from_b = back_up(&b, Some(STANDARD));
    let why = refusal(&a, &from_b, MEANT);
    assert!(why.contains("is not from the HSM that made the backup"), "{why}");
}

#[test]
fn a_restore_waits_for_nobody_and_overwrites_nothing_in_use() {
    let a = World::new();
    let file = back_up(&a, Some(STANDARD));
    let user = a.user(STANDARD);
    assert!(refusal(&a, &file, MEANT).contains("sessions are open"));
    drop(user);
    restore(&a, &file, MEANT).unwrap();
}

#[test]
fn what_does_not_fit_beside_what_is_there_is_refused() {
    let (a, b) = (World::new(), World::new());
    let file = back_up(&a, Some(STANDARD));
    let why = refusal(&b, &file, NEW);
    assert!(why.contains("has the same label"), "{why}");
    b.hsm.rename_partition(&b.partition(STANDARD), "mine", BY).unwrap();
    let restored = restore(&b, &file, NEW).unwrap();
    assert_eq!((restored.partitions[0].slot_then, restored.partitions[0].partition.slot().0), (2, 4));
    assert!(refusal(&b, &back_up(&a, None), MEANT).contains("has the same label"));
    let why = refusal(&b, &file, How { limit: 100, ..MEANT });
    assert!(why.contains("takes 100 at the most"), "{why}");
    let why = refusal(&b, &file, How { file: Some([0; 32]), ..MEANT });
    assert!(why.contains("not the file that was named"), "{why}");
}

#[test]
fn the_whole_hsm_comes_back_with_its_slot_numbers() {
    let (a, b) = (World::new(), World::clean());
    a.user(STRICT).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    a.user(LEGACY).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    a.hsm.create_cloning_domain(false, BY).unwrap();
    let file = back_up(&a, None);
    let restored = restore(&b, &file, NEW).unwrap();
    assert_eq!(restored.partitions.len(), 3);
    let b = b.restart();
    assert_eq!(state(&b), state(&a));
    let domain = |world: &World| world.hsm.cloning_domain().unwrap().map(|domain| domain.id);
    assert_eq!(domain(&b), domain(&a));
    let why = refusal(&b, &file, NEW);
    assert!(why.contains("is there already"), "{why}");
}

#[test]
fn what_services_keep_of_the_whole_hsm_is_verified_and_comes_back() {
    const KINDS: [Kind; 14] = [
        Kind::Account,
        Kind::Project,
        Kind::EnterpriseProject,
        Kind::AccountUser,
        Kind::Group,
        Kind::Role,
        Kind::Assignment,
        Kind::Agency,
        Kind::AccessKey,
        Kind::DirectoryKey,
        Kind::Kms,
        Kind::KmsStore,
        Kind::CtsTracker,
        Kind::Topic,
    ];
    let deed = || Deed { by: Actor::DAEMON, action: "keep", details: &[] };
    let write = |kind, form| Write { kind, number: 7, was: None, value: Some(vec![form, 2, 3]) };
    let (a, b) = (World::new(), World::clean());
    a.hsm.service_commit(KINDS.map(|kind| write(kind, 1)).into(), &[], &[deed()]).unwrap();
    let file = back_up(&a, None);
    b.hsm.verify_backup(&*file, &opener(), 1 << 30, |_, _| None).unwrap();
    restore(&b, &file, NEW).unwrap();
    let kept = |world: &World, kind| {
        let records = world.hsm.service_records(kind).unwrap();
        records
            .into_iter()
            .map(|(number, _, record)| (number, record.as_bytes().to_vec()))
            .collect::<Vec<_>>()
    };
    for kind in KINDS {
        assert_eq!(kept(&b, kind), [(7, vec![1, 2, 3])], "{kind:?}");
        // One of another form is not taken in.
        let other = World::new();
        other.hsm.service_commit(vec![write(kind, 2)], &[], &[deed()]).unwrap();
        let why = refusal(&World::clean(), &back_up(&other, None), NEW);
        assert!(why.contains("does not decode"), "{kind:?}: {why}");
    }
}

#[test]
fn what_a_service_keeps_in_a_partition_comes_back_if_this_release_reads_it() {
    for kind in [
        Kind::KmsKey,
        Kind::KmsAlias,
        Kind::KmsGrant,
        Kind::KmsImport,
        Kind::KmsPolicy,
        Kind::KmsAccessPoint,
        Kind::KmsCount,
    ] {
        let file = |form| {
            let a = World::new();
            let write = Write { kind, number: 7, was: None, value: Some(vec![form, 2, 3]) };
            a.hsm.service_keep(&a.partition(STANDARD), vec![write]).unwrap();
            back_up(&a, Some(STANDARD))
        };
        let b = World::clean();
        let why = refusal(&b, &file(2), NEW);
        assert!(why.contains("does not decode"), "{kind:?}: {why}");
        restore(&b, &file(1), NEW).unwrap();
        let kept = b.hsm.service_records_in(&b.hsm.partitions()[0], kind).unwrap();
        assert!(matches!(&kept[..], [(7, _, record)] if record.as_bytes() == [1, 2, 3]), "{kind:?}");
    }
}

#[test]
fn a_store_that_fails_in_the_middle_leaves_what_was_there() {
    for (fault, after) in [
        (Fault::Fails(StoreError::Full("no room".into())), "the store is full"),
        (Fault::Fails(StoreError::ReadOnly("so it is".into())), "the store is read-only"),
    ] {
        let (a, b) = (World::new(), World::clean());
        let file = back_up(&a, None);
        b.store.inject(fault);
        let why = refusal(&b, &file, NEW);
        assert!(why.contains(after), "{why}");
        assert_eq!(b.restart().hsm.partitions().len(), 0);
    }
}

#[test]
fn an_altered_backup_changes_nothing() {
    let (a, b) = (World::new(), World::clean());
    a.user(STANDARD).on().generate(&[(Attr::TOKEN, YES)]).unwrap();
    let file = back_up(&a, None);
    for at in (0..file.len()).step_by(7) {
        let mut bent = file.clone();
        bent[at] ^= 0x10;
        refusal(&b, &bent, NEW);
        refusal(&b, &file[..at], NEW);
    }
    restore(&b, &file, NEW).unwrap();
}

#[test]
fn a_genuine_file_with_records_that_do_not_fit_is_refused() {
    let b = World::clean();
    let write = |kind: u8| {
        let facts = Facts {
            what: What::Partition,
            hsm: [0; 16],
            made_at: 0,
            commit: 1,
            content_len: record_len(3),
            own_records: 0,
            partitions: vec![Partition {
                slot: 1,
                objects: 0,
                records: 1,
                serial: "0123456789abcdef".into(),
                policy: 1,
                label: "x".into(),
            }],
        };
        let mut file = Vec::new();
        let mut writer = Writer::begin(&mut file, &facts, &Recipients::Domain(domain())).unwrap();
        writer.record(Name { domain: 1, kind, number: 0 }, &Secret::new(vec![1, 2, 3])).unwrap();
        writer.finish().unwrap();
        file
    };
    for kind in 0..=255 {
        let why = refusal(&b, &write(kind), NEW);
        assert!(why.starts_with("the backup's content cannot be used: "), "{kind}: {why}");
    }
}

#[test]
fn a_backup_is_whole_while_others_write() {
    let a = World::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let user = a.user(STANDARD);
            while !stop.load(Ordering::Relaxed) {
                let key = user.on().generate(&[(Attr::TOKEN, YES)]).unwrap();
                user.on().set(key, &[(Attr::LABEL, b"changed")]).unwrap();
                let copy = user.on().copy(key, &[]).unwrap();
                user.on().destroy(copy).unwrap();
            }
        });
        for _ in 0..20 {
            let b = World::clean();
            let file = back_up(&a, Some(STANDARD));
            let restored = restore(&b, &file, NEW).unwrap();
            let header = restored.header.facts;
            assert_eq!(restored.partitions[0].partition.object_count(), header.partitions[0].objects);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn who_makes_a_backup_is_recorded_before_there_is_one() {
    let a = World::new();
    a.recorded();
    back_up(&a, Some(STANDARD));
    assert_eq!(a.recorded(), [("daemon", "back up", Rv::OK)]);
    *a.events.refuses.lock() = Some(hsm::vault::NotRecorded::Full("no room".into()));
    let mut file = Vec::new();
    let refused = a.hsm.back_up(None, &Recipients::Domain(domain()), &mut file, BY);
    assert!(refused.is_err() && file.is_empty());
}

/// Two HSMs in one cloning domain.
fn kin() -> (World, World) {
    let (a, b) = (World::new(), World::new());
    a.hsm.create_cloning_domain(false, BY).unwrap();
    let passphrase = || Secret::new(b"correct horse battery".to_vec());
    let mut file = Vec::new();
    a.hsm.export_cloning_domain(&Recipients::Passphrase(passphrase()), &mut file, BY).unwrap();
    b.hsm.import_cloning_domain(&file[..], &Opener::Passphrase(passphrase()), None, false, BY).unwrap();
    (a, b)
}

fn export(world: &World, slot: SlotId, names: &[&str]) -> Result<Vec<u8>, BackupError> {
    let mut file = Vec::new();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    world.hsm.export_keys(&world.partition(slot), &names, &mut file, BY)?;
    Ok(file)
}

fn import(world: &World, slot: SlotId, file: &[u8]) -> Result<u64, BackupError> {
    Ok(world.hsm.import_keys(&world.partition(slot), file, None, BY)?.1)
}

#[test]
fn a_key_that_may_not_leave_is_cloned_to_an_hsm_of_the_domain_and_to_no_other() {
    let (a, b) = kin();
    let closed = [(Attr::TOKEN, YES), (Attr::SENSITIVE, YES), (Attr::EXTRACTABLE, NO), (Attr::ENCRYPT, YES)];
    let user = a.user(STANDARD);
    let key = user.on().generate(&closed).unwrap();
    let secret = user.on().encrypt(mechanism(AES_ECB), key, &[1; 16]).unwrap();
    let file = export(&a, STANDARD, &["key"]).unwrap();
    assert_eq!(import(&b, STANDARD, &file).unwrap(), 1);
    let there = b.user(STANDARD);
    let clone = there.on().find(&[(Attr::LABEL, b"key")])[0];
    assert_eq!(there.on().encrypt(mechanism(AES_ECB), clone, &[1; 16]).unwrap(), secret);
    for flag in [Attr::SENSITIVE, Attr::NEVER_EXTRACTABLE, Attr::LOCAL] {
        assert!(there.on().flag(clone, flag), "{flag}");
    }
    let again = import(&b, STANDARD, &file).unwrap_err().to_string();
    assert!(again.contains("is in this partition already"), "{again}");

    let stranger = World::new();
    let why = import(&stranger, STANDARD, &file).unwrap_err().to_string();
    assert!(why.contains("the HSM is in no cloning domain"), "{why}");
    stranger.hsm.create_cloning_domain(false, BY).unwrap();
    let why = import(&stranger, STANDARD, &file).unwrap_err().to_string();
    assert!(why.contains("and this HSM is not in it"), "{why}");
    let why = stranger.hsm.create_cloning_domain(false, BY).unwrap_err().to_string();
    assert!(why.contains("--replace"), "{why}");
}

#[test]
fn a_clone_does_not_get_around_what_the_policy_forbids() {
    let (a, b) = kin();
    let refused = |slot, names: &[&str]| export(&a, slot, names).unwrap_err().to_string();
    let user = a.user(STANDARD);
    let key = labelled(user.on(), b"both", &[(Attr::WRAP, YES), (Attr::DECRYPT, YES)]);
    assert!(
        refused(STANDARD, &["both"]).contains("roles in conflict"),
        "one copy could wrap, the other decrypt"
    );
    let target = user.on().generate(&[(Attr::EXTRACTABLE, YES)]).unwrap();
    user.on().wrap(key, target).unwrap();
    let decided = export(&a, STANDARD, &["both"]).unwrap();
    import(&b, STANDARD, &decided).unwrap();
    let there = b.user(STANDARD);
    let clone = there.on().find(&[(Attr::LABEL, b"both")])[0];
    assert_eq!(rv(there.on().decrypt(mechanism(AES_ECB), clone, &[0; 16])), Rv::KEY_FUNCTION_NOT_PERMITTED);

    // Nor does a key come in with more rights than it has had here.
    let value = &[9; 16];
    for (world, extractable) in [(&a, YES), (&b, NO)] {
        let flags = [(Attr::TOKEN, YES), (Attr::LABEL, b"known"), (Attr::ENCRYPT, NO), (Attr::WRAP, NO)];
        let user = world.user(STANDARD);
        user.on().known(value, &[&flags[..], &[(Attr::EXTRACTABLE, extractable)]].concat()).unwrap();
    }
    let why = import(&b, STANDARD, &export(&a, STANDARD, &["known"]).unwrap()).unwrap_err().to_string();
    assert!(why.contains("with fewer rights"), "{why}");

    labelled(user.on(), b"fixed", &[(Attr::COPYABLE, NO)]);
    assert!(refused(STANDARD, &["fixed"]).contains("CKA_COPYABLE is false"));
    assert!(refused(STANDARD, &["nothing"]).contains("there is no object"));
    labelled(a.user(LEGACY).on(), b"plain", &[]);
    let file = export(&a, LEGACY, &["plain"]).unwrap();
    for slot in [STANDARD, STRICT] {
        let why = import(&b, slot, &file).unwrap_err().to_string();
        assert!(why.contains("with the legacy policy"), "{why}");
    }
    import(&b, LEGACY, &file).unwrap();
    let why = restore(&b, &file, NEW).err().unwrap().to_string();
    assert!(why.contains("`clone import` takes it"), "{why}");
}
