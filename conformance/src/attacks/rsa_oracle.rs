//! T14: RSA paddings told apart (Bleichenbacher 1998, Manger 2001), on C_UnwrapKey and on C_Decrypt.
//!
//! The attacker encrypts messages of every shape himself, so he knows which are well padded, and looks for an
//! answer that depends on it. With such an answer, published attacks open any blob under the key with some
//! tens of thousands of questions. Times are not judged here.

use std::collections::BTreeSet;

use cryptoki_sys as ck;
use rsa::RsaPublicKey;
use rsa::traits::PublicKeyParts;

use super::tries::Tries;
use super::unwrap_encrypt::public_key;
use super::victim::guarded;
use super::{Context, Verdict};
use crate::ground::rsa_raw;
use crate::mechanism::Mechanism;
use crate::names::Rv;
use crate::template::Template;

/// How often each shape is asked, so that a random refusal is not taken for an oracle.
const TIMES: usize = 6;
/// How many wrong blobs a token may answer before it should have grown suspicious.
const PERSISTENCE: usize = 1000;

/// An encoded message: block type, the length of the padding string, what follows it.
fn encoded(size: usize, kind: [u8; 2], separator: bool, message: &[u8]) -> Vec<u8> {
    let padding = size - 2 - usize::from(separator) - message.len();
    let mut bytes = kind.to_vec();
    bytes.extend((0..padding).map(|i| u8::try_from(i % 250).unwrap_or(0) + 3));
    if separator {
        bytes.push(0);
    }
    bytes.extend_from_slice(message);
    bytes
}

/// Messages that are well padded, and messages that are not.
fn shapes(size: usize, message: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let mut early_zero = encoded(size, [0, 2], true, message);
    early_zero[5] = 0;
    let good = vec![encoded(size, [0, 2], true, message)];
    let bad = vec![
        encoded(size, [0, 1], true, message),
        encoded(size, [0, 0], true, message),
        encoded(size, [1, 2], true, message),
        encoded(size, [0, 2], false, &[9; 8]),
        early_zero,
    ];
    (good, bad)
}

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    for bits in [2048, 1024] {
        let uses = ([ck::CKA_ENCRYPT], [ck::CKA_DECRYPT]);
        if let Some((public, private)) =
            tries.need("an RSA pair that decrypts", at.rsa_pair(bits, &uses.0, &uses.1))
        {
            let outside = public_key(at, public)?;
            tries.judge(&format!("C_Decrypt, RSA-PKCS, {bits} bits"), || {
                oracle(&outside, &[b"a message", &[7; 48]], &mut |cipher| {
                    let how = Mechanism::plain(ck::CKM_RSA_PKCS);
                    Ok(match at.session.decrypt(&how, private, cipher) {
                        Ok(_) => "CKR_OK".to_owned(),
                        Err(rv) => rv.to_string(),
                    })
                })
            });
            tries
                .judge(&format!("C_Decrypt, RSA-OAEP, {bits} bits"), || manger(at, &outside, private, false));
        }
        let uses = ([ck::CKA_WRAP], [ck::CKA_UNWRAP]);
        if let Some((public, private)) =
            tries.need("an RSA pair that unwraps", at.rsa_pair(bits, &uses.0, &uses.1))
        {
            let outside = public_key(at, public)?;
            tries.judge(&format!("C_UnwrapKey to AES, RSA-PKCS, {bits} bits"), || {
                failures(at, &outside, private)
            });
            tries.judge(&format!("C_UnwrapKey of any length, RSA-PKCS, {bits} bits"), || {
                any_length(at, &outside, private)
            });
            tries.judge(&format!("C_UnwrapKey, RSA-OAEP, {bits} bits"), || {
                manger(at, &outside, private, true)
            });
        }
    }
    Ok(tries.verdict())
}

/// Asks about well and badly padded messages; an oracle exists if no answer is common to both.
fn oracle(
    key: &RsaPublicKey,
    messages: &[&[u8]],
    ask: &mut dyn FnMut(&[u8]) -> Result<String, Rv>,
) -> Result<Option<String>, Rv> {
    for message in messages {
        let (good, bad) = shapes(key.size(), message);
        let (good, bad) = (answers(key, &good, ask)?, answers(key, &bad, ask)?);
        if bad.len() > 1 || good.is_disjoint(&bad) {
            return Ok(Some(format!("a padding oracle: {} or {}", join(good), join(bad))));
        }
    }
    Ok(None)
}

fn answers(
    key: &RsaPublicKey,
    shapes: &[Vec<u8>],
    ask: &mut dyn FnMut(&[u8]) -> Result<String, Rv>,
) -> Result<BTreeSet<String>, Rv> {
    let mut set = BTreeSet::new();
    for shape in shapes {
        for _ in 0..TIMES {
            set.insert(ask(&rsa_raw(key, shape))?);
        }
    }
    Ok(set)
}

fn join(set: BTreeSet<String>) -> String {
    set.into_iter().collect::<Vec<_>>().join("|")
}

fn unwrap(at: &Context, private: u64, cipher: &[u8], template: &Template) -> String {
    match at.session.unwrap(&Mechanism::plain(ck::CKM_RSA_PKCS), private, cipher, template) {
        Ok(key) => {
            at.session.destroy(key);
            "CKR_OK".to_owned()
        }
        Err(rv) => rv.to_string(),
    }
}

/// Whether a well padded key of a wrong length is refused otherwise than a badly padded one.
fn failures(at: &Context, key: &RsaPublicKey, private: u64) -> Result<Option<String>, Rv> {
    let template = guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]);
    let (_, bad) = shapes(key.size(), &[7; 32]);
    let mut ask = |cipher: &[u8]| Ok(unwrap(at, private, cipher, &template));
    let bad = answers(key, &bad, &mut ask)?;
    let wrong: Vec<_> = [0, 5, 31, 33, 64].map(|len| encoded(key.size(), [0, 2], true, &vec![7; len])).into();
    let wrong = answers(key, &wrong, &mut ask)?;
    let told_apart = bad.len() > 1 || !wrong.is_subset(&bad);
    Ok(told_apart.then(|| format!("a padding oracle: {} or {}", join(wrong), join(bad))))
}

/// Whether a secret of any length can be unwrapped, and whether the token goes on answering for as long as
/// an attack takes.
fn any_length(at: &Context, key: &RsaPublicKey, private: u64) -> Result<Option<String>, Rv> {
    let template = guarded(ck::CKK_GENERIC_SECRET, &[ck::CKA_SIGN]);
    let well = |len| rsa_raw(key, &encoded(key.size(), [0, 2], true, &vec![7; len]));
    let badly = rsa_raw(key, &encoded(key.size(), [0, 1], true, &[7; 32]));
    let ask = |cipher: &[u8]| unwrap(at, private, cipher, &template);
    let bad = ask(&badly);
    let lengths = [16, 17, 31, 40, 63].into_iter().filter(|len| ask(&well(*len)) != bad).count();
    if lengths < 4 {
        return Ok(None);
    }
    for _ in 0..PERSISTENCE {
        ask(&badly);
    }
    let (good, bad) = (ask(&well(31)), ask(&badly));
    Ok((good != bad).then(|| format!("a padding oracle after {PERSISTENCE} wrong blobs: {good} or {bad}")))
}

/// Manger's question: does a message that begins with another byte than 0 answer otherwise?
fn manger(at: &Context, key: &RsaPublicKey, private: u64, unwrapping: bool) -> Result<Option<String>, Rv> {
    let template = guarded(ck::CKK_AES, &[ck::CKA_ENCRYPT]);
    let ask = |first: u8| -> String {
        let mut message = vec![0x42; key.size()];
        message[0] = first;
        let cipher = rsa_raw(key, &message);
        let rv = if unwrapping {
            at.session.unwrap(&Mechanism::oaep(), private, &cipher, &template).map(drop)
        } else {
            at.session.decrypt(&Mechanism::oaep(), private, &cipher).map(drop)
        };
        rv.map_or_else(|rv| rv.to_string(), |()| "CKR_OK".to_owned())
    };
    let answers: BTreeSet<String> = [0, 1, 2, 64].into_iter().map(ask).collect();
    Ok((answers.len() > 1)
        .then(|| format!("an OAEP oracle: {}", answers.into_iter().collect::<Vec<_>>().join(" or "))))
}
