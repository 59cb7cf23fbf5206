//! Starting and ending, the lists of functions, and the information structures.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ffi::{CStr, c_void};
use std::ptr::{null_mut, without_provenance_mut};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use claviger::c_api::table::{FUNCTIONS, Support};
use claviger::c_api::*;
use cryptoki_sys::*;

use fake::Fake;
use fake::module::{Module, open_session, slots};

mod fake;

#[test]
fn nothing_but_the_lists_works_before_initialize_and_after_finalize() {
    let _fake = Fake::start();
    let dead = || unsafe {
        let mut info = CK_INFO::default();
        assert_eq!(C_GetInfo(&raw mut info), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_Finalize(null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(slots(), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
        assert_eq!(open_session(), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
        assert_eq!(C_GetFunctionStatus(1), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_MessageSignFinal(1), CKR_CRYPTOKI_NOT_INITIALIZED);
        let (mut list, mut interface) = (null_mut(), null_mut());
        assert_eq!(C_GetFunctionList(&raw mut list), CKR_OK);
        assert_eq!(C_GetInterface(null_mut(), null_mut(), &raw mut interface, 0), CKR_OK);
    };
    dead();
    for _ in 0..3 {
        let module = Module::new();
        assert_eq!(slots(), Ok(vec![0, 7]));
        drop(module);
        dead();
    }
}

#[test]
fn a_second_initialize_is_refused_and_a_reserved_pointer_too() {
    let _fake = Fake::start();
    let _module = Module::new();
    unsafe {
        assert_eq!(C_Initialize(null_mut()), CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_eq!(C_Finalize(without_provenance_mut(1)), CKR_ARGUMENTS_BAD);
    }
    assert_eq!(slots(), Ok(vec![0, 7]));
}

static CREATED: AtomicUsize = AtomicUsize::new(0);
static DESTROYED: AtomicUsize = AtomicUsize::new(0);
static LOCKED: AtomicUsize = AtomicUsize::new(0);
static UNLOCKED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn create(mutex: *mut *mut c_void) -> CK_RV {
    CREATED.fetch_add(1, SeqCst);
    unsafe { mutex.write(without_provenance_mut(42)) };
    CKR_OK
}
unsafe extern "C" fn create_fails(_: *mut *mut c_void) -> CK_RV {
    CKR_HOST_MEMORY
}
unsafe extern "C" fn destroy(mutex: *mut c_void) -> CK_RV {
    assert_eq!(mutex.addr(), 42);
    DESTROYED.fetch_add(1, SeqCst);
    CKR_OK
}
unsafe extern "C" fn lock(mutex: *mut c_void) -> CK_RV {
    assert_eq!(mutex.addr(), 42);
    LOCKED.fetch_add(1, SeqCst);
    CKR_OK
}
unsafe extern "C" fn unlock(_: *mut c_void) -> CK_RV {
    UNLOCKED.fetch_add(1, SeqCst);
    CKR_OK
}
unsafe extern "C" fn fails(_: *mut c_void) -> CK_RV {
    CKR_MUTEX_BAD
}

fn arguments(flags: CK_FLAGS) -> CK_C_INITIALIZE_ARGS {
    CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create),
        DestroyMutex: Some(destroy),
        LockMutex: Some(lock),
        UnlockMutex: Some(unlock),
        flags,
        pReserved: null_mut(),
    }
}

fn initialize(mut arguments: CK_C_INITIALIZE_ARGS) -> CK_RV {
    unsafe { C_Initialize((&raw mut arguments).cast()) }
}

#[test]
fn callbacks_are_used_when_the_system_s_locks_may_not_be() {
    let _fake = Fake::start();
    assert_eq!(initialize(arguments(0)), CKR_OK);
    assert_eq!(slots(), Ok(vec![0, 7]));
    unsafe { C_Finalize(null_mut()) };
    assert_eq!((CREATED.load(SeqCst), DESTROYED.load(SeqCst)), (1, 1));
    assert_eq!(LOCKED.load(SeqCst), 2, "one turn for each trip");
    assert_eq!(UNLOCKED.load(SeqCst), 2);
    assert_eq!(
        initialize(CK_C_INITIALIZE_ARGS { CreateMutex: Some(create_fails), ..arguments(0) }),
        CKR_HOST_MEMORY
    );
    assert_eq!(initialize(CK_C_INITIALIZE_ARGS { LockMutex: Some(fails), ..arguments(0) }), CKR_OK);
    assert_eq!(slots(), Err(CKR_GENERAL_ERROR));
    unsafe { C_Finalize(null_mut()) };
}

#[test]
fn callbacks_are_left_alone_when_the_system_s_locks_will_do() {
    let _fake = Fake::start();
    let before = CREATED.load(SeqCst);
    let failing = CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create_fails),
        DestroyMutex: Some(fails),
        LockMutex: Some(fails),
        UnlockMutex: Some(fails),
        ..arguments(CKF_OS_LOCKING_OK)
    };
    assert_eq!(initialize(failing), CKR_OK);
    assert_eq!(slots(), Ok(vec![0, 7]));
    unsafe { C_Finalize(null_mut()) };
    assert_eq!(CREATED.load(SeqCst), before);
}

#[test]
fn some_callbacks_without_the_others_are_refused() {
    let _fake = Fake::start();
    for flags in [0, CKF_OS_LOCKING_OK] {
        let all = arguments(flags);
        let partial = [
            CK_C_INITIALIZE_ARGS { CreateMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { DestroyMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { LockMutex: None, ..all },
            CK_C_INITIALIZE_ARGS { UnlockMutex: None, ..all },
        ];
        for arguments in partial {
            assert_eq!(initialize(arguments), CKR_ARGUMENTS_BAD);
        }
    }
}

fn reserved(pointer: *mut c_void) -> CK_C_INITIALIZE_ARGS {
    CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: CKF_OS_LOCKING_OK,
        pReserved: pointer,
    }
}

#[test]
fn the_reserved_pointer_may_name_the_socket() {
    let fake = Fake::start();
    // SAFETY: the tests run one after another.
    unsafe { std::env::remove_var("CLAVIGER_SOCKET") };
    let path = std::ffi::CString::new(fake.socket.to_str().unwrap()).unwrap();
    assert_eq!(initialize(reserved(path.as_ptr().cast_mut().cast())), CKR_OK);
    assert_eq!(slots(), Ok(vec![0, 7]));
    unsafe { C_Finalize(null_mut()) };
}

#[test]
fn the_environment_goes_before_the_reserved_pointer() {
    let _fake = Fake::start();
    assert_eq!(initialize(reserved(c"/nonexistent/socket".as_ptr().cast_mut().cast())), CKR_OK);
    assert_eq!(slots(), Ok(vec![0, 7]));
    unsafe { C_Finalize(null_mut()) };
}

#[test]
fn a_reserved_pointer_that_is_no_path_is_refused_without_harm() {
    let _fake = Fake::start();
    let long = vec![b'/'; 108];
    let long = [long.as_slice(), b"\0"].concat();
    let endless = vec![b'/'; 1 << 20];
    let bad: [*mut c_void; 7] = [
        without_provenance_mut(1),
        without_provenance_mut(usize::MAX),
        without_provenance_mut(0x7fff_ffff_f000),
        c"configdir=/etc".as_ptr().cast_mut().cast(),
        c"".as_ptr().cast_mut().cast(),
        long.as_ptr().cast_mut().cast(),
        endless.as_ptr().cast_mut().cast(),
    ];
    for pointer in bad {
        assert_eq!(initialize(reserved(pointer)), CKR_ARGUMENTS_BAD, "{pointer:?}");
    }
    assert_eq!(slots(), Err(CKR_CRYPTOKI_NOT_INITIALIZED));
}

#[test]
fn the_user_s_socket_is_found_in_the_runtime_folder() {
    let fake = Fake::start();
    let folder = fake.socket.parent().unwrap();
    std::fs::create_dir(folder.join("claviger")).unwrap();
    std::os::unix::fs::symlink(&fake.socket, folder.join("claviger/hsmd.sock")).unwrap();
    // SAFETY: the tests run one after another.
    unsafe {
        std::env::remove_var("CLAVIGER_SOCKET");
        std::env::set_var("XDG_RUNTIME_DIR", folder);
    }
    let _module = Module::new();
    assert_eq!(slots(), Ok(vec![0, 7]));
    unsafe { std::env::remove_var("XDG_RUNTIME_DIR") };
}

fn interface(name: Option<&CStr>, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Result<(u8, u8), CK_RV> {
    let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
    let mut found = null_mut();
    let rv = unsafe {
        C_GetInterface(
            name.map_or(null_mut(), |name| name.as_ptr().cast_mut().cast()),
            version.as_mut().map_or(null_mut(), std::ptr::from_mut),
            &raw mut found,
            flags,
        )
    };
    if rv != CKR_OK {
        return Err(rv);
    }
    let interface = unsafe { *found };
    assert_eq!(unsafe { CStr::from_ptr(interface.pInterfaceName.cast()) }, c"PKCS 11");
    let version = unsafe { *interface.pFunctionList.cast::<CK_VERSION>() };
    Ok((version.major, version.minor))
}

#[test]
fn an_interface_is_found_by_name_and_version() {
    let name = Some(c"PKCS 11");
    assert_eq!(interface(None, None, 0), Ok((3, 2)));
    assert_eq!(interface(name, None, 0), Ok((3, 2)));
    assert_eq!(interface(name, Some((3, 0)), 0), Ok((3, 0)));
    assert_eq!(interface(None, Some((2, 40)), 0), Ok((2, 40)));
    assert_eq!(interface(name, Some((3, 1)), 0), Err(CKR_ARGUMENTS_BAD));
    assert_eq!(interface(Some(c"PKCS 1"), None, 0), Err(CKR_ARGUMENTS_BAD));
    assert_eq!(interface(Some(c"PKCS 112"), None, 0), Err(CKR_ARGUMENTS_BAD));
    assert_eq!(interface(name, None, CKF_INTERFACE_FORK_SAFE), Err(CKR_ARGUMENTS_BAD));
}

#[test]
fn the_interfaces_are_listed_in_two_calls() {
    let mut count = 0;
    unsafe {
        assert_eq!(C_GetInterfaceList(null_mut(), null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetInterfaceList(null_mut(), &raw mut count), CKR_OK);
        assert_eq!(count, 3);
        let mut list = [CK_INTERFACE::default(); 3];
        count = 2;
        assert_eq!(C_GetInterfaceList(list.as_mut_ptr(), &raw mut count), CKR_BUFFER_TOO_SMALL);
        assert_eq!(count, 3);
        assert!(list[0].pFunctionList.is_null());
        assert_eq!(C_GetInterfaceList(list.as_mut_ptr(), &raw mut count), CKR_OK);
        let versions = list.map(|interface| *interface.pFunctionList.cast::<CK_VERSION>());
        assert_eq!(versions.map(|version| (version.major, version.minor)), [(3, 2), (3, 0), (2, 40)]);
    }
}

#[test]
fn every_list_holds_its_functions_in_the_order_of_the_standard() {
    let lists: [(*const u8, usize, &[&str]); 3] = [
        ((&raw const table::LIST_2_40).cast(), size_of::<CK_FUNCTION_LIST>(), &["2.40"]),
        ((&raw const table::LIST_3_0).cast(), size_of::<CK_FUNCTION_LIST_3_0>(), &["2.40", "3.0"]),
        ((&raw const table::LIST_3_2).cast(), size_of::<CK_FUNCTION_LIST_3_2>(), &["2.40", "3.0", "3.2"]),
    ];
    for (list, size, versions) in lists {
        let listed = FUNCTIONS.iter().filter(|function| versions.contains(&function.since));
        assert_eq!(size, 8 + 8 * listed.clone().count());
        for (index, function) in listed.enumerate() {
            let at = 8 + 8 * index;
            let here = unsafe { list.add(at).cast::<usize>().read() };
            let newest = unsafe { (&raw const table::LIST_3_2).cast::<u8>().add(at).cast::<usize>().read() };
            assert_eq!(here, newest, "{}", function.name);
            assert_ne!(here, 0);
        }
    }
}

/// The functions that the table marks say so when they are called, with whatever arguments.
#[test]
fn what_nothing_supports_says_so() {
    type Function = unsafe extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> CK_RV;
    let _fake = Fake::start();
    let _module = Module::new();
    let list = (&raw const table::LIST_3_2).cast::<u8>();
    let mut unsupported = 0;
    for (index, function) in FUNCTIONS.iter().enumerate() {
        let expected = match function.support {
            Support::Yes => continue,
            Support::No => CKR_FUNCTION_NOT_SUPPORTED,
            Support::Legacy => CKR_FUNCTION_NOT_PARALLEL,
        };
        // SAFETY: these functions use none of their arguments, which the caller of a C function clears up.
        let called = unsafe { list.add(8 + 8 * index).cast::<Function>().read() };
        assert_eq!(unsafe { called(1, 0, 0, 0, 0, 0, 0, 0, 0, 0) }, expected, "{}", function.name);
        unsupported += 1;
    }
    assert!(unsupported > 30);
}

#[test]
fn the_table_in_the_readme_is_the_table() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let rows: Vec<_> = readme.lines().filter(|line| line.starts_with("| `C_")).collect();
    let expected: Vec<_> = FUNCTIONS
        .iter()
        .map(|function| {
            let support = match function.support {
                Support::Yes => "yes",
                Support::No => "`CKR_FUNCTION_NOT_SUPPORTED`",
                Support::Legacy => "`CKR_FUNCTION_NOT_PARALLEL`",
            };
            format!("| `{}` | {} | {support} |", function.name, function.since)
        })
        .collect();
    assert_eq!(rows, expected, "pkcs11/README.md should have:\n{}", expected.join("\n"));
}

#[test]
fn information_is_filled_up_with_blanks_and_cut_between_characters() {
    let _fake = Fake::start();
    let _module = Module::new();
    let (mut info, mut slot, mut token) =
        (CK_INFO::default(), CK_SLOT_INFO::default(), CK_TOKEN_INFO::default());
    unsafe {
        assert_eq!(C_GetInfo(&raw mut info), CKR_OK);
        assert_eq!(C_GetSlotInfo(0, &raw mut slot), CKR_OK);
        assert_eq!(C_GetSlotInfo(1, &raw mut slot), CKR_SLOT_ID_INVALID);
        assert_eq!(C_GetTokenInfo(0, &raw mut token), CKR_OK);
    }
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
    assert_eq!(&info.manufacturerID, b"Claviger                        ");
    assert_eq!(slot.slotDescription[..63], [b'x'; 63]);
    assert_eq!(slot.slotDescription[63], b' ');
    assert_eq!((slot.firmwareVersion.major, slot.firmwareVersion.minor), (3, 4));
    assert_eq!(&token.label, b"label                           ");
    assert_eq!(&token.serialNumber, b"0123456789abcdef");
    assert_eq!(token.ulSessionCount, 12);
    assert_eq!(token.ulMinPinLen, 16);
    assert_eq!(token.ulFreePrivateMemory, CK_UNAVAILABLE_INFORMATION);
    assert_eq!(token.utcTime, [b' '; 16]);
}
