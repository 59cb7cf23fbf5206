//! A ceremony at a terminal: five security officers, three of whom make a quorum, and what follows from it.

use std::path::Path;

use rexpect::session::{PtySession, spawn_command};
use tests::{Hsm, Run, Staff, compile_c, needs};

/// How long an answer may take, in milliseconds: trying a UKey's PIN is meant to cost something.
const PATIENCE: u64 = 120_000;
const OFFICERS: [&str; 5] = ["Ada", "Ben", "Eva", "Max", "Zoe"];

/// A ceremony on a terminal.
struct Terminal(PtySession);

impl Terminal {
    /// `hsm-admin ceremony` with these words, on an HSM that nobody owns.
    fn begin(hsm: &Hsm, words: &[&str]) -> Self {
        let mut command = hsm.command(Path::new(hsm.module()).with_file_name("hsm-admin"));
        command.arg("ceremony").args(words).env("NO_COLOR", "1").env("TERM", "xterm");
        Self(spawn_command(command, Some(PATIENCE)).unwrap())
    }

    #[track_caller]
    fn sees(&mut self, text: &str) -> &mut Self {
        if let Err(error) = self.0.exp_string(text) {
            panic!("waiting for {text:?}: {error}");
        }
        self
    }

    /// Waits for a question, and answers it.
    #[track_caller]
    fn answers(&mut self, question: &str, answer: &str) -> &mut Self {
        self.sees(question).sees(": ");
        self.0.send_line(answer).unwrap();
        self
    }

    /// Types a new PIN, twice.
    #[track_caller]
    fn sets(&mut self, what: &str, pin: &str) -> &mut Self {
        self.answers(what, pin).answers("The same again", pin)
    }

    /// Introduces somebody, whose UKey is made.
    #[track_caller]
    fn introduces(&mut self, who: &str, name: &str) -> &mut Self {
        self.answers(&format!("Name of {who}"), name)
            .answers(&format!("UKey of {name}"), "")
            .sets(&format!("{name}'s new PIN"), &format!("pin of {name}"))
            .sees(&format!("participant \"{name}\""))
    }

    /// The first steps, up to the initialisation.
    #[track_caller]
    fn gathers(&mut self) -> &mut Self {
        self.answers("How many security officers", "5");
        for (number, name) in OFFICERS.iter().enumerate() {
            self.introduces(&format!("security officer {} of 5", number + 1), name);
        }
        self.answers("How many of the 5 must approve", "3").sees("quorum 3 of 5")
    }

    /// The last steps, from the partition on.
    #[track_caller]
    fn makes_a_partition(&mut self) -> &mut Self {
        self.answers("Label of the first partition", "payments")
            .sets("The partition's new SO PIN", "87654321")
            .sets("The partition's new user PIN", "12345678")
            .sees("partition \"payments\" is made")
    }

    #[track_caller]
    fn names_its_people(&mut self) -> &mut Self {
        self.introduces("the partition's security officer", "Pia")
            .sees("\"Pia\" is registered as partition-so of \"payments\" by \"Ada\"")
            .introduces("crypto officer 1 of 2", "Olaf")
            .introduces("crypto officer 2 of 2", "Otto")
            .sees("\"Otto\" is registered as crypto-officer of \"payments\" by \"Pia\"")
            .sets("Olaf's new PIN for partition", "olafs-own-pin")
            .sees("\"Olaf\" is a user of \"payments\" with a PIN of their own, a crypto-officer, made by \"Pia\"")
            .sets("Otto's new PIN for partition", "ottos-own-pin")
            .sees("\"Otto\" is a user of \"payments\"")
    }

    #[track_caller]
    fn ends(&mut self) -> String {
        self.0.exp_eof().unwrap()
    }
}

/// The people of a ceremony that was held in the folder `ceremony`, as other tests know them.
fn staff(hsm: &Hsm) -> Staff<'_> {
    for name in OFFICERS.iter().chain(&["Pia", "Olaf", "Otto"]) {
        hsm.write(&format!("{name}.ukey"), hsm.read(&format!("ceremony/{}.ukey", name.to_lowercase())));
        hsm.write(&format!("{name}.pin"), format!("pin of {name}\n"));
    }
    Staff::new(hsm, &[])
}

fn verify(hsm: &Hsm, file: &str) -> Run {
    hsm.run(Path::new(hsm.module()).with_file_name("hsm-admin"), ["ceremony", "verify", file])
}

/// Requirement: DHSM-004
/// Requirement: DHSM-005
/// Requirement: DHSM-006
#[test]
fn five_ukeys_a_quorum_of_three_a_partition_and_its_people_at_one_terminal() {
    needs!("cc", "pkcs11-tool");
    let hsm = Hsm::start();
    let mut terminal = Terminal::begin(&hsm, &[]);
    terminal.gathers().answers("Initialise the HSM? Type yes", "yes").sees("the HSM is initialised");
    terminal.makes_a_partition().names_its_people();
    terminal.answers("everybody signs it", "yes").sees("The ceremony is over.");
    let end = terminal.ends();
    assert!(end.contains("which is on record"), "{end}");

    // The partition works.
    let tool = |line: &str| {
        let words = ["--module", hsm.module(), "--token-label", "payments", "--login", "--pin", "12345678"];
        hsm.run("pkcs11-tool", words.into_iter().chain(line.split(' ')))
    };
    tool("--keypairgen --key-type EC:prime256v1 --id 01 --label k").succeeds().done();
    tool("--test").succeeds().says("No errors").done();

    // Each crypto officer logs in to it by name, with a PIN that is theirs alone.
    let staff = staff(&hsm);
    let program = compile_c(&hsm, "users");
    let log_in = |name: &str, pin: &str| {
        let mut command = hsm.command(&program);
        Run::of(command.args(["1", name, pin]).env("P11_LABEL", "payments")).succeeds().out()
    };
    for (name, pin) in [("Olaf", "olafs-own-pin"), ("Otto", "ottos-own-pin")] {
        let said = log_in(name, pin);
        assert!(said.starts_with("login 0\n") && said.contains("generate token 0\n"), "{name}: {said}");
        assert!(!log_in(name, "12345678").starts_with("login 0\n"), "the shared PIN is not {name}'s");
    }
    assert!(!log_in("Olaf", "ottos-own-pin").starts_with("login 0\n"));
    staff.by("Pia", &["user", "list", "payments"]).succeeds().says("Olaf").says("Otto").done();

    // Each is what they were made, and nothing else.
    staff.by("Pia", &["partition", "rename", "payments", "cards"]).succeeds().done();
    staff.by("Pia", &["partition", "rename", "dev-1", "x"]).fails().says("may not give").done();
    staff.by("Olaf", &["object", "list", "cards"]).succeeds().says("k").done();
    staff
        .by("Otto", &["partition", "rename", "cards", "x"])
        .fails()
        .says("Otto (crypto-officer of slot 2)")
        .done();
    staff.nobody(&["people", "list"]).fails().says("nobody is logged in").done();

    // Two can do nothing of what needs the quorum, three can.
    let delete = ["partition", "delete", "dev-1", "--yes"];
    staff.together(&["Ada", "Ben"], &delete).fails().says("of 3 hsm-so, and 2 approved it").done();
    staff.together(&["Ada", "Ben", "Eva"], &delete).succeeds().done();

    // The transcript is what all signed, and holds no PIN.
    verify(&hsm, "ceremony/transcript.txt").succeeds().says("a ceremony, signed by all").says("Otto").done();
    let text = String::from_utf8(hsm.read("ceremony/transcript.txt")).unwrap();
    for pin in ["pin of", "12345678", "87654321", "own-pin"] {
        assert!(!text.contains(pin), "{text}");
    }
    for (from, to) in [("quorum 3", "quorum 2"), ("\"Pia\" is", "\"Eve\" is"), ("signature ", "signature 00")]
    {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        hsm.write("changed", changed);
        verify(&hsm, "changed").fails().says("changed: signature 1").done();
    }
    hsm.write("changed", &text[..text.trim_end().rfind('\n').unwrap() + 1]);
    verify(&hsm, "changed").fails().says("took part and did not sign it").done();
    verify(&hsm, "absent").fails().says("absent: cannot read it").done();
    // It is held once.
    let end = Terminal::begin(&hsm, &[]).ends();
    assert!(end.contains("This ceremony is over"), "{end}");
    let end = Terminal::begin(&hsm, &["--folder", "other"]).ends();
    assert!(end.contains("the HSM is initialised already"), "{end}");
}

#[test]
fn an_interrupted_ceremony_says_where_it_stands_and_goes_on_there() {
    let mut hsm = Hsm::start();
    let mut terminal = Terminal::begin(&hsm, &[]);
    terminal.answers("How many security officers", "2");
    terminal.introduces("security officer 1 of 2", "Ada");
    terminal.0.send_control('c').unwrap();
    terminal.ends();
    let status = |hsm: &Hsm| {
        hsm.run(Path::new(hsm.module()).with_file_name("hsm-admin"), ["ceremony", "status"]).succeeds()
    };
    status(&hsm)
        .says("It stands before step 1 of 7: the security officers")
        .says("participant \"Ada\"")
        .done();

    let mut terminal = Terminal::begin(&hsm, &[]);
    terminal.sees("It goes on with: the security officers");
    // A name and a UKey that are there already are not taken twice.
    terminal.answers("Name of security officer 2 of 2", "Ada").sees("There is one of that name already");
    terminal.answers("Name of security officer 2 of 2", "Ben").answers("UKey of Ben", "ceremony/ada.ukey");
    terminal.answers("The PIN of UKey ceremony/ada.ukey", "pin of Ada").sees("Ada takes part already");
    terminal.introduces("security officer 2 of 2", "Ben");
    terminal.answers("How many of the 2", "3").sees("A number from 1 to 2, please");
    terminal.answers("How many of the 2", "2");
    // It ends where somebody does not say yes.
    let end = terminal.answers("Type yes", "no").ends();
    assert!(end.contains("It stands before step 3 of 7: the initialisation of the HSM"), "{end}");
    hsm.kill_and_start_again();

    let mut terminal = Terminal::begin(&hsm, &[]);
    terminal.answers("Type yes", "yes");
    terminal
        .answers("The PIN of UKey ceremony/ada.ukey", "wrong pin")
        .sees("That does not do")
        .sees("wrong PIN");
    terminal.answers("Try again?", "yes").answers("The PIN of UKey ceremony/ada.ukey", "pin of Ada");
    terminal.answers("The PIN of UKey ceremony/ben.ukey", "pin of Ben").sees("the HSM is initialised");
    // The connection is lost at the worst moment: the daemon did it, and nobody wrote it down.
    terminal.sees("Label of the first partition");
    terminal.0.send_control('c').unwrap();
    terminal.ends();
    let plan = String::from_utf8(hsm.read("ceremony/plan.json")).unwrap();
    hsm.write("ceremony/plan.json", plan.replace("\"next\": \"partition\"", "\"next\": \"initialise\""));

    let mut terminal = Terminal::begin(&hsm, &[]);
    terminal.answers("Type yes", "yes").answers("The PIN of UKey ceremony/ada.ukey", "pin of Ada");
    terminal.sees("the HSM is initialised").makes_a_partition();
    terminal.names_its_people().answers("everybody signs it", "yes");
    terminal.answers("The PIN of UKey ceremony/ben.ukey", "pin of Ben").sees("The ceremony is over.");
    terminal.ends();
    verify(&hsm, "ceremony/transcript.txt").succeeds().done();
    status(&hsm).says("It is over").done();
}

#[test]
fn a_rehearsal_goes_through_all_of_it_and_changes_nothing() {
    let hsm = Hsm::start();
    let mut terminal = Terminal::begin(&hsm, &["--rehearsal"]);
    terminal.sees("This is a rehearsal");
    terminal.answers("How many security officers", "1").introduces("security officer 1 of 1", "Ada");
    terminal.answers("How many of the 1", "").answers("Type yes", "yes").sees("the HSM is initialised");
    terminal.makes_a_partition().names_its_people().answers("everybody signs it", "yes");
    let end = terminal.sees("Signed by all.").ends();
    assert!(end.contains("nothing was changed, and nothing is kept"), "{end}");
    assert!(!hsm.path("ceremony").exists());
    let admin = |words: [&str; 2]| hsm.run(Path::new(hsm.module()).with_file_name("hsm-admin"), words);
    admin(["people", "list"]).succeeds().says("Nobody is registered").done();
    admin(["partition", "list"]).succeeds().says("dev-1").never_says("payments").done();
}

#[test]
fn a_ceremony_needs_a_terminal_and_says_so() {
    let hsm = Hsm::start();
    let admin = |words: &[&str]| hsm.run(Path::new(hsm.module()).with_file_name("hsm-admin"), words);
    admin(&["ceremony"]).fails().says("a ceremony is held at a terminal").done();
    admin(&["ceremony", "status"]).fails().says("no ceremony was begun here").done();
    hsm.write("text", "just a text\n");
    admin(&["ceremony", "verify", "text"]).fails().says("this is no transcript").done();
}
