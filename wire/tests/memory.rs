//! No decoder makes more memory than the message in front of it could need.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use samples::{codes, rows};
use targets::TARGETS;

mod samples;
#[path = "../../fuzz/targets.rs"]
mod targets;

/// The system's allocator, which keeps count for the thread.
struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    NOW.set(NOW.get() + bytes);
    MOST.set(MOST.get().max(NOW.get()));
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were in use at once while something ran.
fn most(run: impl FnOnce() -> bool) -> isize {
    let before = NOW.get();
    MOST.set(before);
    std::hint::black_box(run());
    MOST.get() - before
}

/// What a message of so many bytes may cost: the values that it holds, three times over for the targets decode
/// twice and encode once; and the room that one list of each depth makes on its claim alone.
fn allowed(len: usize) -> isize {
    (3 * 64 * len + (2 << 20)) as isize
}

/// Claims of every size at every place of every sample.
#[test]
fn a_claim_alone_makes_little_memory() {
    let claims: [&[u8]; 4] = [
        &[0x7f],
        &[0xff, 0x7f],
        &[0xff, 0xff, 0xff, 0x7f],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ];
    let mut tried = 0;
    for (name, bytes) in rows() {
        let body = if name.contains(" reply") { &bytes[8..] } else { bytes.as_slice() };
        let code = u16::from_str_radix(&name[..4], 16).unwrap_or_default().to_le_bytes();
        for at in 0..body.len() {
            for claim in claims {
                let bytes = [&body[..at], claim, &body[at + 1..]].concat();
                let reply = [&code, bytes.as_slice()].concat();
                for (target, run) in TARGETS {
                    let input = if target == "reply" { &reply } else { &bytes };
                    let most = most(|| run(input));
                    assert!(
                        most <= allowed(input.len()),
                        "{target} took {most} bytes for {input:02x?} ({name})"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 10_000);
}

/// The longest frames, all of one small thing.
#[test]
fn a_long_message_makes_no_more_than_its_length() {
    for byte in [0, 1, 2, 3, 5, 0x7f, 0x80, 0xff] {
        let filler = vec![byte; 1 << 20];
        for (target, run) in TARGETS {
            if target == "frame" {
                continue;
            }
            let most = most(|| run(&filler));
            assert!(most <= allowed(filler.len()), "{target} took {most} bytes for {byte:02x}…");
            for (code, name) in codes() {
                let input = [&code.to_le_bytes(), filler.as_slice()].concat();
                let most = self::most(|| run(&input));
                assert!(
                    most <= allowed(input.len()),
                    "{target} took {most} bytes for {name} and {byte:02x}…"
                );
            }
        }
    }
}
