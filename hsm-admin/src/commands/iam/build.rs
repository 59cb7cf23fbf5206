//! `policy build`: a policy by questions, for who does not know the syntax. What it may say comes from the daemon's tables.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};

use clap::Args;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};
use serde_json::{Map, Value, json};
use wire::admin::account::{Action, Ask as Accounts, Told as Answer, Vocabulary};
use wire::admin::{Ask, Told};

use super::desk::{Desk, Named};
use super::policies;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::screen::Screen;

/// Make a policy of an account by questions: no syntax to know
///
/// It asks for effect, service, actions, resources and conditions, shows the
/// policy as JSON, and makes it, as `policy create` does. Tab completes.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The account, and the policy's name
    #[arg(value_name = "ACCOUNT/POLICY")]
    policy: Named,

    /// What it is for
    #[arg(long, value_name = "TEXT", default_value = "")]
    description: String,
}

/// The words that an answer may be, for Tab.
struct Words(Vec<String>);

impl Completer for Words {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let line = line.get(..at).unwrap_or(line);
        let start = line.rfind([',', ' ']).map_or(0, |place| place + 1);
        let typed = line.get(start..).unwrap_or_default();
        let fits = self.0.iter().filter(|word| word.starts_with(typed));
        Ok((start, fits.map(|word| Pair { display: word.clone(), replacement: word.clone() }).collect()))
    }
}

impl Helper for Words {}
impl Highlighter for Words {}
impl Validator for Words {}
impl Hinter for Words {
    type Hint = String;
}

/// Who asks the questions.
struct Interview {
    editor: Editor<Words, DefaultHistory>,
}

impl Build {
    pub(in super::super) fn run(&self, daemon: &Daemon, screen: &Screen) -> Result<(), Error> {
        if !io::stdin().is_terminal() {
            return Err(Error::Usage("no terminal to ask: `policy create` takes a file".into()));
        }
        let desk = Desk::of(daemon, &self.policy.account)?;
        let ask = Ask::Account(Accounts::Vocabulary);
        let Told::Account(Answer::Vocabulary(vocabulary)) = daemon.ask(&ask)? else {
            return Err(Error::Unknown);
        };
        let mut interview = Interview { editor: Editor::new()? };
        let (mut statements, mut global) = (Vec::new(), None);
        loop {
            let (statement, is_global) = interview.statement(&vocabulary, global)?;
            statements.push(statement);
            global = Some(is_global);
            if !interview.yes("Another statement?", false)? {
                break;
            }
        }
        let document = json!({ "Version": "1.1", "Statement": statements });
        let shown = serde_json::to_string_pretty(&document).unwrap_or_default();
        anstream::eprintln!("{shown}");
        if !interview.yes("Make this policy?", true)? {
            return Err(Error::NotConfirmed("the policy was not made".into()));
        }
        policies::create(&desk, screen, &self.policy.name, global == Some(true), &self.description, &document)
    }
}

impl Interview {
    /// One statement, and whether it is for global services: a policy is for services of one level.
    fn statement(&mut self, known: &Vocabulary, global: Option<bool>) -> Result<(Value, bool), Error> {
        let effect = self.one("Effect", &["Allow", "Deny"].map(String::from), Some("Allow"))?;
        let offered: Vec<_> =
            known.actions.iter().filter(|one| global.is_none_or(|is| one.global == is)).collect();
        let services: BTreeSet<_> = offered.iter().map(|one| one.service.clone()).collect();
        let service = self.one("Service", &services.into_iter().collect::<Vec<_>>(), None)?;
        let offered: Vec<_> = offered.into_iter().filter(|one| one.service == service).collect();
        let chosen = self.actions(&service, &offered)?;
        let names: Vec<_> = chosen.iter().map(|one| one.name.as_str()).collect();
        let mut statement = Map::new();
        statement.insert("Effect".into(), effect.into());
        statement.insert("Action".into(), json!(names));
        let resources = self.resources(&service, &chosen)?;
        if !resources.is_empty() {
            statement.insert("Resource".into(), json!(resources));
        }
        let conditions = self.conditions(&service, known)?;
        if !conditions.is_empty() {
            statement.insert("Condition".into(), conditions.into());
        }
        Ok((statement.into(), offered.first().is_some_and(|one| one.global)))
    }

    /// The actions that are meant, of one service.
    fn actions<'a>(&mut self, service: &str, offered: &[&'a Action]) -> Result<Vec<&'a Action>, Error> {
        anstream::eprintln!("The actions of {service}:");
        for one in offered {
            anstream::eprintln!("  {:<44} {}", one.name, one.access);
        }
        let words: Vec<_> = offered.iter().map(|one| one.name.clone()).collect();
        let groups = ["all", "list", "read", "write"];
        let words: Vec<_> = words.into_iter().chain(groups.map(String::from)).collect();
        let question = "Actions (names, or list, read, write, all; with commas)";
        loop {
            let typed = self.ask(question, &words, None)?;
            let wanted: Vec<_> = split(&typed).collect();
            let fits = |one: &&&Action, word: &str| word == "all" || word == one.access || word == one.name;
            let unknown = wanted.iter().find(|word| !offered.iter().any(|one| fits(&one, word)));
            match unknown {
                Some(word) => anstream::eprintln!("{service} has no action {word:?}."),
                None if wanted.is_empty() => {}
                None => {
                    let chosen = offered.iter().filter(|one| wanted.iter().any(|word| fits(one, word)));
                    return Ok(chosen.copied().collect());
                }
            }
        }
    }

    /// What they are done to; nothing is everything.
    fn resources(&mut self, service: &str, chosen: &[&Action]) -> Result<Vec<String>, Error> {
        let types: BTreeSet<_> = chosen.iter().map(|one| one.resource.as_str()).collect();
        let mut all = Vec::new();
        for kind in types {
            let question = format!("Which of type {kind} (ids with commas, * for all)");
            let typed = self.ask(&question, &["*".to_owned()], Some("*"))?;
            all.extend(split(&typed).map(|id| format!("{service}:*:*:{kind}:{id}")));
        }
        // All of everything needs no mention.
        Ok(if all.iter().all(|one| one.ends_with(":*")) { Vec::new() } else { all })
    }

    /// Under what conditions, all of which must hold.
    fn conditions(&mut self, service: &str, known: &Vocabulary) -> Result<Map<String, Value>, Error> {
        let own = format!("{service}:");
        let keys: Vec<_> =
            known.keys.iter().filter(|(key, _)| key.starts_with("g:") || key.starts_with(&own)).collect();
        let names: Vec<_> = keys.iter().map(|(name, _)| name.clone()).collect();
        let mut all = Map::new();
        loop {
            let key =
                self.ask("Condition on (Tab lists what there is; nothing for no more)", &names, Some(""))?;
            let of = |name: &str| {
                key == name || name.ends_with('/') && key.len() > name.len() && key.starts_with(name)
            };
            let kind = match keys.iter().find(|(name, _)| of(name)) {
                _ if key.is_empty() => return Ok(all),
                Some((_, kind)) => kind,
                None => {
                    anstream::eprintln!("{key:?} is no key of conditions: {}", names.join(", "));
                    continue;
                }
            };
            let operators = known.operators.iter().filter(|(_, compares)| compares == kind);
            let operators: Vec<_> = operators.map(|(name, _)| name.clone()).collect();
            let operator = self.one("Operator", &operators, operators.first().map(String::as_str))?;
            let typed = self.ask(&format!("Values ({kind}; with commas)"), &[], None)?;
            let values: Vec<_> = split(&typed).map(Value::from).collect();
            let entry = all.entry(operator).or_insert_with(|| Map::new().into());
            if let Some(compared) = entry.as_object_mut() {
                compared.insert(key, values.into());
            }
        }
    }

    /// One of these words.
    fn one(&mut self, question: &str, words: &[String], proposal: Option<&str>) -> Result<String, Error> {
        let question = format!("{question} ({})", words.join(", "));
        loop {
            let typed = self.ask(&question, words, proposal)?;
            match words.iter().find(|word| word.eq_ignore_ascii_case(&typed)) {
                Some(word) => return Ok(word.clone()),
                None => anstream::eprintln!("Expected one of {}.", words.join(", ")),
            }
        }
    }

    fn yes(&mut self, question: &str, proposal: bool) -> Result<bool, Error> {
        let proposal = if proposal { "yes" } else { "no" };
        Ok(self.one(question, &["yes", "no"].map(String::from), Some(proposal))? == "yes")
    }

    /// An answer, or what is proposed for none.
    fn ask(&mut self, question: &str, words: &[String], proposal: Option<&str>) -> Result<String, Error> {
        self.editor.set_helper(Some(Words(words.to_vec())));
        let prompt = match proposal {
            Some(proposal) if !proposal.is_empty() => format!("{question} [{proposal}]: "),
            _ => format!("{question}: "),
        };
        loop {
            match self.editor.readline(&prompt) {
                Ok(line) => match (line.trim(), proposal) {
                    ("", None) => {}
                    ("", Some(proposal)) => return Ok(proposal.to_owned()),
                    (typed, _) => return Ok(typed.to_owned()),
                },
                Err(ReadlineError::Interrupted | ReadlineError::Eof) => {
                    return Err(Error::NotConfirmed("the policy was not made".into()));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The parts between commas.
fn split(typed: &str) -> impl Iterator<Item = &str> {
    typed.split(',').map(str::trim).filter(|part| !part.is_empty())
}
