//! Tags of keys.

use dew::kms::spec::Spec;
use dew::kms::{Search, TagCall};

use super::office::Office;
use super::support::code;

fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn shown(world: &Office, key: &str) -> String {
    let tags = world.kms.tags_of_key(&world.root, key).unwrap();
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}

/// Requirement: KMS-179, KMS-180, KMS-182, TAG-004, TAG-014, TAG-025, TAG-026, TAG-030, TAG-031
#[test]
fn custom_keys_have_tags_whose_values_change_and_default_keys_have_none() {
    let world = Office::new();
    let (key, other) = (world.aes("key"), world.aes("other"));
    let put = |key: &str, tags: &[(&str, &str)]| {
        world.kms.tag_key(&world.root, TagCall::BatchCreate, key, &pairs(tags))
    };
    put(&key, &[("team", "blue"), ("stage", "")]).unwrap();
    put(&other, &[("team", "blue")]).unwrap();
    put(&key, &[("team", "red")]).unwrap();
    assert_eq!(
        (shown(&world, &key).as_str(), shown(&world, &other).as_str()),
        ("stage= team=red", "team=blue")
    );
    world.kms.delete_tag(&world.root, &key, "team").unwrap();
    assert_eq!(code(world.kms.delete_tag(&world.root, &key, "team")), "KMS.0416");
    world.kms.untag_key(&world.root, &key, &["team".into(), "stage".into()]).unwrap();
    let world = world.again();
    assert_eq!((shown(&world, &key).as_str(), shown(&world, &other).as_str()), ("", "team=blue"));
    world.encrypt("kms/default").unwrap();
    let tagged = world.kms.tag_key(&world.root, TagCall::Create, "kms/default", &pairs(&[("team", "red")]));
    assert_eq!(code(tagged), "KMS.0211");
    world.kms.schedule_deletion(&world.root, &other, 7).unwrap();
    assert_eq!(code(world.kms.delete_tag(&world.root, &other, "team")), "KMS.0210");
}

#[test]
fn a_batch_of_tags_is_given_as_a_whole_or_not_at_all() {
    let world = Office::new();
    let key = world.aes("key");
    let put = |tags: &[(String, String)]| world.kms.tag_key(&world.root, TagCall::BatchCreate, &key, tags);
    let many = |count: usize| -> Vec<_> { (0..count).map(|n| (format!("tag{n}"), String::new())).collect() };
    assert_eq!(code(put(&[])), "KMS.0401");
    assert_eq!(code(put(&many(21))), "KMS.0407");
    put(&many(19)).unwrap();
    assert_eq!(code(put(&pairs(&[("a", ""), ("b", "")]))), "KMS.0409");
    assert_eq!(code(put(&pairs(&[("a", ""), ("a", "x")]))), "KMS.0406");
    assert_eq!(code(put(&pairs(&[("a", ""), ("b", "*")]))), "KMS.0405");
    assert!(!shown(&world, &key).contains("a="), "a part of it was given");
    put(&pairs(&[("tag3", "changed"), ("a", "")])).unwrap();
}

/// Requirement: TAG-027, TAG-028, TAG-029
#[test]
fn keys_are_found_by_all_of_up_to_twenty_tags() {
    let world = Office::new();
    for (name, tags) in [
        ("one", [("team", "blue"), ("stage", "test")]),
        ("two", [("team", "blue"), ("stage", "live")]),
        ("three", [("team", "red"), ("stage", "live")]),
    ] {
        let key = world.aes(name);
        world.kms.tag_key(&world.root, TagCall::BatchCreate, &key, &pairs(&tags)).unwrap();
    }
    world.key("four", Spec::EcP256);
    let tag = |key: &str, values: &[&str]| {
        (key.to_owned(), values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    };
    let found = |tags: Vec<_>| {
        let found = world.kms.keys_by_tags(&world.root, Search { tags, ..Search::default() }).unwrap();
        found.iter().map(|key| key.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found(vec![tag("team", &["blue"]), tag("stage", &["live"])]), "two");
    assert_eq!(found(vec![tag("team", &["blue"])]), "one two");
    assert_eq!(found(vec![tag("team", &["blue", "red"]), tag("stage", &["live"])]), "two three");
    assert_eq!(found(vec![tag("team", &[])]), "one two three");
    assert_eq!(found(vec![tag("nobody", &[])]), "");
    let twenty: Vec<_> = (0..20).map(|_| tag("team", &["blue"])).collect();
    assert_eq!(found(twenty.clone()), "one two");
    let more = Search { tags: [twenty, vec![tag("team", &[])]].concat(), ..Search::default() };
    assert_eq!(code(world.kms.keys_by_tags(&world.root, more)), "KMS.0407");
    let all = world.kms.tags_of_project(&world.root).unwrap();
    let all: Vec<_> =
        all.into_iter().map(|(key, values)| (key, values.into_iter().collect::<Vec<_>>())).collect();
    assert_eq!(all, [tag("stage", &["live", "test"]), tag("team", &["blue", "red"])]);
}

#[test]
fn a_batch_needs_the_action_of_what_it_does_and_policies_see_the_tags_it_gives() {
    let world = Office::new();
    let key = world.aes("key");
    let policy = |action: &str, condition: &str| {
        format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:cmk:{action}"]{condition}}}]}}"#
        )
    };
    let only_blue = r#","Condition":{"StringEquals":{"g:RequestTag/team":["blue"]}}"#;
    let adds = world.user("adds", &policy("batchCreateTags", only_blue));
    let takes = world.user("takes", &policy("batchDeleteTags", ""));
    let put =
        |who, value: &str| world.kms.tag_key(who, TagCall::BatchCreate, &key, &pairs(&[("team", value)]));
    assert_eq!(code(put(&takes, "blue")), "KMS.0330");
    assert_eq!(code(put(&adds, "red")), "KMS.0330");
    put(&adds, "blue").unwrap();
    assert_eq!(code(world.kms.untag_key(&adds, &key, &["team".into()])), "KMS.0330");
    world.kms.untag_key(&takes, &key, &["team".into()]).unwrap();
    assert_eq!(shown(&world, &key), "");
}
