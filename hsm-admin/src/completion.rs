//! Completion at the console: commands and options from the grammar itself, labels and predefined tags from the daemon.

use clap::CommandFactory;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use crate::cli::Line;
use crate::commands;
use crate::daemon::Daemon;

/// The arguments that the daemon knows something for.
const KNOWN: &[&str] = &["partition", "tag_key", "tag_value"];

/// What completes the word before the cursor.
pub(crate) struct Completion {
    grammar: clap::Command,
    daemon: Daemon,
}

impl Completion {
    pub(crate) fn new(daemon: Daemon) -> Self {
        let mut grammar = Line::command();
        grammar.build();
        Self { grammar, daemon }
    }

    /// The words that may stand at the end of `line`, each as it is to be typed, and where the word begins.
    fn candidates(
        &self,
        line: &str,
        known: impl FnOnce(&str, &[String]) -> Vec<String>,
    ) -> (usize, Vec<String>) {
        let start = word_start(line);
        let (Some(before), Some(word)) = (line.get(..start), line.get(start..)) else {
            return (line.len(), Vec::new());
        };
        let mut at = &self.grammar;
        let mut arguments = 0;
        let earlier = shlex::split(before).unwrap_or_default();
        for word in &earlier {
            match at.find_subcommand(word) {
                Some(command) => at = command,
                None if word.starts_with('-') => {} // its value, if it has one, counts; that costs a proposal only
                None => arguments += 1,
            }
        }
        let argument = at.get_positionals().nth(arguments).map(|argument| argument.get_id().as_str());
        let argument = argument.filter(|name| !word.starts_with('-') && KNOWN.contains(name));
        let words: Vec<String> = if let Some(argument) = argument {
            let typed = word.trim_start_matches(['\'', '"']);
            known(argument, &earlier)
                .iter()
                .filter(|label| label.starts_with(typed))
                .filter_map(|label| quoted(label))
                .collect()
        } else {
            let options = at.get_arguments().filter_map(|a| a.get_long()).map(|long| format!("--{long}"));
            let commands = at.get_subcommands().map(|command| command.get_name().to_owned());
            options
                .filter(|_| word.starts_with('-'))
                .chain(commands)
                .filter(|candidate| candidate.starts_with(word))
                .collect()
        };
        (start, words)
    }
}

/// A label as the console's line has it; none for one that cannot be typed.
fn quoted(label: &str) -> Option<String> {
    let typeable = !label.is_empty() && !label.chars().any(char::is_control);
    typeable.then(|| shlex::try_quote(label).ok().map(std::borrow::Cow::into_owned)).flatten()
}

/// Where the word begins that `line` ends in: after the last space outside quotation marks.
fn word_start(line: &str) -> usize {
    let (mut start, mut quote) = (0, None);
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => start = at + 1,
            _ => {}
        }
    }
    start
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let line = line.get(..at).unwrap_or(line);
        let known = |argument: &str, before: &[String]| commands::known(&self.daemon, argument, before);
        let (start, words) = self.candidates(line, known);
        let pair = |word: String| Pair { display: word.clone(), replacement: format!("{word} ") };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Hinter for Completion {
    type Hint = String;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> (usize, Vec<String>) {
        let completion = Completion::new(Daemon::at(Some("/nowhere".into())));
        completion.candidates(line, |argument, before| match argument {
            "partition" => vec!["payments".into(), "two words".into(), "x\x1b".into()],
            "tag_key" => vec!["cost".into(), "stage".into()],
            _ => before.last().into_iter().map(|key| format!("value of {key}")).collect(),
        })
    }

    #[test]
    fn commands_complete_from_the_grammar() {
        assert_eq!(complete("pa"), (0, vec!["partition".into()]));
        assert_eq!(complete("partition ren"), (10, vec!["rename".into()]));
        assert_eq!(complete("partition de"), (10, vec!["delete".into()]));
        assert!(complete("").1.contains(&"quit".to_owned()));
        assert!(complete("").1.contains(&"help".to_owned()));
    }

    #[test]
    fn options_complete_after_a_dash() {
        assert_eq!(complete("partition create x --po"), (19, vec!["--policy".into()]));
        assert_eq!(complete("unseal --passphrase-fi"), (7, vec!["--passphrase-file".into()]));
    }

    #[test]
    fn predefined_tags_complete_where_a_key_is_given_one() {
        assert_eq!(complete("key tag set k st"), (14, vec!["stage".into()]));
        assert_eq!(complete("key tag set k stage "), (20, vec!["'value of stage'".into()]));
        assert_eq!(complete("key tag list k "), (15, vec![]));
    }

    #[test]
    fn labels_complete_where_a_partition_is_named_and_only_there() {
        assert_eq!(complete("object list p"), (12, vec!["payments".into()]));
        assert_eq!(complete("partition delete "), (17, vec!["payments".into(), "'two words'".into()]));
        assert_eq!(complete("partition delete 'tw"), (17, vec!["'two words'".into()]));
        assert_eq!(complete("partition delete tw"), (17, vec!["'two words'".into()]));
        assert_eq!(complete("partition delete --y"), (17, vec!["--yes".into()]));
        assert_eq!(complete("partition rename payments p"), (26, vec![]));
        assert_eq!(complete("partition create p"), (17, vec![]));
    }
}
