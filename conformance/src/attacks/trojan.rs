//! T6: a public key of the attacker's own wraps the victim.

use cryptoki_sys as ck;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPrivateKey};

use super::tries::Tries;
use super::{Context, Verdict};
use crate::ground;
use crate::mechanism::Mechanism;
use crate::module::ObjectHandle;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let wrong = Rv(ck::CKR_GENERAL_ERROR);
    let own = RsaPrivateKey::new(&mut OsRng, 2048).map_err(|_| wrong)?;
    let template = Template::public(ck::CKK_RSA)
        .bool(ck::CKA_TOKEN, false)
        .bytes(ck::CKA_MODULUS, &own.n().to_bytes_be())
        .bytes(ck::CKA_PUBLIC_EXPONENT, &own.e().to_bytes_be());

    let wrapping = Template::new().bool(ck::CKA_WRAP, true);
    let mut keys: Vec<(&str, ObjectHandle)> = Vec::new();
    let mut offer = |name, key: Result<ObjectHandle, Rv>| match key {
        Ok(key) => keys.push((name, key)),
        Err(rv) => tries.judge(name, || Err(rv)),
    };
    offer("an imported public key", session.create(&template.clone().bool(ck::CKA_WRAP, true)));
    offer("an imported public key without usage attributes", session.create(&template));
    offer(
        "an imported public key that claims CKA_TRUSTED",
        session.create(&template.clone().yes(&[ck::CKA_WRAP, ck::CKA_TRUSTED])),
    );
    offer(
        "an imported public key that claims CKA_LOCAL",
        session.create(&template.clone().yes(&[ck::CKA_WRAP, ck::CKA_LOCAL])),
    );
    offer(
        "a public key that gets CKA_WRAP later",
        session.create(&template.clone().bool(ck::CKA_WRAP, false)).and_then(|key| {
            session.set(key, &wrapping).ok()?;
            Ok(key)
        }),
    );
    offer(
        "a copy of a public key with CKA_WRAP",
        session.create(&template.bool(ck::CKA_WRAP, false)).and_then(|key| session.copy(key, &wrapping)),
    );

    for (name, key) in keys {
        tries.recover(&format!("{name}, RSA-PKCS"), &victim, || {
            let blob = session.wrap(&Mechanism::plain(ck::CKM_RSA_PKCS), key, victim.handle)?;
            own.decrypt(Pkcs1v15Encrypt, &blob).map_err(|_| wrong)
        });
        tries.recover(&format!("{name}, RSA-OAEP"), &victim, || {
            let blob = session.wrap(&Mechanism::oaep(), key, victim.handle)?;
            own.decrypt(Oaep::new::<sha1::Sha1>(), &blob).map_err(|_| wrong)
        });
        tries.recover(&format!("{name}, RSA-OAEP with SHA-256"), &victim, || {
            let blob = session.wrap(&Mechanism::oaep_sha256(), key, victim.handle)?;
            own.decrypt(Oaep::new::<rsa::sha2::Sha256>(), &blob).map_err(|_| wrong)
        });
        tries.recover(&format!("{name}, RSA-AES-KEY-WRAP"), &victim, || {
            let blob = session.wrap(&Mechanism::rsa_aes(), key, victim.handle)?;
            let (head, tail) = blob.split_at_checked(256).ok_or(wrong)?;
            let value = own.decrypt(Oaep::new::<sha1::Sha1>(), head).map_err(|_| wrong)?;
            Ok(ground::unwrap_kw(tail, &mut |block| ground::aes_decrypt(&value, block).ok_or(wrong))?.1)
        });
    }
    Ok(tries.verdict())
}
