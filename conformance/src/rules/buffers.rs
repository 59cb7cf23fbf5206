//! Output of variable length: asking for the length, too little room, just enough (PKCS#11 3.2, "Conventions
//! for functions returning output in a variable-length buffer").

use cryptoki_sys as ck;

use super::{Bench, Checked, Group, Outcome, State, hold, want};
use crate::mechanism::Mechanism;
use crate::module::{Begin, Feed, Finish, Reply, Room, Transform};
use crate::names::Rv;
use crate::template::Template;

/// A call with output, ready to be made.
type Call<'a> = Box<dyn Fn(Room) -> Reply + 'a>;
type Prepare = for<'a> fn(&'a Bench) -> Result<Call<'a>, Outcome>;

fn one_shot<'a>(
    bench: &'a Bench,
    begin: Begin,
    transform: Transform,
    how: &Mechanism,
    key: u64,
    data: Vec<u8>,
) -> Result<Call<'a>, Outcome> {
    bench.session.begin(begin, how, key).ok()?;
    Ok(Box::new(move |room| bench.session.transform(transform, &data, room)))
}

fn encrypting<'a>(bench: &'a Bench, how: &Mechanism, data: &[u8]) -> Result<Call<'a>, Outcome> {
    one_shot(bench, Begin::Encrypt, Transform::Encrypt, how, bench.aes()?, data.to_vec())
}

fn decrypting<'a>(bench: &'a Bench, how: &Mechanism, data: &[u8]) -> Result<Call<'a>, Outcome> {
    let key = bench.aes()?;
    let data = bench.session.encrypt(how, key, data)?;
    one_shot(bench, Begin::Decrypt, Transform::Decrypt, how, key, data)
}

fn finishing(bench: &Bench, finish: Finish) -> Call<'_> {
    Box::new(move |room| bench.module.finish(finish, bench.session.handle, room))
}

/// Calls whose operation ends with success, by name.
#[rustfmt::skip]
const ENDING: &[(&str, Prepare)] = &[
    ("C_Encrypt AES-ECB", |b| encrypting(b, &Mechanism::ecb(), &[1; 32])),
    ("C_Encrypt AES-CBC", |b| encrypting(b, &Mechanism::cbc(&[0; 16]), &[1; 32])),
    ("C_Encrypt AES-CBC-PAD", |b| encrypting(b, &Mechanism::cbc_pad(&[0; 16]), &[1; 30])),
    ("C_Encrypt AES-CTR", |b| encrypting(b, &Mechanism::ctr(&[0; 16]), &[1; 30])),
    ("C_Encrypt AES-GCM", |b| encrypting(b, &Mechanism::gcm(&[0; 12], b"aad"), &[1; 30])),
    ("C_Decrypt AES-ECB", |b| decrypting(b, &Mechanism::ecb(), &[1; 32])),
    ("C_Decrypt AES-CBC", |b| decrypting(b, &Mechanism::cbc(&[0; 16]), &[1; 32])),
    ("C_Decrypt AES-CBC-PAD", |b| decrypting(b, &Mechanism::cbc_pad(&[0; 16]), &[1; 30])),
    ("C_Decrypt AES-GCM", |b| decrypting(b, &Mechanism::gcm(&[0; 12], b"aad"), &[1; 30])),
    ("C_Encrypt RSA-PKCS", |b| one_shot(b, Begin::Encrypt, Transform::Encrypt, &Mechanism::plain(ck::CKM_RSA_PKCS), b.rsa()?.0, vec![1; 30])),
    ("C_Decrypt RSA-PKCS", |b| {
        let (public, private) = b.rsa()?;
        let how = Mechanism::plain(ck::CKM_RSA_PKCS);
        let data = b.session.encrypt(&how, public, &[1; 30])?;
        one_shot(b, Begin::Decrypt, Transform::Decrypt, &how, private, data)
    }),
    ("C_Decrypt RSA-OAEP", |b| {
        let (public, private) = b.rsa()?;
        let data = b.session.encrypt(&Mechanism::oaep(), public, &[1; 30])?;
        one_shot(b, Begin::Decrypt, Transform::Decrypt, &Mechanism::oaep(), private, data)
    }),
    ("C_Sign RSA-PKCS", |b| one_shot(b, Begin::Sign, Transform::Sign, &Mechanism::plain(ck::CKM_RSA_PKCS), b.rsa()?.1, vec![1; 30])),
    ("C_Sign SHA256-RSA-PKCS", |b| one_shot(b, Begin::Sign, Transform::Sign, &Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), b.rsa()?.1, vec![1; 30])),
    ("C_Sign ECDSA", |b| one_shot(b, Begin::Sign, Transform::Sign, &Mechanism::plain(ck::CKM_ECDSA), b.ec()?.1, vec![1; 32])),
    ("C_Sign SHA256-HMAC", |b| one_shot(b, Begin::Sign, Transform::Sign, &Mechanism::plain(ck::CKM_SHA256_HMAC), b.hmac()?, vec![1; 30])),
    ("C_Digest SHA256", |b| {
        b.module.begin_digest(b.session.handle, &Mechanism::plain(ck::CKM_SHA256)).ok()?;
        Ok(Box::new(|room| b.session.transform(Transform::Digest, b"data", room)))
    }),
    ("C_DigestFinal SHA256", |b| {
        b.module.begin_digest(b.session.handle, &Mechanism::plain(ck::CKM_SHA256)).ok()?;
        b.module.feed(Feed::DigestUpdate, b.session.handle, b"data", 4).ok()?;
        Ok(finishing(b, Finish::DigestFinal))
    }),
    ("C_SignFinal SHA256-HMAC", |b| {
        b.session.begin(Begin::Sign, &Mechanism::plain(ck::CKM_SHA256_HMAC), b.hmac()?).ok()?;
        b.module.feed(Feed::SignUpdate, b.session.handle, b"data", 4).ok()?;
        Ok(finishing(b, Finish::SignFinal))
    }),
    ("C_SignFinal SHA256-RSA-PKCS", |b| {
        b.session.begin(Begin::Sign, &Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), b.rsa()?.1).ok()?;
        b.module.feed(Feed::SignUpdate, b.session.handle, b"data", 4).ok()?;
        Ok(finishing(b, Finish::SignFinal))
    }),
    ("C_EncryptFinal AES-CBC-PAD", |b| {
        b.session.begin(Begin::Encrypt, &Mechanism::cbc_pad(&[0; 16]), b.aes()?).ok()?;
        b.session.transform(Transform::EncryptUpdate, &[1; 30], Room::Bytes(64)).ok()?;
        Ok(finishing(b, Finish::EncryptFinal))
    }),
    ("C_DecryptFinal AES-CBC-PAD", |b| {
        let (key, how) = (b.aes()?, Mechanism::cbc_pad(&[0; 16]));
        let data = b.session.encrypt(&how, key, &[1; 30])?;
        b.session.begin(Begin::Decrypt, &how, key).ok()?;
        b.session.transform(Transform::DecryptUpdate, &data, Room::Bytes(64)).ok()?;
        Ok(finishing(b, Finish::DecryptFinal))
    }),
];

/// Calls that end no operation.
#[rustfmt::skip]
const LASTING: &[(&str, Prepare)] = &[
    ("C_EncryptUpdate AES-CBC", |b| {
        b.session.begin(Begin::Encrypt, &Mechanism::cbc(&[0; 16]), b.aes()?).ok()?;
        Ok(Box::new(|room| b.session.transform(Transform::EncryptUpdate, &[1; 32], room)))
    }),
    ("C_DecryptUpdate AES-CBC", |b| {
        b.session.begin(Begin::Decrypt, &Mechanism::cbc(&[0; 16]), b.aes()?).ok()?;
        Ok(Box::new(|room| b.session.transform(Transform::DecryptUpdate, &[1; 32], room)))
    }),
    ("C_WrapKey AES-KW", |b| wrapping(b, Mechanism::plain(ck::CKM_AES_KEY_WRAP))),
    ("C_WrapKey AES-KWP", |b| wrapping(b, Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP))),
    ("C_WrapKey AES-CBC-PAD", |b| wrapping(b, Mechanism::cbc_pad(&[0; 16]))),
    ("C_GetOperationState", |b| {
        b.module.begin_digest(b.session.handle, &Mechanism::plain(ck::CKM_SHA256)).ok()?;
        b.module.feed(Feed::DigestUpdate, b.session.handle, b"data", 4).ok()?;
        let rv = b.module.finish(Finish::GetOperationState, b.session.handle, Room::Ask).rv;
        if rv == Rv(ck::CKR_STATE_UNSAVEABLE) {
            return Err(Outcome::Skip { why: rv.to_string() });
        }
        Ok(finishing(b, Finish::GetOperationState))
    }),
];

fn wrapping(bench: &Bench, how: Mechanism) -> Result<Call<'_>, Outcome> {
    let guarded = Template::new()
        .bool(ck::CKA_SENSITIVE, true)
        .bool(ck::CKA_EXTRACTABLE, false)
        .yes(&[ck::CKA_WRAP, ck::CKA_UNWRAP]);
    let (wrapping, key) = (bench.aes_with(&guarded)?, bench.aes()?);
    Ok(Box::new(move |room| bench.module.wrap(bench.session.handle, &how, wrapping, key, room)))
}

pub(super) fn checks(group: &mut Group<'_>) {
    for ((name, prepare), ends) in
        ENDING.iter().map(|row| (row, true)).chain(LASTING.iter().map(|row| (row, false)))
    {
        group.add(State::User, format!("{name} asked for the length"), |bench| {
            let call = prepare(bench)?;
            let asked = call(Room::Ask);
            possible(asked.rv)?;
            want(asked.rv, &[ck::CKR_OK])?;
            let real = enough(&call, asked.len)?;
            hold(asked.len >= real.len, &format!("at least {}", real.len), asked.len)
        });
        group.add(State::User, format!("{name} with too little room"), |bench| {
            let call = prepare(bench)?;
            let asked = call(Room::Ask);
            possible(asked.rv)?;
            let small = call(Room::Bytes(1));
            want(small.rv, &[ck::CKR_BUFFER_TOO_SMALL])?;
            hold(!small.overrun, "nothing written past the room", "an overrun")?;
            let real = enough(&call, small.len)?;
            hold(small.len >= real.len && small.len > 1, &format!("at least {}", real.len), small.len)
        });
        group.add(State::User, format!("{name} with just enough room"), |bench| {
            let call = prepare(bench)?;
            let asked = call(Room::Ask);
            possible(asked.rv)?;
            let real = enough(&call, asked.len)?;
            hold(!real.overrun, "nothing written past the room", "an overrun")
        });
        if ends {
            group.add(State::User, format!("{name} ends the operation"), |bench| {
                let call = prepare(bench)?;
                want(call(Room::Bytes(4096)).rv, &[ck::CKR_OK])?;
                want(call(Room::Bytes(4096)).rv, &[ck::CKR_OPERATION_NOT_INITIALIZED])
            });
        }
    }
}

fn enough(call: &Call<'_>, len: u64) -> Result<Reply, Outcome> {
    let room = usize::try_from(len)
        .ok()
        .filter(|len| *len < 1 << 20)
        .ok_or(Outcome::Fail { expected: "a length".into(), got: format!("{len:#x}") })?;
    let reply = call(Room::Bytes(room));
    want(reply.rv, &[ck::CKR_OK])?;
    Ok(reply)
}

fn possible(rv: Rv) -> Checked {
    if rv.is_unsupported() { Err(Outcome::Skip { why: rv.to_string() }) } else { Ok(()) }
}
