//! Initialisation, lists of slots and mechanisms, and what the module says about itself.

use std::ptr::null_mut;

use cryptoki_sys as ck;

use super::{Checked, Group, State, hold, want, want_error};
use crate::module::invoke;
use crate::names::Rv;

unsafe extern "C" fn create(mutex: *mut *mut std::ffi::c_void) -> ck::CK_RV {
    let lock = Box::into_raw(Box::new(0u64));
    // SAFETY: the module hands a place for one pointer.
    unsafe { *mutex = lock.cast() };
    ck::CKR_OK
}

unsafe extern "C" fn accept(_: *mut std::ffi::c_void) -> ck::CK_RV {
    ck::CKR_OK
}

fn arguments(callbacks: [bool; 4], flags: u64) -> ck::CK_C_INITIALIZE_ARGS {
    let [one, two, three, four] = callbacks;
    ck::CK_C_INITIALIZE_ARGS {
        CreateMutex: one.then_some(create as _),
        DestroyMutex: two.then_some(accept as _),
        LockMutex: three.then_some(accept as _),
        UnlockMutex: four.then_some(accept as _),
        flags,
        pReserved: null_mut(),
    }
}

pub(super) fn checks(group: &mut Group<'_>) {
    group.add(State::Loaded, "C_Initialize with a null pointer", |bench| {
        want(bench.module.initialize_with(None), &[ck::CKR_OK])
    });
    group.add(State::Loaded, "C_Initialize with CKF_OS_LOCKING_OK", |bench| {
        want(bench.module.initialize(), &[ck::CKR_OK])
    });
    group.add(State::Loaded, "C_Initialize for one thread", |bench| {
        want(bench.module.initialize_with(Some(arguments([false; 4], 0))), &[ck::CKR_OK])
    });
    group.add(State::Loaded, "C_Initialize with all mutex callbacks", |bench| {
        want(bench.module.initialize_with(Some(arguments([true; 4], 0))), &[ck::CKR_OK, ck::CKR_CANT_LOCK])
    });
    group.add(State::Loaded, "C_Initialize with all mutex callbacks and CKF_OS_LOCKING_OK", |bench| {
        want(bench.module.initialize_with(Some(arguments([true; 4], ck::CKF_OS_LOCKING_OK))), &[ck::CKR_OK])
    });
    for missing in 0..4 {
        group.add(
            State::Loaded,
            format!("C_Initialize without mutex callback {}", missing + 1),
            move |bench| {
                let mut callbacks = [true; 4];
                callbacks[missing] = false;
                want(bench.module.initialize_with(Some(arguments(callbacks, 0))), &[ck::CKR_ARGUMENTS_BAD])
            },
        );
    }
    group.add(State::Initialized, "a second C_Initialize", |bench| {
        want(bench.module.initialize(), &[ck::CKR_CRYPTOKI_ALREADY_INITIALIZED])
    });
    group.add(State::Loaded, "C_Finalize before C_Initialize", |bench| {
        want(bench.module.finalize(), &[ck::CKR_CRYPTOKI_NOT_INITIALIZED])
    });
    group.add(State::Initialized, "C_Finalize with a reserved pointer", |bench| {
        let mut word = 0u64;
        let rv = invoke!(bench.module.functions().C_Finalize, (&raw mut word).cast());
        want(rv, &[ck::CKR_ARGUMENTS_BAD])
    });
    group.add(State::Loaded, "C_Initialize and C_Finalize fifty times", |bench| {
        for _ in 0..50 {
            want(bench.module.initialize(), &[ck::CKR_OK])?;
            want(bench.module.finalize(), &[ck::CKR_OK])?;
        }
        want(bench.module.finalize(), &[ck::CKR_CRYPTOKI_NOT_INITIALIZED])
    });
    group.add(State::User, "C_Finalize ends sessions and logins", |bench| {
        want(bench.module.finalize(), &[ck::CKR_OK])?;
        want_error(bench.session.info(), &[ck::CKR_CRYPTOKI_NOT_INITIALIZED])?;
        want(bench.module.initialize(), &[ck::CKR_OK])?;
        want_error(bench.session.info(), &[ck::CKR_SESSION_HANDLE_INVALID])?;
        let session = crate::session::Session::open(bench.module, bench.slot)?;
        let state = session.info()?.state;
        hold(state == ck::CKS_RW_PUBLIC_SESSION, "CKS_RW_PUBLIC_SESSION", state)
    });
    group.add(State::Initialized, "C_GetInfo names a version and blank-padded texts", |bench| {
        let mut info = ck::CK_INFO::default();
        Rv::ok(invoke!(bench.module.functions().C_GetInfo, &raw mut info))?;
        let version = (info.cryptokiVersion.major, info.cryptokiVersion.minor);
        hold((2..=3).contains(&version.0), "version 2 or 3", version.0)?;
        let texts = [&info.manufacturerID, &info.libraryDescription];
        hold(texts.iter().all(|text| !text.contains(&0)), "texts without null bytes", "a null byte")?;
        hold(info.flags == 0, "flags 0", info.flags)
    });
    group.add(State::Loaded, "the function list has every function", |bench| {
        let list = bench.module.functions();
        let present =
            list.C_Initialize.is_some() && list.C_WaitForSlotEvent.is_some() && list.C_SignRecover.is_some();
        hold(present, "no null entries", "a null entry")?;
        hold(list.version.major == 2, "version 2.x in the 2.40 list", list.version.major)
    });
    group.add(State::Loaded, "C_GetFunctionList before C_Initialize, and the same again", |bench| {
        let mut list: *mut ck::CK_FUNCTION_LIST = null_mut();
        Rv::ok(invoke!(bench.module.functions().C_GetFunctionList, &raw mut list))?;
        hold(std::ptr::eq(list, bench.module.functions()), "the same list", "another")
    });
    group.add(State::Loaded, "C_GetFunctionList with a null pointer", |bench| {
        let rv = invoke!(bench.module.functions().C_GetFunctionList, null_mut());
        want(rv, &[ck::CKR_ARGUMENTS_BAD])
    });
    slots(group);
    mechanisms(group);
}

fn slots(group: &mut Group<'_>) {
    group.add(State::Initialized, "C_GetSlotList into no room", |bench| {
        let (rv, count) = bench.module.slot_list(false, Some(0));
        want(rv, &[ck::CKR_BUFFER_TOO_SMALL])?;
        hold(count > 0, "the number of slots", count)
    });
    group.add(State::Initialized, "C_GetSlotList asked for the number", |bench| {
        let (rv, all) = bench.module.slot_list(false, None);
        want(rv, &[ck::CKR_OK])?;
        let (rv, with_token) = bench.module.slot_list(true, None);
        want(rv, &[ck::CKR_OK])?;
        hold(with_token <= all && with_token > 0, "no more slots with a token than slots", with_token)
    });
    group.add(State::Initialized, "C_GetSlotList into more room than needed", |bench| {
        let (rv, count) = bench.module.slot_list(true, Some(4096));
        want(rv, &[ck::CKR_OK])?;
        hold(count < 4096, "the number of slots", count)
    });
    group.add(State::Initialized, "C_GetTokenInfo of a slot that is not there", |bench| {
        want_error(bench.module.token_info(0xdead_beef), &[ck::CKR_SLOT_ID_INVALID])
    });
    group.add(State::Initialized, "C_GetSlotInfo of a slot that is not there", |bench| {
        let mut info = ck::CK_SLOT_INFO::default();
        let rv = invoke!(bench.module.functions().C_GetSlotInfo, u64::MAX, &raw mut info);
        want(rv, &[ck::CKR_SLOT_ID_INVALID])
    });
    group.add(State::Initialized, "C_OpenSession on a slot that is not there", |bench| {
        want_error(bench.module.open(0xdead_beef, ck::CKF_SERIAL_SESSION), &[ck::CKR_SLOT_ID_INVALID])
    });
    group.add(State::Initialized, "C_GetTokenInfo flags of a token ready for use", |bench| {
        let flags = bench.module.token_info(bench.slot)?.flags;
        for (name, flag) in [
            ("CKF_TOKEN_INITIALIZED", ck::CKF_TOKEN_INITIALIZED),
            ("CKF_USER_PIN_INITIALIZED", ck::CKF_USER_PIN_INITIALIZED),
            ("CKF_LOGIN_REQUIRED", ck::CKF_LOGIN_REQUIRED),
            ("CKF_RNG", ck::CKF_RNG),
        ] {
            hold(flags & flag != 0, name, format!("{flags:#x}"))?;
        }
        hold(flags & ck::CKF_USER_PIN_LOCKED == 0, "a PIN that is not locked", format!("{flags:#x}"))
    });
    group.add(State::Initialized, "C_WaitForSlotEvent that does not block", |bench| {
        let mut slot = 0;
        let function = bench.module.functions().C_WaitForSlotEvent;
        let rv = invoke!(function, ck::CKF_DONT_BLOCK, &raw mut slot, null_mut());
        want(rv, &[ck::CKR_NO_EVENT, ck::CKR_OK, ck::CKR_FUNCTION_NOT_SUPPORTED])
    });
    group.add(State::Public, "C_GetFunctionStatus and C_CancelFunction", |bench| {
        let (status, cancel) = bench.session.legacy();
        want(status, &[ck::CKR_FUNCTION_NOT_PARALLEL])?;
        want(cancel, &[ck::CKR_FUNCTION_NOT_PARALLEL])
    });
}

fn mechanisms(group: &mut Group<'_>) {
    group.add(State::Initialized, "C_GetMechanismInfo of a mechanism that is not there", |bench| {
        want_error(bench.module.mechanism_info(bench.slot, 0x7fff_fff0), &[ck::CKR_MECHANISM_INVALID])
    });
    group.add(State::Initialized, "C_GetMechanismInfo of every mechanism in the list", |bench| {
        for id in bench.module.mechanisms(bench.slot)? {
            let info = bench.module.mechanism_info(bench.slot, id)?;
            let name = format!("mechanism {id:#x}: {} to {}", info.ulMinKeySize, info.ulMaxKeySize);
            hold(info.ulMinKeySize <= info.ulMaxKeySize, "a least key size up to a greatest", &name)?;
            hold(info.flags & !ck::CKF_HW != 0, "a use for each mechanism", &name)?;
        }
        Ok(())
    });
    group.add(State::Initialized, "the mechanism list has no doubles", |bench| {
        let mut list = bench.module.mechanisms(bench.slot)?;
        let all = list.len();
        list.sort_unstable();
        list.dedup();
        hold(list.len() == all, "each mechanism once", format!("{} doubles", all - list.len()))
    });
    group.add(State::Public, "C_GenerateRandom gives other bytes each time", |bench| {
        let (rv, one) = bench.module.random(bench.session.handle, 32, 32);
        rv.ok()?;
        let (rv, two) = bench.module.random(bench.session.handle, 32, 32);
        rv.ok()?;
        hold(one != two && one != [0; 32], "random bytes", format!("{one:x?}"))
    });
    group.add(State::Public, "C_GenerateRandom of nothing", no_random);
}

fn no_random(bench: &super::Bench) -> Checked {
    want(bench.module.random(bench.session.handle, 1, 0).0, &[ck::CKR_OK, ck::CKR_ARGUMENTS_BAD])
}
