//! What is explained of a key is decided by what the key is.

use std::slice;

use dew::iam::policy::SystemPolicy;
use dew::iam::{AccountId, EnterpriseProjectId, Identity, Level, NewUser, Scope, Subject, User};
use dew::kms::spec::Spec;
use dew::kms::{NewGrant, NewKey};
use dew::tag::Tags;
use hsm::event::Actor;

use super::support::{World, new};

#[test]
fn a_key_is_explained_by_its_project_enterprise_project_tags_and_kind() {
    let world = World::new();
    let account = world.account("acme");
    let (iam, id) = (world.kms.iam(), account.made.account.id);
    let acting = iam.by(Actor::DAEMON);
    let second = acting.create_region_project(id, "local-2").unwrap();
    let shop = acting.create_enterprise_project(id, "shop", "").unwrap().id;
    let ann = acting.create_user(id, &NewUser { name: "ann", ..NewUser::default() }).unwrap();
    let give = |name: &str, condition: &str, scope| {
        let text = format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:cmk:get"],"Condition":{{"StringEquals":{condition}}}}}]}}"#
        );
        let role = acting.create_role(id, name, ("", ""), Level::Project, &text).unwrap();
        acting.give(id, Subject::User(ann.id), role.id, scope).unwrap();
    };
    give("tagged", r#"{"g:ResourceTag/env":["test"]}"#, Scope::Project(second.id));
    give("curves", r#"{"kms:KeySpec":["EC_P256"]}"#, Scope::EnterpriseProject(shop));

    let (home, there) = (world.root(&account), world.caller(&account, second.id));
    let tags = Tags::new(slice::from_ref(&("env".to_owned(), "test".to_owned()))).unwrap();
    let tagged = |name| NewKey { tags: tags.clone(), ..new(name, Spec::Aes256) };
    let curve = |name| NewKey { enterprise_project: shop, ..new(name, Spec::EcP256) };
    let explain = |resource: &str| {
        let known = |who: &Identity, _: &str, thing: &str, within| world.kms.known(who, thing, within);
        iam.explain(&ann, "kms:cmk:get", resource, known)
    };
    for (caller, key, policy) in [
        (&there, tagged("one"), Some("tagged")),
        (&home, tagged("two"), None),
        (&there, new("three", Spec::Aes256), None),
        (&home, curve("four"), Some("curves")),
        (&there, curve("five"), Some("curves")),
        (&home, new("six", Spec::EcP256), None),
    ] {
        let (name, key) = (key.name.clone(), world.key(caller, key));
        let explained = explain(&key).unwrap().remove(0);
        assert_eq!(explained.allowed, policy.is_some(), "{name}: {}", explained.why);
        assert!(policy.is_none_or(|policy| explained.why.contains(policy)), "{name}: {}", explained.why);
        let region = if caller.project == Some(second.id) { "local-2" } else { "local-1" };
        assert_eq!(explain(&format!("kms:{region}:{id}:KeyId:{key}")).unwrap(), [explained]);
        let elsewhere = if region == "local-1" { "local-2" } else { "local-1" };
        assert!(explain(&format!("kms:{elsewhere}::KeyId:{key}")).is_err(), "{name}");
    }
}

#[test]
fn what_a_grant_gives_is_explained_by_the_grant() {
    let world = World::new();
    let (ours, theirs) = (world.account("ours"), world.account("theirs"));
    let (iam, root) = (world.kms.iam(), world.root(&ours));
    let user = |of: AccountId, name| {
        iam.by(Actor::DAEMON).create_user(of, &NewUser { name, ..NewUser::default() }).unwrap()
    };
    let (ann, eve) = (user(ours.made.account.id, "ann"), user(theirs.made.account.id, "eve"));
    let key = world.key(&root, new("key", Spec::Aes256));
    let explain = |who: &User, action: &str| {
        let known = |who: &Identity, _: &str, thing: &str, within| world.kms.known(who, thing, within);
        iam.explain(who, action, &key, known).unwrap().remove(0)
    };
    let operations = ["encrypt-data".to_owned(), "create-grant".to_owned()];
    for who in [&ann, &eve] {
        assert!(!explain(who, "kms:cmk:encryptData").allowed);
        let id = who.id.to_string();
        let to = NewGrant { grantee: &id, kind: None, operations: &operations, name: None, retiring: None };
        let grant = world.kms.create_grant(&root, &key, to).unwrap().id;
        let explained = explain(who, "kms:cmk:encryptData");
        assert!(explained.allowed && explained.why == format!("the grant {grant}"), "{}", explained.why);
        for (action, allowed) in
            [("kms:cmk:createGrant", true), ("kms:cmk:decryptData", false), ("kms:cmk:revokeGrant", false)]
        {
            assert_eq!(explain(who, action).allowed, allowed, "{action}");
        }
        world.kms.revoke_grant(&root, &key, &grant.to_string()).unwrap();
        assert!(!explain(who, "kms:cmk:encryptData").allowed);
        let id = Some(id.as_str());
        let to = ann.id.to_string();
        let named = NewGrant { grantee: &to, kind: None, operations: &operations, name: None, retiring: id };
        let grant = world.kms.create_grant(&root, &key, named).unwrap().id;
        assert!(explain(who, "kms:cmk:retireGrant").allowed);
        world.kms.revoke_grant(&root, &key, &grant.to_string()).unwrap();
    }
    // What is denied is denied, whatever is granted.
    let deny = r#"{"Version":"1.1","Statement":[{"Effect":"Deny","Action":["kms:cmk:encryptData"]}]}"#;
    let acting = iam.by(Actor::DAEMON);
    let role = acting.create_role(ours.made.account.id, "never", ("", ""), Level::Project, deny).unwrap();
    acting.give(ours.made.account.id, Subject::User(ann.id), role.id, Scope::AllProjects).unwrap();
    let to = ann.id.to_string();
    let new = NewGrant { grantee: &to, kind: None, operations: &operations, name: None, retiring: None };
    world.kms.create_grant(&root, &key, new).unwrap();
    let explained = explain(&ann, "kms:cmk:encryptData");
    assert!(!explained.allowed && explained.why.contains("never"), "{}", explained.why);
}

#[test]
fn what_holds_in_an_enterprise_project_is_about_nothing_of_cts() {
    let world = World::new();
    let account = world.account("acme");
    let (iam, id) = (world.kms.iam(), account.made.account.id);
    let acting = iam.by(Actor::DAEMON);
    let ann = acting.create_user(id, &NewUser { name: "ann", ..NewUser::default() }).unwrap();
    for name in ["CTS ReadOnlyAccess", "CSMS ReadOnlyAccess"] {
        let policy = SystemPolicy::find(name).unwrap().id.parse().unwrap();
        let place = Scope::EnterpriseProject(EnterpriseProjectId::DEFAULT);
        acting.give(id, Subject::User(ann.id), policy, place).unwrap();
    }
    let explain = |action| iam.explain(&ann, action, "*", |_, _, _, _| None).unwrap().remove(0);
    assert!(explain("csms:secret:list").allowed);
    let traces = explain("cts:trace:list");
    assert!(!traces.allowed && traces.why.ends_with("does not hold here"), "{}", traces.why);
}
