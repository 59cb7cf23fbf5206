//! What policies, grants and tag policies let through.

use dew::caller::Caller;
use dew::csms::{Accounts, CURRENT, DatabaseChange, Grantee, NewSecret, Page};
use dew::iam::{EnterpriseProjectId, Level, NewUser, Scope, Subject, TagPolicyChange, Target, UserId};
use dew::tag::Tags;
use hsm::event::Actor;
use hsm::service::Kind;
use serde_json::json;

use crate::rotation;
use crate::support::as_caller;
use crate::world::{Secrets, code, new, value};

impl Secrets {
    fn acting(&self) -> dew::iam::Acting<'_> {
        self.world.kms.iam().by(Actor::DAEMON)
    }

    /// A user of the account, with a policy for some actions where it is given.
    fn user(&self, name: &str, given: Option<(&[&str], Scope)>) -> (UserId, Caller) {
        let account = self.root.identity.account;
        let id = self.acting().create_user(account, &NewUser { name, ..NewUser::default() }).unwrap().id;
        if let Some((actions, scope)) = given {
            let text = json!({ "Version": "1.1", "Statement": [{ "Effect": "Allow", "Action": actions }] });
            let role = self.acting().create_role(account, name, ("", ""), Level::Project, &text.to_string());
            self.acting().give(account, Subject::User(id), role.unwrap().id, scope).unwrap();
        }
        let key = self.acting().create_access_key(account, id, "").unwrap();
        let identity = self.world.kms.iam().access_key(key.id.as_str(), None).unwrap().identity;
        (id, as_caller(identity, self.root.project.unwrap()))
    }
}

#[test]
fn only_its_own_default_key_is_for_who_has_no_leave_of_the_kms() {
    let here = Secrets::new();
    let kps = here.world.encrypt(&here.root, "kps/default", "x").unwrap();
    let kps = dew::kms::KeyId(kps[2..18].try_into().unwrap()).to_string();
    let (_, ann) = here.user("ann", Some((&["csms:*:*"], Scope::AllProjects)));
    let given = value("one");
    let secret = |name, key| here.csms.create_secret(&ann, NewSecret { key, ..new(name, &given) });
    let made = secret("own", None).unwrap();
    assert_eq!(code(secret("other", Some("kps/default"))), "CSMS.0302");
    assert_eq!(code(secret("other", Some(&kps))), "CSMS.0302");
    secret("named", Some("csms/default")).unwrap();
    secret("by-id", Some(&made.key.to_string())).unwrap();
    assert_eq!(here.get_by(&ann, "by-id", CURRENT).unwrap(), "one");
}

#[test]
fn a_list_has_the_secrets_of_enterprise_projects_where_one_may_list() {
    let here = Secrets::new();
    let shop = here.acting().create_enterprise_project(here.root.identity.account, "shop", "").unwrap().id;
    let given = value("one");
    for (name, enterprise_project) in [("mine", shop), ("theirs", EnterpriseProjectId::DEFAULT)] {
        let secret = NewSecret { enterprise_project, ..new(name, &given) };
        here.csms.create_secret(&here.root, secret).unwrap();
    }
    let actions: &[&str] = &["csms:secret:list", "csms:secret:get", "csms:secret:listByTags"];
    let (_, ann) = here.user("ann", Some((actions, Scope::EnterpriseProject(shop))));
    let names = |caller: &Caller| -> Vec<String> {
        let all = here.csms.list_secrets(caller, None, &Page::default()).unwrap().items;
        all.iter().map(|secret| secret.name.clone()).collect()
    };
    assert_eq!(
        (names(&here.root), names(&ann)),
        (vec!["mine".into(), "theirs".into()], vec!["mine".to_owned()])
    );
    let found = here.csms.secrets_by_tags(&ann, &[], None).unwrap();
    assert_eq!(found.iter().map(|secret| secret.name.as_str()).collect::<Vec<_>>(), ["mine"]);
    assert_eq!(code(here.csms.show_secret(&ann, "theirs")), "CSMS.0302");
    let (_, bob) = here.user("bob", None);
    assert_eq!(code(here.csms.list_secrets(&bob, None, &Page::default())), "CSMS.0302");
}

/// Passwords that are set go to whoever a database is known to be.
#[test]
fn who_may_not_read_a_secret_does_not_say_how_its_database_is_known() {
    let here = rotation::world();
    rotation::make(&here, Accounts::Single, None).unwrap();
    let actions: &[&str] = &["csms:secret:update", "csms:secret:getVersion"];
    let (_, ann) = here.user("ann", Some((&actions[..1], Scope::AllProjects)));
    let (_, bob) = here.user("bob", Some((&actions[1..], Scope::AllProjects)));
    let (_, cat) = here.user("cat", Some((actions, Scope::AllProjects)));
    let set = |caller| {
        let password = "admin's".to_owned().into();
        let change = DatabaseChange { ca: Some("another certificate"), admin: None, password };
        here.csms.update_database(caller, "orders", change)
    };
    for other in [&ann, &bob] {
        assert_eq!(code(set(other)), "CSMS.0302");
    }
    assert_eq!(set(&cat).unwrap().server.ca, "another certificate");
}

#[test]
fn a_grant_is_for_its_user_or_the_users_of_its_group_and_goes_with_the_secret() {
    let here = Secrets::new();
    let account = here.root.identity.account;
    let group = here.acting().create_group(account, "ops", "").unwrap().id;
    let (ann_id, _) = here.user("ann", None);
    here.acting().add_to_group(account, group, ann_id).unwrap();
    let key = here.acting().create_access_key(account, ann_id, "").unwrap();
    let identity = here.world.kms.iam().access_key(key.id.as_str(), None).unwrap().identity;
    let ann = as_caller(identity, here.root.project.unwrap());
    let (_, bob) = here.user("bob", None);
    let id = here.make("db", "one").unwrap().id.to_string();
    here.csms.grant_secret(&here.root, &id, Grantee::Group(group), None).unwrap();
    assert_eq!(here.get_by(&ann, "db", CURRENT).unwrap(), "one");
    assert_eq!(code(here.get_by(&bob, "db", CURRENT)), "CSMS.0302");
    here.csms.delete_secret(&here.root, "db").unwrap();
    let partition = here.world.hsm.partition_named(&here.root.project.unwrap().to_string()).unwrap();
    for kind in [Kind::CsmsSecret, Kind::CsmsValue, Kind::CsmsGrant] {
        assert!(here.world.hsm.service_records_in(&partition, kind).unwrap().is_empty(), "{kind:?}");
    }
}

/// Requirement: CSMS-104
#[test]
fn an_enforced_tag_policy_refuses_tags_of_secrets_however_they_come() {
    let here = Secrets::new();
    let (csms, root) = (&here.csms, &here.root);
    let tags = |value: &str| Tags::new(&[("cost".to_owned(), value.to_owned())]).unwrap();
    let given = value("one");
    let made = csms.create_secret(root, NewSecret { tags: tags("300"), ..new("db", &given) }).unwrap();
    let blob = csms.back_up_secret(root, "db").unwrap();
    here.acting().set_tag_policies(true).unwrap();
    let document = json!({ "tags": { "cost": {
        "tag_value": { "@@assign": ["100"] }, "enforced_for": { "@@assign": ["csms:*"] },
    } } });
    let document = document.to_string();
    let policy =
        TagPolicyChange { name: Some("cost"), document: Some(&document), ..TagPolicyChange::default() };
    let policy = here.acting().create_tag_policy(policy).unwrap().id;
    here.acting().attach_tag_policy(policy, Target::Account(root.identity.account)).unwrap();
    let refused = |said: String| assert!(said.contains("100"), "{said}");
    let new_one = csms.create_secret(root, NewSecret { tags: tags("300"), ..new("other", &given) });
    refused(new_one.unwrap_err().to_string());
    let id = made.id.to_string();
    for many in [false, true] {
        let tagged = csms.tag_secret(root, &id, &[("cost".into(), "200".into())], many);
        refused(tagged.unwrap_err().to_string());
    }
    csms.delete_secret(root, "db").unwrap();
    refused(csms.restore_secret(root, &blob).unwrap_err().to_string());
    csms.create_secret(root, NewSecret { tags: tags("100"), ..new("db", &given) }).unwrap();
}
