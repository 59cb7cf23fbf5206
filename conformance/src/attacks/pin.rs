//! T22: the PIN is guessed, in one session and in many at once. Locks the second token's PIN if it can be locked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cryptoki_sys as ck;

use super::tries::Tries;
use super::{Context, Verdict};
use crate::names::Rv;
use crate::session::Session;

/// More guesses than any lock should allow.
const GUESSES: usize = 100;
/// How long the attacker tries; back-off that outlasts this has done its work.
const PATIENCE: Duration = Duration::from_secs(40);

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let Some(label) = &at.target.victim else {
        return Ok(Verdict::Unsupported { why: "needs victim=: a token that may be locked".into() });
    };
    at.session.logout();
    let mut tries = Tries::new(at);
    for (name, threads) in [("one session", 1), ("eight sessions at once", 8)] {
        if name != "one session" {
            unlock(at, label);
        }
        tries.judge(name, || guess(at, label, threads));
    }
    unlock(at, label);
    Ok(tries.verdict())
}

/// Guesses wrong until refused for good or out of patience, and then tries the right PIN.
fn guess(at: &Context, label: &str, threads: usize) -> Result<Option<String>, Rv> {
    let slot = at.module.slot_of(label)?;
    let counted = AtomicUsize::new(0);
    let end = Instant::now() + PATIENCE;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let counted = &counted;
            scope.spawn(move || {
                let Ok(session) = Session::open(at.module, slot) else { return };
                for number in 0..GUESSES / threads {
                    if Instant::now() > end {
                        break;
                    }
                    match session.login(ck::CKU_USER, &format!("wrong-{thread}-{number}")).0 {
                        ck::CKR_PIN_INCORRECT => counted.fetch_add(1, Ordering::Relaxed),
                        _ => break,
                    };
                }
                session.close();
            });
        }
    });
    let session = Session::open(at.module, slot)?;
    let answer = session.login(ck::CKU_USER, &at.target.pin);
    session.logout();
    session.close();
    let guesses = counted.into_inner();
    if answer == Rv::OK && guesses >= GUESSES / 2 {
        return Ok(Some(format!("{guesses} guesses that count for nothing")));
    }
    if guesses > 20 {
        return Ok(Some(format!("{guesses} guesses before {answer}")));
    }
    Err(answer)
}

/// The security officer gives the user his PIN back.
fn unlock(at: &Context, label: &str) {
    let Ok(session) = at.module.slot_of(label).and_then(|slot| Session::open(at.module, slot)) else {
        return;
    };
    if session.login(ck::CKU_SO, &at.target.so_pin) == Rv::OK {
        session.init_pin(&at.target.pin);
        session.logout();
    }
    session.close();
}
