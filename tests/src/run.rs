//! A program that ran: what it printed, how it ended, and assertions that say so when they fail.

use std::process::{Child, Command, Output};

/// How long a program may take, in seconds, before it counts as hung.
const PATIENCE: &str = "240";

/// A program that runs beside the test, until it ends or the test does.
#[must_use]
pub struct Beside(Child);

impl Beside {
    /// Starts a command.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn of(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}")))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If that cannot be waited for.
    pub fn ends(mut self) {
        self.0.wait().expect("a program that was started");
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // One that has ended is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The outcome of a program.
#[must_use]
pub struct Run {
    line: String,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Run {
    /// Runs a command to its end, or kills it when it hangs.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn of(command: &Command) -> Self {
        let mut patient = Command::new("timeout");
        patient.args(["--kill-after=5", PATIENCE]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => patient.env(name, value),
                None => patient.env_remove(name),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            patient.current_dir(dir);
        }
        let line = format!("{command:?}");
        let Output { status, stdout, stderr } = match patient.stdin(std::process::Stdio::null()).output() {
            Ok(output) => output,
            Err(error) => panic!("cannot run {line}: {error}"),
        };
        Self { line, code: status.code(), stdout, stderr }
    }

    /// What was printed to standard output.
    #[must_use]
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// All that was printed, for people.
    #[must_use]
    pub fn text(&self) -> String {
        self.out() + &String::from_utf8_lossy(&self.stderr)
    }

    /// The whole story, for the message of a failed assertion.
    #[must_use]
    pub fn story(&self) -> String {
        let end = self.code.map_or("was killed by a signal".to_owned(), |code| match code {
            124 | 137 => format!("did not end within {PATIENCE} s"),
            code => format!("ended with {code}"),
        });
        format!("{}\n{}\n-- it {end}", self.line, self.text())
    }

    /// Whether it ended with 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    /// Asserts that it ended with 0.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert!(self.succeeded(), "should succeed: {}", self.story());
        self
    }

    /// Asserts that it ended by itself with another status than 0.
    #[track_caller]
    pub fn fails(self) -> Self {
        let own = self.code.is_some_and(|code| code != 0 && code < 124);
        assert!(own, "should fail, and not hang or crash: {}", self.story());
        self
    }

    /// Asserts that it ended with this status.
    #[track_caller]
    pub fn fails_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "should fail with {code}: {}", self.story());
        self
    }

    /// Asserts that its output holds `word`.
    #[track_caller]
    pub fn says(self, word: &str) -> Self {
        assert!(self.text().contains(word), "should say {word:?}: {}", self.story());
        self
    }

    /// Asserts that its output does not hold `word`.
    #[track_caller]
    pub fn never_says(self, word: &str) -> Self {
        assert!(!self.text().contains(word), "should not say {word:?}: {}", self.story());
        self
    }

    /// Ends a chain of assertions.
    pub fn done(self) {}
}
