//! Tag policies, from the root of the organization down to an account, as keys meet them.

use dew::iam::{IamError, TagPolicyChange, Target};
use dew::kms::spec::Spec;
use dew::kms::{Kept, Key, NewKey, Result, TagCall};
use dew::tag::Tags;
use hsm::event::Actor;
use serde_json::json;

use super::office::Office;
use super::support::{code, new};

fn document(operator: &str, values: &[&str], enforced: bool) -> String {
    let enforced = if enforced { json!({ "@@assign": ["kms:*"] }) } else { json!({}) };
    json!({"tags": {"cost": {"tag_value": {operator: values}, "enforced_for": enforced}}}).to_string()
}

impl Office {
    fn acting(&self) -> dew::iam::Acting<'_> {
        self.kms.iam().by(Actor::DAEMON)
    }

    fn policy(&self, name: &str, document: &str) -> std::result::Result<dew::iam::TagPolicyId, IamError> {
        let new =
            TagPolicyChange { name: Some(name), document: Some(document), ..TagPolicyChange::default() };
        self.acting().create_tag_policy(new).map(|policy| policy.id)
    }

    fn tagged(&self, name: &str, value: &str) -> Result<Kept<Key>> {
        let tags = Tags::new(&[("cost".to_owned(), value.to_owned())]).unwrap();
        self.kms.create_key(&self.root, NewKey { tags, ..new(name, Spec::Aes256) })
    }

    fn tag(&self, key: &str, tag: &str, value: &str) -> Result<Kept<Key>> {
        self.kms.tag_key(&self.root, TagCall::Create, key, &[(tag.to_owned(), value.to_owned())])
    }

    /// Keys whose tags break a policy, by name, with what was expected.
    fn broken(&self) -> Vec<(String, String)> {
        let (breaches, _) = self.kms.breaches(Some(self.account), 1_000).unwrap();
        let mut all: Vec<_> = breaches.into_iter().map(|one| (one.name, one.breach.expected)).collect();
        all.sort();
        all
    }
}

fn refusal<T>(result: std::result::Result<T, IamError>) -> String {
    result.err().map(|error| error.to_string()).expect("it was done")
}

/// Requirement: TAG-015, TAG-017, TAG-020, TAG-021, TAG-022
#[test]
fn an_enforced_policy_refuses_tags_and_one_that_is_not_only_finds_them() {
    let world = Office::new();
    let before = world.tagged("before", "300").unwrap().id.to_string();
    let plain = world.aes("plain");

    // The type of policy comes first.
    let said = refusal(world.policy("cost", &document("@@assign", &["100"], false)));
    assert!(said.contains("not enabled"), "{said}");
    world.acting().set_tag_policies(true).unwrap();
    let cost = world.policy("cost", &document("@@assign", &["100"], false)).unwrap();
    assert_eq!(world.broken(), [], "attached to nothing");
    world.acting().attach_tag_policy(cost, Target::Account(world.account)).unwrap();

    // Found, and not refused.
    let expected = "a value of \"100\"".to_owned();
    assert_eq!(world.broken(), [("before".into(), expected.clone())]);
    world.tagged("second", "200").unwrap();
    assert_eq!(world.broken().len(), 2);

    // Refused, whatever is done with tags; what is there stays, and can go.
    let enforced = document("@@assign", &["100"], true);
    let change = TagPolicyChange { document: Some(&enforced), ..TagPolicyChange::default() };
    world.acting().change_tag_policy(cost, change).unwrap();
    assert_eq!(code(world.tagged("third", "200")), "KMS.5022");
    assert_eq!(code(world.tag(&plain, "cost", "200")), "KMS.5022");
    assert_eq!(code(world.tag(&plain, "Cost", "100")), "KMS.5022");
    assert_eq!(code(world.tag(&before, "cost", "301")), "KMS.5022");
    world.tag(&before, "other", "x").unwrap();
    world.tag(&plain, "cost", "100").unwrap();
    world.tagged("fourth", "100").unwrap();
    assert_eq!(world.broken().len(), 2);
    world.kms.delete_tag(&world.root, &before, "cost").unwrap();
    assert_eq!(world.broken(), [("second".into(), expected.clone())]);

    // After a restart too, and not while it is switched off or another account's.
    let world = world.again();
    assert_eq!(code(world.tagged("fifth", "200")), "KMS.5022");
    let stranger = world.stranger("umbrella");
    let tags = Tags::new(&[("cost".to_owned(), "200".to_owned())]).unwrap();
    world.kms.create_key(&stranger, NewKey { tags, ..new("theirs", Spec::Aes256) }).unwrap();
    let (all, count) = world.kms.breaches(None, 1_000).unwrap();
    assert_eq!((all.len(), count), (1, 1));
    let (none, count) = world.kms.breaches(None, 0).unwrap();
    assert_eq!((none.len(), count), (0, 1), "what is not told is counted");
    world.acting().set_tag_policies(false).unwrap();
    assert_eq!(world.broken(), []);
    world.tagged("fifth", "200").unwrap();
    let said = refusal(world.acting().attach_tag_policy(cost, Target::Root));
    assert!(said.contains("not enabled"), "{said}");
}

/// Requirement: TAG-018, TAG-019, TAG-023, TAG-024
#[test]
fn policies_are_attached_to_the_root_to_units_and_to_accounts_and_detached() {
    let world = Office::new();
    world.acting().set_tag_policies(true).unwrap();
    let finance = world.acting().create_unit("finance", None).unwrap().id;
    let payments = world.acting().create_unit("payments", Some(finance)).unwrap().id;
    world.acting().move_account(world.account, Some(payments)).unwrap();
    let root = world.policy("root", &document("@@assign", &["1"], true)).unwrap();
    let unit = world.policy("unit", &document("@@append", &["2"], false)).unwrap();
    let account = world.policy("account", &document("@@append", &["3"], false)).unwrap();
    let values = |world: &Office| -> Vec<&str> {
        let rules = world.kms.iam().tag_rules(Some(world.account));
        ["1", "2", "3"]
            .into_iter()
            .filter(|value| rules.breaches("kms:key", [("cost", *value)]).is_empty())
            .collect()
    };
    assert_eq!(values(&world), ["1", "2", "3"]);
    world.acting().attach_tag_policy(root, Target::Root).unwrap();
    assert_eq!(values(&world), ["1"]);
    world.acting().attach_tag_policy(unit, Target::Unit(finance)).unwrap();
    world.acting().attach_tag_policy(account, Target::Account(world.account)).unwrap();
    assert_eq!(values(&world), ["1", "2", "3"]);
    world.acting().move_account(world.account, None).unwrap();
    assert_eq!(values(&world), ["1", "3"], "it is in no unit any more");
    world.acting().move_account(world.account, Some(finance)).unwrap();

    // What is used does not go, and nothing is there twice.
    for (said, expected) in [
        (refusal(world.acting().delete_unit(finance)), "another unit is in it"),
        (refusal(world.acting().delete_tag_policy(root)), "it is attached"),
        (refusal(world.acting().attach_tag_policy(root, Target::Root)), "attached there already"),
        (refusal(world.acting().create_unit("finance", None)), "is there already"),
        (refusal(world.policy("root", &document("@@assign", &["1"], true))), "is there already"),
        (
            refusal(world.policy("new", "{\"tags\":{\"a\":{\"tag_values\":{}}}}")),
            "tags.a: \"tag_values\" is not known",
        ),
        (refusal(world.policy("a\nb", &document("@@assign", &["1"], true))), "the name of a tag policy"),
        (refusal(world.acting().create_unit("", None)), "the name of a unit"),
        (refusal(world.acting().create_unit("root", None)), "is called root"),
    ] {
        assert!(said.contains(expected), "{said}");
    }
    world.acting().delete_unit(payments).unwrap();
    let said = refusal(world.acting().delete_unit(finance));
    assert!(said.contains("an account is in it"), "{said}");

    world.acting().detach_tag_policy(unit, Target::Unit(finance)).unwrap();
    assert_eq!(values(&world), ["1", "3"]);
    assert!(refusal(world.acting().detach_tag_policy(unit, Target::Unit(finance))).contains("no such"));
    world.acting().delete_tag_policy(unit).unwrap();

    // A policy has tags of its own, by the same rules.
    let tags = |tags: &[(&str, &str)]| -> Vec<_> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let given = tags(&[("owner", "ada")]);
    let change = TagPolicyChange { tags: Some(&given), name: Some("first"), ..TagPolicyChange::default() };
    world.acting().change_tag_policy(root, change).unwrap();
    let wrong = tags(&[("_sys_owner", "ada")]);
    let change = TagPolicyChange { tags: Some(&wrong), ..TagPolicyChange::default() };
    assert!(refusal(world.acting().change_tag_policy(root, change)).contains("_sys_"));
    let world = world.again();
    let first = world.kms.iam().tag_policy_named("first").unwrap();
    assert!(first.tags.has("owner", Some("ada")) && world.kms.iam().tag_policy_named("root").is_none());
    assert_eq!(values(&world), ["1", "3"]);
}

#[test]
fn there_are_bounds_on_units_in_units_and_on_policies_at_one_place() {
    let world = Office::new();
    world.acting().set_tag_policies(true).unwrap();
    let mut above = None;
    for depth in 0..5 {
        above = Some(world.acting().create_unit(&format!("unit {depth}"), above).unwrap().id);
    }
    assert!(refusal(world.acting().create_unit("too deep", above)).contains("five deep"));
    let policies: Vec<_> = (0..11)
        .map(|number| {
            world.policy(&format!("policy {number}"), &document("@@append", &["1"], false)).unwrap()
        })
        .collect();
    for policy in &policies[..10] {
        world.acting().attach_tag_policy(*policy, Target::Root).unwrap();
    }
    assert!(
        refusal(world.acting().attach_tag_policy(policies[10], Target::Root)).contains("ten tag policies")
    );
}
