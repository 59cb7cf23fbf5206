//! T18: a key with CKA_ALWAYS_AUTHENTICATE signs once for each PIN.

use cryptoki_sys as ck;

use super::tries::Tries;
use super::victim::rsa_templates;
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::module::{Begin, Feed, Finish, ObjectHandle, Room, Transform};
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

const ROOM: Room = Room::Bytes(1024);

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let how = Mechanism::plain(ck::CKM_RSA_PKCS);
    let Some((one, two)) = tries.need("keys with CKA_ALWAYS_AUTHENTICATE", guarded_pair(at)) else {
        return Ok(tries.verdict());
    };
    let confirm = |session: Session| session.login(ck::CKU_CONTEXT_SPECIFIC, &at.target.pin);
    let signature = |session: Session| session.transform(Transform::Sign, b"pay", ROOM).ok();
    let signed =
        |result: Result<Vec<u8>, Rv>| result.map(|_| Some("a signature that nobody confirmed".to_owned()));
    let other = Session::open(at.module, at.slot)?;

    tries.judge("sign without a context login", || signed(session.sign(&how, one, b"pay")));
    reset(session);
    tries.judge("two signatures for one login", || {
        session.begin(Begin::Sign, &how, one).ok()?;
        confirm(session).ok()?;
        signature(session)?;
        session.begin(Begin::Sign, &how, one).ok()?;
        signed(signature(session))
    });
    reset(session);
    tries.judge("login before the operation begins", || {
        let early = confirm(session);
        session.begin(Begin::Sign, &how, one).ok()?;
        signed(signature(session)).or(Err(early))
    });
    reset(session);
    tries.judge("login for one key, signature with another", || {
        session.begin(Begin::Sign, &how, one).ok()?;
        confirm(session).ok()?;
        reset(session);
        session.begin(Begin::Sign, &how, two).ok()?;
        signed(signature(session))
    });
    reset(session);
    tries.judge("login in one session, signature in another", || {
        other.begin(Begin::Sign, &how, one).ok()?;
        session.begin(Begin::Sign, &how, two).ok()?;
        confirm(session).ok()?;
        signed(signature(other))
    });
    reset(session);
    reset(other);
    tries.judge("login with a wrong PIN", || {
        session.begin(Begin::Sign, &how, one).ok()?;
        session.login(ck::CKU_CONTEXT_SPECIFIC, "not the PIN");
        signed(signature(session))
    });
    reset(session);
    // A right login sets the counter of tries back.
    session.begin(Begin::Sign, &how, one);
    confirm(session);
    reset(session);
    tries.judge("in parts, without a context login", || {
        session.begin(Begin::Sign, &Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), one).ok()?;
        at.module.feed(Feed::SignUpdate, session.handle, b"pay", 3).ok()?;
        signed(at.module.finish(Finish::SignFinal, session.handle, ROOM).ok())
    });
    reset(session);
    tries.judge("a key that no longer asks", || {
        session.set(one, &Template::new().bool(ck::CKA_ALWAYS_AUTHENTICATE, false)).ok()?;
        signed(session.sign(&how, one, b"pay"))
    });
    reset(session);
    tries.judge("a copy that does not ask", || {
        let copy = session.copy(one, &Template::new().bool(ck::CKA_ALWAYS_AUTHENTICATE, false))?;
        signed(session.sign(&how, copy, b"pay"))
    });
    reset(session);
    tries.judge("decrypt without a context login", || {
        let blob = vec![1; 256];
        session.begin(Begin::Decrypt, &how, one).ok()?;
        let reply = session.transform(Transform::Decrypt, &blob, ROOM);
        // Whether the padding fits does not matter: the key was used.
        let used = [ck::CKR_OK, ck::CKR_ENCRYPTED_DATA_INVALID, ck::CKR_ENCRYPTED_DATA_LEN_RANGE];
        let what = || format!("a decryption that nobody confirmed ({})", reply.rv);
        if used.contains(&reply.rv.0) { Ok(Some(what())) } else { Err(reply.rv) }
    });
    Ok(tries.verdict())
}

/// Ends whatever operation is active.
fn reset(session: Session) {
    session.transform(Transform::Sign, b"pay", ROOM);
    session.transform(Transform::Decrypt, &[0; 256], ROOM);
    session.module.begin(Begin::Sign, session.handle, None, 0);
}

fn guarded_pair(at: &Context) -> Result<(ObjectHandle, ObjectHandle), Rv> {
    let make = || {
        let (public, private) = rsa_templates(2048, &[ck::CKA_VERIFY], &[ck::CKA_SIGN, ck::CKA_DECRYPT]);
        let private = private.yes(&[ck::CKA_SENSITIVE, ck::CKA_ALWAYS_AUTHENTICATE]);
        let private = private.bool(ck::CKA_EXTRACTABLE, false);
        at.session
            .generate_pair(&Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private)
            .map(|(_, private)| private)
    };
    Ok((make()?, make()?))
}
