//! T19 and T26: handles that should mean nothing any more, or never did here.

use cryptoki_sys as ck;

use super::tries::Tries;
use super::victim::{encrypt_block, guarded};
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

fn used(session: Session, key: ObjectHandle) -> Result<Option<String>, Rv> {
    encrypt_block(session, key, [0; 16]).map(|_| Some("a key used through a stale handle".to_owned()))
}

fn token_key(at: &Context, label: &[u8]) -> Result<ObjectHandle, Rv> {
    let template = Template::secret(ck::CKK_AES)
        .yes(&[ck::CKA_TOKEN, ck::CKA_PRIVATE, ck::CKA_SENSITIVE, ck::CKA_ENCRYPT])
        .no(&[ck::CKA_EXTRACTABLE, ck::CKA_DECRYPT, ck::CKA_WRAP, ck::CKA_UNWRAP, ck::CKA_DERIVE])
        .bytes(ck::CKA_LABEL, label);
    at.aes(&template)
}

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let label = format!("attack-t19-{}", std::process::id());
    let by_label = Template::new().bytes(ck::CKA_LABEL, label.as_bytes());
    let stored = token_key(at, label.as_bytes())?;
    let passing = at.aes_for(&[ck::CKA_ENCRYPT])?;
    session.logout().ok()?;

    tries.judge("a private token key after logout", || used(session, stored));
    tries.judge("a private session key after logout", || used(session, passing));
    tries.judge("a private key's attributes after logout", || {
        Ok(Some(format!("a label of {} bytes", session.get(stored, ck::CKA_LABEL)?.len())))
    });
    tries.judge("find a private key after logout", || {
        Ok((!session.find(&by_label)?.is_empty()).then(|| "a private key's handle".to_owned()))
    });
    tries.judge("destroy a private key after logout", || {
        session.destroy(stored).ok()?;
        Ok(Some("a private key destroyed by nobody".to_owned()))
    });
    session.login(ck::CKU_SO, &at.target.so_pin).ok()?;
    tries.judge("a private key as the security officer", || used(session, stored));
    tries.judge("find a private key as the security officer", || {
        Ok((!session.find(&by_label)?.is_empty()).then(|| "a private key's handle".to_owned()))
    });
    session.logout().ok()?;
    session.login(ck::CKU_USER, &at.target.pin).ok()?;
    tries.judge("a private token key's old handle after a new login", || used(session, stored));
    tries.judge("a private session key's old handle after a new login", || used(session, passing));

    // A session object ends with its session; its handle, and the session's, mean nothing afterwards.
    let short = Session::open(at.module, at.slot)?;
    let template = guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]).ulong(ck::CKA_VALUE_LEN, 32);
    let key = short.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)?;
    short.close().ok()?;
    tries.judge("a session key of a closed session", || used(session, key));
    tries.judge("a closed session's handle", || used(short, passing));
    for _ in 0..64 {
        at.aes_for(&[ck::CKA_ENCRYPT])?;
        Session::open(at.module, at.slot)?;
    }
    tries.judge("a closed session's object handle, given out again", || used(session, key));
    tries.judge("a closed session's handle, given out again", || {
        short.info().map(|_| Some("another session".to_owned()))
    });
    let gone = at.aes_for(&[ck::CKA_ENCRYPT])?;
    session.destroy(gone).ok()?;
    for _ in 0..64 {
        at.aes_for(&[ck::CKA_ENCRYPT])?;
    }
    tries.judge("a destroyed key's handle, given out again", || used(session, gone));
    for key in session.find(&by_label)? {
        session.destroy(key);
    }
    Ok(tries.verdict())
}

pub(super) fn across_tokens(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let Some(label) = &at.target.victim else {
        return Ok(Verdict::Unsupported { why: "needs victim=: a second token".into() });
    };
    let slot = at.module.slot_of(label)?;
    let there = Session::open(at.module, slot)?;
    there.login(ck::CKU_USER, &at.target.pin).ok()?;
    let template = guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]).ulong(ck::CKA_VALUE_LEN, 32);
    let foreign = there.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template)?;
    let name = format!("attack-t26-{}", std::process::id());
    let stored = Template::data(&name, b"theirs").yes(&[ck::CKA_PRIVATE]);
    let foreign_data = there.create(&stored)?;

    let here = at.session;
    tries.judge("a foreign key's handle", || {
        // A token may use equal handles for different objects: only a key of the same value is foreign.
        let theirs = encrypt_block(there, foreign, [0; 16])?;
        let ours = encrypt_block(here, foreign, [0; 16])?;
        Ok((ours == theirs).then(|| "a key of another token".to_owned()))
    });
    tries.judge("a foreign object's value", || {
        let value = here.get(foreign_data, ck::CKA_VALUE)?;
        Ok((value == b"theirs").then(|| "data of another token".to_owned()))
    });
    tries.judge("guessed handles", || {
        let near = (0..64).map(|step| foreign_data.wrapping_add(step).wrapping_sub(32));
        let seen =
            near.chain(0..512).any(|guess| here.get(guess, ck::CKA_VALUE).is_ok_and(|v| v == b"theirs"));
        Ok(seen.then(|| "data of another token".to_owned()))
    });
    tries.judge("find a foreign object", || {
        let found = here.find(&Template::new().bytes(ck::CKA_LABEL, name.as_bytes()))?;
        Ok((!found.is_empty()).then(|| "a handle of another token's object".to_owned()))
    });
    tries.judge("destroy a foreign object", || {
        here.destroy(foreign_data).ok()?;
        Ok(there
            .get(foreign_data, ck::CKA_VALUE)
            .is_err()
            .then(|| "another token's object destroyed".to_owned()))
    });
    there.logout().ok()?;
    tries.judge("one token's login opens another", || {
        let found = there.find(&Template::new().bytes(ck::CKA_LABEL, name.as_bytes()))?;
        Ok((!found.is_empty()).then(|| "private objects of a token nobody is logged in to".to_owned()))
    });
    Ok(tries.verdict())
}
