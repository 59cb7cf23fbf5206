//! What the module reads of mechanisms and attributes, told as data: it knows none of those used here.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ffi::c_void;
use std::mem::offset_of;
use std::ptr::{null, null_mut};

use claviger::c_api::*;
use cryptoki_sys::*;
use wire::mechanism::{Leaf as LeafValue, Params, Value};
use wire::template::{
    Answer, Answers, Attribute, AttributeValue, Leaf, LeafAnswer, LeafAnswerValue, LeafQuery,
};
use wire::{AttributeType, Bytes, List, Mechanism, MechanismId, Room, Rv};

use fake::module::{Module, attribute, sign};
use fake::{ALLOWED_MECHANISMS, Fake, LABEL, MADE_UP, WHOLE, lock};

mod fake;

#[repr(C)]
struct Inner {
    flag: CK_BBOOL,
    bytes: *const u8,
    bytes_len: CK_ULONG,
    inline: [u8; 3],
    number: CK_ULONG,
    more_len: CK_ULONG,
    more: *const u8,
}

/// The structure that the fake daemon describes for its mechanism.
#[repr(C)]
struct Outer {
    first: CK_BBOOL,
    number: CK_ULONG,
    inline: [u8; 5],
    bytes: *const u8,
    bytes_len: CK_ULONG,
    second: CK_BBOOL,
    more_len: CK_ULONG,
    more: *const u8,
    inner: *const Inner,
    last: CK_BBOOL,
}

const INNER: Inner = Inner {
    flag: 7,
    bytes: b"inner bytes".as_ptr(),
    bytes_len: 11,
    inline: *b"abc",
    number: 0x1122_3344_5566_7788,
    more_len: 2,
    more: b"zz".as_ptr(),
};

fn outer(inner: &Inner) -> Outer {
    Outer {
        first: 1,
        number: CK_ULONG::MAX,
        inline: *b"12345",
        bytes: b"bytes".as_ptr(),
        bytes_len: 5,
        second: 0xff,
        more_len: 4,
        more: b"more".as_ptr(),
        inner,
        last: 0,
    }
}

fn bytes(bytes: &[u8]) -> Bytes {
    bytes.into()
}

/// The mechanism as the daemon got it, which is in the fake's signature.
fn arrives(parameter: *const c_void, len: usize) -> Result<Params, CK_RV> {
    arrives_of(MADE_UP, parameter, len)
}

fn arrives_of(id: MechanismId, parameter: *const c_void, len: usize) -> Result<Params, CK_RV> {
    let module = Module::new();
    let session = module.open_session();
    let mut mechanism =
        CK_MECHANISM { mechanism: id.0, pParameter: parameter.cast_mut(), ulParameterLen: len as CK_ULONG };
    match unsafe { C_SignInit(session, &raw mut mechanism, 1) } {
        CKR_OK => {
            let got: Mechanism = wire::codec::decode(&sign(session, b"").unwrap()).unwrap();
            assert_eq!(got.id, id);
            Ok(got.params)
        }
        rv => Err(rv),
    }
}

fn words(outer: &Outer) -> Vec<Value> {
    match arrives(std::ptr::from_ref(outer).cast(), size_of::<Outer>()) {
        Ok(Params::Words(words)) => words.into_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_made_up_mechanism_s_parameter_arrives_word_by_word() {
    let _fake = Fake::start();
    assert!(offset_of!(Outer, last) > 64);
    let expected = vec![
        Value::Bool(1),
        Value::Ulong(u64::MAX),
        Value::Bytes(bytes(b"12345")),
        Value::Bytes(bytes(b"bytes")),
        Value::Bool(0xff),
        Value::Bytes(bytes(b"more")),
        Value::Struct(
            List::new(vec![
                LeafValue::Bool(7),
                LeafValue::Bytes(bytes(b"inner bytes")),
                LeafValue::Bytes(bytes(b"abc")),
                LeafValue::Ulong(0x1122_3344_5566_7788),
                LeafValue::Bytes(bytes(b"zz")),
            ])
            .unwrap(),
        ),
        Value::Bool(0),
    ];
    assert_eq!(words(&outer(&INNER)), expected);
}

#[test]
fn a_parameter_that_is_no_structure_arrives_whole_up_to_its_bound() {
    let _fake = Fake::start();
    let data: Vec<u8> = (0..=255).cycle().take(301).collect();
    for len in [1, 2, 7, 9, 255, 256, 300] {
        let expected = List::new(vec![Value::Bytes(bytes(&data[..len]))]).unwrap();
        assert_eq!(arrives_of(WHOLE, data.as_ptr().cast(), len), Ok(Params::Words(expected)), "{len}");
    }
    // A structure of this size comes first in the list of layouts.
    assert!(
        matches!(arrives_of(WHOLE, data.as_ptr().cast(), 8), Ok(Params::Words(words)) if matches!(words[..], [Value::Ulong(_)]))
    );
    assert_eq!(arrives_of(WHOLE, data.as_ptr().cast(), 301), Ok(Params::Mismatch { len: 301 }));
    assert_eq!(arrives_of(WHOLE, data.as_ptr().cast(), 0), Ok(Params::None));
    assert_eq!(arrives_of(WHOLE, null(), 20), Ok(Params::Mismatch { len: 20 }));
}

#[test]
fn a_parameter_may_lie_anywhere() {
    let _fake = Fake::start();
    let mut memory = vec![0u8; size_of::<Outer>() + 1];
    let odd = memory.as_mut_ptr().wrapping_add(1);
    let value = outer(&INNER);
    unsafe { odd.copy_from(std::ptr::from_ref(&value).cast(), size_of::<Outer>()) };
    let Ok(Params::Words(words)) = arrives(odd.cast(), size_of::<Outer>()) else { panic!() };
    assert_eq!(words[3], Value::Bytes(bytes(b"bytes")));
}

#[test]
fn null_within_a_parameter_is_told_from_empty() {
    let _fake = Fake::start();
    let inner = Inner { bytes: null(), more: null(), more_len: 0, ..INNER };
    let outer_value = Outer { bytes: null(), more: null(), more_len: 0, ..outer(&inner) };
    let got = words(&outer_value);
    assert_eq!(got[3], Value::Null);
    assert_eq!(got[5], Value::Bytes(Bytes::default()));
    let Value::Struct(leaves) = &got[6] else { panic!("{got:?}") };
    assert_eq!(leaves[1], LeafValue::Null);
    assert_eq!(leaves[4], LeafValue::Bytes(Bytes::default()));
    assert_eq!(words(&Outer { inner: null(), ..outer(&INNER) })[6], Value::Null);
}

#[test]
fn the_layout_is_the_one_whose_size_the_parameter_has() {
    let _fake = Fake::start();
    let number: CK_ULONG = 42;
    let at = std::ptr::from_ref(&number).cast();
    assert_eq!(arrives(at, 8), Ok(Params::Words(List::new(vec![Value::Ulong(42)]).unwrap())));
    assert_eq!(arrives(at, 0), Ok(Params::None));
    assert_eq!(arrives(null(), 0), Ok(Params::None));
    for len in [1, 7, 9, size_of::<Outer>() - 1, size_of::<Outer>() + 1, 1 << 32, usize::MAX] {
        assert_eq!(arrives(at, len), Ok(Params::Mismatch { len: len as u64 }), "{len} bytes");
    }
    assert_eq!(arrives(null(), 8), Ok(Params::Mismatch { len: 8 }));
}

#[test]
fn bytes_behind_a_parameter_are_bounded_before_they_are_read() {
    let _fake = Fake::start();
    for absurd in [(1 << 20) + 1, 1 << 32, CK_ULONG::MAX] {
        for value in [
            Outer { bytes_len: absurd, ..outer(&INNER) },
            Outer { more_len: absurd, ..outer(&INNER) },
            outer(&Inner { bytes_len: absurd, ..INNER }),
        ] {
            let at = std::ptr::from_ref(&value).cast();
            assert_eq!(arrives(at, size_of::<Outer>()), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    }
}

fn create(template: &mut [CK_ATTRIBUTE]) -> CK_RV {
    let module = Module::new();
    let session = module.open_session();
    unsafe { C_CreateObject(session, template.as_mut_ptr(), template.len() as CK_ULONG, &mut 0) }
}

fn as_bytes<T>(items: &[T]) -> &[u8] {
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), size_of_val(items)) }
}

const VENDOR_TEMPLATE: u64 = 0xc000_0777;

#[test]
fn a_template_within_a_template_arrives_whole() {
    let fake = Fake::start();
    let mechanisms: [CK_ULONG; 2] = [1, 0x1087];
    let inner = [attribute(LABEL.0, b"inner"), attribute(0x999, b""), attribute(1, &[1])];
    let mut template = [
        attribute(LABEL.0, b"outer"),
        attribute(VENDOR_TEMPLATE, as_bytes(&inner)),
        attribute(ALLOWED_MECHANISMS.0, as_bytes(&mechanisms)),
        attribute(VENDOR_TEMPLATE, b""),
    ];
    assert_eq!(create(&mut template), CKR_OK);
    let leaf = |kind, value: &[u8]| Leaf { kind: AttributeType(kind), value: value.into() };
    let nested = vec![leaf(LABEL.0, b"inner"), leaf(0x999, b""), leaf(1, &[1])];
    let attribute = |kind, value| Attribute { kind: AttributeType(kind), value };
    let expected = vec![
        attribute(LABEL.0, AttributeValue::Bytes(bytes(b"outer"))),
        attribute(VENDOR_TEMPLATE, AttributeValue::Template(List::new(nested).unwrap())),
        attribute(ALLOWED_MECHANISMS.0, AttributeValue::Bytes(bytes(as_bytes(&mechanisms)))),
        attribute(VENDOR_TEMPLATE, AttributeValue::Template(List::default())),
    ];
    assert_eq!(lock(&fake.state.template).take(), List::new(expected));
}

#[test]
fn a_malformed_template_within_a_template_is_refused() {
    let _fake = Fake::start();
    let inner = [attribute(LABEL.0, b"inner")];
    let deep = [attribute(VENDOR_TEMPLATE, as_bytes(&inner))];
    let long = [CK_ATTRIBUTE { ulValueLen: 65, ..attribute(LABEL.0, b"x") }];
    let null_value = [CK_ATTRIBUTE { pValue: null_mut(), ..attribute(LABEL.0, b"x") }];
    let many = vec![attribute(1, b"x"); 129];
    let cases = [
        (
            CK_ATTRIBUTE { ulValueLen: 23, ..attribute(VENDOR_TEMPLATE, as_bytes(&inner)) },
            CKR_ATTRIBUTE_VALUE_INVALID,
        ),
        (attribute(VENDOR_TEMPLATE, as_bytes(&deep)), CKR_ATTRIBUTE_VALUE_INVALID),
        (attribute(VENDOR_TEMPLATE, as_bytes(&long)), CKR_ATTRIBUTE_VALUE_INVALID),
        (attribute(VENDOR_TEMPLATE, as_bytes(&null_value)), CKR_ARGUMENTS_BAD),
        (attribute(VENDOR_TEMPLATE, as_bytes(&many)), CKR_ARGUMENTS_BAD),
        (
            CK_ATTRIBUTE { pValue: null_mut(), ..attribute(VENDOR_TEMPLATE, as_bytes(&inner)) },
            CKR_ARGUMENTS_BAD,
        ),
        (null_value[0], CKR_ARGUMENTS_BAD),
    ];
    for (attribute, rv) in cases {
        assert_eq!(create(&mut [attribute]), rv, "{attribute:?}");
    }
}

fn get(fake: &Fake, template: &mut [CK_ATTRIBUTE], rv: Rv, answers: Vec<Answer>) -> CK_RV {
    *lock(&fake.state.answers) = Some(Answers { rv, answers: List::new(answers).unwrap() });
    let module = Module::new();
    let session = module.open_session();
    unsafe { C_GetAttributeValue(session, 1, template.as_mut_ptr(), template.len() as CK_ULONG) }
}

#[test]
fn attribute_values_are_written_where_there_is_room() {
    let fake = Fake::start();
    let mut value = [0u8; 8];
    let room =
        |len| CK_ATTRIBUTE { type_: LABEL.0, pValue: value.as_ptr().cast_mut().cast(), ulValueLen: len };
    let mut template = [
        room(8),
        CK_ATTRIBUTE { pValue: null_mut(), ..room(999) },
        room(2),
        CK_ATTRIBUTE { type_: VENDOR_TEMPLATE, pValue: null_mut(), ulValueLen: 0 },
    ];
    let answers =
        vec![Answer::Value(bytes(b"label")), Answer::Length(5), Answer::Unavailable, Answer::NestedLength(3)];
    assert_eq!(get(&fake, &mut template, Rv::BUFFER_TOO_SMALL, answers), CKR_BUFFER_TOO_SMALL);
    assert_eq!(template.map(|attribute| attribute.ulValueLen), [5, 5, CK_UNAVAILABLE_INFORMATION, 72]);
    assert_eq!(&std::mem::take(&mut value), b"label\0\0\0");
    let asked: Vec<_> = lock(&fake.state.asked).iter().map(|query| query.room).collect();
    assert_eq!(asked, [Room::Bytes(8), Room::Ask, Room::Bytes(2), Room::Ask]);
}

#[test]
fn attributes_within_an_attribute_are_written_where_there_is_room() {
    let fake = Fake::start();
    let value = [0u8; 8];
    let mut nested = [
        CK_ATTRIBUTE { type_: 0, pValue: value.as_ptr().cast_mut().cast(), ulValueLen: 8 },
        attribute(0, &[]),
        attribute(0, &[]),
        attribute(0x55, &[]),
    ];
    let mut template = [CK_ATTRIBUTE {
        type_: VENDOR_TEMPLATE,
        pValue: nested.as_mut_ptr().cast(),
        ulValueLen: size_of_val(&nested) as CK_ULONG,
    }];
    let leaf = |kind, value| LeafAnswer { kind: AttributeType(kind), value };
    let answer = Answer::Nested(
        List::new(vec![
            leaf(LABEL.0, LeafAnswerValue::Value(bytes(b"inner"))),
            leaf(1, LeafAnswerValue::Length(1)),
            leaf(0x11, LeafAnswerValue::Unavailable),
        ])
        .unwrap(),
    );
    assert_eq!(get(&fake, &mut template, Rv::OK, vec![answer]), CKR_OK);
    assert_eq!(template[0].ulValueLen, 72);
    assert_eq!(nested.map(|attribute| attribute.type_), [LABEL.0, 1, 0x11, 0x55]);
    assert_eq!(nested.map(|attribute| attribute.ulValueLen), [5, 1, CK_UNAVAILABLE_INFORMATION, 0]);
    assert_eq!(&value, b"inner\0\0\0");
    let rooms: Vec<_> = lock(&fake.state.asked)[0].nested.iter().map(|LeafQuery { room }| *room).collect();
    assert_eq!(rooms, [Room::Bytes(8), Room::Ask, Room::Ask, Room::Ask]);
}

#[test]
fn an_answer_that_was_not_asked_for_is_written_nowhere() {
    let fake = Fake::start();
    let value = [0u8; 8];
    let room =
        |len| CK_ATTRIBUTE { type_: LABEL.0, pValue: value.as_ptr().cast_mut().cast(), ulValueLen: len };
    let bad = [
        (room(4), vec![Answer::Value(bytes(b"label"))]),
        (CK_ATTRIBUTE { pValue: null_mut(), ..room(8) }, vec![Answer::Value(bytes(b"label"))]),
        (room(8), vec![]),
        (room(8), vec![Answer::Length(1), Answer::Length(1)]),
        (
            room(8),
            vec![Answer::Nested(
                List::new(vec![LeafAnswer { kind: LABEL, value: LeafAnswerValue::Length(1) }]).unwrap(),
            )],
        ),
    ];
    for (attribute, answers) in bad {
        assert_eq!(get(&fake, &mut [attribute], Rv::OK, answers), CKR_DEVICE_ERROR);
        assert_eq!(value, [0; 8]);
    }
}
