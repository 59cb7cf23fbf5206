//! `fork`: nothing is inherited, nothing of the parent's is touched, and a child can start anew.
// Each call of a C function is the test's own business: what it passes is what the test is about.
#![allow(clippy::undocumented_unsafe_blocks)]

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use claviger::c_api::*;
use cryptoki_sys::*;

use fake::module::{Module, open_session, sign, sign_init, slots};
use fake::{Fake, lock};

mod fake;

/// Runs `child` in a child process; it says whether all was as it should be. A child that hangs is killed.
fn in_child(child: impl FnOnce() -> bool) -> bool {
    match unsafe { libc::fork() } {
        -1 => panic!("cannot fork"),
        0 => {
            // A child that waits for a lock of its parent's ends with a signal.
            unsafe { libc::alarm(20) };
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(false);
            unsafe { libc::_exit(i32::from(!good)) }
        }
        child => {
            let mut status = 0;
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            status == 0
        }
    }
}

#[test]
fn a_child_is_not_initialized() {
    let _fake = Fake::start();
    let module = Module::new();
    let session = module.signing();
    assert!(in_child(|| {
        slots() == Err(CKR_CRYPTOKI_NOT_INITIALIZED)
            && sign(session, b"x") == Err(CKR_CRYPTOKI_NOT_INITIALIZED)
            && unsafe { C_Finalize(null_mut()) } == CKR_CRYPTOKI_NOT_INITIALIZED
    }));
    assert!(sign(session, b"x").is_ok());
}

#[test]
fn a_child_that_initializes_works_and_the_parent_s_sessions_stay() {
    let fake = Fake::start();
    let module = Module::new();
    let session = module.signing();
    assert!(in_child(|| {
        let child = Module::new();
        let good = slots() == Ok(vec![0, 7])
            && sign(session, b"x") == Err(CKR_SESSION_HANDLE_INVALID)
            && sign(child.signing(), b"x").is_ok();
        drop(child);
        good && slots() == Err(CKR_CRYPTOKI_NOT_INITIALIZED)
    }));
    fake.until(|state| state.open.load(SeqCst) == 1);
    assert!(sign(session, b"x").is_ok());
    assert_eq!(fake.state.connected.load(SeqCst), 2);
}

#[test]
fn a_child_that_initializes_lets_go_of_the_parent_s_sockets() {
    let _fake = Fake::start();
    let _module = Module::new();
    slots().unwrap();
    let sockets = || {
        let names = std::fs::read_dir("/proc/self/fd").unwrap();
        let links = names.filter_map(|name| std::fs::read_link(name.ok()?.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
    };
    assert!(in_child(|| {
        let before = sockets();
        let child = Module::new();
        let after = sockets();
        drop(child);
        after + 1 == before
    }));
}

#[test]
fn a_child_closes_no_file_that_has_taken_a_socket_s_number() {
    let _fake = Fake::start();
    let _module = Module::new();
    slots().unwrap();
    assert!(in_child(|| {
        let file = std::fs::File::open("/dev/null").unwrap();
        for number in 3..256 {
            // A daemon that tidies up: every number now is this file.
            unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&file), number) };
        }
        let _child = Module::new();
        (3..256).all(|number| unsafe { libc::fcntl(number, libc::F_GETFD) } != -1)
    }));
}

#[test]
fn the_parent_s_end_is_seen_although_a_child_lives_on() {
    let fake = Fake::start();
    let module = Module::new();
    slots().unwrap();
    let child = unsafe { libc::fork() };
    assert_ne!(child, -1);
    if child == 0 {
        unsafe {
            libc::sleep(20);
            libc::_exit(0);
        }
    }
    drop(module);
    fake.until(|state| state.open.load(SeqCst) == 0);
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, null_mut(), 0);
    }
}

/// Threads are in the middle of calls, and of opening connections, at each fork.
#[test]
fn forks_among_busy_threads_leave_no_lock_held() {
    forks_among_threads(Duration::from_micros(200));
}

/// Threads wait for their turn, and hand it on, at each fork.
#[test]
fn forks_in_a_crowd_of_short_calls_leave_no_lock_held() {
    forks_among_threads(Duration::ZERO);
}

fn forks_among_threads(delay: Duration) {
    let fake = Fake::start();
    let module = Module::new();
    *lock(&fake.state.delay) = delay;
    let stop = AtomicBool::new(false);
    let sessions: Vec<_> = (0..6).map(|_| module.open_session()).collect();
    thread::scope(|scope| {
        for session in &sessions {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    assert_eq!(sign_init(*session), CKR_OK);
                    assert!(sign(*session, b"parent").is_ok());
                }
            });
        }
        for _ in 0..40 {
            assert!(in_child(|| {
                let child = Module::new();
                (0..3).all(|_| sign(child.signing(), b"child").is_ok())
            }));
        }
        stop.store(true, SeqCst);
    });
    for session in sessions {
        assert_eq!(unsafe { C_CloseSession(session) }, CKR_OK);
    }
}

#[test]
fn a_prefork_server_s_workers_each_start_anew() {
    let fake = Fake::start();
    let module = Module::new();
    let session = module.signing();
    let workers: Vec<_> = (0..8)
        .map(|_| match unsafe { libc::fork() } {
            0 => {
                let good = slots() == Err(CKR_CRYPTOKI_NOT_INITIALIZED);
                let worker = Module::new();
                let good = good && (0..50).all(|_| sign(worker.signing(), b"worker").is_ok());
                drop(worker);
                unsafe { libc::_exit(i32::from(!good)) }
            }
            worker => worker,
        })
        .collect();
    for worker in workers {
        let mut status = -1;
        assert_eq!(unsafe { libc::waitpid(worker, &raw mut status, 0) }, worker);
        assert_eq!(status, 0);
    }
    assert!(sign(session, b"x").is_ok());
    fake.until(|_| fake.sessions() == 1);
}

#[test]
fn a_grandchild_starts_anew_too() {
    let _fake = Fake::start();
    let _module = Module::new();
    slots().unwrap();
    assert!(in_child(|| {
        let _child = Module::new();
        slots().unwrap();
        in_child(|| {
            open_session() == Err(CKR_CRYPTOKI_NOT_INITIALIZED) && {
                let _grandchild = Module::new();
                open_session().is_ok()
            }
        }) && open_session().is_ok()
    }));
}
