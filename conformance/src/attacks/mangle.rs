//! T10 and T23: blobs that the token did not write become keys.

use cryptoki_sys as ck;

use super::tools::aes_wraps;
use super::tries::Tries;
use super::victim::guarded;
use super::{Context, Verdict};
use crate::ground;
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;

/// What HMAC is asked about.
const QUESTION: &[u8] = b"which bytes?";

pub(super) fn alter(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let aes = guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]);
    for how in aes_wraps() {
        let name = how.name();
        let wrapped = at
            .aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP])
            .and_then(|key| Ok((session.wrap(&how, key, victim.handle)?, key)));
        let Ok((blob, key)) = wrapped else { continue };
        tries.recover(&format!("growing HMAC keys out of the blob, {name}"), &victim, || {
            byte_by_byte(at, &how, key, &blob)
        });
        for (what, altered) in alterations(&blob) {
            tries.judge(&format!("{what}, {name}"), || {
                session.unwrap(&how, key, &altered, &aes)?;
                Ok(Some("a key made of an altered blob".to_owned()))
            });
        }
        tries.judge(&format!("an AES blob unwrapped as DES3, {name}"), || {
            session.unwrap(&how, key, &blob, &guarded(ck::CKK_DES3, &[ck::CKA_ENCRYPT]))?;
            Ok(Some("a DES3 key of an AES key's bytes".to_owned()))
        });
    }
    Ok(tries.verdict())
}

fn alterations(blob: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let middle = blob.len() / 2;
    let mut swapped = blob.to_vec();
    if blob.len() >= 32 {
        let (head, tail) = swapped.split_at_mut(16);
        head.swap_with_slice(&mut tail[..16]);
    }
    let mut flipped = blob.to_vec();
    if let Some(byte) = flipped.get_mut(middle) {
        *byte ^= 1;
    }
    let mut all = vec![("the first two blocks swapped", swapped), ("one bit flipped", flipped)];
    for (what, len) in
        [("cut to one block", 16), ("cut to a block and a half", 24), ("cut to two blocks", 32)]
    {
        if len < blob.len() {
            all.push((what, blob[..len].to_vec()));
        }
    }
    all.push(("its first block twice", [&blob[..16.min(blob.len())], blob].concat()));
    all
}

/// Unwraps the blob as an HMAC key of 1 byte, of 2, and so on, and searches each new byte.
fn byte_by_byte(at: &Context, how: &Mechanism, key: ObjectHandle, blob: &[u8]) -> Result<Vec<u8>, Rv> {
    let mut known = Vec::new();
    while known.len() < 32 {
        let next = known.len() as u64 + 1;
        let template = guarded(ck::CKK_GENERIC_SECRET, &[ck::CKA_SIGN, ck::CKA_VERIFY]);
        let short = at.session.unwrap(how, key, blob, &template.ulong(ck::CKA_VALUE_LEN, next))?;
        let answer = at.session.sign(&Mechanism::plain(ck::CKM_SHA256_HMAC), short, QUESTION)?;
        at.session.destroy(short);
        let byte =
            (0..=255).find(|byte| ground::hmac_sha256(&[&known[..], &[*byte]].concat(), QUESTION) == answer);
        known.push(byte.ok_or(Rv(ck::CKR_KEY_SIZE_RANGE))?);
    }
    Ok(known)
}

pub(super) fn conjure(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let key = at.aes_for(&[ck::CKA_UNWRAP, ck::CKA_WRAP])?;
    for how in aes_wraps() {
        for size in [16, 24, 32, 40, 48] {
            tries.judge(&format!("600 random blobs of {size} bytes, {}", how.name()), || {
                let mut last = Ok(None);
                for number in 0..600 {
                    let (rv, blob) = at.module.random(session.handle, size, size as u64);
                    rv.ok()?;
                    for key_type in [ck::CKK_AES, ck::CKK_GENERIC_SECRET] {
                        let template = guarded(key_type, &[ck::CKA_SIGN]);
                        match session.unwrap(&how, key, &blob, &template) {
                            Ok(_) => return Ok(Some(format!("a key out of random blob {number}"))),
                            Err(rv) => last = Err(rv),
                        }
                    }
                    if last.as_ref().is_err_and(|rv| rv.is_unsupported()) {
                        break;
                    }
                }
                last
            });
        }
    }
    Ok(tries.verdict())
}
