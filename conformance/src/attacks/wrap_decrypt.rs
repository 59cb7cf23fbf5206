//! T1: one key wraps and decrypts.

use cryptoki_sys as ck;

use super::tools::{aes_wraps, rsa_wraps, undo, undo_in_token, wrap_then_decrypt};
use super::tries::Tries;
use super::victim::{Victim, decrypt_block, guarded};
use super::{Context, Verdict};
use crate::ground::Block;
use crate::mechanism::Mechanism;
use crate::module::{Begin, Room, Transform};
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let both = [ck::CKA_WRAP, ck::CKA_DECRYPT, ck::CKA_ENCRYPT, ck::CKA_UNWRAP];

    wrap_then_decrypt(
        &mut tries,
        "wrap, then decrypt",
        &victim,
        |how| {
            let key = at.aes_for(&both)?;
            Ok((session.wrap(how, key, victim.handle)?, key))
        },
        session,
    );
    wrap_then_decrypt(
        &mut tries,
        "decrypt once, then wrap and decrypt",
        &victim,
        |how| {
            let key = at.aes_for(&both)?;
            decrypt_block(session, key, [0; 16])?;
            Ok((session.wrap(how, key, victim.handle)?, key))
        },
        session,
    );
    wrap_then_decrypt(
        &mut tries,
        "usage attributes left out of the template",
        &victim,
        |how| {
            let template = Template::secret(ck::CKK_AES)
                .bool(ck::CKA_TOKEN, false)
                .bool(ck::CKA_SENSITIVE, true)
                .bool(ck::CKA_EXTRACTABLE, false);
            let key = at.aes(&template)?;
            Ok((session.wrap(how, key, victim.handle)?, key))
        },
        session,
    );

    for how in aes_wraps() {
        tries.recover(&format!("decryption begun before the wrap, {}", how.name()), &victim, || {
            begun_before(at, &how, &victim)
        });
    }

    for how in rsa_wraps() {
        for (order, first) in [("wrap, then decrypt", false), ("decrypt once, then wrap and decrypt", true)] {
            tries.recover(&format!("RSA pair: {order}, {}", how.name()), &victim, || {
                let uses = ([ck::CKA_WRAP, ck::CKA_ENCRYPT], [ck::CKA_DECRYPT, ck::CKA_UNWRAP]);
                let (public, private) = at.rsa_pair(2048, &uses.0, &uses.1)?;
                if first {
                    let hello = session.encrypt(&how, public, b"hello")?;
                    session.decrypt(&how, private, &hello)?;
                }
                let blob = session.wrap(&how, public, victim.handle)?;
                session
                    .decrypt(&how, private, &blob)
                    .or_else(|_| session.decrypt(&Mechanism::plain(ck::CKM_RSA_X_509), private, &blob))
            });
        }
    }
    tries.recover("RSA-AES-KEY-WRAP: wrap, then decrypt the AES key", &victim, || {
        let (public, private) = at.rsa_pair(2048, &[ck::CKA_WRAP], &[ck::CKA_DECRYPT])?;
        let blob = session.wrap(&Mechanism::rsa_aes(), public, victim.handle)?;
        let (head, tail) = blob.split_at_checked(256).ok_or(Rv(ck::CKR_WRAPPED_KEY_LEN_RANGE))?;
        let value = session.decrypt(&Mechanism::oaep(), private, head)?;
        let wrong = Rv(ck::CKR_KEY_SIZE_RANGE);
        let opened = crate::ground::unwrap_kw(tail, &mut |block| {
            crate::ground::aes_decrypt(&value, block).ok_or(wrong)
        });
        Ok(opened?.1)
    });

    // The key that wraps the victim is one that the victim's owner uses to wrap; the attacker adds DECRYPT.
    tries.recover("a second key object of the same value", &victim, || {
        let key = at.aes(&guarded(ck::CKK_AES, &[ck::CKA_WRAP, ck::CKA_DECRYPT]))?;
        let how = Mechanism::cbc_pad(&[0; 16]);
        let twin = session.copy(key, &Template::new())?;
        let blob = session.wrap(&how, key, victim.handle)?;
        undo_in_token(session, &how, twin, &blob)
    });
    Ok(tries.verdict())
}

/// A decryption begun in another session before the key is used to wrap, and gone on with afterwards.
fn begun_before(at: &Context, how: &Mechanism, victim: &Victim) -> Result<Vec<u8>, Rv> {
    let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_DECRYPT])?;
    let other = Session::open(at.module, at.slot)?;
    other.begin(Begin::Decrypt, &Mechanism::ecb(), key).ok()?;
    let none = Rv(ck::CKR_FUNCTION_NOT_SUPPORTED);
    let opened = at.session.wrap(how, key, victim.handle).and_then(|blob| {
        undo(how, &blob, &mut |_| Err(none), &mut |block| {
            let clear = other.transform(Transform::DecryptUpdate, &block, Room::Bytes(64)).ok()?;
            Block::try_from(clear).map_err(|_| Rv(ck::CKR_DATA_LEN_RANGE))
        })
    });
    other.close();
    opened
}
