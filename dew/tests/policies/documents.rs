//! Policies as people write them, right and wrong: what is refused says where and why.

use dew::iam::policy::{Level, MAX_BYTES, Policy};

fn refused(text: &str) -> String {
    match Policy::parse("wrong", text) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{text} is accepted"),
    }
}

/// A policy of one statement with these fields.
fn statement(fields: &str) -> String {
    format!(r#"{{"Version":"1.1","Statement":[{{{fields}}}]}}"#)
}

/// Requirement: IAM-076, IAM-078
#[test]
fn what_is_wrong_with_a_policy_is_said_with_its_place() {
    let good = r#""Effect":"Allow","Action":["kms:cmk:get"]"#;
    assert!(Policy::parse("good", &statement(good)).is_ok());
    for (text, expected) in [
        ("", "the policy is not JSON: EOF while parsing a value at line 1 column 0"),
        ("{\n  \"Version\": \"1.1\",\n}", "the policy is not JSON: trailing comma at line 3 column 1"),
        ("[]", "the policy: expected an object, not a list"),
        (r#"{"Statement":[]}"#, "the policy: the field Version is missing"),
        (r#"{"Version":"1.1"}"#, "the policy: the field Statement is missing"),
        (
            r#"{"Version":"2012-10-17","Statement":[]}"#,
            r#"Version: expected the version "1.1", not "2012-10-17""#,
        ),
        (r#"{"Version":1.1,"Statement":[]}"#, r#"Version: expected the version "1.1", not 1.1"#),
        (r#"{"Version":"1.1","Statement":[]}"#, "Statement: a policy has 1 to 8 statements, this one 0"),
        (r#"{"Version":"1.1","Statement":{}}"#, "Statement: expected a list of statements, not an object"),
        (
            r#"{"Version":"1.1","Statement":[],"Id":"x"}"#,
            r#"the policy: there is no field "Id" here: expected Version and Statement"#,
        ),
    ] {
        assert_eq!(refused(text), expected);
    }
    for (fields, expected) in [
        (r#""Action":["kms:cmk:get"]"#, "Statement[0]: the field Effect is missing"),
        (r#""Effect":"Allow""#, "Statement[0]: the field Action is missing"),
        (
            r#""Effect":"allow","Action":["kms:cmk:get"]"#,
            r#"Statement[0].Effect: expected "Allow" or "Deny", not "allow""#,
        ),
        (
            r#""Effect":"Deny","Effect":"Allow","Action":["kms:cmk:get"]"#,
            r#"Statement[0]: the field "Effect" stands twice"#,
        ),
        (
            r#""Effect":"Allow","Action":"kms:cmk:get""#,
            r#"Statement[0].Action: expected a list of actions such as ["kms:cmk:get"], not "kms:cmk:get""#,
        ),
        (
            r#""Effect":"Allow","Action":[]"#,
            "Statement[0].Action: a statement has 1 to 100 actions, this one 0",
        ),
        (
            r#""Effect":"Allow","Action":["kms:cmk:get",7]"#,
            r#"Statement[0].Action[1]: expected an action such as "kms:cmk:get", not 7"#,
        ),
        (
            r#""Effect":"Allow","NotAction":["kms:cmk:get"]"#,
            r#"Statement[0]: there is no field "NotAction" here: expected Effect, Action, Resource and Condition"#,
        ),
        (
            r#""Effect":"Allow","Action":["kms:cmk:get"],"Resource":"*""#,
            r#"Statement[0].Resource: expected a list of resources such as ["kms:*:*:KeyId:*"], not "*""#,
        ),
        (
            r#""Effect":"Allow","Action":["kms:cmk:get"],"Condition":{"Bool":{"g:MFAPresent":true}}"#,
            r#"Statement[0].Condition.Bool.g:MFAPresent: expected a list of texts such as ["true"], not true"#,
        ),
    ] {
        assert_eq!(refused(&statement(fields)), expected);
    }
}

#[test]
fn actions_and_resources_have_their_forms() {
    for action in [
        "*",
        "kms:*",
        "kms",
        "kms:cmk:get:x",
        ":cmk:get",
        "kms:cmk:",
        "kms:cmk:g?t",
        "kms:cmk:get ",
        "kms:ключ:get",
    ] {
        let text = statement(&format!(r#""Effect":"Allow","Action":["{action}"]"#));
        assert!(refused(&text).starts_with("Statement[0].Action[0]: "), "{action}: {}", refused(&text));
    }
    for action in ["kms:cmk:*", "kms:*:*", "kms:*:get*", "KMS:CMK:GET", "kms::generateRandom", "a_b:c-d:e"] {
        assert!(
            Policy::parse("p", &statement(&format!(r#""Effect":"Allow","Action":["{action}"]"#))).is_ok(),
            "{action}"
        );
    }
    for resource in ["", "kms", "kms:*:*:KeyId", "kms:*:*::x", "kms:*:*:KeyId:", "kms:*:*:KeyId:a\\nb"] {
        let text =
            statement(&format!(r#""Effect":"Allow","Action":["kms:cmk:get"],"Resource":["{resource}"]"#));
        assert!(refused(&text).starts_with("Statement[0].Resource[0]: "), "{resource}");
    }
    let agency = |uri: &str| {
        statement(&format!(
            r#""Effect":"Allow","Action":["iam:agencies:assume"],"Resource":{{"uri":["{uri}"]}}"#
        ))
    };
    assert!(Policy::parse("p", &agency("/iam/agencies/07805acaba800fdd4fbdc00b8f888c7c")).is_ok());
    assert!(refused(&agency("/iam/users/1")).starts_with("Statement[0].Resource.uri[0]: "));
}

#[test]
fn a_policy_has_bounds() {
    let many = |count: usize, item: &str| vec![item; count].join(",");
    let policy = |statements: usize| {
        let one = r#"{"Effect":"Allow","Action":["kms:cmk:get"]}"#;
        Policy::parse("p", &format!(r#"{{"Version":"1.1","Statement":[{}]}}"#, many(statements, one)))
    };
    assert!(policy(8).is_ok() && policy(9).is_err());
    let actions = |count| {
        Policy::parse(
            "p",
            &statement(&format!(r#""Effect":"Allow","Action":[{}]"#, many(count, r#""kms:cmk:get""#))),
        )
    };
    assert!(actions(100).is_ok() && actions(101).is_err());
    let resources = |count| {
        let list = many(count, r#""kms:*:*:KeyId:x""#);
        Policy::parse(
            "p",
            &statement(&format!(r#""Effect":"Allow","Action":["kms:cmk:get"],"Resource":[{list}]"#)),
        )
    };
    assert!(resources(10).is_ok() && resources(11).is_err());
    let conditions = |count: usize| {
        let keys: Vec<_> = (0..count).map(|index| format!(r#""g:ResourceTag/{index}":["x"]"#)).collect();
        let condition = format!(r#"{{"StringEquals":{{{}}}}}"#, keys.join(","));
        Policy::parse(
            "p",
            &statement(&format!(r#""Effect":"Allow","Action":["kms:cmk:get"],"Condition":{condition}"#)),
        )
    };
    assert!(conditions(10).is_ok() && conditions(11).is_err());
    let text = statement(r#""Effect":"Allow","Action":["kms:cmk:get"]"#);
    let padded = |len: usize| text.clone() + &" ".repeat(len - text.len());
    assert!(Policy::parse("p", &padded(MAX_BYTES)).is_ok());
    assert_eq!(refused(&padded(MAX_BYTES + 1)), "a policy has at most 32768 bytes, this one 32769");
    assert!(refused(&"[".repeat(20_000)).starts_with("the policy is not JSON: recursion limit"));
}

/// Requirement: IAM-087
#[test]
fn actions_of_global_and_project_level_services_are_not_mixed() {
    let of = |actions: &[&str]| statement(&format!(r#""Effect":"Allow","Action":{actions:?}"#));
    for (actions, level) in [
        (&["rds:task:list", "kms:cmk:get"][..], Level::Project),
        (&["iam:users:listUsers", "obs:bucket:ListBucket"], Level::Global),
    ] {
        assert_eq!(Policy::parse("p", &of(actions)).unwrap().level(), level);
    }
    assert_eq!(
        refused(&of(&["kms:cmk:get", "iam:users:listUsers"])),
        r#"Statement[0].Action[1]: "iam:users:listUsers" is an action of a global service and "kms:cmk:get" of a project-level one: a policy has one kind, so make two"#
    );
    let two = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["OBS:*:*"]},{"Effect":"Deny","Action":["csms:*:*"]}]}"#;
    assert!(refused(two).starts_with("Statement[1].Action[0]: "), "also between statements");
    for every in ["*:*:*", "*:cmk:get", "k*:cmk:get"] {
        assert!(refused(&of(&[every])).contains("name a service"), "{every}");
    }
}

#[test]
fn an_action_that_names_nothing_here_is_pointed_out_but_allowed() {
    let text = r#""Effect":"Deny","Action":["kms:cmk:creat","kms:cmk:create","kms:partition:list","rds:task:list","kms:c*:*"]"#;
    let policy = Policy::parse("p", &statement(text)).unwrap();
    assert_eq!(policy.unknown_actions().collect::<Vec<_>>(), ["kms:cmk:creat", "kms:partition:list"]);
}
