//! Null pointers and absurd lengths in every argument of every function, and every function before
//! `C_Initialize`.

use cryptoki_sys as ck;

use super::arguments::{Arguments, Before, ROWS, Row};
use super::{Bench, Checked, Group, Outcome, State, want};
use crate::mechanism::Mechanism;
use crate::module::Begin;
use crate::names::Rv;
use crate::template::Template;

/// Lengths that no buffer has.
const ABSURD: [(&str, u64); 2] = [("2^63", 1 << 63), ("2^64-1", u64::MAX)];

pub(super) fn checks(group: &mut Group<'_>) {
    for row in ROWS {
        group.add(State::Loaded, format!("{} before C_Initialize", row.name), |bench| {
            let rv = (row.call)(bench.module, &mut Arguments::new(1, 0, 1, row.mechanism));
            want(rv, &[ck::CKR_CRYPTOKI_NOT_INITIALIZED])
        });
    }
    for row in ROWS {
        for (place, kind) in row.pointers().into_iter().enumerate() {
            group.add(State::User, format!("{} with pointer {} null", row.name, place + 1), move |bench| {
                let mut arguments = begin(bench, row)?;
                arguments.null = Some(place);
                judge_null(row, kind, (row.call)(bench.module, &mut arguments))
            });
        }
        for place in 0..row.lengths() {
            for (name, length) in ABSURD {
                let title = format!("{} with length {} of {name}", row.name, place + 1);
                group.add(State::User, title, move |bench| {
                    let mut arguments = begin(bench, row)?;
                    arguments.absurd = Some((place, length));
                    let rv = (row.call)(bench.module, &mut arguments);
                    if rv.is_unsupported() {
                        return Err(Outcome::Skip { why: rv.to_string() });
                    }
                    super::hold(rv != Rv::OK, "an error", rv)
                });
            }
        }
    }
}

fn judge_null(row: &Row, kind: &str, rv: Rv) -> Checked {
    let mut allowed = vec![ck::CKR_ARGUMENTS_BAD];
    match row.name {
        // Checked before the arguments, or instead of them.
        "C_InitToken" => allowed.extend([ck::CKR_SESSION_EXISTS, ck::CKR_PIN_INCORRECT]),
        "C_InitPIN" => allowed.push(ck::CKR_USER_NOT_LOGGED_IN),
        "C_SetPIN" => allowed.extend([ck::CKR_PIN_INCORRECT, ck::CKR_PIN_LEN_RANGE, ck::CKR_PIN_INVALID]),
        "C_Login" => allowed.push(ck::CKR_USER_ALREADY_LOGGED_IN),
        "C_SetOperationState" => allowed.push(ck::CKR_SAVED_STATE_INVALID),
        "C_WaitForSlotEvent" => allowed.push(ck::CKR_NO_EVENT),
        _ => {}
    }
    if kind == "how" && row.name.ends_with("Init") {
        // Since 3.0, a null mechanism ends the active operation.
        allowed.extend([ck::CKR_OK, ck::CKR_OPERATION_CANCEL_FAILED, ck::CKR_OPERATION_NOT_INITIALIZED]);
    }
    if rv.is_unsupported()
        || rv == Rv(ck::CKR_RANDOM_SEED_NOT_SUPPORTED)
        || rv == Rv(ck::CKR_STATE_UNSAVEABLE)
    {
        return Err(Outcome::Skip { why: rv.to_string() });
    }
    want(rv, &allowed)
}

/// Begins what the function needs, with keys that may do it.
fn begin(bench: &Bench, row: &Row) -> Result<Arguments, Outcome> {
    use Before as B;
    let session = bench.session;
    let ecb = Mechanism::ecb();
    let hmac = Mechanism::plain(ck::CKM_SHA256_HMAC);
    let rsa = Mechanism::plain(ck::CKM_RSA_PKCS);
    let start = |which, how: &Mechanism, key| match session.begin(which, how, key) {
        Rv(ck::CKR_OPERATION_ACTIVE) => Err(Outcome::Skip { why: "one operation at a time".into() }),
        rv => rv.ok().map_err(Outcome::from),
    };
    let digest = || bench.module.begin_digest(session.handle, &Mechanism::plain(ck::CKM_SHA256)).ok();
    let needs_hmac = [B::Signing, B::Verifying, B::SigningAndEncrypting, B::DecryptingAndVerifying];
    let mut key = bench.aes()?;
    let mac = if needs_hmac.contains(&row.before) || row.mechanism == ck::CKM_SHA256_HMAC {
        bench.hmac()?
    } else {
        0
    };
    match row.before {
        B::Nothing => {}
        B::Encrypting => start(Begin::Encrypt, &ecb, key)?,
        B::Decrypting => start(Begin::Decrypt, &ecb, key)?,
        B::Signing => start(Begin::Sign, &hmac, mac)?,
        B::Verifying => start(Begin::Verify, &hmac, mac)?,
        B::RecoverSigning => start(Begin::SignRecover, &rsa, bench.rsa()?.1)?,
        B::RecoverVerifying => start(Begin::VerifyRecover, &rsa, bench.rsa()?.0)?,
        B::Digesting => digest()?,
        B::Finding => session.find_begin(&Template::new()).ok()?,
        B::DigestingAndEncrypting => {
            digest()?;
            start(Begin::Encrypt, &ecb, key)?;
        }
        B::DecryptingAndDigesting => {
            digest()?;
            start(Begin::Decrypt, &ecb, key)?;
        }
        B::SigningAndEncrypting => {
            start(Begin::Sign, &hmac, mac)?;
            start(Begin::Encrypt, &ecb, key)?;
        }
        B::DecryptingAndVerifying => {
            start(Begin::Verify, &hmac, mac)?;
            start(Begin::Decrypt, &ecb, key)?;
        }
    }
    if row.mechanism == ck::CKM_SHA256_HMAC {
        key = mac;
    }
    Ok(Arguments::new(session.handle, bench.slot, key, row.mechanism))
}
