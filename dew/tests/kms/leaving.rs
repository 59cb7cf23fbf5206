//! An account that goes, with what all services keep of it.

use std::sync::Arc;

use dew::cts::{Cts, Outside};
use dew::iam::{AccountId, TagPolicyChange, Target, Trust};
use dew::kms::spec::Spec;
use dew::kms::{NewKeyStore, StoreKind};
use dew::leaving::{Staying, delete_account};
use hsm::event::Actor;
use hsm::service::Kind;

use super::office::Office;
use super::support::{World, new};

/// No buckets.
struct Nowhere;

impl Outside for Nowhere {
    fn fault(&self, _: AccountId, _: &str) -> Option<String> {
        Some("there are none".into())
    }

    fn make(&self, _: AccountId, _: &str) -> Result<(), String> {
        Err("there are none".into())
    }

    fn forwards(&self) -> bool {
        false
    }
}

fn leave(world: &World, account: AccountId) -> Result<(), Staying> {
    let iam = world.kms.iam();
    let cts = Cts::open(Arc::clone(&world.hsm), Arc::clone(iam), Box::new(Nowhere)).unwrap();
    delete_account(iam, &world.kms, &cts, account, Actor::DAEMON)
}

/// An account with a user, and with two projects whose keys are gone.
fn emptied() -> Office {
    let world = Office::new();
    world.user("ann", r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:*"]}]}"#);
    let sibling = world.root_in(world.sibling("local-1_more"));
    for caller in [&world.root, &sibling] {
        let key = world.kms.create_key(caller, new("one", Spec::Aes256)).unwrap().id.to_string();
        world.kms.schedule_deletion(caller, &key, 7).unwrap();
    }
    world.pass_days(8);
    world.run_due();
    assert_eq!(world.hsm.partitions().len(), 2);
    world
}

#[test]
fn an_account_without_keys_goes_whole_or_stays_whole_whichever_commit_fails() {
    for commits in 0..8 {
        let world = emptied();
        world.fail_after(commits);
        let done = leave(&world, world.account);
        let world = world.again();
        let iam = world.kms.iam();
        let there = (iam.users(world.account).len(), iam.groups(world.account).len());
        if done.is_err() {
            assert!(iam.account(world.account).is_some());
            assert_eq!((iam.projects(world.account).len(), there.0), (2, 2));
            world.key("later", Spec::Aes256);
            continue;
        }
        assert!(commits > 0, "it is committed");
        assert!(iam.account(world.account).is_none() && iam.project(world.project).is_none());
        assert_eq!(there, (0, 0));
        assert!(world.hsm.partitions().is_empty());
        let of = [Kind::Kms, Kind::AccessKey, Kind::Role, Kind::Assignment, Kind::Project, Kind::AccountUser];
        for kind in of {
            assert_eq!(world.hsm.service_records(kind).unwrap().len(), 0, "{kind:?}");
        }
        return;
    }
    panic!("it never goes");
}

#[test]
fn who_was_let_in_before_makes_no_key_for_an_account_that_is_gone() {
    let world = emptied();
    leave(&world, world.account).unwrap();
    assert!(world.kms.create_key(&world.root, new("late", Spec::Aes256)).is_err());
    let store = NewKeyStore { name: "late", kind: StoreKind::Dhsm, hsm_cluster: "", cluster: "" };
    assert!(world.kms.create_key_store(&world.root, store).is_err());
    assert!(world.hsm.partitions().is_empty());
    assert!(matches!(leave(&world, world.account), Err(Staying::Iam(_))));
}

#[test]
fn what_is_in_the_way_of_an_account_is_told_all_at_once() {
    let world = Office::new();
    world.aes("one");
    let store = NewKeyStore { name: "store", kind: StoreKind::Dhsm, hsm_cluster: "", cluster: "" };
    world.kms.create_key_store(&world.root, store).unwrap();
    world.kms.list_keys(&world.root, &dew::kms::Search::default(), &dew::kms::Page::default()).unwrap();
    let acting = || world.kms.iam().by(Actor::DAEMON);
    acting().set_tag_policies(true).unwrap();
    let document = r#"{"tags":{"cost":{}}}"#;
    let policy =
        TagPolicyChange { name: Some("costs"), document: Some(document), ..TagPolicyChange::default() };
    let policy = acting().create_tag_policy(policy).unwrap().id;
    acting().attach_tag_policy(policy, Target::Account(world.account)).unwrap();
    let other = world.stranger("other").identity.account;
    acting().create_agency(other, "ops", "", Trust::Account(world.account), None).unwrap();
    let Err(Staying::InTheWay(all)) = leave(&world, world.account) else { panic!("it goes") };
    let [stores, keys, tags, agency] = all.as_slice() else { panic!("{all:?}") };
    assert!(stores.contains("has key stores: 1") && keys.contains("has keys: 1"), "{all:?}");
    assert!(tags.contains("\"costs\"") && agency.contains("\"ops\" of the account \"other\""), "{all:?}");
    assert!(world.kms.iam().account(world.account).is_some());
}
