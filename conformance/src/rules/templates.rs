//! Templates: missing, contradictory, doubled, oversized, of wrong sizes.

use cryptoki_sys as ck;

use super::{Group, State, want_error};
use crate::mechanism::Mechanism;
use crate::template::Template;

fn aes(value: &[u8]) -> Template {
    Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false).bytes(ck::CKA_VALUE, value)
}

/// A template for `C_CreateObject` that is wrong, and the codes that say so.
fn wrong() -> Vec<(&'static str, Template, Vec<u64>)> {
    let incomplete = vec![ck::CKR_TEMPLATE_INCOMPLETE];
    let invalid = vec![ck::CKR_ATTRIBUTE_VALUE_INVALID];
    let inconsistent = vec![ck::CKR_TEMPLATE_INCONSISTENT];
    let size = vec![ck::CKR_ATTRIBUTE_VALUE_INVALID, ck::CKR_KEY_SIZE_RANGE, ck::CKR_TEMPLATE_INCONSISTENT];
    let read_only =
        vec![ck::CKR_ATTRIBUTE_READ_ONLY, ck::CKR_TEMPLATE_INCONSISTENT, ck::CKR_ATTRIBUTE_TYPE_INVALID];
    let foreign = vec![ck::CKR_ATTRIBUTE_TYPE_INVALID, ck::CKR_TEMPLATE_INCONSISTENT];
    let bad = vec![ck::CKR_ATTRIBUTE_VALUE_INVALID, ck::CKR_ARGUMENTS_BAD];
    let rsa = Template::public(ck::CKK_RSA).bool(ck::CKA_TOKEN, false);
    vec![
        ("no attributes at all", Template::new(), vec![ck::CKR_TEMPLATE_INCOMPLETE, ck::CKR_ARGUMENTS_BAD]),
        ("no class", Template::new().bytes(ck::CKA_LABEL, b"x"), incomplete.clone()),
        (
            "a secret key without a type",
            Template::new().ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY),
            incomplete.clone(),
        ),
        (
            "an AES key without a value",
            Template::secret(ck::CKK_AES).bool(ck::CKA_TOKEN, false),
            incomplete.clone(),
        ),
        (
            "an RSA key without a modulus",
            rsa.clone().bytes(ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1]),
            incomplete.clone(),
        ),
        ("an RSA key without an exponent", rsa.bytes(ck::CKA_MODULUS, &[0xc1; 256]), incomplete.clone()),
        (
            "an EC key without a point",
            Template::public(ck::CKK_EC).bool(ck::CKA_TOKEN, false).bytes(ck::CKA_EC_PARAMS, super::P256),
            incomplete.clone(),
        ),
        (
            "an EC key without a curve",
            Template::public(ck::CKK_EC).bool(ck::CKA_TOKEN, false).bytes(ck::CKA_EC_POINT, &[4; 67]),
            incomplete.clone(),
        ),
        (
            "an X.509 certificate without a value",
            Template::new()
                .ulong(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
                .ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
                .bool(ck::CKA_TOKEN, false),
            incomplete.clone(),
        ),
        ("a class that is not there", Template::new().ulong(ck::CKA_CLASS, 0x7777), {
            let mut codes = invalid.clone();
            codes.extend(&inconsistent);
            codes
        }),
        (
            "a key type that is not there",
            Template::secret(0x7777).bool(ck::CKA_TOKEN, false).bytes(ck::CKA_VALUE, &[1; 16]),
            [invalid.clone(), inconsistent.clone()].concat(),
        ),
        (
            "an RSA key that is secret",
            Template::secret(ck::CKK_RSA).bool(ck::CKA_TOKEN, false).bytes(ck::CKA_VALUE, &[1; 16]),
            [invalid.clone(), inconsistent.clone()].concat(),
        ),
        ("an AES key of 15 bytes", aes(&[1; 15]), size.clone()),
        ("an AES key of 33 bytes", aes(&[1; 33]), size.clone()),
        ("an AES key of 40 bytes", aes(&[1; 40]), size.clone()),
        ("an AES key of 0 bytes", aes(&[]), [size.clone(), incomplete.clone()].concat()),
        (
            "a value and a length that differ",
            aes(&[1; 16]).ulong(ck::CKA_VALUE_LEN, 32),
            [inconsistent.clone(), size, read_only.clone()].concat(),
        ),
        ("CKA_LOCAL true", aes(&[1; 16]).bool(ck::CKA_LOCAL, true), read_only.clone()),
        ("CKA_ALWAYS_SENSITIVE true", aes(&[1; 16]).bool(ck::CKA_ALWAYS_SENSITIVE, true), read_only.clone()),
        (
            "CKA_NEVER_EXTRACTABLE true",
            aes(&[1; 16]).bool(ck::CKA_NEVER_EXTRACTABLE, true),
            read_only.clone(),
        ),
        (
            "CKA_KEY_GEN_MECHANISM given",
            aes(&[1; 16]).ulong(ck::CKA_KEY_GEN_MECHANISM, ck::CKM_AES_KEY_GEN),
            read_only.clone(),
        ),
        ("CKA_UNIQUE_ID given", aes(&[1; 16]).bytes(ck::CKA_UNIQUE_ID, b"mine"), read_only),
        ("a modulus in an AES key", aes(&[1; 16]).bytes(ck::CKA_MODULUS, &[1; 16]), foreign.clone()),
        ("a key's use in a data object", Template::data("x", b"y").bool(ck::CKA_ENCRYPT, true), foreign),
        (
            "one attribute twice with different values",
            aes(&[1; 16]).bytes(ck::CKA_LABEL, b"a").bytes(ck::CKA_LABEL, b"b"),
            inconsistent.clone(),
        ),
        (
            "the class twice with different values",
            aes(&[1; 16]).ulong(ck::CKA_CLASS, ck::CKO_DATA),
            inconsistent,
        ),
        (
            "a boolean of 8 bytes",
            aes(&[1; 16]).bytes(ck::CKA_ENCRYPT, &[1, 0, 0, 0, 0, 0, 0, 0]),
            invalid.clone(),
        ),
        ("a boolean of 0 bytes", aes(&[1; 16]).bytes(ck::CKA_ENCRYPT, &[]), invalid.clone()),
        (
            "a boolean that is 2",
            aes(&[1; 16]).bytes(ck::CKA_ENCRYPT, &[2]),
            [invalid.clone(), vec![ck::CKR_OK]].concat(),
        ),
        (
            "a class of 4 bytes",
            Template::new().bytes(ck::CKA_CLASS, &[0; 4]).bytes(ck::CKA_LABEL, b"x"),
            [invalid.clone(), incomplete].concat(),
        ),
        (
            "a key type of 1 byte",
            Template::new()
                .ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
                .bytes(ck::CKA_KEY_TYPE, &[0x1f])
                .bytes(ck::CKA_VALUE, &[1; 16]),
            invalid,
        ),
        ("a null value with a length", aes(&[1; 16]).null(ck::CKA_LABEL, 10), bad.clone()),
        ("a value that claims 2^63 bytes", aes(&[1; 16]).lying(ck::CKA_LABEL, b"x", 1 << 63), bad.clone()),
        ("a value that claims 2^64-1 bytes", aes(&[1; 16]).lying(ck::CKA_LABEL, b"x", u64::MAX), bad.clone()),
        (
            "an RSA modulus that claims 2^40 bytes",
            Template::public(ck::CKK_RSA)
                .bool(ck::CKA_TOKEN, false)
                .bytes(ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1])
                .lying(ck::CKA_MODULUS, &[0xc1; 256], 1 << 40),
            [bad, vec![ck::CKR_KEY_SIZE_RANGE]].concat(),
        ),
    ]
}

pub(super) fn checks(group: &mut Group<'_>) {
    for (name, template, codes) in wrong() {
        group.add(State::User, format!("C_CreateObject with {name}"), move |bench| {
            want_error(bench.session.create(&template), &codes)
        });
    }
    let generation: [(&str, Template, &[u64]); 7] = [
        ("without CKA_VALUE_LEN", Template::new(), &[ck::CKR_TEMPLATE_INCOMPLETE]),
        (
            "of 17 bytes",
            Template::new().ulong(ck::CKA_VALUE_LEN, 17),
            &[ck::CKR_KEY_SIZE_RANGE, ck::CKR_ATTRIBUTE_VALUE_INVALID, ck::CKR_TEMPLATE_INCONSISTENT],
        ),
        (
            "of 2^64-1 bytes",
            Template::new().ulong(ck::CKA_VALUE_LEN, u64::MAX),
            &[ck::CKR_KEY_SIZE_RANGE, ck::CKR_ATTRIBUTE_VALUE_INVALID, ck::CKR_TEMPLATE_INCONSISTENT],
        ),
        (
            "with a value",
            Template::new().ulong(ck::CKA_VALUE_LEN, 16).bytes(ck::CKA_VALUE, &[1; 16]),
            &[ck::CKR_TEMPLATE_INCONSISTENT, ck::CKR_ATTRIBUTE_READ_ONLY],
        ),
        (
            "of type RSA",
            Template::new().ulong(ck::CKA_VALUE_LEN, 16).ulong(ck::CKA_KEY_TYPE, ck::CKK_RSA),
            &[ck::CKR_TEMPLATE_INCONSISTENT, ck::CKR_ATTRIBUTE_VALUE_INVALID],
        ),
        (
            "of class private key",
            Template::new().ulong(ck::CKA_VALUE_LEN, 16).ulong(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY),
            &[ck::CKR_TEMPLATE_INCONSISTENT, ck::CKR_ATTRIBUTE_VALUE_INVALID],
        ),
        (
            "with a length of 4 bytes",
            Template::new().bytes(ck::CKA_VALUE_LEN, &[16, 0, 0, 0]),
            &[ck::CKR_ATTRIBUTE_VALUE_INVALID],
        ),
    ];
    for (name, template, codes) in generation {
        group.add(State::User, format!("C_GenerateKey of an AES key {name}"), move |bench| {
            let template = template.clone().bool(ck::CKA_TOKEN, false);
            want_error(bench.session.generate(&Mechanism::plain(ck::CKM_AES_KEY_GEN), &template), codes)
        });
    }
    let size: &[u64] =
        &[ck::CKR_KEY_SIZE_RANGE, ck::CKR_ATTRIBUTE_VALUE_INVALID, ck::CKR_TEMPLATE_INCONSISTENT];
    for (name, bits) in [("0", 0), ("17", 17), ("1,000,000", 1_000_000), ("2^64-1", u64::MAX)] {
        group.add(State::User, format!("C_GenerateKeyPair of an RSA pair of {name} bits"), move |bench| {
            let public = Template::new().bool(ck::CKA_TOKEN, false).ulong(ck::CKA_MODULUS_BITS, bits);
            let private = Template::new().bool(ck::CKA_TOKEN, false);
            let how = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
            want_error(bench.session.generate_pair(&how, &public, &private), size)
        });
    }
    let pairs: [(&str, u64, Template, &[u64]); 3] = [
        (
            "an RSA pair without a size",
            ck::CKM_RSA_PKCS_KEY_PAIR_GEN,
            Template::new(),
            &[ck::CKR_TEMPLATE_INCOMPLETE],
        ),
        (
            "an EC pair without a curve",
            ck::CKM_EC_KEY_PAIR_GEN,
            Template::new(),
            &[ck::CKR_TEMPLATE_INCOMPLETE],
        ),
        (
            "an EC pair on a curve that is not there",
            ck::CKM_EC_KEY_PAIR_GEN,
            Template::new().bytes(ck::CKA_EC_PARAMS, &[0x06, 0x03, 0x2a, 0x03, 0x04]),
            &[ck::CKR_CURVE_NOT_SUPPORTED, ck::CKR_DOMAIN_PARAMS_INVALID, ck::CKR_ATTRIBUTE_VALUE_INVALID],
        ),
    ];
    for (name, id, public, codes) in pairs {
        group.add(State::User, format!("C_GenerateKeyPair of {name}"), move |bench| {
            let public = public.clone().bool(ck::CKA_TOKEN, false);
            let private = Template::new().bool(ck::CKA_TOKEN, false);
            want_error(bench.session.generate_pair(&Mechanism::plain(id), &public, &private), codes)
        });
    }
}
