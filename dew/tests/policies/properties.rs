//! What holds of all policies: deny wins, an allow takes nothing away, wildcards are what they say, and no text is too
//! strange to be answered.

use dew::iam::policy::{Action, Level, Policy};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{may_do, one};

/// An action of one level, for a policy has one.
fn action() -> impl Strategy<Value = Action> {
    select(Action::all().filter(|action| action.level() == Level::Project).collect::<Vec<_>>())
}

/// A pattern that names some actions: a name of one, with parts of it wild.
fn pattern() -> impl Strategy<Value = String> {
    (action(), any::<prop::sample::Index>(), 0..4usize, any::<prop::sample::Index>()).prop_map(
        |(action, which, wild, cut)| {
            let names: Vec<_> = action.names().collect();
            let name = which.get(&names);
            let parts: Vec<_> = name.split(':').collect();
            match wild {
                0 => (*name).to_owned(),
                1 => format!("{}:*:{}", parts[0], parts[2]),
                2 => format!("{}:{}:*", parts[0], parts[1]),
                _ => format!("{}:{}:{}*", parts[0], parts[1], &parts[2][..cut.index(parts[2].len())]),
            }
        },
    )
}

fn policies() -> impl Strategy<Value = Vec<(bool, Vec<String>)>> {
    vec((any::<bool>(), vec(pattern(), 1..4)), 0..6)
}

fn read(policies: &[(bool, Vec<String>)]) -> Vec<Policy> {
    let make = |(allow, patterns): &(bool, Vec<String>)| {
        one(if *allow { "Allow" } else { "Deny" }, &patterns.iter().map(String::as_str).collect::<Vec<_>>())
    };
    policies.iter().map(make).collect()
}

/// The plain way to match a wildcard, one character after the other, to compare with.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), None) => matches(rest, text),
        (Some((b'*', rest)), Some((_, after))) => matches(rest, text) || matches(pattern, after),
        (Some((one, rest)), Some((other, after))) => one == other && matches(rest, after),
        _ => false,
    }
}

proptest! {
    /// Requirement: IAM-083
    #[test]
    fn deny_always_wins(given in policies(), action in action(), place in any::<prop::sample::Index>()) {
        let mut all = read(&given);
        all.insert(place.index(all.len() + 1), one("Deny", &[action.name()]));
        prop_assert!(!may_do(&all.iter().collect::<Vec<_>>(), action, Some("x")));
    }

    #[test]
    fn one_more_allow_takes_nothing_away(given in policies(), more in pattern(), place in any::<prop::sample::Index>()) {
        let mut all = read(&given);
        let before: Vec<_> = allowed(&all);
        all.insert(place.index(all.len() + 1), one("Allow", &[&more]));
        let after = allowed(&all);
        prop_assert!(before.iter().all(|action| after.contains(action)));
    }

    #[test]
    fn one_more_deny_gives_nothing(given in policies(), more in pattern()) {
        let mut all = read(&given);
        let before = allowed(&all);
        all.push(one("Deny", &[&more]));
        prop_assert!(allowed(&all).iter().all(|action| before.contains(action)));
    }

    #[test]
    fn a_decision_is_that_of_the_plain_rule(given in policies(), action in action()) {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| {
            action.names().any(|name| matches(pattern.to_lowercase().as_bytes(), name.to_lowercase().as_bytes()))
        });
        let denied = given.iter().any(|(allow, patterns)| !allow && named(patterns));
        let allowed = given.iter().any(|(allow, patterns)| *allow && named(patterns));
        let all = read(&given);
        prop_assert_eq!(may_do(&all.iter().collect::<Vec<_>>(), action, Some("x")), allowed && !denied);
    }

    #[test]
    fn a_path_matches_as_the_plain_rule_says(pattern in "[ab*]{1,8}", path in "[ab]{0,8}") {
        let text = format!(
            r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["kms:*:*"],"Resource":["kms:*:*:KeyId:{pattern}"]}}]}}"#
        );
        let policy = Policy::parse("p", &text).unwrap();
        let sign = Action::of_operation("kms", "Sign").next().unwrap();
        prop_assert_eq!(may_do(&[&policy], sign, Some(&path)), matches(pattern.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Policy::parse("any", &text);
    }

    #[test]
    fn a_policy_with_a_piece_changed_is_read_or_refused(at in any::<prop::sample::Index>(), piece in any::<String>(), len in 0..20usize) {
        let good = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["kms:cmk:get"],"Resource":["kms:*:*:KeyId:*"],"Condition":{"DateLessThan":{"g:CurrentTime":["2026-01-01T00:00:00Z"]},"IpAddress":{"g:SourceIp":["10.0.0.0/8"]}}}]}"#;
        let start = at.index(good.len());
        let end = (start + len).min(good.len());
        let _ = Policy::parse("changed", &format!("{}{piece}{}", &good[..start], &good[end..]));
    }
}

fn allowed(policies: &[Policy]) -> Vec<Action> {
    let policies: Vec<_> = policies.iter().collect();
    Action::all().filter(|action| may_do(&policies, *action, Some("x"))).collect()
}
