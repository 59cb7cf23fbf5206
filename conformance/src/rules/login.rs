//! Logins and PINs. Each wrong PIN is followed by a right one, so that no counter runs out.

use cryptoki_sys as ck;

use super::{Bench, Checked, Group, Outcome, State, hold, want};
use crate::session::Session;

fn right_again(bench: &Bench, user: u64) -> Checked {
    let pin = if user == ck::CKU_SO { &bench.target.so_pin } else { &bench.target.pin };
    want(bench.session.login(user, pin), &[ck::CKR_OK])
}

/// `C_LoginUser`, where the module has it.
fn by_name(bench: &Bench, user: u64, pin: &str, name: &str, allowed: &[u64]) -> Checked {
    let answer = bench.session.login_user(user, pin, name);
    if answer.is_unsupported() {
        return Err(Outcome::Skip { why: answer.to_string() });
    }
    want(answer, allowed)
}

pub(super) fn checks(group: &mut Group<'_>) {
    for (name, user) in [("user", ck::CKU_USER), ("security officer", ck::CKU_SO)] {
        group.add(State::Public, format!("a wrong PIN of the {name}"), move |bench| {
            want(bench.session.login(user, "not the PIN"), &[ck::CKR_PIN_INCORRECT])?;
            right_again(bench, user)
        });
        group.add(State::Public, format!("an empty PIN of the {name}"), move |bench| {
            let answer = bench.session.login(user, "");
            let allowed = [ck::CKR_PIN_INCORRECT, ck::CKR_PIN_LEN_RANGE, ck::CKR_ARGUMENTS_BAD];
            want(answer, &allowed)?;
            right_again(bench, user)
        });
        group.add(State::Public, format!("a PIN of 10,000 bytes of the {name}"), move |bench| {
            let answer = bench.session.login(user, &"9".repeat(10_000));
            let allowed = [ck::CKR_PIN_INCORRECT, ck::CKR_PIN_LEN_RANGE, ck::CKR_ARGUMENTS_BAD];
            want(answer, &allowed)?;
            right_again(bench, user)
        });
        group.add(State::Public, format!("the {name} logs in twice"), move |bench| {
            right_again(bench, user)?;
            let pin = if user == ck::CKU_SO { &bench.target.so_pin } else { &bench.target.pin };
            want(bench.session.login(user, pin), &[ck::CKR_USER_ALREADY_LOGGED_IN])
        });
    }
    group.add(State::User, "the security officer while the user is logged in", |bench| {
        let answer = bench.session.login(ck::CKU_SO, &bench.target.so_pin);
        want(answer, &[ck::CKR_USER_ANOTHER_ALREADY_LOGGED_IN])
    });
    group.add(State::Public, "the user while the security officer is logged in", |bench| {
        right_again(bench, ck::CKU_SO)?;
        let answer = bench.session.login(ck::CKU_USER, &bench.target.pin);
        want(answer, &[ck::CKR_USER_ANOTHER_ALREADY_LOGGED_IN])
    });
    group.add(State::Public, "the security officer while a read-only session is open", |bench| {
        Session::open_read_only(bench.module, bench.slot)?;
        let answer = bench.session.login(ck::CKU_SO, &bench.target.so_pin);
        want(answer, &[ck::CKR_SESSION_READ_ONLY_EXISTS])
    });
    group.add(State::Public, "a read-only session while the security officer is logged in", |bench| {
        right_again(bench, ck::CKU_SO)?;
        let answer = Session::open_read_only(bench.module, bench.slot);
        super::want_error(answer, &[ck::CKR_SESSION_READ_WRITE_SO_EXISTS])
    });
    group.add(State::Public, "a user type that is not there", |bench| {
        want(bench.session.login(77, &bench.target.pin), &[ck::CKR_USER_TYPE_INVALID])
    });
    group.add(State::Public, "C_LoginUser without a name, as C_Login", |bench| {
        by_name(bench, ck::CKU_USER, &bench.target.pin, "", &[ck::CKR_OK])?;
        let state = bench.session.info()?.state;
        hold(state == ck::CKS_RW_USER_FUNCTIONS, "CKS_RW_USER_FUNCTIONS", state)?;
        let twice = [ck::CKR_USER_ALREADY_LOGGED_IN];
        by_name(bench, ck::CKU_USER, &bench.target.pin, "", &twice)?;
        bench.session.logout().ok()?;
        by_name(bench, ck::CKU_USER, "not the PIN", "", &[ck::CKR_PIN_INCORRECT])?;
        right_again(bench, ck::CKU_USER)
    });
    group.add(State::Public, "C_LoginUser by a name that nobody has", |bench| {
        let refusals = [ck::CKR_PIN_INCORRECT, ck::CKR_ARGUMENTS_BAD, ck::CKR_USER_PIN_NOT_INITIALIZED];
        by_name(bench, ck::CKU_USER, &bench.target.pin, "nobody has this name", &refusals)?;
        let state = bench.session.info()?.state;
        hold(state == ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION", state)
    });
    group.add(State::Public, "C_LoginUser of a user type that is not there", |bench| {
        by_name(bench, 77, &bench.target.pin, "", &[ck::CKR_USER_TYPE_INVALID])
    });
    group.add(State::User, "C_LoginUser for a context without an operation", |bench| {
        let answer = [ck::CKR_OPERATION_NOT_INITIALIZED];
        by_name(bench, ck::CKU_CONTEXT_SPECIFIC, &bench.target.pin, "", &answer)
    });
    group.add(State::User, "a context login without an operation", |bench| {
        let answer = bench.session.login(ck::CKU_CONTEXT_SPECIFIC, &bench.target.pin);
        want(answer, &[ck::CKR_OPERATION_NOT_INITIALIZED])
    });
    group.add(State::Public, "logout with nobody logged in", |bench| {
        want(bench.session.logout(), &[ck::CKR_USER_NOT_LOGGED_IN])
    });
    group.add(State::User, "C_InitPIN as the user", |bench| {
        want(bench.session.init_pin("4711-0815"), &[ck::CKR_USER_NOT_LOGGED_IN])
    });
    group.add(State::Public, "C_InitPIN by nobody", |bench| {
        want(bench.session.init_pin("4711-0815"), &[ck::CKR_USER_NOT_LOGGED_IN])
    });
    group.add(State::Public, "C_InitPIN of a PIN too short or too long", |bench| {
        right_again(bench, ck::CKU_SO)?;
        let range = [ck::CKR_PIN_LEN_RANGE, ck::CKR_PIN_INVALID, ck::CKR_ARGUMENTS_BAD, ck::CKR_PIN_TOO_WEAK];
        want(bench.session.init_pin(&"9".repeat(10_000)), &range)?;
        want(bench.session.init_pin(""), &range)
    });
    group.add(State::Public, "C_InitPIN as the security officer, and the user logs in with it", |bench| {
        right_again(bench, ck::CKU_SO)?;
        want(bench.session.init_pin("4711-0815"), &[ck::CKR_OK])?;
        bench.session.logout().ok()?;
        let answer = bench.session.login(ck::CKU_USER, "4711-0815");
        bench.session.logout();
        right_again(bench, ck::CKU_SO)?;
        want(bench.session.init_pin(&bench.target.pin), &[ck::CKR_OK])?;
        want(answer, &[ck::CKR_OK])
    });
    group.add(State::User, "C_SetPIN, and the old PIN is wrong afterwards", |bench| {
        want(bench.session.set_pin(&bench.target.pin, "4711-0815"), &[ck::CKR_OK])?;
        bench.session.logout().ok()?;
        let old = bench.session.login(ck::CKU_USER, &bench.target.pin);
        let new = bench.session.login(ck::CKU_USER, "4711-0815");
        want(bench.session.set_pin("4711-0815", &bench.target.pin), &[ck::CKR_OK])?;
        want(old, &[ck::CKR_PIN_INCORRECT])?;
        want(new, &[ck::CKR_OK])
    });
    group.add(State::User, "C_SetPIN with a wrong old PIN", |bench| {
        let answer = bench.session.set_pin("not the PIN", "4711-0815");
        want(answer, &[ck::CKR_PIN_INCORRECT])?;
        bench.session.logout().ok()?;
        right_again(bench, ck::CKU_USER)
    });
    group.add(State::User, "C_SetPIN to a PIN too long", |bench| {
        let answer = bench.session.set_pin(&bench.target.pin, &"9".repeat(10_000));
        want(answer, &[ck::CKR_PIN_LEN_RANGE, ck::CKR_PIN_INVALID, ck::CKR_ARGUMENTS_BAD])?;
        bench.session.logout().ok()?;
        right_again(bench, ck::CKU_USER)
    });
    group.add(State::Public, "C_SetPIN in a read-only session", |bench| {
        let session = Session::open_read_only(bench.module, bench.slot)?;
        let answer = session.set_pin(&bench.target.pin, "4711-0815");
        want(answer, &[ck::CKR_SESSION_READ_ONLY])
    });
    group.add(State::Public, "C_InitToken with a session open", |bench| {
        let answer = bench.module.init_token(bench.slot, &bench.target.so_pin, &bench.target.label);
        want(answer, &[ck::CKR_SESSION_EXISTS])
    });
    group.add(State::Initialized, "C_InitToken with a wrong PIN of the security officer", |bench| {
        let answer = bench.module.init_token(bench.slot, "not the PIN", &bench.target.label);
        want(answer, &[ck::CKR_PIN_INCORRECT])?;
        let session = Session::open(bench.module, bench.slot)?;
        want(session.login(ck::CKU_SO, &bench.target.so_pin), &[ck::CKR_OK])
    });
    group.add(
        State::Public,
        "CKF_USER_PIN_COUNT_LOW after a wrong PIN, and not after a right one",
        |bench| {
            let low = || -> Result<bool, Outcome> {
                Ok(bench.module.token_info(bench.slot)?.flags & ck::CKF_USER_PIN_COUNT_LOW != 0)
            };
            bench.session.login(ck::CKU_USER, "not the PIN");
            let after_wrong = low()?;
            right_again(bench, ck::CKU_USER)?;
            hold(!low()?, "the flag down after a right PIN", "up")?;
            hold(after_wrong, "the flag up after a wrong PIN", "down")
        },
    );
    group.add(State::Public, "the login holds for all sessions", |bench| {
        let other = Session::open(bench.module, bench.slot)?;
        right_again(bench, ck::CKU_USER)?;
        let state = other.info()?.state;
        hold(state == ck::CKS_RW_USER_FUNCTIONS, "CKS_RW_USER_FUNCTIONS", state)?;
        other.logout().ok()?;
        let state = bench.session.info()?.state;
        hold(state == ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION", state)
    });
}
