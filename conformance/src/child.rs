//! Runs a piece of work in a child process, so that a module that crashes or hangs is a result and not the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, IntoRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How a child ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// A signal killed it; its number.
    Crashed(i32),
    /// It did not end in time.
    Hung,
    /// It ended otherwise, with this message.
    Other(String),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crashed(libc::SIGSEGV) => f.write_str("crashed: SIGSEGV"),
            Self::Crashed(libc::SIGABRT) => f.write_str("crashed: SIGABRT"),
            Self::Crashed(libc::SIGBUS) => f.write_str("crashed: SIGBUS"),
            Self::Crashed(signal) => write!(f, "crashed: signal {signal}"),
            Self::Hung => f.write_str("did not answer in time"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Runs `work` in a child for at most `seconds` and gives its answer.
///
/// The caller has one thread and has not loaded the module.
///
/// # Errors
/// [`Lost`], if the child gave no answer.
pub fn run<T: Serialize + DeserializeOwned>(seconds: u32, work: impl FnOnce() -> T) -> Result<T, Lost> {
    let mut pipe = [0; 2];
    // SAFETY: `pipe` has room for two descriptors.
    if unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(Lost::Other("no pipe".into()));
    }
    // SAFETY: both are open descriptors that nobody else owns.
    let (mut reading, writing) = unsafe { (File::from_raw_fd(pipe[0]), File::from_raw_fd(pipe[1])) };
    // SAFETY: this process has one thread, so the child may do anything.
    match unsafe { libc::fork() } {
        -1 => Err(Lost::Other("no child".into())),
        0 => child(seconds, writing, work),
        pid => {
            drop(writing);
            let mut answer = Vec::new();
            let read = reading.read_to_end(&mut answer);
            let status = wait(pid);
            if libc::WIFSIGNALED(status) {
                return Err(match libc::WTERMSIG(status) {
                    libc::SIGALRM => Lost::Hung,
                    signal => Lost::Crashed(signal),
                });
            }
            read.map_err(|error| Lost::Other(error.to_string()))?;
            serde_json::from_slice(&answer).map_err(|_| {
                Lost::Other(format!("the process was ended with status {}", libc::WEXITSTATUS(status)))
            })
        }
    }
}

fn child<T: Serialize>(seconds: u32, mut writing: File, work: impl FnOnce() -> T) -> ! {
    // SAFETY: plain system calls. The alarm is what ends a module that never returns; a core file of a crash
    // that was looked for is of no use.
    unsafe {
        for signal in [libc::SIGALRM, libc::SIGSEGV, libc::SIGBUS] {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::alarm(seconds);
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        // A module that makes room for whatever length it is told fails here and not by filling the machine.
        let space = libc::rlimit { rlim_cur: 8 << 30, rlim_max: 8 << 30 };
        libc::setrlimit(libc::RLIMIT_AS, &raw const space);
    }
    let code = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(answer) => {
            let sent = serde_json::to_vec(&answer).is_ok_and(|bytes| writing.write_all(&bytes).is_ok());
            i32::from(!sent)
        }
        Err(_) => 101,
    };
    let _ = writing.into_raw_fd();
    // SAFETY: ends the child without running exit handlers of a module that may be in any state.
    unsafe { libc::_exit(code) }
}

/// Gives the process an environment of its own; called in a child, before it loads a module.
pub fn take_environment(env: &BTreeMap<String, String>) {
    for (name, value) in env {
        // SAFETY: the child has one thread.
        unsafe { std::env::set_var(name, value) };
    }
}

/// Forks, runs `work` in the child, and gives the number it returns; for rules about `fork` itself.
///
/// # Errors
/// [`Lost`], if the child was killed by a signal.
pub fn fork_inside(work: impl FnOnce() -> u8) -> Result<u8, Lost> {
    // SAFETY: the caller has one thread of its own.
    match unsafe { libc::fork() } {
        -1 => Err(Lost::Other("no child".into())),
        0 => {
            // SAFETY: an alarm ends a module that waits for a lock its parent held.
            unsafe { libc::alarm(10) };
            let code = catch_unwind(AssertUnwindSafe(work)).unwrap_or(255);
            // SAFETY: as in `child`.
            unsafe { libc::_exit(code.into()) }
        }
        pid => {
            let status = wait(pid);
            if libc::WIFSIGNALED(status) {
                return Err(match libc::WTERMSIG(status) {
                    libc::SIGALRM => Lost::Hung,
                    signal => Lost::Crashed(signal),
                });
            }
            u8::try_from(libc::WEXITSTATUS(status)).map_err(|error| Lost::Other(error.to_string()))
        }
    }
}

fn wait(pid: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is writable; the call is tried again when a signal interrupts it.
    while unsafe { libc::waitpid(pid, &raw mut status, 0) } < 0 {}
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_is_killed_is_a_result() {
        let lost = run(5, || -> u8 {
            // SAFETY: the child sends itself a signal.
            unsafe { libc::raise(libc::SIGSEGV) };
            0
        });
        assert_eq!(lost, Err(Lost::Crashed(libc::SIGSEGV)));
    }

    #[test]
    fn an_environment_is_the_childs_alone() {
        let env = [("CLAVIGER_CHILD".to_owned(), "1".to_owned())].into();
        let inside = run(5, || {
            take_environment(&env);
            std::env::var("CLAVIGER_CHILD").ok()
        });
        assert_eq!(inside, Ok(Some("1".to_owned())));
        assert_eq!(std::env::var("CLAVIGER_CHILD").ok(), None);
    }

    #[test]
    fn a_child_that_answers_is_heard_and_one_that_hangs_is_ended() {
        assert_eq!(run(5, || 7), Ok(7));
        let lost = run(1, || {
            loop {
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
        });
        assert_eq!(lost, Err::<u8, _>(Lost::Hung));
    }
}
