//! T20: invalid points and degenerate keys, which leak private keys or forge signatures.

use cryptoki_sys as ck;

use super::inject::ec_templates;
use super::tries::Tries;
use super::victim::exposed;
use super::{Context, Verdict};
use crate::mechanism::Mechanism;
use crate::names::Rv;
use crate::template::Template;

pub(super) fn run(at: &Context) -> Result<Verdict, Rv> {
    let mut tries = Tries::new(at);
    let session = at.session;
    let (public, private) = ec_templates();
    let how = Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN);
    let pair = session.generate_pair(&how, &public, &private);
    if let Some((public, private)) = tries.need("an EC pair", pair) {
        let encoded = session.get(public, ck::CKA_EC_POINT)?;
        for (name, point) in bad_points(&encoded) {
            for (form, point) in [("raw", point.clone()), ("encoded", octet_string(&point))] {
                tries.judge(&format!("ECDH with {name}, {form}"), || {
                    let template =
                        exposed(ck::CKK_GENERIC_SECRET, &[], false, true).ulong(ck::CKA_VALUE_LEN, 32);
                    session.derive(&Mechanism::ecdh(&point), private, &template)?;
                    Ok(Some("a shared secret with an invalid point".to_owned()))
                });
            }
            tries.judge(&format!("import {name}"), || {
                let curve = session.get(public, ck::CKA_EC_PARAMS)?;
                let template = Template::public(ck::CKK_EC)
                    .bool(ck::CKA_TOKEN, false)
                    .bytes(ck::CKA_EC_PARAMS, &curve)
                    .bytes(ck::CKA_EC_POINT, &octet_string(&point));
                session.create(&template)?;
                Ok(Some("a public key that is no point of its curve".to_owned()))
            });
        }
    }
    low_order(at, &mut tries);
    let modulus = |last: u8| -> Vec<u8> {
        let mut bytes = vec![0xc3; 256];
        bytes[255] = last;
        bytes
    };
    for (name, n, e) in [
        ("exponent 1", modulus(1), vec![1]),
        ("exponent 0", modulus(1), vec![0]),
        ("an even exponent", modulus(1), vec![4]),
        ("an even modulus", modulus(2), vec![1, 0, 1]),
        ("modulus 1", vec![1], vec![1, 0, 1]),
        ("a modulus of 16 bits", vec![0xff, 0xf1], vec![3]),
        ("modulus 0", vec![0; 256], vec![1, 0, 1]),
        ("an exponent longer than the modulus", modulus(1), vec![0xff; 300]),
    ] {
        tries.judge(&format!("import an RSA key with {name}"), || {
            let template = Template::public(ck::CKK_RSA)
                .no(&[ck::CKA_TOKEN, ck::CKA_WRAP])
                .yes(&[ck::CKA_VERIFY])
                .bytes(ck::CKA_MODULUS, &n)
                .bytes(ck::CKA_PUBLIC_EXPONENT, &e);
            session.create(&template)?;
            Ok(Some("a degenerate RSA key".to_owned()))
        });
    }
    Ok(tries.verdict())
}

/// Points that are not on P-256, made from one that is.
pub(crate) fn bad_points(encoded: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let good = encoded.get(encoded.len().saturating_sub(65)..).unwrap_or_default().to_vec();
    let mut off_curve = good.clone();
    if let Some(byte) = off_curve.last_mut() {
        *byte ^= 1;
    }
    let mut too_big = vec![4];
    too_big.resize(65, 0xff);
    let mut zero = vec![4];
    zero.resize(65, 0);
    vec![
        ("a point off the curve", off_curve),
        ("coordinates above the field", too_big),
        ("the point (0, 0)", zero),
        ("the point at infinity", vec![0]),
        ("a point cut short", good.get(..64).unwrap_or_default().to_vec()),
        ("a point of an unknown form", [&[9], good.get(1..).unwrap_or_default()].concat()),
    ]
}

/// A DER OCTET STRING of up to 127 bytes.
pub(crate) fn octet_string(bytes: &[u8]) -> Vec<u8> {
    [&[4, u8::try_from(bytes.len()).unwrap_or(0x80)], bytes].concat()
}

/// X25519 with points of low order, for which the shared secret is known: zero.
fn low_order(at: &Context, tries: &mut Tries) {
    let session = at.session;
    let name = [0x13, 0x0a, b'c', b'u', b'r', b'v', b'e', b'2', b'5', b'5', b'1', b'9'];
    let oid = [0x06, 0x03, 0x2b, 0x65, 0x6e];
    let how = Mechanism::plain(ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN);
    let (_, private) = ec_templates();
    let pair = [&name[..], &oid[..]]
        .into_iter()
        .map(|curve| {
            let public = Template::new().bool(ck::CKA_TOKEN, false).bytes(ck::CKA_EC_PARAMS, curve);
            session.generate_pair(&how, &public, &private)
        })
        .find(Result::is_ok)
        .unwrap_or(Err(Rv(ck::CKR_MECHANISM_INVALID)));
    let Some((_, key)) = tries.need("X25519", pair) else { return };
    let mut one = [0; 32];
    one[0] = 1;
    for (name, point) in [("0", [0; 32]), ("1", one)] {
        tries.judge(&format!("X25519 with the point {name}"), || {
            let template = exposed(ck::CKK_GENERIC_SECRET, &[], false, true).ulong(ck::CKA_VALUE_LEN, 32);
            session.derive(&Mechanism::ecdh(&point), key, &template)?;
            Ok(Some("a shared secret that everybody knows".to_owned()))
        });
    }
}
