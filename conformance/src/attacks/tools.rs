//! Moves that several attacks share.

use cryptoki_sys as ck;

use super::tries::Tries;
use super::victim::{Victim, decrypt_block, encrypt_block};
use crate::ground::{self, BLOCK, BlockFn};
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::session::Session;

/// The key that the attacker plants: he knows it, of course.
pub(super) const KNOWN_KEY: [u8; 32] = *b"this one everybody knows by hear";

/// Ways to wrap under an AES key.
pub(super) fn aes_wraps() -> Vec<Mechanism> {
    vec![
        Mechanism::plain(ck::CKM_AES_KEY_WRAP),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP),
        Mechanism::plain(ck::CKM_AES_KEY_WRAP_PAD),
        Mechanism::cbc_pad(&[0; BLOCK]),
        Mechanism::cbc(&[0; BLOCK]),
        Mechanism::ecb(),
        Mechanism::gcm(&[0; 12], &[]),
        Mechanism::ctr(&[0; BLOCK]),
    ]
}

/// Ways to wrap under an RSA key.
pub(super) fn rsa_wraps() -> Vec<Mechanism> {
    vec![
        Mechanism::plain(ck::CKM_RSA_PKCS),
        Mechanism::oaep(),
        Mechanism::oaep_sha256(),
        Mechanism::plain(ck::CKM_RSA_X_509),
    ]
}

/// Undoes a wrap with the block cipher alone.
pub(super) fn undo(
    how: &Mechanism,
    blob: &[u8],
    encrypt: &mut BlockFn<'_>,
    decrypt: &mut BlockFn<'_>,
) -> Result<Vec<u8>, Rv> {
    match how.id {
        ck::CKM_AES_CBC | ck::CKM_AES_CBC_PAD => ground::undo_cbc(blob, decrypt),
        ck::CKM_AES_ECB => {
            let blocks = ground::blocks(blob)?;
            Ok(blocks.into_iter().map(decrypt).collect::<Result<Vec<_>, _>>()?.concat())
        }
        ck::CKM_AES_GCM => ground::undo_gcm(blob, encrypt),
        ck::CKM_AES_CTR => Err(Rv(ck::CKR_FUNCTION_NOT_SUPPORTED)),
        _ => Ok(ground::unwrap_kw(blob, decrypt)?.1),
    }
}

/// All that a key which may decrypt says about a blob: by the same mechanism, and block by block.
pub(super) fn undo_in_token(
    session: Session,
    how: &Mechanism,
    key: ObjectHandle,
    blob: &[u8],
) -> Result<Vec<u8>, Rv> {
    let native = session.decrypt(how, key, blob);
    let blockwise = undo(how, blob, &mut |block| encrypt_block(session, key, block), &mut |block| {
        decrypt_block(session, key, block)
    });
    match (native, blockwise) {
        (Err(rv), Err(_)) => Err(rv),
        (one, two) => Ok([one.unwrap_or_default(), two.unwrap_or_default()].concat()),
    }
}

/// Wraps the victim under a key whose value the attacker has, by every mechanism, and undoes it outside.
pub(super) fn wrap_under_known(
    tries: &mut Tries,
    how: &str,
    session: Session,
    wrapping: ObjectHandle,
    value: &[u8],
    victim: &Victim,
) {
    let wrong = Rv(ck::CKR_KEY_SIZE_RANGE);
    for mechanism in aes_wraps() {
        tries.recover(&format!("{how}, then wrap by {}", mechanism.name()), victim, || {
            let blob = session.wrap(&mechanism, wrapping, victim.handle)?;
            undo(
                &mechanism,
                &blob,
                &mut |block| ground::aes_encrypt(value, block).ok_or(wrong),
                &mut |block| ground::aes_decrypt(value, block).ok_or(wrong),
            )
        });
    }
}

/// Wraps the victim under a key that can still decrypt, by every mechanism, and undoes it in the token.
pub(super) fn wrap_then_decrypt(
    tries: &mut Tries,
    how: &str,
    victim: &Victim,
    mut pair: impl FnMut(&Mechanism) -> Result<(Vec<u8>, ObjectHandle), Rv>,
    session: Session,
) {
    for mechanism in aes_wraps() {
        tries.recover(&format!("{how}, {}", mechanism.name()), victim, || {
            let (blob, decrypting) = pair(&mechanism)?;
            undo_in_token(session, &mechanism, decrypting, &blob)
        });
    }
}
