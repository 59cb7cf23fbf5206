//! Long data goes out from the caller's memory, and long output comes straight into it.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use claviger::c_api::*;
use cryptoki_sys::*;
use wire::frame::MAX_DATA;
use wire::{MechanismId, Repeat};

use fake::module::{Module, mechanism};
use fake::watch::Watch;
use fake::{Fake, lock};

mod fake;

/// Lengths around those from which data and output are handled as long, and the longest.
const LENGTHS: [usize; 8] =
    [1, (16 << 10) - 1, 16 << 10, (16 << 10) + 1, 65_536, 1_000_003, 1 << 20, MAX_DATA as usize];
/// What stands behind the caller's buffer, and is not to be written to.
const GUARD: &[u8] = &[0xa5; 4096];

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + at / 251) as u8).collect()
}

fn init(session: CK_SESSION_HANDLE) {
    assert_eq!(unsafe { C_EncryptInit(session, &mut mechanism(MechanismId(1)), 1) }, CKR_OK);
}

/// Has the fake daemon reverse `data`, with room for so many bytes: in place, or in a buffer of its own.
fn reverse(session: CK_SESSION_HANDLE, data: &[u8], room: usize, in_place: bool) -> Result<Vec<u8>, CK_RV> {
    let mut memory = vec![0; room.max(data.len())];
    if in_place {
        memory[..data.len()].copy_from_slice(data);
    }
    let guard_at = memory.len();
    memory.extend_from_slice(GUARD);
    let from = if in_place { memory.as_mut_ptr() } else { data.as_ptr().cast_mut() };
    let mut len = room as CK_ULONG;
    let rv = unsafe { C_Encrypt(session, from, data.len() as CK_ULONG, memory.as_mut_ptr(), &raw mut len) };
    assert!(&memory[guard_at..] == GUARD, "written beyond the buffer");
    if rv == CKR_BUFFER_TOO_SMALL {
        assert_eq!(len, data.len() as CK_ULONG);
    }
    memory.truncate(len as usize);
    if rv == CKR_OK { Ok(memory) } else { Err(rv) }
}

fn reversed(data: &[u8]) -> Vec<u8> {
    data.iter().rev().copied().collect()
}

#[test]
fn data_of_any_length_goes_there_and_back_even_in_place() {
    let _fake = Fake::start();
    let module = Module::new();
    let session = module.open_session();
    for len in LENGTHS {
        let data = pattern(len);
        for in_place in [false, true] {
            init(session);
            let got = reverse(session, &data, len, in_place);
            assert!(got == Ok(reversed(&data)), "{len} bytes, in place: {in_place}");
        }
    }
}

#[test]
fn long_data_goes_with_the_init_that_was_kept() {
    let fake = Fake::start();
    *lock(&fake.state.watch) = Some(Arc::new(Watch::new(libc::F_SEAL_SHRINK)));
    *lock(&fake.state.repeat) = Repeat::Same;
    let module = Module::new();
    let session = module.open_session();
    let begun = |fake: &Fake| lock(&fake.state.calls).iter().filter(|name| **name == "C_EncryptInit").count();
    for (round, len) in LENGTHS.into_iter().enumerate() {
        let data = pattern(len);
        init(session);
        assert_eq!(begun(&fake), round.max(1), "all but the first are kept");
        assert!(reverse(session, &data, len, true) == Ok(reversed(&data)), "{len} bytes");
        assert_eq!(begun(&fake), round + 1);
    }
}

#[test]
fn long_output_that_does_not_fit_leaves_the_operation_open() {
    let _fake = Fake::start();
    let module = Module::new();
    let session = module.open_session();
    for len in LENGTHS {
        let data = pattern(len);
        init(session);
        assert_eq!(reverse(session, &data, len - 1, false), Err(CKR_BUFFER_TOO_SMALL));
        assert!(reverse(session, &data, len + 1, false) == Ok(reversed(&data)), "{len} bytes");
    }
}

#[test]
fn output_longer_than_the_room_is_never_written() {
    let fake = Fake::start();
    let module = Module::new();
    let session = module.open_session();
    fake.state.reckless.store(true, SeqCst);
    for len in LENGTHS {
        init(session);
        let data = pattern(len);
        assert_eq!(reverse(session, &data, len - 1, true), Err(CKR_DEVICE_ERROR), "{len} bytes");
        init(session);
        assert!(reverse(session, &data, len, true) == Ok(reversed(&data)), "the connection is of use still");
    }
}

#[test]
fn an_answer_that_breaks_off_is_lost_and_its_call_is_not_sent_again() {
    let fake = Fake::start();
    let module = Module::new();
    for at in [3, 20, 5000, 100_000, (1 << 20) - 1] {
        let session = module.open_session();
        init(session);
        lock(&fake.state.calls).clear();
        *lock(&fake.state.cut_at) = Some(at);
        assert_eq!(reverse(session, &pattern(1 << 20), 1 << 20, true), Err(CKR_DEVICE_REMOVED), "at {at}");
        *lock(&fake.state.cut_at) = None;
        fake.until(|state| state.open.load(SeqCst) == 0);
        assert_eq!(*lock(&fake.state.calls), ["C_Encrypt"], "at {at}");
    }
}
