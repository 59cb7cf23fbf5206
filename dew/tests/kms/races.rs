//! What somebody else does in the middle of something, at each moment when that looks at the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dew::kms::spec::Spec;
use dew::kms::{NewGrant, NewKeyStore, Page, StoreKind, TagCall};
use hsm::object::Attr;
use hsm::service::Kind;

use super::office::Office;
use super::support::{code, new};

/// Whether what was done in the middle of something found nothing of it done yet.
#[derive(Clone, Default)]
struct First(Arc<AtomicBool>);

impl First {
    fn is(&self, first: bool) {
        self.0.store(first, Ordering::SeqCst);
    }

    fn was(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn no_key_of_a_store_is_enabled_while_the_store_is_disabled() {
    for looks in 0.. {
        let world = Office::new();
        let store = NewKeyStore { name: "store", kind: StoreKind::Default, hsm_cluster: "", cluster: "" };
        let store = world.kms.create_key_store(&world.root, store).unwrap();
        let id = store.id.to_string();
        let key = world.kms.create_key_in(&world.root, Some(&id), new("key", Spec::Aes256)).unwrap();
        let key = key.id.to_string();
        world.kms.disable_key(&world.root, &key).unwrap();
        let root = world.root.clone();
        world.meanwhile(looks, move |kms| drop(kms.enable_key_store(&root, &id, false).unwrap()));
        let _ = world.kms.enable_key(&world.root, &key);
        if !world.was_between() {
            assert!(looks > 2);
            break;
        }
        let partition = world.hsm.partition_of_slot(store.slot).unwrap();
        let objects = world.hsm.objects(&partition, 0, 10);
        assert!(objects.iter().all(|object| object.flag(Attr::SUSPENDED)), "after {looks}");
    }
}

#[test]
fn no_alias_is_given_to_a_key_that_is_to_be_deleted_already() {
    for looks in 0.. {
        let world = Office::new();
        let (key, other) = (world.aes("key"), world.aes("other"));
        world.kms.create_alias(&world.root, &other, "moves").unwrap();
        for make in [true, false] {
            let (first, root, doomed) = (First::default(), world.root.clone(), key.clone());
            let told = first.clone();
            world.meanwhile(looks, move |kms| {
                let scheduled = kms.schedule_deletion(&root, &doomed, 7);
                let aliases = kms.list_aliases(&root, Some(&doomed), &Page::default()).unwrap();
                told.is(scheduled.is_ok() && aliases.items.is_empty());
            });
            let done = match make {
                true => world.kms.create_alias(&world.root, &key, "late"),
                false => world.kms.associate_alias(&world.root, "moves", &key),
            };
            if !world.was_between() {
                assert!(looks > 3);
                return;
            }
            if first.was() {
                assert_eq!(code(done), "KMS.0210", "after {looks}");
            }
            let aliases = world.kms.list_aliases(&world.root, Some(&key), &Page::default()).unwrap();
            let aliases: Vec<_> = aliases.items.iter().map(|alias| alias.name.clone()).collect();
            world.kms.cancel_deletion(&world.root, &key).unwrap();
            if !aliases.is_empty() {
                world.kms.delete_aliases(&world.root, &key, &aliases).unwrap();
            }
        }
    }
}

#[test]
fn an_alias_is_not_taken_from_a_key_that_it_came_to_meanwhile_if_the_caller_may_not() {
    let only = |key: &str| {
        format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:*:*"],
                "Resource":["kms:*:*:KeyId:{key}"]}}]}}"#
        )
    };
    for looks in 0.. {
        let world = Office::new();
        let (mine, theirs) = (world.aes("mine"), world.aes("theirs"));
        let user = world.user("user", &only(&mine));
        world.kms.create_alias(&world.root, &mine, "name").unwrap();
        let (root, to) = (world.root.clone(), theirs.clone());
        world.meanwhile(looks, move |kms| drop(kms.associate_alias(&root, "name", &to).unwrap()));
        let _ = world.kms.associate_alias(&user, "name", &mine);
        if !world.was_between() {
            assert!(looks > 3);
            break;
        }
        let aliases = world.kms.list_aliases(&world.root, Some(&theirs), &Page::default()).unwrap();
        assert_eq!(aliases.items.len(), 1, "after {looks}");
    }
}

#[test]
fn nobody_passes_on_what_was_taken_back_already() {
    let operations = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for looks in 0.. {
        let world = Office::new();
        let key = world.aes("key");
        let none = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:list"]}]}"#;
        let (alice, bob) = (world.user("alice", none), world.user("bob", none));
        let (all, one) = (operations(&["create-grant", "encrypt-data"]), operations(&["encrypt-data"]));
        let to =
            |id, operations| NewGrant { grantee: id, kind: None, operations, name: None, retiring: None };
        let (to_alice, to_bob) = (alice.identity.id(), bob.identity.id());
        let given = world.kms.create_grant(&world.root, &key, to(&to_alice, &all)).unwrap();
        let (first, root, of) = (First::default(), world.root.clone(), key.clone());
        let told = first.clone();
        world.meanwhile(looks, move |kms| {
            kms.revoke_grant(&root, &of, &given.id.to_string()).unwrap();
            told.is(kms.list_grants(&root, &of, &Page::default()).unwrap().items.is_empty());
        });
        let done = world.kms.create_grant(&alice, &key, to(&to_bob, &one));
        if !world.was_between() {
            assert!(looks > 3);
            break;
        }
        if first.was() {
            assert!(["KMS.0330", "KMS.0207"].contains(&code(done)), "after {looks}");
        }
    }
}

#[test]
fn a_key_that_is_disabled_meanwhile_is_refused_as_a_disabled_key() {
    for looks in 0.. {
        let world = Office::new();
        let key = world.aes("key");
        let (root, id) = (world.root.clone(), key.clone());
        world.meanwhile(looks, move |kms| drop(kms.disable_key(&root, &id).unwrap()));
        let done = world.encrypt(&key);
        if !world.was_between() {
            assert!(looks > 2);
            break;
        }
        if let Err(error) = done {
            assert_eq!(error.code(), (400, "KMS.0209"), "after {looks}: {error}");
        }
    }
}

/// What somebody asks of a key.
type Request = fn(&Office, &str);

#[test]
fn nothing_of_a_key_outlasts_it() {
    let requests: &[Request] = &[
        |world, key| drop(world.kms.create_alias(&world.root, key, "alias")),
        |world, key| {
            let (me, operations) = (world.root.identity.id(), ["encrypt-data".to_owned()]);
            let new =
                NewGrant { grantee: &me, kind: None, operations: &operations, name: None, retiring: None };
            let _ = world.kms.create_grant(&world.root, key, new);
        },
        |world, key| {
            let tags = [("tag".to_owned(), "value".to_owned())];
            let _ = world.kms.tag_key(&world.root, TagCall::Create, key, &tags);
        },
        |world, key| drop(world.kms.rotate_now(&world.root, key)),
        |world, key| drop(world.encrypt(key)),
    ];
    for (number, request) in requests.iter().enumerate() {
        for looks in 0.. {
            let world = Office::new();
            let key = world.aes("key");
            let (root, id, days) = (world.root.clone(), key.clone(), world.days());
            world.meanwhile(looks, move |kms| {
                let _ = kms.schedule_deletion(&root, &id, 7);
                days(7);
                assert!(kms.run_due().failed.is_empty());
            });
            request(&world, &key);
            if !world.was_between() {
                assert!(looks > 1);
                break;
            }
            world.kms.keep_counts().unwrap();
            assert!(world.kms.counts_now().is_empty(), "request {number} after {looks}");
            let partition = world.hsm.partition_named(&world.project.to_string()).unwrap();
            let kinds = [Kind::KmsKey, Kind::KmsAlias, Kind::KmsGrant, Kind::KmsImport, Kind::KmsCount];
            for kind in kinds {
                let left = world.hsm.service_records_in(&partition, kind).unwrap();
                assert!(left.is_empty(), "{kind:?} of request {number} after {looks}");
            }
            assert_eq!(partition.object_count(), 0, "request {number} after {looks}");
        }
    }
}
