//! T3 and T3b: one role after the other, by setting attributes, by copies, in other sessions, after a new login.

use cryptoki_sys as ck;

use super::tools::{KNOWN_KEY, rsa_wraps, undo_in_token, wrap_then_decrypt};
use super::tries::Tries;
use super::unwrap_encrypt::plant;
use super::victim::{decrypt_block, encrypt_block, exposed, guarded};
use super::{Context, Verdict};
use crate::ground::{self, KW_CHECK};
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

/// Turns `off` off and `on` on, in one call or in two.
fn turn(session: Session, key: ObjectHandle, off: u64, on: u64) -> Result<(), Rv> {
    let both = Template::new().bool(off, false).bool(on, true);
    session.set(key, &both).ok().or_else(|_| session.set(key, &Template::new().bool(on, true)).ok())
}

pub(super) fn by_setting(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;

    wrap_then_decrypt(
        &mut tries,
        "wrap, set CKA_DECRYPT, decrypt",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_WRAP])?;
            let blob = session.wrap(how, key, victim.handle)?;
            turn(session, key, ck::CKA_WRAP, ck::CKA_DECRYPT)?;
            Ok((blob, key))
        },
        session,
    );
    wrap_then_decrypt(
        &mut tries,
        "decrypt, set CKA_WRAP, wrap, set CKA_DECRYPT, decrypt",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_DECRYPT])?;
            decrypt_block(session, key, [0; 16])?;
            turn(session, key, ck::CKA_DECRYPT, ck::CKA_WRAP)?;
            let blob = session.wrap(how, key, victim.handle)?;
            turn(session, key, ck::CKA_WRAP, ck::CKA_DECRYPT).ok();
            Ok((blob, key))
        },
        session,
    );
    wrap_then_decrypt(
        &mut tries,
        "over-asked key: wrap, set CKA_DECRYPT again, decrypt",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_DECRYPT])?;
            let blob = session.wrap(how, key, victim.handle)?;
            session.set(key, &Template::new().bool(ck::CKA_DECRYPT, true)).ok()?;
            Ok((blob, key))
        },
        session,
    );

    let planted = at.aes_for(&[ck::CKA_ENCRYPT]).and_then(|key| {
        let blob = ground::wrap_kw(KW_CHECK, &KNOWN_KEY, &mut |block| encrypt_block(session, key, block))?;
        turn(session, key, ck::CKA_ENCRYPT, ck::CKA_UNWRAP)?;
        let how = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
        session.unwrap(&how, key, &blob, &guarded(ck::CKK_AES, &[ck::CKA_WRAP]))
    });
    plant(&mut tries, "encrypt a known key, set CKA_UNWRAP, unwrap it", at, planted, &victim);

    for how in rsa_wraps() {
        tries.recover(&format!("RSA pair: wrap, set CKA_DECRYPT, decrypt, {}", how.name()), &victim, || {
            let (public, private) = at.rsa_pair(2048, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP])?;
            let blob = session.wrap(&how, public, victim.handle)?;
            turn(session, private, ck::CKA_UNWRAP, ck::CKA_DECRYPT)?;
            session.decrypt(&how, private, &blob)
        });
    }
    Ok(tries.verdict())
}

pub(super) fn by_copying(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let decrypting = Template::new().bool(ck::CKA_WRAP, false).bool(ck::CKA_DECRYPT, true);

    wrap_then_decrypt(
        &mut tries,
        "wrap, copy with CKA_DECRYPT, decrypt with the copy",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_WRAP])?;
            let blob = session.wrap(how, key, victim.handle)?;
            Ok((blob, session.copy(key, &decrypting)?))
        },
        session,
    );
    wrap_then_decrypt(
        &mut tries,
        "over-asked key: copy, wrap with one, decrypt with the other",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_DECRYPT])?;
            let twin = session.copy(key, &Template::new().bool(ck::CKA_TOKEN, false))?;
            decrypt_block(session, twin, [0; 16])?;
            Ok((session.wrap(how, key, victim.handle)?, twin))
        },
        session,
    );
    wrap_then_decrypt(
        &mut tries,
        "over-asked key: two copies, the original destroyed",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_DECRYPT])?;
            let (one, two) = (session.copy(key, &Template::new())?, session.copy(key, &decrypting)?);
            session.destroy(key).ok()?;
            Ok((session.wrap(how, one, victim.handle)?, two))
        },
        session,
    );

    let other = Session::open(at.module, at.slot)?;
    wrap_then_decrypt(
        &mut tries,
        "wrap in one session, set CKA_DECRYPT and decrypt in another",
        &victim,
        |how| {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_DECRYPT])?;
            let blob = session.wrap(how, key, victim.handle)?;
            other.set(key, &Template::new().bool(ck::CKA_DECRYPT, true));
            Ok((blob, key))
        },
        other,
    );
    other.close();

    // One value, unwrapped twice with different roles.
    wrap_then_decrypt(
        &mut tries,
        "one value unwrapped twice with different roles",
        &victim,
        |how| {
            let outer = at.aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP])?;
            let inner = at.aes(&exposed(ck::CKK_AES, &[ck::CKA_WRAP], true, true))?;
            let carrier = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
            let blob = session.wrap(&carrier, outer, inner)?;
            let role = |usage| session.unwrap(&carrier, outer, &blob, &guarded(ck::CKK_AES, &[usage]));
            let (wrapping, opening) = (role(ck::CKA_WRAP).unwrap_or(inner), role(ck::CKA_DECRYPT)?);
            Ok((session.wrap(how, wrapping, victim.handle)?, opening))
        },
        session,
    );
    if !tries.done() {
        after_a_new_login(at, &mut tries)?;
    }
    Ok(tries.verdict())
}

/// A token key wraps; the attacker logs out, or ends the module, and comes back to decrypt.
fn after_a_new_login(at: &Context, tries: &mut Tries) -> Result<(), Rv> {
    for finalize in [false, true] {
        let name = if finalize { "a new C_Initialize" } else { "a new login" };
        let label = format!("attack-t3b-{}", std::process::id());
        let how = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
        let mut session = Session::open(at.module, at.slot)?;
        let victim = at.victim()?;
        let template = Template::new()
            .bytes(ck::CKA_LABEL, label.as_bytes())
            .with(&Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, true))
            .yes(&[ck::CKA_PRIVATE, ck::CKA_SENSITIVE, ck::CKA_WRAP, ck::CKA_DECRYPT])
            .no(&[ck::CKA_EXTRACTABLE, ck::CKA_UNWRAP, ck::CKA_ENCRYPT, ck::CKA_SIGN, ck::CKA_DERIVE]);
        let Some(key) = tries.need("a token key", at.aes(&template)) else { return Ok(()) };
        let blob = session.wrap(&how, key, victim.handle);
        if finalize {
            at.module.finalize().ok()?;
            at.module.initialize().ok()?;
            session = Session::open(at.module, at.slot)?;
        } else {
            session.logout().ok()?;
        }
        session.login(ck::CKU_USER, &at.target.pin).ok()?;
        let found = session.find(&Template::new().bytes(ck::CKA_LABEL, label.as_bytes()))?;
        tries.recover(&format!("a token key wraps, and decrypts after {name}"), &victim, || {
            let (blob, key) = (blob?, *found.first().ok_or(Rv(ck::CKR_OBJECT_HANDLE_INVALID))?);
            session.set(key, &Template::new().bool(ck::CKA_DECRYPT, true));
            undo_in_token(session, &how, key, &blob)
        });
        for key in found {
            session.destroy(key);
        }
        if finalize {
            return Ok(());
        }
    }
    Ok(())
}
