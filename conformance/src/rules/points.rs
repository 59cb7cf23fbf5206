//! Invalid points, and RSA keys that are none.

use cryptoki_sys as ck;

use super::{Group, P256, State, want, want_error, want_refusal};
use crate::attacks::bad_keys::{bad_points, octet_string};
use crate::mechanism::Mechanism;
use crate::module::Begin;
use crate::template::Template;

/// The generator of P-256, uncompressed.
const GENERATOR: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

fn ec(point: &[u8]) -> Template {
    Template::public(ck::CKK_EC)
        .no(&[ck::CKA_TOKEN, ck::CKA_PRIVATE])
        .yes(&[ck::CKA_VERIFY])
        .bytes(ck::CKA_EC_PARAMS, P256)
        .bytes(ck::CKA_EC_POINT, point)
}

pub(super) fn checks(group: &mut Group<'_>) {
    group.add(State::User, "a good point is taken", |bench| {
        let key = bench.session.create(&ec(&octet_string(&GENERATOR)))?;
        want(bench.session.begin(Begin::Verify, &Mechanism::plain(ck::CKM_ECDSA), key), &[ck::CKR_OK])
    });
    let refused = &[
        ck::CKR_ATTRIBUTE_VALUE_INVALID,
        ck::CKR_DOMAIN_PARAMS_INVALID,
        ck::CKR_PUBLIC_KEY_INVALID,
        ck::CKR_TEMPLATE_INCONSISTENT,
    ];
    for (name, point) in bad_points(&GENERATOR) {
        let encoded = octet_string(&point);
        group.add(State::User, format!("C_CreateObject with {name}"), move |bench| {
            want_error(bench.session.create(&ec(&encoded)), refused)
        });
        group.add(State::User, format!("C_DeriveKey with {name}"), move |bench| {
            let template = Template::secret(ck::CKK_GENERIC_SECRET).bool(ck::CKA_TOKEN, false);
            let answer = bench.session.derive(
                &Mechanism::ecdh(&point),
                bench.ec()?.1,
                &template.ulong(ck::CKA_VALUE_LEN, 32),
            );
            let allowed =
                [ck::CKR_MECHANISM_PARAM_INVALID, ck::CKR_PUBLIC_KEY_INVALID, ck::CKR_DOMAIN_PARAMS_INVALID];
            want_refusal(answer, &allowed)
        });
    }
    group.add(State::User, "C_CreateObject with a point of another curve", |bench| {
        want_error(bench.session.create(&ec(&octet_string(&[4; 97]))), refused)
    });
    group.add(State::User, "C_CreateObject with a private EC key of 0", |bench| {
        let template = Template::private(ck::CKK_EC)
            .bool(ck::CKA_TOKEN, false)
            .bytes(ck::CKA_EC_PARAMS, P256)
            .bytes(ck::CKA_VALUE, &[0; 32]);
        want_error(bench.session.create(&template), refused)
    });
    group.add(State::User, "C_CreateObject with a private EC key above the order", |bench| {
        let template = Template::private(ck::CKK_EC)
            .bool(ck::CKA_TOKEN, false)
            .bytes(ck::CKA_EC_PARAMS, P256)
            .bytes(ck::CKA_VALUE, &[0xff; 32]);
        want_error(bench.session.create(&template), refused)
    });
    rsa(group);
}

fn rsa(group: &mut Group<'_>) {
    let refused = &[ck::CKR_ATTRIBUTE_VALUE_INVALID, ck::CKR_KEY_SIZE_RANGE, ck::CKR_TEMPLATE_INCONSISTENT];
    let modulus = |last: u8| -> Vec<u8> {
        let mut bytes = vec![0xc3; 256];
        bytes[255] = last;
        bytes
    };
    let rows: [(&str, Vec<u8>, Vec<u8>); 8] = [
        ("exponent 1", modulus(1), vec![1]),
        ("exponent 0", modulus(1), vec![0]),
        ("exponent 4", modulus(1), vec![4]),
        ("an even modulus", modulus(2), vec![1, 0, 1]),
        ("modulus 0", vec![0; 256], vec![1, 0, 1]),
        ("a modulus of 16 bits", vec![0xff, 0xf1], vec![3]),
        ("a modulus of 1,000,000 bits", vec![0xff; 125_000], vec![1, 0, 1]),
        ("an exponent above the modulus", modulus(1), vec![0xff; 300]),
    ];
    for (name, n, e) in rows {
        group.add(State::User, format!("C_CreateObject with an RSA key of {name}"), move |bench| {
            let template = Template::public(ck::CKK_RSA)
                .bool(ck::CKA_TOKEN, false)
                .bytes(ck::CKA_MODULUS, &n)
                .bytes(ck::CKA_PUBLIC_EXPONENT, &e);
            want_error(bench.session.create(&template), refused)
        });
    }
}
