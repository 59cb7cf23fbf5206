//! T16: GCM plaintext comes out before its tag is checked.

use cryptoki_sys as ck;

use super::tries::Tries;
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::module::{Begin, Finish, Room, Transform};
use crate::names::Rv;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let key = at.aes_for(&[ck::CKA_ENCRYPT, ck::CKA_DECRYPT])?;
    let how = Mechanism::gcm(&[1; 12], b"context");
    let Some(mut forged) = tries.need("AES-GCM", session.encrypt(&how, key, &[0x33; 256])) else {
        return Ok(tries.verdict());
    };
    if let Some(byte) = forged.last_mut() {
        *byte ^= 1;
    }
    tries.judge("a forged message fed in parts", || {
        session.begin(Begin::Decrypt, &how, key).ok()?;
        let mut early = Vec::new();
        for part in forged.chunks(64) {
            early.extend(session.transform(Transform::DecryptUpdate, part, Room::Bytes(1024)).ok()?);
        }
        let end = at.module.finish(Finish::DecryptFinal, session.handle, Room::Bytes(1024));
        let shown = early.iter().chain(&end.bytes).filter(|byte| **byte == 0x33).count();
        Ok((shown >= 16).then(|| format!("{shown} bytes of unverified plaintext before {}", end.rv)))
    });
    tries.judge("a forged message in one call, the buffer afterwards", || {
        session.begin(Begin::Decrypt, &how, key).ok()?;
        let reply = session.transform(Transform::Decrypt, &forged, Room::Bytes(1024));
        let shown = reply.bytes.iter().filter(|byte| **byte == 0x33).count();
        let what = || format!("{shown} bytes of unverified plaintext with {}", reply.rv);
        Ok((shown >= 16 || reply.rv == Rv::OK).then(what))
    });
    Ok(tries.verdict())
}
