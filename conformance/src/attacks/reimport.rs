//! T9: the victim's own blob is unwrapped with weaker attributes.

use cryptoki_sys as ck;

use super::inject::ec_templates;
use super::tools::{aes_wraps, rsa_wraps};
use super::tries::Tries;
use super::victim::exposed;
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let uses = [ck::CKA_ENCRYPT, ck::CKA_DECRYPT];

    let weaker = [
        ("an AES key", exposed(ck::CKK_AES, &uses, false, true)),
        ("an AES key, CKA_EXTRACTABLE false", exposed(ck::CKK_AES, &uses, false, false)),
        ("a generic secret", exposed(ck::CKK_GENERIC_SECRET, &[], false, true)),
        ("a public object", exposed(ck::CKK_AES, &uses, false, true).but(ck::CKA_PRIVATE, false)),
        ("a template without CKA_SENSITIVE", Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false)),
        ("a data object", Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA).bool(ck::CKA_TOKEN, false)),
    ];
    let mut read_back = |name: &str, key: Result<(Vec<u8>, ObjectHandle), Rv>, how: &Mechanism| {
        for (form, template) in &weaker {
            tries.recover(&format!("{name}, {}, as {form}", how.name()), &victim, || {
                let (blob, unwrapping) = key.clone()?;
                let again = session.unwrap(how, unwrapping, &blob, template)?;
                session.get(again, ck::CKA_VALUE)
            });
            tries.recover(
                &format!("{name}, {}, as {form}, made readable afterwards", how.name()),
                &victim,
                || {
                    let (blob, unwrapping) = key.clone()?;
                    let again = session.unwrap(
                        how,
                        unwrapping,
                        &blob,
                        &template.clone().but(ck::CKA_SENSITIVE, true),
                    )?;
                    session.set(again, &Template::new().bool(ck::CKA_SENSITIVE, false));
                    session.get(again, ck::CKA_VALUE)
                },
            );
        }
    };
    for how in aes_wraps() {
        let pair = at
            .aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP])
            .and_then(|key| Ok((session.wrap(&how, key, victim.handle)?, key)));
        read_back("wrapped and unwrapped under one key", pair, &how);
    }
    for how in rsa_wraps().into_iter().chain([Mechanism::rsa_aes()]) {
        let pair = at
            .rsa_pair(2048, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP])
            .and_then(|(public, private)| Ok((session.wrap(&how, public, victim.handle)?, private)));
        read_back("wrapped and unwrapped under one RSA pair", pair, &how);
    }

    // A private key: its scalar is what the attacker wants.
    let (public, private) = ec_templates();
    let private = private.but(ck::CKA_EXTRACTABLE, true);
    let pair = session.generate_pair(&Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN), &public, &private);
    let Some((_, secret)) = tries.need("an extractable EC pair", pair) else { return Ok(tries.verdict()) };
    for how in aes_wraps() {
        tries.judge(&format!("an EC private key, {}", how.name()), || {
            let key = at.aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP])?;
            let blob = session.wrap(&how, key, secret)?;
            let template = Template::private(ck::CKK_EC).no(&[ck::CKA_TOKEN, ck::CKA_SENSITIVE]).yes(&[
                ck::CKA_PRIVATE,
                ck::CKA_EXTRACTABLE,
                ck::CKA_DERIVE,
            ]);
            let value = session.get(session.unwrap(&how, key, &blob, &template)?, ck::CKA_VALUE)?;
            Ok((value.len() >= 31).then(|| "the scalar of a sensitive EC key".to_owned()))
        });
    }
    Ok(tries.verdict())
}
