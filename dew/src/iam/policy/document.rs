//! Policies: read strictly, once, into a form that is quick to decide by.

use super::action::{Action, ActionSet, Level};
use super::condition::Condition;
use super::error::{Place, PolicyError, Problem};
use super::json::Json;
use super::pattern::{Actions, Resources};
use super::request::{Asked, Request};

/// The most bytes of a policy.
pub const MAX_BYTES: usize = 32_768;
/// The most statements of a policy.
pub const MAX_STATEMENTS: usize = 8;
/// The most actions of a statement.
pub const MAX_ACTIONS: usize = 100;
/// The most resources of a statement.
pub const MAX_RESOURCES: usize = 10;
/// The most conditions of a statement.
pub const MAX_CONDITIONS: usize = 10;
/// The most values of a condition.
pub const MAX_VALUES: usize = 50;

/// The version of the syntax.
const VERSION: &str = "1.1";

/// What a statement does to the requests it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Allows them, if nothing denies them.
    Allow,
    /// Denies them, whatever allows them.
    Deny,
}

/// A policy, ready to decide by.
#[derive(Clone, Debug)]
pub struct Policy {
    name: Box<str>,
    level: Level,
    statements: Box<[Statement]>,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) effect: Effect,
    /// What of our actions the patterns name.
    ours: ActionSet,
    actions: Box<[Actions]>,
    /// None for all.
    resources: Option<Box<[Resources]>>,
    conditions: Box<[Condition]>,
}

/// Whether a statement is about a request.
pub(super) enum Fit<'a> {
    Whole,
    OtherAction,
    OtherResource,
    Unless(&'a Condition),
}

impl Policy {
    /// Reads a policy that somebody wrote: JSON of version 1.1 ("Creating a Custom DEW Policy" of the DEW user guide;
    /// "Policy Syntax" of the IAM user guide).
    ///
    /// # Errors
    /// Where what was expected, and what stands there instead.
    pub fn parse(name: &str, text: &str) -> Result<Self, PolicyError> {
        Self::read(name, text, false)
    }

    /// Reads one of the system's, which may be about every service.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(super) fn of_the_system(name: &str, text: &str) -> Result<Self, PolicyError> {
        Self::read(name, text, true)
    }

    fn read(name: &str, text: &str, mixed: bool) -> Result<Self, PolicyError> {
        if text.len() > MAX_BYTES {
            return Err(PolicyError::TooLong(text.len()));
        }
        let json = Json::parse(text).map_err(|error| PolicyError::NotJson(error.to_string()))?;
        let [version, statements] = fields(&json, "", ["Version", "Statement"], "Version and Statement")?;
        match needed(version, "", "Version")? {
            Json::Text(text) if text == VERSION => {}
            other => return wrong("Version", expected("the version \"1.1\"", other)),
        }
        let list = items(needed(statements, "", "Statement")?, "Statement", "a list of statements")?;
        if list.is_empty() || list.len() > MAX_STATEMENTS {
            return wrong("Statement", Problem::Statements(list.len()));
        }
        let read = |(number, json)| Statement::read(json, &format!("Statement[{number}]"));
        let statements: Box<[_]> = list.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let level = if mixed { Level::Both } else { level(&statements)? };
        Ok(Self { name: name.into(), level, statements })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is about global services or about those of projects.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Patterns of our services' actions that name no action: a slip of the pen, or something that is not served here.
    pub fn unknown_actions(&self) -> impl Iterator<Item = &str> {
        let all = self.statements.iter().flat_map(|statement| &statement.actions);
        all.filter(|actions| is_unknown(actions)).map(Actions::written)
    }

    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

fn is_unknown(actions: &Actions) -> bool {
    let ours = actions.service().is_some_and(super::action::is_ours);
    ours && !Action::all().any(|action| action.names().any(|name| actions.matches(name)))
}

fn is_named_ours(name: &str) -> bool {
    name.split(':').next().is_some_and(super::action::is_ours)
}

/// The level of all actions of a policy, which is one.
fn level(statements: &[Statement]) -> Result<Level, PolicyError> {
    let (mut global, mut project) = (None, None);
    for (number, statement) in statements.iter().enumerate() {
        for (index, actions) in statement.actions.iter().enumerate() {
            let at = format!("Statement[{number}].Action[{index}]");
            let written = || actions.written().to_owned();
            let Some(service) = actions.service() else {
                return wrong(&at, Problem::EveryService(written()));
            };
            let found = match Level::of(service) {
                Level::Global => &mut global,
                _ => &mut project,
            };
            found.get_or_insert_with(written);
            if let (Some(global), Some(project)) = (&global, &project) {
                return wrong(&at, Problem::Mixed { global: global.clone(), project: project.clone() });
            }
        }
    }
    Ok(if global.is_some() { Level::Global } else { Level::Project })
}

impl Statement {
    fn read(json: &Json, at: &str) -> Result<Self, PolicyError> {
        const FIELDS: [&str; 4] = ["Effect", "Action", "Resource", "Condition"];
        let [effect, actions, resources, conditions] =
            fields(json, at, FIELDS, "Effect, Action, Resource and Condition")?;
        let effect = match needed(effect, at, "Effect")? {
            Json::Text(text) if text == "Allow" => Effect::Allow,
            Json::Text(text) if text == "Deny" => Effect::Deny,
            other => return wrong(&format!("{at}.Effect"), expected("\"Allow\" or \"Deny\"", other)),
        };
        let actions = read_actions(needed(actions, at, "Action")?, &format!("{at}.Action"))?;
        let resources = resources.map(|json| read_resources(json, &format!("{at}.Resource"))).transpose()?;
        let conditions = conditions.map(|json| read_conditions(json, &format!("{at}.Condition")));
        let conditions = conditions.transpose()?.unwrap_or_default();
        let named = |action: &Action| action.names().any(|name| actions.iter().any(|one| one.matches(name)));
        let ours = Action::all().filter(named).collect();
        Ok(Self { effect, ours, actions, resources, conditions })
    }

    pub(super) fn fit(&self, request: &Request<'_>) -> Fit<'_> {
        let named = match request.action {
            Asked::Known(action) => self.ours.contains(action),
            // A name of ours may stand for several actions, or be one of several of one: it is asked for by its row.
            Asked::Other(name) => !is_named_ours(name) && self.actions.iter().any(|one| one.matches(name)),
        };
        if !named {
            return Fit::OtherAction;
        }
        if let Some(resources) = &self.resources
            && !resources.iter().any(|one| one.cover(&request.resource))
        {
            return Fit::OtherResource;
        }
        match self.conditions.iter().find(|one| !one.holds(request)) {
            Some(condition) => Fit::Unless(condition),
            None => Fit::Whole,
        }
    }
}

fn read_actions(json: &Json, at: &str) -> Result<Box<[Actions]>, PolicyError> {
    let list = items(json, at, "a list of actions such as [\"kms:cmk:get\"]")?;
    if list.is_empty() || list.len() > MAX_ACTIONS {
        return wrong(at, Problem::Actions(list.len()));
    }
    let read = |(index, json)| {
        let at = format!("{at}[{index}]");
        let text = text(json, &at, "an action such as \"kms:cmk:get\"")?;
        Actions::parse(text).map_or_else(|| wrong(&at, Problem::Action(text.to_owned())), Ok)
    };
    list.iter().enumerate().map(read).collect()
}

/// A list of resources, or an object with the addresses of agencies under `uri`.
fn read_resources(json: &Json, at: &str) -> Result<Box<[Resources]>, PolicyError> {
    type Problems = fn(String) -> Problem;
    type Read = fn(&str) -> Option<Resources>;
    let uri;
    let (list, at, read, problem): (_, _, Read, Problems) = match json {
        Json::Object(_) => {
            let [list] = fields(json, at, ["uri"], "uri")?;
            uri = format!("{at}.uri");
            (needed(list, at, "uri")?, uri.as_str(), Resources::agency, Problem::Agency)
        }
        list => (list, at, Resources::parse, Problem::Resource),
    };
    let list = items(list, at, "a list of resources such as [\"kms:*:*:KeyId:*\"]")?;
    if list.is_empty() || list.len() > MAX_RESOURCES {
        return wrong(at, Problem::Resources(list.len()));
    }
    let read = |(index, json)| {
        let at = format!("{at}[{index}]");
        let text = text(json, &at, "a resource such as \"kms:*:*:KeyId:*\"")?;
        read(text).map_or_else(|| wrong(&at, problem(text.to_owned())), Ok)
    };
    list.iter().enumerate().map(read).collect()
}

fn read_conditions(json: &Json, at: &str) -> Result<Box<[Condition]>, PolicyError> {
    let mut conditions = Vec::new();
    for (operator, keys) in object(json, at, "an object of operators")? {
        let at = format!("{at}.{operator}");
        for (key, values) in object(keys, &at, "an object of condition keys")? {
            let at = format!("{at}.{key}");
            let list = items(values, &at, "a list of texts such as [\"true\"]")?;
            if list.is_empty() || list.len() > MAX_VALUES {
                return wrong(&at, Problem::Values(list.len()));
            }
            let values = list.iter().map(|json| text(json, &at, "a text, such as \"true\""));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            match Condition::new(operator, key, &values) {
                Ok(condition) => conditions.push(condition),
                Err(problem) => return wrong(&at, problem),
            }
        }
    }
    match conditions.len() {
        1..=MAX_CONDITIONS => Ok(conditions.into()),
        count => wrong(at, Problem::Conditions(count)),
    }
}

// What stands in the JSON.

fn object<'a>(json: &'a Json, at: &str, what: &'static str) -> Result<&'a [(String, Json)], PolicyError> {
    let Json::Object(fields) = json else { return wrong(at, expected(what, json)) };
    let twice = fields
        .iter()
        .enumerate()
        .find(|(index, (name, _))| fields.iter().take(*index).any(|(earlier, _)| earlier == name));
    match twice {
        Some((_, (name, _))) => wrong(at, Problem::Twice(name.clone())),
        None => Ok(fields),
    }
}

/// The fields of an object that may have these and no others.
fn fields<'a, const N: usize>(
    json: &'a Json,
    at: &str,
    names: [&'static str; N],
    all: &'static str,
) -> Result<[Option<&'a Json>; N], PolicyError> {
    let fields = object(json, at, "an object")?;
    match fields.iter().find(|(field, _)| !names.contains(&field.as_str())) {
        Some((field, _)) => wrong(at, Problem::UnknownField { field: field.clone(), expected: all }),
        None => Ok(names.map(|name| fields.iter().find(|(field, _)| field == name).map(|(_, json)| json))),
    }
}

fn needed<'a>(json: Option<&'a Json>, at: &str, name: &'static str) -> Result<&'a Json, PolicyError> {
    json.map_or_else(|| wrong(at, Problem::Missing(name)), Ok)
}

fn items<'a>(json: &'a Json, at: &str, what: &'static str) -> Result<&'a [Json], PolicyError> {
    match json {
        Json::List(items) => Ok(items),
        other => wrong(at, expected(what, other)),
    }
}

fn text<'a>(json: &'a Json, at: &str, what: &'static str) -> Result<&'a str, PolicyError> {
    match json {
        Json::Text(text) => Ok(text),
        other => wrong(at, expected(what, other)),
    }
}

fn expected(expected: &'static str, got: &Json) -> Problem {
    Problem::Expected { expected, got: got.kind() }
}

fn wrong<T>(at: &str, problem: Problem) -> Result<T, PolicyError> {
    Err(PolicyError::At { at: Place(at.to_owned()), problem })
}
