//! Null and absurd arguments: refused before they are read, and the operation that they belong to ends.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ptr::{null_mut, without_provenance_mut};

use claviger::c_api::*;
use cryptoki_sys::*;
use wire::MechanismId;
use wire::frame::MAX_DATA;

use fake::module::{Module, attribute, mechanism, open_session};
use fake::{CUT, Fake, LABEL, LABEL_BOUND};

mod fake;

/// Lengths that nobody means.
const ABSURD: [CK_ULONG; 5] = [MAX_DATA + 1, 1 << 32, (1 << 32) + 8, CK_ULONG::MAX / 2 + 1, CK_ULONG::MAX];

/// Checks that each call answers the code.
macro_rules! answers {
    ($rv:ident: $($call:expr;)*) => {$(assert_eq!(unsafe { $call }, $rv, stringify!($call));)*};
}

#[test]
fn null_where_an_answer_should_go_is_refused() {
    let _fake = Fake::start();
    let module = Module::new();
    let s = module.open_session();
    let m = &mut mechanism(MechanismId(1));
    let (n, mut buffer, len) = (&mut 0, [0u8; 64], &mut 64);
    let b = buffer.as_mut_ptr();
    let t = &mut attribute(0, &[]);
    answers! { CKR_ARGUMENTS_BAD:
        C_GetInfo(null_mut());
        C_GetFunctionList(null_mut());
        C_GetInterfaceList(null_mut(), null_mut());
        C_GetInterface(null_mut(), null_mut(), null_mut(), 0);
        C_GetSlotList(CK_TRUE, n, null_mut());
        C_GetSlotInfo(0, null_mut());
        C_GetTokenInfo(0, null_mut());
        C_GetMechanismList(0, n, null_mut());
        C_GetMechanismInfo(0, 1, null_mut());
        C_InitToken(0, b, 4, null_mut());
        C_InitToken(0, null_mut(), 4, b);
        C_WaitForSlotEvent(CKF_DONT_BLOCK, null_mut(), null_mut());
        C_WaitForSlotEvent(CKF_DONT_BLOCK, n, b.cast());
        C_OpenSession(0, CKF_SERIAL_SESSION, null_mut(), None, null_mut());
        C_GetSessionInfo(s, null_mut());
        C_InitPIN(s, null_mut(), 4);
        C_SetPIN(s, null_mut(), 4, b, 4);
        C_SetPIN(s, b, 4, null_mut(), 4);
        C_Login(s, CKU_USER, null_mut(), 4);
        C_Login(s, CKU_USER, null_mut(), 0);
        C_LoginUser(s, CKU_USER, null_mut(), 4, b, 4);
        C_LoginUser(s, CKU_USER, b, 4, null_mut(), 4);
        C_GetOperationState(s, b, null_mut());
        C_SetOperationState(s, null_mut(), 5, 0, 0);
        C_CreateObject(s, null_mut(), 1, n);
        C_CreateObject(s, t, 1, null_mut());
        C_CopyObject(s, 1, null_mut(), 1, n);
        C_CopyObject(s, 1, t, 1, null_mut());
        C_GetObjectSize(s, 1, null_mut());
        C_GetAttributeValue(s, 1, null_mut(), 1);
        C_SetAttributeValue(s, 1, null_mut(), 1);
        C_FindObjectsInit(s, null_mut(), 1);
        C_FindObjects(s, null_mut(), 1, len);
        C_FindObjects(s, n, 1, null_mut());
        C_GenerateKey(s, null_mut(), t, 1, n);
        C_GenerateKey(s, m, null_mut(), 1, n);
        C_GenerateKey(s, m, t, 1, null_mut());
        C_GenerateKeyPair(s, null_mut(), t, 1, t, 1, n, len);
        C_GenerateKeyPair(s, m, null_mut(), 1, t, 1, n, len);
        C_GenerateKeyPair(s, m, t, 1, null_mut(), 1, n, len);
        C_GenerateKeyPair(s, m, t, 1, t, 1, null_mut(), len);
        C_GenerateKeyPair(s, m, t, 1, t, 1, n, null_mut());
        C_WrapKey(s, null_mut(), 1, 1, b, len);
        C_WrapKey(s, m, 1, 1, b, null_mut());
        C_UnwrapKey(s, null_mut(), 1, b, 4, t, 1, n);
        C_UnwrapKey(s, m, 1, null_mut(), 4, t, 1, n);
        C_UnwrapKey(s, m, 1, b, 4, null_mut(), 1, n);
        C_UnwrapKey(s, m, 1, b, 4, t, 1, null_mut());
        C_DeriveKey(s, null_mut(), 1, t, 1, n);
        C_DeriveKey(s, m, 1, null_mut(), 1, n);
        C_DeriveKey(s, m, 1, t, 1, null_mut());
        C_SeedRandom(s, null_mut(), 4);
        C_GenerateRandom(s, null_mut(), 4);
        C_GenerateRandom(s, null_mut(), 0);
    }
    assert_eq!(unsafe { C_GetSessionInfo(s, &mut CK_SESSION_INFO::default()) }, CKR_OK);
}

#[test]
fn a_length_that_nobody_means_is_refused_unread() {
    let _fake = Fake::start();
    let module = Module::new();
    let s = module.open_session();
    let m = &mut mechanism(MechanismId(1));
    let (n, mut buffer) = (&mut 0, [0u8; 64]);
    let b = buffer.as_mut_ptr();
    let t = &mut attribute(0, &[]);
    for absurd in ABSURD {
        answers! { CKR_PIN_LEN_RANGE:
            C_InitToken(0, b, absurd, b);
            C_InitPIN(s, b, absurd);
            C_SetPIN(s, b, absurd, b, 4);
            C_SetPIN(s, b, 4, b, absurd);
            C_Login(s, CKU_USER, b, absurd);
            C_LoginUser(s, CKU_USER, b, absurd, b, 4);
        }
        answers! { CKR_SAVED_STATE_INVALID: C_SetOperationState(s, b, absurd, 0, 0); }
        answers! { CKR_WRAPPED_KEY_LEN_RANGE: C_UnwrapKey(s, m, 1, b, absurd, t, 1, n); }
        answers! { CKR_ARGUMENTS_BAD:
            C_CreateObject(s, t, absurd, n);
            C_CopyObject(s, 1, t, absurd, n);
            C_GetAttributeValue(s, 1, t, absurd);
            C_SetAttributeValue(s, 1, t, absurd);
            C_FindObjectsInit(s, t, absurd);
            C_GenerateKey(s, m, t, absurd, n);
            C_GenerateKeyPair(s, m, t, absurd, t, 1, n, &mut 0);
            C_GenerateKeyPair(s, m, t, 1, t, absurd, n, &mut 0);
            C_UnwrapKey(s, m, 1, b, 4, t, absurd, n);
            C_DeriveKey(s, m, 1, t, absurd, n);
            C_SeedRandom(s, b, absurd);
            C_LoginUser(s, CKU_USER, b, 4, b, absurd);
        }
        let mut too_long = CK_ATTRIBUTE { ulValueLen: absurd, ..attribute(0, b"x") };
        let mut nested = CK_ATTRIBUTE { ulValueLen: absurd / 24 * 24, ..attribute(CKA_WRAP_TEMPLATE, b"x") };
        answers! { CKR_ATTRIBUTE_VALUE_INVALID: C_CreateObject(s, &raw mut too_long, 1, n); }
        answers! { CKR_ARGUMENTS_BAD:
            C_CreateObject(s, &raw mut nested, 1, n);
            C_GetAttributeValue(s, 1, &raw mut nested, 1);
        }
    }
    for absurd in [(256 << 20) + 1, 1 << 32, CK_ULONG::MAX] {
        answers! { CKR_ARGUMENTS_BAD: C_GenerateRandom(s, b, absurd); }
    }
    answers! { CKR_PIN_LEN_RANGE: C_Login(s, CKU_USER, [1u8; 257].as_mut_ptr(), 257); }
    answers! { CKR_PIN_INCORRECT: C_Login(s, CKU_USER, [1u8; 256].as_mut_ptr(), 256); }
}

#[test]
fn a_value_over_its_attribute_s_bound_is_refused_before_it_is_read() {
    let _fake = Fake::start();
    let module = Module::new();
    let (s, mut object) = (module.open_session(), 0);
    let page = without_provenance_mut(4096);
    for (kind, len) in [(LABEL.0, u64::from(LABEL_BOUND) + 1), (0x99, (1 << 20) + 1)] {
        // Reading even one byte would end the test: nothing is there.
        let mut attribute = CK_ATTRIBUTE { type_: kind, pValue: page, ulValueLen: len };
        answers! { CKR_ATTRIBUTE_VALUE_INVALID: C_CreateObject(s, &raw mut attribute, 1, &raw mut object); }
    }
    let mut fits = attribute(LABEL.0, &[b'x'; LABEL_BOUND as usize]);
    answers! { CKR_OK: C_CreateObject(s, &raw mut fits, 1, &raw mut object); }
}

#[test]
fn templates_that_are_too_much_together_are_refused_and_the_connection_stays() {
    let fake = Fake::start();
    let module = Module::new();
    let (s, value) = (module.open_session(), vec![1; 1 << 20]);
    let mut template: Vec<_> = (0..17).map(|kind| attribute(0x100 + kind, &value)).collect();
    let (m, t) = (&mut mechanism(MechanismId(1)), template.as_mut_ptr());
    answers! { CKR_ARGUMENTS_BAD:
        C_CreateObject(s, t, 17, &mut 0);
        C_GenerateKeyPair(s, m, t, 9, t, 9, &mut 0, &mut 0);
    }
    answers! { CKR_OK: C_GenerateKeyPair(s, m, t, 7, t, 7, &mut 0, &mut 0); }
    assert_eq!(fake.state.connected.load(std::sync::atomic::Ordering::SeqCst), 1);
}

type Init = unsafe extern "C" fn(CK_SESSION_HANDLE, *mut CK_MECHANISM, CK_OBJECT_HANDLE) -> CK_RV;

unsafe extern "C" fn digest_init(s: CK_SESSION_HANDLE, m: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE) -> CK_RV {
    unsafe { C_DigestInit(s, m) }
}

/// Begins each operation, makes the call that is refused, and looks whether the operation is still there.
fn ends(inits: &[Init], rv: CK_RV, name: &str, call: impl Fn(CK_SESSION_HANDLE) -> CK_RV) {
    let s = open_session().unwrap();
    for init in inits {
        assert_eq!(unsafe { init(s, &mut mechanism(MechanismId(1)), 1) }, CKR_OK);
    }
    assert_eq!(call(s), rv, "{name}");
    for init in inits {
        assert_eq!(unsafe { init(s, null_mut(), 0) }, CKR_OPERATION_NOT_INITIALIZED, "{name}");
    }
    // Of a session that is none, that is said.
    assert_eq!(call(CK_ULONG::MAX), CKR_SESSION_HANDLE_INVALID, "{name}");
    assert_eq!(unsafe { C_CloseSession(s) }, CKR_OK);
}

#[test]
fn a_refused_argument_ends_the_operation() {
    let _fake = Fake::start();
    let _module = Module::new();
    let mut buffer = [0u8; 64];
    let b = buffer.as_mut_ptr();
    macro_rules! ends {
        ($([$($init:path),*] $rv:ident $name:ident($($arg:expr),*);)*) => {$(
            ends(&[$($init),*], $rv, stringify!($name($($arg),*)), |s| unsafe { $name(s, $($arg),*) });
        )*};
    }
    ends! {
        [C_EncryptInit] CKR_ARGUMENTS_BAD C_Encrypt(null_mut(), 4, b, &mut 64);
        [C_EncryptInit] CKR_ARGUMENTS_BAD C_Encrypt(b, 4, b, null_mut());
        [C_EncryptInit] CKR_ARGUMENTS_BAD C_EncryptUpdate(null_mut(), 4, b, &mut 64);
        [C_EncryptInit] CKR_ARGUMENTS_BAD C_EncryptUpdate(b, 4, b, null_mut());
        [C_EncryptInit] CKR_ARGUMENTS_BAD C_EncryptFinal(b, null_mut());
        [C_DecryptInit] CKR_ARGUMENTS_BAD C_Decrypt(null_mut(), 4, b, &mut 64);
        [C_DecryptInit] CKR_ARGUMENTS_BAD C_Decrypt(b, 4, b, null_mut());
        [C_DecryptInit] CKR_ARGUMENTS_BAD C_DecryptUpdate(null_mut(), 4, b, &mut 64);
        [C_DecryptInit] CKR_ARGUMENTS_BAD C_DecryptFinal(b, null_mut());
        [digest_init] CKR_ARGUMENTS_BAD C_Digest(null_mut(), 4, b, &mut 64);
        [digest_init] CKR_ARGUMENTS_BAD C_Digest(b, 4, b, null_mut());
        [digest_init] CKR_ARGUMENTS_BAD C_DigestUpdate(null_mut(), 4);
        [digest_init] CKR_ARGUMENTS_BAD C_DigestFinal(b, null_mut());
        [C_SignInit] CKR_ARGUMENTS_BAD C_Sign(null_mut(), 4, b, &mut 64);
        [C_SignInit] CKR_ARGUMENTS_BAD C_Sign(b, 4, b, null_mut());
        [C_SignInit] CKR_ARGUMENTS_BAD C_SignUpdate(null_mut(), 4);
        [C_SignInit] CKR_ARGUMENTS_BAD C_SignFinal(b, null_mut());
        [C_SignRecoverInit] CKR_ARGUMENTS_BAD C_SignRecover(null_mut(), 4, b, &mut 64);
        [C_VerifyInit] CKR_ARGUMENTS_BAD C_Verify(null_mut(), 4, b, 4);
        [C_VerifyInit] CKR_ARGUMENTS_BAD C_Verify(b, 4, null_mut(), 4);
        [C_VerifyInit] CKR_ARGUMENTS_BAD C_VerifyUpdate(null_mut(), 4);
        [C_VerifyInit] CKR_ARGUMENTS_BAD C_VerifyFinal(null_mut(), 4);
        [C_VerifyRecoverInit] CKR_ARGUMENTS_BAD C_VerifyRecover(b, 4, b, null_mut());
        [digest_init, C_EncryptInit] CKR_ARGUMENTS_BAD C_DigestEncryptUpdate(null_mut(), 4, b, &mut 64);
        [digest_init, C_DecryptInit] CKR_ARGUMENTS_BAD C_DecryptDigestUpdate(b, 4, b, null_mut());
        [C_SignInit, C_EncryptInit] CKR_ARGUMENTS_BAD C_SignEncryptUpdate(null_mut(), 4, b, &mut 64);
        [C_VerifyInit, C_DecryptInit] CKR_ARGUMENTS_BAD C_DecryptVerifyUpdate(null_mut(), 4, b, &mut 64);
    }
    for absurd in ABSURD {
        ends! {
            [C_EncryptInit] CKR_DATA_LEN_RANGE C_Encrypt(b, absurd, b, &mut 64);
            [C_EncryptInit] CKR_DATA_LEN_RANGE C_EncryptUpdate(b, absurd, b, &mut 64);
            [C_DecryptInit] CKR_ENCRYPTED_DATA_LEN_RANGE C_Decrypt(b, absurd, b, &mut 64);
            [C_DecryptInit] CKR_ENCRYPTED_DATA_LEN_RANGE C_DecryptUpdate(b, absurd, b, &mut 64);
            [digest_init] CKR_DATA_LEN_RANGE C_Digest(b, absurd, b, &mut 64);
            [digest_init] CKR_DATA_LEN_RANGE C_DigestUpdate(b, absurd);
            [C_SignInit] CKR_DATA_LEN_RANGE C_Sign(b, absurd, b, &mut 64);
            [C_SignInit] CKR_DATA_LEN_RANGE C_SignUpdate(b, absurd);
            [C_SignRecoverInit] CKR_DATA_LEN_RANGE C_SignRecover(b, absurd, b, &mut 64);
            [C_VerifyInit] CKR_DATA_LEN_RANGE C_Verify(b, absurd, b, 4);
            [C_VerifyInit] CKR_SIGNATURE_LEN_RANGE C_Verify(b, 4, b, absurd);
            [C_VerifyInit] CKR_DATA_LEN_RANGE C_VerifyUpdate(b, absurd);
            [C_VerifyInit] CKR_SIGNATURE_LEN_RANGE C_VerifyFinal(b, absurd);
            [C_VerifyRecoverInit] CKR_SIGNATURE_LEN_RANGE C_VerifyRecover(b, absurd, b, &mut 64);
            [digest_init, C_EncryptInit] CKR_DATA_LEN_RANGE C_DigestEncryptUpdate(b, absurd, b, &mut 64);
            [digest_init, C_DecryptInit] CKR_ENCRYPTED_DATA_LEN_RANGE
                C_DecryptDigestUpdate(b, absurd, b, &mut 64);
        }
    }
}

#[test]
fn a_length_query_and_a_short_buffer_leave_the_operation_open() {
    let _fake = Fake::start();
    let module = Module::new();
    let s = module.signing();
    let (mut data, mut buffer, mut len) = (*b"data", [0u8; 64], 0);
    unsafe {
        let d = data.as_mut_ptr();
        assert_eq!(C_Sign(s, d, 4, null_mut(), &raw mut len), CKR_OK);
        let needed = len;
        assert!(needed > 4);
        len = needed - 1;
        assert_eq!(C_Sign(s, d, 4, buffer.as_mut_ptr(), &raw mut len), CKR_BUFFER_TOO_SMALL);
        assert_eq!((len, buffer), (needed, [0; 64]));
        len = CK_ULONG::MAX;
        assert_eq!(C_Sign(s, d, 4, buffer.as_mut_ptr(), &raw mut len), CKR_OK);
        assert_eq!(len, needed);
        assert!(buffer[..needed as usize].ends_with(b"data"));
        assert_eq!(C_Sign(s, d, 4, buffer.as_mut_ptr(), &raw mut len), CKR_OPERATION_NOT_INITIALIZED);
    }
    assert_ne!(CUT, data);
}

#[test]
fn data_may_be_as_long_as_a_frame_allows_and_lie_where_the_output_goes() {
    let _fake = Fake::start();
    let module = Module::new();
    let s = module.open_session();
    for size in [0, 1, 1000, 16 << 10, 1 << 20, MAX_DATA as usize] {
        let mut data: Vec<u8> = (0..size).map(|index| index as u8).collect();
        let reversed: Vec<u8> = data.iter().rev().copied().collect();
        let mut len = size as CK_ULONG;
        let d = data.as_mut_ptr();
        answers! { CKR_OK:
            C_EncryptInit(s, &mut mechanism(MechanismId(1)), 1);
            C_Encrypt(s, d, len, d, &raw mut len);
        }
        assert_eq!(len, size as CK_ULONG);
        assert!(data == reversed);
    }
}

#[test]
fn random_bytes_come_in_pieces_straight_to_the_caller() {
    let _fake = Fake::start();
    let module = Module::new();
    let s = module.open_session();
    let mut random = vec![0; (3 << 20) + 5];
    answers! { CKR_OK: C_GenerateRandom(s, random.as_mut_ptr(), (3 << 20) + 4); }
    assert!(random[..(3 << 20) + 4].iter().all(|byte| *byte == 0x5a));
    assert_eq!(random[(3 << 20) + 4], 0);
    answers! { CKR_SESSION_HANDLE_INVALID: C_GenerateRandom(1, random.as_mut_ptr(), 0); }
}

#[test]
fn a_search_brings_as_many_as_are_asked_for_over_however_many_trips() {
    let fake = Fake::start();
    let module = Module::new();
    let (s, mut count) = (module.open_session(), 0);
    fake.state.objects.store(10_000, std::sync::atomic::Ordering::SeqCst);
    let mut found = vec![0; 20_000];
    let f = found.as_mut_ptr();
    answers! { CKR_OK: C_FindObjectsInit(s, null_mut(), 0); C_FindObjects(s, f, 9_000, &raw mut count); }
    assert_eq!(count, 9_000);
    answers! { CKR_OK: C_FindObjects(s, f.wrapping_add(9_000), CK_ULONG::MAX, &raw mut count); }
    assert_eq!(count, 1_000);
    assert!(found[..10_000].iter().copied().eq(0..10_000));
    answers! { CKR_OK: C_FindObjects(s, f, 5, &raw mut count); C_FindObjectsFinal(s); }
    assert_eq!(count, 0);
}

#[test]
fn lists_are_asked_for_in_two_calls() {
    let _fake = Fake::start();
    let _module = Module::new();
    let (mut count, mut list) = (0, [99; 4]);
    unsafe {
        assert_eq!(C_GetMechanismList(0, null_mut(), &raw mut count), CKR_OK);
        assert_eq!(count, 3);
        count = 2;
        assert_eq!(C_GetMechanismList(0, list.as_mut_ptr(), &raw mut count), CKR_BUFFER_TOO_SMALL);
        assert_eq!((count, list), (3, [99; 4]));
        count = CK_ULONG::MAX;
        assert_eq!(C_GetMechanismList(0, list.as_mut_ptr(), &raw mut count), CKR_OK);
        assert_eq!((count, list), (3, [fake::MADE_UP.0, 1, 2, 99]));
        count = 0;
        assert_eq!(C_GetSlotList(CK_TRUE, null_mut(), &raw mut count), CKR_OK);
        assert_eq!(count, 1);
    }
}
