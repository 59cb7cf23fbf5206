//! A policy made by questions at a terminal.

use std::process::Command;

use rexpect::session::{PtySession, spawn_command};
use serde_json::json;

use super::console::Console;

/// `hsm-admin policy build` with somebody who answers.
struct Terminal(PtySession);

impl Terminal {
    fn begin(console: &Console, words: &[&str]) -> Self {
        let mut command = Command::new(console.place.program("hsm-admin"));
        command.arg("--socket").arg(console.place.path("admin.sock")).args(words);
        command.env("NO_COLOR", "1").env("TERM", "xterm");
        Self(spawn_command(command, Some(30_000)).expect("a terminal"))
    }

    /// Waits for a question, and answers it.
    #[track_caller]
    fn answers(&mut self, question: &str, answer: &str) -> &mut Self {
        self.sees(question).sees(": ");
        self.0.send_line(answer).expect("somebody types");
        self
    }

    #[track_caller]
    fn sees(&mut self, text: &str) -> &mut Self {
        if let Err(error) = self.0.exp_string(text) {
            panic!("waiting for {text:?}: {error}");
        }
        self
    }

    #[track_caller]
    fn ends(mut self) {
        self.0.exp_eof().expect("an end");
    }
}

/// Requirement: IAM-077
#[test]
fn a_policy_is_made_by_who_does_not_know_the_syntax() {
    let console = Console::new();
    let _daemon = console.place.start();
    console.account("acme");
    let mut terminal = Terminal::begin(&console, &["policy", "build", "acme/signing"]);
    let id = "0d0466b0-e727-4d9c-b35d-f84bb474a37f";
    terminal
        .answers("Effect", "")
        .answers("Service", "nothing")
        .sees("Expected one of")
        .answers("Service", "kms")
        .sees("kms:cmk:sign")
        .answers("Actions", "kms:cmk:fly")
        .sees("has no action")
        .answers("Actions", "kms:cmk:sign, kms:cmk:verify")
        .answers("Which of type KeyId", id)
        .answers("Condition on", "g:Shoe")
        .sees("is no key of conditions")
        .answers("Condition on", "g:SourceIp")
        .answers("Operator", "")
        .answers("Values", "10.0.0.0/8,192.0.2.1")
        .answers("Condition on", "g:ResourceTag/team")
        .answers("Operator", "StringEquals")
        .answers("Values", "pay")
        .answers("Condition on", "")
        .answers("Another statement", "yes")
        .answers("Effect", "deny")
        .answers("Service", "kms")
        .answers("Actions", "kms:cmk:create")
        .answers("Which of type KeyId", "")
        .answers("Condition on", "")
        .answers("Another statement", "")
        .sees("\"Statement\"")
        .answers("Make this policy", "")
        .sees("Made policy signing");
    terminal.ends();
    let shown = console.json(&["policy", "show", "acme/signing"]);
    let expected = json!({ "Version": "1.1", "Statement": [
        {
            "Effect": "Allow",
            "Action": ["kms:cmk:sign", "kms:cmk:verify"],
            "Resource": [format!("kms:*:*:KeyId:{id}")],
            "Condition": {
                "IpAddress": { "g:SourceIp": ["10.0.0.0/8", "192.0.2.1"] },
                "StringEquals": { "g:ResourceTag/team": ["pay"] },
            },
        },
        { "Effect": "Deny", "Action": ["kms:cmk:create"] },
    ] });
    assert_eq!(shown["policy"], expected);
    assert_eq!(shown["type"], "XA");
}

#[test]
fn who_leaves_the_questions_makes_no_policy() {
    let console = Console::new();
    let _daemon = console.place.start();
    console.account("acme");
    let mut terminal = Terminal::begin(&console, &["policy", "build", "acme/left"]);
    terminal.answers("Effect", "").sees("Service");
    terminal.0.send_control('c').expect("somebody types");
    terminal.sees("the policy was not made");
    terminal.ends();
    console.run(&["policy", "show", "acme/left"]).fails_with(1).done();
    console.run(&["policy", "build", "acme/left"]).fails_with(2).says("no terminal").done();
}
