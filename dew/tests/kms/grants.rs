//! Grants: parts in keys that are given to users and accounts.

use std::collections::BTreeSet;

use dew::caller::Caller;
use dew::iam::{AgencyId, Assumed, Identity, NewUser, Principal};
use dew::kms::spec::{Spec, Usage};
use dew::kms::{
    Algorithm, Granted, KmsError, Length, MacAlgorithm, Message, NewGrant, NewKey, Origin, Page, Scheme,
};
use hsm::event::Actor;

use crate::support::{Account, World, as_caller, code, new, used};

/// A user of an account without any policy, in the account's project.
fn user(world: &World, account: &Account, name: &str) -> Caller {
    let id = account.made.account.id;
    let acting = || world.kms.iam().by(Actor::DAEMON);
    let user = acting().create_user(id, &NewUser { name, ..NewUser::default() }).unwrap();
    let key = acting().create_access_key(id, user.id, "").unwrap();
    let identity = world.kms.iam().access_key(key.id.as_str(), None).unwrap().identity;
    as_caller(identity, account.made.project)
}

fn names(operations: &[&str]) -> Vec<String> {
    operations.iter().map(|name| (*name).to_owned()).collect()
}

struct To<'a> {
    kind: &'a str,
    id: String,
    retiring: Option<String>,
}

fn to_user(caller: &Caller) -> To<'static> {
    To { kind: "user", id: caller.identity.id(), retiring: None }
}

fn to_account(account: &Account) -> To<'static> {
    To { kind: "domain", id: account.made.account.id.to_string(), retiring: None }
}

/// Grants, and gives the grant's id.
fn grant(
    world: &World,
    by: &Caller,
    key: &str,
    to: &To<'_>,
    operations: &[&str],
) -> Result<String, KmsError> {
    let operations = names(operations);
    let new = NewGrant {
        grantee: &to.id,
        kind: Some(to.kind),
        operations: &operations,
        name: Some("a:grant/of_1-key"),
        retiring: to.retiring.as_deref(),
    };
    Ok(world.kms.create_grant(by, key, new)?.id.to_string())
}

/// Does what can be granted, one after the other, and tells what was done. What is not the caller's to do must be refused
/// as such.
fn done(world: &World, by: &Caller, key: &str) -> BTreeSet<&'static str> {
    let kms = &world.kms;
    let shown = |result: Result<(), KmsError>| match result {
        Err(KmsError::Forbidden(_) | KmsError::NoKey) => false,
        // Let in, and refused for another reason: what was asked of the key is not what it can do.
        _ => true,
    };
    let pair = |operation| kms.create_data_key_pair(by, operation, key, "ECC_NIST_P256", b"").map(drop);
    let tries: [(&str, Result<(), KmsError>); 13] = [
        ("describe-key", kms.describe_key(by, key).map(drop)),
        ("create-datakey", kms.create_data_key(by, "CreateDatakey", key, Length::Bits(256), b"").map(drop)),
        (
            "create-datakey-without-plaintext",
            kms.create_data_key(by, "CreateDatakeyWithoutPlaintext", key, Length::Bits(256), b"").map(drop),
        ),
        ("create-datakey-pair", pair("CreateEcDatakeyPair")),
        ("encrypt-datakey", kms.encrypt_data_key(by, key, &[0; 64], 32, b"").map(drop)),
        ("decrypt-datakey", kms.decrypt_data_key(by, key, &[0; 99], 32, b"").map(drop)),
        ("encrypt-data", kms.encrypt_data(by, key, Scheme::Symmetric, b"x", b"").map(drop)),
        ("decrypt-data", kms.decrypt_data(by, Some(key), Scheme::Symmetric, &[0; 99], b"").map(drop)),
        ("get-publickey", kms.public_key(by, key).map(drop)),
        ("sign", kms.sign(by, key, algorithm(), Message::Raw(b"x")).map(drop)),
        ("verify", kms.verify(by, key, algorithm(), Message::Raw(b"x"), &[0; 64]).map(drop)),
        ("generate-mac", kms.generate_mac(by, key, mac(), b"x").map(drop)),
        ("verify-mac", kms.verify_mac(by, key, mac(), b"x", &[0; 32]).map(drop)),
    ];
    tries.into_iter().filter_map(|(name, result)| shown(result).then_some(name)).collect()
}

fn algorithm() -> Algorithm {
    Algorithm::named("ECDSA_SHA_256").unwrap()
}

fn mac() -> MacAlgorithm {
    MacAlgorithm::named("HMAC_SHA_256").unwrap()
}

/// Requirement: KMS-213, KMS-214, KMS-215, KMS-225, KMS-229
#[test]
fn a_grantee_does_what_it_was_given_and_nothing_else_until_that_is_revoked() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let root = world.root(&ours);
    let key = world.key(&root, new("k", Spec::Aes256));
    let (alice, bob) = (user(&world, &ours, "alice"), user(&world, &ours, "bob"));
    let (carol, dave) = (user(&world, &theirs, "carol"), user(&world, &theirs, "dave"));
    for (to, who, others) in [
        (to_user(&alice), vec![&alice], vec![&bob, &carol]),
        (to_user(&carol), vec![&carol], vec![&dave, &alice]),
        (to_account(&theirs), vec![&carol, &dave], vec![&alice]),
        (to_account(&ours), vec![&alice, &bob], vec![&carol]),
    ] {
        for operation in ["describe-key", "encrypt-data", "decrypt-datakey", "create-datakey-pair"] {
            let id = grant(&world, &root, &key, &to, &[operation]).unwrap();
            for grantee in &who {
                assert_eq!(done(&world, grantee, &key), BTreeSet::from([operation]), "{operation}");
            }
            for other in &others {
                assert!(done(&world, other, &key).is_empty(), "{operation}");
            }
            world.kms.revoke_grant(&root, &key, &id).unwrap();
            assert!(who.iter().all(|grantee| done(&world, grantee, &key).is_empty()));
        }
    }
    // A key that is not for somebody to know of is not there; one that is in part, is refused.
    assert_eq!(code(world.kms.describe_key(&carol, &key)), "KMS.0207");
    grant(&world, &root, &key, &to_user(&carol), &["encrypt-data"]).unwrap();
    assert_eq!(code(world.kms.describe_key(&carol, &key)), "KMS.0330");
}

/// Requirement: KMS-217, KMS-218, KMS-219, KMS-220, KMS-221, KMS-222, KMS-223
#[test]
fn what_can_be_granted_fits_the_key() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let alice = user(&world, &account, "alice");
    let all = ["describe-key", "create-grant", "retire-grant"];
    let symmetric = [
        "create-datakey-without-plaintext",
        "create-datakey",
        "encrypt-datakey",
        "decrypt-datakey",
        "encrypt-data",
        "decrypt-data",
        "create-datakey-pair",
    ];
    let (signing, encrypting) =
        (["get-publickey", "sign", "verify"], ["get-publickey", "encrypt-data", "decrypt-data"]);
    let macs = ["generate-mac", "verify-mac"];
    let encrypts = |name: &str, spec| used(Usage::EncryptDecrypt, new(name, spec));
    for (key, fits) in [
        (new("aes", Spec::Aes256), &symmetric[..]),
        (new("rsa-s", Spec::Rsa2048), &signing),
        (new("p256", Spec::EcP256), &signing),
        (new("p384", Spec::EcP384), &signing),
        (encrypts("rsa-e", Spec::Rsa2048), &encrypting),
        (new("h256", Spec::Hmac256), &macs),
        (new("h384", Spec::Hmac384), &macs),
        (new("h512", Spec::Hmac512), &macs),
    ] {
        let name = key.name.clone();
        let key = world.key(&root, key);
        for granted in Granted::ALL.iter().filter(|granted| **granted != Granted::CreateGrant) {
            let result = grant(&world, &root, &key, &to_user(&alice), &[granted.name()]);
            if all.contains(&granted.name()) || fits.contains(&granted.name()) {
                assert!(result.is_ok(), "{name}: {}", granted.name());
            } else {
                assert_eq!(code(result), "KMS.0308", "{name}: {}", granted.name());
            }
        }
        let expected: BTreeSet<_> = fits.iter().copied().chain(["describe-key"]).collect();
        assert_eq!(done(&world, &alice, &key), expected, "{name}");
        let whole: Vec<_> = fits.iter().copied().chain(all).collect();
        assert!(grant(&world, &root, &key, &to_user(&alice), &whole).is_ok(), "{name}");
    }
}

/// Requirement: KMS-209, KMS-216, KMS-224, KMS-226
#[test]
fn only_keys_that_are_custom_and_enabled_are_granted_by_what_makes_sense() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let alice = user(&world, &account, "alice");
    let to = to_user(&alice);
    let key = world.key(&root, new("k", Spec::Aes256));
    assert_eq!(code(grant(&world, &root, "kms/default", &to, &["encrypt-data"])), "KMS.0211");
    assert_eq!(code(grant(&world, &root, &key, &to, &["create-grant"])), "KMS.2401");
    assert_eq!(code(grant(&world, &root, &key, &to, &[])), "KMS.0308");
    assert_eq!(code(grant(&world, &root, &key, &to, &["schedule-key-deletion"])), "KMS.0308");
    let nobody = To { kind: "user", id: "0".repeat(32), retiring: None };
    assert_eq!(code(grant(&world, &root, &key, &nobody, &["encrypt-data"])), "KMS.2402");
    let nobody = To { kind: "domain", ..to_user(&alice) };
    assert_eq!(code(grant(&world, &root, &key, &nobody, &["encrypt-data"])), "KMS.2402");
    let retiring = To { retiring: Some("x".to_owned()), ..to_user(&alice) };
    assert_eq!(code(grant(&world, &root, &key, &retiring, &["encrypt-data"])), "KMS.2402");
    for name in ["a b", "", "ä", &"x".repeat(256)] {
        let operations = names(&["encrypt-data"]);
        let new = NewGrant {
            grantee: &to.id,
            kind: None,
            operations: &operations,
            name: Some(name),
            retiring: None,
        };
        assert_eq!(code(world.kms.create_grant(&root, &key, new)), "KMS.1101", "{name:?}");
    }
    world.kms.disable_key(&root, &key).unwrap();
    assert_eq!(code(grant(&world, &root, &key, &to, &["encrypt-data"])), "KMS.0209");
    world.kms.enable_key(&root, &key).unwrap();
    assert!(grant(&world, &root, &key, &to, &["encrypt-data"]).is_ok());
    let empty = world.key(&root, NewKey { origin: Origin::External, ..new("empty", Spec::Aes256) });
    assert_eq!(code(grant(&world, &root, &empty, &to, &["encrypt-data"])), "KMS.0309");
    // What is given on a key that cannot be used now, cannot be used now.
    world.kms.disable_key(&root, &key).unwrap();
    assert_eq!(code(world.encrypt(&alice, &key, "x")), "KMS.0209");
}

/// Requirement: KMS-210
#[test]
fn a_key_has_a_hundred_grants() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let alice = user(&world, &account, "alice");
    let key = world.key(&root, new("k", Spec::Aes256));
    let ids: Vec<_> =
        (0..100).map(|_| grant(&world, &root, &key, &to_user(&alice), &["encrypt-data"]).unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 100);
    assert!(ids.iter().all(|id| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert_eq!(code(grant(&world, &root, &key, &to_user(&alice), &["encrypt-data"])), "KMS.2404");
    // Pages, in the order in which they were made.
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let page = Page { limit: Some("33"), marker: marker.as_deref() };
        let part = world.kms.list_grants(&root, &key, &page).unwrap();
        assert_eq!(part.total, 100);
        seen.extend(part.items.iter().map(|grant| grant.id.to_string()));
        marker = part.next;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    world.kms.revoke_grant(&root, &key, &ids[7]).unwrap();
    assert!(grant(&world, &root, &key, &to_user(&alice), &["encrypt-data"]).is_ok());
}

/// Requirement: KMS-211, KMS-212, KMS-231
#[test]
fn who_was_given_create_grant_gives_what_it_has_and_that_outlives_its_own() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let root = world.root(&ours);
    let key = world.key(&root, new("k", Spec::Aes256));
    let (carol, dave) = (user(&world, &theirs, "carol"), user(&world, &theirs, "dave"));
    assert_eq!(code(grant(&world, &carol, &key, &to_user(&dave), &["encrypt-data"])), "KMS.0207");
    let first = grant(&world, &root, &key, &to_user(&carol), &["create-grant", "encrypt-data"]).unwrap();
    assert_eq!(code(grant(&world, &carol, &key, &to_user(&dave), &["decrypt-data"])), "KMS.0330");
    assert!(done(&world, &dave, &key).is_empty());
    grant(&world, &carol, &key, &to_user(&dave), &["encrypt-data"]).unwrap();
    // Neither shows nor takes what is the owner's to show and take, nor makes its own part larger.
    assert_eq!(code(world.kms.list_grants(&carol, &key, &Page::default())), "KMS.0207");
    assert_eq!(code(world.kms.revoke_grant(&carol, &key, &first)), "KMS.0207");
    assert_eq!(code(world.kms.edit_grant(&carol, &key, &first, &names(&["decrypt-data"]))), "KMS.0207");
    world.kms.revoke_grant(&root, &key, &first).unwrap();
    assert!(done(&world, &carol, &key).is_empty());
    assert_eq!(done(&world, &dave, &key), BTreeSet::from(["encrypt-data"]));
    let left = world.kms.list_grants(&root, &key, &Page::default()).unwrap();
    assert_eq!(left.items.len(), 1);
    assert_eq!(left.items[0].issuer, carol.identity.id());
}

/// Requirement: KMS-227, KMS-228, KMS-233
#[test]
fn the_owner_sees_what_was_granted_and_changes_it() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let root = world.root(&ours);
    let (key, other) = (world.key(&root, new("k", Spec::Aes256)), world.key(&root, new("o", Spec::Aes256)));
    let carol = user(&world, &theirs, "carol");
    let id = grant(&world, &root, &key, &to_account(&theirs), &["encrypt-data", "describe-key"]).unwrap();
    let world = world.again();
    let shown = world.kms.list_grants(&root, &key, &Page::default()).unwrap();
    let [one] = shown.items.as_slice() else { panic!("{shown:?}") };
    assert_eq!(
        (one.id.to_string(), one.key.to_string(), one.name.as_str()),
        (id.clone(), key.clone(), "a:grant/of_1-key")
    );
    assert_eq!((one.grantee.kind(), one.grantee.id()), ("domain", theirs.made.account.id.to_string()));
    assert_eq!(one.operations, BTreeSet::from([Granted::DescribeKey, Granted::EncryptData]));
    assert_eq!(one.created, crate::support::START);

    assert_eq!(code(world.kms.edit_grant(&root, &key, &id, &names(&["sign"]))), "KMS.0308");
    assert_eq!(code(world.kms.edit_grant(&root, &other, &id, &names(&["decrypt-data"]))), "KMS.2502");
    assert_eq!(code(world.kms.revoke_grant(&root, &other, &id)), "KMS.2502");
    assert_eq!(code(world.kms.revoke_grant(&root, &key, &"0".repeat(64))), "KMS.2501");
    assert_eq!(code(world.kms.revoke_grant(&root, &key, "0")), "KMS.0308");
    world.kms.edit_grant(&root, &key, &id, &names(&["decrypt-data", "describe-key"])).unwrap();
    assert_eq!(done(&world, &carol, &key), BTreeSet::from(["decrypt-data", "describe-key"]));
    let world = world.again();
    assert_eq!(done(&world, &carol, &key), BTreeSet::from(["decrypt-data", "describe-key"]));
    assert_eq!(code(world.encrypt(&carol, &key, "x")), "KMS.0330");
}

/// Requirement: KMS-230
#[test]
fn a_grant_is_given_up_by_its_grantee_or_who_it_names() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let root = world.root(&ours);
    let key = world.key(&root, new("k", Spec::Aes256));
    let (carol, dave) = (user(&world, &theirs, "carol"), user(&world, &theirs, "dave"));
    let theirs_root = world.root(&theirs);
    let retirable = |who: &Caller| {
        let all = world.kms.list_retirable_grants(who, &Page::default());
        all.map(|all| all.items.iter().map(|grant| grant.id.to_string()).collect::<Vec<_>>())
    };

    let kept = grant(&world, &root, &key, &to_user(&carol), &["encrypt-data"]).unwrap();
    assert_eq!(code(world.kms.retire_grant(&carol, &key, &kept)), "KMS.0330", "it was not given that");
    let own = grant(&world, &root, &key, &to_user(&carol), &["decrypt-data", "retire-grant"]).unwrap();
    assert_eq!(code(world.kms.retire_grant(&dave, &key, &own)), "KMS.0207");
    assert_eq!(code(world.kms.retire_grant(&root, &key, &own)), "KMS.0330", "its owner revokes it");
    world.kms.retire_grant(&carol, &key, &own).unwrap();
    assert_eq!(done(&world, &carol, &key), BTreeSet::from(["encrypt-data"]));

    let to = To { retiring: Some(theirs_root.identity.id()), ..to_user(&carol) };
    let named = grant(&world, &root, &key, &to, &["decrypt-data"]).unwrap();
    assert_eq!(retirable(&theirs_root).unwrap(), std::slice::from_ref(&named));
    assert_eq!(retirable(&root).unwrap(), [""; 0]);
    assert_eq!(code(retirable(&carol)), "KMS.0330", "without a policy that allows it");
    world.kms.retire_grant(&theirs_root, &key, &named).unwrap();
    assert_eq!(done(&world, &carol, &key), BTreeSet::from(["encrypt-data"]));
    assert_eq!(retirable(&theirs_root).unwrap(), [""; 0]);
    // The one that it named is still there: nothing of it was given to who retired it.
    assert!(done(&world, &theirs_root, &key).is_empty());
}

#[test]
fn a_grantee_is_shown_whose_a_key_is() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let (root, carol) = (world.root(&ours), user(&world, &theirs, "carol"));
    let key = world.key(&root, new("k", Spec::Aes256));
    grant(&world, &root, &key, &to_user(&carol), &["describe-key"]).unwrap();
    let (_, account, region) = world.kms.describe_key_with_home(&carol, &key).unwrap();
    assert_eq!((account, region.as_str()), (ours.made.account.id, "local-1"));
}

#[test]
fn the_keys_of_a_suspended_project_are_closed_to_grantees_too() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let (root, carol) = (world.root(&ours), user(&world, &theirs, "carol"));
    let key = world.key(&root, new("k", Spec::Aes256));
    grant(&world, &root, &key, &to_user(&carol), &["encrypt-data", "describe-key"]).unwrap();
    let suspend = |suspended| {
        let acting = world.kms.iam().by(Actor::DAEMON);
        let (account, project) = (ours.made.account.id, ours.made.project);
        acting.change_project(account, project, None, None, Some(suspended)).unwrap();
    };
    assert!(world.encrypt(&carol, &key, "x").is_ok());
    suspend(true);
    assert_eq!(code(world.encrypt(&root, &key, "x")), "KMS.0321");
    assert_eq!(code(world.encrypt(&carol, &key, "x")), "KMS.0207");
    assert_eq!(code(world.kms.describe_key(&carol, &key)), "KMS.0207");
    suspend(false);
    assert!(world.encrypt(&carol, &key, "x").is_ok());
}

#[test]
fn the_quota_of_grants_is_used_up_by_the_key_that_has_most() {
    let world = World::new();
    let ours = world.account("ours");
    let (root, alice) = (world.root(&ours), user(&world, &ours, "alice"));
    let used = || world.kms.quotas_of_project(&root).unwrap().1.used;
    assert_eq!(used(), 0);
    let (one, two) = (world.key(&root, new("1", Spec::Aes256)), world.key(&root, new("2", Spec::Aes256)));
    let given = grant(&world, &root, &one, &to_user(&alice), &["encrypt-data"]).unwrap();
    for _ in 0..3 {
        grant(&world, &root, &two, &to_user(&alice), &["encrypt-data"]).unwrap();
    }
    assert_eq!(used(), 3);
    world.kms.revoke_grant(&root, &one, &given).unwrap();
    assert_eq!(used(), 3);
}

#[test]
fn a_grant_to_an_account_is_for_its_users_and_for_none_of_its_agencies() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let (root, carol) = (world.root(&ours), user(&world, &theirs, "carol"));
    let key = world.key(&root, new("k", Spec::Aes256));
    grant(&world, &root, &key, &to_account(&theirs), &["encrypt-data"]).unwrap();
    assert!(world.encrypt(&carol, &key, "x").is_ok());
    let by = Assumed::User {
        account: ours.made.account.id,
        account_name: "ours".into(),
        id: root.identity.user().unwrap(),
        name: "root".into(),
        session: None,
    };
    for principal in [
        Principal::Agency { id: AgencyId([7; 16]), name: "helpers".into(), by },
        Principal::Service { name: "op_service" },
    ] {
        let other = Identity { principal, ..(*carol.identity).clone() };
        let other = as_caller(other.into(), theirs.made.project);
        assert_eq!(code(world.encrypt(&other, &key, "x")), "KMS.0207");
    }
}

#[test]
fn grants_go_with_their_key() {
    let world = World::new();
    let ours = world.account("ours");
    let (root, alice) = (world.root(&ours), user(&world, &ours, "alice"));
    let (key, other) = (world.key(&root, new("k", Spec::Aes256)), world.key(&root, new("o", Spec::Aes256)));
    for key in [&key, &other] {
        let to = To { retiring: Some(root.identity.id()), ..to_user(&alice) };
        grant(&world, &root, key, &to, &["encrypt-data"]).unwrap();
    }
    let retirable = |world: &World| world.kms.list_retirable_grants(&root, &Page::default()).unwrap().total;
    assert_eq!(retirable(&world), 2);
    world.kms.schedule_deletion(&root, &key, 7).unwrap();
    world.pass_days(7);
    world.run_due();
    assert_eq!(retirable(&world), 1);
    // After a start they are looked at before their project is: once, and never when it has changed since.
    let world = world.again();
    for _ in 0..2 {
        assert_eq!(retirable(&world), 1);
    }
    let to = To { retiring: Some(root.identity.id()), ..to_user(&alice) };
    grant(&world, &root, &other, &to, &["decrypt-data"]).unwrap();
    assert_eq!(retirable(&world), 2);
    world.kms.schedule_deletion(&root, &other, 7).unwrap();
    world.pass_days(7);
    world.run_due();
    assert_eq!(retirable(&world), 0);
}
