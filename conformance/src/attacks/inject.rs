//! T4 and T5: a key whose value the attacker knows becomes a wrapping key.

use cryptoki_sys as ck;

use super::tools::{KNOWN_KEY, wrap_under_known};
use super::tries::Tries;
use super::unwrap_encrypt::{encrypt_outside, plant, public_key};
use super::victim::{exposed, guarded};
use super::{Context, Verdict};
use crate::ground::{self, KW_CHECK};
use crate::mechanism::{Mechanism, Param};
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn by_creating(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let known = |template: Template| template.bytes(ck::CKA_VALUE, &KNOWN_KEY);
    let wrapping = Template::new().bool(ck::CKA_WRAP, true);

    let plain = session.create(&known(guarded(ck::CKK_AES, &[ck::CKA_WRAP])));
    plant(&mut tries, "C_CreateObject with CKA_WRAP", at, plain, &victim);

    let silent = Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false).bool(ck::CKA_SENSITIVE, true);
    let silent = session.create(&known(silent.bool(ck::CKA_EXTRACTABLE, false)));
    plant(&mut tries, "C_CreateObject without usage attributes", at, silent, &victim);

    let later = session.create(&known(guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]))).and_then(|key| {
        session.set(key, &wrapping).ok()?;
        Ok(key)
    });
    plant(&mut tries, "C_CreateObject, then set CKA_WRAP", at, later, &victim);

    let copied = session
        .create(&known(guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT])))
        .and_then(|key| session.copy(key, &wrapping));
    plant(&mut tries, "C_CreateObject, then copy with CKA_WRAP", at, copied, &victim);

    for (name, claim) in [
        ("CKA_LOCAL", ck::CKA_LOCAL),
        ("CKA_ALWAYS_SENSITIVE", ck::CKA_ALWAYS_SENSITIVE),
        ("CKA_NEVER_EXTRACTABLE", ck::CKA_NEVER_EXTRACTABLE),
        ("CKA_TRUSTED", ck::CKA_TRUSTED),
    ] {
        let template = known(guarded(ck::CKK_AES, &[ck::CKA_WRAP])).bool(claim, true);
        let claimed = session.create(&template);
        plant(&mut tries, &format!("C_CreateObject claiming {name}"), at, claimed, &victim);
    }
    let token = known(guarded(ck::CKK_AES, &[ck::CKA_WRAP])).bytes(ck::CKA_LABEL, b"attack-t4");
    let label = Template::new().bytes(ck::CKA_LABEL, b"attack-t4");
    let copied =
        session.create(&token).and_then(|key| session.copy(key, &Template::new().bool(ck::CKA_TOKEN, true)));
    plant(&mut tries, "C_CreateObject, then copy to the token", at, copied, &victim);
    for key in session.find(&label)? {
        session.destroy(key);
    }
    Ok(tries.verdict())
}

pub(super) fn by_unwrapping_and_deriving(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let planted = guarded(ck::CKK_AES, &[ck::CKA_WRAP]);
    let silent = Template::secret(ck::CKK_AES)
        .bool(ck::CKA_TOKEN, false)
        .bool(ck::CKA_SENSITIVE, true)
        .bool(ck::CKA_EXTRACTABLE, false);

    for how in [Mechanism::plain(ck::CKM_RSA_PKCS), Mechanism::oaep()] {
        for (name, template) in [("with CKA_WRAP", &planted), ("without usage attributes", &silent)] {
            let handle = at
                .rsa_pair(2048, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP])
                .and_then(|(public, private)| Ok((private, encrypt_outside(&public_key(at, public)?, &how)?)))
                .and_then(|(private, blob)| session.unwrap(&how, private, &blob, template));
            plant(
                &mut tries,
                &format!("unwrap what was encrypted outside, {}, {name}", how.name()),
                at,
                handle,
                &victim,
            );
        }
    }

    // A carrier of known value, and in it a key of known value.
    let carried = session
        .create(&guarded(ck::CKK_AES, &[ck::CKA_UNWRAP]).bytes(ck::CKA_VALUE, &KNOWN_KEY))
        .and_then(|carrier| {
            let encrypt =
                &mut |block| ground::aes_encrypt(&KNOWN_KEY, block).ok_or(Rv(ck::CKR_KEY_SIZE_RANGE));
            let blob = ground::wrap_kw(KW_CHECK, &KNOWN_KEY, encrypt)?;
            session.unwrap(&Mechanism::plain(ck::CKM_AES_KEY_WRAP), carrier, &blob, &planted)
        });
    plant(&mut tries, "unwrap under a created key", at, carried, &victim);

    // A token's own key that the attacker reads, wraps, and unwraps into a wrapping key.
    let reborn = at.aes_for(&[ck::CKA_WRAP, ck::CKA_UNWRAP]).and_then(|carrier| {
        let created = exposed(ck::CKK_AES, &[ck::CKA_ENCRYPT], false, true).bytes(ck::CKA_VALUE, &KNOWN_KEY);
        let how = Mechanism::plain(ck::CKM_AES_KEY_WRAP);
        let blob = session.wrap(&how, carrier, session.create(&created)?)?;
        session.unwrap(&how, carrier, &blob, &planted)
    });
    plant(&mut tries, "wrap a created key, and unwrap it into a wrapping key", at, reborn, &victim);

    for (name, how, base) in derivations(at) {
        let Some(base) = tries.need(&name, base) else { continue };
        derive_twice(at, &mut tries, &name, &how, base, &victim);
    }
    Ok(tries.verdict())
}

/// Derives the same value twice: once to read it, once to wrap with it.
fn derive_twice(
    at: &Context,
    tries: &mut Tries,
    name: &str,
    how: &Mechanism,
    base: ObjectHandle,
    victim: &super::victim::Victim,
) {
    let session = at.session;
    let with_length = |template: Template| template.ulong(ck::CKA_VALUE_LEN, 32);
    let readable = with_length(exposed(ck::CKK_GENERIC_SECRET, &[], false, true));
    let value = session.derive(how, base, &readable).and_then(|key| session.get(key, ck::CKA_VALUE));
    let wrapping = session.derive(how, base, &with_length(guarded(ck::CKK_AES, &[ck::CKA_WRAP])));
    match (value, wrapping) {
        (Ok(value), Ok(wrapping)) => wrap_under_known(tries, name, session, wrapping, &value, victim),
        (Err(rv), _) | (_, Err(rv)) => tries.judge(name, || Err(rv)),
    }
}

type Derivation = (String, Mechanism, Result<ObjectHandle, Rv>);

fn derivations(at: &Context) -> Vec<Derivation> {
    let session = at.session;
    let aes = || at.aes_for(&[ck::CKA_DERIVE]);
    let generic = || {
        let template = guarded(ck::CKK_GENERIC_SECRET, &[ck::CKA_DERIVE]).ulong(ck::CKA_VALUE_LEN, 32);
        session.generate(&Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN), &template)
    };
    let cbc = Mechanism {
        id: ck::CKM_AES_CBC_ENCRYPT_DATA,
        param: Param::CbcText { iv: [0; 16], data: vec![1; 32] },
    };
    let mut all = vec![
        (
            "derive by AES-ECB-ENCRYPT-DATA".into(),
            Mechanism::text(ck::CKM_AES_ECB_ENCRYPT_DATA, &[1; 32]),
            aes(),
        ),
        ("derive by AES-CBC-ENCRYPT-DATA".into(), cbc, aes()),
        (
            "derive by XOR-BASE-AND-DATA".into(),
            Mechanism::text(ck::CKM_XOR_BASE_AND_DATA, &[1; 32]),
            generic(),
        ),
        (
            "derive by CONCATENATE-DATA-AND-BASE".into(),
            Mechanism::text(ck::CKM_CONCATENATE_DATA_AND_BASE, &[1; 32]),
            generic(),
        ),
        (
            "derive by SHA256-KEY-DERIVATION".into(),
            Mechanism::plain(ck::CKM_SHA256_KEY_DERIVATION),
            generic(),
        ),
    ];
    let (public, private) = ec_templates();
    let how = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
    let pair = session.generate_pair(&how, &public, &private);
    let (point, base) = match pair {
        Ok((public, private)) => (session.get(public, ck::CKA_EC_POINT), Ok(private)),
        Err(rv) => (Err(rv), Err(rv)),
    };
    let point = point.unwrap_or_default();
    all.push(("derive by ECDH with an encoded point".into(), Mechanism::ecdh(&point), base));
    let raw = point.get(2..).unwrap_or_default();
    all.push(("derive by ECDH with a raw point".into(), Mechanism::ecdh(raw), base));
    all
}

/// A P-256 pair that derives.
pub(super) fn ec_templates() -> (Template, Template) {
    let curve = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let public = Template::new().bool(ck::CKA_TOKEN, false).bytes(ck::CKA_EC_PARAMS, &curve);
    let private = Template::new()
        .bool(ck::CKA_TOKEN, false)
        .yes(&[ck::CKA_PRIVATE, ck::CKA_SENSITIVE, ck::CKA_DERIVE])
        .bool(ck::CKA_EXTRACTABLE, false);
    (public, private)
}
