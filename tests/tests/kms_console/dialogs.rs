//! What the console asks at a terminal: an import, and tags that are offered.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rexpect::process::Signal;
use rexpect::session::{PtySession, spawn_command};
use tests::{Hsm, needs, not_on_stand_in};

use super::Console;

/// How long something may take.
const PATIENCE_MS: u64 = 30_000;
const PATIENCE: Duration = Duration::from_millis(PATIENCE_MS);

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

impl Console {
    /// How many halves of wrapping keys there are.
    fn wrapping_keys(&self, project: &str) -> usize {
        let objects = self.json(&["object", "list", project]);
        let labels = objects.as_array().expect("objects").iter().filter_map(|one| one["label"].as_str());
        labels.filter(|label| label.starts_with("import ")).count()
    }

    #[track_caller]
    fn waits_for_wrapping_keys(&self, project: &str, count: usize) {
        let begun = Instant::now();
        while self.wrapping_keys(project) != count {
            assert!(begun.elapsed() < PATIENCE, "there are {} wrapping keys", self.wrapping_keys(project));
            sleep(Duration::from_millis(50));
        }
    }
}

/// Requirement: KMS-072, KMS-073
#[test]
fn a_dialog_imports_material_and_its_token_ends_with_it_however_it_is_left() {
    needs!("openssl");
    let console = console!();
    let (hsm, project) = (&console.hsm, console.hsm.var("PROJECT_ID").to_owned());
    let key = console.create(&["outside", "--origin", "external"]);
    let wrapping = format!("wrappingKey_{key}");
    let begin = || {
        let mut terminal = Terminal::begin(hsm, &["key", "import", "outside"]);
        terminal.sees("Write the wrapping key to: ").types("\r").sees("The wrapped key: ");
        assert_eq!(console.wrapping_keys(&project), 2);
        terminal
    };
    // Ctrl-C, and an end by force.
    let mut terminal = begin();
    terminal.0.send_control('c').expect("somebody types");
    terminal.sees("its token is good no more").0.exp_eof().expect("an end");
    console.waits_for_wrapping_keys(&project, 0);
    begin().0.process_mut().signal(Signal::SIGKILL).expect("a process");
    console.waits_for_wrapping_keys(&project, 0);

    // To the end, after a slip.
    let mut terminal = begin();
    hsm.line("openssl rand -out material 32").succeeds().done();
    hsm.line(&format!(
        "openssl pkeyutl -in material -inkey {wrapping} -keyform DER -pubin -encrypt -pkeyopt rsa_padding_mode:oaep \
         -pkeyopt rsa_oaep_md:sha256 -out wrapped"
    ))
    .succeeds()
    .done();
    terminal.types("material\r").sees("error: ").sees("The wrapped key: ").types("wrapped\r");
    terminal.sees("has its material").0.exp_eof().expect("an end");
    console.waits_for_wrapping_keys(&project, 0);
    assert_eq!(console.state(&key), "2");
    console.run(&["key", "import", "outside"]).fails_with(2).says("no terminal").done();
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
