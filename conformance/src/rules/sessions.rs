//! Sessions: flags, states, and what ends with them.

use cryptoki_sys as ck;

use super::{Bench, Checked, Group, State, hold, want, want_error};
use crate::session::Session;
use crate::template::Template;

fn state_is(session: Session, state: u64, name: &str) -> Checked {
    let got = session.info()?.state;
    hold(got == state, name, format!("state {got}"))
}

fn read_only(bench: &Bench) -> Result<Session, super::Outcome> {
    Ok(Session::open_read_only(bench.module, bench.slot)?)
}

pub(super) fn checks(group: &mut Group<'_>) {
    group.add(State::Initialized, "C_OpenSession without CKF_SERIAL_SESSION", |bench| {
        want_error(bench.module.open(bench.slot, 0), &[ck::CKR_SESSION_PARALLEL_NOT_SUPPORTED])?;
        let flags = ck::CKF_RW_SESSION;
        want_error(bench.module.open(bench.slot, flags), &[ck::CKR_SESSION_PARALLEL_NOT_SUPPORTED])
    });
    group.add(State::Public, "states without login", |bench| {
        state_is(bench.session, ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION")?;
        state_is(read_only(bench)?, ck::CKS_RO_PUBLIC_SESSION, "CKS_RO_PUBLIC_SESSION")
    });
    group.add(State::User, "states with the user logged in, in every session", |bench| {
        state_is(bench.session, ck::CKS_RW_USER_FUNCTIONS, "CKS_RW_USER_FUNCTIONS")?;
        state_is(read_only(bench)?, ck::CKS_RO_USER_FUNCTIONS, "CKS_RO_USER_FUNCTIONS")
    });
    group.add(State::Public, "state with the security officer logged in", |bench| {
        bench.session.login(ck::CKU_SO, &bench.target.so_pin).ok()?;
        state_is(bench.session, ck::CKS_RW_SO_FUNCTIONS, "CKS_RW_SO_FUNCTIONS")
    });
    group.add(State::User, "states after logout", |bench| {
        bench.session.logout().ok()?;
        state_is(bench.session, ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION")
    });
    group.add(State::User, "closing one's last session logs out", |bench| {
        bench.session.close().ok()?;
        let session = Session::open(bench.module, bench.slot)?;
        state_is(session, ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION")
    });
    group.add(State::User, "C_CloseAllSessions closes all and logs out", |bench| {
        let other = read_only(bench)?;
        want(bench.module.close_all(bench.slot), &[ck::CKR_OK])?;
        want_error(bench.session.info(), &[ck::CKR_SESSION_HANDLE_INVALID])?;
        want_error(other.info(), &[ck::CKR_SESSION_HANDLE_INVALID])?;
        let session = Session::open(bench.module, bench.slot)?;
        state_is(session, ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION")
    });
    group.add(State::Public, "C_GetSessionInfo tells slot and flags", |bench| {
        let info = bench.session.info()?;
        hold(info.slotID == bench.slot, "the slot it was opened on", info.slotID)?;
        let flags = ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION;
        hold(info.flags == flags, "CKF_SERIAL_SESSION and CKF_RW_SESSION", format!("{:#x}", info.flags))
    });
    group.add(State::Public, "a session closed twice", |bench| {
        want(bench.session.close(), &[ck::CKR_OK])?;
        want(bench.session.close(), &[ck::CKR_SESSION_HANDLE_INVALID])
    });
    for handle in [0, u64::MAX, 0x7777_7777] {
        group.add(State::Public, format!("session handle {handle:#x}"), move |bench| {
            let nobody = Session { module: bench.module, handle };
            let invalid = &[ck::CKR_SESSION_HANDLE_INVALID];
            want_error(nobody.info(), invalid)?;
            want(nobody.close(), invalid)?;
            want(nobody.logout(), invalid)?;
            want(nobody.find_begin(&Template::new()), invalid)?;
            want_error(nobody.create(&Template::data("x", b"y")), invalid)?;
            want(nobody.login(ck::CKU_USER, &bench.target.pin), invalid)?;
            want(bench.module.random(handle, 8, 8).0, invalid)
        });
    }
    group.add(State::User, "a read-only session makes no token object", |bench| {
        let template = Template::new()
            .ulong(ck::CKA_CLASS, ck::CKO_DATA)
            .bool(ck::CKA_TOKEN, true)
            .bytes(ck::CKA_LABEL, b"token data");
        want_error(read_only(bench)?.create(&template), &[ck::CKR_SESSION_READ_ONLY])
    });
    group.add(State::User, "a read-only session makes session objects", |bench| {
        Ok(read_only(bench)?.create(&Template::data("session data", b"x")).map(drop)?)
    });
    group.add(State::User, "a session object dies with its session", |bench| {
        let other = Session::open(bench.module, bench.slot)?;
        let object = other.create(&Template::data("short-lived", b"x"))?;
        bench.session.get(object, ck::CKA_VALUE)?;
        other.close().ok()?;
        want_error(bench.session.get(object, ck::CKA_VALUE), &[ck::CKR_OBJECT_HANDLE_INVALID])
    });
    group.add(State::User, "a session object is seen from another session", |bench| {
        let object = bench.session.create(&Template::data("shared", b"x"))?;
        let value = read_only(bench)?.get(object, ck::CKA_VALUE)?;
        hold(value == b"x", "its value", format!("{value:x?}"))
    });
    group.add(State::Public, "sixty-four sessions at once", |bench| {
        let sessions: Result<Vec<_>, _> = (0..64).map(|_| Session::open(bench.module, bench.slot)).collect();
        let mut handles: Vec<_> = sessions?.iter().map(|session| session.handle).collect();
        handles.sort_unstable();
        handles.dedup();
        hold(handles.len() == 64 && !handles.contains(&0), "64 handles, none of them 0", handles.len())
    });
}
