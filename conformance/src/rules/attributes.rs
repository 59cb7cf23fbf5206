//! Reading and changing attributes.

use cryptoki_sys as ck;

use super::{Group, State, hold, want, want_error};
use crate::mechanism::Mechanism;
use crate::module::Room;
use crate::template::Template;

/// What a length reads when there is no value to give.
const NONE: u64 = ck::CK_UNAVAILABLE_INFORMATION;

pub(super) fn checks(group: &mut Group<'_>) {
    reading(group);
    generated(group);
    changing(group);
}

fn reading(group: &mut Group<'_>) {
    group.add(State::User, "a length is told for a null pointer", |bench| {
        let (rv, got) = bench.session.get_all(bench.data()?, &[(ck::CKA_VALUE, Room::Ask)]);
        want(rv, &[ck::CKR_OK])?;
        hold(got[0].len == 9, "9 bytes", got[0].len)
    });
    group.add(State::User, "too little room", |bench| {
        let (rv, got) = bench.session.get_all(bench.data()?, &[(ck::CKA_VALUE, Room::Bytes(3))]);
        want(rv, &[ck::CKR_BUFFER_TOO_SMALL])?;
        hold(got[0].len == NONE, "CK_UNAVAILABLE_INFORMATION", got[0].len)
    });
    group.add(State::User, "an attribute that the object does not have", |bench| {
        let (rv, got) = bench.session.get_all(bench.data()?, &[(ck::CKA_MODULUS, Room::Bytes(8))]);
        want(rv, &[ck::CKR_ATTRIBUTE_TYPE_INVALID])?;
        hold(got[0].len == NONE, "CK_UNAVAILABLE_INFORMATION", got[0].len)
    });
    group.add(State::User, "a sensitive value", |bench| {
        let key = bench.aes_with(&Template::new().bool(ck::CKA_SENSITIVE, true))?;
        for room in [Room::Bytes(64), Room::Ask] {
            let (rv, got) = bench.session.get_all(key, &[(ck::CKA_VALUE, room)]);
            want(rv, &[ck::CKR_ATTRIBUTE_SENSITIVE])?;
            hold(got[0].len == NONE, "CK_UNAVAILABLE_INFORMATION", got[0].len)?;
            hold(got[0].bytes.iter().all(|byte| *byte == 0), "an untouched buffer", "bytes")?;
        }
        Ok(())
    });
    group.add(State::User, "a value that is not extractable, though not sensitive", |bench| {
        let template = Template::new().bool(ck::CKA_SENSITIVE, false).bool(ck::CKA_EXTRACTABLE, false);
        want_error(
            bench.session.get(bench.aes_with(&template)?, ck::CKA_VALUE),
            &[ck::CKR_ATTRIBUTE_SENSITIVE],
        )
    });
    group.add(State::User, "a sensitive value among others: the others are read", |bench| {
        let key =
            bench.aes_with(&Template::new().bool(ck::CKA_SENSITIVE, true).bytes(ck::CKA_LABEL, b"L"))?;
        let room = Room::Bytes(64);
        let asked = [(ck::CKA_LABEL, room), (ck::CKA_VALUE, room), (ck::CKA_KEY_TYPE, room)];
        let (rv, got) = bench.session.get_all(key, &asked);
        want(rv, &[ck::CKR_ATTRIBUTE_SENSITIVE])?;
        let lengths = [got[0].len, got[1].len, got[2].len];
        hold(lengths == [1, NONE, 8], "lengths 1, none, 8", format!("{lengths:?}"))
    });
    group.add(State::User, "unknown, short and sensitive at once: each told, any of the codes", |bench| {
        let key =
            bench.aes_with(&Template::new().bool(ck::CKA_SENSITIVE, true).bytes(ck::CKA_LABEL, b"label"))?;
        let asked = [
            (ck::CKA_MODULUS, Room::Bytes(8)),
            (ck::CKA_LABEL, Room::Bytes(1)),
            (ck::CKA_VALUE, Room::Bytes(64)),
            (ck::CKA_CLASS, Room::Bytes(8)),
        ];
        let (rv, got) = bench.session.get_all(key, &asked);
        want(rv, &[ck::CKR_ATTRIBUTE_TYPE_INVALID, ck::CKR_BUFFER_TOO_SMALL, ck::CKR_ATTRIBUTE_SENSITIVE])?;
        let lengths: Vec<_> = got.iter().map(|got| got.len).collect();
        hold(lengths == [NONE, NONE, NONE, 8], "only CKA_CLASS read", format!("{lengths:?}"))
    });
    group.add(State::User, "an empty list of attributes", |bench| {
        let (rv, _) = bench.session.get_all(bench.data()?, &[]);
        want(rv, &[ck::CKR_OK, ck::CKR_ARGUMENTS_BAD])
    });
    group.add(State::User, "parts of a private RSA key", |bench| {
        let (_, key) = bench.rsa()?;
        for part in [ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_COEFFICIENT] {
            want_error(bench.session.get(key, part), &[ck::CKR_ATTRIBUTE_SENSITIVE])?;
        }
        let modulus = bench.session.get(key, ck::CKA_MODULUS)?;
        hold(modulus.len() == 256, "a readable modulus of 256 bytes", modulus.len())
    });
}

fn generated(group: &mut Group<'_>) {
    for (name, sensitive, extractable) in [("sensitive", true, false), ("open", false, true)] {
        group.add(State::User, format!("history of a generated {name} key"), move |bench| {
            let template =
                Template::new().bool(ck::CKA_SENSITIVE, sensitive).bool(ck::CKA_EXTRACTABLE, extractable);
            let key = bench.aes_with(&template)?;
            let read = |kind| bench.session.get_bool(key, kind);
            hold(read(ck::CKA_LOCAL)?, "CKA_LOCAL", "false")?;
            hold(
                read(ck::CKA_ALWAYS_SENSITIVE)? == sensitive,
                "CKA_ALWAYS_SENSITIVE as CKA_SENSITIVE",
                "not",
            )?;
            hold(read(ck::CKA_NEVER_EXTRACTABLE)? != extractable, "CKA_NEVER_EXTRACTABLE", "not")?;
            let how = bench.session.get(key, ck::CKA_KEY_GEN_MECHANISM)?;
            hold(how == ck::CKM_AES_KEY_GEN.to_ne_bytes(), "CKM_AES_KEY_GEN", format!("{how:x?}"))
        });
    }
    group.add(State::User, "history of an imported key", |bench| {
        let template = Template::secret(ck::CKK_AES)
            .bool(ck::CKA_TOKEN, false)
            .bool(ck::CKA_SENSITIVE, true)
            .bool(ck::CKA_EXTRACTABLE, false)
            .bytes(ck::CKA_VALUE, &[1; 32]);
        let key = bench.session.create(&template)?;
        for kind in [ck::CKA_LOCAL, ck::CKA_ALWAYS_SENSITIVE, ck::CKA_NEVER_EXTRACTABLE] {
            hold(!bench.session.get_bool(key, kind)?, "false", format!("attribute {kind:#x} true"))?;
        }
        let how = bench.session.get(key, ck::CKA_KEY_GEN_MECHANISM)?;
        hold(how == NONE.to_ne_bytes(), "CK_UNAVAILABLE_INFORMATION", format!("{how:x?}"))
    });
    group.add(State::User, "history of a key that became sensitive", |bench| {
        let key = bench.aes()?;
        want(bench.session.set(key, &Template::new().bool(ck::CKA_SENSITIVE, true)), &[ck::CKR_OK])?;
        hold(bench.session.get_bool(key, ck::CKA_SENSITIVE)?, "CKA_SENSITIVE", "false")?;
        hold(!bench.session.get_bool(key, ck::CKA_ALWAYS_SENSITIVE)?, "CKA_ALWAYS_SENSITIVE false", "true")
    });
    group.add(State::User, "CKA_VALUE_LEN of a generated key", |bench| {
        let len = bench.session.get(bench.aes()?, ck::CKA_VALUE_LEN)?;
        hold(len == 32u64.to_ne_bytes(), "32", format!("{len:x?}"))
    });
    group.add(State::User, "CKA_CHECK_VALUE of an AES key is that of its value", |bench| {
        let key = bench.aes()?;
        let zeros = bench.session.encrypt(&Mechanism::ecb(), key, &[0; 16])?;
        let check = bench.session.get(key, ck::CKA_CHECK_VALUE)?;
        hold(
            zeros.starts_with(&check) && check.len() == 3,
            "3 bytes of the zero block",
            format!("{check:x?}"),
        )
    });
}

fn changing(group: &mut Group<'_>) {
    group.add(State::User, "CKA_LABEL and CKA_ID may be changed", |bench| {
        let key = bench.aes()?;
        let template = Template::new().bytes(ck::CKA_LABEL, b"new").bytes(ck::CKA_ID, &[7]);
        want(bench.session.set(key, &template), &[ck::CKR_OK])?;
        let label = bench.session.get(key, ck::CKA_LABEL)?;
        hold(label == b"new", "the new label", format!("{label:x?}"))
    });
    let fixed: [(&str, Template); 9] = [
        ("CKA_CLASS", Template::new().ulong(ck::CKA_CLASS, ck::CKO_DATA)),
        ("CKA_KEY_TYPE", Template::new().ulong(ck::CKA_KEY_TYPE, ck::CKK_DES3)),
        ("CKA_VALUE", Template::new().bytes(ck::CKA_VALUE, &[0; 32])),
        ("CKA_VALUE_LEN", Template::new().ulong(ck::CKA_VALUE_LEN, 16)),
        ("CKA_LOCAL", Template::new().bool(ck::CKA_LOCAL, false)),
        ("CKA_ALWAYS_SENSITIVE", Template::new().bool(ck::CKA_ALWAYS_SENSITIVE, true)),
        ("CKA_NEVER_EXTRACTABLE", Template::new().bool(ck::CKA_NEVER_EXTRACTABLE, true)),
        ("CKA_KEY_GEN_MECHANISM", Template::new().ulong(ck::CKA_KEY_GEN_MECHANISM, ck::CKM_DES3_KEY_GEN)),
        ("CKA_TOKEN", Template::new().bool(ck::CKA_TOKEN, true)),
    ];
    for (name, template) in fixed {
        group.add(State::User, format!("{name} of a key may not be changed"), move |bench| {
            want(bench.session.set(bench.aes()?, &template), &[ck::CKR_ATTRIBUTE_READ_ONLY])
        });
    }
    group.add(State::User, "CKA_SENSITIVE does not go back", |bench| {
        let key = bench.aes_with(&Template::new().bool(ck::CKA_SENSITIVE, true))?;
        let template = Template::new().bool(ck::CKA_SENSITIVE, false);
        want(bench.session.set(key, &template), &[ck::CKR_ATTRIBUTE_READ_ONLY])
    });
    group.add(State::User, "CKA_EXTRACTABLE does not go back", |bench| {
        let key = bench.aes_with(&Template::new().bool(ck::CKA_EXTRACTABLE, false))?;
        let template = Template::new().bool(ck::CKA_EXTRACTABLE, true);
        want(bench.session.set(key, &template), &[ck::CKR_ATTRIBUTE_READ_ONLY])
    });
    group.add(State::User, "CKA_TRUSTED is not the user's to set", |bench| {
        let template = Template::new().bool(ck::CKA_TRUSTED, true);
        let allowed = [ck::CKR_ATTRIBUTE_READ_ONLY, ck::CKR_USER_NOT_LOGGED_IN];
        want(bench.session.set(bench.aes()?, &template), &allowed)
    });
    group.add(State::User, "one attribute refused: none changed", |bench| {
        let key = bench.aes()?;
        let template = Template::new().bytes(ck::CKA_LABEL, b"half done").bytes(ck::CKA_VALUE, &[0; 32]);
        want(bench.session.set(key, &template), &[ck::CKR_ATTRIBUTE_READ_ONLY])?;
        let label = bench.session.get(key, ck::CKA_LABEL)?;
        hold(label != b"half done", "the old label", "the new one")
    });
    group.add(State::User, "an attribute that the object cannot have", |bench| {
        let template = Template::new().bytes(ck::CKA_MODULUS, &[1]);
        let allowed =
            [ck::CKR_ATTRIBUTE_TYPE_INVALID, ck::CKR_ATTRIBUTE_READ_ONLY, ck::CKR_TEMPLATE_INCONSISTENT];
        want(bench.session.set(bench.data()?, &template), &allowed)
    });
    group.add(State::User, "a boolean of 8 bytes", |bench| {
        let template = Template::new().bytes(ck::CKA_SENSITIVE, &[1; 8]);
        want(bench.session.set(bench.aes()?, &template), &[ck::CKR_ATTRIBUTE_VALUE_INVALID])
    });
}
