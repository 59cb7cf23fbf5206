//! T25: CKA_ALLOWED_MECHANISMS holds on every path.

use cryptoki_sys as ck;

use super::tools::aes_wraps;
use super::tries::Tries;
use super::victim::{exposed, guarded, rsa_templates};
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::module::Begin;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let got = |what: &str| Some(format!("{what} by a mechanism that the key does not allow"));

    let uses = [ck::CKA_ENCRYPT, ck::CKA_DECRYPT];
    let only_cbc = guarded(ck::CKK_AES, &uses).ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_CBC]);
    if let Some(key) = tries.need("an AES key with CKA_ALLOWED_MECHANISMS", at.aes(&only_cbc)) {
        for how in [
            Mechanism::ecb(),
            Mechanism::cbc_pad(&[0; 16]),
            Mechanism::ctr(&[0; 16]),
            Mechanism::gcm(&[0; 12], &[]),
        ] {
            tries.judge(&format!("encrypt, {}", how.name()), || {
                session.encrypt(&how, key, &[0; 16])?;
                Ok(got("a ciphertext"))
            });
            tries.judge(&format!("begin to decrypt, {}", how.name()), || {
                session.begin(Begin::Decrypt, &how, key).ok()?;
                Ok(got("a decryption"))
            });
        }
        tries.judge("add a mechanism later", || {
            let more =
                Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_CBC, ck::CKM_AES_ECB]);
            session.set(key, &more).ok()?;
            session.encrypt(&Mechanism::ecb(), key, &[0; 16])?;
            Ok(got("a ciphertext"))
        });
        tries.judge("a copy that allows more", || {
            let more = Template::new().ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_ECB]);
            session.encrypt(&Mechanism::ecb(), session.copy(key, &more)?, &[0; 16])?;
            Ok(got("a ciphertext"))
        });
    }
    let wrapper = guarded(ck::CKK_AES, &[ck::CKA_WRAP, ck::CKA_UNWRAP])
        .ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_SHA256_HMAC]);
    if let Some(key) = tries.need("a wrapping key with CKA_ALLOWED_MECHANISMS", at.aes(&wrapper)) {
        let inner = at.aes(&exposed(ck::CKK_AES, &[ck::CKA_ENCRYPT], true, true))?;
        for how in aes_wraps() {
            tries.judge(&format!("wrap, {}", how.name()), || {
                session.wrap(&how, key, inner)?;
                Ok(got("a blob"))
            });
        }
    }
    let deriving = guarded(ck::CKK_AES, &[ck::CKA_DERIVE])
        .ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_AES_CBC_ENCRYPT_DATA]);
    if let Some(key) = tries.need("a deriving key with CKA_ALLOWED_MECHANISMS", at.aes(&deriving)) {
        tries.judge("derive by AES-ECB-ENCRYPT-DATA", || {
            let how = Mechanism::text(ck::CKM_AES_ECB_ENCRYPT_DATA, &[0; 32]);
            session.derive(&how, key, &guarded(ck::CKK_GENERIC_SECRET, &[]).ulong(ck::CKA_VALUE_LEN, 32))?;
            Ok(got("a derived key"))
        });
    }
    let (public, private) = rsa_templates(2048, &[ck::CKA_VERIFY], &[ck::CKA_SIGN]);
    let private = private.ulongs(ck::CKA_ALLOWED_MECHANISMS, &[ck::CKM_SHA256_RSA_PKCS]);
    let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    let pair = session.generate_pair(&how, &public, &private);
    if let Some((_, key)) = tries.need("an RSA key with CKA_ALLOWED_MECHANISMS", pair) {
        for id in [ck::CKM_RSA_PKCS, ck::CKM_SHA1_RSA_PKCS, ck::CKM_SHA512_RSA_PKCS] {
            tries.judge(&format!("sign with mechanism {id:#x}"), || {
                session.sign(&Mechanism::plain(id), key, b"data")?;
                Ok(got("a signature"))
            });
        }
    }
    Ok(tries.verdict())
}
