//! Access keys and tokens: what is good, and when it ends.

use std::collections::HashSet;
use std::sync::Arc;

use dew::iam::{
    AccessMode, AgencyChange, IamError, Identity, TemporaryKey, TokenScope, Trust, User, UserChange,
};
use proptest::prelude::*;

use super::world::{PASSWORD, World, with_user};

/// What a user has to come in with: a key, a token, and a key that expires.
struct Credentials {
    key: String,
    token: String,
    temporary: (String, String),
}

impl Credentials {
    fn of(world: &World, user: &User) -> Self {
        let key = world.acting().create_access_key(user.account, user.id, "").unwrap();
        let login = world.acting().log_in(Some(user.clone().into()), PASSWORD, None).unwrap();
        let token = world.iam.issue_token(&login, TokenScope::Account).unwrap().text;
        let temporary = world.iam.key_by_token(&token, 3600, None).unwrap();
        let security_token = String::from_utf8(temporary.security_token.as_bytes().to_vec()).unwrap();
        Self { key: key.id.to_string(), token, temporary: (temporary.id.to_string(), security_token) }
    }

    /// Which of them are good.
    fn good(&self, world: &World) -> [bool; 3] {
        let (key, security_token) = &self.temporary;
        [
            world.iam.access_key(&self.key, None).is_some(),
            world.iam.token(&self.token).is_ok(),
            world.iam.access_key(key, Some(security_token)).is_some(),
        ]
    }
}

#[derive(Clone, Copy, Debug)]
enum End {
    Disable,
    Delete,
    ChangePassword,
    DisableAccount,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever takes a user's rights ends what it has at once, and nobody else's; and what it ends does not come back.
    #[test]
    fn what_a_user_has_ends_with_its_rights(
        end in prop_oneof![Just(End::Disable), Just(End::Delete), Just(End::ChangePassword), Just(End::DisableAccount)],
        restart: bool,
    ) {
        let (mut world, acme, ann) = with_user("ann");
        let (bob, other) = (world.user(ann.account, "bob"), world.account("other"));
        let (hers, his) = (Credentials::of(&world, &ann), Credentials::of(&world, &bob));
        prop_assert_eq!(hers.good(&world), [true; 3]);
        let change = |change: UserChange<'_>| world.acting().change_user(ann.account, ann.id, &change).map(drop);
        match end {
            End::Disable => change(UserChange { enabled: Some(false), ..UserChange::default() }).unwrap(),
            End::Delete => world.acting().delete_user(ann.account, ann.id).unwrap(),
            End::ChangePassword => {
                change(UserChange { password: Some("Another-1-horse"), ..UserChange::default() }).unwrap();
            }
            End::DisableAccount => world.acting().enable_account(ann.account, false).map(drop).unwrap(),
        }
        if restart {
            world = world.again();
        }
        let keeps_key = matches!(end, End::ChangePassword);
        prop_assert_eq!(hers.good(&world), [keeps_key, false, false]);
        prop_assert_eq!(his.good(&world), [!matches!(end, End::DisableAccount); 3]);
        prop_assert!(world.iam.access_key(other.key.id.as_str(), None).is_some());
        if matches!(end, End::Disable) {
            let change = UserChange { enabled: Some(true), ..UserChange::default() };
            world.acting().change_user(ann.account, ann.id, &change).unwrap();
            prop_assert_eq!(hers.good(&world), [true, false, false], "tokens stay dead");
        }
        drop(acme);
    }

    /// A token is good as it was given out, for what it was given out for, and not otherwise.
    #[test]
    fn no_other_text_is_a_token(at: prop::sample::Index, bit in 0_u8..8, cut: prop::sample::Index) {
        let (world, _, ann) = with_user("ann");
        let good = Credentials::of(&world, &ann);
        let (key, security_token) = &good.temporary;
        for text in [&good.token, security_token] {
            let mut bytes = text.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8_lossy(&bytes).into_owned();
            let short = &text[..cut.index(text.len())];
            for bad in [changed.as_str(), short, &format!("{text}A"), &format!("{text}="), ""] {
                prop_assert!(world.iam.token(bad).is_err());
                prop_assert!(world.iam.access_key(key, Some(bad)).is_none());
            }
        }
        prop_assert!(world.iam.token(security_token).is_err(), "what goes with a key is no token");
        prop_assert!(world.iam.access_key(key, Some(&good.token)).is_none());
        prop_assert!(world.iam.access_key(key, None).is_none());
        prop_assert!(world.iam.access_key(&good.key, Some(security_token)).is_none(), "it is another key's");
    }
}

#[test]
fn no_two_access_keys_are_alike_and_a_user_has_two_at_the_most() {
    let (world, acme, _) = with_user("ann");
    let mut seen = HashSet::from([acme.key.id]);
    let mut secrets = HashSet::from([acme.key.secret.as_bytes().to_vec()]);
    for number in 0..40 {
        let user = world.user(acme.account.id, &format!("user{number}"));
        for _ in 0..2 {
            let key = world.acting().create_access_key(user.account, user.id, "").unwrap();
            assert!(seen.insert(key.id) && secrets.insert(key.secret.as_bytes().to_vec()));
            assert_eq!((key.id.as_str().len(), key.secret.len()), (20, 40));
        }
        let third = world.acting().create_access_key(user.account, user.id, "");
        assert!(matches!(third, Err(IamError::Quota(_))));
    }
}

#[test]
fn a_key_is_checked_with_the_secret_that_was_shown_and_only_while_it_is_active() {
    let (world, acme, ann) = with_user("ann");
    let key = world.acting().create_access_key(ann.account, ann.id, "of the build").unwrap();
    let credential = || world.iam.access_key(key.id.as_str(), None);
    let who = credential().unwrap().identity;
    let login = world.acting().log_in(Some(Arc::clone(&ann)), PASSWORD, None).unwrap();
    let token = world.iam.issue_token(&login, TokenScope::Account).unwrap().text;
    let expiring =
        [world.iam.key_for(&who, 900, None), world.iam.key_by_token(&token, 900, None)].map(|key| {
            let key = key.unwrap();
            (key.id.to_string(), String::from_utf8(key.security_token.as_bytes().to_vec()).unwrap())
        });
    let good = || expiring.each_ref().map(|(key, token)| world.iam.access_key(key, Some(token)).is_some());
    assert_eq!(*credential().unwrap().secret, *key.secret);
    assert_eq!(credential().unwrap().identity.user(), Some(ann.id));
    let active = |active| world.acting().change_access_key(ann.account, key.id, Some(active), None).unwrap();
    active(false);
    assert!(credential().is_none());
    active(true);
    assert!(credential().is_some());
    let mode = |mode| {
        let change = UserChange { mode: Some(mode), ..UserChange::default() };
        world.acting().change_user(ann.account, ann.id, &change).unwrap();
    };
    mode(AccessMode::Console);
    assert!(credential().is_none(), "a user of the console alone signs nothing");
    assert_eq!(good(), [false; 2], "nor with a key that expires");
    assert!(matches!(world.iam.key_by_token(&token, 900, None), Err(IamError::Forbidden(_))));
    assert!(matches!(world.iam.key_for(&who, 900, None), Err(IamError::Forbidden(_))));
    assert!(world.iam.token(&token).is_ok(), "a token is no key");
    mode(AccessMode::Programmatic);
    assert!(credential().is_some());
    assert_eq!(good(), [true; 2]);
    let other = world.account("other").account.id;
    assert!(matches!(world.acting().delete_access_key(other, key.id), Err(IamError::Unknown(_))));
    assert!(world.iam.access_key_of(other, key.id).is_none());
    world.acting().delete_access_key(ann.account, key.id).unwrap();
    assert!(credential().is_none());
    for nothing in ["", "x", "HPUA0000000000000000", acme.account.name.as_str()] {
        assert!(world.iam.access_key(nothing, None).is_none());
    }
}

#[test]
fn a_token_ends_after_a_day_and_a_key_that_expires_when_it_says() {
    let (world, acme, ann) = with_user("ann");
    let login = world.acting().log_in(Some(ann), PASSWORD, None).unwrap();
    let scope = TokenScope::Project(acme.project);
    let issued = world.iam.issue_token(&login, scope).unwrap();
    let token = world.iam.token(&issued.text).unwrap();
    assert_eq!((token.scope, token.identity.project), (scope, Some(acme.project)));
    assert_eq!(token.expires, world.now() + 86_400);
    assert!(token.identity.temporary && token.identity.mfa.is_none());
    for seconds in [899, 86_401] {
        assert!(matches!(world.iam.key_by_token(&issued.text, seconds, None), Err(IamError::Range { .. })));
    }
    let key = world.iam.key_by_token(&issued.text, 900, None).unwrap();
    let security_token = std::str::from_utf8(key.security_token.as_bytes()).unwrap();
    let good = || world.iam.access_key(key.id.as_str(), Some(security_token));
    assert_eq!(*good().unwrap().secret, key.secret);
    world.wait(899);
    assert!(good().is_some());
    world.wait(1);
    assert!(good().is_none());
    world.wait(86_400 - 901);
    assert!(world.iam.token(&issued.text).is_ok());
    world.wait(1);
    assert!(matches!(world.iam.token(&issued.text), Err(IamError::NoToken)));
    let theirs = world.account("other").project;
    let refused = world.iam.issue_token(&login, TokenScope::Project(theirs));
    assert!(matches!(refused, Err(IamError::Unknown("project"))));
}

#[test]
fn a_token_made_by_a_token_ends_with_it_and_is_for_no_more() {
    let (world, acme, ann) = with_user("ann");
    let other = world.acting().create_project(ann.account, acme.project, "home-1_other", "").unwrap();
    let login = world.acting().log_in(Some(ann), PASSWORD, None).unwrap();
    let good = |issued: dew::iam::Issued| world.iam.token(&issued.text).unwrap();
    let first = good(world.iam.issue_token(&login, TokenScope::Account).unwrap());
    world.wait(3600);
    let again = |token: &dew::iam::Token, scope| world.iam.issue_token_for(&token.identity, scope);
    let here = good(again(&first, TokenScope::Project(acme.project)).unwrap());
    let same = good(again(&here, TokenScope::Project(acme.project)).unwrap());
    assert_eq!([here.expires, same.expires], [first.expires; 2], "of all, when the log-in's does");
    assert_eq!(here.issued, world.now());
    for wider in [TokenScope::Account, TokenScope::Project(other.id)] {
        assert!(matches!(again(&here, wider), Err(IamError::Forbidden(_))), "{wider:?}");
    }
    world.wait(23 * 3600);
    assert!(matches!(again(&first, TokenScope::Account), Err(IamError::NoToken)));
}

/// A token's end and the policy that a key is held to go along with all that is given for it, also through an agency.
#[test]
fn what_is_given_for_a_credential_ends_with_it_and_is_held_to_as_much() {
    let (world, acme, ann) = with_user("ann");
    let there = world.account("there").account.id;
    let ops =
        world.acting().create_agency(there, "ops", "", Trust::Account(acme.account.id), None).unwrap().id;
    let login = world.acting().log_in(Some(Arc::clone(&ann)), PASSWORD, None).unwrap();
    let issued = world.iam.issue_token(&login, TokenScope::Account).unwrap();
    let (end, who) = (world.now() + 86_400, &issued.token.identity);
    let project = world.iam.issue_token(&login, TokenScope::Project(acme.project)).unwrap().token.identity;
    let by_key = |key: &TemporaryKey| {
        let security_token = std::str::from_utf8(key.security_token.as_bytes()).unwrap();
        world.iam.access_key(key.id.as_str(), Some(security_token)).map(|found| found.identity)
    };
    let assume = |who: &Identity| world.iam.assume(who, ops, TokenScope::Account);
    let agency_key =
        |who: &Identity, session| world.iam.key_by_agency(who, ops, 7200, Some("ann-at-work"), session);
    world.wait(23 * 3600);

    let through = assume(who).unwrap();
    let keys = [
        world.iam.key_by_token(&issued.text, 7200, None).unwrap(),
        world.iam.key_by_token(&through.text, 7200, None).unwrap(),
        agency_key(who, None).unwrap(),
    ];
    assert_eq!(through.token.expires, end);
    assert_eq!(keys.iter().map(|key| key.expires).collect::<Vec<_>>(), [end; 3]);
    assert_eq!(world.iam.key_by_token(&issued.text, 900, None).unwrap().expires, world.now() + 900);
    assert!(
        matches!(assume(&project), Err(IamError::Forbidden(_))),
        "it is for a project of another account"
    );
    assert!(matches!(agency_key(&project, None), Err(IamError::Forbidden(_))));

    // A key that expires goes along as one, with its policy and no other.
    assert!(through.token.identity.makes_what_lasts());
    let session = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["iam:agencies:assume"]}]}"#;
    let held = world.iam.key_for(&world.signing(&ann), 3600, Some(session)).unwrap();
    let held_until = held.expires;
    let held = by_key(&held).unwrap();
    let through = assume(&held).unwrap();
    let last = world.iam.key_by_token(&through.text, 7200, None).unwrap();
    for identity in [&through.token.identity, &by_key(&last).unwrap()] {
        assert_eq!((identity.session.as_deref(), identity.until), (Some(session), Some(held_until)));
        assert!(identity.by_expiring_key && !identity.makes_what_lasts());
    }
    let other = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:get"]}]}"#;
    assert!(matches!(world.iam.key_by_token(&through.text, 900, Some(other)), Err(IamError::Forbidden(_))));
    assert!(matches!(agency_key(&held, Some(other)), Err(IamError::Forbidden(_))));

    world.wait(3599);
    assert!(keys.iter().all(|key| by_key(key).is_some()));
    world.wait(1);
    assert!(keys.iter().all(|key| by_key(key).is_none()));
    assert!(matches!(assume(who), Err(IamError::NoToken)));
}

/// What was shown before a password was changed gives nothing after that.
#[test]
fn who_logged_in_before_the_password_was_changed_gets_no_token() {
    let (world, acme, ann) = with_user("ann");
    let trust = Trust::Account(ann.account);
    let there = world.account("other").account.id;
    let ops = world.acting().create_agency(there, "ops", "", trust, None).unwrap().id;
    let login = world.acting().log_in(Some(Arc::clone(&ann)), PASSWORD, None).unwrap();
    let signing = world.signing(&ann);
    let change = UserChange { password: Some("Another-1-horse"), ..UserChange::default() };
    world.acting().change_user(ann.account, ann.id, &change).unwrap();
    let account = TokenScope::Account;
    assert!(matches!(world.iam.issue_token(&login, account), Err(IamError::NoToken)));
    assert!(matches!(world.iam.key_for(&signing, 900, None), Err(IamError::NoToken)));
    assert!(matches!(world.iam.assume(&signing, ops, account), Err(IamError::NoToken)));
    let now = world.signing(&ann);
    assert!(world.iam.key_for(&now, 900, None).is_ok() && world.iam.assume(&now, ops, account).is_ok());
    drop(acme);
}

#[test]
fn a_key_that_expires_is_held_to_the_policy_that_it_was_asked_for_with() {
    let (world, acme, _) = with_user("ann");
    let root = world.iam.access_key(acme.key.id.as_str(), None).unwrap().identity;
    let session = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:get"]}]}"#;
    let key = world.iam.key_for(&root, 900, Some(session)).unwrap();
    let security_token = std::str::from_utf8(key.security_token.as_bytes()).unwrap();
    let held = world.iam.access_key(key.id.as_str(), Some(security_token)).unwrap().identity;
    assert!(world.iam.policies_of(&held).unwrap().session().len() == 1);
    assert!(matches!(world.iam.key_for(&held, 900, None), Err(IamError::NeedsUser)), "it gives out no other");
    assert!(world.iam.issue_token_for(&held, TokenScope::Account).is_err());
    for bad in ["{", &"x".repeat(2049)] {
        assert!(matches!(world.iam.key_for(&root, 900, Some(bad)), Err(IamError::Policy(_))));
    }
}

/// Also when it trusts the first again: what was taken from somebody does not come back.
#[test]
fn what_was_given_through_an_agency_ends_with_its_trust_and_its_account() {
    let (world, acme, ann) = with_user("ann");
    let [there, third] = ["there", "third"].map(|name| world.account(name).account.id);
    let trust = Trust::Account(acme.account.id);
    let ops = world.acting().create_agency(there, "ops", "", trust.clone(), None).unwrap().id;
    let given = || world.iam.assume(&world.signing(&ann), ops, TokenScope::Account).unwrap().text;
    let first = given();
    for trust in [Trust::Account(third), trust] {
        let change = AgencyChange { trust: Some(trust), ..AgencyChange::default() };
        world.acting().change_agency(there, ops, change).unwrap();
        assert!(matches!(world.iam.token(&first), Err(IamError::NoToken)));
    }
    let second = given();
    world.acting().enable_account(there, false).unwrap();
    assert!(matches!(world.iam.token(&second), Err(IamError::NoToken)));
}

#[test]
fn no_token_is_for_a_project_that_is_suspended() {
    let (world, acme, ann) = with_user("ann");
    let login = world.acting().log_in(Some(ann), PASSWORD, None).unwrap();
    let token = || world.iam.issue_token(&login, TokenScope::Project(acme.project));
    assert!(token().is_ok());
    world.acting().change_project(acme.account.id, acme.project, None, None, Some(true)).unwrap();
    assert!(matches!(token(), Err(IamError::Unknown("project"))));
}

#[test]
fn a_user_is_in_ten_groups_at_the_most() {
    let (world, acme, ann) = with_user("ann");
    let id = acme.account.id;
    let join = |n: u32| {
        let group = world.acting().create_group(id, &format!("g{n}"), "").unwrap().id;
        world.acting().add_to_group(id, group, ann.id)
    };
    (0..10).for_each(|n| join(n).unwrap());
    assert!(matches!(join(10), Err(IamError::Quota(_))));
}
