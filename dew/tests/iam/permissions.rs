//! Who may do what, by the policies that are given.

use std::sync::Arc;

use dew::caller::Caller;
use dew::iam::policy::{SYSTEM_POLICIES, SystemPolicy};
use dew::iam::{
    AgencyId, EnterpriseProjectId, GroupId, IamError, Identity, Level, ProtectPolicy, Quota, RoleChange,
    RoleId, Scope, Subject, TokenScope, Trust,
};

use super::world::{REGION, World};

fn system(name: &str) -> RoleId {
    SystemPolicy::find(name).unwrap().id.parse().unwrap()
}

/// Requirement: IAM-001
#[test]
fn a_new_user_may_do_nothing_and_has_credentials_of_its_own() {
    let world = World::new();
    let acme = world.account("acme");
    let (ann, bob) = (world.user(acme.account.id, "ann"), world.user(acme.account.id, "bob"));
    let project = acme.project.to_string();
    let (one, two) = (world.signing(&ann), world.signing(&bob));
    for action in ["kms:cmk:get", "kms:cmk:list", "kms:cmk:create", "kms:cmk:decryptData"] {
        assert!(!world.may(&one, action, &project), "{action}");
    }
    assert_eq!((one.user(), two.user()), (Some(ann.id), Some(bob.id)));
    let keys = [&ann, &bob].map(|user| world.iam.access_keys(acme.account.id, user.id));
    assert!(keys.iter().all(|keys| keys.len() == 1) && keys[0][0].id != keys[1][0].id);
    let login = |user, password| world.acting().log_in(Some(user), password, None);
    assert_eq!(login(ann, super::world::PASSWORD).unwrap().identity.name(), "ann");
    assert!(matches!(login(bob, "another"), Err(IamError::WrongLogin)));
}

/// Requirement: IAM-002
#[test]
fn what_is_given_to_a_group_reaches_its_users_where_it_is_given_and_goes_with_them() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let ann = world.user(id, "ann");
    let keys = world.acting().create_group(id, "keys", "").unwrap();
    let other = world.acting().create_project(id, acme.project, "home-1_other", "").unwrap();
    let (here, there) = (acme.project.to_string(), other.id.to_string());
    let who = world.signing(&ann);
    let (to, role, scope) =
        (Subject::Group(keys.id), system("KMS CMKReadOnlyAccess"), Scope::Project(acme.project));

    world.acting().give(id, to, role, scope).unwrap();
    assert!(!world.may(&who, "kms:cmk:get", &here), "not yet in the group");
    world.acting().add_to_group(id, keys.id, ann.id).unwrap();
    assert!(world.may(&who, "kms:cmk:get", &here));
    assert!(!world.may(&who, "kms:cmk:create", &here), "read only");
    assert!(!world.may(&who, "kms:cmk:get", &there), "in one project only");
    world.acting().give(id, to, role, Scope::AllProjects).unwrap();
    assert!(world.may(&who, "kms:cmk:get", &there));
    world.acting().take(id, to, role, Scope::AllProjects).unwrap();
    assert!(!world.may(&who, "kms:cmk:get", &there));
    world.acting().remove_from_group(id, keys.id, ann.id).unwrap();
    assert!(!world.may(&who, "kms:cmk:get", &here));
    world.acting().add_to_group(id, keys.id, ann.id).unwrap();
    world.acting().delete_group(id, keys.id).unwrap();
    assert!(!world.may(&who, "kms:cmk:get", &here));
    assert!(world.iam.user(id, ann.id).unwrap().groups.is_empty());
    assert!(world.iam.assignments(id).is_empty());
}

/// Requirement: IAM-003
#[test]
fn a_user_in_several_groups_has_all_that_they_have_and_a_deny_of_one_wins() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let ann = world.user(id, "ann");
    let who = world.signing(&ann);
    let project = acme.project.to_string();
    let group = |name: &str, role| {
        let group = world.acting().create_group(id, name, "").unwrap();
        world.acting().give(id, Subject::Group(group.id), role, Scope::Project(acme.project)).unwrap();
        world.acting().add_to_group(id, group.id, ann.id).unwrap();
    };
    group("readers", system("KMS CMKReadOnlyAccess"));
    let makes = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:create"]}]}"#;
    let makers = world.acting().create_role(id, "makers", ("", ""), Level::Project, makes).unwrap();
    group("makers", makers.id);
    assert!(world.may(&who, "kms:cmk:get", &project) && world.may(&who, "kms:cmk:create", &project));

    let denies = r#"{"Version":"1.1","Statement":[{"Effect":"Deny","Action":["kms:cmk:create"]}]}"#;
    let denied = world.acting().create_role(id, "nobody makes", ("", ""), Level::Project, denies).unwrap();
    group("careful", denied.id);
    assert!(world.may(&who, "kms:cmk:get", &project) && !world.may(&who, "kms:cmk:create", &project));
    let why = world.decided(&who, "kms:cmk:create", &project);
    assert!(why.contains("nobody makes") && why.contains("careful"), "{why}");
    // The deny is the policy's, not the group's: changed, it denies no more.
    let change = RoleChange { document: Some((Level::Project, makes)), ..RoleChange::default() };
    world.acting().change_role(id, denied.id, change).unwrap();
    assert!(world.may(&who, "kms:cmk:create", &project));
}

/// Requirement: IAM-004
#[test]
fn an_account_lets_another_act_in_it_by_an_agency_and_nobody_else() {
    let world = World::new();
    let (acme, helper, other) = (world.account("acme"), world.account("helper"), world.account("other"));
    let trust = Trust::Account(helper.account.id);
    let agency = world.acting().create_agency(acme.account.id, "ops", "", trust, Some(1)).unwrap();
    let (subject, full) = (Subject::Agency(agency.id), system("KMS CMKFullAccess"));
    world.acting().give(acme.account.id, subject, full, Scope::AllProjects).unwrap();

    let helping = world.signing(&world.user(helper.account.id, "hal"));
    let scope = TokenScope::Project(acme.project);
    let issued = world.iam.assume(&helping, agency.id, scope).unwrap();
    let token = world.iam.token(&issued.text).unwrap();
    assert_eq!((token.identity.account, token.identity.agency()), (acme.account.id, Some(agency.id)));
    assert_eq!(token.identity.name(), "ops/helper/hal");
    assert!(world.may(&token.identity, "kms:cmk:create", &acme.project.to_string()));
    let key = world.iam.key_by_agency(&helping, agency.id, 900, Some("hal-at-work"), None).unwrap();
    let text = std::str::from_utf8(key.security_token.as_bytes()).unwrap();
    let by_key = world.iam.access_key(key.id.as_str(), Some(text)).unwrap().identity;
    assert_eq!(by_key.agency(), Some(agency.id));

    // Nobody of another account, no agency of another name, and no project of another account.
    let stranger = world.signing(&world.user(other.account.id, "sam"));
    for (who, id) in [(&stranger, agency.id), (&helping, AgencyId::from([1; 16]))] {
        let refused = world.iam.assume(who, id, TokenScope::Account);
        assert!(matches!(refused, Err(IamError::NotTrusted)), "{id}");
    }
    let theirs = world.iam.assume(&helping, agency.id, TokenScope::Project(helper.project));
    assert!(matches!(theirs, Err(IamError::Unknown("project"))));
    assert!(matches!(world.iam.assume(&token.identity, agency.id, scope), Err(IamError::NeedsUser)));

    // It ends with its term, and with the helper.
    let good = || world.iam.token(&issued.text).is_ok();
    assert!(good());
    world.acting().enable_account(helper.account.id, false).unwrap();
    assert!(!good());
    world.acting().enable_account(helper.account.id, true).unwrap();
    assert!(good());
    world.wait(86_400);
    assert!(matches!(world.iam.assume(&helping, agency.id, scope), Err(IamError::NotTrusted)));

    // Another one of its name is not the one that was asked for.
    world.acting().delete_agency(acme.account.id, agency.id).unwrap();
    let again = Trust::Account(helper.account.id);
    world.acting().create_agency(acme.account.id, "ops", "", again, None).unwrap();
    assert!(matches!(world.iam.assume(&helping, agency.id, scope), Err(IamError::NotTrusted)));
}

#[test]
fn an_agency_is_not_given_what_manages_the_account() {
    let world = World::new();
    let (acme, helper) = (world.account("acme"), world.account("helper"));
    let id = acme.account.id;
    let agency =
        world.acting().create_agency(id, "ops", "", Trust::Account(helper.account.id), None).unwrap();
    for name in ["Security Administrator", "Agent Operator"] {
        let given = world.acting().give(id, Subject::Agency(agency.id), system(name), Scope::Account);
        assert!(matches!(given, Err(IamError::Forbidden(_))), "{name}: {given:?}");
    }
    assert_eq!(world.iam.assignments(id).len(), 0);
}

#[test]
fn several_policies_are_given_and_taken_all_or_none() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let group = |name| Subject::Group(world.acting().create_group(id, name, "").unwrap().id);
    let (one, other) = (group("one"), group("other"));
    let (reader, nobody) = (system("KMS Administrator"), Subject::Group(GroupId([1; 16])));
    let [first, second, unknown] = [one, other, nobody].map(|to| (to, reader, Scope::AllProjects));

    let given = || world.iam.assignments(id).len();
    assert!(matches!(world.acting().give_all(id, &[first, unknown]), Err(IamError::Unknown(_))));
    assert_eq!(given(), 0);
    world.acting().give_all(id, &[first, second, first]).unwrap();
    assert_eq!(given(), 2, "what is named twice is given once");
    for bad in [[first, unknown], [first, first]] {
        assert!(matches!(world.acting().take_all(id, &bad), Err(IamError::Unknown(_))));
        assert_eq!(given(), 2);
    }
    world.acting().take_all(id, &[first, second]).unwrap();
    assert_eq!(given(), 0);
}

#[test]
fn policies_that_are_given_together_count_together() {
    let world = World::new();
    let id = world.account("acme").account.id;
    let [one, other] =
        ["one", "other"].map(|name| Subject::Group(world.acting().create_group(id, name, "").unwrap().id));
    let mut scopes = vec![Scope::EnterpriseProject(EnterpriseProjectId::DEFAULT)];
    scopes.extend((0..99).map(|n| {
        let project = world.acting().create_enterprise_project(id, &format!("shop-{n}"), "").unwrap();
        Scope::EnterpriseProject(project.id)
    }));
    let roles: Vec<_> = SYSTEM_POLICIES.iter().filter(|policy| policy.layer == "XA").collect();
    let all = |to| -> Vec<_> {
        let of = |role: &SystemPolicy| {
            let role = role.id.parse().unwrap();
            scopes.iter().map(move |scope| (to, role, *scope))
        };
        roles
            .iter()
            .flat_map(|role| of(role))
            .chain([(to, system("FullAccess"), Scope::AllProjects)])
            .collect()
    };
    let (mut many, most) = (all(one), Quota::Assignment.most());
    assert!(many.len() > most, "{}", many.len());
    many.truncate(most + 1);
    let (last, all_but_last) = many.split_last().unwrap();
    let refused =
        |all: &[_]| matches!(world.acting().give_all(id, all), Err(IamError::Quota(Quota::Assignment)));
    assert!(refused(&many));
    let (next, those) = all_but_last.split_last().unwrap();
    world.acting().give_all(id, those).unwrap();
    assert!(refused(&[*next, *last]));
    // What is given already counts once, and each has a count of its own.
    let theirs: Vec<_> = all(other).into_iter().take(2).collect();
    world.acting().give_all(id, &[those[0], *next, *next, theirs[0], theirs[1]]).unwrap();
    assert!(refused(&[*last]));
    assert_eq!(world.iam.assignments_to(one).len(), most);
}

#[test]
fn each_policy_that_is_given_or_taken_with_others_has_a_record_of_its_own() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let groups: Vec<_> =
        (0..7).map(|n| world.acting().create_group(id, &format!("g{n}"), "").unwrap().id).collect();
    let role = system("KMS Administrator");
    let all: Vec<_> = groups.iter().map(|group| (Subject::Group(*group), role, Scope::AllProjects)).collect();
    let records_of = |action: &str| {
        let records = world.records();
        assert!(records.iter().all(|(done, _)| done == action), "{records:?}");
        let value = |details: &[(String, String)], name| {
            details.iter().find(|detail| detail.0 == name).map(|detail| detail.1.clone()).unwrap()
        };
        let named =
            |(_, details): &(_, Vec<_>)| ["group", "scope", "policy"].map(|name| value(details, name));
        records.iter().map(named).collect::<Vec<_>>()
    };
    let right: Vec<_> = groups
        .iter()
        .map(|group| [group.to_string(), "everywhere".into(), "KMS Administrator".into()])
        .collect();
    world.records();
    world.acting().give_all(id, &all).unwrap();
    assert_eq!(records_of("give a policy"), right);
    world.acting().take_all(id, &all).unwrap();
    assert_eq!(records_of("take a policy"), right);
}

#[test]
fn a_policy_is_given_where_it_does_something_and_one_that_is_given_stays() {
    let world = World::new();
    let (acme, other) = (world.account("acme"), world.account("other"));
    let id = acme.account.id;
    let group = Subject::Group(world.acting().create_group(id, "g", "").unwrap().id);
    let give = |role, scope| world.acting().give(id, group, role, scope);
    assert!(matches!(give(system("KMS Administrator"), Scope::Account), Err(IamError::Invalid(_))));
    assert!(matches!(
        give(system("Security Administrator"), Scope::Project(acme.project)),
        Err(IamError::Invalid(_))
    ));
    assert!(matches!(
        give(system("KMS Administrator"), Scope::Project(other.project)),
        Err(IamError::Unknown(_))
    ));
    assert!(matches!(give(RoleId([1; 16]), Scope::AllProjects), Err(IamError::Unknown(_))));
    let text = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:get"]}]}"#;
    let own = world.acting().create_role(id, "look", ("", ""), Level::Project, text).unwrap();
    let theirs = world.acting().give(other.account.id, group, own.id, Scope::AllProjects);
    assert!(matches!(theirs, Err(IamError::Unknown(_))), "neither the group nor the policy is theirs");
    give(own.id, Scope::AllProjects).unwrap();
    give(own.id, Scope::AllProjects).unwrap();
    assert_eq!(world.iam.assignments(id).len(), 1);
    assert!(matches!(world.acting().delete_role(id, own.id), Err(IamError::InUse { .. })));
    world.acting().take(id, group, own.id, Scope::AllProjects).unwrap();
    assert!(matches!(world.acting().take(id, group, own.id, Scope::AllProjects), Err(IamError::Unknown(_))));
    world.acting().delete_role(id, own.id).unwrap();
    for bad in ["", "{}", r#"{"Version":"1.1","Statement":[]}"#] {
        assert!(matches!(
            world.acting().create_role(id, "bad", ("", ""), Level::Project, bad),
            Err(IamError::Policy(_))
        ));
    }
    assert!(matches!(
        world.acting().create_role(id, "bad", ("", ""), Level::Global, text),
        Err(IamError::Policy(_))
    ));
}

fn caller(identity: Arc<Identity>) -> Caller {
    Caller { identity, project: None, request: "r".into(), source: None, agent: None, tls: true }
}

#[test]
fn who_manages_users_manages_all_but_the_root_user() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let ann = world.user(id, "ann");
    let (root, bob) = (acme.root.to_string(), world.user(id, "bob").id.to_string());
    let who = caller(world.signing(&ann));
    let may = |operation, thing: &str| world.iam.permit(&who, operation, Some(thing)).is_ok();
    assert!(!may("UpdateUser", &bob) && !may("ShowUser", &bob));
    let managers = world.acting().create_group(id, "managers", "").unwrap();
    world.acting().add_to_group(id, managers.id, ann.id).unwrap();
    let role = system("Security Administrator");
    world.acting().give(id, Subject::Group(managers.id), role, Scope::Account).unwrap();
    for operation in ["UpdateUser", "KeystoneDeleteUser", "CreatePermanentAccessKey", "DeleteMfaDevice"] {
        assert!(may(operation, &bob) && !may(operation, &root), "{operation}");
    }
    assert!(may("ShowUser", &root));
    let own = caller(world.iam.access_key(acme.key.id.as_str(), None).unwrap().identity);
    assert!(world.iam.permit(&own, "UpdateUser", Some(&root)).is_ok());
    assert!(world.iam.permit(&own, "NoSuchOperation", None).is_err());
}

#[test]
fn a_key_that_is_held_to_a_policy_may_do_no_more_than_that() {
    let world = World::new();
    let acme = world.account("acme");
    let root = world.iam.access_key(acme.key.id.as_str(), None).unwrap().identity;
    let session = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["iam:users:listUsers"]}]}"#;
    let key = world.iam.key_for(&root, 900, Some(session)).unwrap();
    let security_token = std::str::from_utf8(key.security_token.as_bytes()).unwrap();
    let held = caller(world.iam.access_key(key.id.as_str(), Some(security_token)).unwrap().identity);
    assert!(world.iam.permit(&held, "KeystoneListUsers", None).is_ok());
    assert!(matches!(world.iam.permit(&held, "CreateUser", None), Err(IamError::Forbidden(_))));
    assert!(world.iam.permit(&caller(root), "CreateUser", None).is_ok());
}

#[test]
fn what_users_may_do_to_themselves_is_held_to_the_policy_of_a_key_and_to_what_denies_it() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let ann = world.user(id, "ann");
    let who = world.signing(&ann);
    let held = |action: &str| {
        let session =
            format!(r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["{action}"]}}]}}"#);
        let key = world.iam.key_for(&who, 900, Some(&session)).unwrap();
        let security_token = std::str::from_utf8(key.security_token.as_bytes()).unwrap();
        caller(world.iam.access_key(key.id.as_str(), Some(security_token)).unwrap().identity)
    };
    let itself = ann.id.to_string();
    let may = |caller: &Caller, operation| world.iam.permit(caller, operation, Some(&itself)).is_ok();
    let plain = caller(Arc::clone(&who));
    for operation in ["KeystoneUpdateUserPassword", "UpdateUserInformation", "ShowUser"] {
        assert!(may(&plain, operation), "{operation}");
        assert!(may(&held("iam:users:*"), operation), "{operation}");
        assert!(!may(&held("iam:groups:*"), operation), "{operation}");
    }
    let careful = world.acting().create_group(id, "careful", "").unwrap();
    world.acting().add_to_group(id, careful.id, ann.id).unwrap();
    let text =
        r#"{"Version":"1.1","Statement":[{"Effect":"Deny","Action":["iam:users:updateOwnPassword"]}]}"#;
    let denied = world.acting().create_role(id, "denied", ("", ""), Level::Global, text).unwrap();
    world.acting().give(id, Subject::Group(careful.id), denied.id, Scope::Account).unwrap();
    assert!(!may(&plain, "KeystoneUpdateUserPassword") && may(&plain, "ShowUser"));
}

#[test]
fn the_root_user_may_do_all_in_its_account_and_the_reason_says_so() {
    let world = World::new();
    let acme = world.account("acme");
    let root = world.iam.access_key(acme.key.id.as_str(), None).unwrap().identity;
    assert!(root.is_root);
    let why = world.decided(&root, "kms:cmk:create", &acme.project.to_string());
    assert!(why.starts_with("allowed") && why.contains("the account acme"), "{why}");
}

#[test]
fn no_group_and_no_policy_locks_the_root_user_out() {
    let world = World::new();
    let acme = world.account("acme");
    let id = acme.account.id;
    let deny = r#"{"Version":"1.1","Statement":[{"Effect":"Deny","Action":["kms:*:*"]}]}"#;
    let kms = world.acting().create_role(id, "no keys", ("", ""), Level::Project, deny).unwrap();
    let deny = r#"{"Version":"1.1","Statement":[{"Effect":"Deny","Action":["iam:*:*"]}]}"#;
    let iam = world.acting().create_role(id, "no people", ("", ""), Level::Global, deny).unwrap();
    let group = world.acting().create_group(id, "nobody", "").unwrap();
    let ann = world.user(id, "ann");
    for user in [acme.root, ann.id] {
        world.acting().add_to_group(id, group.id, user).unwrap();
        world
            .acting()
            .give(id, Subject::User(user), kms.id, Scope::EnterpriseProject(EnterpriseProjectId::DEFAULT))
            .unwrap();
    }
    world.acting().give(id, Subject::Group(group.id), kms.id, Scope::AllProjects).unwrap();
    world.acting().give(id, Subject::Group(group.id), iam.id, Scope::Account).unwrap();
    let root = world.iam.access_key(acme.key.id.as_str(), None).unwrap().identity;
    assert!(world.may(&root, "kms:cmk:create", &acme.project.to_string()));
    let (root, ann) = (caller(root), caller(world.signing(&ann)));
    assert!(world.iam.permit(&root, "KeystoneRemoveUserFromGroup", Some(&group.id.to_string())).is_ok());
    let own_key = |who: &Caller| {
        let itself = who.identity.user().unwrap().to_string();
        world.iam.permit(who, "CreatePermanentAccessKey", Some(&itself))
    };
    assert!(own_key(&root).is_ok());
    assert!(own_key(&ann).is_err(), "it holds for all others");
}

#[test]
fn what_is_decided_on_an_action_of_a_user_is_explained_by_the_statement() {
    let world = World::new();
    let (acme, other) = (world.account("acme"), world.account("other"));
    let id = acme.account.id;
    let ann = world.user(id, "ann");
    let explain = |action: &str, resource: &str| world.iam.explain(&ann, action, resource, |_, _, _, _| None);
    let one = |action: &str, resource: &str| {
        let all = explain(action, resource).unwrap();
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(one.action, action);
        (one.allowed, one.why.clone())
    };
    assert_eq!(one("kms:cmk:get", "*"), (false, "nothing allows it, and no policy names it".to_owned()));

    let group = world.acting().create_group(id, "apps", "").unwrap();
    world.acting().add_to_group(id, group.id, ann.id).unwrap();
    let text = r#"{"Version":"1.1","Statement":[
        {"Effect":"Allow","Action":["kms:cmk:get"],"Resource":["kms:*:*:KeyId:k1"]},
        {"Effect":"Deny","Action":["kms:cmk:get"],"Resource":["kms:*:*:KeyId:k2"]}]}"#;
    let role = world.acting().create_role(id, "one key", ("", ""), Level::Project, text).unwrap();
    world.acting().give(id, Subject::Group(group.id), role.id, Scope::Project(acme.project)).unwrap();
    let home = format!("kms:{REGION}::KeyId:k1");
    for resource in ["k1", &home, "kms:::KeyId:k1"] {
        let (allowed, why) = one("kms:cmk:get", resource);
        assert!(
            allowed && why.starts_with("Statement[0] of the policy \"one key\" of the group apps"),
            "{why}"
        );
    }
    let (allowed, why) = one("kms:cmk:get", "k2");
    assert!(!allowed && why.starts_with("Statement[1]"), "{why}");
    let (allowed, why) = one("kms:cmk:get", "k3");
    assert!(!allowed && why.contains("is about other resources"), "{why}");
    let theirs = format!("kms:{REGION}:{}:KeyId:k1", other.account.id);
    let (allowed, why) = one("kms:cmk:get", &theirs);
    assert!(!allowed && why.contains("another account's"), "{why}");
    let (allowed, why) = one("iam:users:createUser", "*");
    assert!(!allowed && why.starts_with("nothing allows it"), "{why}");
    let root = world.iam.user(id, acme.root).unwrap();
    let all = world.iam.explain(&root, "iam:users:createUser", "*", |_, _, _, _| None).unwrap();
    assert!(all[0].allowed && all[0].why.contains("the account acme"), "{all:?}");

    for (action, resource) in [("kms:cmk:nothing", "*"), ("kms:cmk:get", "kms:nowhere-1::KeyId:k1")] {
        assert!(matches!(explain(action, resource), Err(IamError::Unknown(_))), "{action} {resource}");
    }
    for (action, resource) in [
        ("kms:cmk:get", "kms:home-1:KeyId"),
        ("kms:cmk:get", "kms:::agency:k1"),
        ("kms:cmk:get", "iam:::KeyId:k1"),
        ("iam:users:getUser", "iam:home-1::user:x"),
    ] {
        assert!(matches!(explain(action, resource), Err(IamError::Invalid(_))), "{action} {resource}");
    }

    // What she does to herself, and nobody to the root user.
    let (her, theirs) = (ann.id.to_string(), world.user(id, "bob").id.to_string());
    let own = "it is about who asks";
    for (action, resource, decided) in [
        ("iam:users:getUser", &*her, Some(own)),
        ("iam:users:getUser", &theirs, None),
        ("iam:users:updateUser", &her, None),
        ("iam:users:updateOwnPassword", "*", Some(own)),
        ("iam:users:updateOwnPassword", &theirs, None),
        ("iam:credentials:createCredential", &her, Some(own)),
        ("iam:credentials:listCredentials", &her, Some(own)),
    ] {
        let (allowed, why) = one(action, resource);
        assert_eq!(allowed, decided.is_some(), "{action} {resource}: {why}");
        assert!(decided.is_none_or(|decided| why == decided), "{action} {resource}: {why}");
    }
    let none = |policy| Ok(ProtectPolicy { own_keys: false, own_password: false, ..policy });
    world.acting().set_protection(id, none).unwrap();
    assert!(
        !one("iam:credentials:createCredential", &her).0 && one("iam:credentials:listCredentials", &her).0
    );
    let (allowed, why) = one("iam:users:updateOwnPassword", &her);
    assert!(!allowed && why.contains("does not let its users"), "{why}");
    world.acting().give(id, Subject::User(ann.id), system("Security Administrator"), Scope::Account).unwrap();
    let (allowed, why) = one("iam:users:updateUser", &acme.root.to_string());
    assert!(!allowed && why.contains("by itself alone"), "{why}");
    assert!(one("iam:users:updateUser", &theirs).0 && one("iam:users:getUser", &acme.root.to_string()).0);

    let disable = dew::iam::UserChange { enabled: Some(false), ..Default::default() };
    world.acting().change_user(id, ann.id, &disable).unwrap();
    assert!(matches!(explain("kms:cmk:get", "k1"), Err(IamError::Forbidden(_))));
}
