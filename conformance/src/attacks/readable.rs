//! T0: a wrapping key that the attacker can read, or wrap out in turn.

use cryptoki_sys as ck;

use super::tools::{aes_wraps, undo, wrap_under_known};
use super::tries::Tries;
use super::victim::{exposed, rsa_templates};
use super::{Context, Verdict};
use crate::ground;
use crate::mechanism::Mechanism;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;

    let open = exposed(ck::CKK_AES, &[ck::CKA_WRAP], false, true);
    if let Some(key) = tries.need("a readable AES key", at.aes(&open))
        && let Some(value) = tries.need("its value", session.get(key, ck::CKA_VALUE))
    {
        wrap_under_known(&mut tries, "a readable key", session, key, &value, &victim);
        // Too late: what was once readable stays known.
        let guarded = Template::new().bool(ck::CKA_SENSITIVE, true).bool(ck::CKA_EXTRACTABLE, false);
        session.set(key, &guarded);
        wrap_under_known(&mut tries, "a readable key made sensitive", session, key, &value, &victim);
        if let Some(copy) = tries.need("a guarded copy", session.copy(key, &guarded)) {
            wrap_under_known(&mut tries, "a guarded copy of a readable key", session, copy, &value, &victim);
        }
    }

    // An extractable key K1 wraps the victim and leaves under a readable K2.
    let first = tries.need("an extractable key", at.aes(&exposed(ck::CKK_AES, &[ck::CKA_WRAP], true, true)));
    let second = tries.need("a readable key", at.aes(&open));
    if let (Some(first), Some(second)) = (first, second)
        && let Some(value) = tries.need("its value", session.get(second, ck::CKA_VALUE))
    {
        for outer in aes_wraps() {
            let Ok(blob) = session.wrap(&outer, second, first) else { continue };
            let opened = undo(
                &outer,
                &blob,
                &mut |block| ground::aes_encrypt(&value, block).ok_or(Rv(ck::CKR_KEY_SIZE_RANGE)),
                &mut |block| ground::aes_decrypt(&value, block).ok_or(Rv(ck::CKR_KEY_SIZE_RANGE)),
            );
            if let Some(value) = opened.ok().and_then(|bytes| bytes.get(..32).map(<[u8]>::to_vec)) {
                wrap_under_known(&mut tries, "an extractable key that left", session, first, &value, &victim);
            }
        }
    }

    // A pair whose private half can be read.
    let (public, private) = rsa_templates(2048, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP]);
    let private = private.bool(ck::CKA_SENSITIVE, false).bool(ck::CKA_EXTRACTABLE, true);
    let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    if let Some((public, private)) =
        tries.need("a readable pair", session.generate_pair(&how, &public, &private))
    {
        tries.recover("a pair with a readable private key, RSA-PKCS", &victim, || {
            let blob = session.wrap(&Mechanism::plain(ck::CKM_RSA_PKCS), public, victim.handle)?;
            let number = |kind| session.get(private, kind).map(|bytes| rsa::BigUint::from_bytes_be(&bytes));
            let (n, d) = (number(ck::CKA_MODULUS)?, number(ck::CKA_PRIVATE_EXPONENT)?);
            Ok(rsa::BigUint::from_bytes_be(&blob).modpow(&d, &n).to_bytes_be())
        });
    }
    Ok(tries.verdict())
}
