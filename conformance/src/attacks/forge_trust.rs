//! T13: only the security officer gives trust, and nobody takes a demand for it back.

use cryptoki_sys as ck;

use super::tools::{KNOWN_KEY, aes_wraps, wrap_under_known};
use super::tries::Tries;
use super::victim::{exposed, guarded};
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let trusted = Template::new().bool(ck::CKA_TRUSTED, true);
    let has_trust = |key: ObjectHandle| -> Result<Option<String>, Rv> {
        let trusted = session.get_bool(key, ck::CKA_TRUSTED)?;
        Ok(trusted.then(|| "a key that the user marked CKA_TRUSTED".to_owned()))
    };
    tries.judge("generate with CKA_TRUSTED", || {
        has_trust(at.aes(&guarded(ck::CKK_AES, &[ck::CKA_WRAP]).with(&trusted))?)
    });
    tries.judge("create with CKA_TRUSTED", || {
        let template = guarded(ck::CKK_AES, &[ck::CKA_WRAP]).bytes(ck::CKA_VALUE, &KNOWN_KEY);
        has_trust(session.create(&template.with(&trusted))?)
    });
    tries.judge("set CKA_TRUSTED", || {
        let key = at.aes_for(&[ck::CKA_WRAP])?;
        session.set(key, &trusted).ok()?;
        has_trust(key)
    });
    tries.judge("copy with CKA_TRUSTED", || has_trust(session.copy(at.aes_for(&[ck::CKA_WRAP])?, &trusted)?));
    tries.judge("generate a pair with CKA_TRUSTED", || {
        let (public, private) = super::victim::rsa_templates(2048, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP]);
        let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        has_trust(session.generate_pair(&how, &public.with(&trusted), &private)?.0)
    });
    tries.judge("unwrap with CKA_TRUSTED", || {
        let carrier = at.aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP])?;
        let inner = at.aes(&exposed(ck::CKK_AES, &[ck::CKA_WRAP], true, true))?;
        let how = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
        let blob = session.wrap(&how, carrier, inner)?;
        has_trust(session.unwrap(
            &how,
            carrier,
            &blob,
            &guarded(ck::CKK_AES, &[ck::CKA_WRAP]).with(&trusted),
        )?)
    });

    // A victim that leaves only under a trusted key.
    let bound = exposed(ck::CKK_AES, &[ck::CKA_ENCRYPT, ck::CKA_DECRYPT], true, true);
    let bound = bound.bool(ck::CKA_WRAP_WITH_TRUSTED, true);
    let Some(victim) = tries.need("a key with CKA_WRAP_WITH_TRUSTED", at.victim_from(&bound)) else {
        return Ok(tries.verdict());
    };
    let known = guarded(ck::CKK_AES, &[ck::CKA_WRAP]).bytes(ck::CKA_VALUE, &KNOWN_KEY);
    if let Some(known) = tries.need("a known wrapping key", session.create(&known)) {
        wrap_under_known(&mut tries, "under an untrusted known key", session, known, &KNOWN_KEY, &victim);
    }
    for how in aes_wraps() {
        tries.judge(&format!("under an untrusted key, {}", how.name()), || {
            session.wrap(&how, at.aes_for(&[ck::CKA_WRAP])?, victim.handle)?;
            Ok(Some("a key with CKA_WRAP_WITH_TRUSTED under an untrusted key".to_owned()))
        });
    }
    let clear = Template::new().bool(ck::CKA_WRAP_WITH_TRUSTED, false);
    let demand = |key| -> Result<Option<String>, Rv> {
        let kept = session.get_bool(key, ck::CKA_WRAP_WITH_TRUSTED)?;
        Ok((!kept).then(|| "the victim without CKA_WRAP_WITH_TRUSTED".to_owned()))
    };
    tries.judge("clear CKA_WRAP_WITH_TRUSTED", || {
        session.set(victim.handle, &clear).ok()?;
        demand(victim.handle)
    });
    tries.judge("copy without CKA_WRAP_WITH_TRUSTED", || demand(session.copy(victim.handle, &clear)?));
    Ok(tries.verdict())
}
