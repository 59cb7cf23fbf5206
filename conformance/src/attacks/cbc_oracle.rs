//! T15: a CBC padding oracle (Vaudenay 2002) opens what is wrapped under the same key.
//!
//! Whether a forged blob of two blocks is refused tells one byte of the cipher's inverse after some 128
//! questions; with the inverse of any block, every mode comes open, key wrap included.

use cryptoki_sys as ck;

use super::tools::{aes_wraps, undo};
use super::tries::Tries;
use super::victim::guarded;
use super::{Context, Verdict};
use crate::ground::{BLOCK, Block};
use crate::mechanism::Mechanism;
use crate::names::Rv;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let template = guarded(ck::CKK_GENERIC_SECRET, &[ck::CKA_SIGN]);

    for how in aes_wraps() {
        tries.recover(&format!("C_UnwrapKey answers, {} blob", how.name()), &victim, || {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP])?;
            let blob = session.wrap(&how, key, victim.handle)?;
            let mut ask =
                |iv: &Block, body: &[u8]| match session.unwrap(&Mechanism::cbc_pad(iv), key, body, &template)
                {
                    Ok(key) => {
                        session.destroy(key);
                        Rv::OK
                    }
                    Err(rv) => rv,
                };
            open(&how, &blob, &mut ask)
        });
        tries.recover(&format!("C_Decrypt answers, {} blob", how.name()), &victim, || {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_DECRYPT])?;
            let blob = session.wrap(&how, key, victim.handle)?;
            let mut ask = |iv: &Block, body: &[u8]| {
                session.decrypt(&Mechanism::cbc_pad(iv), key, body).map_or_else(|rv| rv, |_| Rv::OK)
            };
            open(&how, &blob, &mut ask)
        });
    }
    Ok(tries.verdict())
}

type Ask<'a> = dyn FnMut(&Block, &[u8]) -> Rv + 'a;

fn open(how: &Mechanism, blob: &[u8], ask: &mut Ask<'_>) -> Result<Vec<u8>, Rv> {
    let none = Rv(ck::CKR_FUNCTION_NOT_SUPPORTED);
    undo(how, blob, &mut |_| Err(none), &mut |block| inverse(block, ask))
}

/// The cipher's inverse of `block`, byte by byte from the end.
///
/// The block asked about is the second of two, so that the length left after the padding is never 0; the
/// first, and with it what is XORed into the second, is the attacker's.
fn inverse(block: Block, ask: &mut Ask<'_>) -> Result<Block, Rv> {
    let mut known = [0; BLOCK];
    for place in (0..BLOCK).rev() {
        let pad = u8::try_from(BLOCK - place).map_err(|_| Rv(ck::CKR_GENERAL_ERROR))?;
        let mut first = [0x5a; BLOCK];
        for i in place + 1..BLOCK {
            first[i] = known[i] ^ pad;
        }
        let mut refused = Rv::OK;
        let hit = (0..=255).find(|guess| {
            first[place] = *guess;
            let answer = ask(&[0; BLOCK], &[first, block].concat());
            if answer != Rv::OK {
                refused = answer;
                return false;
            }
            // The last byte may be right by a longer padding: change the byte before and ask again.
            place < BLOCK - 1 || {
                let mut other = first;
                other[place - 1] ^= 0xff;
                ask(&[0; BLOCK], &[other, block].concat()) == Rv::OK
            }
        });
        known[place] = hit.ok_or(refused)? ^ pad;
        if refused == Rv::OK && place == BLOCK - 1 && hit == Some(0) {
            return Err(Rv(ck::CKR_OK)); // Everything is accepted: the answers say nothing.
        }
    }
    Ok(known)
}
