//! What a tag policy says (Organizations user guide, "Tag Policy Syntax"), how several come together on the way from the
//! root to an account, and whether tags keep to that.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

mod rules;

pub use rules::{Breach, Rules};

/// The longest document, in bytes.
const MAX_DOCUMENT: usize = 10_240;
/// The most statements of one document.
const MAX_STATEMENTS: usize = 100;
/// The most values of one setting.
const MAX_VALUES: usize = 100;
/// How many of them who broke it is told.
const TOLD_VALUES: usize = 5;
/// The types of resources that enforcement can be asked for, by the service's name and the type's.
const TYPES: [&str; 4] = ["dhsm:instance", "csms:secret", "kms:key", "kps:keypair"];

const ASSIGN: &str = "@@assign";
const APPEND: &str = "@@append";
const REMOVE: &str = "@@remove";
const CHILDREN: &str = "@@operators_allowed_for_child_policies";

/// Which operators the policies further down may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allowed {
    assign: bool,
    append: bool,
    remove: bool,
}

impl Allowed {
    const ALL: Self = Self { assign: true, append: true, remove: true };

    /// What both allow.
    const fn and(self, other: Self) -> Self {
        Self {
            assign: self.assign && other.assign,
            append: self.append && other.append,
            remove: self.remove && other.remove,
        }
    }
}

/// One setting of a statement, as a document has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Setting {
    assign: Option<Vec<String>>,
    append: Vec<String>,
    remove: Vec<String>,
    children: Allowed,
}

/// What a document says of one tag key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Statement {
    key: Option<Setting>,
    values: Option<Setting>,
    enforced: Option<Setting>,
}

/// A document that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// By the tag's key in small letters.
    statements: BTreeMap<String, Statement>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_DOCUMENT {
            return Err(format!("it has {} bytes, and at most {MAX_DOCUMENT} are read", text.len()));
        }
        let json: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        let whole = object(&json, "the document")?;
        only(whole, "the document", &["tags"])?;
        let tags = object(whole.get("tags").ok_or("the document has no \"tags\"")?, "tags")?;
        if tags.is_empty() {
            return Err("tags: expected at least one tag key".into());
        }
        if tags.len() > MAX_STATEMENTS {
            return Err(format!("tags: there are {}, and at most {MAX_STATEMENTS} are read", tags.len()));
        }
        let mut statements = BTreeMap::new();
        for (key, statement) in tags {
            let at = format!("tags.{key}");
            let policy_key = key.to_lowercase();
            crate::tag::check_key(key).map_err(|error| format!("{at}: {error}"))?;
            let read = Statement::read(object(statement, &at)?, &at, &policy_key)?;
            if statements.insert(policy_key, read).is_some() {
                return Err(format!("{at}: another statement has this key, written otherwise"));
            }
        }
        Ok(Self { statements })
    }
}

impl Statement {
    fn read(json: &Map<String, Value>, at: &str, policy_key: &str) -> Result<Self, String> {
        only(json, at, &["tag_key", "tag_value", "enforced_for"])?;
        let setting = |name: &str, read: fn(&Map<String, Value>, &str) -> Result<Setting, String>| match json
            .get(name)
        {
            None => Ok(None),
            Some(value) => {
                let at = format!("{at}.{name}");
                read(object(value, &at)?, &at).map(Some)
            }
        };
        let key = setting("tag_key", Setting::one)?;
        let written = key.iter().flat_map(|key| key.assign.iter().flatten());
        if let Some(other) = written.into_iter().find(|written| written.to_lowercase() != policy_key) {
            return Err(format!("{at}.tag_key: {other:?} is another key: only capitals may differ"));
        }
        let values = setting("tag_value", Setting::several)?;
        for value in values.iter().flat_map(Setting::words) {
            if value.matches('*').count() > 1 {
                return Err(format!("{at}.tag_value: {value:?} has more than one *"));
            }
            crate::tag::check_value(&value.replace('*', ""))
                .map_err(|error| format!("{at}.tag_value: {error}"))?;
        }
        let enforced = setting("enforced_for", Setting::several)?;
        for kind in enforced.iter().flat_map(Setting::words) {
            let service = kind.strip_suffix(":*");
            let known = TYPES.iter().any(|known| {
                known == kind || service.is_some_and(|service| known.split(':').next() == Some(service))
            });
            if !known {
                let known = TYPES.join(", ");
                return Err(format!(
                    "{at}.enforced_for: {kind:?} is no type of resource: expected {known}, or SERVICE:*"
                ));
            }
        }
        Ok(Self { key, values, enforced })
    }
}

impl Setting {
    /// Of one value.
    fn one(json: &Map<String, Value>, at: &str) -> Result<Self, String> {
        only(json, at, &[ASSIGN, CHILDREN])?;
        let assign = match json.get(ASSIGN) {
            None => None,
            Some(Value::String(value)) => Some(vec![value.clone()]),
            Some(_) => return Err(format!("{at}.{ASSIGN}: expected a string")),
        };
        Ok(Self { assign, append: Vec::new(), remove: Vec::new(), children: children(json, at)? })
    }

    /// Of a list.
    fn several(json: &Map<String, Value>, at: &str) -> Result<Self, String> {
        only(json, at, &[ASSIGN, APPEND, REMOVE, CHILDREN])?;
        let list = |name: &str| json.get(name).map(|list| strings(list, &format!("{at}.{name}"))).transpose();
        Ok(Self {
            assign: list(ASSIGN)?,
            append: list(APPEND)?.unwrap_or_default(),
            remove: list(REMOVE)?.unwrap_or_default(),
            children: children(json, at)?,
        })
    }

    fn words(&self) -> impl Iterator<Item = &String> {
        self.assign.iter().flatten().chain(&self.append).chain(&self.remove)
    }
}

fn children(json: &Map<String, Value>, at: &str) -> Result<Allowed, String> {
    let Some(list) = json.get(CHILDREN) else { return Ok(Allowed::ALL) };
    let at = format!("{at}.{CHILDREN}");
    let names = strings(list, &at)?;
    let has = |name: &str| names.iter().any(|given| given == name);
    let known = [ASSIGN, APPEND, REMOVE, "@@all", "@@none"];
    if let Some(other) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("{at}: {other:?} is no operator: expected {}", known.join(", ")));
    }
    match (has("@@all"), has("@@none"), names.len()) {
        (true, _, 1) => Ok(Allowed::ALL),
        (_, true, 1) => Ok(Allowed { assign: false, append: false, remove: false }),
        (true, ..) | (_, true, _) | (.., 0) => Err(format!("{at}: @@all and @@none stand alone")),
        _ => Ok(Allowed { assign: has(ASSIGN), append: has(APPEND), remove: has(REMOVE) }),
    }
}

fn object<'a>(value: &'a Value, at: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{at}: expected an object"))
}

fn only(json: &Map<String, Value>, at: &str, names: &[&str]) -> Result<(), String> {
    match json.keys().find(|name| !names.contains(&name.as_str())) {
        Some(other) => Err(format!("{at}: {other:?} is not known here: expected {}", names.join(", "))),
        None => Ok(()),
    }
}

fn strings(value: &Value, at: &str) -> Result<Vec<String>, String> {
    let list = value.as_array().ok_or_else(|| format!("{at}: expected a list of strings"))?;
    if list.len() > MAX_VALUES {
        return Err(format!("{at}: there are {}, and at most {MAX_VALUES} are read", list.len()));
    }
    let string = |value: &Value| value.as_str().map(str::to_owned);
    list.iter().map(string).collect::<Option<_>>().ok_or_else(|| format!("{at}: expected a list of strings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(json: &Value) -> Document {
        Document::parse(&json.to_string()).unwrap()
    }

    fn rules(levels: &[&[Value]]) -> Rules {
        let levels: Vec<Vec<_>> = levels.iter().map(|level| level.iter().map(document).collect()).collect();
        Rules::merge(levels.iter().map(|level| level.iter().collect()))
    }

    fn broken(rules: &Rules, key: &str, value: &str) -> Option<(String, bool)> {
        rules.breach("kms:key", key, value).map(|breach| (breach.expected, breach.enforced))
    }

    fn cost(operator: &str, values: &[&str]) -> Value {
        serde_json::json!({"tags": {"cost": {"tag_value": {operator: values}}}})
    }

    #[test]
    fn case_and_value_of_a_defined_tag_are_looked_at_and_no_other_tag() {
        let rules = rules(&[&[serde_json::json!({"tags": {
            "CostCenter": {
                "tag_key": {"@@assign": "CostCenter"},
                "tag_value": {"@@assign": ["100", "2*9"]},
                "enforced_for": {"@@assign": ["kms:key"]}
            },
            "Owner": {"enforced_for": {"@@assign": ["csms:*"]}}
        }})]]);
        for (key, value) in
            [("CostCenter", "100"), ("CostCenter", "29"), ("CostCenter", "2 9"), ("owner", ""), ("x", "y")]
        {
            assert_eq!(broken(&rules, key, value), None, "{key}={value}");
        }
        let (expected, enforced) = broken(&rules, "costcenter", "100").unwrap();
        assert!(enforced && expected.contains("\"CostCenter\""), "{expected}");
        for value in ["", "10", "1000", "2", "9", "29 "] {
            let (expected, enforced) = broken(&rules, "CostCenter", value).unwrap();
            assert!(enforced && expected.contains("\"100\", \"2*9\""), "{expected}");
        }
        // Without a key of its own, the one in small letters is the right one.
        assert_eq!(broken(&rules, "Owner", ""), Some(("the key \"owner\"".into(), false)));
        assert!(rules.breach("csms:secret", "Owner", "").unwrap().enforced);
        assert!(!rules.breach("csms:secret", "COSTCENTER", "100").unwrap().enforced);
    }

    #[test]
    fn of_many_values_the_first_five_are_told_and_how_many_more_there_are() {
        let expected = |count: usize| {
            let values: Vec<_> = (0..count).map(|value| value.to_string()).collect();
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            broken(&rules(&[&[cost("@@assign", &values)]]), "cost", "x").unwrap().0
        };
        let five = r#"a value of "0", "1", "2", "3", "4""#;
        assert_eq!(expected(5), five);
        assert_eq!(expected(7), format!("{five} and 2 more"));
    }

    #[test]
    fn what_comes_down_is_assigned_appended_to_and_taken_from() {
        let ok = |rules: &Rules, values: &[&str]| {
            for value in ["1", "2", "3"] {
                assert_eq!(
                    broken(rules, "cost", value).is_none(),
                    values.contains(&value),
                    "{value} of {values:?}"
                );
            }
        };
        let root = cost("@@assign", &["1", "2"]);
        ok(&rules(&[std::slice::from_ref(&root)]), &["1", "2"]);
        ok(&rules(&[std::slice::from_ref(&root), &[cost("@@assign", &["3"])]]), &["3"]);
        ok(&rules(&[std::slice::from_ref(&root), &[cost("@@append", &["3"])]]), &["1", "2", "3"]);
        ok(&rules(&[std::slice::from_ref(&root), &[cost("@@remove", &["1"])]]), &["2"]);
        ok(
            &rules(&[std::slice::from_ref(&root), &[cost("@@remove", &["1"])], &[cost("@@append", &["3"])]]),
            &["2", "3"],
        );
        // On one level the first that assigns counts, and each that appends.
        ok(&rules(&[&[cost("@@assign", &["1"]), cost("@@assign", &["2"])]]), &["1"]);
        ok(&rules(&[&[cost("@@append", &["1"]), cost("@@append", &["2"])]]), &["1", "2"]);
    }

    #[test]
    fn what_a_parent_does_not_allow_its_children_do_not_do() {
        let locked = |operators: &[&str]| serde_json::json!({"tags": {"cost": {"tag_value": {"@@assign": ["1"], CHILDREN: operators}}}});
        for (operators, operator, works) in [
            (&["@@none"][..], "@@assign", false),
            (&["@@none"], "@@append", false),
            (&["@@append"], "@@append", true),
            (&["@@append"], "@@assign", false),
            (&["@@assign", "@@remove"], "@@assign", true),
            (&["@@all"], "@@append", true),
        ] {
            let rules = rules(&[&[locked(operators)], &[cost(operator, &["2"])]]);
            assert_eq!(broken(&rules, "cost", "2").is_none(), works, "{operators:?} {operator}");
        }
        // A lock goes further down, and nobody below opens it.
        let opened = serde_json::json!({"tags": {"cost": {"tag_value": {CHILDREN: ["@@all"]}}}});
        let rules = rules(&[&[locked(&["@@none"])], &[opened], &[cost("@@assign", &["2"])]]);
        assert!(broken(&rules, "cost", "2").is_some());
    }

    #[test]
    fn a_wrong_document_is_refused_with_the_place_and_what_was_expected() {
        let many: Vec<_> = (0..=MAX_VALUES).map(|value| value.to_string()).collect();
        for (text, why) in [
            ("{".to_owned(), "it is no JSON"),
            ("[]".into(), "the document: expected an object"),
            (r#"{"tags":{}}"#.into(), "tags: expected at least one tag key"),
            (r#"{"tags":{"a":{}},"more":1}"#.into(), "the document: \"more\" is not known here: expected tags"),
            (r#"{"tags":{"a":{"tag_keys":{}}}}"#.into(), "tags.a: \"tag_keys\" is not known here"),
            (r#"{"tags":{"a":{"tag_key":"A"}}}"#.into(), "tags.a.tag_key: expected an object"),
            (r#"{"tags":{"a":{"tag_key":{"@@assign":["A"]}}}}"#.into(), "tags.a.tag_key.@@assign: expected a string"),
            (r#"{"tags":{"a":{"tag_key":{"@@append":"A"}}}}"#.into(), "tags.a.tag_key: \"@@append\" is not known here"),
            (r#"{"tags":{"a":{"tag_key":{"@@assign":"B"}}}}"#.into(), "\"B\" is another key"),
            (r#"{"tags":{"a":{"tag_value":{"@@assign":"A"}}}}"#.into(), "expected a list of strings"),
            (r#"{"tags":{"a":{"tag_value":{"@@assign":[1]}}}}"#.into(), "expected a list of strings"),
            (r#"{"tags":{"a":{"tag_value":{"@@assign":["a*b*"]}}}}"#.into(), "has more than one *"),
            (r#"{"tags":{"a":{"tag_value":{"@@assign":["a;b"]}}}}"#.into(), "tags.a.tag_value: ';' cannot be"),
            (r#"{"tags":{"_sys_a":{}}}"#.into(), "tags._sys_a: "),
            (r#"{"tags":{"a":{},"A":{}}}"#.into(), "another statement has this key"),
            (r#"{"tags":{"a":{"enforced_for":{"@@assign":["ecs:instance"]}}}}"#.into(), "is no type of resource: expected dhsm:instance"),
            (
                r#"{"tags":{"a":{"tag_value":{"@@operators_allowed_for_child_policies":["@@none","@@append"]}}}}"#.into(),
                "stand alone",
            ),
            (
                r#"{"tags":{"a":{"tag_value":{"@@operators_allowed_for_child_policies":["assign"]}}}}"#.into(),
                "\"assign\" is no operator",
            ),
            (serde_json::json!({"tags": {"a": {"tag_value": {ASSIGN: many}}}}).to_string(), "there are 101"),
            (format!("{{\"tags\":{{\"{}\":{{}}}}}}", "a".repeat(MAX_DOCUMENT)), "at most 10240 are read"),
        ] {
            let said = Document::parse(&text).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
