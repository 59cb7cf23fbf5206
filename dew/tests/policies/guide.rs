//! "Tenant Guest Roles" and the examples of "Creating a Custom DEW Policy", as the guide has them.

use std::collections::BTreeSet;

use dew::iam::policy::{Access, Action, Asked, Context, Identity, Level, Policy, Request, Resource, decide};

use crate::{ACCOUNT, REGION, context, everywhere, may, may_do, one, policy, system};

/// What Tenant Guest has beside what it reads.
const NINE: [&str; 9] = [
    "kms:cmk:create",
    "kms:cmk:createDataKey",
    "kms:cmk:createDataKeyWithoutPlaintext",
    "kms:cmk:encryptDataKey",
    "kms:cmk:decryptDataKey",
    "kms:cmk:retireGrant",
    "kms:cmk:decryptData",
    "kms:cmk:encryptData",
    "kms::generateRandom",
];

const IMPORT: &str = r#"{
  "Version": "1.1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "kms:cmk:create",
        "kms:cmk:getMaterial",
        "kms:cmkTag:create",
        "kms:cmkTag:batch",
        "kms:cmk:importMaterial"
      ]
    }
  ]
}"#;

const NO_DELETION_OF_TAGS: &str = r#"{
  "Version": "1.1",
  "Statement": [
    {
      "Effect": "Deny",
      "Action": [
        "kms:cmkTag:delete"
      ]
    }
  ]
}"#;

const USE: &str = r#"{
  "Version": "1.1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "kms:dek:crypto",
        "kms:cmk:get",
        "kms:cmk:crypto",
        "kms:cmk:generate",
        "kms:cmk:list"
      ]
    }
  ]
}"#;

const SEVERAL: &str = r#"{
  "Version": "1.1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "rds:task:list"
      ]
    },
    {
      "Effect": "Allow",
      "Action": [
        "kms:dek:crypto",
        "kms:cmk:get",
        "kms:cmk:crypto",
        "kms:cmk:generate",
        "kms:cmk:list"
      ]
    }
  ]
}"#;

/// The operations of all services of which policies let each action be done.
fn operations(policies: &[&Policy]) -> BTreeSet<&'static str> {
    Action::all().filter(|action| may_do(policies, *action, Some("x"))).map(Action::name).collect()
}

/// A request for another service's action.
fn other<'a>(name: &'a str, context: &'a Context<'a>) -> Request<'a> {
    let resource = Resource { service: "rds", region: REGION, account: ACCOUNT, kind: "task", path: None };
    Request { action: Asked::Other(name), resource, context }
}

/// Requirement: IAM-065, IAM-066, IAM-067, IAM-068, IAM-069, IAM-070, IAM-071, IAM-072, IAM-073, IAM-074
#[test]
fn tenant_guest_reads_all_but_iam_and_has_nine_actions_of_kms_beside() {
    let guest = system("Tenant Guest");
    for action in Action::all() {
        let expected = match action.service() {
            "iam" => false,
            _ => action.access() != Access::Write || NINE.contains(&action.name()),
        };
        assert_eq!(may_do(&[guest], action, Some("x")), expected, "{}", action.name());
    }
    let named: Vec<_> = NINE.iter().flat_map(|name| Action::named(name)).map(Action::name).collect();
    assert_eq!(named, NINE, "each is an action of its own");
    let attached = [everywhere(guest)];
    let (identity, context) = (Identity(&attached), context());
    for name in ["iam:users:listUsers", "iam:roles:getRole", "iam:users:createUser"] {
        assert!(!decide(&other(name, &context), &[&identity]).is_allowed(), "{name}");
    }
}

/// Requirement: IAM-075
#[test]
fn a_custom_deny_takes_the_nine_from_tenant_guest() {
    let (guest, deny) = (system("Tenant Guest"), one("Deny", &NINE));
    for action in Action::all().filter(|action| action.service() != "iam") {
        let expected = action.access() != Access::Write;
        assert_eq!(may_do(&[guest, &deny], action, Some("x")), expected, "{}", action.name());
    }
}

#[test]
fn tenant_administrator_does_all_but_iam() {
    for action in Action::all() {
        let expected = action.service() != "iam";
        assert_eq!(
            may_do(&[system("Tenant Administrator")], action, Some("x")),
            expected,
            "{}",
            action.name()
        );
    }
}

/// Requirement: IAM-076, IAM-081
#[test]
fn example_1_lets_keys_be_created_and_imported_and_no_more() {
    let expected = BTreeSet::from([
        "kms:cmk:create",
        "kms:cmk:getMaterial",
        "kms:cmk:createTag",
        "kms:cmk:batchCreateTags",
        "kms:cmk:batchDeleteTags",
        "kms:cmk:importMaterial",
    ]);
    assert_eq!(operations(&[&policy(IMPORT)]), expected);
}

/// Requirement: IAM-082, IAM-084
#[test]
fn example_2_leaves_all_but_the_deletion_of_tags_also_in_a_batch() {
    let (all, deny) = (system("KMS Administrator"), policy(NO_DELETION_OF_TAGS));
    let lost: BTreeSet<_> = operations(&[all]).difference(&operations(&[all, &deny])).copied().collect();
    assert_eq!(lost, BTreeSet::from(["kms:cmk:deleteTag", "kms:cmk:batchDeleteTags"]));
    assert_eq!(operations(&[&deny]), BTreeSet::new(), "alone it allows nothing");
}

/// Requirement: IAM-085, IAM-088
#[test]
fn example_3_lets_keys_be_used_and_no_more() {
    let expected = BTreeSet::from([
        "kms:cmk:encryptDataKey",
        "kms:cmk:decryptDataKey",
        "kms:cmk:decryptDataKeyCapsule",
        "kms:cmk:get",
        "kms:cmk:encryptData",
        "kms:cmk:decryptData",
        "kms::generateRandom",
        "kms:cmk:list",
        "kms:cmk:listAliases",
    ]);
    assert_eq!(operations(&[&policy(USE)]), expected);
}

/// Requirement: IAM-086
#[test]
fn example_4_holds_in_each_statement_and_another_service_does_no_harm() {
    let several = policy(SEVERAL);
    assert_eq!(operations(&[&several]), operations(&[&policy(USE)]));
    assert_eq!(several.level(), Level::Project);
    let attached = [everywhere(&several)];
    let (identity, context) = (Identity(&attached), context());
    assert!(decide(&other("rds:task:list", &context), &[&identity]).is_allowed());
    assert!(!decide(&other("rds:task:delete", &context), &[&identity]).is_allowed());
    assert!(
        !decide(&other("kms:cmk:get", &context), &[&identity]).is_allowed(),
        "ours are asked for by their rows"
    );
}

/// Each pair of names is in the sources: the first in the guide's sections 7.1 and 8.1 or 2.3.2, the second in 8.2, 2.3.2
/// or the API reference.
///
/// Requirement: IAM-088, IAM-089
#[test]
fn either_vocabulary_names_an_operation() {
    let both = [
        ("kms", "EncryptData", "kms:cmk:encryptData", "kms:cmk:crypto"),
        ("kms", "DecryptData", "kms:cmk:decryptData", "kms:cmk:crypto"),
        ("kms", "EncryptDatakey", "kms:cmk:encryptDataKey", "kms:dek:crypto"),
        ("kms", "DecryptDatakey", "kms:cmk:decryptDataKey", "kms:dek:decrypt"),
        ("kms", "CreateDatakey", "kms:cmk:createDataKey", "kms:dek:create"),
        ("kms", "CreateRandom", "kms::generateRandom", "kms:cmk:generate"),
        ("kms", "CancelSelfGrant", "kms:cmk:retireGrant", "kms:grant:retire"),
        ("kms", "ShowKmsTags", "kms:cmk:getTags", "kms:cmkTag:list"),
        ("csms", "ShowSecretVersion", "csms:secret:getVersion", "csms:secretVersion:get"),
        ("csms", "ListSecretVersions", "csms:secret:listVersion", "csms:secretVersion:list"),
        ("csms", "CreateSecretVersion", "csms:secret:createVersion", "csms:secretVersion:create"),
        ("csms", "ShowSecretStage", "csms:secret:getStage", "csms:secretStage:get"),
        ("csms", "UpdateSecretStage", "csms:secret:updateStage", "csms:secretStage:update"),
    ];
    for (service, operation, fine, coarse) in both {
        for name in [fine, coarse] {
            assert!(may(&[&one("Allow", &[name])], service, operation), "{name} allows {operation}");
            let all = one("Allow", &[&format!("{service}:*:*")]);
            assert!(!may(&[&all, &one("Deny", &[name])], service, operation), "{name} denies {operation}");
        }
    }
    // The finer name is of one operation alone.
    assert!(!may(&[&one("Allow", &["kms:cmk:encryptData"])], "kms", "DecryptData"));
    assert!(!may(&[&one("Allow", &["csms:secretVersion:get"])], "csms", "ListSecretVersions"));
}

/// Requirement: IAM-079, IAM-080
#[test]
fn a_policy_for_one_key_leaves_the_others_alone_and_one_without_resources_is_for_all() {
    let sign = Action::of_operation("kms", "Sign").next().unwrap();
    let specific = policy(
        r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:*"],
            "Resource":["KMS:*:*:KeyId:0d0466b0-e727-4d9c-b35d-f84bb474a37f"]}]}"#,
    );
    assert!(may_do(&[&specific], sign, Some("0d0466b0-e727-4d9c-b35d-f84bb474a37f")));
    assert!(!may_do(&[&specific], sign, Some("bb6a3d22-dc93-47ac-b5bd-88df7ad35f1e")));
    assert!(!may_do(&[&specific], sign, Some("0D0466B0-E727-4D9C-B35D-F84BB474A37F")), "a path is as it is");
    let list = Action::of_operation("kms", "ListKeys").next().unwrap();
    assert!(!may_do(&[&specific], list, None), "a list is of all keys");
    let all = one("Allow", &["kms:cmk:*"]);
    assert!(may_do(&[&all], sign, Some("any")) && may_do(&[&all], list, None));
    for resource in ["*", "kms:*:*:KeyId:*", "kms:*:*:*:*"] {
        let text = format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:cmk:*"],"Resource":["{resource}"]}}]}}"#
        );
        assert!(may_do(&[&policy(&text)], list, None), "{resource} is all keys");
    }
}

#[test]
fn secrets_and_key_pairs_are_resources_by_their_names() {
    let text = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["csms:secret:*","kps:*:*"],
        "Resource":["CSMS:*:*:secretName:prod-*","kps:region-1:a1:SSHKeyPair:mine"]}]}"#;
    let policy = policy(text);
    let secret = Action::of_operation("csms", "ShowSecretVersion").next().unwrap();
    let pair = Action::of_operation("kps", "DeleteKeypair").next().unwrap();
    for (action, path, expected) in [
        (secret, "prod-db", true),
        (secret, "test-db", false),
        (secret, "mine", false),
        (pair, "mine", true),
        (pair, "prod-db", false),
    ] {
        assert_eq!(may_do(&[&policy], action, Some(path)), expected, "{} of {path}", action.name());
    }
}
