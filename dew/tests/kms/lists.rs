//! Which keys there are.

use dew::iam::EnterpriseProjectId;
use dew::kms::spec::{Spec, Usage};
use dew::kms::{DAY, NewKey, Origin, Page, Search, State};
use hsm::event::Actor;

use super::office::{Office, id};
use super::support::{START, code, new};

/// The names of the keys that fit, in order.
fn names(world: &Office, search: &Search) -> String {
    let found = world.kms.list_keys(&world.root, search, &Page::default()).unwrap();
    assert_eq!(found.total, found.items.len());
    found.items.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Requirement: KMS-149, KMS-150, KMS-151, KMS-152, KMS-153, KMS-154, KMS-156, KMS-157, KMS-158
#[test]
fn keys_are_searched_by_all_that_is_known_of_them_and_all_must_hold() {
    let world = Office::new();
    let shop =
        world.kms.iam().by(Actor::DAEMON).create_enterprise_project(world.account, "shop", "").unwrap().id;
    let first = world.aes("Payroll-1");
    let off = world.aes("payroll-2");
    world.kms.disable_key(&world.root, &off).unwrap();
    world.pass_days(1);
    world.key("signer", Spec::Rsa2048);
    let decrypts = NewKey { usage: Some(Usage::EncryptDecrypt), ..new("opener", Spec::Rsa2048) };
    world.kms.create_key(&world.root, decrypts).unwrap();
    world.empty_key("empty");
    let there = NewKey { enterprise_project: shop, ..new("shop-1", Spec::Aes256) };
    world.kms.create_key(&world.root, there).unwrap();
    let going = world.aes("going");
    world.kms.schedule_deletion(&world.root, &going, 7).unwrap();
    let all = Search::default;
    let found = |search: Search| names(&world, &search);
    assert_eq!(found(all()), "Payroll-1 payroll-2 signer opener empty shop-1 going");
    assert_eq!(found(Search { name: Some("PAYROLL".into()), ..all() }), "Payroll-1 payroll-2");
    assert_eq!(found(Search { name: Some("roll-2".into()), ..all() }), "payroll-2");
    assert_eq!(found(Search { id: Some(id(&first)), ..all() }), "Payroll-1");
    for (state, expected) in [
        (State::Enabled, "Payroll-1 signer opener shop-1"),
        (State::Disabled, "payroll-2"),
        (State::PendingDeletion, "going"),
        (State::PendingImport, "empty"),
    ] {
        assert_eq!(found(Search { state: Some(state), ..all() }), expected);
    }
    let day = START + DAY;
    assert_eq!(found(Search { created: Some(0..day), ..all() }), "Payroll-1 payroll-2");
    assert_eq!(found(Search { created: Some(day..u64::MAX), ..all() }), "signer opener empty shop-1 going");
    assert_eq!(found(Search { spec: Some(Spec::Rsa2048), ..all() }), "signer opener");
    assert_eq!(found(Search { usage: Some(Usage::SignVerify), ..all() }), "signer");
    assert_eq!(found(Search { origin: Some(Origin::External), ..all() }), "empty");
    assert_eq!(found(Search { enterprise_project: Some(shop), ..all() }), "shop-1");
    let none = Some(EnterpriseProjectId::DEFAULT);
    assert_eq!(
        found(Search { enterprise_project: none, ..all() }),
        "Payroll-1 payroll-2 signer opener empty going"
    );
    assert_eq!(found(Search { expires: Some(0..u64::MAX), ..all() }), "", "nothing that was imported");
    let both = Search { state: Some(State::Enabled), spec: Some(Spec::Aes256), ..all() };
    assert_eq!(found(both.clone()), "Payroll-1 shop-1");
    assert_eq!(found(Search { name: Some("pay".into()), enterprise_project: none, ..both }), "Payroll-1");
    world.pass_days(7);
    assert_eq!(found(Search { state: Some(State::PendingDeletion), ..all() }), "");
}

/// Requirement: KMS-012, KMS-107, KMS-025
#[test]
fn default_keys_are_told_apart_in_every_list() {
    let world = Office::new();
    world.aes("mine");
    for service in ["kms/default", "obs/default"] {
        world.encrypt(service).unwrap();
    }
    let of = |default| Search { default: Some(default), ..Search::default() };
    assert_eq!(names(&world, &of(false)), "mine");
    assert_eq!(names(&world, &of(true)), "kms/default obs/default");
    let all = world.kms.list_keys(&world.root, &Search::default(), &Page::default()).unwrap();
    for key in &all.items {
        assert_eq!(key.default, key.name.ends_with("/default"), "{}", key.name);
    }
    assert_eq!(world.kms.custom_keys(&world.root).unwrap(), 1);
}

#[test]
fn pages_hold_each_key_once_also_when_others_go_meanwhile() {
    let world = Office::new();
    let keys: Vec<_> = (0..7).map(|number| world.aes(&format!("k{number}"))).collect();
    let page = |limit, marker: Option<&str>| {
        let found = world.kms.list_keys(&world.root, &Search::default(), &Page { limit, marker }).unwrap();
        let names: Vec<_> = found.items.iter().map(|key| key.name.clone()).collect();
        (names.join(""), found.next, found.total)
    };
    let (first, next, total) = page(Some("3"), None);
    assert_eq!((first.as_str(), total), ("k0k1k2", 7));
    assert_eq!(page(Some("3"), Some("0")).0, "k0k1k2");
    world.kms.schedule_deletion(&world.root, &keys[1], 7).unwrap();
    world.pass_days(7);
    world.run_due();
    let (second, next, total) = page(Some("3"), next.as_deref());
    assert_eq!((second.as_str(), total), ("k3k4k5", 6));
    assert_eq!(page(Some("3"), next.as_deref()), ("k6".into(), None, 6));
    assert_eq!(page(Some("6"), None).1, None, "nothing more is not a page");
    let list =
        |limit, marker| code(world.kms.list_keys(&world.root, &Search::default(), &Page { limit, marker }));
    for limit in ["0", "1001", "-1", "x", "", "1 ", "+1"] {
        assert_eq!(list(Some(limit), None), "KMS.1601", "{limit:?}");
    }
    for marker in ["-1", "x", "0x1", "99999999999999999999999"] {
        assert_eq!(list(None, Some(marker)), "KMS.1602", "{marker:?}");
    }
}

#[test]
fn a_list_shows_the_keys_that_the_caller_may_list_and_is_refused_where_none_is() {
    let world = Office::new();
    let shop =
        world.kms.iam().by(Actor::DAEMON).create_enterprise_project(world.account, "shop", "").unwrap().id;
    world.aes("mine");
    let there = NewKey { enterprise_project: shop, ..new("theirs", Spec::Aes256) };
    world.kms.create_key(&world.root, there).unwrap();
    let policy = |condition: &str| {
        format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:cmk:list"]{condition}}}]}}"#
        )
    };
    let condition = format!(r#","Condition":{{"StringEquals":{{"g:EnterpriseProjectId":["{shop}"]}}}}"#);
    let (one, all) = (world.user("one", &policy(&condition)), world.user("all", &policy("")));
    let get = policy("").replace("list", "get");
    let none = world.user("none", &get);
    let list = |who, search: &Search| world.kms.list_keys(who, search, &Page::default());
    let names = |who| {
        let found = list(who, &Search::default()).unwrap();
        found.items.iter().map(|key| key.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&one), "theirs");
    assert_eq!(names(&all), "mine theirs");
    assert_eq!(code(list(&none, &Search::default())), "KMS.0330");
    let elsewhere = Search { enterprise_project: Some(EnterpriseProjectId::DEFAULT), ..Search::default() };
    assert_eq!(code(list(&one, &elsewhere)), "KMS.0330");
    // Nobody's list holds another account's.
    assert!(list(&world.stranger("globex"), &Search::default()).unwrap().items.is_empty());
}
