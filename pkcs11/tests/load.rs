//! The shared library itself: what it exports and needs, and that it comes and goes without a trace.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ffi::c_void;
use std::path::PathBuf;
use std::process::Command;
use std::ptr::null_mut;
use std::time::{Duration, Instant};

use claviger::c_api::table::FUNCTIONS;
use cryptoki_sys::*;
use libloading::{Library, Symbol};

use fake::Fake;

mod fake;

/// The library, which is built beside this test, or above it.
fn library() -> PathBuf {
    let beside = std::env::current_exe().unwrap().with_file_name("libclaviger.so");
    let above = beside.parent().unwrap().with_file_name("libclaviger.so");
    let found = [beside, above].into_iter().find(|library| library.exists());
    found.expect("libclaviger.so was not built")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).arg(library()).output().unwrap();
    assert!(output.status.success(), "{program} failed");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_library_exports_the_functions_of_the_standard_and_nothing_else() {
    let text = output("nm", &["-D", "--defined-only"]);
    let mut exported: Vec<_> = text.lines().filter_map(|line| line.split(' ').next_back()).collect();
    let mut expected: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
    exported.sort_unstable();
    expected.sort_unstable();
    assert_eq!(exported, expected);
}

#[test]
fn the_library_needs_only_the_c_library() {
    let text = output("readelf", &["--dynamic", "--wide"]);
    let needed: Vec<_> = text
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1))
        .collect();
    for name in &needed {
        let known = ["libc.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"];
        assert!(known.contains(name), "the library needs {name}");
    }
    assert!(needed.contains(&"libc.so.6"));
    assert!(!text.contains("NODELETE"));
}

/// An exit handler, a handler at `fork` or a thread would outlive `dlclose`; so it may not ask for one. The
/// linker's own `__cxa_finalize` is there in every shared library.
#[test]
fn the_library_asks_for_no_thread_and_no_handler() {
    let text = output("nm", &["-D", "--undefined-only"]);
    for line in text.lines() {
        let name = line.rsplit(' ').next().unwrap().split('@').next().unwrap();
        let forbidden =
            ["atexit", "__cxa_atexit", "on_exit", "pthread_atfork", "__register_atfork", "sigaction"];
        assert!(!forbidden.contains(&name), "the library uses {name}");
    }
}

struct Trace {
    maps: usize,
    files: usize,
    threads: usize,
    memory: usize,
}

fn trace() -> Trace {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    Trace {
        maps: maps.lines().filter(|line| line.contains("libclaviger.so")).count(),
        files: count("/proc/self/fd"),
        threads: count("/proc/self/task"),
        // SAFETY: only reads the allocator's books.
        memory: unsafe { libc::mallinfo2() }.uordblks,
    }
}

/// Loads, uses and unloads the library once.
fn cycle(library: &PathBuf) {
    // SAFETY: the functions have these types; the library runs no code of its own at start or end.
    unsafe {
        let library = Library::new(library).unwrap();
        let initialize: Symbol<'_, unsafe extern "C" fn(*mut c_void) -> CK_RV> =
            library.get(b"C_Initialize").unwrap();
        let finalize: Symbol<'_, unsafe extern "C" fn(*mut c_void) -> CK_RV> =
            library.get(b"C_Finalize").unwrap();
        let get_list: Symbol<'_, unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV> =
            library.get(b"C_GetFunctionList").unwrap();
        let mut list = null_mut();
        assert_eq!(get_list(&raw mut list), CKR_OK);
        assert_eq!(initialize(null_mut()), CKR_OK);
        let (mut count, mut session) = (0, 0);
        assert_eq!((*list).C_GetSlotList.unwrap()(CK_TRUE, null_mut(), &raw mut count), CKR_OK);
        let open = (*list).C_OpenSession.unwrap();
        assert_eq!(open(0, CKF_SERIAL_SESSION, null_mut(), None, &raw mut session), CKR_OK);
        assert_eq!(finalize(null_mut()), CKR_OK);
    }
}

/// In a process of its own, for the harness and other tests have threads and files too.
#[test]
fn a_thousand_loads_leave_no_trace() {
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_thousand_loads", "--include-ignored", "--test-threads=1"])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "a_thousand_loads_leave_no_trace runs it"]
fn a_thousand_loads() {
    let fake = Fake::start();
    let library = library();
    let settle = || fake.until(|state| state.open.load(std::sync::atomic::Ordering::SeqCst) == 0);
    for _ in 0..50 {
        cycle(&library);
    }
    settle();
    std::thread::sleep(Duration::from_millis(100));
    let before = trace();
    assert_eq!(before.maps, 0, "dlclose did not unmap the library");
    for _ in 0..1000 {
        cycle(&library);
    }
    settle();
    let start = Instant::now();
    let mut after = trace();
    // The fake daemon's own threads take a moment to end.
    while (after.files, after.threads) != (before.files, before.threads) {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{} files, {} threads",
            after.files,
            after.threads
        );
        std::thread::sleep(Duration::from_millis(10));
        after = trace();
    }
    assert_eq!(after.maps, 0);
    let grown = after.memory.saturating_sub(before.memory);
    assert!(grown < 256 << 10, "{grown} bytes were not freed");
}

/// A C program has not got Rust's habit of ignoring SIGPIPE.
#[test]
fn a_daemon_that_goes_sends_no_signal() {
    use fake::module::{Module, slots};
    let mut fake = Fake::start();
    // SAFETY: sets a disposition.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let _module = Module::new();
    assert!(slots().is_ok());
    fake.stop();
    assert_eq!(slots(), Err(CKR_DEVICE_REMOVED));
}
