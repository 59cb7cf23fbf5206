//! Operations out of order.

use cryptoki_sys as ck;

use super::{Bench, Checked, Group, Outcome, State, hold, want};
use crate::mechanism::Mechanism;
use crate::module::{Begin, Feed, Finish, Room, Transform};
use crate::names::Rv;
use crate::session::Session;

const ROOM: Room = Room::Bytes(1024);

fn supported(rv: Rv) -> Result<Rv, Outcome> {
    if rv.is_unsupported() { Err(Outcome::Skip { why: rv.to_string() }) } else { Ok(rv) }
}

pub(super) fn checks(group: &mut Group<'_>) {
    before_init(group);
    twice(group);
    mixed(group);
    failures(group);
}

fn before_init(group: &mut Group<'_>) {
    let none = &[ck::CKR_OPERATION_NOT_INITIALIZED];
    for which in [
        Transform::Encrypt,
        Transform::EncryptUpdate,
        Transform::Decrypt,
        Transform::DecryptUpdate,
        Transform::Digest,
        Transform::Sign,
        Transform::SignRecover,
        Transform::VerifyRecover,
        Transform::DigestEncryptUpdate,
        Transform::DecryptDigestUpdate,
        Transform::SignEncryptUpdate,
        Transform::DecryptVerifyUpdate,
    ] {
        group.add(State::User, format!("C_{which:?} without its init"), move |bench| {
            want(supported(bench.session.transform(which, &[0; 16], ROOM).rv)?, none)
        });
    }
    for which in [Feed::DigestUpdate, Feed::SignUpdate, Feed::VerifyUpdate, Feed::VerifyFinal] {
        group.add(State::User, format!("C_{which:?} without its init"), move |bench| {
            want(supported(bench.module.feed(which, bench.session.handle, &[0; 16], 16))?, none)
        });
    }
    for which in [
        Finish::EncryptFinal,
        Finish::DecryptFinal,
        Finish::DigestFinal,
        Finish::SignFinal,
        Finish::GetOperationState,
    ] {
        group.add(State::User, format!("C_{which:?} without its init"), move |bench| {
            want(supported(bench.module.finish(which, bench.session.handle, ROOM).rv)?, none)
        });
    }
    group.add(State::User, "C_Verify without its init", move |bench| {
        want(bench.module.verify(bench.session.handle, &[0; 16], &[0; 16]), none)
    });
    group.add(State::User, "C_DigestKey without its init", move |bench| {
        want(supported(bench.session.digest_key(bench.aes()?))?, none)
    });
}

/// The mechanism and the key for an operation.
fn ready(bench: &Bench, which: Begin) -> Result<(Mechanism, u64), Outcome> {
    Ok(match which {
        Begin::Encrypt | Begin::Decrypt => (Mechanism::ecb(), bench.aes()?),
        Begin::Sign | Begin::Verify => (Mechanism::plain(ck::CKM_SHA256_HMAC), bench.hmac()?),
        Begin::SignRecover => (Mechanism::plain(ck::CKM_RSA_PKCS), bench.rsa()?.1),
        Begin::VerifyRecover => (Mechanism::plain(ck::CKM_RSA_PKCS), bench.rsa()?.0),
    })
}

fn twice(group: &mut Group<'_>) {
    for which in
        [Begin::Encrypt, Begin::Decrypt, Begin::Sign, Begin::Verify, Begin::SignRecover, Begin::VerifyRecover]
    {
        group.add(State::User, format!("C_{which:?}Init twice"), move |bench| {
            let (how, key) = ready(bench, which)?;
            want(supported(bench.session.begin(which, &how, key))?, &[ck::CKR_OK])?;
            want(bench.session.begin(which, &how, key), &[ck::CKR_OPERATION_ACTIVE])
        });
    }
    group.add(State::User, "C_DigestInit twice", |bench| {
        let how = Mechanism::plain(ck::CKM_SHA256);
        bench.module.begin_digest(bench.session.handle, &how).ok()?;
        want(bench.module.begin_digest(bench.session.handle, &how), &[ck::CKR_OPERATION_ACTIVE])
    });
    group.add(State::User, "one operation each in two sessions", |bench| {
        let other = Session::open(bench.module, bench.slot)?;
        let key = bench.aes()?;
        bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), key).ok()?;
        want(other.begin(Begin::Encrypt, &Mechanism::ecb(), key), &[ck::CKR_OK])?;
        let one = bench.session.transform(Transform::Encrypt, &[1; 16], ROOM).ok()?;
        let two = other.transform(Transform::Encrypt, &[1; 16], ROOM).ok()?;
        hold(one == two, "the same block", "another")
    });
    group.add(State::User, "two digests one after the other", |bench| {
        for _ in 0..2 {
            let how = Mechanism::plain(ck::CKM_SHA256);
            want(bench.module.begin_digest(bench.session.handle, &how), &[ck::CKR_OK])?;
            want(bench.session.transform(Transform::Digest, b"x", ROOM).rv, &[ck::CKR_OK])?;
        }
        Ok(())
    });
}

fn mixed(group: &mut Group<'_>) {
    let refused = &[ck::CKR_OPERATION_ACTIVE, ck::CKR_OPERATION_NOT_INITIALIZED, ck::CKR_FUNCTION_FAILED];
    group.add(State::User, "C_Encrypt after C_EncryptUpdate", move |bench| {
        bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        bench.session.transform(Transform::EncryptUpdate, &[1; 16], ROOM).ok()?;
        want(bench.session.transform(Transform::Encrypt, &[1; 16], ROOM).rv, refused)
    });
    group.add(State::User, "C_Decrypt after C_DecryptUpdate", move |bench| {
        bench.session.begin(Begin::Decrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        bench.session.transform(Transform::DecryptUpdate, &[1; 16], ROOM).ok()?;
        want(bench.session.transform(Transform::Decrypt, &[1; 16], ROOM).rv, refused)
    });
    group.add(State::User, "C_Digest after C_DigestUpdate", move |bench| {
        bench.module.begin_digest(bench.session.handle, &Mechanism::plain(ck::CKM_SHA256)).ok()?;
        bench.module.feed(Feed::DigestUpdate, bench.session.handle, b"x", 1).ok()?;
        want(bench.session.transform(Transform::Digest, b"x", ROOM).rv, refused)
    });
    group.add(State::User, "C_Sign after C_SignUpdate", move |bench| {
        let (how, key) = ready(bench, Begin::Sign)?;
        bench.session.begin(Begin::Sign, &how, key).ok()?;
        bench.module.feed(Feed::SignUpdate, bench.session.handle, b"x", 1).ok()?;
        want(bench.session.transform(Transform::Sign, b"x", ROOM).rv, refused)
    });
    group.add(State::User, "C_Verify after C_VerifyUpdate", move |bench| {
        let (how, key) = ready(bench, Begin::Verify)?;
        bench.session.begin(Begin::Verify, &how, key).ok()?;
        bench.module.feed(Feed::VerifyUpdate, bench.session.handle, b"x", 1).ok()?;
        want(bench.module.verify(bench.session.handle, b"x", &[0; 32]), refused)
    });
    group.add(State::User, "C_SignUpdate with a mechanism for one part only", |bench| {
        bench.session.begin(Begin::Sign, &Mechanism::plain(ck::CKM_ECDSA), bench.ec()?.1).ok()?;
        let rv = bench.module.feed(Feed::SignUpdate, bench.session.handle, &[1; 32], 32);
        let allowed = [
            ck::CKR_OK,
            ck::CKR_FUNCTION_NOT_SUPPORTED,
            ck::CKR_OPERATION_NOT_INITIALIZED,
            ck::CKR_FUNCTION_FAILED,
            ck::CKR_MECHANISM_INVALID,
            ck::CKR_KEY_FUNCTION_NOT_PERMITTED,
        ];
        want(rv, &allowed)
    });
    group.add(State::User, "parts of any size give the digest of the whole", |bench| {
        let how = Mechanism::plain(ck::CKM_SHA256);
        let data = [0x5a; 1000];
        bench.module.begin_digest(bench.session.handle, &how).ok()?;
        let whole = bench.session.transform(Transform::Digest, &data, ROOM).ok()?;
        bench.module.begin_digest(bench.session.handle, &how).ok()?;
        for part in data.chunks(37) {
            bench.module.feed(Feed::DigestUpdate, bench.session.handle, part, part.len() as u64).ok()?;
        }
        let parts = bench.module.finish(Finish::DigestFinal, bench.session.handle, ROOM).ok()?;
        hold(whole == parts, "equal digests", "different ones")
    });
    group.add(State::User, "parts of any size give the ciphertext of the whole", |bench| {
        let (key, how) = (bench.aes()?, Mechanism::cbc_pad(&[0; 16]));
        let data = [0x5a; 1000];
        let whole = bench.session.encrypt(&how, key, &data)?;
        bench.session.begin(Begin::Encrypt, &how, key).ok()?;
        let mut parts = Vec::new();
        for part in data.chunks(37) {
            parts.extend(bench.session.transform(Transform::EncryptUpdate, part, ROOM).ok()?);
        }
        parts.extend(bench.module.finish(Finish::EncryptFinal, bench.session.handle, ROOM).ok()?);
        hold(whole == parts, "equal ciphertexts", "different ones")
    });
}

fn failures(group: &mut Group<'_>) {
    group.add(State::User, "an init that fails begins nothing", |bench| {
        let key = bench.aes()?;
        let rv = bench.session.begin(Begin::Encrypt, &Mechanism::cbc(&[0; 3]), key);
        hold(rv != Rv::OK, "an error", rv)?;
        want(
            bench.session.transform(Transform::Encrypt, &[0; 16], ROOM).rv,
            &[ck::CKR_OPERATION_NOT_INITIALIZED],
        )?;
        want(bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), key), &[ck::CKR_OK])
    });
    group.add(State::User, "data of a wrong length ends the encryption", |bench| {
        bench.session.begin(Begin::Encrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        want(bench.session.transform(Transform::Encrypt, &[0; 15], ROOM).rv, &[ck::CKR_DATA_LEN_RANGE])?;
        want(
            bench.session.transform(Transform::Encrypt, &[0; 16], ROOM).rv,
            &[ck::CKR_OPERATION_NOT_INITIALIZED],
        )
    });
    group.add(State::User, "a ciphertext of a wrong length ends the decryption", |bench| {
        bench.session.begin(Begin::Decrypt, &Mechanism::ecb(), bench.aes()?).ok()?;
        let lengths = [ck::CKR_ENCRYPTED_DATA_LEN_RANGE];
        want(bench.session.transform(Transform::Decrypt, &[0; 15], ROOM).rv, &lengths)?;
        want(
            bench.session.transform(Transform::Decrypt, &[0; 16], ROOM).rv,
            &[ck::CKR_OPERATION_NOT_INITIALIZED],
        )
    });
    group.add(State::User, "a wrong signature, and then no operation", |bench| {
        let (how, key) = ready(bench, Begin::Verify)?;
        bench.session.begin(Begin::Verify, &how, key).ok()?;
        want(bench.module.verify(bench.session.handle, b"x", &[0; 32]), &[ck::CKR_SIGNATURE_INVALID])?;
        let none = &[ck::CKR_OPERATION_NOT_INITIALIZED];
        want(bench.module.verify(bench.session.handle, b"x", &[0; 32]), none)
    });
    group.add(State::User, "a signature of a wrong length", |bench| {
        let (how, key) = ready(bench, Begin::Verify)?;
        bench.session.begin(Begin::Verify, &how, key).ok()?;
        let allowed = [ck::CKR_SIGNATURE_LEN_RANGE, ck::CKR_SIGNATURE_INVALID];
        want(bench.module.verify(bench.session.handle, b"x", &[0; 31]), &allowed)
    });
    group.add(State::User, "a forged GCM tag", |bench| {
        let (key, how) = (bench.aes()?, Mechanism::gcm(&[0; 12], b"aad"));
        let mut data = bench.session.encrypt(&how, key, b"data")?;
        data[0] ^= 1;
        let allowed = [ck::CKR_ENCRYPTED_DATA_INVALID, ck::CKR_AEAD_DECRYPT_FAILED];
        super::want_error(bench.session.decrypt(&how, key, &data), &allowed)
    });
    group.add(State::User, "a forged CBC padding", forged_padding);
}

fn forged_padding(bench: &Bench) -> Checked {
    let key = bench.aes()?;
    let data = bench.session.encrypt(&Mechanism::cbc(&[0; 16]), key, &[0x77; 16])?;
    let answer = bench.session.decrypt(&Mechanism::cbc_pad(&[0; 16]), key, &data);
    super::want_refusal(answer, &[ck::CKR_ENCRYPTED_DATA_INVALID])
}
