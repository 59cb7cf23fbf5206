//! T7 and T8: CKA_SENSITIVE and CKA_EXTRACTABLE go one way only.

use cryptoki_sys as ck;

use super::tools::{aes_wraps, undo};
use super::tries::Tries;
use super::victim::{Victim, exposed, guarded, rsa_templates};
use super::{Context, Verdict};
use crate::ground;
use crate::mechanism::Mechanism;
use crate::module::{ObjectHandle, Room};
use crate::names::Rv;
use crate::template::Template;

pub(super) fn sensitive(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let open = Template::new().bool(ck::CKA_SENSITIVE, false);
    let wide_open = open.clone().bool(ck::CKA_EXTRACTABLE, true);

    for victim in [at.victim()?, at.locked_victim()?] {
        let key = victim.handle;
        tries.recover("read CKA_VALUE", &victim, || session.get(key, ck::CKA_VALUE));
        tries.recover("read CKA_VALUE among other attributes", &victim, || {
            let room = Room::Bytes(64);
            let asked = [(ck::CKA_CLASS, room), (ck::CKA_VALUE, room), (ck::CKA_KEY_TYPE, room)];
            let (_, got) = session.get_all(key, &asked);
            Ok(got.into_iter().flat_map(|got| got.bytes).collect())
        });
        tries.recover("read the value as other attributes", &victim, || {
            let others =
                [ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_SEED, ck::CKA_OBJECT_ID, ck::CKA_ID];
            Ok(others.iter().filter_map(|kind| session.get(key, *kind).ok()).flatten().collect())
        });
        for (name, change) in [("CKA_SENSITIVE", &open), ("CKA_SENSITIVE and CKA_EXTRACTABLE", &wide_open)] {
            tries.recover(&format!("set {name}, read"), &victim, || {
                session.set(key, change).ok()?;
                session.get(key, ck::CKA_VALUE)
            });
            tries.recover(&format!("copy with a weaker {name}, read"), &victim, || {
                session.get(session.copy(key, change)?, ck::CKA_VALUE)
            });
        }
        tries.recover("set the attribute twice in one template, read", &victim, || {
            let twice = Template::new().bool(ck::CKA_SENSITIVE, true).bool(ck::CKA_SENSITIVE, false);
            session.set(key, &twice).ok()?;
            session.get(key, ck::CKA_VALUE)
        });
        tries.recover("set CKA_SENSITIVE with no bytes, read", &victim, || {
            session.set(key, &Template::new().bytes(ck::CKA_SENSITIVE, &[])).ok()?;
            session.get(key, ck::CKA_VALUE)
        });
        tries.recover("copy as a data object, read", &victim, || {
            let data = Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA);
            session.get(session.copy(key, &data)?, ck::CKA_VALUE)
        });
        tries.recover("turn the key into a data object, read", &victim, || {
            session.set(key, &Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA)).ok()?;
            session.get(key, ck::CKA_VALUE)
        });
    }
    private_key(at, &mut tries);
    Ok(tries.verdict())
}

/// The secret half of a sensitive RSA pair, part by part.
fn private_key(at: &Context, tries: &mut Tries) {
    let session = at.session;
    let (public, private) = rsa_templates(2048, &[ck::CKA_VERIFY], &[ck::CKA_SIGN]);
    let private = private.bool(ck::CKA_SENSITIVE, true).bool(ck::CKA_EXTRACTABLE, true);
    let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    let Some((_, key)) = tries.need("an RSA pair", session.generate_pair(&how, &public, &private)) else {
        return;
    };
    let parts = [
        ("CKA_PRIVATE_EXPONENT", ck::CKA_PRIVATE_EXPONENT),
        ("CKA_PRIME_1", ck::CKA_PRIME_1),
        ("CKA_PRIME_2", ck::CKA_PRIME_2),
        ("CKA_EXPONENT_1", ck::CKA_EXPONENT_1),
        ("CKA_EXPONENT_2", ck::CKA_EXPONENT_2),
        ("CKA_COEFFICIENT", ck::CKA_COEFFICIENT),
    ];
    for (name, kind) in parts {
        let seen = |bytes: Vec<u8>| {
            bytes.iter().any(|byte| *byte != 0).then(|| format!("{name} of a sensitive key"))
        };
        tries.judge(&format!("read {name}"), || Ok(seen(session.get(key, kind)?)));
        tries.judge(&format!("copy with a weaker CKA_SENSITIVE, read {name}"), || {
            let copy = session.copy(key, &Template::new().bool(ck::CKA_SENSITIVE, false))?;
            Ok(seen(session.get(copy, kind)?))
        });
    }
}

pub(super) fn extractable(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let change = Template::new().bool(ck::CKA_EXTRACTABLE, true);

    let victim = at.locked_victim()?;
    escape(at, &mut tries, "as it is", victim.handle, &victim);
    let set = session.set(victim.handle, &change).ok().map(|()| victim.handle);
    follow(at, &mut tries, "after setting CKA_EXTRACTABLE", set, &victim);
    let copied = session.copy(victim.handle, &change);
    follow(at, &mut tries, "a copy with CKA_EXTRACTABLE", copied, &victim);
    let copied = session.copy(victim.handle, &change.clone().bool(ck::CKA_SENSITIVE, false));
    follow(at, &mut tries, "a copy with CKA_EXTRACTABLE and without CKA_SENSITIVE", copied, &victim);
    let twice = Template::new().bool(ck::CKA_EXTRACTABLE, false).bool(ck::CKA_EXTRACTABLE, true);
    let set = session.set(victim.handle, &twice).ok().map(|()| victim.handle);
    follow(at, &mut tries, "after setting it twice in one template", set, &victim);

    // A key that was extractable once, no longer, and again.
    let victim = at.victim()?;
    session.set(victim.handle, &Template::new().bool(ck::CKA_EXTRACTABLE, false));
    let set = session.set(victim.handle, &change).ok().map(|()| victim.handle);
    follow(at, &mut tries, "once extractable, closed, set again", set, &victim);
    Ok(tries.verdict())
}

fn follow(at: &Context, tries: &mut Tries, how: &str, key: Result<ObjectHandle, Rv>, victim: &Victim) {
    match key {
        Ok(key) => escape(at, tries, how, key, victim),
        Err(rv) => tries.judge(how, || Err(rv)),
    }
}

/// Gets a key out: read, under a legitimate wrapping key (its leaving at all is the harm), or under a known one.
fn escape(at: &Context, tries: &mut Tries, how: &str, key: ObjectHandle, victim: &Victim) {
    let session = at.session;
    tries.recover(&format!("{how}: read"), victim, || session.get(key, ck::CKA_VALUE));
    let known = session.create(&guarded(ck::CKK_AES, &[ck::CKA_WRAP]).bytes(ck::CKA_VALUE, &[3; 32]));
    for mechanism in aes_wraps() {
        tries.recover(&format!("{how}: wrap under a known key, {}", mechanism.name()), victim, || {
            let blob = session.wrap(&mechanism, known?, key)?;
            let wrong = Rv(ck::CKR_KEY_SIZE_RANGE);
            undo(
                &mechanism,
                &blob,
                &mut |block| ground::aes_encrypt(&[3; 32], block).ok_or(wrong),
                &mut |block| ground::aes_decrypt(&[3; 32], block).ok_or(wrong),
            )
        });
        tries.judge(&format!("{how}: wrap under a guarded key, {}", mechanism.name()), || {
            let wrapping = at.aes(&exposed(ck::CKK_AES, &[ck::CKA_WRAP], true, false))?;
            let blob = session.wrap(&mechanism, wrapping, key)?;
            Ok(Some(format!("a key that may never leave, in a blob of {} bytes", blob.len())))
        });
    }
}
