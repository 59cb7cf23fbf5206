//! Forks: a child starts anew, and its parent goes on.

use cryptoki_sys as ck;

use super::{Bench, Checked, Group, Outcome, State, hold, want};
use crate::child::fork_inside;
use crate::names::Rv;
use crate::session::Session;

/// Runs `work` in a child; it gives one code, which is compared with those allowed.
fn in_child(allowed: &[ck::CK_RV], work: impl FnOnce() -> Rv) -> Checked {
    // An exit status has 8 bits; the codes of interest differ in their place in this list.
    let known = [
        ck::CKR_OK,
        ck::CKR_CRYPTOKI_NOT_INITIALIZED,
        ck::CKR_CRYPTOKI_ALREADY_INITIALIZED,
        ck::CKR_SESSION_HANDLE_INVALID,
        ck::CKR_USER_NOT_LOGGED_IN,
        ck::CKR_GENERAL_ERROR,
        ck::CKR_DEVICE_ERROR,
        ck::CKR_DEVICE_REMOVED,
    ];
    let place = |rv: Rv| known.iter().position(|code| *code == rv.0).map_or(known.len(), |place| place);
    let code = fork_inside(|| u8::try_from(place(work())).unwrap_or(u8::MAX))
        .map_err(|lost| Outcome::Crashed { how: lost.to_string() })?;
    let rv = known.get(usize::from(code)).map_or(Rv(u64::MAX), |code| Rv(*code));
    want(rv, allowed)
}

fn still_works(bench: &Bench) -> Checked {
    let state = bench.session.info()?.state;
    hold(state == ck::CKS_RW_USER_FUNCTIONS, "the parent's session as it was", state)?;
    Ok(bench.aes().map(drop)?)
}

pub(super) fn checks(group: &mut Group<'_>) {
    group.add(State::User, "a child that did not call C_Initialize", |bench| {
        in_child(&[ck::CKR_CRYPTOKI_NOT_INITIALIZED], || bench.session.info().err().unwrap_or(Rv::OK))
    });
    group.add(State::User, "a child calls C_Initialize", |bench| {
        in_child(&[ck::CKR_OK], || bench.module.initialize())
    });
    group.add(State::User, "a child has none of its parent's sessions", |bench| {
        in_child(&[ck::CKR_SESSION_HANDLE_INVALID], || {
            bench.module.initialize();
            bench.session.info().err().unwrap_or(Rv::OK)
        })
    });
    group.add(State::User, "a child has none of its parent's login", |bench| {
        in_child(&[ck::CKR_USER_NOT_LOGGED_IN], || {
            bench.module.initialize();
            match Session::open(bench.module, bench.slot) {
                Ok(session) => session.logout(),
                Err(rv) => rv,
            }
        })
    });
    group.add(State::User, "a child logs in and uses a key", |bench| {
        in_child(&[ck::CKR_OK], || {
            let work = || -> Result<(), Rv> {
                bench.module.initialize().ok()?;
                let session = Session::open(bench.module, bench.slot)?;
                session.login(ck::CKU_USER, &bench.target.pin).ok()?;
                let (rv, _) = bench.module.random(session.handle, 16, 16);
                rv.ok()
            };
            work().err().unwrap_or(Rv::OK)
        })?;
        still_works(bench)
    });
    group.add(State::User, "a parent goes on after its child ended the module", |bench| {
        in_child(&[ck::CKR_OK], || {
            bench.module.initialize();
            bench.module.finalize()
        })?;
        still_works(bench)
    });
    group.add(State::User, "a parent goes on after its child exited", |bench| {
        in_child(&[ck::CKR_OK], || Rv::OK)?;
        still_works(bench)
    });
}
