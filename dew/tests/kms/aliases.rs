//! Other names of keys.

use dew::caller::Caller;
use dew::iam::{EnterpriseProjectId, Level, Scope, Subject};
use dew::kms::spec::Spec;
use dew::kms::{NewKey, Page, Quotas, Scheme};
use hsm::event::Actor;

use super::office::{Office, id};
use super::support::{code, new};

/// Requirement: KMS-169, KMS-170
#[test]
fn an_alias_stands_for_the_keys_id_and_its_name_does_not() {
    let world = Office::new();
    let (key, signer) = (world.aes("the-name"), world.key("signer", Spec::EcP256));
    let alias = world.kms.create_alias(&world.root, &key, "app/data:1").unwrap();
    assert_eq!((alias.name.as_str(), alias.key), ("app/data:1", id(&key)));
    let cipher = world.encrypt("app/data:1").unwrap();
    assert_eq!(world.decrypt(&cipher).unwrap(), "plain");
    let named = world.kms.decrypt_data(&world.root, Some("app/data:1"), Scheme::Symmetric, &cipher, b"");
    assert_eq!(named.unwrap().key, id(&key));
    assert_eq!(world.kms.describe_key(&world.root, "app/data:1").unwrap().id, id(&key));
    world.kms.disable_key(&world.root, "app/data:1").unwrap();
    world.kms.enable_key(&world.root, "app/data:1").unwrap();
    assert_eq!(code(world.encrypt("the-name")), "KMS.0207");
    assert_eq!(code(world.encrypt("not an id")), "KMS.0205");
    assert_eq!(code(world.encrypt("")), "KMS.0205");
    // A name that another key has is no alias, and can be one.
    world.kms.create_alias(&world.root, &signer, "the-name").unwrap();
    assert_eq!(world.kms.describe_key(&world.root, "the-name").unwrap().id, id(&signer));
    let world = world.again();
    assert_eq!(world.decrypt(&cipher).unwrap(), "plain");
    world.encrypt("app/data:1").unwrap();
}

/// Requirement: KMS-171, KMS-172, KMS-173, KMS-174, KMS-175
#[test]
fn an_alias_is_one_keys_alone_in_its_region() {
    let world = Office::new();
    let (one, two) = (world.aes("one"), world.aes("two"));
    let create = |key: &str, alias| world.kms.create_alias(&world.root, key, alias);
    create(&one, "first").unwrap();
    create(&one, "second").unwrap();
    assert_eq!(code(create(&two, "first")), "KMS.1104");
    assert_eq!(code(create(&one, "first")), "KMS.1104");
    // Another project of the region, another region, and another account.
    let beside = world.root_in(world.sibling("local-1_beside"));
    let acting = world.kms.iam().by(Actor::DAEMON);
    let far = world.root_in(acting.create_region_project(world.account, "far-1").unwrap().id);
    let stranger = world.stranger("globex");
    for (who, taken) in [(&beside, true), (&far, false), (&stranger, false)] {
        let key = world.kms.create_key(who, new("key", Spec::Aes256)).unwrap();
        let made = world.kms.create_alias(who, &key.id.to_string(), "first");
        assert_eq!(made.is_err(), taken);
        if taken {
            assert_eq!(code(made), "KMS.1104");
        } else {
            assert_eq!(world.kms.describe_key(who, "first").unwrap().id, key.id);
        }
    }
    assert_eq!(code(world.kms.describe_key(&beside, "first")), "KMS.0207");
    // Which key it names can change, from one moment to the next; the alias does not.
    let moved = world.kms.associate_alias(&world.root, "first", &two).unwrap();
    assert_eq!((moved.name.as_str(), moved.key), ("first", id(&two)));
    assert_eq!(world.kms.describe_key(&world.root, "first").unwrap().id, id(&two));
    assert_eq!(code(world.kms.associate_alias(&world.root, "unknown", &two)), "KMS.0207");
}

/// Requirement: KMS-176
#[test]
fn a_key_has_no_more_than_fifty_aliases() {
    let world = Office::new();
    assert_eq!(Quotas::default().aliases, 50);
    let (key, other) = (world.aes("key"), world.aes("other"));
    for number in 0..50 {
        world.kms.create_alias(&world.root, &key, &format!("alias-{number}")).unwrap();
    }
    assert_eq!(code(world.kms.create_alias(&world.root, &key, "one-more")), "KMS.2301");
    world.kms.create_alias(&world.root, &other, "one-more").unwrap();
    assert_eq!(code(world.kms.associate_alias(&world.root, "one-more", &key)), "KMS.2301");
    world.kms.delete_aliases(&world.root, &key, &["alias-7".into()]).unwrap();
    world.kms.associate_alias(&world.root, "one-more", &key).unwrap();
}

/// Requirement: KMS-177
#[test]
fn an_alias_has_some_characters_and_is_no_keys_id() {
    let world = Office::new();
    let key = world.aes("key");
    let create = |alias: &str| world.kms.create_alias(&world.root, &key, alias);
    create("09azAZ_-:/").unwrap();
    create(&"a".repeat(255)).unwrap();
    for alias in ["a b", "ä", "a.b", "", &"a".repeat(256), "x/default", "obs/default", &key] {
        assert_eq!(code(create(alias)), "KMS.1101", "{alias:?}");
    }
    world.encrypt("kms/default").unwrap();
    let default = world.kms.create_alias(&world.root, "kms/default", "mine");
    assert_eq!(code(default), "KMS.0211");
    world.kms.schedule_deletion(&world.root, &key, 7).unwrap();
    assert_eq!(code(create("late")), "KMS.0210");
}

#[test]
fn aliases_are_listed_a_page_at_a_time_and_go_together_or_with_their_key() {
    let world = Office::new();
    let (one, two) = (world.aes("one"), world.aes("two"));
    for (key, alias) in [(&one, "a"), (&two, "b"), (&one, "c"), (&one, "d")] {
        world.kms.create_alias(&world.root, key, alias).unwrap();
    }
    let list = |key: Option<&str>, limit, marker: Option<&str>| {
        let page = world.kms.list_aliases(&world.root, key, &Page { limit, marker }).unwrap();
        let names: Vec<_> = page.items.iter().map(|alias| alias.name.clone()).collect();
        (names.join(""), page.next)
    };
    assert_eq!(list(None, None, None), ("abcd".into(), None));
    assert_eq!(list(Some(&one), None, None), ("acd".into(), None));
    let (first, next) = list(Some(&one), Some("2"), None);
    assert_eq!(first, "ac");
    assert_eq!(list(Some(&one), Some("2"), next.as_deref()), ("d".into(), None));
    // All or none.
    let delete = |key: &str, names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        world.kms.delete_aliases(&world.root, key, &names)
    };
    assert_eq!(code(delete(&one, &["a", "b"])), "KMS.0207");
    assert_eq!(code(delete(&one, &[])), "KMS.0204");
    assert_eq!(list(None, None, None).0, "abcd");
    delete(&one, &["a", "d", "a"]).unwrap();
    assert_eq!(list(None, None, None).0, "bc");
    assert_eq!(code(world.kms.describe_key(&world.root, "a")), "KMS.0207");
    world.kms.schedule_deletion(&world.root, &one, 7).unwrap();
    assert_eq!(list(None, None, None).0, "bc");
    world.pass_days(7);
    world.run_due();
    let world = world.again();
    world.kms.create_alias(&world.root, &two, "c").unwrap();
    let all = world.kms.list_aliases(&world.root, None, &Page::default()).unwrap();
    assert!(all.items.iter().all(|alias| alias.key == id(&two)));
}

#[test]
fn aliases_are_listed_of_keys_that_the_caller_may_list() {
    let world = Office::new();
    let acting = world.kms.iam().by(Actor::DAEMON);
    let shop = acting.create_enterprise_project(world.account, "shop", "").unwrap().id;
    let lists = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:list*"]}]}"#;
    let of_shop = acting.create_role(world.account, "lists", ("", ""), Level::Project, lists).unwrap();
    let ann =
        world.user("ann", r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:sign"]}]}"#);
    let list = |who: &Caller| {
        let found = world.kms.list_aliases(who, None, &Page::default())?;
        Ok(found.items.iter().map(|alias| alias.name.clone()).collect::<Vec<_>>())
    };
    for (name, place) in [("everywhere", EnterpriseProjectId::DEFAULT), ("in-shop", shop)] {
        let new = NewKey { enterprise_project: place, ..new(name, Spec::Aes256) };
        let key = world.kms.create_key(&world.root, new).unwrap().id.to_string();
        world.kms.create_alias(&world.root, &key, name).unwrap();
    }
    assert_eq!(list(&world.root).unwrap(), ["everywhere", "in-shop"]);
    assert_eq!(code(list(&ann)), "KMS.0330");
    let id = ann.identity.user().unwrap();
    acting.give(world.account, Subject::User(id), of_shop.id, Scope::EnterpriseProject(shop)).unwrap();
    assert_eq!(list(&ann).unwrap(), ["in-shop"]);
}
