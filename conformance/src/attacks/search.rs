//! T21: searching and check values as oracles for what is secret.

use cryptoki_sys as ck;

use super::tries::Tries;
use super::victim::{guarded, rsa_templates};
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::names::Rv;
use crate::session::Session;
use crate::template::Template;

const GUESS: &[u8] = b"sixteen byte key";

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let seen = |what: &str, found: Result<Vec<u64>, Rv>| Ok((!found?.is_empty()).then(|| what.to_owned()));

    let secret = session.create(&guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]).bytes(ck::CKA_VALUE, GUESS));
    if tries.need("a sensitive key of known value", secret).is_some() {
        tries.judge("find a sensitive key by its value", || {
            let guess = Template::new().bytes(ck::CKA_VALUE, GUESS);
            seen("whether a guessed value is right", session.find(&guess))
        });
        tries.judge("find a sensitive key by class and value", || {
            let guess = Template::secret(ck::CKK_AES).bytes(ck::CKA_VALUE, GUESS);
            seen("whether a guessed value is right", session.find(&guess))
        });
    }
    for len in [1u8, 2, 8] {
        tries.judge(&format!("the check value of a secret of {len} bytes"), || {
            let value = vec![len; len.into()];
            let template = guarded(ck::CKK_GENERIC_SECRET, &[ck::CKA_SIGN]).bytes(ck::CKA_VALUE, &value);
            let key = session.create(&template)?;
            let check = session.get(key, ck::CKA_CHECK_VALUE)?;
            Ok((!check.is_empty())
                .then(|| format!("three bytes that decide a search over {} bits", u32::from(len) * 8)))
        });
    }

    // What a private key in the token shows to somebody who has no PIN.
    let label = format!("attack-t21-{}", std::process::id());
    let by_label = Template::new().bytes(ck::CKA_LABEL, label.as_bytes());
    let (public, _) = rsa_templates(2048, &[ck::CKA_VERIFY], &[]);
    let private = Template::new()
        .yes(&[ck::CKA_TOKEN, ck::CKA_PRIVATE, ck::CKA_SENSITIVE, ck::CKA_SIGN])
        .bytes(ck::CKA_LABEL, label.as_bytes())
        .bytes(ck::CKA_ID, label.as_bytes());
    let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    let Some((open, _)) = tries.need("a stored private key", session.generate_pair(&how, &public, &private))
    else {
        return Ok(tries.verdict());
    };
    let modulus = session.get(open, ck::CKA_MODULUS)?;
    session.logout().ok()?;
    let stranger = Session::open_read_only(at.module, at.slot)?;
    let private_class = Template::new().ulong(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY);
    for (name, template) in [
        ("by label", by_label.clone()),
        ("by id", Template::new().bytes(ck::CKA_ID, label.as_bytes())),
        ("by class", private_class.clone()),
        ("by modulus", private_class.bytes(ck::CKA_MODULUS, &modulus)),
    ] {
        tries.judge(&format!("find a private key without login, {name}"), || {
            seen("a private object's existence", stranger.find(&template))
        });
    }
    session.login(ck::CKU_USER, &at.target.pin).ok()?;
    for key in session.find(&by_label)? {
        session.destroy(key);
    }
    Ok(tries.verdict())
}
