//! What the console asks at a terminal: tags that are offered.

use std::path::Path;

use rexpect::session::{PtySession, spawn_command};
use tests::{Hsm, not_on_stand_in};

use super::Console;

/// How long something may take.
const PATIENCE_MS: u64 = 30_000;

/// The console at a terminal.
struct Terminal(PtySession);

impl Terminal {
    fn begin(hsm: &Hsm, words: &[&str]) -> Self {
        let mut command = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
        command.args(words).env("NO_COLOR", "1").env("TERM", "xterm");
        Self(spawn_command(command, Some(PATIENCE_MS)).expect("a terminal"))
    }

    #[track_caller]
    fn sees(&mut self, text: &str) -> &mut Self {
        if let Err(error) = self.0.exp_string(text) {
            panic!("waiting for {text:?}: {error}");
        }
        self
    }

    #[track_caller]
    fn types(&mut self, text: &str) -> &mut Self {
        self.0.send(text).and_then(|_| self.0.flush()).expect("somebody types");
        self
    }
}

/// Requirement: KMS-181
#[test]
fn predefined_tags_are_kept_and_offered_where_a_key_is_given_one() {
    let console = console!();
    let key = console.create(&["tagged"]);
    let predefined = |words: &[&str]| console.run(&[&["tag", "predefined"], words].concat());
    for tag in ["stage=production", "stage=test", "team=payments"] {
        predefined(&["add", tag]).succeeds().done();
    }
    predefined(&["add", "stage=test"]).fails_with(1).says("is predefined already").done();
    predefined(&["add", "_sys_x=y"]).fails_with(1).done();
    predefined(&["delete", "stage=tests"]).fails_with(1).done();
    predefined(&["list"]).succeeds().says("production").says("payments").done();
    console
        .run(&["key", "tag", "set", "tagged"])
        .fails_with(2)
        .says("stage=production")
        .says("team=payments")
        .done();

    let mut terminal = Terminal::begin(&console.hsm, &[]);
    terminal.sees("hsm> ").types("key tag set tagged st\t").sees("stage ").types("pr\t").sees("production ");
    terminal.types("\r").sees("Set tag \"stage\"");
    terminal.types("quit\r").0.exp_eof().expect("an end");
    let tags = console.json(&["key", "tag", "list", &key]);
    assert_eq!((&tags[0]["key"], &tags[0]["value"]), (&"stage".into(), &"production".into()));

    // What has it keeps it.
    predefined(&["delete", "stage=production"]).succeeds().done();
    assert_eq!(console.json(&["tag", "predefined", "list"]).as_array().map(Vec::len), Some(2));
    assert_eq!(console.json(&["key", "tag", "list", &key]), tags);
}
