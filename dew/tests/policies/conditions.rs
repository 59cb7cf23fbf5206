//! Conditions: each operator at its edge, and what holds when a request lacks the key.

use std::net::IpAddr;

use dew::iam::policy::{Action, Context, Identity, Policy, PolicyError, Problem, decide};
use dew::tag::Tags;

use crate::{about, context, everywhere};

/// A policy that allows all of KMS under conditions.
fn under(conditions: &str) -> Result<Policy, PolicyError> {
    let statement = format!(r#"{{"Effect":"Allow","Action":["kms:*:*"],"Condition":{conditions}}}"#);
    Policy::parse("conditional", &format!(r#"{{"Version":"1.1","Statement":[{statement}]}}"#))
}

fn holds(conditions: &str, context: &Context<'_>) -> bool {
    let policy = under(conditions).unwrap_or_else(|error| panic!("{conditions}: {error}"));
    let attached = [everywhere(&policy)];
    let action = Action::of_operation("kms", "Sign").next().unwrap();
    decide(&about(action, Some("k"), context), &[&Identity(&attached)]).is_allowed()
}

fn problem(conditions: &str) -> Problem {
    match under(conditions) {
        Err(PolicyError::At { problem, .. }) => problem,
        other => panic!("{conditions} is {other:?}"),
    }
}

#[test]
fn each_operator_of_texts_compares_as_its_name_says() {
    let alice = context(); // g:UserName is alice
    for (condition, expected) in [
        (r#"{"StringEquals":{"g:UserName":["bob","alice"]}}"#, true),
        (r#"{"StringEquals":{"g:UserName":["Alice"]}}"#, false),
        (r#"{"StringEqualsIgnoreCase":{"g:UserName":["ALICE"]}}"#, true),
        (r#"{"StringNotEqualsIgnoreCase":{"g:UserName":["ALICE"]}}"#, false),
        (r#"{"StringNotEquals":{"g:UserName":["bob","alice"]}}"#, false),
        (r#"{"StringNotEquals":{"g:UserName":["bob"]}}"#, true),
        (r#"{"StringStartWith":{"g:UserName":["al"]}}"#, true),
        (r#"{"StringStartWith":{"g:UserName":["ice"]}}"#, false),
        (r#"{"StringNotStartWith":{"g:UserName":["al"]}}"#, false),
        (r#"{"StringEndWith":{"g:UserName":["ice"]}}"#, true),
        (r#"{"StringEndWith":{"g:UserName":["al"]}}"#, false),
        (r#"{"StringNotEndWith":{"g:UserName":["al"]}}"#, true),
        (r#"{"StringLike":{"g:UserName":["lic"]}}"#, true),
        (r#"{"StringLike":{"g:UserName":["lic*"]}}"#, false),
        (r#"{"StringLike":{"g:UserName":["*i*e"]}}"#, true),
        (r#"{"StringNotLike":{"g:UserName":["lic"]}}"#, false),
        (r#"{"StringEquals":{"g:username":["alice"]}}"#, true),
    ] {
        assert_eq!(holds(condition, &alice), expected, "{condition}");
    }
}

#[test]
fn each_operator_of_numbers_times_truths_and_addresses_has_its_edge() {
    let time = "2026-03-01T12:00:00Z".parse().unwrap();
    let source: IpAddr = "10.1.2.3".parse().unwrap();
    let context =
        Context { time: Some(time), mfa_age: Some(600), source: Some(source), tls: Some(true), ..context() };
    for (condition, expected) in [
        (r#"{"NumberLessThan":{"g:MFAAge":["600"]}}"#, false),
        (r#"{"NumberLessThan":{"g:MFAAge":["601"]}}"#, true),
        (r#"{"NumericLessThanEquals":{"g:MFAAge":["600"]}}"#, true),
        (r#"{"NumberGreaterThan":{"g:MFAAge":["600"]}}"#, false),
        (r#"{"NumericGreaterThanEquals":{"g:MFAAge":["600"]}}"#, true),
        (r#"{"NumberEquals":{"g:MFAAge":["1","600"]}}"#, true),
        (r#"{"NumericNotEquals":{"g:MFAAge":["600"]}}"#, false),
        (r#"{"DateLessThan":{"g:CurrentTime":["2026-03-01T12:00:00Z"]}}"#, false),
        (r#"{"DateLessThan":{"g:CurrentTime":["2026-03-01T12:00:01Z"]}}"#, true),
        (r#"{"DateLessThanEquals":{"g:CurrentTime":["2026-03-01T13:00:00+01:00"]}}"#, true),
        (r#"{"DateGreaterThan":{"g:CurrentTime":["2026-03-01T12:00:00Z"]}}"#, false),
        (r#"{"DateGreaterThanEquals":{"g:CurrentTime":["2026-03-01T12:00:00Z"]}}"#, true),
        (r#"{"DateEquals":{"g:CurrentTime":["2026-03-01T12:00:00Z"]}}"#, true),
        (r#"{"DateNotEquals":{"g:CurrentTime":["2026-03-01T12:00:00Z"]}}"#, false),
        (r#"{"Bool":{"g:MFAPresent":["true"]}}"#, true),
        (r#"{"Bool":{"g:MFAPresent":["False"]}}"#, false),
        (r#"{"Bool":{"g:SecureTransport":["true"]}}"#, true),
        (r#"{"IpAddress":{"g:SourceIp":["10.1.0.0/16"]}}"#, true),
        (r#"{"IpAddress":{"g:SourceIp":["10.2.0.0/16","10.1.2.3"]}}"#, true),
        (r#"{"IpAddress":{"g:SourceIp":["10.1.2.2/32"]}}"#, false),
        (r#"{"IpAddress":{"g:SourceIp":["0.0.0.0/0"]}}"#, true),
        (r#"{"IpAddress":{"g:SourceIp":["::/0"]}}"#, false),
        (r#"{"NotIpAddress":{"g:SourceIp":["10.1.0.0/16"]}}"#, false),
    ] {
        assert_eq!(holds(condition, &context), expected, "{condition}");
    }
    let mapped: IpAddr = "::ffff:10.1.2.3".parse().unwrap();
    let mapped = Context { source: Some(mapped), ..context };
    assert!(
        holds(r#"{"IpAddress":{"g:SourceIp":["10.0.0.0/8"]}}"#, &mapped),
        "the same address in another dress"
    );
    assert!(holds(r#"{"Bool":{"g:MFAPresent":["false"]}}"#, &Context { mfa_age: None, ..context }));
}

#[test]
fn without_the_key_what_denies_holds_and_so_does_if_exists() {
    let nobody = Context { user_name: None, ..context() };
    for (condition, expected) in [
        (r#"{"StringEquals":{"g:UserName":["alice"]}}"#, false),
        (r#"{"StringNotEquals":{"g:UserName":["alice"]}}"#, true),
        (r#"{"StringEndWithIfExists":{"g:UserName":["ice"]}}"#, true),
        (r#"{"IpAddressIfExists":{"g:SourceIp":["10.0.0.0/8"]}}"#, true),
        (r#"{"Null":{"g:UserName":["true"]}}"#, true),
        (r#"{"Null":{"g:UserName":["false"]}}"#, false),
        (r#"{"StringLike":{"obs:prefix":["private/"]}}"#, false),
    ] {
        assert_eq!(holds(condition, &nobody), expected, "{condition}");
    }
    assert!(
        !holds(r#"{"StringEndWithIfExists":{"g:UserName":["bob"]}}"#, &context()),
        "it exists, and is not that"
    );
    assert!(holds(r#"{"Null":{"g:UserName":["false"]}}"#, &context()));
}

#[test]
fn all_conditions_must_hold_and_one_value_of_each() {
    let both =
        r#"{"StringEquals":{"g:UserName":["alice"],"g:ProjectId":["P"]},"Bool":{"g:MFAPresent":["true"]}}"#;
    let safe = Context { mfa_age: Some(1), ..context() };
    assert!(holds(&both.replace("\"P\"", "\"p1\""), &safe));
    assert!(!holds(&both.replace("\"P\"", "\"p2\""), &safe));
    assert!(!holds(&both.replace("\"P\"", "\"p1\""), &context()), "without the second factor");
}

#[test]
fn tags_and_what_a_service_knows_of_a_key_can_be_asked_for() {
    let tags = Tags::new(&[("team".into(), "blue".into()), ("Team".into(), "red".into())]).unwrap();
    let facts = [("kms:KeySpec", "RSA_4096"), ("kms:PendingDays", "7")];
    let context = Context { resource_tags: Some(&tags), facts: &facts, ..context() };
    for (condition, expected) in [
        (r#"{"StringEquals":{"g:ResourceTag/team":["blue"]}}"#, true),
        (r#"{"StringEquals":{"g:ResourceTag/Team":["blue"]}}"#, false),
        (r#"{"StringEquals":{"g:RequestTag/team":["blue"]}}"#, false),
        (r#"{"StringStartWith":{"kms:KeySpec":["RSA_"]}}"#, true),
        (r#"{"StringEquals":{"kms:keyspec":["AES_256"]}}"#, false),
        (r#"{"NumberGreaterThanEquals":{"kms:PendingDays":["8"]}}"#, false),
        (r#"{"NumberGreaterThanEquals":{"kms:PendingDays":["7"]}}"#, true),
        (r#"{"StringEquals":{"g:ServiceName":["kms"]}}"#, true),
    ] {
        assert_eq!(holds(condition, &context), expected, "{condition}");
    }
}

/// A condition that could never hold as its author means it is refused when it is written: in a deny it would be a hole.
///
/// Requirement: IAM-078
#[test]
fn a_condition_that_means_nothing_is_refused() {
    assert_eq!(problem(r#"{"StringEqual":{"g:UserName":["a"]}}"#), Problem::Operator("StringEqual".into()));
    assert_eq!(
        problem(r#"{"NullIfExists":{"g:UserName":["true"]}}"#),
        Problem::Operator("NullIfExists".into())
    );
    for key in ["g:UserNames", "kms:Spec", "g:ResourceTag/", "UserName", "csms:x"] {
        assert_eq!(problem(&format!(r#"{{"StringEquals":{{"{key}":["a"]}}}}"#)), Problem::Key(key.into()));
    }
    for (operator, key, value) in [
        ("NumberLessThan", "g:MFAAge", "ten"),
        ("DateLessThan", "g:CurrentTime", "tomorrow"),
        ("Bool", "g:MFAPresent", "yes"),
        ("IpAddress", "g:SourceIp", "10.0.0.0/33"),
        ("IpAddress", "g:SourceIp", "10.0.0"),
        ("Null", "g:UserName", "0"),
    ] {
        let found = problem(&format!(r#"{{"{operator}":{{"{key}":["{value}"]}}}}"#));
        assert!(matches!(&found, Problem::Value { got, .. } if got == value), "{operator} {value}: {found}");
    }
    for (operator, key) in
        [("StringEquals", "g:MFAPresent"), ("Bool", "g:UserName"), ("IpAddress", "g:UserId")]
    {
        let found = problem(&format!(r#"{{"{operator}":{{"{key}":["true"]}}}}"#));
        assert!(matches!(found, Problem::Incomparable { .. }), "{operator} {key}: {found}");
    }
    assert_eq!(problem(r#"{"StringEquals":{"g:UserName":[]}}"#), Problem::Values(0));
    assert_eq!(problem("{}"), Problem::Conditions(0));
}
