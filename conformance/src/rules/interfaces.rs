//! Exported symbols, and the interface of version 3.

use cryptoki_sys as ck;

use super::arguments::ROWS;
use super::{Bench, Checked, Group, Outcome, State, hold, want};
use crate::mechanism::Mechanism;
use crate::module::{Begin, Room, Transform, invoke};
use crate::names::Rv;

fn version_3(bench: &Bench) -> Result<&ck::CK_FUNCTION_LIST_3_0, Outcome> {
    bench.module.functions_3_0().ok_or(Outcome::Skip { why: "no interface of version 3.0".into() })
}

fn cancel(bench: &Bench, flags: u64) -> Result<Rv, Outcome> {
    let rv = invoke!(version_3(bench)?.C_SessionCancel, bench.session.handle, flags);
    if rv.is_unsupported() { Err(Outcome::Skip { why: rv.to_string() }) } else { Ok(rv) }
}

fn ended(bench: &Bench) -> Checked {
    let rv = bench.session.transform(Transform::Encrypt, &[0; 16], Room::Bytes(64)).rv;
    want(rv, &[ck::CKR_OPERATION_NOT_INITIALIZED])
}

pub(super) fn checks(group: &mut Group<'_>) {
    group.add(State::Loaded, "every function of 2.40 is exported by its name", |bench| {
        let others = ["C_Initialize", "C_Finalize", "C_GetFunctionList"];
        let names = ROWS.iter().map(|row| row.name).chain(others);
        let missing: Vec<_> = names.filter(|name| !bench.module.exports(name)).collect();
        hold(missing.is_empty(), "all 68 symbols", format!("no {}", missing.join(", ")))
    });
    group.add(State::Loaded, "C_GetInterface gives version 3.0 of \"PKCS 11\"", |bench| {
        if !bench.module.exports("C_GetInterface") {
            return Err(Outcome::Skip { why: "no C_GetInterface".into() });
        }
        let list = version_3(bench)?;
        hold(list.version.major == 3, "a list of version 3", list.version.major)?;
        let ends =
            [list.C_Initialize.is_some(), list.C_LoginUser.is_some(), list.C_MessageVerifyFinal.is_some()];
        hold(ends == [true; 3], "no null entries", "a null entry")
    });
    group.add(State::User, "C_SessionCancel ends an encryption", |bench| {
        version_3(bench)?;
        bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        want(cancel(bench, ck::CKF_ENCRYPT)?, &[ck::CKR_OK])?;
        ended(bench)
    });
    group.add(State::User, "C_SessionCancel of another operation leaves an encryption", |bench| {
        version_3(bench)?;
        bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        cancel(bench, ck::CKF_DIGEST)?;
        want(bench.session.transform(Transform::Encrypt, &[0; 16], Room::Bytes(64)).rv, &[ck::CKR_OK])
    });
    group.add(State::User, "C_EncryptInit without a mechanism ends an encryption", |bench| {
        version_3(bench)?;
        bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        let rv = bench.module.begin(Begin::Encrypt, bench.session.handle, None, 0);
        want(rv, &[ck::CKR_OK])?;
        ended(bench)
    });
}
