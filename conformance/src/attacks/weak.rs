//! T12: a strong key leaves under a weak one.

use cryptoki_sys as ck;

use super::tools::aes_wraps;
use super::tries::Tries;
use super::victim::guarded;
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::names::Rv;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let victim = at.victim()?;
    let mut tries = Tries::new(at);
    let session = at.session;
    let left = |under: &str| Some(format!("an AES-256 key in a blob under {under}"));

    for len in [16, 24] {
        let bits = len * 8;
        let template = guarded(ck::CKK_AES, &[ck::CKA_WRAP]).ulong(ck::CKA_VALUE_LEN, len);
        let key = session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template);
        for how in aes_wraps() {
            tries.judge(&format!("under AES-{bits}, {}", how.name()), || {
                session.wrap(&how, key?, victim.handle)?;
                Ok(left(&format!("AES-{bits}")))
            });
        }
    }
    for (name, key_type, generate, wraps) in [
        ("DES", ck::CKK_DES, ck::CKM_DES_KEY_GEN, [ck::CKM_DES_CBC, ck::CKM_DES_CBC_PAD, ck::CKM_DES_ECB]),
        (
            "DES2",
            ck::CKK_DES2,
            ck::CKM_DES2_KEY_GEN,
            [ck::CKM_DES3_CBC, ck::CKM_DES3_CBC_PAD, ck::CKM_DES3_ECB],
        ),
        (
            "DES3",
            ck::CKK_DES3,
            ck::CKM_DES3_KEY_GEN,
            [ck::CKM_DES3_CBC, ck::CKM_DES3_CBC_PAD, ck::CKM_DES3_ECB],
        ),
    ] {
        let key = session.generate(&Mechanism::plain(generate), &guarded(key_type, &[ck::CKA_WRAP]));
        for id in wraps {
            let ecb = [ck::CKM_DES_ECB, ck::CKM_DES3_ECB].contains(&id);
            let how = if ecb { Mechanism::plain(id) } else { Mechanism::bytes(id, &[0; 8]) };
            tries.judge(&format!("under {name}, mechanism {id:#x}"), || {
                session.wrap(&how, key?, victim.handle)?;
                Ok(left(name))
            });
        }
    }
    for bits in [512, 768, 1024, 1536] {
        let pair = at.rsa_pair(bits, &[ck::CKA_WRAP], &[ck::CKA_UNWRAP]);
        for how in [Mechanism::plain(ck::CKM_RSA_PKCS), Mechanism::oaep()] {
            tries.judge(&format!("under RSA-{bits}, {}", how.name()), || {
                session.wrap(&how, pair?.0, victim.handle)?;
                Ok(left(&format!("RSA-{bits}")))
            });
        }
    }
    Ok(tries.verdict())
}
